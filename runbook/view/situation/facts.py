"""Everything that the screen says of a run at one moment, gathered once: the strips, the clock, what is to come.

A value, so that the same moment can be drawn at any size by anybody, and a screen can ask whether two moments differ.
"""

from __future__ import annotations

import msgspec

from runbook.core.actor import Actor
from runbook.core.fold.recovery import Bracket, recovery
from runbook.core.milestone_name import Milestone
from runbook.core.run import Run
from runbook.view.clock import RecoveryClock, recovery_clock
from runbook.view.look.numbers import Wall
from runbook.view.situation.forecast import Forecast, forecast
from runbook.view.situation.leases import FaultStrip, fault_strips
from runbook.view.situation.past import Past
from runbook.view.situation.sections import SectionStrip, section_strips
from runbook.view.situation.service import Strip, strips
from runbook.view.steps import StepRow, step_rows
from runbook.view.words import Status


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """A run at one moment."""

    run: Run
    now: float
    """Seconds since it was opened."""
    me: Actor | None
    """Who looks; None where nobody can be asked, as in a replay."""
    past: Past
    clock: RecoveryClock
    forecast: Forecast
    strips: tuple[Strip, ...]
    faults: tuple[FaultStrip, ...]
    sections: tuple[SectionStrip, ...]
    steps: tuple[StepRow, ...]
    moments: dict[Milestone, Bracket]
    gone: str = ""
    """Why nothing more will come, although it has not ended."""
    step: float = 1.0
    """Seconds by which ages of a minute and more go on."""

    @property
    def wall(self) -> Wall:
        """Its wall times."""
        return Wall(self.run.started)

    @property
    def limit(self) -> float | None:
        """`at` when the objective lapses; None before it counts, or without one."""
        started, promised = self.clock.started_at, self.clock.objective
        return None if started is None or promised is None else started + promised

    @property
    def current(self) -> StepRow | None:
        """The step to look at: the one that a person is asked about, else the innermost that runs; None between two."""
        asked = {self.run.gates[gate].opened.step for gate in self.run.open_gates}
        about = [row for row in self.steps if row.id in asked]
        if about:
            return about[-1]
        live = [row for row in self.steps if row.status in {Status.WAITING, Status.RUNNING, Status.QUEUED}]
        return live[-1] if live else None

    @property
    def leaves(self) -> tuple[StepRow, ...]:
        """The steps that count as steps: those of the runbook, without the preflight."""
        return tuple(row for row in self.steps if not row.id.startswith("0."))


def facts_of(
    run: Run, now: float, *, me: Actor | None = None, past: Past = (), gone: str = "", step: float = 1.0
) -> Facts:
    """Gather them; `now` in seconds since the run was opened."""
    clock = recovery_clock(run, now)
    return Facts(
        run=run,
        now=now,
        me=me,
        past=past,
        clock=clock,
        forecast=forecast(run, now, clock, past, step=step),
        strips=strips(run, now),
        faults=fault_strips(run, now),
        sections=section_strips(run, now),
        steps=step_rows(run, now),
        moments=recovery(run).moments,
        gone=gone,
        step=step,
    )
