"""Reading a service's file: from a path to a `Service`, or to every problem of the file at once."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from runbook.core.written.service import Service
from runbook.document.fields import Reader
from runbook.document.source import MapNode, Source, parse_source, read_source
from runbook.document.step_file import SPECIAL
from runbook.problem import Problem, Problems


def read_service(path: Path) -> Service:
    """Read and type one file; nothing outside it is looked at.

    Raises:
        Problems: Everything that is wrong in it, in reading order.
    """
    return _from(read_source(path))


def parse_service(data: bytes, file: str) -> Service:
    """The same from bytes; `file` is the name that problems give.

    Raises:
        Problems: Everything that is wrong in it.
    """
    return _from(parse_source(data, file))


def _from(source: Source) -> Service:
    root = source.root
    if not isinstance(root, MapNode):
        fix = "Begin with name, owner and tier; docs/services.md has an example."
        raise Problems([Problem(what="not a service", fix=fix, where=root.where, code="not-a-service")])
    reader = Reader(SPECIAL)
    service = reader.struct(root, Service)
    if not isinstance(service, Service) or reader.problems:
        raise Problems(reader.problems)
    return replace(service, source=source.file)
