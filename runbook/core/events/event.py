"""Everything that can have happened in a run: a closed union of frozen facts, each in the past tense.

An event is an observation (a sample, an exit code) or a decision (an answer, an abort); what follows from these is
never one. The union is the record's format: a field is added with a default, never renamed; times stand on the line.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from runbook.core.actor import Actor
from runbook.core.answers import Choice, GateKind
from runbook.core.events.fact import Fact
from runbook.core.events.fault_event import FaultEvent
from runbook.core.events.point_event import PointEvent
from runbook.core.events.policy_event import PolicyEvent
from runbook.core.host import Json
from runbook.core.host_key import ChangedKey
from runbook.core.milestone_name import Milestone
from runbook.core.outcome import Grade, Outcome
from runbook.core.planned.action import Action
from runbook.core.planned.earlier import Earlier
from runbook.core.planned.plan import Plan, StepId
from runbook.core.planned.shown import Surroundings
from runbook.core.proof import Proof
from runbook.core.result import Result


class _Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """What events share: frozen, by keyword, tagged with their own name."""


class RunOpened(_Event, frozen=True, kw_only=True, tag="RunOpened"):
    """The first event of every record. Nothing has been sent yet."""

    run: str
    plan: Plan
    plan_digest: str
    """SHA-256 of the plan's bytes as they stand in this line: what the operator confirmed."""
    operator: Actor
    attended: bool = True
    auto: bool = False
    step_mode: bool = False
    """Every step is confirmed before it runs."""
    version: str = ""
    """Of this program."""
    format: int = 1
    """Of the record: by which rules its digests were taken (`record/form/formats.py`)."""
    boot_id: str = ""
    """Of the controller; while it stays the same, `at` is exact over a resume."""
    origin: float = 0.0
    """The controller's boot-time clock, in seconds, at `at` = 0."""
    started: str = ""
    """Wall time, ISO 8601 UTC, a label."""
    files: dict[str, str] = {}
    """Name to SHA-256 of what was copied into the record: the plan, the runbook, the inventory, the parameters."""
    earlier: Earlier | None = None
    """The ended run that it follows."""
    ledger: str = ""
    """SHA-256 of the ledger's entry about it, which pins all before; empty without a ledger."""


class RunnerStarted(_Event, frozen=True, kw_only=True, tag="RunnerStarted"):
    """A runner process took the run: once at the start, again at each resume."""

    pid: int
    resumed: bool = False
    by: Actor | None = None
    torn_bytes: int = 0
    """Bytes of an unfinished last line that the runner before left behind and this one cut off; they are kept aside."""
    door: str = ""
    """The path of its socket, so that nobody has to look for it elsewhere; empty in records that do not say."""
    format: int = 0
    """By which rules this runner takes digests, where it is not the program that opened the record; 0: as before."""
    newest: bool = False
    """For one that took the run over: the record that it found lacks nothing that any runner of it ever wrote."""


class SessionOpened(_Event, frozen=True, kw_only=True, tag="SessionOpened"):
    """A host answered and proved who it is."""

    host: str
    address: str = ""
    host_key: str = ""
    server: str = ""
    user: str = ""
    system: str = ""
    boot_id: str = ""
    place: str = ""
    """Where the login user's jobs are kept (`core/place.py`); empty: nowhere, or an older record."""
    clock_offset: float = 0.0
    clock_error: float = 0.0


class SessionLost(_Event, frozen=True, kw_only=True, tag="SessionLost"):
    """The link to a host went away."""

    host: str
    reason: str


class Checked(_Event, frozen=True, kw_only=True, tag="Checked"):
    """One preflight check on one host."""

    host: str
    check: str
    """`reach`, `host key`, `login`, `sudo`, `clock`, `space`, `tool jq`."""
    ok: bool
    detail: str = ""


class StepEntered(_Event, frozen=True, kw_only=True, tag="StepEntered"):
    """A step's condition was true and its remaining templates are rendered: this is what will be sent."""

    step: StepId
    hosts: tuple[str, ...] = ()
    """The targets of this visit: the planned ones without excluded hosts and hosts whose `when` was false."""
    left_out: dict[str, str] = {}
    """Planned host to the reason why it is not among `hosts`."""
    shown: dict[str, str] = {}
    """By host (or under `*` for all) the text of what it is sent, masked: `shown.Shown`, and what digests are over."""
    rendered: dict[str, Action] = {}
    """In format 1: masked actions by host (or under `*`), only where the plan could not show them."""
    around: dict[str, Surroundings] = {}
    """The same for what holds around them."""
    digest: str = ""
    """SHA-256 over what will be sent to all hosts (`shown.digest_of`): what a gate confirms."""
    wait: float = 0.0
    """Seconds that a `wait` step waits."""


class StepSkipped(_Event, frozen=True, kw_only=True, tag="StepSkipped"):
    """A step was not entered."""

    step: StepId
    reason: str
    expression: str = ""
    values: dict[str, Json] = {}
    """The names in the expression and what they were."""


class AttemptStarted(_Event, frozen=True, kw_only=True, tag="AttemptStarted"):
    """Durable before the command leaves (promise 4)."""

    step: StepId
    host: str
    number: int
    """1 for the first attempt of this step on this host in this run, over all visits."""
    job: str = ""
    digest: str = ""
    """SHA-256 of the text that shows what this host is sent (`StepEntered.shown`): nothing else leaves."""
    place: str = ""
    """Where it will leave its trace, as far as is known: only there can a later runner prove that it was never sent."""


class AttemptGraded(_Event, frozen=True, kw_only=True, tag="AttemptGraded"):
    """How durable the attempt really is on its host."""

    step: StepId
    host: str
    number: int
    grade: Grade
    place: str = ""
    """Where its trace really is; empty: it leaves none. Durable before the command leaves where it is another place."""


class AttemptStated(_Event, frozen=True, kw_only=True, tag="AttemptStated"):
    """A step kind said something that had to be durable before it went on."""

    step: StepId
    host: str
    number: int
    fact: Fact


class OutputArrived(_Event, frozen=True, kw_only=True, tag="OutputArrived"):
    """Masked bytes were appended to a file of the record."""

    step: StepId
    host: str
    number: int
    stream: Literal["out", "err"]
    file: str
    """Relative to the record: `out/db1.log`."""
    offset: int
    length: int
    sha256: str
    """Of these bytes, so that the chain covers every output without holding it."""


class AttemptEnded(_Event, frozen=True, kw_only=True, tag="AttemptEnded"):
    """An attempt is over, one way or the other."""

    step: StepId
    host: str
    number: int
    outcome: Outcome
    detail: str = ""
    """Why, for a person: `exit code 3`, `stdout is "12", expected at most 10`."""
    result: Result = Result()
    good_since: float | None = None
    """For `wait_for`: `at` of the first sample of the stretch that held."""
    changed_key: ChangedKey | None = None
    """Why nothing was sent, where the machine showed another key than is known; None for every other end."""
    is_over: bool = False
    """For an end in doubt: it is certain that nothing of it runs any more, whatever it did."""
    survivors: tuple[str, ...] = ()
    """Processes of it (`pid name`, `?` for an id that nobody knows) that could not be ended."""
    is_last: bool = False
    """For a failure: the step's `until` held, so it is not tried again."""


class StepEnded(_Event, frozen=True, kw_only=True, tag="StepEnded"):
    """The step as a whole is over."""

    step: StepId
    outcome: Outcome
    detail: str = ""


class GateOpened(_Event, frozen=True, kw_only=True, tag="GateOpened"):
    """A person must answer before the run goes on."""

    gate: str
    """The step's id and a count: `2.1#1`."""
    step: StepId
    kind: GateKind
    """`before` stands in front of a changing step; `failure` asks what to do after one; `host_key` who a host is."""
    message: str = ""
    word: str = ""
    """What must be typed; empty means a key is enough."""
    choices: tuple[str, ...] = ()
    digest: str = ""
    """Of what this gate lets through: its step's as entered, or of the `message` where a host's key is asked about."""
    deadline: float | None = None
    """`at` when it lapses; None waits for ever."""
    changed_key: ChangedKey | None = None
    """What a `host_key` gate asks about; None for all others."""


class GateAnswered(_Event, frozen=True, kw_only=True, tag="GateAnswered"):
    """A person (or, marked so, a machine) answered. An approval may take several."""

    gate: str
    step: StepId
    by: Actor
    answer: str
    """One of the words in `answers.QUESTIONS` for the gate's kind: `proceed`, `stop`, `approve`, `done`, `tick`, ..."""
    value: Json = None
    """The value of an `ask`, the label of a `choose`, the item number (from 0) of a `tick` or `waive`."""
    reason: str = ""
    proof: Proof | None = None
    """Who signed it, where it was signed: then `by` is the signer."""


class HostKeyAccepted(_Event, frozen=True, kw_only=True, tag="HostKeyAccepted"):
    """A person vouched for a changed key: this run, and only this one, talks to that machine under it."""

    changed: ChangedKey
    by: Actor
    step: StepId
    """Where it was met."""


class GateLapsed(_Event, frozen=True, kw_only=True, tag="GateLapsed"):
    """Nobody answered in time; what follows is the step's `on_timeout`."""

    gate: str
    step: StepId


class FailureResolved(_Event, frozen=True, kw_only=True, tag="FailureResolved"):
    """It is decided what happens after a failed step, by a person or by the step's own policy."""

    step: StepId
    choice: Choice | Literal["continue", "goto", "propagate"]
    by: Actor | None = None
    reason: str = ""
    goto: StepId = ""


class Jumped(_Event, frozen=True, kw_only=True, tag="Jumped"):
    """The run goes on at another step; those between are skipped, those behind it will be visited again."""

    source: StepId
    target: StepId
    by: Actor | None = None


class HostExcluded(_Event, frozen=True, kw_only=True, tag="HostExcluded"):
    """A host takes no further part."""

    host: str
    reason: str
    by: Actor | None = None


class ProbeSampled(_Event, frozen=True, kw_only=True, tag="ProbeSampled"):
    """One answer of a probe."""

    probe: str
    ok: bool
    took: float
    """Seconds between asking and knowing; the question was asked at `at - took`."""
    value: Json = None
    detail: str = ""


class CanarySampled(_Event, frozen=True, kw_only=True, tag="CanarySampled"):
    """A mark was written, or after a failed write the newest one was read back."""

    kind: Literal["write", "read"]
    mark: int
    ok: bool
    took: float
    """Seconds; the write was begun at `at - took`."""
    detail: str = ""


class MilestoneMarked(_Event, frozen=True, kw_only=True, tag="MilestoneMarked"):
    """A step that `sets` it ended, or the operator pressed the key."""

    milestone: Milestone
    source: str
    """A step id, or `operator`."""
    by: Actor | None = None
    moment: float | None = None
    """`at` of the moment itself where it was earlier than this line."""


class RunPaused(_Event, frozen=True, kw_only=True, tag="RunPaused"):
    """No new step is entered."""

    by: Actor


class RunContinued(_Event, frozen=True, kw_only=True, tag="RunContinued"):
    """New steps are entered again."""

    by: Actor


class WaitCut(_Event, frozen=True, kw_only=True, tag="WaitCut"):
    """A countdown was ended early."""

    step: StepId
    by: Actor
    reason: str


class HaltRequested(_Event, frozen=True, kw_only=True, tag="HaltRequested"):
    """No new work; what runs is cancelled; then `always`, there only the step that runs. By nobody: an abort rule."""

    by: Actor | None
    reason: str


class RollbackStarted(_Event, frozen=True, kw_only=True, tag="RollbackStarted"):
    """The run is being undone."""

    reason: str
    by: Actor | None = None


class AlwaysStarted(_Event, frozen=True, kw_only=True, tag="AlwaysStarted"):
    """The closing steps begin."""


class NoteAdded(_Event, frozen=True, kw_only=True, tag="NoteAdded"):
    """A person wrote something down, or a notice was shown."""

    text: str
    by: Actor | None = None
    step: StepId = ""


class RunEnded(_Event, frozen=True, kw_only=True, tag="RunEnded"):
    """The last event. The verdicts are computed, not recorded; this says only why it stopped."""

    reason: str


class Unknown(_Event, frozen=True, kw_only=True, tag="Unknown"):
    """What a newer version told: an event, or a value in one, that this version does not know. Never written here."""

    name: str
    raw: bytes
    """Its JSON, byte for byte."""


Event = (
    RunOpened | RunnerStarted | SessionOpened | SessionLost | Checked | StepEntered | StepSkipped | AttemptStarted
    | AttemptGraded | AttemptStated | OutputArrived | AttemptEnded | StepEnded | GateOpened | GateAnswered
    | HostKeyAccepted | GateLapsed | FailureResolved | Jumped | HostExcluded | ProbeSampled | CanarySampled
    | MilestoneMarked | RunPaused | RunContinued | WaitCut | HaltRequested | RollbackStarted | AlwaysStarted
    | NoteAdded | RunEnded | FaultEvent | PointEvent | PolicyEvent | Unknown
)  # fmt: skip
"""The closed union."""
