"""The tokens of ssh_config: `%h` and its relatives, `${VAR}` and `~`, where ssh leaves them to be filled in.

`ssh -G` fills in some of a configuration's tokens and prints the others as they were written; which ones differs
between versions. What comes out of here has none left. An unknown token, or a variable that is not set, is an error as
it is to ssh, and never a file with a strange name.
Source: ssh_config(5), TOKENS and ENVIRONMENT VARIABLES.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_TOKEN = re.compile(r"%(.)")
_VARIABLE = re.compile(r"\$\{([^}]*)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What the tokens stand for with one host."""

    original: str
    """The name as it was given, before HostName."""
    address: str
    port: int
    user: str
    alias: str
    """HostKeyAlias; empty where there is none."""
    jump: str

    def path(self, text: str) -> str:
        """A file's name with everything filled in.

        Raises:
            ValueError: It has a token that nobody knows, or a variable that is not set.
        """
        expanded = self.text(_VARIABLE.sub(_environment, text))
        return os.path.expanduser(expanded) if expanded.startswith("~") else expanded  # noqa: PTH111 - "" stays ""

    def text(self, text: str) -> str:
        """A command with its tokens filled in; its variables are the shell's.

        Raises:
            ValueError: It has a token that nobody knows.
        """
        return _TOKEN.sub(self._token, text) if "%" in text else text

    def _token(self, found: re.Match[str]) -> str:
        values = self._values()
        if found[1] not in values:
            raise ValueError(f"nothing is known of %{found[1]}")
        return values[found[1]]

    def _values(self) -> Mapping[str, str]:
        here = socket.gethostname()
        port = str(self.port)
        identity = f"{here}{self.address}{port}{self.user}{self.jump}"
        return {
            "%": "%",
            "C": hashlib.sha1(identity.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest(),
            "L": here.partition(".")[0],
            "d": str(Path.home()),
            "h": self.address,
            "i": str(os.getuid()),
            "j": self.jump,
            "k": self.alias or self.original,
            "l": here,
            "n": self.original,
            "p": port,
            "r": self.user,
            "u": getpass.getuser(),
        }


def _environment(found: re.Match[str]) -> str:
    value = os.environ.get(found[1])
    if value is None:
        raise ValueError(f"the environment has no {found[1]}")
    return value
