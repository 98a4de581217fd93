"""What a recovery consisted of: noticing, deciding, getting going, recovering, verifying, and coming back.

Each part lies between two milestones, and is there only when both were seen, in their order: what nobody marked is not
guessed. The parts need not sum up to the recovery time, which probes measure and people do not. How long people were
waited for is shown within each part and never taken off. Coming back costs time of its own, and often an interruption.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from runbook.core.fold.recovery import Bracket, Recovery, waiting_between
from runbook.core.milestone_name import Milestone
from runbook.core.run import ProbeState, Run

PartName = Literal["detect", "decide", "mobilise", "recover", "verify", "failback"]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One of them, in seconds."""

    name: PartName
    seconds: float
    """By the widest reading."""
    error: float
    """The truth is at most this much less."""
    waiting_for_people: float = 0.0
    """Within it, never subtracted."""
    out: float = 0.0
    """Of coming back: how long the service was not good once more, by the widest reading."""


_PARTS: tuple[tuple[PartName, tuple[Milestone, ...], Milestone], ...] = (
    ("detect", (Milestone.OUTAGE,), Milestone.DETECTED),
    ("decide", (Milestone.DETECTED,), Milestone.DECLARED),
    ("mobilise", (Milestone.DECLARED,), Milestone.RECOVERY_STARTED),
    ("recover", (Milestone.RECOVERY_STARTED,), Milestone.SERVICE_RESTORED),
    ("verify", (Milestone.SERVICE_RESTORED,), Milestone.VERIFIED),
    ("failback", (Milestone.VERIFIED, Milestone.SERVICE_RESTORED), Milestone.NORMAL),
)
"""Name, the milestones from which it may begin (the first that was seen counts), and the one that ends it."""


def parts(run: Run, measured: Recovery) -> tuple[Part, ...]:
    """The parts that were seen, in their order."""
    return tuple(_seen(run, measured.moments))


def _seen(run: Run, moments: dict[Milestone, Bracket]) -> Iterator[Part]:
    for name, starts, ends in _PARTS:
        start, end = next((moments[each] for each in starts if each in moments), None), moments.get(ends)
        if start is None or end is None or end.latest < start.earliest:
            continue
        seconds = end.latest - start.earliest
        yield Part(
            name=name,
            seconds=seconds,
            error=min(seconds, start.width + end.width),
            waiting_for_people=waiting_between(run, start.earliest, end.latest),
            out=_out(run, start.latest, end.latest) if name == "failback" else 0.0,
        )


def _out(run: Run, start: float, end: float) -> float:
    """Of the steady state's continuous probes the one that was not good for longest."""
    asked = (run.probes.get(probe.name, ProbeState()) for probe in run.plan.probes if probe.steady and probe.every)
    return max((_bad(state, start, end) for state in asked), default=0.0)


def _bad(state: ProbeState, start: float, end: float) -> float:
    """From the last good answer before each bad stretch to the first good one after it, as far as it counts."""
    total = 0.0
    for index, stretch in enumerate(state.stretches):
        if stretch.ok:
            continue
        before, after = state.stretches[:index], state.stretches[index + 1 :]
        began = before[-1].last_asked if before else stretch.first_asked
        ended = after[0].first_known if after else stretch.last_known
        total += max(0.0, min(end, ended) - max(start, began))
    return total
