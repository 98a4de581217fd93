"""Folding what happens to steps as wholes: entering, skipping, ending, what follows a failure, jumping.

Apart from `evolve` only so that each part can be read in one sitting, and as silent. Each arm takes the run, the event
and the time, and gives the run after it.
"""

from __future__ import annotations

from itertools import accumulate
from typing import assert_never

from immutables import Map
from msgspec.structs import replace

from runbook.core import still_running
from runbook.core.alteration import close_gates, set_step, stop_run, weigh
from runbook.core.events.event import FailureResolved, Jumped, StepEnded, StepEntered, StepSkipped
from runbook.core.outcome import Outcome
from runbook.core.planned.action import Action, EndAction, LoopAction
from runbook.core.planned.book_end import steps_of_book_around
from runbook.core.planned.plan import PlannedStep, StepId
from runbook.core.planned.role import Role
from runbook.core.planned.shown import read_back
from runbook.core.planned.turns import spare_steps
from runbook.core.run import Mark, Phase, Run, StepPhase, StepState, Stop

StepEvent = StepEntered | StepSkipped | StepEnded | FailureResolved | Jumped
"""What happens to one step."""


def evolve_step(run: Run, event: StepEvent, at: float) -> Run:
    """The run after something happened to one of its steps."""
    match event:
        case StepEntered():
            return _step_entered(run, event, at)
        case StepSkipped():
            return _step_skipped(run, event, at)
        case StepEnded():
            return _step_ended(run, event, at)
        case FailureResolved():
            return _failure_resolved(run, event, at)
        case Jumped():
            return _jumped(run, event, at)
        case _:
            assert_never(event)


def _step_entered(run: Run, event: StepEntered, at: float) -> Run:
    """A new visit begins; what earlier visits did to hosts is kept."""
    state = run.steps.get(event.step)
    if state is None:
        return run
    numbers = {host: attempt.number for host, attempt in state.attempts.items()}
    # What the plan shows whole is not read a second time.
    told = read_back(event.shown) if state.planned.waits else {}
    entered = StepState(
        planned=state.planned,
        phase=StepPhase.ENTERED,
        visit=state.visit + 1,
        rounds=state.rounds + 1,
        entered_at=at,
        hosts=event.hosts,
        left_out=event.left_out,
        wave_ends=_wave_ends(state.planned, event.hosts),
        attempts=state.attempts,
        numbers_before=Map(numbers),
        touched=state.touched,
        weighed=state.weighed,
        shown=event.shown,
        rendered={host: one.action for host, one in told.items()} or event.rendered or _kept_items(state),
        around={host: one.around for host, one in told.items()} or event.around,
        digest=event.digest,
        # What a retry shows again unchanged was let through already.
        let_through=state.let_through and event.digest == state.digest,
        wait=event.wait,
    )
    return replace(set_step(run, entered), entered=(*run.entered, event.step))


def _kept_items(state: StepState) -> dict[str, Action]:
    """What a loop went through before, where it was not shown what it is to go through: its turns may be undone yet."""
    return state.rendered if isinstance(state.planned.action, LoopAction) else {}


def _wave_ends(planned: PlannedStep, hosts: tuple[str, ...]) -> tuple[int, ...]:
    """Where each planned wave ends among the hosts that are left; waves that lost all their hosts vanish."""
    taking_part = frozenset(hosts)
    ends: list[int] = []
    start = present = 0
    for end in accumulate(planned.waves or (len(planned.hosts),)):
        present += sum(host in taking_part for host in planned.hosts[start:end])
        start = end
        if present > (ends[-1] if ends else 0):
            ends.append(present)
    return tuple(ends) if ends and ends[-1] == len(hosts) else (*ends, len(hosts))


def _step_skipped(run: Run, event: StepSkipped, at: float) -> Run:
    """A step is over without having been entered."""
    state = run.steps.get(event.step)
    if state is None:
        return run
    # Nobody else gives the expression that decided it: a person has none, and neither has a step without a host.
    return set_step(run, _passed_over(state, event.reason, at, as_written=bool(event.expression)))


def _passed_over(state: StepState, reason: str, at: float, *, as_written: bool) -> StepState:
    return replace(_ended(state, Outcome.SKIPPED, reason, at), skipped_as_written=as_written)


def _ended(state: StepState, outcome: Outcome, detail: str, at: float) -> StepState:
    return replace(
        state,
        phase=StepPhase.ENDED,
        outcome=outcome,
        detail=detail,
        ended_at=at,
        resolution=None,
        skipped_as_written=False,
    )


def _step_ended(run: Run, event: StepEnded, at: float) -> Run:
    """A step is over; its milestone is marked unless a better moment is known."""
    state = run.steps.get(event.step)
    if state is None:
        return run
    run = set_step(run, _ended(state, event.outcome, event.detail, at))
    run = close_gates(run, event.step, at)
    if event.outcome is not Outcome.SUCCEEDED:
        return run
    if isinstance(state.planned.action, EndAction):
        run = _end_book(run, event.step, at)
    return _mark_end(run, state, at)


def _end_book(run: Run, end: StepId, at: float) -> Run:
    """The runbook around is done: what of it is still ahead is left out, but for the ends of blocks that are open."""
    spared = _ends_of_blocks_around(run, end) | spare_steps(run)
    steps = run.steps.mutate()
    for planned in steps_of_book_around(run, end):
        if steps[planned.id].phase is StepPhase.AHEAD and planned.role is not Role.UNDO and planned.id not in spared:
            steps[planned.id] = _passed_over(steps[planned.id], f"the runbook ended at step {end}", at, as_written=True)
    return replace(run, steps=steps.finish())


def _mark_end(run: Run, state: StepState, at: float) -> Run:
    """Mark its milestone: now, or where the step has seen it come, at the first good sample of the stretch that held.

    Of several hosts the slowest counts. A later visit marks it again.
    """
    if state.planned.sets is None:
        return run
    newest = (each for host, each in state.attempts.items() if each.number > state.numbers_before.get(host, 0))
    seen = [attempt.good_since for attempt in newest if attempt.good_since is not None]
    mark = Mark(at=max(seen, default=at), source=state.id)
    return replace(run, milestones=run.milestones.set(state.planned.sets, mark))


def _failure_resolved(run: Run, event: FailureResolved, at: float) -> Run:
    """What follows a failure: again, on, back, or out."""
    state = run.steps.get(event.step)
    if state is None:
        return run
    run = close_gates(run, event.step, at)
    if event.by is not None:
        run = still_running.decided(run, state.planned)
        for step in state.planned.walk():
            run = weigh(run, run.steps[step.id])
        state = replace(run.steps[event.step], rounds=0)
    match event.choice:
        case "retry" | "retry_failed":
            run = _reopen_children(run, state.planned)
            if event.choice == "retry" and state.planned.waits:
                # A value that it waited for may be another one by now: it is rendered, and shown, anew.
                return set_step(run, replace(_ahead_again(state), let_through=state.let_through))
            return set_step(run, _again(run, state, at, only_failed=event.choice == "retry_failed"))
        case "goto":
            return _jump(set_step(run, replace(state, resolution=event)), event.step, event.goto, at)
        case "rollback" | "abort":
            return _stopped(set_step(run, replace(state, resolution=event)), state, event, at)
        case "accept":
            # Taken for done, so its milestone is marked as if it had said so itself.
            run = set_step(run, replace(state, resolution=event))
            return _mark_end(run, state, at if state.ended_at is None else state.ended_at)
        case _:
            return set_step(run, replace(state, resolution=event))


def _stopped(run: Run, state: StepState, event: FailureResolved, at: float) -> Run:
    """A failure ends the way forward, or the rollback that it happened in; closing steps always go on."""
    reason = event.reason or f"step {event.step} {state.planned.name}: {state.detail}"
    if run.phase is Phase.FORWARD:
        stop = Stop(undo=event.choice == "rollback", halted=False, reason=reason, by=event.by)
        return stop_run(run, run.stop or stop, at)
    if run.phase is Phase.ROLLBACK and run.stop is not None:
        return stop_run(run, replace(run.stop, undo=False), at)
    return run


def _reopen_children(run: Run, planned: PlannedStep) -> Run:
    """A block that is tried again begins with its first step."""
    for child in planned.children:
        state = run.steps[child.id]
        run = _reopen_children(set_step(run, _ahead_again(state)), child)
    return run


def _ahead_again(state: StepState) -> StepState:
    return replace(
        state, phase=StepPhase.AHEAD, outcome=None, resolution=None, let_through=False, has_jumped=False, given_up=""
    )


def _again(run: Run, state: StepState, at: float, *, only_failed: bool) -> StepState:
    """The step open once more, in its waves, for all its hosts or for those that it did not succeed on.

    What was excluded since stays out; a step that has no host left, or never had one, is entered anew.
    """
    left = tuple(host for host in state.hosts if host not in run.excluded)
    failed = tuple(host for host in left if state.settled.get(host) is not Outcome.SUCCEEDED)
    hosts = failed if only_failed else left
    if not hosts:
        return _ahead_again(state)
    return StepState(
        planned=state.planned,
        phase=StepPhase.ENTERED,
        visit=state.visit + 1,
        rounds=state.rounds + 1,
        entered_at=state.entered_at if state.entered_at is not None else at,
        hosts=hosts,
        left_out=state.left_out,
        wave_ends=_wave_ends(state.planned, hosts),
        attempts=state.attempts,
        numbers_before=Map({host: attempt.number for host, attempt in state.attempts.items()}),
        touched=state.touched,
        weighed=state.weighed,
        shown=state.shown,
        rendered=state.rendered,
        around=state.around,
        digest=state.digest,
        let_through=state.let_through,
    )


def _ends_of_blocks_around(run: Run, step: StepId) -> set[StepId]:
    """What the blocks around a step do whatever happens."""
    around = (state.planned for state in run.steps.values() if state.planned.children)
    blocks = (block for block in around if any(inner.id == step for inner in block.walk()))
    return {inner.id for block in blocks for end in block.always for inner in end.walk()}


def _loops_left(run: Run, source: StepId, there: int) -> set[StepId]:
    """What is open of loops that a way back leaves: reached again, they go through their items anew."""
    loops = (state.planned for state in run.steps.values() if isinstance(state.planned.action, LoopAction))
    around = (loop for loop in loops if any(inner.id == source for inner in loop.walk()))
    inside = (inner.id for loop in around if run.order[loop.id] >= there for inner in loop.walk())
    return {step for step in inside if run.steps[step].is_live}


def _jumped(run: Run, event: Jumped, at: float) -> Run:
    """The run goes on elsewhere."""
    state = run.steps.get(event.source)
    if state is None:
        return run
    return _jump(set_step(run, replace(state, has_jumped=True)), event.source, event.target, at)


def _jump(run: Run, source: StepId, target: StepId, at: float) -> Run:
    """Forwards: steps between are skipped. Backwards: the target and all behind it are ahead again.

    An undo is never skipped: its own step may have run. Nor is the `always` of a block that the jump leaves.
    """
    here, there = run.order.get(source), run.order.get(target)
    if here is None or there is None:
        return run
    spared, left = _ends_of_blocks_around(run, source) | spare_steps(run), _loops_left(run, source, there)
    steps = run.steps.mutate()
    for step, position in run.order.items():
        state = run.steps[step]
        if (
            here < position < there
            and state.phase is StepPhase.AHEAD
            and not (state.planned.role is Role.UNDO or step in spared)
        ):
            steps[step] = _passed_over(state, f"jumped over from step {source}", at, as_written=True)
        elif there <= position <= here and (state.phase is StepPhase.ENDED or step in left):
            steps[step] = _ahead_again(state)
    return replace(run, steps=steps.finish())
