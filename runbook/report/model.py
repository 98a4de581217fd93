"""What a report says, as frozen facts: computed once from a run and its record, then written down in several formats.

Made to answer what reviewers ask (identity, authority, people, scope, objectives against actuals, chronology, gates,
steady state, deviations, integrity), so a reader of Markdown, of the page and of the JSON gets the same answers. Every
text in here is safe to show already; escaping for a format is the format's business. Times are seconds since the run
was opened, with a wall-clock label beside them where people compare with other systems.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from runbook.core.plan import StepId
from runbook.core.verdict import ObjectiveVerdict, Verdicts
from runbook.view.plan import PlanText
from runbook.view.timeline import Timeline
from runbook.view.words import Status


class _Fact(msgspec.Struct, frozen=True, kw_only=True):
    """What all parts share."""


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


class Authority(_Fact, frozen=True, kw_only=True):
    """On whose behalf and by which rules."""

    service: str
    owner: str
    reviewed: str
    references: tuple[str, ...]
    controls: tuple[str, ...]
    tags: tuple[str, ...]


class Person(_Fact, frozen=True, kw_only=True):
    """Somebody who took part, and what they did."""

    name: str
    machine: bool
    """True for what `--auto` answered; no person did that."""
    deeds: tuple[str, ...]


class HostFacts(_Fact, frozen=True, kw_only=True):
    """A target as it proved itself to be."""

    host: str
    address: str
    user: str
    host_key: str
    server: str
    system: str
    clock_offset: float
    """Seconds that its clock is ahead of ours."""
    clock_error: float
    checks: str
    """What preflight found."""
    links_lost: int
    excluded: str
    """Why it was taken out; empty when it took part throughout."""


class ParameterFacts(_Fact, frozen=True, kw_only=True):
    """A parameter; a secret shows only where it came from."""

    name: str
    value: str
    source: str


class Objective(_Fact, frozen=True, kw_only=True):
    """What was promised beside what was measured, in seconds."""

    name: Literal["recovery time", "recovery point"]
    promised: float | None
    actual: float | None
    """By the widest reading; None when it was not measured."""
    error: float
    """The true value is at most this much smaller."""
    at_least: bool = False
    """Nobody saw it begin: the true value is larger, by nobody knows how much."""
    verdict: ObjectiveVerdict
    remark: str


class MilestoneFacts(_Fact, frozen=True, kw_only=True):
    """A moment of the recovery."""

    name: str
    at: float
    label: str
    error: float
    """The true moment is at most this much earlier."""
    source: str


class HostResult(_Fact, frozen=True, kw_only=True):
    """How a step went on one host."""

    host: str
    status: Status
    detail: str
    tries: int
    rc: int | None
    took: float | None
    grade: str
    """How durable the command was on its host; empty when the host never told."""
    output: str
    """`out/db1.log, 4,096 bytes from 0`; empty when it printed nothing."""


class StepFacts(_Fact, frozen=True, kw_only=True):
    """A step, planned and actual."""

    id: StepId
    name: str
    section: str
    kind: str
    depth: int
    status: Status
    outcome: str
    """`succeeded`, `in doubt`, `not reached`, `open`."""
    planned: float
    """Seconds; 0 means that nobody said."""
    actual: float | None
    waited: float
    """Seconds spent waiting for people, the question after a failure included."""
    started: str
    ended: str
    detail: str
    texts: tuple[PlanText, ...]
    """What was done, as it was sent, secrets masked."""
    results: tuple[HostResult, ...]


class AnswerFacts(_Fact, frozen=True, kw_only=True):
    """One answer to a gate."""

    who: str
    answer: str
    reason: str
    label: str


class GateFacts(_Fact, frozen=True, kw_only=True):
    """A question to people."""

    gate: str
    step: str
    kind: str
    question: str
    opened: str
    waited: float
    digest: str
    """Of what it let through."""
    answers: tuple[AnswerFacts, ...]
    lapsed: bool


class Deviation(_Fact, frozen=True, kw_only=True):
    """Something that did not go as planned, with what was decided about it."""

    step: str
    """Empty where it concerns the run."""
    name: str
    what: str
    decided: str


class ProbeFacts(_Fact, frozen=True, kw_only=True):
    """The steady state by one probe: before, during and after."""

    probe: str
    before: str
    during: str
    after: str
    samples: int
    bad: float
    """Seconds in which it was known not to be good."""
    steady: bool


class NoteFacts(_Fact, frozen=True, kw_only=True):
    """A remark on record."""

    label: str
    who: str
    step: str
    text: str


class Integrity(_Fact, frozen=True, kw_only=True):
    """What verifying the record gave; empty where nobody verified it."""

    head: str = ""
    """SHA-256 of the last good line of the journal."""
    lines: int = 0
    """Good lines."""
    grade: str = ""
    """`sound`, `incomplete`, `altered`."""
    findings: tuple[str, ...] = ()
    """Checks that failed, in words."""


class Report(_Fact, frozen=True, kw_only=True):
    """All of it."""

    schema: int = 1
    """Of this structure as JSON."""
    identity: Identity
    verdicts: Verdicts
    authority: Authority
    people: tuple[Person, ...]
    hosts: tuple[HostFacts, ...]
    parameters: tuple[ParameterFacts, ...]
    objectives: tuple[Objective, ...]
    milestones: tuple[MilestoneFacts, ...]
    waiting_for_people: float
    """Seconds of the whole run during which a gate was open; overlapping ones count once."""
    steps: tuple[StepFacts, ...]
    gates: tuple[GateFacts, ...]
    deviations: tuple[Deviation, ...]
    steady_state: tuple[ProbeFacts, ...]
    notes: tuple[NoteFacts, ...]
    files: dict[str, str]
    """Copies in the record to their SHA-256."""
    integrity: Integrity
    timeline: Timeline
