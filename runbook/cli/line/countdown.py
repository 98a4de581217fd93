"""A wait told in lines: how long it still lasts, often enough to be believed and seldom enough to be read.

It is advice to whoever watches and no part of the story, so it goes to standard error: a run and its replay tell the
same lines, however long somebody watched.
"""

from __future__ import annotations

import math

from runbook.cli.diagnostics import say
from runbook.cli.line.steering import live_waits
from runbook.cli.line.watched import Watched, first
from runbook.core.planned.plan import StepId
from runbook.core.run import Run
from runbook.engine.clock import SystemClock
from runbook.tui.moment import Moment
from runbook.view.sanitize import safe
from runbook.view.words import duration

_STEPS = ((3600.0, 1800.0), (600.0, 300.0), (60.0, 60.0), (30.0, 30.0), (10.0, 10.0))
"""Above so many seconds that are left, they are told every so many."""


def next_mark(left: float) -> float:
    """Of so many seconds that are left, how many will be at the next telling; 0 when there is none before the end."""
    every = next((every for above, every in _STEPS if left > above), 0.0)
    return every * (math.ceil(left / every) - 1) if every else 0.0


async def count_down(watched: Watched, *, typed: bool) -> None:
    """Tell every wait of the run until nothing more comes; `typed` when its words may be typed here."""
    clock = SystemClock()
    moment = Moment(clock)
    marks: dict[tuple[StepId, int], float] = {}
    while watched.feed.is_live:
        moment.saw(watched.run)
        pauses = [_tell(watched.run, step, moment.now, marks, typed=typed) for step in live_waits(watched.run)]
        pause = min(pauses, default=math.inf)
        await first(watched.news(), *([clock.sleep(pause)] if pause < math.inf else []))


def _tell(run: Run, step: StepId, now: float, marks: dict[tuple[StepId, int], float], *, typed: bool) -> float:
    """Say what is left of one wait where its mark has come; gives the seconds until the next one."""
    state = run.steps[step]
    left = (state.entered_at or 0.0) + state.wait - now
    visit = (step, state.visit)
    mark = marks.get(visit, math.inf)
    if left <= mark and next_mark(left) > 0.0:
        way = f"cut {step} WHY" if typed else f'runbook tell {run.id} cut {step} -m "WHY"'
        first = f". To end it now: {way}" if visit not in marks else ""
        say(f"  {step} {safe(state.planned.name)}: {duration(math.ceil(left))} left{first}")
        mark = marks[visit] = next_mark(left)
    return left - mark if 0.0 < mark < left else math.inf
