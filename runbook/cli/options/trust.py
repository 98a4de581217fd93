"""Options that say whom a verifier believes: paths that came from elsewhere, or the workspace's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from runbook.problem import problem
from runbook.record.checking.roots import Roots
from runbook.record.sealing.signing import Trust
from runbook.workspace.settings import TrustSettings

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    ("--allowed-signers", "FILE", "Whom you believe: from elsewhere, not from here."),
    ("--revoked", "FILE", "Keys that count no more."),
    ("--checkpoint", "FILE", "The ledger's last checkpoint that you know of."),
    ("--authority", "FILE", "Certificates of the authority for time, in PEM."),
)


def trust_options(verb: F) -> F:
    """All of them; they arrive under the names of `TrustSettings`."""
    for name, metavar, text in reversed(_OPTIONS):
        verb = click.option(name, default="", metavar=metavar, help=text)(verb)
    return verb


def roots(known: TrustSettings, given: TrustSettings, ledger: str = "") -> Roots:
    """What is believed: what was given, else what the workspace says.

    Raises:
        Problems: `no-root` where a file is not there; nothing is verified against what one thinks one has.
    """
    said = {name: getattr(given, name) or getattr(known, name) for name in given.__struct_fields__}
    for path in (*said.values(), ledger):
        if path and not Path(path).exists():
            raise problem(f"{path} is not there", fix="Name the file that you were given.", code="no-root")
    trust = Trust(signers=said["allowed_signers"], revoked=said["revoked"])
    return Roots(trust=trust, checkpoint=said["checkpoint"], authority=said["authority"], ledger=ledger)
