"""One cell from several places: what each of them says, and all of them as its sources. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from runbook.handbook.facts import Origin
from runbook.handbook.model import Cell, Many, Stated, Unstated


def gathered(said: Iterable[tuple[Origin, str]], gap: Unstated) -> Cell:
    """What was found; the gap where nothing was."""
    found = tuple(said)
    if not found:
        return gap
    sources = dict.fromkeys(origin.source for origin, _ in found)
    return Stated(Many(tuple(dict.fromkeys(text for _, text in found))), tuple(sources))
