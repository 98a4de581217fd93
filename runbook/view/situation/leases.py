"""Faults on the time axis: since when something is broken on purpose, and when it heals by itself.

The faults of one step are one row, because that is how they were thought of. Hatched is what is broken, dotted how long
the lease still holds; what should have gone and has not is stuck, and is said loudly.
"""

from __future__ import annotations

import msgspec

from runbook.core.fault import FaultState
from runbook.core.planned.plan import StepId
from runbook.core.run import Run
from runbook.view.look.canvas import Canvas
from runbook.view.look.cells import fitted
from runbook.view.look.glyphs import Glyphs
from runbook.view.look.numbers import aged, lasting
from runbook.view.look.part import Part, Row
from runbook.view.sanitize import safe
from runbook.view.situation.axis import Axis

_SOON = 60.0
"""Seconds before the end of a lease in which it is told in bold."""


class FaultStrip(msgspec.Struct, frozen=True, kw_only=True):
    """The faults of one step."""

    name: str
    """Safe to show."""
    begin: float
    end: float
    """Until when it was there: its revert, or now."""
    until: float | None
    """When the host lifts it by itself; None where it is held, or over."""
    is_live: bool
    is_stuck: bool = False
    is_held: bool = False
    hosts: int = 1
    lifted_by: str = ""


def fault_strips(run: Run, now: float) -> tuple[FaultStrip, ...]:
    """A row for each step that has broken something, what may be live first; what was never injected has none."""
    by_step: dict[StepId, list[FaultState]] = {}
    for fault in sorted(run.faults.values(), key=lambda one: (one.arming_at, one.key)):
        by_step.setdefault(fault.step, []).append(fault)
    rows = [_strip(run, step, faults, now) for step, faults in by_step.items()]
    return tuple(sorted((row for row in rows if row is not None), key=lambda row: not row.is_live))


def _strip(run: Run, step: StepId, faults: list[FaultState], now: float) -> FaultStrip | None:
    laid = [fault for fault in faults if fault.injected_at is not None or fault.tries]
    if not laid:
        return None
    live = [fault for fault in laid if fault.may_be_live]
    ends = [_since(fault) + fault.duration for fault in live if not fault.is_held]
    until = max(ends, default=None)
    state = run.steps.get(step)
    return FaultStrip(
        name=safe(state.planned.name if state else laid[0].fault),
        begin=min(_since(fault) for fault in laid),
        end=now if live else max(fault.reverted_at or 0.0 for fault in laid),
        until=until,
        is_live=bool(live),
        is_stuck=any(fault.tries for fault in live) or (until is not None and until < now),
        is_held=any(fault.is_held for fault in live),
        hosts=len(laid),
        lifted_by=str(laid[0].reverted_by or ""),
    )


def _since(fault: FaultState) -> float:
    return fault.arming_at if fault.injected_at is None else fault.injected_at


def draw_fault(canvas: Canvas, left: int, strip: FaultStrip, axis: Axis, glyphs: Glyphs) -> None:
    """Put its cells, the first cell of the axis at `left`."""
    role = "bad" if strip.is_stuck else "slip"
    first, last = max(0, axis.column(strip.begin)), min(axis.cells - 1, axis.column(strip.end))
    canvas.put(left + first, glyphs.fault * max(0, last - first + (0 if strip.is_live else 1)), role)
    if strip.is_live and 0 <= last < axis.cells:
        canvas.put(left + last, glyphs.now, "live")
    if strip.until is None or strip.until <= strip.end:
        return
    end = axis.column(strip.until)
    canvas.put(left + last + 1, glyphs.ahead * max(0, min(end, axis.cells) - last - 1), role)
    if end < axis.cells:
        canvas.put(left + end, glyphs.lease_end, role)


def fault_label(strip: FaultStrip, width: int, glyphs: Glyphs) -> Row:
    """`FAULT partition A | B`."""
    word = Part("FAULT", "bad" if strip.is_stuck else "slip", ("bold",)) if strip.is_live else Part("fault", "dim")
    return word, Part(
        f" {fitted(strip.name, max(0, width - 6), glyphs.cut).rstrip()}", "text" if strip.is_live else "dim"
    )


def fault_facts(strip: FaultStrip, now: float, step: float = 1.0) -> Row:
    """`LEASE 7:41  then heals`, `HELD  until lifted`, `STUCK  still there`."""
    if not strip.is_live:
        return Part(f"{lasting(strip.end - strip.begin):>5}"), Part(f"  lifted by {strip.lifted_by}", "dim")
    if strip.is_stuck:
        return Part("STUCK", "bad", ("pill", "bold")), Part("  still there", "bad")
    if strip.until is None:
        return Part("HELD", "slip", ("bold",)), Part("  until lifted", "dim")
    left = max(0.0, strip.until - now)
    strong = ("bold",) if left >= _SOON else ("bold", "reverse")
    return Part("LEASE ", "slip", ("bold",)), Part(aged(left, step), "strong", strong), Part("  then heals", "dim")


def fault_line(found: tuple[FaultStrip, ...], now: float, step: float = 1.0) -> Row:
    """All that may be live in one row: `FAULT 2  partition A | B LEASE 7:41   ...`; empty when nothing may be."""
    live = [strip for strip in found if strip.is_live]
    if not live:
        return ()
    role = "bad" if any(strip.is_stuck for strip in live) else "slip"
    count = f" {len(live)}" if len(live) > 1 else ""
    rows: list[Part] = [Part(f"FAULT{count}", role, ("bold",))]
    for number, strip in enumerate(live):
        rows += [Part(f"{'   ' if number else '  '}{strip.name} "), *fault_facts(strip, now, step)[:2]]
    return tuple(rows)
