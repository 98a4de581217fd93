"""When the service should be back, how sure that is, and what to call it.

A number that cannot be known is not given: where neither the plan nor any earlier run says how long something ahead
takes, there is no estimate and no slack. Where there is one it comes with its spread, from the same remainder in
earlier runs, and with where it comes from; while people are waited for it only grows, and is marked so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from runbook.core.milestone_name import Milestone
from runbook.core.planned.action import ParallelAction
from runbook.core.planned.plan import PlannedSection, PlannedStep
from runbook.core.planned.turns import turns_of
from runbook.core.run import Run, StepPhase
from runbook.view.clock import RecoveryClock
from runbook.view.situation.past import Past, median_of, percentile
from runbook.view.steps import elapsed, waited
from runbook.view.words import plural

Word = Literal["", "ON COURSE", "TIGHT", "LATE", "OVER", "NO ETA"]
_ENOUGH = 3
"""Earlier runs from which there is a spread."""
_NEAR = 0.8
"""Share of the objective from which a plan alone is called tight."""


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """The end of the recovery, on its own clock."""

    word: Word
    """Empty where nothing was promised, or nothing is to be foreseen."""
    eta: float | None = None
    """Seconds; None where it cannot be known."""
    low: float | None = None
    high: float | None = None
    """Between these it ended in eight of ten earlier runs; None without enough of them."""
    source: str = ""
    """`plan and 4 earlier runs`, `plan only`."""
    waits: bool = False
    """People are waited for: it will be later than `eta`."""


def forecast(run: Run, now: float, clock: RecoveryClock, past: Past = (), *, step: float = 1.0) -> Forecast:
    """What is to be expected of a recovery that runs, or will; in steps of seconds while it waits for people."""
    if clock.state == "stopped" or run.has_ended:
        return Forecast(word="")
    left = [(planned, left_of(run, planned, now, past)) for planned in _ahead(run)]
    known = [seconds for _, seconds in left if seconds is not None]
    if len(known) < len(left):
        return Forecast(word=_word(clock, None, None, None) if clock.objective else "")
    waits = bool(run.open_gates) or run.paused
    used = clock.used // step * step if waits else clock.used
    eta = used + sum(known)
    low, high = _spread(run, now, used, [planned for planned, _ in left], past)
    return Forecast(
        word=_word(clock, eta, low, high),
        eta=eta,
        low=low,
        high=high,
        source="plan only" if low is None else f"plan and {plural(len(past), 'earlier run')}",
        waits=waits,
    )


def _word(clock: RecoveryClock, eta: float | None, low: float | None, high: float | None) -> Word:
    limit = clock.objective
    if limit is None:
        return ""
    if clock.is_over:
        return "OVER"
    if eta is None:
        return "NO ETA"
    first, last = (eta, eta) if low is None or high is None else (low, high)
    if first > limit:
        return "LATE"
    is_near = last > limit or (low is None and eta > _NEAR * limit)
    return "TIGHT" if is_near else "ON COURSE"


def _spread(
    run: Run, now: float, used: float, ahead: list[PlannedStep], past: Past
) -> tuple[float | None, float | None]:
    if len(past) < _ENOUGH:
        return None, None
    rests = [sum(_as_then(run, planned, now, one.took) for planned in ahead) for one in past]
    return used + percentile(rests, 0.1), used + percentile(rests, 0.9)


def _as_then(run: Run, planned: PlannedStep, now: float, took: dict[str, float]) -> float:
    """What would be left of a step if it took as long as then; the plan where it was not taken then."""
    then = took.get(planned.id)
    return (left_of(run, planned, now) or 0.0) if then is None else _of(run, planned, now, then)


def _ahead(run: Run) -> Iterator[PlannedStep]:
    """Every step, up to the one that restores the service, that is not over yet."""
    for section in run.plan.sections:
        for planned in section.steps:
            if run.steps[planned.id].phase is not StepPhase.ENDED:
                yield planned
            if any(step.sets is Milestone.SERVICE_RESTORED for step in planned.walk()):
                return


def left_of(run: Run, planned: PlannedStep, now: float, past: Past = ()) -> float | None:
    """Seconds that a step should still take: by its plan, its share of its section's, or its middle in earlier runs."""
    state = run.steps[planned.id]
    if state.phase is StepPhase.ENDED:
        return 0.0
    if planned.expected:
        return _of(run, planned, now, planned.expected)
    inside = [left_of(run, child, now, past) for child in turns_of(run, planned)]
    known = [seconds for seconds in inside if seconds is not None]
    if inside and len(known) == len(inside):
        return max(known) if isinstance(planned.action, ParallelAction) else sum(known)
    whole = median_of(past, planned.id) or _share(run, planned)
    return None if whole is None else _of(run, planned, now, whole)


def _of(run: Run, planned: PlannedStep, now: float, whole: float) -> float:
    """What is left of so many seconds after the work that was done; the time of people is not work."""
    state = run.steps[planned.id]
    worked = (elapsed(state, now) or 0.0) - waited(run, state, now)
    return max(0.0, whole - max(0.0, worked))


def _share(run: Run, planned: PlannedStep) -> float | None:
    """What the plan of its section leaves to a step that has none of its own."""
    section = next((part for part in run.plan.sections if planned in part.steps), None)
    if section is None or not section.expected:
        return None
    silent = sum(1 for step in section.steps if not step.expected)
    rest = section.expected - sum(step.expected for step in section.steps)
    return rest / silent if silent and rest > 0 else None


def planned_seconds(section: PlannedSection) -> float:
    """How long a section should take; 0 where nobody said."""
    return section.expected or sum(step.expected for step in section.steps)
