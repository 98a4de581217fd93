"""What authors write for people, as rows. Looks only: what counts as a mark is decided by `view/prose.py`."""

from __future__ import annotations

from collections.abc import Iterable

from runbook.tui.widgets.rows import Part, Row
from runbook.view.prose import Look, prose

_LOOKS: dict[Look, tuple[str, tuple[str, ...]]] = {
    "plain": ("text", ()),
    "strong": ("text", ("bold",)),
    "code": ("live", ("bold",)),
    "heading": ("text", ("bold", "underline")),
    "address": ("dim", ()),
}


def prose_rows(lines: Iterable[str]) -> tuple[Row, ...]:
    """Safe lines as rows, line for line."""
    return tuple(tuple(Part(piece.text, *_LOOKS[piece.look]) for piece in line) or (Part(""),) for line in prose(lines))
