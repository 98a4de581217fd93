"""A document that a verb writes into a file: whole or not at all, and for its owner alone."""

from __future__ import annotations

import os
from pathlib import Path

from runbook.problem import Where, problem

PRIVATE = 0o600
"""Mode of the file."""
PUBLIC = 0o644
"""Mode of one that holds figures alone, for a collector that is somebody else."""


def write_whole(path: Path, text: str, noun: str, *, mode: int = PRIVATE) -> None:
    """Put it there whole or not at all; for its owner alone, as the record is, unless another mode is said.

    What is no plain file, such as a pipe or /dev/stdout, is written to and never replaced.

    Raises:
        Problems: It cannot be written.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")
        else:
            _replace(path.resolve(), text, mode)
    except OSError as wrong:
        why, fix = wrong.strerror or str(wrong), "Choose another file: -o FILE"
        what = f"the {noun} cannot be written"
        raise problem(what, why=why, fix=fix, where=Where(str(path)), code="unwritable") from wrong


def _replace(path: Path, text: str, mode: int) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        number = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
