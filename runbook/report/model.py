"""What a report knows, as frozen facts: computed once from a run and its record, then written down in several formats.

Made to answer what reviewers ask (identity, authority, people, scope, objectives against actuals, chronology, gates,
steady state, deviations, integrity), and what a program asks that keeps score or exports. So these are values and no
sentences: durations are seconds, hosts are tuples, outcomes and grades their own types, people actors. A text in here
stands as it is in the record and is not safe to show; the formats make it so and choose the words (`saying`). Times are
seconds since the run was opened; what was not measured is None and never zero.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from runbook.core.actor import Actor
from runbook.core.answers import GateKind
from runbook.core.events.event import FailureResolved
from runbook.core.events.fault_event import Lifter
from runbook.core.fold.parts import Part
from runbook.core.fold.recovery_point import Method
from runbook.core.fold.rollback import Rollback
from runbook.core.fold.verdict import ObjectiveVerdict, Verdicts
from runbook.core.host import Json
from runbook.core.milestone_name import Milestone
from runbook.core.outcome import Grade, Outcome
from runbook.core.planned.action import Action
from runbook.core.planned.earlier import Earlier
from runbook.core.planned.plan import Exercise, StepId
from runbook.report.deviation import Deviation
from runbook.view.timeline import Timeline
from runbook.view.words import Status


class _Fact(msgspec.Struct, frozen=True, kw_only=True):
    """What all parts share."""


class Later(_Fact, frozen=True, kw_only=True):
    """A run that follows the one of the report."""

    run: str
    does: Literal["continues", "rolls_back"]
    verdict: str


class Identity(_Fact, frozen=True, kw_only=True):
    """Which run of what, with the digests that pin both."""

    run: str
    runbook: str
    title: str
    kind: str
    source: str
    source_sha256: str
    plan_digest: str
    environment: str
    purpose: str
    """Of the environment."""
    version: str
    """Of the program that wrote the record."""
    record_format: int
    folder: str
    """Where the record lies; empty when it was not said."""
    started: str
    """Wall time, ISO 8601 UTC."""
    ended: str
    """Wall time of the newest entry."""
    length: float
    """Seconds, monotonic."""
    reason: str
    """Why it ended; empty while it goes on."""
    earlier: Earlier | None = None
    """The ended run that this one follows; without its values."""
    later: tuple[Later, ...] = ()
    """Runs that follow this one, the oldest first, as far as whoever made the report knew."""


class Authority(_Fact, frozen=True, kw_only=True):
    """On whose behalf and by which rules."""

    service: str
    owner: str
    reviewed: str
    references: tuple[str, ...]
    controls: tuple[str, ...]
    tags: tuple[str, ...]


class Deed(_Fact, frozen=True, kw_only=True):
    """One kind of thing that somebody did, however often."""

    did: Literal[
        "started", "resumed", "answered", "decided", "jumped", "excluded", "marked", "cut_wait", "halted",
        "rolled_back", "paused", "continued", "noted", "overrode",
    ]  # fmt: skip
    about: str = ""
    """The gate, step, host or rule that it was done to; empty where it concerned the run."""
    word: str = ""
    """The answer, the choice, the milestone, or the step that was gone to."""


class Person(_Fact, frozen=True, kw_only=True):
    """Somebody who took part, and what they did."""

    actor: Actor
    """As they first appear; `machine` for what `--auto` answered, which no person did."""
    deeds: tuple[Deed, ...]


class CheckFacts(_Fact, frozen=True, kw_only=True):
    """A check and what it found: of a host before anything changed, or of the record."""

    check: str
    ok: bool
    detail: str = ""


class HostFacts(_Fact, frozen=True, kw_only=True):
    """A target as it proved itself to be."""

    host: str
    connection: Literal["ssh", "local"]
    address: str
    user: str
    host_key: str
    """Empty when it was never reached over SSH."""
    server: str
    system: str
    clock_offset: float
    """Seconds that its clock is ahead of ours."""
    clock_error: float
    checks: tuple[CheckFacts, ...]
    """What preflight found, each by its newest answer."""
    links_lost: int
    excluded: str | None
    """Why it was taken out; None when it took part throughout."""
    same_as: tuple[str, ...] = ()
    """Other hosts of the run that are the same machine."""


class ParameterFacts(_Fact, frozen=True, kw_only=True):
    """A parameter; a secret shows only where it came from."""

    name: str
    value: Json
    secret: bool
    source: str


class RecoveryTime(_Fact, frozen=True, kw_only=True):
    """The recovery time: what was promised beside what was measured, in seconds."""

    promised: float | None
    counted_from: Milestone
    actual: float | None
    """By the widest reading; None when it was not measured."""
    error: float
    """The true value is at most this much smaller."""
    at_least: bool
    """Nobody saw it begin: the true value is larger, by nobody knows how much."""
    still_out: bool
    """The service did not come back for good."""
    from_outage: float | None
    from_declared: float | None
    waiting_for_people: float
    """Part of it, never subtracted."""
    verdict: ObjectiveVerdict
    parts: tuple[Part, ...] = ()
    """From noticing to coming back, as far as each was seen."""


class DataLoss(_Fact, frozen=True, kw_only=True):
    """The recovery point: what was promised beside what was measured, in seconds."""

    promised: float | None
    actual: float | None
    error: float
    """The true value is at most this much smaller."""
    lost: int | None
    """Acknowledged writes, or positions; None where it was not measured, or nobody can count them."""
    canary_every: float | None
    """None when no canary was written."""
    verdict: ObjectiveVerdict
    method: Method | None = None
    """None where nothing measures it."""
    unit: str = ""
    """What positions count."""
    in_flight: int = 0
    """Writes that were begun and never acknowledged; they are not among the lost."""
    in_flight_kept: int = 0
    """How many of these are there all the same."""


class MilestoneFacts(_Fact, frozen=True, kw_only=True):
    """A moment of the recovery."""

    milestone: Milestone
    at: float
    error: float
    """The true moment is at most this much earlier."""
    source: str


class OutputFacts(_Fact, frozen=True, kw_only=True):
    """Where a step's output on a host lies in the record."""

    file: str
    offset: int
    """Of its first byte."""
    length: int
    """Bytes, all streams together."""


class HostResult(_Fact, frozen=True, kw_only=True):
    """How a step went on one host."""

    host: str
    status: Status
    outcome: Outcome | None
    """None where this visit of the step has not settled it."""
    detail: str
    tries: int
    rc: int | None
    took: float | None
    grade: Grade | None
    """How durable the command was on its host; None when the host never told."""
    output: OutputFacts | None
    """None when it printed nothing."""


class Sent(_Fact, frozen=True, kw_only=True):
    """What was done, as it was sent, secrets masked, and on which hosts it was the same; none for work of no host."""

    hosts: tuple[str, ...]
    action: Action


class StepFacts(_Fact, frozen=True, kw_only=True):
    """A step, planned and actual."""

    id: StepId
    name: str
    section: str
    kind: str
    depth: int
    """0 for a step that stands directly in a section."""
    status: Status
    outcome: Outcome | None
    """None while it is open, or not reached yet."""
    visits: int
    """0 when it was never entered."""
    hosts: tuple[str, ...]
    planned: float | None
    """Seconds; None means that nobody said."""
    actual: float | None
    waited: float
    """Seconds spent waiting for people, the question after a failure included."""
    entered_at: float | None
    ended_at: float | None
    detail: str
    """Why it ended so; what an open one waits for."""
    decision: FailureResolved | None
    """What was decided about its failure."""
    awaits: tuple[str, ...]
    """Names whose values were never filled into what is in `sent`."""
    no_log: bool
    """The runbook keeps what was sent out of reports: `sent` is empty."""
    sent: tuple[Sent, ...]
    results: tuple[HostResult, ...]


class AnswerFacts(_Fact, frozen=True, kw_only=True):
    """One answer to a gate, or what was chosen from the menu of a failure."""

    by: Actor
    answer: str
    value: Json
    reason: str
    at: float


class GateFacts(_Fact, frozen=True, kw_only=True):
    """A question to people."""

    gate: str
    step: StepId
    kind: GateKind
    question: str
    opened_at: float
    waited: float
    digest: str
    """Of what it let through."""
    answers: tuple[AnswerFacts, ...]
    lapsed: bool


class Seen(_Fact, frozen=True, kw_only=True):
    """What a probe said at one moment."""

    ok: bool
    detail: str


class ProbeFacts(_Fact, frozen=True, kw_only=True):
    """The steady state by one probe: before, during and after."""

    probe: str
    before: Seen | None
    """None when it was never asked."""
    after: Seen | None
    samples: int
    bad: float
    """Seconds in which it was known not to be good."""
    bad_stretches: int
    steady: bool


class FaultFacts(_Fact, frozen=True, kw_only=True):
    """What was broken on purpose, and what became of it."""

    fault: str
    host: str
    step: StepId
    guarantees: tuple[str, ...]
    armed_at: float
    injected_at: float | None
    """None when it never was."""
    reverted_at: float | None
    """None while it may be live."""
    reverted_by: Lifter | None
    has_effect: bool | None
    """None where nobody looked."""
    effect: str
    renewals: int
    tries: int
    """How often it was tried in vain to lift it."""
    last_word: str


class NoteFacts(_Fact, frozen=True, kw_only=True):
    """A remark on record."""

    at: float
    by: Actor | None
    step: StepId
    text: str


class Integrity(_Fact, frozen=True, kw_only=True):
    """What verifying the record gave; empty where nobody verified it."""

    head: str = ""
    """SHA-256 of the last good line of the journal."""
    lines: int = 0
    """Good lines."""
    grade: str = ""
    """`sound`, `incomplete`, `altered`."""
    findings: tuple[CheckFacts, ...] = ()
    """Checks that failed."""


class Report(_Fact, frozen=True, kw_only=True):
    """All of it."""

    schema: int = 2
    """Of this structure as JSON; 1 had sentences where now there are values."""
    identity: Identity
    verdicts: Verdicts
    authority: Authority
    people: tuple[Person, ...]
    hosts: tuple[HostFacts, ...]
    parameters: tuple[ParameterFacts, ...]
    recovery_time: RecoveryTime
    data_loss: DataLoss
    milestones: tuple[MilestoneFacts, ...]
    waiting_for_people: float
    """Seconds of the whole run during which a gate was open; overlapping ones count once."""
    steps: tuple[StepFacts, ...]
    gates: tuple[GateFacts, ...]
    rollback: Rollback
    """What was undone where, and what was not."""
    deviations: tuple[Deviation, ...]
    steady_state: tuple[ProbeFacts, ...]
    notes: tuple[NoteFacts, ...]
    faults: tuple[FaultFacts, ...]
    exercise: Exercise | None
    """None for what was none."""
    files: dict[str, str]
    """Copies in the record to their SHA-256."""
    integrity: Integrity
    timeline: Timeline
    """The picture of the run, with the words that stand in it."""
