"""The sections of a runbook as bars on the time axis and as sums: what was worked, waited, and is still ahead.

A bar turns double where the section is past its plan, and is thin while people were waited for. What is ahead is laid
behind what runs, one section after the other, as long as the plan says; where it says nothing, nothing is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from runbook.core.planned.plan import PlannedSection
from runbook.core.run import Run
from runbook.view.look.canvas import Canvas
from runbook.view.look.glyphs import Glyphs
from runbook.view.look.numbers import NOTICEABLE, aged, lasting, signed
from runbook.view.look.part import Part, Row
from runbook.view.sanitize import safe
from runbook.view.situation.axis import Axis
from runbook.view.situation.forecast import left_of, planned_seconds
from runbook.view.steps import elapsed, step_gates, step_status
from runbook.view.words import MARKS, Status


class Piece(msgspec.Struct, frozen=True):
    """A stretch of a section's time, in seconds since the run was opened."""

    start: float
    end: float
    kind: Literal["worked", "over", "waited", "ahead"]


class SectionStrip(msgspec.Struct, frozen=True, kw_only=True):
    """One section at one moment."""

    id: str
    name: str
    """Safe to show."""
    status: Status
    expected: float
    """Seconds planned; 0 where nobody said."""
    took: float | None
    """Seconds so far; None before it began."""
    pieces: tuple[Piece, ...] = ()

    @property
    def over(self) -> float:
        """Seconds longer than planned, negative when shorter; 0 where nobody planned, or while it still may be."""
        if not self.expected or self.took is None:
            return 0.0
        is_open = self.status not in {Status.OK, Status.FAILED, Status.SKIPPED, Status.IGNORED}
        return max(0.0, self.took - self.expected) if is_open else self.took - self.expected


def section_strips(run: Run, now: float) -> tuple[SectionStrip, ...]:
    """Every section that has steps, the closing steps too."""
    closing = PlannedSection(id="A", name="Always", steps=run.plan.always)
    rows: list[SectionStrip] = []
    reached = now
    for section in (*run.plan.sections, closing):
        if not section.steps:
            continue
        strip = _strip(run, section, now)
        if not run.has_ended and strip.status in {Status.PENDING, Status.RUNNING, Status.WAITING} and strip.expected:
            left = sum(left_of(run, planned, now) or 0.0 for planned in section.steps) or max(0.0, strip.expected)
            strip = msgspec.structs.replace(strip, pieces=(*strip.pieces, Piece(reached, reached + left, "ahead")))
            reached += left
        rows.append(strip)
    return tuple(rows)


def _strip(run: Run, section: PlannedSection, now: float) -> SectionStrip:
    states = [run.steps[planned.id] for planned in section.steps if planned.id in run.steps]
    entered = [state for state in states if state.entered_at is not None]
    expected = planned_seconds(section)
    statuses = [step_status(run, state) for state in states]
    times = [elapsed(state, now) or 0.0 for state in entered]
    start = min((state.entered_at or 0.0 for state in entered), default=0.0)
    spent = sum(times)
    return SectionStrip(
        id=section.id,
        name=safe(section.name),
        status=_status(statuses),
        expected=expected,
        took=spent if entered else None,
        pieces=tuple(_pieces(run, section, now, start + expected if expected else float("inf"))),
    )


def _status(statuses: list[Status]) -> Status:
    """A section runs while one of its steps does, or some are over and some are ahead; else its gravest step counts."""
    live = [one for one in statuses if one in {Status.WAITING, Status.RUNNING, Status.QUEUED}]
    if live:
        return Status.WAITING if Status.WAITING in live else Status.RUNNING
    over = [one for one in statuses if one is not Status.PENDING]
    if over and len(over) < len(statuses) and all(one in {Status.OK, Status.SKIPPED, Status.IGNORED} for one in over):
        return Status.RUNNING
    return min(over, key=lambda one: one.gravity, default=Status.PENDING)


def _pieces(run: Run, section: PlannedSection, now: float, planned_end: float) -> Iterator[Piece]:
    for planned in section.steps:
        state = run.steps.get(planned.id)
        if state is None or state.entered_at is None:
            continue
        end = state.entered_at + (elapsed(state, now) or 0.0)
        reached = state.entered_at
        for gate in step_gates(run, state.id):
            closed = now if gate.closed_at is None else gate.closed_at
            yield from _worked(reached, gate.opened_at, planned_end)
            yield Piece(max(reached, gate.opened_at), closed, "waited")
            reached = max(reached, closed)
        yield from _worked(reached, end, planned_end)


def _worked(start: float, end: float, planned_end: float) -> Iterator[Piece]:
    if start < min(end, planned_end):
        yield Piece(start, min(end, planned_end), "worked")
    if max(start, planned_end) < end:
        yield Piece(max(start, planned_end), end, "over")


# --- drawing ----------------------------------------------------------------------------------------------------------


def draw_section(canvas: Canvas, left: int, strip: SectionStrip, axis: Axis, glyphs: Glyphs) -> None:
    """Put its cells, the first cell of the axis at `left`. A live one ends in a head at now."""
    shapes = {"worked": glyphs.worked, "over": glyphs.over, "waited": glyphs.waited, "ahead": glyphs.ahead}
    work = "live" if strip.status is Status.RUNNING else "text"
    roles = {"worked": work, "over": "slip", "waited": "you", "ahead": "dim"}
    # What is ahead never covers what was, and work is laid over waiting where both share a cell.
    for piece in sorted(strip.pieces, key=lambda piece: ("ahead", "waited", "worked", "over").index(piece.kind)):
        for column in _columns(piece, axis):
            canvas.put(left + column, shapes[piece.kind], roles[piece.kind])
    done = [piece for piece in strip.pieces if piece.kind != "ahead"]
    if strip.status in {Status.RUNNING, Status.WAITING} and done:
        head = axis.column(done[-1].end)
        if 0 <= head < axis.cells:
            canvas.put(left + head, glyphs.head, "live", ("bold",))


def _columns(piece: Piece, axis: Axis) -> range:
    """The cells of a piece: at least one, and none that only its end touches."""
    first, last = axis.column(piece.start), axis.column(piece.end)
    ends = last if axis.span(last)[0] < piece.end and last > first else last - 1
    wanted = range(first, max(first, ends if piece.kind != "ahead" else last - 1) + 1)
    return range(max(0, wanted.start), min(axis.cells, wanted.stop))


def section_label(strip: SectionStrip) -> Row:
    """`4 Recover`, bold while it runs."""
    if strip.status in {Status.RUNNING, Status.WAITING}:
        return Part(strip.id, "dim"), Part(f" {strip.name}", "strong", ("bold",))
    return Part(strip.id, "dim"), Part(f" {strip.name}", "dim" if strip.status is Status.PENDING else "text")


def section_facts(strip: SectionStrip, glyphs: Glyphs, step: float = 1.0) -> Row:
    """`OK    4:51 of  2:00  +2:51`."""
    look = MARKS[strip.status]
    word = glyphs.pending if strip.status is Status.PENDING else look.word
    step = step if strip.status is Status.WAITING else 1.0
    plan = f"{lasting(strip.expected):>5}" if strip.expected else "     "
    if strip.took is None:
        return Part(f"{word:<5}", "dim"), Part(f"      {plan}", "dim")
    bold = strip.status is Status.RUNNING
    of = Part(f" of {plan}" if strip.expected else "", "dim")
    return (
        Part(word, look.role, look.attributes),
        Part(" " * (5 - len(word))),
        Part(f"{aged(strip.took, step):>5}", "strong" if bold else "text", ("bold",) if bold else ()),
        of,
        over_part(strip.over, width=7),
    )


def over_part(seconds: float, *, width: int = 6) -> Part:
    """A difference that is worth saying, in a column; longer is a slip, shorter is dim."""
    if abs(seconds) <= NOTICEABLE or seconds < 0:
        return Part(" " * width)
    return Part(f"{signed(seconds):>{width}}", "slip", ("bold",))
