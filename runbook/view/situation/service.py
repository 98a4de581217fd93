"""Whether the service is there, as strips of time: an outage and its end are seen before a word is read.

One strip for each continuous probe and one for the canary. A cell is as high as the share of its time that was bad, and
nothing bad is rounded away. Time in which nobody asked is no good time and is shown as not known.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from runbook.core.run import Run, Stretch
from runbook.view.look.glyphs import Glyphs
from runbook.view.look.numbers import aged, lasting
from runbook.view.look.part import Part, Row
from runbook.view.sanitize import safe
from runbook.view.situation.axis import Axis

_PATIENCE = 3
"""Sampling intervals without an answer from which a probe is not known."""


class Span(msgspec.Struct, frozen=True):
    """A stretch of time, in seconds since the run was opened."""

    start: float
    end: float
    state: Literal["good", "bad", "unknown"]


class Strip(msgspec.Struct, frozen=True, kw_only=True):
    """One probe, or the canary, up to one moment."""

    name: str
    """Safe to show."""
    spans: tuple[Span, ...]
    """In order and without gaps, from the first sample on."""
    lost_at: tuple[float, ...] = ()
    """When writes were made that could not be read afterwards."""
    remark: str = ""
    is_canary: bool = False

    @property
    def word(self) -> Literal["OK", "DOWN", "UNK"]:
        """How it is now."""
        if not self.spans or self.spans[-1].state == "unknown":
            return "UNK"
        return "DOWN" if self.spans[-1].state == "bad" else "OK"

    @property
    def since(self) -> float:
        """`at` from which it has been so."""
        return self.spans[-1].start if self.spans else 0.0

    @property
    def worst(self) -> float:
        """Seconds of the longest time that it was down."""
        return max((span.end - span.start for span in self.spans if span.state == "bad"), default=0.0)


def strips(run: Run, now: float) -> tuple[Strip, ...]:
    """Every continuous probe in the order of the file, then the canary."""
    found = [
        _strip(safe(probe.name), run.probes[probe.name].stretches, probe.every, probe.timeout, _until(run, now))
        for probe in run.plan.probes
        if probe.every and probe.name in run.probes
    ]
    return (*found, *_canary(run, _until(run, now)))


def _until(run: Run, now: float) -> float:
    return run.now if run.has_ended else now


def _canary(run: Run, now: float) -> Iterator[Strip]:
    planned, state = run.plan.canary, run.canary
    if planned is None or not state.stretches:
        return
    strip = _strip("canary", state.stretches, planned.every, planned.timeout, now)
    lost = sum(loss.lost for loss in state.losses)
    remark = f"{lost} lost" if lost else strip.remark
    at = tuple(loss.first_lost_at for loss in state.losses if loss.lost)
    yield msgspec.structs.replace(strip, lost_at=at, remark=remark, is_canary=True)


def _strip(name: str, stretches: tuple[Stretch, ...], every: float, timeout: float, now: float) -> Strip:
    if not stretches:
        return Strip(name=name, spans=(), remark="not asked yet")
    spans = tuple(_merged(_spans(stretches, _PATIENCE * every + timeout, now)))
    strip = Strip(name=name, spans=spans)
    worst = strip.worst
    remark = "no answer" if strip.word == "UNK" else f"down {lasting(worst)}" if worst and strip.word == "OK" else ""
    return msgspec.structs.replace(strip, remark=remark)


def _spans(stretches: tuple[Stretch, ...], patience: float, now: float) -> Iterator[Span]:
    """A stretch lasts until the next sample tells otherwise, but no longer than an answer can be waited for."""
    ends = [*(after.first_known for after in stretches[1:]), now]
    for stretch, end in zip(stretches, ends, strict=True):
        known = end if end - stretch.last_known <= patience else stretch.last_known
        yield Span(stretch.first_known, known, "good" if stretch.ok else "bad")
        if known < end:
            yield Span(known, end, "unknown")


def _merged(spans: Iterator[Span]) -> Iterator[Span]:
    """Neighbours in the same state are one: a runner that was away between two bad answers ended no outage."""
    last: Span | None = None
    for span in spans:
        if last is not None and last.state == span.state:
            last = Span(last.start, span.end, span.state)
            continue
        if last is not None:
            yield last
        last = span
    if last is not None:
        yield last


# --- drawing ----------------------------------------------------------------------------------------------------------


def strip_cells(strip: Strip, axis: Axis, glyphs: Glyphs) -> tuple[tuple[int, Part], ...]:
    """The cells of a strip with their columns."""
    lost = {axis.column(at) for at in strip.lost_at}
    first, last = (axis.column(strip.spans[0].start), axis.column(strip.spans[-1].end)) if strip.spans else (0, -1)
    columns = range(max(0, first), min(axis.cells - 1, last) + 1)
    return tuple(
        (column, Part(glyphs.lost, "bad", ("pill",)) if column in lost else _cell(strip, axis, column, glyphs))
        for column in columns
    )


def _cell(strip: Strip, axis: Axis, column: int, glyphs: Glyphs) -> Part:
    start, end = axis.span(column)
    held = {"good": 0.0, "bad": 0.0, "unknown": 0.0}
    for span in strip.spans:
        held[span.state] += max(0.0, min(end, span.end) - max(start, span.start))
    known = held["good"] + held["bad"]
    if held["bad"]:
        return Part(glyphs.cell(held["bad"] / known), "bad")
    return Part(glyphs.unknown, "unk") if held["unknown"] > known else Part(glyphs.good, "ok")


def strip_facts(strip: Strip, now: float, *, remark: bool, step: float = 1.0) -> Row:
    """`DOWN 17:19`, `OK    9:20  down 7:59`."""
    for_how_long = f"{aged(now - strip.since, step):>5}" if strip.spans else "     "
    said = (Part(f"  {strip.remark}", "dim"),) if remark and strip.remark else ()
    match strip.word:
        case "DOWN":
            return Part("DOWN", "bad", ("pill", "bold")), Part(f" {for_how_long}"), *said
        case "UNK":
            return Part("UNK", "unk", ("bold",)), Part(f"  {for_how_long}"), *said
        case _:
            return Part("OK", "ok"), Part(f"   {for_how_long}"), *said


def most_wanted(found: tuple[Strip, ...], rows: int) -> tuple[tuple[Strip, ...], int]:
    """The strips for so many rows, in their order, and how many are left out: those that are and were good go first."""
    if len(found) <= rows:
        return found, 0
    ranked = sorted(found, key=_rank)[:rows]
    return tuple(strip for strip in found if strip in ranked), len(found) - rows


def _rank(strip: Strip) -> tuple[int, float]:
    by_word = {"DOWN": 0, "UNK": 1, "OK": 2 if strip.worst else 4}
    return (3 if strip.is_canary and strip.word == "OK" and not strip.worst else by_word[strip.word], -strip.since)
