"""The story of a run for a report: its steps, its gates, and everything that did not go as planned.

Planned time, actual time and time spent waiting for people stand beside each other and are never netted. A deviation is
named even where the run came out well: a second try that worked is what the next drill wants to know about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runbook.core.events.event import AttemptEnded
from runbook.core.fold.verdict import not_as_planned
from runbook.core.planned.action import Action
from runbook.core.planned.role import Role
from runbook.core.planned.turns import name_of
from runbook.core.run import GateState, Run, StepPhase, StepState
from runbook.report.deviation import (
    Deviation,
    FailedTry,
    HostOut,
    HostReason,
    KeyChanged,
    LinkLost,
    Resumed,
    RuleBroken,
    StepLate,
    StepOdd,
    Stopped,
)
from runbook.report.facts import Facts
from runbook.report.model import AnswerFacts, GateFacts, HostResult, Sent, StepFacts
from runbook.view.hosts import HostRow, host_rows
from runbook.view.steps import StepRow, step_rows, waited_at_all
from runbook.view.story.telling import failed_hosts

_LATE_SHARE = 0.1
_LATE_SECONDS = 1.0
"""A step is late when it took a tenth and a second longer than planned: below that, plans are not that exact."""


def steps(run: Run, facts: Facts) -> tuple[StepFacts, ...]:
    """Every step that was or should have been taken; a rescue that was never needed is left out."""
    rows = (row for row in step_rows(run, run.now) if row.visit or run.steps[row.id].planned.role is not Role.RESCUE)
    return tuple(_step(run, facts, row) for row in rows)


def _step(run: Run, facts: Facts, row: StepRow) -> StepFacts:
    state = run.steps[row.id]
    planned = state.planned
    hosts = state.hosts or planned.hosts
    has_ended = state.phase is StepPhase.ENDED
    return StepFacts(
        id=row.id,
        name=name_of(run, planned),
        section=planned.section,
        kind=row.kind,
        depth=row.depth,
        status=row.status,
        outcome=row.outcome,
        visits=row.visit,
        hosts=hosts,
        planned=row.expected or None,
        actual=row.elapsed,
        waited=waited_at_all(run, row.id, run.now),
        entered_at=state.entered_at,
        ended_at=state.ended_at,
        detail=state.detail if has_ended and row.id not in _asked(run) else row.detail,
        decision=state.resolution if has_ended and row.id not in _asked(run) else None,
        awaits=() if state.rendered else planned.awaits,
        no_log=planned.no_log,
        sent=() if planned.no_log else _sent(state, hosts),
        results=tuple(_result(run, facts, row.id, each) for each in host_rows(run, row.id, run.now))
        if row.visit
        else (),
    )


def _asked(run: Run) -> set[str]:
    """Steps about which somebody is being asked."""
    return {run.gates[gate].opened.step for gate in run.open_gates}


def _sent(state: StepState, hosts: tuple[str, ...]) -> tuple[Sent, ...]:
    found: list[tuple[Action, list[str]]] = []
    for host in hosts or ("",):
        action = state.action_on(host)
        members = next((members for known, members in found if known == action), None)
        if members is None:
            found.append((action, [host]))
        else:
            members.append(host)
    return tuple(Sent(action=action, hosts=tuple(host for host in members if host)) for action, members in found)


def _result(run: Run, facts: Facts, step: str, row: HostRow) -> HostResult:
    state = run.steps[step]
    attempt = state.attempts.get(row.host)
    outcome = state.settled.get(row.host)
    is_told = attempt is not None and outcome is not None and row.attempt == attempt.number
    return HostResult(
        host=row.host,
        status=row.status,
        outcome=outcome,
        detail=attempt.detail if attempt is not None and is_told else row.detail,
        tries=row.attempt,
        rc=row.rc,
        took=row.elapsed,
        grade=row.grade,
        output=facts.outputs.get((step, row.host)),
    )


def gates(run: Run, facts: Facts) -> tuple[GateFacts, ...]:
    """Every question to people, in the order in which they were asked."""
    return tuple(_gate(run, facts, gate) for gate in sorted(run.gates.values(), key=lambda gate: gate.opened_at))


def _gate(run: Run, facts: Facts, gate: GateState) -> GateFacts:
    closed = run.now if gate.closed_at is None else gate.closed_at
    return GateFacts(
        gate=gate.opened.gate,
        step=gate.opened.step,
        kind=gate.opened.kind,
        question=gate.opened.message,
        opened_at=gate.opened_at,
        waited=max(0.0, closed - gate.opened_at),
        digest=gate.opened.digest,
        answers=(*_answers(gate), *_decisions(facts, gate)),
        lapsed=gate.lapsed,
    )


def _answers(gate: GateState) -> Iterator[AnswerFacts]:
    for answer in gate.answers:
        given = answer.given
        yield AnswerFacts(by=given.by, answer=given.answer, value=given.value, reason=given.reason, at=answer.at)


def _decisions(facts: Facts, gate: GateState) -> Iterator[AnswerFacts]:
    """What follows a failure is an event of its own kind; it is the answer to the question that it closed."""
    if gate.opened.kind != "failure":
        return
    for at, decision in facts.decisions.get(gate.opened.step, ()):
        if at == gate.closed_at and decision.by is not None:
            yield AnswerFacts(by=decision.by, answer=decision.choice, value=None, reason=decision.reason, at=at)


def all_deviations(run: Run, facts: Facts) -> tuple[Deviation, ...]:
    """What did not go as planned: of the run first, then step by step, then what was late."""
    return (*_of_run(run, facts), *_of_steps(run, facts), *_late(run))


def _of_run(run: Run, facts: Facts) -> Iterator[Deviation]:
    for at, event in facts.resumes:
        yield Resumed(at=at, torn_bytes=event.torn_bytes, by=event.by)
    if run.stop is not None:
        yield Stopped(halted=run.stop.halted, reason=run.stop.reason, by=run.stop.by)
    for host, reason in run.excluded.items():
        yield HostOut(host=host, reason=reason)
    for accepted in facts.keys_accepted:
        yield KeyChanged(changed=accepted.changed, by=accepted.by)
    for one in run.overridden:
        given = one.given
        yield RuleBroken(rule=given.rule, sentence=given.sentence, reason=given.reason, by=given.by)
    for host, count in facts.links_lost.items():
        yield LinkLost(host=host, times=count)


def _of_steps(run: Run, facts: Facts) -> Iterator[Deviation]:
    for state in not_as_planned(run):
        yield StepOdd(
            step=state.id,
            name=name_of(run, state.planned),
            outcome=state.outcome,
            detail=state.detail,
            failed=tuple(HostReason(host=host, detail=detail) for host, detail in failed_hosts(state)),
            visits=state.visit,
            tries=tuple(_tries(state, facts.failed_tries.get(state.id, ()))),
            wait_cut=state.wait_cut,
            decisions=tuple(decision for _, decision in facts.decisions.get(state.id, ())),
        )


def _tries(state: StepState, failed: Iterable[AttemptEnded]) -> Iterator[FailedTry]:
    newest = {host: attempt.number for host, attempt in state.attempts.items()}
    for each in failed:
        if each.number < newest.get(each.host, 0):
            yield FailedTry(host=each.host, number=each.number, outcome=each.outcome, detail=each.detail)


def _late(run: Run) -> Iterator[Deviation]:
    for row in step_rows(run, run.now):
        if row.over >= _LATE_SECONDS and row.over >= row.expected * _LATE_SHARE:
            worked = (row.elapsed or 0.0) - row.waited
            yield StepLate(step=row.id, name=name_of(run, run.steps[row.id].planned), took=worked, planned=row.expected)
