"""How long a recovery took, computed from samples and milestones, with its error bound (format.md section 4).

A probe cannot see the moment a service dies, only a last good and a first bad answer with that moment between them.
So every measured moment is a bracket, and the recovery time is the widest reading of two brackets with their width as
its error: an objective is called met only when even the widest reading meets it. Nothing here estimates: without
samples and without a person's mark there is no number.
"""

from __future__ import annotations

import msgspec

from runbook.core.milestone_name import Milestone
from runbook.core.planned.action import WaitForAction
from runbook.core.run import Run, Stretch

_ORDER = {milestone: position for position, milestone in enumerate(Milestone)}


class Bracket(msgspec.Struct, frozen=True, kw_only=True):
    """A moment known to lie between two times (`at`, seconds)."""

    earliest: float
    latest: float
    source: str
    """`probe write-ok`, `step 2.3`, `operator`."""

    @property
    def width(self) -> float:
        """Seconds of uncertainty."""
        return self.latest - self.earliest


class Recovery(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured. A missing bracket means it was not seen, never that it was zero."""

    moments: dict[Milestone, Bracket]
    seconds: float | None = None
    """RTA by the widest reading, from where the objective counts; None when it was not measured."""
    error: float = 0.0
    """The true time is at most this much shorter."""
    from_outage: float | None = None
    from_declared: float | None = None
    waiting_for_people: float = 0.0
    """Seconds within it during which a gate was open; part of it, never subtracted."""
    still_out: bool = False
    """An outage began and no lasting good stretch followed."""
    at_least: bool = False
    """The service was out already when it was first looked at: the true time is longer than `seconds`, by nobody knows
    how much.
    """


def recovery(run: Run) -> Recovery:
    """The recovery of a run, as far as it has come."""
    moments = {
        name: Bracket(earliest=mark.at, latest=mark.at, source=_by(mark.source))
        for name, mark in run.milestones.items()
    }
    outage = _outage(run)
    restored = _restored(run, outage) if outage else None
    if outage:
        moments[Milestone.OUTAGE] = outage
    if restored:
        moments[Milestone.SERVICE_RESTORED] = restored
    elif _is_out(run):
        # The last step has ended and the probes still fail: recovery ends when they say so, not when it does.
        moments.pop(Milestone.SERVICE_RESTORED, None)
    start, end = moments.get(Milestone.OUTAGE), moments.get(Milestone.SERVICE_RESTORED)
    declared = moments.get(Milestone.DECLARED)
    counted_from = declared if run.plan.objectives.rto_starts_at == "declared" else start
    seconds = _span(counted_from, end)
    return Recovery(
        moments=dict(sorted(moments.items(), key=lambda item: (item[1].latest, _ORDER[item[0]]))),
        seconds=seconds,
        # No recovery takes less than no time, however wide its brackets are.
        error=min(seconds or 0.0, counted_from.width + end.width) if counted_from and end else 0.0,
        from_outage=_span(start, end),
        from_declared=_span(declared, end),
        waiting_for_people=waiting_between(run, counted_from.earliest, end.latest) if counted_from and end else 0.0,
        still_out=bool(outage) and end is None,
        at_least=counted_from is not None and counted_from is outage and _was_out_at_first_sight(run),
    )


def _by(source: str) -> str:
    return source if source == "operator" else f"step {source}"


def _span(start: Bracket | None, end: Bracket | None) -> float | None:
    if start is None or end is None or end.latest < start.earliest:
        return None
    return end.latest - start.earliest


def _outage(run: Run) -> Bracket | None:
    """Between the last good and the first bad sample of the probe that noticed first."""
    seen = [bracket for name in _continuous(run) if (bracket := _first_loss(name, _stretches(run, name)))]
    return min(seen, key=lambda bracket: bracket.latest, default=None)


def _continuous(run: Run) -> list[str]:
    return [probe.name for probe in run.plan.probes if probe.steady and probe.every and probe.name in run.probes]


def _stretches(run: Run, name: str) -> tuple[Stretch, ...]:
    """Of a probe; without those of a loss that was over when a step said that now is the outage.

    A service that stumbles before a drill has begun is no part of it. A person may be late, so their word cuts nothing.
    """
    all_of_it, mark = run.probes[name].stretches, run.milestones.get(Milestone.OUTAGE)
    if mark is None or mark.source == "operator":
        return all_of_it
    over = [index for index, seen in enumerate(all_of_it) if seen.ok and index and seen.first_known <= mark.at]
    return all_of_it[over[-1] :] if over else all_of_it


def _first_loss(name: str, stretches: tuple[Stretch, ...]) -> Bracket | None:
    for before, after in zip((None, *stretches), stretches, strict=False):
        if not after.ok:
            earliest = before.last_asked if before else after.first_asked
            return Bracket(earliest=earliest, latest=after.first_known, source=f"probe {name}")
    return None


def _was_out_at_first_sight(run: Run) -> bool:
    stretches = [_stretches(run, name) for name in _continuous(run)]
    return any(seen and not seen[0].ok for seen in stretches)


def _is_out(run: Run) -> bool:
    """True when the newest sample of any continuous probe was bad."""
    lasts = [run.probes[name].last for name in _continuous(run)]
    return any(last is not None and not last.ok for last in lasts)


def _restored(run: Run, outage: Bracket) -> Bracket | None:
    """When every probe that was lost has been good without a break for the hold; the slowest of them counts."""
    hold = hold_of(run)
    ends: list[Bracket] = []
    for name in _continuous(run):
        stretches = _stretches(run, name)
        if _first_loss(name, stretches) is None:
            continue
        lasting = _lasting(name, stretches, hold)
        if lasting is None:
            return None
        ends.append(lasting)
    restored = max(ends, key=lambda bracket: bracket.latest, default=None)
    return restored if restored and restored.latest >= outage.earliest else None


def hold_of(run: Run) -> float:
    """Seconds a probe must stay good to count as restored: what the step that restores the service demands."""
    holds = [
        step.action.hold
        for step in run.plan.walk()
        if step.sets is Milestone.SERVICE_RESTORED and isinstance(step.action, WaitForAction)
    ]
    return max(holds, default=0.0)


def _lasting(name: str, stretches: tuple[Stretch, ...], hold: float) -> Bracket | None:
    """The first good stretch after a loss that lasted the hold. A later loss is a new outage and does not undo it."""
    lost: Stretch | None = None
    for stretch in stretches:
        if not stretch.ok:
            lost = stretch
        elif lost is not None and stretch.last_known - stretch.first_known >= hold:
            return Bracket(earliest=lost.last_asked, latest=stretch.first_known, source=f"probe {name}")
    return None


def waiting_between(run: Run, start: float, end: float) -> float:
    """Seconds of a span during which at least one gate was open; overlapping gates count once."""
    spans = sorted(
        (max(start, gate.opened_at), min(end, run.now if gate.closed_at is None else gate.closed_at))
        for gate in run.gates.values()
    )
    total, reached = 0.0, start
    for opened, closed in spans:
        total += max(0.0, closed - max(opened, reached))
        reached = max(reached, closed)
    return total
