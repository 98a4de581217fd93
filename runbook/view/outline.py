"""The steps of a run under their sections, as a list shows them: one row for each section, then its steps.

A section's row carries the sums of its own, so that reading only those tells how the run goes.
"""

from __future__ import annotations

import msgspec

from runbook.core.actor import distinct
from runbook.core.planned.action import ApproveAction, ChecklistAction
from runbook.core.run import Run
from runbook.view.situation.sections import SectionStrip
from runbook.view.steps import StepRow, step_gates
from runbook.view.words import Status

_BAD = frozenset({Status.FAILED, Status.IN_DOUBT, Status.UNREACHABLE, Status.ABORTED, Status.IGNORED})
_NOW = (Status.WAITING, Status.RUNNING, Status.QUEUED)


class OutlineRow(msgspec.Struct, frozen=True, kw_only=True):
    """A section, or a step of one."""

    step: StepRow
    """The step; for a section its first one, so that going to a section is going somewhere."""
    section: SectionStrip | None = None
    """The section whose row this is; None for a step."""
    done: str = ""
    """`31/40` hosts, `0/2` answers; what is ahead says how many there will be."""

    @property
    def is_bad(self) -> bool:
        """True for a step that went badly."""
        return self.section is None and self.step.status in _BAD


def outline(run: Run, steps: tuple[StepRow, ...], sections: tuple[SectionStrip, ...]) -> tuple[OutlineRow, ...]:
    """Every step under its section; what takes the run back stands where it is taken."""
    by_start = {_first_of(run, strip.id): strip for strip in sections}
    rows: list[OutlineRow] = []
    for step in steps:
        strip = by_start.get(step.id)
        if strip is not None:
            rows.append(OutlineRow(step=step, section=strip))
        rows.append(OutlineRow(step=step, done=_done(run, step)))
    return tuple(rows)


def _first_of(run: Run, section: str) -> str:
    if section == "A":
        return run.plan.always[0].id if run.plan.always else ""
    return next((part.steps[0].id for part in run.plan.sections if part.id == section and part.steps), "")


def _done(run: Run, step: StepRow) -> str:
    action = run.steps[step.id].action_on("*")
    if isinstance(action, ApproveAction):
        return f"{_given(run, step)}/{action.min_required}"
    if isinstance(action, ChecklistAction):
        return f"{_given(run, step, each=True)}/{len(action.items)}"
    if not step.hosts_total:
        return ""
    return str(step.hosts_total) if step.status is Status.PENDING else f"{step.hosts_done}/{step.hosts_total}"


def _given(run: Run, step: StepRow, *, each: bool = False) -> int:
    answers = [answer.given for gate in step_gates(run, step.id) for answer in gate.answers]
    if each:
        return len({str(given.value) for given in answers})
    return len(distinct(given.by for given in answers if given.answer == "approve"))


def current(rows: tuple[OutlineRow, ...], asked: frozenset[str] = frozenset()) -> int:
    """Index of the row to look at: the step somebody is asked about, else the one that runs, else the last."""
    steps = [(index, row.step) for index, row in enumerate(rows) if row.section is None]
    about = [index for index, step in steps if step.id in asked]
    live = [index for index, step in steps if step.status in _NOW]
    ended = [index for index, step in steps if step.elapsed is not None]
    return (about or live or ended or [0])[-1]
