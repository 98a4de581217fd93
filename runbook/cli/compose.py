"""Where parts are joined: the one place in the command line that knows how a workspace, its secrets and a watcher fit.

Verbs parse, call and render; what two of them need in the same way is here. What only some of them need is imported by
the function that needs it, because `runbook check` in a save hook pays for every import at the top of this file.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from runbook.problem import problem
from runbook.workspace.settings import Settings, read_settings

if TYPE_CHECKING:
    from runbook.core.host import Host
    from runbook.record.store import Store
    from runbook.workspace.local import LocalWorkspace

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

SECRET_COMMAND_LIMIT = 30
"""Seconds that a `command:` secret source may take."""


def settings(recordings: str = "") -> Settings:
    """The workspace around the operator."""
    return read_settings(Path.cwd(), recordings=recordings)


def workspace(via: str, recordings: str = "") -> LocalWorkspace:
    """The workspace, with secrets read as the runbooks say."""
    from runbook.workspace.local import LocalWorkspace  # noqa: PLC0415 - brings asyncio and the record along

    if via in {"screen", "scheduler"}:
        return LocalWorkspace(settings(recordings), secret=_unasked, via=via)
    return LocalWorkspace(settings(recordings), secret=read_secret, unlock=_passphrases, via=via)


async def _passphrases(hosts: Sequence[Host]) -> Mapping[str, str]:
    from runbook.cli.beginning.passphrases import ask_for_passphrases  # noqa: PLC0415 - only where a run begins

    return await ask_for_passphrases(hosts)


def store(recordings: str = "") -> Store:
    """The records of the workspace, for a verb that needs no more of it."""
    from runbook.record.address import open_store  # noqa: PLC0415 - `check` reads no record

    return open_store(str(settings(recordings).recordings))


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, for a verb that is not one."""
    import asyncio  # noqa: PLC0415 - a fifth of what `check` may take

    return asyncio.run(work)


def read_secret(name: str, source: str) -> str:
    """A secret from `env:NAME`, `file:PATH`, `command:TEXT` or `prompt`; never from an argument.

    Raises:
        Problems: The source has nothing, or nothing but an empty value; or nobody is there to be asked.
    """
    value = _read(name, source)
    if not value:
        raise _empty_secret(name, source)
    return value


def _read(name: str, source: str) -> str:
    kind, _, rest = source.partition(":")
    match kind:
        case "env" if rest in os.environ:
            return os.environ[rest]
        case "env":
            raise _no_secret(name, f"the environment has no {rest}", f"Set it: export {rest}=...")
        case "file":
            return _from_file(name, Path(rest).expanduser())
        case "command":
            return _from_command(name, rest)
        case _ if sys.stdin.isatty():
            import getpass  # noqa: PLC0415 - only where a person is asked

            return getpass.getpass(f"{name} (not shown, not recorded): ")
        case _:
            raise _no_secret(name, "there is no terminal to ask on", 'Give it another source: from: "env:NAME"')


def _unasked(name: str, source: str) -> str:
    """As `read_secret`, for those who ask nobody: the screen, which owns the terminal, and the scheduler."""
    if source.partition(":")[0] in {"env", "file", "command"}:
        return read_secret(name, source)
    fix = "Type it into its field, start it with `runbook run`, or give it another source."
    raise _no_secret(name, "nobody was asked for it, or nothing was typed into the form", fix)


def _from_file(name: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\n")
    except (OSError, UnicodeDecodeError) as wrong:
        raise _no_secret(name, f"{path} cannot be read ({wrong})", "Check the path and its permissions.") from wrong


def _from_command(name: str, text: str) -> str:
    import subprocess  # noqa: PLC0415 - only where a secret comes from a program

    try:
        done = subprocess.run(
            ["/bin/sh", "-c", text], check=True, capture_output=True, text=True, timeout=SECRET_COMMAND_LIMIT
        )
    except (OSError, subprocess.SubprocessError) as wrong:
        raise _no_secret(name, f"its command failed ({type(wrong).__name__})", f"Try it by hand: {text}") from wrong
    return done.stdout.rstrip("\n")


def _no_secret(name: str, why: str, fix: str) -> Exception:
    return problem(f'no value for the secret "{name}"', why=why, fix=fix, code="no-secret")


def _empty_secret(name: str, source: str) -> Exception:
    """With an empty password a login may even succeed, somewhere it should not: nobody means one."""
    kind, _, rest = source.partition(":")
    why, fix = {
        "env": (f"{rest} is set in the environment, to nothing", f"Set it: export {rest}=..."),
        "file": (f"{rest} is empty", f"Write the secret into it, and look: wc -c {shlex.quote(rest)}"),
        "command": ("its command succeeded and printed nothing", f"Try it by hand: {rest}"),
    }.get(kind, ("nothing was typed", "Type it where it is asked for; it is not shown while you do."))
    return problem(f'the secret "{name}" comes out empty', why=why, fix=fix, code="empty-secret")


def given(words: tuple[str, ...]) -> dict[str, str]:
    """`-p name=value` as a mapping.

    Raises:
        Problems: One has no equals sign.
    """
    return pairs(words, "parameter")


def pairs(words: tuple[str, ...], noun: str) -> dict[str, str]:
    """`name=value` many times as a mapping; `noun` is what a name stands for.

    Raises:
        Problems: One has no equals sign.
    """
    wrong = next((word for word in words if "=" not in word), None)
    if wrong is not None:
        raise problem(f'"{wrong}" is no {noun}', fix="Write it as name=value.", code=f"bad-{noun}")
    return dict(word.split("=", 1) for word in words)


# --- options that several verbs take ----------------------------------------------------------------------------------


def parameter_option(verb: F) -> F:
    """`-p`, many times."""
    return click.option("-p", "--param", "params", multiple=True, metavar="NAME=VALUE", help="A parameter.")(verb)


def recordings_option(verb: F) -> F:
    """`--recordings`."""
    return click.option("--recordings", default="", help="Where records lie; default: the workspace's.")(verb)


def json_option(verb: F) -> F:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Data on standard output, for machines.")(verb)


def operator_option(verb: F) -> F:
    """`--operator`, for those who may not read the record that says whose run it is."""
    text = "Whose run it is, where you may not read its record: a login name or a uid."
    return click.option("--operator", default="", metavar="NAME", help=text)(verb)
