"""How runs of a runbook came out, one word and one row of cells: what a list shows where a report would show a page.

Height is badness here too: up to the limit a cell is low, beyond it tall, so the shape alone tells met from missed.
"""

from __future__ import annotations

from collections.abc import Iterable

from runbook.view.look.glyphs import Glyphs
from runbook.view.look.numbers import lasting
from runbook.view.look.part import Part, Row

_BELOW = 5
"""Levels up to the limit; two more are beyond it."""
LONGEST = 8


def verdict_parts(verdict: str, objective: str, seconds: float | None) -> Row:
    """`MET 24:10`, `MISSED 31:04`, `FAILED`, `UNPROVEN`, `DONE`, as pieces; never a raw token."""
    time = f" {lasting(seconds):>6}" if seconds is not None else ""
    if verdict in {"failed", "aborted", "damaged"}:
        return (Part(verdict.upper(), "bad", ("bold",)),)
    if verdict == "interrupted":
        return (Part("LOST", "bad", ("bold",)),)
    if verdict == "live":
        return (Part("RUNNING", "live", ("bold",)),)
    if objective == "missed":
        return (Part(f"MISSED{time}", "bad", ("bold",)),)
    if objective == "met":
        return Part("MET   ", "ok"), Part(time, "ok")
    if objective == "not_measured":
        return (Part("UNPROVEN", "unk", ("bold",)),)
    return (Part("DONE" if verdict == "completed" else "DEVIATED", "text" if verdict == "completed" else "slip"),)


def trend_parts(took: Iterable[tuple[float | None, float | None]], glyphs: Glyphs) -> Row:
    """A cell for each run, the oldest first: what it took and what was promised."""
    return tuple(_cell(seconds, promised, glyphs) for seconds, promised in list(took)[-LONGEST:])


def _cell(seconds: float | None, promised: float | None, glyphs: Glyphs) -> Part:
    if seconds is None or not promised:
        return Part(glyphs.pending, "dim")
    share = seconds / promised
    if share > 1:
        return Part(glyphs.levels[-1] if share > 2 else glyphs.levels[-2], "bad")  # noqa: PLR2004 - twice as long
    return Part(glyphs.levels[min(_BELOW - 1, int(share * _BELOW))], "ok")
