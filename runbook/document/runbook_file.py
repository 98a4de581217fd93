"""Reading a runbook's file: from a path to a `Runbook`, or to every problem of the file at once."""

from __future__ import annotations

from pathlib import Path

import msgspec

from runbook.core.written.runbook import Runbook
from runbook.document.fields import Reader
from runbook.document.source import MapNode, Source, parse_source, read_source
from runbook.document.step_file import SPECIAL
from runbook.problem import Problem, Problems


def read_runbook(path: Path) -> Runbook:
    """Read and type one file; nothing outside it is looked at.

    Raises:
        Problems: everything that is wrong in it, in reading order.
    """
    return from_source(read_source(path))


def parse_runbook(data: bytes, file: str) -> Runbook:
    """The same from bytes; `file` is the name that problems give.

    Raises:
        Problems: everything that is wrong in it, in reading order.
    """
    return from_source(parse_source(data, file))


def from_source(source: Source) -> Runbook:
    """The same from a document that was read already.

    Raises:
        Problems: everything that is wrong in it, in reading order.
    """
    root = source.root
    if not isinstance(root, MapNode):
        fix = "Begin with version: 1, kind, name, title and sections; docs/format.md has an example."
        raise Problems([Problem(what="not a runbook", fix=fix, where=root.where, code="not-a-runbook")])
    reader = Reader(SPECIAL)
    runbook = reader.struct(root, Runbook)
    if not isinstance(runbook, Runbook) or reader.problems:
        raise Problems(sorted(reader.problems, key=_reading_order))
    return msgspec.structs.replace(runbook, source=source.file, source_sha256=source.sha256)


def _reading_order(problem: Problem) -> tuple[int, int]:
    where = problem.where
    return (where.line, where.column) if where is not None else (0, 0)
