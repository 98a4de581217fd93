"""The state of a run: what folding its events gives. Values only; nothing here decides or changes anything.

Three rules hold the house up. A `Run` is never recorded, because it can be folded again. Every map is persistent, so
that folding one host's event costs the same with ten hosts and with a thousand. And what is *derived* stays out:
whether a gate is satisfied, which attempt comes next and what the verdict is are questions for `gates`, `fanout` and
`verdict`.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec
from immutables import Map

from runbook.core.actor import Actor
from runbook.core.events.event import Checked, FailureResolved, GateAnswered, GateOpened, SessionOpened
from runbook.core.events.fact import Fact
from runbook.core.events.policy_event import RuleOverridden
from runbook.core.fault import FaultKey, FaultState
from runbook.core.host import Host
from runbook.core.host_key import AcceptedKey, ChangedKey, HostKey
from runbook.core.milestone_name import Milestone
from runbook.core.outcome import Grade, Outcome
from runbook.core.planned.action import Action
from runbook.core.planned.earlier import Earlier
from runbook.core.planned.plan import Plan, PlannedStep, StepId
from runbook.core.planned.shown import Shown, Surroundings, as_planned, text_for
from runbook.core.point import Loss, PointState
from runbook.core.result import Result


class Phase(StrEnum):
    """Where a run is as a whole. It only ever moves downwards in this list."""

    OPENED = "opened"
    """On record; no runner has taken it yet."""
    FORWARD = "forward"
    ROLLBACK = "rollback"
    ALWAYS = "always"
    ENDED = "ended"


class StepPhase(StrEnum):
    """Where one visit of a step is."""

    AHEAD = "ahead"
    ENTERED = "entered"
    ENDED = "ended"


class AttemptState(msgspec.Struct, frozen=True, kw_only=True):
    """One try on one host."""

    number: int
    started_at: float
    ended_at: float | None = None
    outcome: Outcome | None = None
    """None while it runs."""
    detail: str = ""
    grade: Grade | None = None
    """None until the host has told."""
    result: Result = Result()
    good_since: float | None = None
    """For `wait_for`: `at` of the first sample of the stretch that held."""
    job: str = ""
    digest: str = ""
    place: str = ""
    """Where it leaves its trace: only there can no trace prove that it was never sent. Empty: not known, or none."""
    unsent: tuple[str, ...] = ()
    """Jobs of the attempts right before it that are on record as never sent."""
    is_over: bool = False
    """For one in doubt: nothing of it runs any more."""
    survivors: tuple[str, ...] = ()
    """What of it could not be ended."""
    runner: int = 0
    """Which of the run's runners announced it, from 1; one that ends under a later runner was found again by it."""
    stated: tuple[Fact, ...] = ()
    """What its kind has put on record while it ran."""
    recorded_out: int = 0
    """Masked bytes of standard output on record: what a re-attach, which begins at the first byte, leaves out."""
    recorded_err: int = 0


class StepState(msgspec.Struct, frozen=True, kw_only=True):
    """A planned step and what became of it."""

    planned: PlannedStep
    phase: StepPhase = StepPhase.AHEAD
    visit: int = 0
    """How often it has been entered; more than 1 after a jump back or a retry of the whole step."""
    rounds: int = 0
    """The same since a person last decided about it: what nobody is asked about has an end."""
    entered_at: float | None = None
    ended_at: float | None = None
    hosts: tuple[str, ...] = ()
    """Targets of this visit in the order of the plan."""
    left_out: dict[str, str] = {}
    wave_ends: tuple[int, ...] = ()
    """Indexes into `hosts` behind each wave; the last is `len(hosts)`."""
    next_host: int = 0
    """Index of the first host that this visit has not started yet."""
    running: Map[str, int] = Map()
    """Host to the number of its attempt in flight."""
    retrying: Map[str, float] = Map()
    """Host to the `at` before which its next attempt must not start."""
    asking: Map[str, ChangedKey] = Map()
    """Host to the changed key that keeps it, until a person has said whether it may be believed."""
    settled: Map[str, Outcome] = Map()
    """Host to how this visit ended on it."""
    errors: int = 0
    """How many of `settled` are errors."""
    attempts: Map[str, AttemptState] = Map()
    """Host to its newest attempt, over all visits."""
    numbers_before: Map[str, int] = Map()
    """Host to its newest attempt's number when this visit began."""
    free_tries: Map[str, int] = Map()
    """Host to how many attempts of this visit do not count against `retries`."""
    touched: Map[str, bool] = Map()
    """Hosts on which an ended attempt of any visit may have run: what an undo must consider."""
    weighed: Map[str, int] = Map()
    """Hosts on which it was in doubt, and under which runner (from 1) a person decided about that."""
    shown: dict[str, str] = {}
    """As in `StepEntered`: what digests are taken over. Empty for a visit recorded in format 1."""
    rendered: dict[str, Action] = {}
    around: dict[str, Surroundings] = {}
    digest: str = ""
    given_up: str = ""
    """Why it is being ended early while the run stays in its phase; empty when it is not."""
    wait: float = 0.0
    wait_cut: str = ""
    """Why its countdown was ended early; empty when it was not."""
    let_through: bool = False
    """The gate in front of it was answered with "go on"."""
    held_by: str = ""
    """What a rule of the environment says against beginning this visit now; empty where none does."""
    outcome: Outcome | None = None
    """None until it has ended."""
    detail: str = ""
    skipped_as_written: bool = False
    """Where it was skipped: because its condition was false, or a jump of the runbook's own led past it."""
    resolution: FailureResolved | None = None
    """What was decided after it failed; None while that is open, or when it did not fail."""
    has_jumped: bool = False
    """Its answer led elsewhere, and the run has gone there."""

    @property
    def id(self) -> StepId:
        """The planned step's id."""
        return self.planned.id

    @property
    def is_live(self) -> bool:
        """True while it has been entered and has not ended."""
        return self.phase is StepPhase.ENTERED

    @property
    def is_broken(self) -> bool:
        """True when it failed and that failure was handed to whatever contains it."""
        return self.resolution is not None and self.resolution.choice == "propagate"

    def tries(self, host: str) -> int:
        """Attempts of this visit on a host that count against the step's retries."""
        newest = self.attempts.get(host)
        number = newest.number if newest else 0
        return number - self.numbers_before.get(host, 0) - self.free_tries.get(host, 0)

    def action_on(self, host: str) -> Action:
        """What is, or was, done on that host, as it was shown."""
        return self.rendered.get(host) or self.rendered.get("*") or self.planned.action_on(host)


class GateAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer with its time."""

    at: float
    given: GateAnswered


class GateState(msgspec.Struct, frozen=True, kw_only=True):
    """A question to people, from its opening on."""

    opened: GateOpened
    opened_at: float
    answers: tuple[GateAnswer, ...] = ()
    lapsed: bool = False
    closed_at: float | None = None
    """None while the run waits for it."""

    @property
    def is_open(self) -> bool:
        """True while somebody's answer is waited for."""
        return self.closed_at is None


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """Samples of one probe in a row with the same answer. A run of hours folds into a handful of these."""

    ok: bool
    first_asked: float
    """`at` when the first of them was asked."""
    first_known: float
    """`at` when its answer was known; the truth changed at some moment before this."""
    last_asked: float
    last_known: float
    count: int
    detail: str = ""
    """Of the last sample."""


class ProbeState(msgspec.Struct, frozen=True, kw_only=True):
    """Everything sampled of one probe."""

    stretches: tuple[Stretch, ...] = ()
    is_interrupted: bool = False
    """Nobody has asked for a while, so that the next sample begins a new stretch: an unseen time is not good time."""

    @property
    def last(self) -> Stretch | None:
        """The newest stretch; None before the first sample."""
        return self.stretches[-1] if self.stretches else None


class CanaryState(msgspec.Struct, frozen=True, kw_only=True):
    """Marks written and lost."""

    acknowledged: Map[int, float] = Map()
    """Mark to the `at` when its write began."""
    newest: float = 0.0
    """When the newest acknowledged write began."""
    failed_at: float | None = None
    """When the first write of the present interruption was known to have failed; None while writes succeed."""
    unanswered: tuple[int, ...] = ()
    """Marks of the present interruption that were not acknowledged."""
    losses: tuple[Loss, ...] = ()
    stretches: tuple[Stretch, ...] = ()
    """Writes in a row that came out alike: the same picture as a probe's."""
    is_interrupted: bool = False
    """As in `ProbeState`."""


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A milestone that a step or a person set."""

    at: float
    source: str
    by: Actor | None = None


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """What `register` keeps: results by host; an answer of a person stands under the empty name."""

    by_host: Map[str, Result] = Map()


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A remark with its time."""

    at: float
    text: str
    by: Actor | None = None
    step: StepId = ""


class Overridden(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that does not hold in this run, since when, and why."""

    at: float
    given: RuleOverridden


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """Why the run no longer goes forward."""

    undo: bool
    """True when what ran is rolled back first; False again once that rollback is given up."""
    halted: bool
    """True when a person or an abort rule stopped it, and not a step's failure."""
    reason: str
    by: Actor | None = None


class KnownPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where a host keeps the jobs of one user, and who has seen it."""

    word: str
    """See `core/place.py`."""
    runner: int
    """Which of the run's runners, from 1."""


class OutputState(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a host's output is on record."""

    file: str
    length: int


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run, folded."""

    id: str
    plan: Plan
    operator: Actor
    attended: bool
    auto: bool
    step_mode: bool
    started: str
    """Wall time of `at` = 0; a label."""
    phase: Phase = Phase.OPENED
    now: float = 0.0
    """`at` of the newest entry."""
    seq: int = 0
    hosts: dict[str, Host] = {}
    """The plan's, by name, in its order."""
    order: Map[StepId, int] = Map()
    """Position of every step in reading order."""
    steps: Map[StepId, StepState] = Map()
    entered: tuple[StepId, ...] = ()
    """Steps in the order in which they were entered, for the rollback."""
    gates: Map[str, GateState] = Map()
    open_gates: tuple[str, ...] = ()
    values: Map[str, Registered] = Map()
    probes: Map[str, ProbeState] = Map()
    canary: CanaryState = CanaryState()
    point: PointState = PointState()
    milestones: Map[Milestone, Mark] = Map()
    excluded: Map[str, str] = Map()
    """Host to reason."""
    accepted_keys: Map[str, AcceptedKey] = Map()
    """Machine to the changed key that it may show in this run."""
    sessions: Map[str, SessionOpened] = Map()
    """Hosts whose session is open now."""
    places: Map[tuple[str, str], KnownPlace] = Map()
    """Host and user (empty: who logs in) to where jobs are kept. Until a person has decided about a doubt, a later
    runner holds on to what an earlier one knew: in another place it cannot see what was done."""
    unsettled: Map[str, StepId] = Map()
    """Host to the step that may still run there (`core/still_running.py`)."""
    let_past: Map[str, StepId] = Map()
    """The same of what a person knew of when they let a rollback go on."""
    lost: Map[str, str] = Map()
    """Hosts whose link went away and has not come back, with the reason."""
    checks: Map[str, dict[str, Checked]] = Map()
    """Host to its preflight checks by name, each by its newest answer: a resumed run looks again."""
    outputs: Map[str, OutputState] = Map()
    faults: Map[FaultKey, FaultState] = Map()
    """Everything that was broken on purpose, with what became of it."""
    leaves_live: str = ""
    """Why it may end although a fault may be live; empty while it may not."""
    paused: bool = False
    stop: Stop | None = None
    earlier: Earlier | None = None
    """The ended run that it follows."""
    is_rolled_back: bool = False
    """A rollback was begun, whatever became of it."""
    ended: str = ""
    """Why it ended; empty until it has."""
    notes: tuple[Note, ...] = ()
    overridden: tuple[Overridden, ...] = ()
    runners: int = 0
    """How many runner processes have had it; more than 1 means it was resumed."""
    whole_until: int = 0
    """The newest of these runners up to which nothing was known to be missing from the record."""

    @property
    def is_whole(self) -> bool:
        """True while no runner can have begun what is not on this record, unless it wrote a copy of it."""
        return self.whole_until == self.runners

    @property
    def has_ended(self) -> bool:
        """True after its last event."""
        return self.phase is Phase.ENDED

    def accepted_key(self, machine: str) -> HostKey | None:
        """The changed key that somebody vouched for; None where nobody did."""
        accepted = self.accepted_keys.get(machine)
        return accepted.key if accepted else None

    def shown_on(self, state: StepState, host: str) -> Shown:
        """What a step is, or was, shown to send to a host."""
        around = state.around.get(host) or state.around.get("*") or as_planned(state.planned, self.hosts.get(host))
        return Shown(action=state.action_on(host), around=around)

    def text_on(self, state: StepState, host: str) -> str:
        """The text of that, as it stands on record; in format 1 it had to be made anew."""
        return text_for(state.shown, host) or self.shown_on(state, host).text

    def step(self, step: StepId) -> StepState | None:
        """The state of a step; None for an id that the plan does not have."""
        return self.steps.get(step)
