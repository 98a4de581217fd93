"""A pure stand-in for the executor: it lives a plan to its end from tables, without a clock, a host or a task.

    drive = Drive(plan(step("1.1"), step("1.2")), outcomes={"1.2": [FAILED, SUCCEEDED]}).go()
    drive.did        # what was started where, in that order: ["1.1@db1", "1.2@db1", "1.2@db1"]
    drive.tale       # every decision and observation, a few words each
    drive.run        # the folded run

It does what `engine/executor.py` does and in the same order: record the notes, enter steps, cancel what is not named
any more, start what is named and not in flight, then let the next thing happen. Attempts end as the table says, gates
are answered from a table and through `decide`, and time only moves to the next moment at which something can change.
Where the run waits for what no table gives, `go` returns with the run as it stands.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from runbook.core.actor import Actor
from runbook.core.effect import Attempt, Conclude, Effect, Enter, Hold, Renew, Revert, WakeAt
from runbook.core.events.entry import Entry
from runbook.core.events.event import (
    AlwaysStarted,
    AttemptEnded,
    AttemptStarted,
    Event,
    FailureResolved,
    GateAnswered,
    GateLapsed,
    GateOpened,
    HaltRequested,
    HostExcluded,
    Jumped,
    RollbackStarted,
    RunEnded,
    RunnerStarted,
    StepEnded,
    StepEntered,
    StepSkipped,
)
from runbook.core.events.fault_event import FaultArming, FaultInjected, FaultPresent, FaultReverted, LeaseHeld
from runbook.core.intent import AnswerGate, Intent, ResolveFailure
from runbook.core.outcome import Outcome
from runbook.core.planned.action import BranchAction, LoopAction, WaitAction
from runbook.core.planned.fault_action import FaultAction
from runbook.core.planned.plan import Plan
from runbook.core.planned.shown import Shown, Surroundings, texts_of
from runbook.core.result import Result
from runbook.core.rules import fanout
from runbook.core.rules.decide import decide
from runbook.core.rules.due import due
from runbook.core.rules.failure_policy import MAX_VISITS
from runbook.core.run import Run, StepState
from runbook.problem import Problem
from tests.builders import ANNA, Story

MAX_NOTES = 2_000
"""Decisions in a row without any work; more means that the state never comes to rest."""

Reply = Callable[[str, str], tuple[Intent, Actor]]
"""From a gate's id and its step to what somebody asks for."""


def says(answer: str, *, by: Actor = ANNA, **fields: object) -> Reply:
    """Somebody answers a gate."""
    return lambda gate, _step: (AnswerGate(gate=gate, answer=answer, **fields), by)


def picks(choice: str, reason: str = "looked by hand", *, by: Actor = ANNA) -> Reply:
    """Somebody chooses from the menu of a failed step."""
    return lambda _gate, step: (ResolveFailure(step=step, choice=choice, reason=reason), by)


class Drive:
    """A run lived from tables; see the top of this file."""

    def __init__(
        self,
        of: Plan,
        *,
        outcomes: Mapping[str, Outcome | Sequence[Outcome]] | None = None,
        replies: Mapping[str, Sequence[Reply]] | None = None,
        false: Sequence[str] = (),
        took: Mapping[str, float] | None = None,
        values: Mapping[str, Sequence[object]] | None = None,
        items: Mapping[str, Sequence[Sequence[object]]] | None = None,
        lingering: Sequence[str] = (),
        lifts: Mapping[str, Sequence[Event]] | None = None,
        **opened: object,
    ) -> None:
        """Open the run and let a runner take it.

        Keys of `outcomes` and `took` are steps (`1.1`) or a step on a host (`1.1@db1`); a sequence is read attempt by
        attempt and its last stays, and so is one of `values`, what attempts give back: a branch without takes its ways
        in turn. `lifts` gives by fault (`1.1/db1/1`) what each try to lift it comes to; without it, it is
        gone. What is in doubt is over, except the steps that `lingering` lists. `false` lists steps, or steps on hosts, whose condition does not hold.
        """
        self.story = Story(of, **opened)
        self._outcomes = dict(outcomes or {})
        self._replies = {step: list(given) for step, given in (replies or {}).items()}
        self._false = frozenset(false)
        self._lingering = frozenset(lingering)
        self._took = dict(took or {})
        self._values = dict(values or {})
        self._items = dict(items or {})
        self._lifts = {key: list(said) for key, said in (lifts or {}).items()}
        self.held: list[str] = []
        self.in_flight: dict[Attempt, float] = {}
        self.started: Counter[tuple[str, str, int]] = Counter()
        self.effects: tuple[Effect, ...] = ()
        self.story.add(RunnerStarted(pid=4711, by=ANNA))

    # --- what came out ------------------------------------------------------------------------------------------------

    @property
    def run(self) -> Run:
        return self.story.run

    @property
    def now(self) -> float:
        return self.story.now

    @property
    def events(self) -> list[Event]:
        return [entry.event for entry in self.story.entries]

    @property
    def did(self) -> list[str]:
        """Attempts in the order in which they were started."""
        return [f"{one.step}@{one.host}" for one in self.events if isinstance(one, AttemptStarted)]

    @property
    def tale(self) -> list[str]:
        """Decisions and ends in a few words each."""
        return [words for event in self.events if (words := in_words(event))]

    def entries_of(self, kind: type[Event]) -> list[Entry]:
        """Entries of one kind of event."""
        return [entry for entry in self.story.entries if isinstance(entry.event, kind)]

    def outcome(self, step: str) -> Outcome | None:
        """How a step ended."""
        return self.run.steps[step].outcome

    def state(self, step: str) -> StepState:
        """A step as it stands."""
        return self.run.steps[step]

    # --- driving ------------------------------------------------------------------------------------------------------

    def ask(self, intent: Intent, by: Actor = ANNA) -> Problem | None:
        """Somebody asks for something now; the refusal, or None when it is granted and on record."""
        decision = decide(self.run, intent, by)
        if isinstance(decision, Problem):
            return decision
        self.story.add(*decision)
        return None

    def go(self, until: Callable[[Drive], bool] = lambda _drive: False, limit: int = 100_000) -> Drive:
        """Live on until the condition holds, nothing can happen without a person, or the run has ended."""
        for _ in range(limit):
            self.settle()
            if until(self) or self.run.has_ended or not self.happen():
                return self
        raise AssertionError(f"the run does not end: {self.tale[-20:]}")

    def settle(self) -> None:
        """Record what the state calls for, then start and cancel, until it is at rest."""
        while True:
            self._note()
            named = {effect for effect in self.effects if isinstance(effect, Attempt)}
            gone = [effect for effect in self.in_flight if effect not in named]
            for effect in gone:
                self._end(effect, Outcome.CANCELLED)
            for effect in self.effects:
                if isinstance(effect, Attempt) and effect not in self.in_flight:
                    self._start(effect)
            if not (self._lift() or gone):
                return

    def _lift(self) -> bool:
        """Do at once what is named about faults; `held` are those whose lease is being renewed."""
        self.held = [effect.fault for effect in self.effects if isinstance(effect, Renew)]
        todo = [effect for effect in self.effects if isinstance(effect, Revert | Hold)]
        for effect in todo:
            fault = self.run.faults[effect.fault]
            where = {"step": fault.step, "host": fault.host, "number": fault.number}
            if isinstance(effect, Hold):
                self.story.add(LeaseHeld(**where))
                continue
            waiting = self._lifts.get(effect.fault)
            self.story.add(waiting.pop(0) if waiting else FaultReverted(**where, by="runner"))
        return bool(todo)

    def happen(self) -> bool:
        """The next thing: an answer, the end of an attempt, or a moment that something waits for."""
        if self._answer():
            return True
        wake = min((effect.at for effect in self.effects if isinstance(effect, WakeAt)), default=math.inf)
        ending = min(self.in_flight.values(), default=math.inf)
        if math.isinf(wake) and math.isinf(ending):
            return False
        self.story.now = max(self.now, min(wake, ending))
        if ending <= wake:
            effect = next(effect for effect, at in self.in_flight.items() if at == ending)
            self._end(effect, self.outcome_of(effect))
        return True

    def crash_and_resume(self) -> Drive:
        """The runner is killed and another one takes the run: what was in flight is only on record now."""
        self.in_flight = {}
        self.story.add(RunnerStarted(pid=4712, resumed=True, by=ANNA))
        return self

    # --- its parts ----------------------------------------------------------------------------------------------------

    def _note(self) -> None:
        for _ in range(MAX_NOTES):
            self.effects = due(self.run, self.now)
            events = [effect.event for effect in self.effects if isinstance(effect, Conclude)]
            events = events or [self.enter(effect) for effect in self.effects if isinstance(effect, Enter)]
            if not events:
                return
            self.story.add(*events)
        raise AssertionError(f"the state never comes to rest: {self.tale[-10:]}")

    def enter(self, effect: Enter) -> Event:
        """What evaluating the step's condition gives."""
        state = self.run.steps[effect.step]
        out = {host: why for host, why in fanout.targets(self.run, state).items() if why}
        for host in state.planned.hosts:
            if f"{effect.step}@{host}" in self._false:
                out[host] = "when"
        hosts = tuple(host for host in state.planned.hosts if host not in out)
        if effect.step in self._false or (state.planned.hosts and not hosts):
            return StepSkipped(step=effect.step, reason="its condition is false", expression="false")
        action = state.planned.action
        wait = action.seconds if isinstance(action, WaitAction) else 0.0
        shown = self._shown(state, effect.visit) if isinstance(action, LoopAction) and action.waits else {}
        digest = f"digest of {effect.step}"
        return StepEntered(step=effect.step, hosts=hosts, left_out=out, wait=wait, digest=digest, shown=shown)

    def _shown(self, state: StepState, visit: int) -> dict[str, str]:
        """What a loop goes through at a visit: as the table says, the last stays; else more at each, and then none."""
        action = state.planned.action
        assert isinstance(action, LoopAction)
        given = self._items.get(state.id)
        items = given[min(visit, len(given)) - 1] if given else range(visit % (action.at_most + 1))
        shown = Shown(action=replace(action, items=tuple(items)), around=Surroundings())
        return texts_of({"*": shown})

    def _start(self, effect: Attempt) -> None:
        running = self.run.steps[effect.step].running
        self.in_flight[effect] = self.now + self._of(self._took, effect, 1.0)
        if running.get(effect.host) == effect.number:
            return  # an earlier runner started it; this one is re-attached
        self.started[effect.step, effect.host, effect.number] += 1
        where = {"step": effect.step, "host": effect.host, "number": effect.number}
        self.story.add(AttemptStarted(**where))
        action = self.run.steps[effect.step].planned.action
        if isinstance(action, FaultAction):
            times = {"lease": action.lease, "limit": action.duration * 2, "duration": action.duration}
            self.story.add(
                FaultArming(**where, fault=action.fault, lease_id="L", on_link_loss=action.on_link_loss, **times),
                FaultInjected(**where),
            )

    def _end(self, effect: Attempt, outcome: Outcome) -> None:
        del self.in_flight[effect]
        rc = {Outcome.SUCCEEDED: 0, Outcome.FAILED: 1}.get(outcome)
        self.story.add(
            AttemptEnded(
                step=effect.step,
                host=effect.host,
                number=effect.number,
                outcome=outcome,
                detail="" if rc == 0 else outcome.value.replace("_", " "),
                result=Result(rc=rc, value=self._value_of(effect)),
                is_over=outcome is Outcome.IN_DOUBT and effect.step not in self._lingering,
            )
        )

    def outcome_of(self, effect: Attempt) -> Outcome:
        """What the table says about an attempt."""
        given = self._of(self._outcomes, effect, Outcome.SUCCEEDED)
        return given if isinstance(given, Outcome) else given[min(effect.number, len(given)) - 1]

    def _value_of(self, effect: Attempt) -> object:
        action = self.run.steps[effect.step].planned.action
        ways = range(len(action.ways) + 1) if isinstance(action, BranchAction) else (None,)
        given = self._of(self._values, effect, tuple(ways) * MAX_VISITS)
        return given[min(effect.number, len(given)) - 1]

    @staticmethod
    def _of(table: Mapping[str, object], effect: Attempt, default: object) -> object:
        return table.get(f"{effect.step}@{effect.host}", table.get(effect.step, default))

    def _answer(self) -> bool:
        for gate in self.run.open_gates:
            step = self.run.gates[gate].opened.step
            waiting = self._replies.get(step)
            if waiting:
                refused = self.ask(*waiting.pop(0)(gate, step))
                assert refused is None, str(refused)
                return True
        return False


def in_words(event: Event) -> str:  # noqa: PLR0911, PLR0912 - one line for each event that has a word
    """An event in a few words; empty for those that tests look at in other ways."""
    match event:
        case StepEntered():
            return f"enter {event.step}"
        case StepSkipped():
            return f"skip {event.step}"
        case AttemptEnded():
            return f"{event.step}@{event.host}#{event.number} {event.outcome}"
        case StepEnded():
            return f"end {event.step} {event.outcome}"
        case GateOpened():
            return f"ask {event.gate} {event.kind}"
        case GateAnswered():
            return f"{event.by.name}: {event.answer} {event.gate}"
        case GateLapsed():
            return f"lapse {event.gate}"
        case FailureResolved():
            return f"{event.by.name if event.by else 'policy'}: {event.choice} {event.step}"
        case Jumped():
            return f"jump {event.source} to {event.target}"
        case HostExcluded():
            return f"exclude {event.host}"
        case HaltRequested():
            return f"halt by {event.by.name if event.by else 'rule'}"
        case RollbackStarted():
            return "roll back"
        case AlwaysStarted():
            return "close"
        case RunEnded():
            return "ended"
        case FaultInjected():
            return f"broken {event.step}@{event.host}"
        case FaultReverted():
            return f"whole {event.step}@{event.host} by {event.by}"
        case FaultPresent():
            return f"still {event.step}@{event.host}"
        case LeaseHeld():
            return f"hold {event.step}@{event.host}"
        case _:
            return ""
