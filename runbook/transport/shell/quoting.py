"""From a `Command` to the text that a `/bin/sh` on the host reads from its standard input.

The login shell may be bash, fish or csh, and whatever it prints first is not ours. So the exec string is a
constant without quotes or user data, everything that varies is fed to the `/bin/sh` behind it, and a marker
that nobody can guess says where our output begins. One script is one compound command: the shell has read it
whole before it runs any of it, because some shells read ahead on standard input and would swallow what the
command was meant to read. What follows on standard input is therefore sent only when the marker has come
back. Whoever becomes somebody else has such a shell already (`sudo.py`).

This file builds text and never runs it.
"""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from runbook.core.planned.command import Command, Secret
from runbook.problem import Exit, Problem, Problems

EXEC = "exec /bin/sh"
"""What the login shell is asked to run.

Valid in every shell that people log in with, csh and fish included.
"""

COOKIE = "RUNBOOK_JOB"
"""Environment variable by which processes of a command are found again, also after they left its session."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_SH = ("/bin/sh",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What starts a command, and the sign that the shell has begun to run it."""

    text: bytes
    marker: bytes
    """Comes on standard output, followed by the shell's process id and a newline; on standard error too, so that noise
    before it is dropped there as well."""


def fresh_nonce() -> str:
    """96 unguessable bits as letters and digits.

    Chance that no fold ever sees: it only tells our bytes from others'.
    """
    return secrets.token_hex(12)


def quote(text: str) -> str:
    """Quote for POSIX sh.

    Raises:
        Problems: The text holds a NUL character, which no shell and no process can carry.
    """
    if "\0" in text:
        raise _unusable("a value holds a NUL character", "Send binary data on standard input or as a file.")
    return shlex.quote(text)


def script_of(command: Command, *, nonce: str, cookie: str = "", commit: str = "") -> Script:
    """The script that starts a command, in a shell of whoever it becomes.

    Args:
        command: What to run.
        nonce: Unguessable ASCII letters and digits, new for each start.
        cookie: ASCII letters and digits that the command's processes carry; the nonce where it is empty.
        commit: A file without which the command must not begin, and which nobody may have made before; empty for none.

    Raises:
        Problems: The command cannot be said in a shell: a bad variable name, a NUL, or neither text nor arguments.
    """
    lines = [_environment(command, cookie or nonce), _folder(command.cwd), _start(command, nonce)]
    # In front of the marker: without the commit the command was never begun.
    first = f"set -C; : >{quote(commit)} || exit; set +C" if commit else ""
    # The halves are joined by printf only when the script runs: a shell or a forced command that echoes
    # its input back never shows the marker itself.
    halves = f"'{nonce[:4]}' '{nonce[4:]}'"
    marks = (f"printf '%s%s:%s\\n' {halves} \"$$\"", f"printf '%s%s:\\n' {halves} >&2")
    text = "\n".join(["{", *(line for line in (first, *marks, *lines) if line), "exit", "}", ""])
    return Script(text=_encode(text), marker=f"{nonce}:".encode())


def framed_script(command: Command, *, nonce: str) -> str:
    """The script of a command for a shell that a worker starts: tells its process id on descriptor 8, then becomes it.

    Raises:
        Problems: See `script_of`.
    """
    exported = _exports(command.env)
    lines = ["{ echo $$ >&8; exec 8>&-", exported, _folder(command.cwd), _with_input(command, nonce), "exit", "}"]
    return "\n".join(line for line in lines if line)


def _with_input(command: Command, nonce: str) -> str:
    """Standard input is the script itself here, so the command's input is carried in the text."""
    body = _body(command, nonce)
    if not command.stdin:
        return f"exec </dev/null\n{body}"
    if command.stdin.endswith(b"\n") and b"\0" not in command.stdin and nonce.encode() not in command.stdin:
        return f"(\n{body}\n) <<'{nonce}'\n{command.stdin.decode('utf-8', 'surrogateescape')}{nonce}"
    # Octal for everything but letters and digits: a here-document cannot hold a NUL, nor end without a newline.
    data = "".join(
        chr(byte) if chr(byte).isascii() and chr(byte).isalnum() else f"\\{byte:03o}" for byte in command.stdin
    )
    return f"printf '{data}' | (\n{body}\n)"


def _environment(command: Command, cookie: str) -> str:
    return _exports(((COOKIE, cookie), *command.env))


def _exports(pairs: Sequence[tuple[str, str | Secret]]) -> str:
    for name, _ in pairs:
        if not _NAME.match(name):
            raise _unusable(f'"{name}" is not a name for an environment variable', "Use letters, digits and _.")
    values = [(name, value.reveal() if isinstance(value, Secret) else value) for name, value in pairs]
    return " ".join(["export", *(f"{name}={quote(value)}" for name, value in values)]) if values else ""


def _folder(cwd: str) -> str:
    if not cwd:
        return ""
    # A leading "-" would be an option or the previous folder; CDPATH would make cd look elsewhere and print.
    path = f"./{cwd}" if cwd.startswith("-") else cwd
    return f"CDPATH= cd {quote(path)} || exit"


def _start(command: Command, nonce: str) -> str:
    return ("" if command.stdin else "exec </dev/null\n") + _body(command, nonce)


def _body(command: Command, nonce: str) -> str:
    if command.argv:
        return "exec " + " ".join(quote(part) for part in command.argv)
    if not command.shell:
        raise _unusable("the command has neither text nor arguments", "Give one of them.")
    if command.interpreter == _SH:
        # Evaluated by the shell that is already running: nothing shows in a process list, nothing is forked.
        return f"eval {quote(command.shell)}"
    program = " ".join(quote(part) for part in command.interpreter)
    quote(command.shell)
    # From a numbered descriptor, because standard input belongs to the command.
    return f"exec {program} /dev/fd/9 9<<'{nonce}'\n{command.shell}\n{nonce}"


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _unusable(what: str, fix: str) -> Problems:
    return Problems([Problem(what=what, fix=fix, code="unsendable-command", exit=Exit.USAGE)])
