"""What is sent to a host, as data: a command, who runs it, and the secrets in it.

Nothing here runs anything. A `Command` exists so that the plan can show it, the gate can hash it and a session can
send it without any of them building shell text of its own. Secrets are values that refuse to be printed, because the
easiest way to leak one is an f-string in an error message.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal

import msgspec

SH = ("/bin/sh",)
"""What reads a command's text where nothing else is said."""

MASK = "********"
"""What stands in every file and on every screen where a secret was."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that may be sent and never shown: `str`, `repr`, formatting and encoding all give the mask."""

    name: str
    """The parameter it came from; shown, so that the operator knows which secret is meant."""
    _value: str = field(repr=False)

    def reveal(self) -> str:
        """The value itself. Only `transport` calls this, on the way into a pipe."""
        return self._value

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK


class Become(msgspec.Struct, frozen=True, kw_only=True):
    """Run as somebody else, by sudo."""

    user: str = "root"
    method: Literal["sudo"] = "sudo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command on one host. Exactly one of `shell` and `argv` is set."""

    shell: str = ""
    """Text for `/bin/sh` (or `interpreter`), fed on standard input or from a file, never as a shell's argument."""
    argv: tuple[str, ...] = ()
    """A program and its arguments, started without a shell between."""
    stdin: bytes = b""
    """Bytes on the command's standard input; empty means /dev/null."""
    env: tuple[tuple[str, str | Secret], ...] = ()
    """Set inside our own script from standard input, so that no process list shows a value."""
    cwd: str = ""
    become: Become | None = None
    interpreter: tuple[str, ...] = SH
    secrets: tuple[Secret, ...] = ()
    """Every secret that occurs in any field above; the masker is built from these."""

    @property
    def digest(self) -> str:
        """SHA-256 over everything that decides the effect, secrets by name: what a gate confirms is what is sent."""
        argv = [self._named(argument) for argument in self.argv]
        env = [(key, value if isinstance(value, Secret) else self._named(value)) for key, value in self.env]
        stdin = self._named(self.stdin.decode("utf-8", "surrogateescape"))
        said = (self._named(self.shell), argv, stdin, env, self._named(self.cwd), self.become, self.interpreter)
        # The quoted form of values, so that no field can forge another's border; a secret's own form is its name.
        return hashlib.sha256(repr(said).encode()).hexdigest()

    def _named(self, text: str) -> str:
        """The text with the name of each secret in its place, the longest first: one may be part of another."""
        values = sorted(((secret.reveal(), secret.name) for secret in self.secrets), key=lambda pair: -len(pair[0]))
        for value, name in values:
            text = text.replace(value, f"\x1f{name}\x1f") if value else text
        return text
