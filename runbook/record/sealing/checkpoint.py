"""The head of a run that goes on, signed: whoever cuts the record behind it, or makes it anew, has this against them.

A checkpoint is four lines of text that say of which run, how many lines, and the hash of the last. Its worth is that it
may lie elsewhere; in the record it at least pins what the key's holder cannot make anew. It is made beside the run and
never waited for.
"""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from runbook.record.files.disk import make_private_folder, write_new_file
from runbook.record.sealing.manifest import CHECKPOINTS
from runbook.record.sealing.signing import CHECKPOINT, sign

_TEXT = re.compile(r"runbook record ([A-Za-z0-9][A-Za-z0-9._-]*)\n([0-9]{1,12})\n([0-9a-f]{64})\n([0-9TZ:.-]*)\n")
NAME = re.compile(rf"{CHECKPOINTS}/([0-9]{{1,12}})\.txt")


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """How far a record had come."""

    run: str
    lines: int
    head: str
    """SHA-256 of the last of them."""
    wall: str

    @property
    def text(self) -> bytes:
        """What is signed."""
        return f"runbook record {self.run}\n{self.lines}\n{self.head}\n{self.wall}\n".encode()


def read_checkpoint(data: bytes) -> Checkpoint:
    """From its text.

    Raises:
        ValueError: It is none.
    """
    found = _TEXT.fullmatch(data.decode("ascii"))
    if found is None:
        raise ValueError("it does not have the form of a checkpoint")
    return Checkpoint(run=found[1], lines=int(found[2]), head=found[3], wall=found[4])


def put_checkpoint(folder: Path, checkpoint: Checkpoint, key: str) -> None:
    """Sign it and put it into the record.

    Raises:
        OSError: What the system said.
        Problems: `key-unusable`.
    """
    signature = sign(key, CHECKPOINT, checkpoint.text)
    place = folder / CHECKPOINTS
    make_private_folder(place)
    write_new_file(place / f"{checkpoint.lines}.txt", checkpoint.text)
    write_new_file(place / f"{checkpoint.lines}.txt.sig", signature)
