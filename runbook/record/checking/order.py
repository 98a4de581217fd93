"""Checks on what the journal says by itself: does the story hold together, event by event?

These need no file but the journal. They look for what a hand at the record, a fault of the recorder or a lost runner
would leave: a plan that is not the one confirmed, a command without an end, work done while its gate still waited.
"""

from __future__ import annotations

from runbook.core.actor import Actor, distinct
from runbook.core.events.entry import Entry
from runbook.core.events.event import (
    AlwaysStarted,
    AttemptEnded,
    AttemptStarted,
    FailureResolved,
    GateAnswered,
    GateLapsed,
    GateOpened,
    HaltRequested,
    HostKeyAccepted,
    Jumped,
    RollbackStarted,
    RunEnded,
    RunOpened,
    StepEnded,
    StepSkipped,
)
from runbook.core.host_key import ChangedKey
from runbook.core.planned.action import ParallelAction
from runbook.core.planned.plan import Plan, PlannedStep, StepId
from runbook.record.checking.soundness import Examined, JournalEnd, Soundness, line_of
from runbook.record.form.codec import plan_in
from runbook.record.form.formats import PLAN, rules_of


class PlanCheck:
    """The record begins with the plan, and the plan is the one whose digest was confirmed."""

    def __init__(self) -> None:
        """Nothing seen yet."""
        self.check = Examined(name="plan", finding=Soundness.MISSING, detail="The journal holds no plan", line=1)
        """As found so far."""

    def see(self, entry: Entry, line: bytes) -> None:
        """Recompute the digest of the plan in the first line."""
        opened = isinstance(entry.event, RunOpened)
        if opened != (entry.seq == 0) and self.check.finding is not Soundness.ALTERED:
            what = "The run is opened a second time" if opened else "The first line does not open a run"
            self.check = Examined(name="plan", finding=Soundness.ALTERED, detail=what, line=line_of(entry))
        elif isinstance(entry.event, RunOpened):
            self.check = _plan_check(entry.event, line)


def _plan_check(event: RunOpened, line: bytes) -> Examined:
    digest = rules_of(event.format)[0].plan_digest(event, plan_in(line))
    if digest != event.plan_digest:
        detail = f"The plan gives the digest {digest}, the record says that {event.plan_digest} was confirmed"
    elif event.files.get(PLAN, digest) != digest:
        detail = f"{PLAN} is another plan than that of the first line"
    else:
        detail = f"The plan has the digest that was confirmed, {digest}"
        return Examined(name="plan", finding=Soundness.OK, detail=detail)
    return Examined(name="plan", finding=Soundness.ALTERED, detail=detail, line=1)


class EndingCheck:
    """The last line, and no other, says that the run ended."""

    def __init__(self) -> None:
        """Nothing seen yet."""
        self._ended_at = 0
        self._behind = 0

    def see(self, entry: Entry) -> None:
        """Note the end, and whatever stands behind it."""
        if self._ended_at and not self._behind:
            self._behind = line_of(entry)
        if isinstance(entry.event, RunEnded) and not self._ended_at:
            self._ended_at = line_of(entry)

    def check(self, ending: JournalEnd) -> Examined:
        """A journal that was cut after any whole line shows here, because the chain cannot know what it lacks."""
        if self._behind:
            detail = f"The run ended in line {self._ended_at} and yet the journal goes on"
            return Examined(name="ending", finding=Soundness.ALTERED, detail=detail, line=self._behind)
        if not self._ended_at:
            detail = "The journal does not say that the run ended: it is live, its runner died, or the end was cut off"
            return Examined(name="ending", finding=Soundness.MISSING, detail=detail, line=ending.lines + 1)
        return Examined(name="ending", finding=Soundness.OK, detail=f"The run ended in line {self._ended_at}, the last")


class AttemptsCheck:
    """Every attempt that was started came to an end on the record, if only as in doubt, and started once."""

    def __init__(self) -> None:
        """Nothing seen yet."""
        self._open: dict[tuple[str, str, int], int] = {}
        self._known: set[tuple[str, str, int]] = set()
        self._wrong: Examined | None = None

    def see(self, entry: Entry) -> None:
        """Pair starts and ends."""
        match entry.event:
            case AttemptStarted(step=step, host=host, number=number):
                if (step, host, number) in self._known:
                    self._blame(entry, f"Attempt {number} of step {step} on {host} is started a second time")
                self._known.add((step, host, number))
                self._open[step, host, number] = line_of(entry)
            case AttemptEnded(step=step, host=host, number=number, outcome=outcome):
                known = (step, host, number) in self._known
                if outcome.may_have_run and not known:
                    self._blame(entry, f"Attempt {number} of step {step} on {host} ends and was never started")
                self._open.pop((step, host, number), 0)
            case _:
                pass

    def check(self, ending: JournalEnd) -> Examined:
        """An attempt without an end may have run: the record does not say."""
        if self._wrong is not None:
            return self._wrong
        if self._open:
            (step, host, number), line = min(self._open.items(), key=lambda item: item[1])
            detail = f"{len(self._open)} attempts have no end, the first is {number} of step {step} on {host}"
            due = line if ending.ended else ending.lines + 1
            return Examined(name="attempts", finding=Soundness.MISSING, detail=detail, line=due)
        detail = f"Each of {len(self._known)} attempts started once and came to an end"
        return Examined(name="attempts", finding=Soundness.OK, detail=detail)

    def _blame(self, entry: Entry, detail: str) -> None:
        if self._wrong is None:
            self._wrong = Examined(name="attempts", finding=Soundness.ALTERED, detail=detail, line=line_of(entry))


StepPath = tuple[tuple[str, int], ...]
"""Where a step stands: for each container around it, outermost first, the container and the place in its order."""


class GatesCheck:
    """Nothing that a gate guards was started while the gate still waited."""

    def __init__(self) -> None:
        """Nothing seen yet."""
        self._paths: dict[StepId, StepPath] = {}
        self._waiting: dict[str, GateOpened] = {}
        self._needed: dict[StepId, int] = {}
        """People who have to agree before a step."""
        self._agreed: dict[str, tuple[Actor, ...]] = {}
        self._opened = 0
        self._wrong: Examined | None = None

    def see(self, entry: Entry) -> None:
        """Keep the gates that wait, and hold every attempt against them."""
        match entry.event:
            case RunOpened(plan=plan):
                self._paths = _paths(plan)
                self._needed = {step.id: step.must_agree for step in plan.walk()}
            case GateOpened() as gate:
                self._waiting[gate.gate] = gate
                self._opened += 1
            case GateAnswered(gate=name):
                self._answer(entry, name)
            case GateLapsed(gate=name):
                self._waiting.pop(name, None)
            case HostKeyAccepted(changed=changed):
                # One answer stands for every step that met the same key.
                about = [name for name, gate in self._waiting.items() if _is_about(gate.changed_key, changed)]
                self._waiting = {name: gate for name, gate in self._waiting.items() if name not in about}
            case StepEnded(step=step) | StepSkipped(step=step) | FailureResolved(step=step):
                self._waiting = {name: gate for name, gate in self._waiting.items() if gate.step != step}
            case HaltRequested() | RollbackStarted() | AlwaysStarted() | Jumped():
                self._waiting.clear()
            case AttemptStarted(step=step):
                self._hold(entry, step)
            case _:
                pass

    def check(self, ending: JournalEnd) -> Examined:  # noqa: ARG002 - the protocol's
        """As found."""
        detail = f"Nothing was started while one of {self._opened} gates that guard it still waited"
        return self._wrong or Examined(name="gates", finding=Soundness.OK, detail=detail)

    def _answer(self, entry: Entry, name: str) -> None:
        gate = self._waiting.get(name)
        if gate is None:
            self._blame(entry, f"Gate {name} is answered and did not wait")
        elif gate.kind == "approval":
            self._agree(entry, gate)
        elif gate.kind not in {"approve", "checklist"}:  # those take several answers and end with their step
            del self._waiting[name]

    def _agree(self, entry: Entry, gate: GateOpened) -> None:
        """It waits until as many people have agreed as the plan demands."""
        event = entry.event
        if not isinstance(event, GateAnswered):
            return
        given = (*self._agreed.get(gate.gate, ()), *((event.by,) if event.answer == "approve" else ()))
        self._agreed[gate.gate] = given
        if event.by.machine or len(distinct(given)) >= self._needed.get(gate.step, 0):
            del self._waiting[gate.gate]

    def _hold(self, entry: Entry, step: StepId) -> None:
        for gate in self._waiting.values():
            if self._guards(gate, step):
                self._blame(entry, f"Step {step} was started while gate {gate.gate} still waited for an answer")

    def _guards(self, gate: GateOpened, step: StepId) -> bool:
        if step == gate.step or step.startswith(f"{gate.step}."):
            # Who a host is keeps that host waiting, and no other of the step.
            return gate.kind not in {"failure", "host_key"}
        return _is_before(self._paths.get(gate.step, ()), self._paths.get(step, ()))

    def _blame(self, entry: Entry, detail: str) -> None:
        if self._wrong is None:
            self._wrong = Examined(name="gates", finding=Soundness.ALTERED, detail=detail, line=line_of(entry))


def _is_about(asked: ChangedKey | None, accepted: ChangedKey) -> bool:
    return asked is not None and (asked.machine, asked.shown) == (accepted.machine, accepted.shown)


def _paths(plan: Plan) -> dict[StepId, StepPath]:
    """Every step of the main flow; what rolls back and what always runs at the end waits for no gate of it."""
    found: dict[StepId, StepPath] = {}
    for number, section in enumerate(plan.sections):
        _place(found, section.steps, (("", number),), section.id)
    return found


def _place(found: dict[StepId, StepPath], steps: tuple[PlannedStep, ...], above: StepPath, container: str) -> None:
    for number, step in enumerate(steps):
        path = (*above, (container, number))
        found[step.id] = path
        if isinstance(step.action, ParallelAction):
            for child in step.steps:
                # Each child of a parallel is an order of its own: none is before another.
                _place(found, (child,), path, child.id)
        else:
            _place(found, (*step.steps, *step.rescue, *step.always), path, step.id)


def _is_before(gate: StepPath, step: StepPath) -> bool:
    for (order, place), (other_order, other_place) in zip(gate, step, strict=False):
        if order != other_order:
            return False
        if place != other_place:
            return place < other_place
    return False
