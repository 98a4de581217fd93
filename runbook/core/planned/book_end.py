"""Where a runbook ends by its author's word (`end`): which steps that leaves out, and what is said about the run.

An `end` ends the runbook that it stands in: of a nested one its steps, of the outermost all sections. Asked by the
fold, which leaves the steps out, and by `due`, which says why the run is over; pure, like both.
"""

from __future__ import annotations

from collections.abc import Iterator

from runbook.core.outcome import Outcome
from runbook.core.planned.action import EndAction, NestedAction
from runbook.core.planned.plan import PlannedStep, StepId
from runbook.core.run import Run, StepState


def steps_of_book_around(run: Run, step: StepId) -> Iterator[PlannedStep]:
    """Every step of the runbook that a step stands in, at any depth; of a nested one, all that lead to its end."""
    nested = [state.planned for state in run.steps.values() if isinstance(state.planned.action, NestedAction)]
    around = [book for book in nested if any(inner.id == step for top in book.steps for inner in top.walk())]
    tops = [planned for section in run.plan.sections for planned in section.steps]
    innermost = max(around, key=lambda book: run.order[book.id], default=None)
    for top in innermost.steps if innermost else tops:
        yield from top.walk()


def ended_at(run: Run) -> StepState | None:
    """The `end` at which the outermost runbook was completed; None when it went through all of its steps."""
    tops = (planned for section in run.plan.sections for planned in section.steps)
    ends = (run.steps[end.id] for top in tops for end in _ends_of_same_book(top))
    return next((state for state in ends if state.outcome is Outcome.SUCCEEDED), None)


def why_early(run: Run) -> str:
    """Why the run did not go through all of its steps, or did not go on; empty where it did, and where nobody knows."""
    if run.stop is not None:
        return run.stop.reason
    end = ended_at(run)
    return f"step {end.id} {end.planned.name}: {end.detail}".removesuffix(": ") if end else ""


def _ends_of_same_book(planned: PlannedStep) -> Iterator[PlannedStep]:
    if isinstance(planned.action, EndAction):
        yield planned
    for child in () if isinstance(planned.action, NestedAction) else planned.children:
        yield from _ends_of_same_book(child)
