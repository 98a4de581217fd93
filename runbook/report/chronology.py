"""The story of a run for a report: its steps, its gates, and everything that did not go as planned.

Planned time, actual time and time spent waiting for people stand beside each other and are never netted. A deviation is
named even where the run came out well: a second try that worked is what the next drill wants to know about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from runbook.core.event import AttemptEnded
from runbook.core.plan import PlannedStep
from runbook.core.role import Role
from runbook.core.run import GateState, Run, StepState
from runbook.core.verdict import deviations
from runbook.report.facts import Facts, time_label
from runbook.report.model import AnswerFacts, Deviation, GateFacts, HostResult, StepFacts
from runbook.view.hosts import HostRow, host_rows
from runbook.view.plan import PlanText, texts
from runbook.view.reasons import brief
from runbook.view.sanitize import safe
from runbook.view.steps import StepRow, step_rows, waited_at_all
from runbook.view.telling import MACHINE, by, decision_words, reason_lines, spaced
from runbook.view.words import duration, outcome_words, plural

_LATE_SHARE = 0.1
_LATE_SECONDS = 1.0
"""A step is late when it took a tenth and a second longer than planned: below that, plans are not that exact."""


def steps(run: Run, facts: Facts) -> tuple[StepFacts, ...]:
    """Every step that was or should have been taken; a rescue that was never needed is left out."""
    rows = (row for row in step_rows(run, run.now) if row.visit or run.steps[row.id].planned.role is not Role.RESCUE)
    return tuple(_step(run, facts, row) for row in rows)


def _step(run: Run, facts: Facts, row: StepRow) -> StepFacts:
    state = run.steps[row.id]
    return StepFacts(
        id=safe(row.id),
        name=row.name,
        section=row.section,
        kind=row.kind,
        depth=row.depth,
        status=row.status,
        outcome=outcome_words(row.outcome) if row.outcome else "open" if row.visit else "not reached",
        planned=row.expected,
        actual=row.elapsed,
        waited=waited_at_all(run, row.id, run.now),
        started=_label(run, state.entered_at),
        ended=_label(run, state.ended_at),
        detail=brief(row.detail),
        texts=_texts(state),
        results=tuple(_result(facts, row.id, each) for each in host_rows(run, row.id, run.now)) if row.visit else (),
    )


def _texts(state: StepState) -> tuple[PlanText, ...]:
    if state.planned.no_log:
        return ()
    planned: PlannedStep = replace(state.planned, awaits=()) if state.rendered else state.planned
    return texts(planned, state.hosts or planned.hosts, state.action_on)


def _result(facts: Facts, step: str, row: HostRow) -> HostResult:
    printed = facts.outputs.get((step, row.host))
    where = f"{printed.file}, {plural(printed.length, 'byte')} from {printed.offset:,}" if printed else ""
    return HostResult(
        host=safe(row.host),
        status=row.status,
        detail=brief(row.detail),
        tries=row.attempt,
        rc=row.rc,
        took=row.elapsed,
        grade=row.grade.value if row.grade else "",
        output=safe(where),
    )


def gates(run: Run, facts: Facts) -> tuple[GateFacts, ...]:
    """Every question to people, in the order in which they were asked."""
    return tuple(_gate(run, facts, gate) for gate in sorted(run.gates.values(), key=lambda gate: gate.opened_at))


def _gate(run: Run, facts: Facts, gate: GateState) -> GateFacts:
    closed = run.now if gate.closed_at is None else gate.closed_at
    return GateFacts(
        gate=safe(gate.opened.gate),
        step=safe(gate.opened.step),
        kind=gate.opened.kind,
        question=safe(brief(gate.opened.message)),
        opened=_label(run, gate.opened_at),
        waited=max(0.0, closed - gate.opened_at),
        digest=safe(gate.opened.digest),
        answers=(*_answers(run, gate), *_decisions(run, facts, gate)),
        lapsed=gate.lapsed,
    )


def _answers(run: Run, gate: GateState) -> Iterator[AnswerFacts]:
    for answer in gate.answers:
        value = "" if answer.given.value is None else f" {answer.given.value}"
        yield AnswerFacts(
            who=MACHINE if answer.given.by.machine else safe(answer.given.by.name),
            answer=safe(f"{answer.given.answer}{value}"),
            reason=safe(answer.given.reason),
            label=_label(run, answer.at),
        )


def _decisions(run: Run, facts: Facts, gate: GateState) -> Iterator[AnswerFacts]:
    """What follows a failure is an event of its own kind; it is the answer to the question that it closed."""
    if gate.opened.kind != "failure":
        return
    for at, decision in facts.decisions.get(gate.opened.step, ()):
        if at == gate.closed_at and decision.by is not None:
            yield AnswerFacts(
                who=safe(decision.by.name),
                answer=spaced(decision.choice),
                reason=safe(decision.reason),
                label=_label(run, at),
            )


def all_deviations(run: Run, facts: Facts) -> tuple[Deviation, ...]:
    """What did not go as planned: of the run first, then step by step, then what was late."""
    return (*_of_run(run, facts), *_of_steps(run, facts), *_late(run))


def _of_run(run: Run, facts: Facts) -> Iterator[Deviation]:
    for at, event in facts.resumes:
        torn = f"; {plural(event.torn_bytes, 'byte')} of an unfinished line were set aside" if event.torn_bytes else ""
        yield _about_run(f"interrupted, and resumed {duration(at)} after the run began{torn}", by(event.by))
    if run.stop is not None:
        yield _about_run(f"{'halted' if run.stop.halted else 'stopped'}: {brief(run.stop.reason)}", by(run.stop.by))
    for host, reason in run.excluded.items():
        yield _about_run(f"host {host} excluded: {reason}", "")
    for accepted in facts.keys_accepted:
        changed = accepted.changed
        known = ", ".join(str(key) for key in changed.known)
        what = f"the key of {changed.machine} has changed: known was {known}, accepted for this run {changed.shown}"
        yield _about_run(what, by(accepted.by))
    for host, count in facts.links_lost.items():
        yield _about_run(f"the link to {host} was lost {plural(count, 'time')}", "")


def _about_run(what: str, decided: str) -> Deviation:
    return Deviation(step="", name="", what=safe(what), decided=safe(decided))


def _of_steps(run: Run, facts: Facts) -> Iterator[Deviation]:
    for state in deviations(run):
        decided = "; ".join(decision_words(decision) for _, decision in facts.decisions.get(state.id, ()))
        yield Deviation(
            step=safe(state.id),
            name=safe(state.planned.name),
            what=safe("; ".join(_odd(state, facts.failed_tries.get(state.id, ())))),
            decided=safe(decided),
        )


def _odd(state: StepState, failed: Iterable[AttemptEnded]) -> Iterator[str]:
    if state.outcome is not None:
        said = "; ".join(line.strip() for line in reason_lines(state, state.detail))
        yield f"{outcome_words(state.outcome)}{f': {said}' if said else ''}"
    if state.visit > 1:
        yield f"taken {state.visit} times"
    newest = {host: attempt.number for host, attempt in state.attempts.items()}
    for each in failed:
        if each.number < newest.get(each.host, 0):
            detail = f": {brief(each.detail)}" if each.detail else ""
            yield f"try {each.number} on {each.host} {outcome_words(each.outcome)}{detail}"
    if state.wait_cut:
        yield f"wait cut short: {state.wait_cut}"


def _late(run: Run) -> Iterator[Deviation]:
    for row in step_rows(run, run.now):
        if row.over >= _LATE_SECONDS and row.over >= row.expected * _LATE_SHARE:
            worked = (row.elapsed or 0.0) - row.waited
            what = f"late: took {duration(worked)}, planned {duration(row.expected)}"
            yield Deviation(step=safe(row.id), name=row.name, what=what, decided="")


def _label(run: Run, at: float | None) -> str:
    return "" if at is None else time_label(run.started, at)
