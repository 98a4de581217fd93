"""An approval that is a signature: the text that somebody signs, and who it turned out to be.

The text names the run, the gate, what the gate lets through, and the line of the journal with which the gate was
opened, by its hash. So it counts for no other run, no other gate and no earlier moment, and whoever signs it needs
neither this program nor the record. A text is made of lines for people; this file writes and reads them, and refuses to
know how anything is signed.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

Demand = Literal["", "required", "fido"]
"""What is asked of a signature: nothing, that it is there, or that somebody touched a token for it."""


class Proof(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A signed answer. A client sends text and signature; who it was, only the runner says."""

    text: str
    signature: str
    principal: str = ""
    """By the file of signers that the runner believes."""
    key: str = ""
    """Fingerprint."""
    touched: bool | None = None
    """Somebody touched a token; None for keys that are none."""
    pin_given: bool | None = None


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """What a text says."""

    run: str
    gate: str
    plan: str
    """SHA-256 of the plan that was confirmed."""
    shown: str
    """The digest of what the gate lets through; `-` where it lets nothing through."""
    line: int
    """Of the journal, 1-based: the one that opened the gate."""
    head: str
    """SHA-256 of that line."""
    answer: str
    expires: str
    """Wall time, ISO 8601 UTC, by which it has to be there."""
    nonce: str

    @property
    def text(self) -> str:
        """What is signed, line feeds included."""
        said = msgspec.to_builtins(self)
        return "runbook approval\n" + "".join(f"{name}: {said[name]}\n" for name in self.__struct_fields__)

    def is_about(self, other: Approval) -> bool:
        """True when both speak of the same question at the same moment, whatever the answer."""
        mine, theirs = (msgspec.structs.replace(one, answer="", expires="", nonce="") for one in (self, other))
        return mine == theirs


_TEXT = re.compile(
    r"runbook approval\nrun: (\S+)\ngate: (\S+)\nplan: ([0-9a-f]{64})\nshown: ([0-9a-f]{64}|-)\nline: ([0-9]{1,12})\n"
    r"head: ([0-9a-f]{64})\nanswer: ([a-z_]+)\nexpires: ([0-9TZ:.+-]+)\nnonce: ([0-9a-f]{16,64})\n"
)


def read_approval(text: str) -> Approval:
    """From its text.

    Raises:
        ValueError: It is none.
    """
    found = _TEXT.fullmatch(text)
    if found is None:
        raise ValueError("it does not have the form of an approval")
    said = dict(zip(Approval.__struct_fields__, found.groups(), strict=True))
    return msgspec.convert({**said, "line": int(said["line"])}, Approval)
