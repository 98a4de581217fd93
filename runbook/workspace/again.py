"""Following an ended run with a new one: going on from one of its steps, or taking back what it did.

The old record is never touched: the new run names it, and brings along what it had registered. Who follows a run is
found by looking at the others. What is done already is not done again: a rollback leaves out what the run itself, or an
earlier rollback of it, has undone; and a run that was continued is rolled back only after the one that continued it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from runbook.core.events.event import RunOpened
from runbook.core.outcome import Outcome
from runbook.core.planned.earlier import Earlier
from runbook.core.planned.plan import Plan, StepId
from runbook.core.result import Result
from runbook.core.run import Run
from runbook.planning.following import plan_back, plan_from, undone_by
from runbook.problem import Exit, Problems, problem
from runbook.record.beginning import folded
from runbook.record.form.formats import PLAN
from runbook.record.store import Record, Store
from runbook.workspace.prepare import Prepared, Wish


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """An ended run and its record."""

    run: Run
    record: Record


def ended(store: Store, text: str) -> Ended:
    """The run that is meant, once it has ended.

    Raises:
        Problems: It is live, or interrupted, or there is none.
    """
    record = store.find(text)
    run = folded(record.read())
    if run.has_ended and not record.is_live():
        return Ended(run=run, record=record)
    if record.is_live():
        what, fix = "is live", f'Stop it first: runbook halt {run.id} -m "WHY"; with --rollback it is undone at once.'
    else:
        what, fix = "was interrupted and has not ended", f"Let it come to its end first: runbook resume {run.id}"
    raise problem(f"run {run.id} {what}", fix=fix, code="not-ended", exit=Exit.REFUSED)


def wish_again(found: Ended, wish: Wish) -> Wish:
    """What is wanted, filled up with what the old run was given: its runbook, inventory, parameters and hosts."""
    plan = found.run.plan
    given = {one.name: str(one.value) for one in plan.parameters if not one.secret and one.value is not None}
    return replace(
        wish,
        book=wish.book or plan.source,
        inventory=wish.inventory or plan.inventory,
        given={**given, **wish.given},
        limit=wish.limit or ",".join(host.name for host in plan.hosts),
    )


def continued(found: Ended, prepared: Prepared, step: str) -> Prepared:
    """What was prepared anew, from that step on.

    Raises:
        Problems: It has no such step to begin with.
    """
    plan = plan_from(prepared.plan, step)
    begins = plan.sections[1].steps[0].id
    link = Earlier(run=found.run.id, does="continues", at=begins, values=_values(found.run))
    return replace(prepared, plan=plan, earlier=link)


def taken_back(store: Store, found: Ended) -> tuple[Plan, Earlier]:
    """The plan that undoes what is left of a run, and what the new record says.

    Raises:
        Problems: Nothing is left, or a run that continued it has to be rolled back before.
    """
    done: dict[StepId, frozenset[str]] = dict(undone_by(found.run))
    for follower in followers(store, found.run):
        opened = follower.run.earlier
        if opened is not None and opened.does == "rolls_back":
            _add(done, undone_by(follower.run))
        elif not _is_taken_back(store, follower.run):
            raise problem(
                f"run {found.run.id} was continued by run {follower.run.id}",
                why="what that did stands on top of it",
                fix=f"Take that back first: runbook rollback {follower.run.id}",
                code="continued",
                exit=Exit.REFUSED,
            )
    return plan_back(found.run, done), Earlier(run=found.run.id, does="rolls_back", values=_values(found.run))


def followers(store: Store, run: Run) -> Iterator[Ended]:
    """Runs that follow this one, the oldest first."""
    rows = [row for row in store.runs(runbook=run.plan.runbook) if row.earlier == run.id]
    for row in reversed(rows):
        record = store.find(row.run)
        yield Ended(run=folded(record.read()), record=record)


def copies(record: Record) -> dict[str, bytes]:
    """What the old run was made from, for the new record; the plan is another."""
    first = next(record.read().entries(), None)
    names = first.event.files if first is not None and isinstance(first.event, RunOpened) else {}
    found = {name: record.copy(name) for name in names if name != PLAN}
    return {name: data for name, data in found.items() if data is not None}


def _values(run: Run) -> dict[str, dict[str, Result]]:
    return {name: dict(known.by_host) for name, known in run.values.items()}


def _add(done: dict[StepId, frozenset[str]], more: Mapping[StepId, frozenset[str]]) -> None:
    for step, hosts in more.items():
        done[step] = done.get(step, frozenset()) | hosts


def _is_taken_back(store: Store, run: Run) -> bool:
    """Nothing of it is left that could be undone."""
    try:
        taken_back(store, Ended(run=run, record=store.find(run.id)))
    except Problems as wrong:
        return wrong.problems[0].code == "no-undo"
    return False


def no_place(run: Run) -> Problems:
    """Nobody said where to go on; the first step that did not succeed is named, which is mostly where it is."""
    tops = (step for section in run.plan.sections[1:] for step in section.steps)
    first = next((step for step in tops if run.steps[step.id].outcome is not Outcome.SUCCEEDED), None)
    why = f'the first step that did not succeed is {first.id} "{first.name}"' if first else "all of its steps succeeded"
    fix = f"Say it: runbook run --from {run.id} --at {first.id if first else 'STEP'}"
    return problem("where to go on is not said", why=why, fix=fix, code="no-place")
