"""An answer with a signature: made here with one key, or anywhere else with `ssh-keygen -Y sign` over a text.

The text comes from the runner, so whoever signs needs no access to the record. Where it is signed elsewhere, text and
signature come back as two files, and who sends them does not matter: the signer is who approved.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click
from msgspec.structs import replace

from runbook.core.intent import AnswerGate, Intent
from runbook.core.proof import Proof
from runbook.engine.clock import chance_hex
from runbook.problem import Where, problem
from runbook.record.sealing.signing import APPROVE, sign
from runbook.talk.messages import Look
from runbook.view.sanitize import safe
from runbook.workspace.local import LocalWorkspace

F = TypeVar("F", bound=Callable[..., Any])

_NONCE = 16
"""Bytes."""


@dataclass(frozen=True, slots=True)
class Signing:
    """How an answer is signed; not at all where nothing of it is set."""

    sign: bool = False
    key: str = ""
    text: bool = False
    """Print what is to be signed, and answer nothing."""
    signed: str = ""
    """A text that was signed elsewhere; its signature lies beside it as `.sig`."""
    hours: float = 1.0
    """For so long a text counts."""


def signing_options(verb: F) -> F:
    """Options of `approve`."""
    for option in reversed((
        click.option("--sign", is_flag=True, help="Sign the answer, with --key or the workspace's own key."),
        click.option("--key", default="", metavar="KEY", help="What signs, as ssh-keygen -f takes it."),
        click.option("--text", is_flag=True, help="Print what is to be signed elsewhere, and answer nothing."),
        click.option("--signed", default="", metavar="FILE", help="A text that was signed elsewhere, with FILE.sig."),
        click.option("--hours", default=1.0, help="How long the text counts.", show_default=True),
    )):  # fmt: skip
        verb = option(verb)
    return verb


def proven(place: LocalWorkspace, look: Look, intent: Intent, how: Signing) -> Intent | None:
    """The answer with its proof; None where only the text was wanted, which is printed.

    Raises:
        Problems: `key-unusable`, `no-signature`, `unsigned-gate`.
    """
    if not (how.sign or how.text or how.signed) or not isinstance(intent, AnswerGate):
        return intent
    if how.signed:
        return replace(intent, proof=_brought(Path(how.signed)))
    text = _text(place, look, intent, how.hours)
    if how.text:
        click.echo(text, nl=False)
        return None
    signature = sign(how.key or place.settings.seal.key, APPROVE, text.encode())
    return replace(intent, proof=Proof(text=text, signature=signature.decode()))


def signing_lines(look: Look, gate: str, options: Sequence[str] = ()) -> tuple[str, ...]:
    """How a gate that asks for a signature is answered; nothing for any other."""
    if gate not in look.asks:
        return ()
    start = safe(shlex.join(("runbook", "approve", look.run, *options, "--gate", gate)))
    return (
        "a yes has to be signed: add --sign, and --key KEY where it is not the workspace's",
        f"sign it elsewhere: {start} --text > FILE",
        f"    ssh-keygen -Y sign -f KEY -n {APPROVE} FILE",
        f"    {start} --signed FILE",
    )


def _text(place: LocalWorkspace, look: Look, intent: AnswerGate, hours: float) -> str:
    asked = look.asks.get(intent.gate)
    if asked is None:
        raise problem(f"gate {intent.gate} asks for no signature", fix="Answer it without one.", code="unsigned-gate")
    until = datetime.fromisoformat(place.wall()) + timedelta(hours=hours)
    expires = until.isoformat(timespec="seconds").replace("+00:00", "Z")
    return replace(asked, answer=intent.answer, expires=expires, nonce=chance_hex(_NONCE)).text


def _brought(path: Path) -> Proof:
    try:
        signature = path.with_name(f"{path.name}.sig").read_text(encoding="utf-8")
        return Proof(text=path.read_text(encoding="utf-8"), signature=signature)
    except (OSError, UnicodeDecodeError) as error:
        raise problem(
            "the signed text cannot be read",
            why=str(error),
            fix=f"Sign it with: ssh-keygen -Y sign -f KEY -n {APPROVE} {path}",
            where=Where(str(path)),
            code="no-signature",
        ) from error
