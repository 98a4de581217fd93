"""The sentences of the line mode: what each kind of event says when it is told to a person.

Apart from `lines` so that the table of events there stays readable. Texts may still hold anything from outside; `lines`
makes them safe when it puts them into columns. Silence is a decision here: an event that only repeats what the line
before it said (a further good sample, a first attempt) tells nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import assert_never

import msgspec
from immutables import Map

from runbook.core.actor import Actor
from runbook.core.events.event import (
    AttemptEnded,
    AttemptStarted,
    CanarySampled,
    FailureResolved,
    GateAnswered,
    GateOpened,
    HostKeyAccepted,
    ProbeSampled,
    RunEnded,
    RunnerStarted,
    RunOpened,
    SessionOpened,
    StepEnded,
    StepEntered,
    StepSkipped,
)
from runbook.core.events.point_event import BackupRead, PointEvent, PositionRead
from runbook.core.events.policy_event import PolicyEvent, RuleOverridden, StepHeld
from runbook.core.fold.twins import same_machine
from runbook.core.fold.verdict import verdicts
from runbook.core.outcome import Outcome
from runbook.core.planned.action import CONTROLLER
from runbook.core.planned.earlier import Earlier
from runbook.core.planned.turns import name_of
from runbook.core.run import Run, StepState
from runbook.view.actuals import in_flight_words, loss_words, parts_words, recovery_words
from runbook.view.asking.undoing import rollback_words
from runbook.view.describe import describe
from runbook.view.hosts import host_names
from runbook.view.reasons import anonymous, brief, reason, shared
from runbook.view.steps import elapsed, step_status
from runbook.view.words import MARKS, duration, measured, name_hosts, outcome_words, plural, status_of

MACHINE = "--auto"
"""What stands for whoever answers gates that no person answered: the option that lets it."""

_UNASKED: Map[str, str] = Map(
    {
        "abort": "stops the run",
        "continue": "the run goes on",
        "goto": "the run goes on",
        "propagate": "passed on to the block around it",
        "retry": "tried again",
        "rollback": "what ran is undone",
    }
)
"""What is done about a failure without a person's word, as an operator would say it."""

_MOST_REASONS = 10
"""Reasons of one step that are told; the report has them all."""

_COUNTED = re.compile(r"\d+ of \d+ hosts[^;]*")
"""How the detail of a step on many hosts begins."""

_NOTICEABLE_OFFSET = 0.1
"""Seconds of clock offset below which nobody needs to be told."""


class Said(msgspec.Struct, frozen=True):
    """A text about a host, a step, both or the run."""

    text: str
    host: str = ""
    step: str = ""


def by(actor: Actor | None) -> str:
    """` by anna`, ` by --auto` where a machine answered, and nothing where nobody in particular did."""
    if actor is None:
        return ""
    return f" by {MACHINE}" if actor.machine else f" by {actor.name}"


def spaced(word: str) -> str:
    """`service_restored` as people write it."""
    return word.replace("_", " ")


def opened(event: RunOpened) -> tuple[Said, ...]:
    """What is being run, by whom, where, and what was promised."""
    plan = event.plan
    hosts = plural(len(host_names(plan)), "host")
    rto = plan.objectives.rto
    promise = (Said(f"objective: service back {duration(rto)} after {plan.objectives.rto_starts_at}"),) if rto else ()
    return (
        Said(f"{plan.title} ({plan.kind} {plan.runbook})"),
        Said(f"run {event.run} in {plan.environment.name} on {hosts}{by(event.operator)}"),
        *((Said(follows(event.earlier)),) if event.earlier else ()),
        *promise,
    )


def follows(earlier: Earlier) -> str:
    """`continues run R at step 2.3`, `rolls back run R`."""
    at = f" at step {earlier.at}" if earlier.at else ""
    return f"{spaced(earlier.does)} run {earlier.run}{at}"


def runner_started(event: RunnerStarted) -> tuple[Said, ...]:
    """Only a resumed run is worth a word."""
    if not event.resumed:
        return ()
    torn = f"; {plural(event.torn_bytes, 'byte')} of an unfinished line were cut off" if event.torn_bytes else ""
    return (Said(f"resumed{by(event.by)}{torn}"),)


def session_opened(event: SessionOpened) -> tuple[Said, ...]:
    """Who answered, and a clock that is visibly off; the controller is always there."""
    if event.host == CONTROLLER:
        return ()
    offset = event.clock_offset
    clock = f", clock {offset:+.1f} s" if abs(offset) >= _NOTICEABLE_OFFSET else ""
    return (Said(f"connected{f' as {event.user}' if event.user else ''}{clock}", host=event.host),)


def twins(run: Run, host: str) -> tuple[Said, ...]:
    """That a machine has answered under another name before."""
    others = () if host == CONTROLLER else same_machine(run, host)
    twice = f"the same machine as {name_hosts(others)}: what is done on both is done there twice"
    return (Said(f"NOTE  {twice}", host=host),) if others else ()


def step_entered(run: Run, event: StepEntered) -> tuple[Said, ...]:
    """The step, where it runs and what it does there."""
    state = run.step(event.step)
    if state is None:
        return ()
    expected = f", expected {duration(state.planned.expected)}" if state.planned.expected else ""
    again = f", again ({state.visit})" if state.visit > 1 else ""
    hosts = tuple(host for host in event.hosts if host != CONTROLLER)
    where = f" on {name_hosts(hosts)}" if hosts else ""
    action = state.action_on(event.hosts[0]) if len(event.hosts) == 1 else state.action_on("*")
    does = (Said(f"      {describe(action)}", step=event.step),) if hosts and not state.planned.no_log else ()
    left = tuple(Said(f"left out: {reason}", host=host, step=event.step) for host, reason in event.left_out.items())
    return (Said(f"RUN   {name_of(run, state.planned)}{where}{again}{expected}", step=event.step), *does, *left)


def step_skipped(run: Run, event: StepSkipped) -> tuple[Said, ...]:
    """What is not done, and the values that decided it."""
    state = run.step(event.step)
    name = name_of(run, state.planned) if state else ""
    values = ", ".join(f"{key}={value}" for key, value in event.values.items())
    why = f" ({event.expression}{f' with {values}' if values else ''})" if event.expression else ""
    return (Said(f"SKIP  {name}: {event.reason}{why}", step=event.step),)


def attempt_started(event: AttemptStarted) -> tuple[Said, ...]:
    """Only a further try is worth a word."""
    return (Said(f"try {event.number}", host=event.host, step=event.step),) if event.number > 1 else ()


def attempt_ended(run: Run, event: AttemptEnded) -> tuple[Said, ...]:
    """How it went on a host; what its step's end tells in the next breath is left to that."""
    state = run.step(event.step)
    if state is None:
        return ()
    retrying = event.host in state.retrying
    if not retrying and (len(state.hosts) == 1 or _is_told(state, event)):
        return ()
    word = MARKS[status_of(event.outcome)].word
    what = "" if event.outcome is Outcome.SUCCEEDED else brief(event.detail) or outcome_words(event.outcome)
    again = "; will be tried again" if retrying else ""
    return (Said(f"{f'{word:<5} {what}'.rstrip()}{again}", host=_named(event.host), step=event.step),)


def _is_told(state: StepState, event: AttemptEnded) -> bool:
    """Another host of the step has failed in the same way; at the step's end all of them are named together."""
    if not event.outcome.is_error:
        return False
    reason = anonymous(event.host, event.detail)
    others = ((host, state.attempts[host]) for host in state.settled if host != event.host)
    return any(other.outcome is event.outcome and anonymous(host, other.detail) == reason for host, other in others)


def _named(host: str) -> str:
    return "" if host == CONTROLLER else host


def failed_hosts(state: StepState) -> tuple[tuple[str, str], ...]:
    """The hosts on which a step ended badly, each with why, by name."""
    failed = sorted(host for host, outcome in state.settled.items() if outcome.is_error)
    return tuple((host, state.attempts[host].detail if host in state.attempts else "") for host in failed)


def reason_lines(detail: str, failed: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Why a step ended badly: for many hosts each reason once, with the hosts that it holds for."""
    counted = _COUNTED.match(detail)
    if counted is None:
        yield from reason(detail).lines() if detail else ()
        return
    groups = shared(failed)
    if len(groups) == 1 and len(groups[0].reason.lines()) == 1:
        yield f"{counted[0]}; {name_hosts(groups[0].hosts)}: {groups[0].reason.what}"
        return
    yield counted[0]
    for group in groups[:_MOST_REASONS]:
        first, *others = group.reason.lines()
        yield f"{name_hosts(group.hosts)}: {first}"
        yield from (f"  {line}" for line in others)
    if len(groups) > _MOST_REASONS:
        yield f"({plural(len(groups) - _MOST_REASONS, 'more reason')})"


def step_ended(run: Run, event: StepEnded, at: float) -> tuple[Said, ...]:
    """How the step came out, how long it took and what was planned."""
    state = run.step(event.step)
    if state is None:
        return ()
    took = elapsed(state, at)
    planned = f" (expected {duration(state.planned.expected)})" if state.planned.expected else ""
    time = f" in {duration(took)}{planned}" if took is not None else ""
    first, *others = _reason(state, event)
    head = (
        f"{MARKS[step_status(run, state)].word:<5} {name_of(run, state.planned)}{time}{f': {first}' if first else ''}"
    )
    host = _named(state.hosts[0]) if len(state.hosts) == 1 and event.outcome.is_error else ""
    return (Said("\n".join((head, *others)), host=host, step=event.step),)


def _reason(state: StepState, event: StepEnded) -> tuple[str, ...]:
    return (tuple(reason_lines(event.detail, failed_hosts(state))) if event.outcome.is_error else (event.detail,)) or (
        "",
    )


def gate_opened(event: GateOpened, at: float) -> tuple[Said, ...]:
    """What is asked and what may be answered."""
    lapses = f"; lapses in {duration(event.deadline - at)}" if event.deadline is not None else ""
    answers = f"type {event.word}" if event.word else " | ".join(event.choices)
    return (
        Said(f"WAIT  {spaced(event.kind)} {event.gate}: {brief(event.message)}", step=event.step),
        *((Said(f"      answers: {answers}{lapses}", step=event.step),) if answers or lapses else ()),
    )


def gate_answered(event: GateAnswered) -> tuple[Said, ...]:
    """Who said what."""
    value = f" {event.value}" if event.value is not None else ""
    reason = f": {event.reason}" if event.reason else ""
    return (Said(f"{event.answer}{value}{by(event.by)}{reason}", step=event.step),)


def key_accepted(event: HostKeyAccepted) -> str:
    """Which key is believed from now on, which one was known, and who said so."""
    changed = event.changed
    known = ", ".join(str(key) for key in changed.known)
    return f"key of {changed.machine} accepted for this run{by(event.by)}: {changed.shown} instead of {known}"


def policy(event: PolicyEvent) -> tuple[Said, ...]:
    """What a rule said, and who went against it."""
    match event:
        case RuleOverridden():
            said = f" ({event.sentence})" if event.sentence else ""
            return (Said(f"RULE OVERRIDDEN  {event.rule}{by(event.by)}: {event.reason}{said}"),)
        case StepHeld():
            return (Said(f"HELD  by the rule {event.rule}: {event.sentence}", step=event.step),)
        case _:
            assert_never(event)


def failure_resolved(event: FailureResolved) -> tuple[Said, ...]:
    """What follows a failure."""
    return (Said(decision_words(event), step=event.step),)


def decision_words(event: FailureResolved) -> str:
    """What follows a failure, and who said so: the word a person chose, or in words what was done without asking."""
    reason = f": {event.reason}" if event.reason else ""
    if event.by is not None:
        return f"{spaced(event.choice)}{by(event.by)}{reason}"
    target = f" at step {event.goto}" if event.goto else ""
    return f"{_UNASKED.get(event.choice, spaced(event.choice))}{target}{reason} (nobody was asked)"


def probe_sampled(before: Run, event: ProbeSampled) -> tuple[Said, ...]:
    """Only a change of the answer, and the first bad one."""
    known = before.probes.get(event.probe)
    last = known.last if known else None
    if last is not None and last.ok == event.ok:
        return ()
    if event.ok:
        return (Said(f"OK    probe {event.probe}{' is good again' if last else ' is good'}"),)
    return (Said(f"FAIL  probe {event.probe}{f': {event.detail}' if event.detail else ''}"),)


def canary_sampled(before: Run, after: Run, event: CanarySampled) -> tuple[Said, ...]:
    """The first write that fails, and what was found when one could be read again."""
    if len(after.canary.losses) > len(before.canary.losses):
        loss = after.canary.losses[-1]
        lost = f"{plural(loss.lost, 'acknowledged write')} lost{in_flight_words(loss.in_flight, loss.kept)}"
        return (Said(f"canary: {lost}, {measured(loss.seconds, loss.error)} of data"),)
    if event.kind == "write" and not event.ok and before.canary.failed_at is None:
        return (Said(f"FAIL  canary: {event.detail or 'a write failed'}"),)
    return ()


def point_read(before: Run, event: PointEvent) -> tuple[Said, ...]:
    """A side that does not answer any more, or does again; what a restored set holds."""
    match event:
        case BackupRead() if event.ok:
            return (Said(f"the newest of what was restored was written {duration(event.age)} ago"),)
        case BackupRead():
            return (Said(f"FAIL  what was restored does not say how old it is: {event.detail}"),)
        case PositionRead() if event.ok == (event.side not in before.point.silent):
            return ()
        case PositionRead():
            said = "OK    position of the" if event.ok else "FAIL  position of the"
            return (Said(f"{said} {event.side}{f': {event.detail}' if event.detail else ''}"),)


def ended(run: Run, event: RunEnded) -> tuple[Said, ...]:
    """Why it ended, the four verdicts, and what was measured beside its objective."""
    out = verdicts(run)
    words = f"run {out.run}, steady state {out.steady_state}, objectives {out.objectives}, revert {out.revert}"
    facts = (
        ("rollback", rollback_words(run)),
        ("recovery time", recovery_words(run)),
        ("parts", parts_words(run)),
        ("data loss", loss_words(run)),
    )
    lines = [f"ended: {brief(event.reason)}", spaced(words), *(f"{name} {text}" for name, text in facts if text)]
    return tuple(Said(line) for line in lines)
