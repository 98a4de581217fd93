"""The seam between the loop that decides what is in flight and whatever does the work: a row for each kind of effect.

The executor knows when something starts and ends and nothing of hosts; workers know hosts and nothing of when. What
the loop must know of one kind (how it begins, whether it goes on without us, what a crash of it tells) stands in its
row of `kinds_of` and nowhere else, so a new kind of effect is its class, its row, and whoever does it. An effect
without a row is no work: `Conclude` is a decision and `WakeAt` a time. Tests put hands of their own here.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from runbook.core.effect import Attempt, Effect, Enter, Hold, ReadPoint, Renew, Revert, Watch, WriteMarks
from runbook.core.events.event import AttemptEnded, AttemptStarted, Event, NoteAdded, StepEnded, StepEntered
from runbook.core.events.fault_event import FaultPresent, LeaseHeld
from runbook.core.fault import named
from runbook.core.outcome import Outcome
from runbook.core.run import Run

E = TypeVar("E", bound=Effect)

Answer = Callable[[Run], tuple[Event, ...]]
"""What an effect came to, asked with the run as it stands when that is to be recorded: the events, or none when it
rested on what has changed meanwhile, and has to be done again.
"""

Work = Coroutine[Any, Any, Answer | None]
"""Doing what an effect names. It tells events on its way, or comes to an answer at its end; None is nothing to add."""

Begin = Callable[[Any], Work]
"""Takes the effect, and gives the work to be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlives(Generic[E]):
    """How a kind of effect is treated that may go on when this process is gone."""

    announced: Callable[[Run, E], Event]
    """The event that must be durable before it begins."""
    is_begun: Callable[[Run, E], bool]
    """Whether it is on record as begun and not as ended: it may be under way, so it is never begun again."""
    left: Callable[[Run], Iterable[E]]
    """Everything that is."""
    resume: Callable[[E], Work]
    """Find it again and follow it; never begins it."""
    stop: Callable[[E], Work]
    """Find it again only to end it, for nobody names it any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[E]):
    """All that the loop must know of one kind of effect."""

    begin: Callable[[E], Work]
    crashed: Callable[[E, str], tuple[Event, ...]]
    """What is told when it ended by a mistake of ours, given that in words; it is never tried again by itself."""
    is_standing: bool = False
    """It has no end of its own. After a crash it counts as in flight until it is no longer named, and does not spin."""
    is_question: bool = False
    """It acts on nothing, and what it comes to is an answer: dropped, like its crash, once it is no longer named."""
    outlives: Outlives[E] | None = None
    """None for what ends with this process."""


Kinds = Mapping[type[Effect], Kind[Any]]


class Workers(Protocol):
    """What does the work that effects name."""

    @property
    def kinds(self) -> Kinds:
        """A row for each kind of effect that is work."""

    async def close(self) -> None:
        """Hang up everywhere."""


class Hands(Protocol):
    """What a run needs done, one method for each kind; `kinds_of` says when and how often."""

    def enter(self, effect: Enter) -> Work:
        """Evaluate a step's condition and render what waits for values. It touches nothing outside."""

    def started(self, run: Run, effect: Attempt) -> AttemptStarted:
        """The event that must be durable before `attempt` sends anything."""

    def attempt(self, effect: Attempt) -> Work:
        """Run a step on a host and tell how it ended; a cancel is answered with an end too."""

    def resume(self, effect: Attempt) -> Work:
        """Follow what an earlier runner started, and tell how it ended."""

    def stop(self, effect: Attempt) -> Work:
        """End what an earlier runner left running and nobody wants any more, and tell how it ended."""

    def watch(self, effect: Watch) -> Work:
        """Ask a probe at its interval, for ever."""

    def write_marks(self, effect: WriteMarks) -> Work:
        """Write canary marks, for ever; read one back after each interruption."""

    def read_point(self, effect: ReadPoint) -> Work:
        """Read positions, or what a restored set holds, for ever."""

    def renew(self, effect: Renew) -> Work:
        """Renew a fault's lease again and again, until the host says that the fault is gone."""

    def hold(self, effect: Hold) -> Work:
        """Tell a host to keep a fault until somebody lifts it, and tell whether it could be told."""

    def revert(self, effect: Revert) -> Work:
        """Lift a fault, and tell whether it is gone."""


def kinds_of(hands: Hands) -> Kinds:
    """Every kind of effect that is work."""
    attempts = Outlives(
        announced=hands.started, is_begun=_was_started, left=_running, resume=hands.resume, stop=hands.stop
    )
    return {
        Enter: Kind(begin=hands.enter, crashed=_not_entered, is_question=True),
        Attempt: Kind(begin=hands.attempt, crashed=_in_doubt, outlives=attempts),
        Watch: Kind(begin=hands.watch, crashed=_stopped, is_standing=True),
        WriteMarks: Kind(begin=hands.write_marks, crashed=_stopped, is_standing=True),
        ReadPoint: Kind(begin=hands.read_point, crashed=_stopped, is_standing=True),
        Renew: Kind(begin=hands.renew, crashed=_stopped, is_standing=True),
        Hold: Kind(begin=hands.hold, crashed=_not_held),
        Revert: Kind(begin=hands.revert, crashed=_not_lifted),
    }


def _was_started(run: Run, effect: Attempt) -> bool:
    state = run.steps.get(effect.step)
    return state is not None and state.running.get(effect.host) == effect.number


def _running(run: Run) -> Iterable[Attempt]:
    return (Attempt(state.id, host, number) for state in run.steps.values() for host, number in state.running.items())


def _not_entered(effect: Enter, why: str) -> tuple[Event, ...]:
    failed = StepEnded(step=effect.step, outcome=Outcome.FAILED, detail=f"{why}; nothing was sent")
    return (StepEntered(step=effect.step), failed)


def _in_doubt(effect: Attempt, why: str) -> tuple[Event, ...]:
    detail = f"{why}; whether it happened is not known"
    outcome = Outcome.IN_DOUBT
    return (AttemptEnded(step=effect.step, host=effect.host, number=effect.number, outcome=outcome, detail=detail),)


def _not_held(effect: Hold, why: str) -> tuple[Event, ...]:
    return (LeaseHeld(**named(effect.fault), ok=False, detail=why),)


def _not_lifted(effect: Revert, why: str) -> tuple[Event, ...]:
    return (FaultPresent(**named(effect.fault), known=False, detail=why),)


def _stopped(effect: Watch | WriteMarks | ReadPoint | Renew, why: str) -> tuple[Event, ...]:
    return (NoteAdded(text=f"{why} and stopped: {effect}"),)
