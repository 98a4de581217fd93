"""A plan: everything resolved that can be resolved before anybody connects.

The plan is what the operator is shown, what gates hash and what travels in the first line of the record; nothing in
it needs the YAML, the inventory or a step kind to be understood again. It is a tree of steps with ids that read as
positions (`2.3`, `2.3.1`). Waves of a section are unrolled into sections of their own, so that the plan says which
host is touched when.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Literal

import msgspec

from runbook.core.host import Host, Json, Scalar
from runbook.core.host_key import HostKeys
from runbook.core.milestone_name import Milestone, Seconds
from runbook.core.planned.action import Action, Expectation, LoopAction, UploadAction, Work
from runbook.core.planned.fault_action import FaultAction, peers_by_name
from runbook.core.planned.role import Role
from runbook.core.proof import Demand

StepId = str
"""A position: `2.3`, `2.3.1` in a block, `2.3.rescue.1`, `2.3.undo.1`, `0.1` preflight, `R.1` rollback, `A.1` end."""

Kind = Literal["operation", "failover", "restore", "rollback", "release", "incident", "drill"]

OnFailure = Literal["default", "ask", "abort", "continue", "rollback", "goto", "propagate"]
"""`default` asks when attended and aborts when not; `propagate` hands the failure to the enclosing block."""

Confirm = Literal["none", "key", "typed"]


class Turn(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which turn of a loop a step stands in, where only the run knows the loop's items."""

    loop: StepId
    number: int
    """Place of its item, from 0."""
    name: str = "item"
    """What templates call the item."""


class PlannedStep(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step with its targets, limits and undo resolved."""

    id: StepId
    name: str
    action: Action
    role: Role = Role.FORWARD
    """What it is for, as its place in the plan says (`casting.py`)."""
    turns: tuple[Turn, ...] = ()
    """Where it stands in loops whose items only the run knows, the outermost first."""
    undoes: StepId = ""
    """The step that it takes back, for an undo and all inside it; empty for every other step."""
    section: str = ""
    """Name of the section it stands in."""
    hosts: tuple[str, ...] = ()
    """Target names, in the order they are taken; `("controller",)` for work that no host does; empty for gates."""
    by_host: dict[str, Action] = {}
    """The action for a host where it differs from `action`, as it does when a template names `host`."""
    waves: tuple[int, ...] = ()
    """Sizes of the batches `hosts` is cut into; empty means one."""
    awaits: tuple[str, ...] = ()
    """Registered names and secrets that its templates still wait for; empty means that the plan shows exactly what is
    sent.
    """
    when: str = ""
    failed_when: str = ""
    until: str = ""
    register: str = ""
    expect: Expectation | None = None
    timeout: Seconds = 0.0
    """0 means no limit."""
    expected: Seconds = 0.0
    slow_after: Seconds = 0.0
    retries: int = 0
    """Further attempts after the first."""
    delay: Seconds = 0.0
    backoff: float = 1.0
    """Each delay is the one before times this."""
    on_failure: OnFailure = "default"
    goto: StepId = ""
    idempotent: bool = False
    durable: bool | Literal["unit"] = True
    """See `Step.durable`."""
    changes: bool = False
    """It may change a host; environments put gates before such steps."""
    become: bool = False
    become_user: str = ""
    env: dict[str, str] = {}
    cwd: str = ""
    no_log: bool = False
    """Neither output nor rendered text is kept."""
    concurrency: int = 0
    """Hosts at once; 0 leaves it to the engine's bound."""
    max_errors: int = 0
    """The step stops when failed plus unreachable hosts exceed this."""
    sets: Milestone | None = None
    then_lease: dict[StepId, Literal["hold"]] = {}
    """Steps of faults that are held on their hosts before this step begins."""
    owner: str = ""
    tags: tuple[str, ...] = ()
    description: str = ""
    required: bool = False
    confirm: Confirm = "none"
    """The gate that the environment (or `--step`) puts before it, when no gate of its section already covers it."""
    confirm_word: str = ""
    """What is typed when `confirm` is `typed`."""
    approvals: int = 0
    """People other than the operator who are asked to agree there, as the environment demands; 0 asks the operator."""
    agreement: int = 0
    """How many of them must have agreed in its section before it is done. Who comes here past the step that would have
    asked them is asked here.
    """
    steps: tuple[PlannedStep, ...] = ()
    """Children of a block, a parallel or a nested runbook."""
    rescue: tuple[PlannedStep, ...] = ()
    always: tuple[PlannedStep, ...] = ()
    undo: tuple[PlannedStep, ...] = ()
    """Its `rollback`: none or one step."""

    def action_on(self, host: str) -> Action:
        """What is done on that host."""
        return self.by_host.get(host, self.action)

    @property
    def waits(self) -> bool:
        """True when the plan cannot show exactly what is sent: it is shown when the step is entered."""
        return bool(self.awaits) or any(map(_is_unseen, (self.action, *self.by_host.values())))

    @property
    def must_agree(self) -> int:
        """People without whose word it is not done; a plan of before they were kept for each step names them once."""
        return max(self.approvals, self.agreement)

    @property
    def children(self) -> tuple[PlannedStep, ...]:
        """The steps that it contains; its undo is not one of them."""
        return (*self.steps, *self.rescue, *self.always)

    def walk(self) -> Iterator[PlannedStep]:
        """It and every step inside it, undo included, in reading order."""
        yield self
        for child in (*self.children, *self.undo):
            yield from child.walk()


def _is_unseen(action: Action) -> bool:
    """A file that is not there yet, items that nobody knows, or a peer whose address is looked up then."""
    if isinstance(action, FaultAction):
        return bool(peers_by_name(action))
    return (isinstance(action, UploadAction) and not action.sha256) or (isinstance(action, LoopAction) and action.waits)


class PlannedSection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Steps under one heading; one wave of it where the section has waves."""

    id: str
    name: str
    steps: tuple[PlannedStep, ...]
    owner: str = ""
    expected: Seconds = 0.0
    """Planned duration; 0 means the sum of its steps'."""


class PlannedProbe(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A check with a tolerance that can be asked again and again."""

    name: str
    action: Work
    by_host: dict[str, Work] = {}
    """What a host is asked where it differs from `action`, as it does when a template names `host`."""
    hosts: tuple[str, ...] = ("controller",)
    """A probe on several hosts is good when it is good on all."""
    expect: Expectation | None = None
    every: Seconds = 0.0
    """Sampling interval; 0 means only when asked."""
    timeout: Seconds = 5.0
    steady: bool = True
    """It belongs to the steady state (and not only to an abort rule or a step)."""
    awaits: tuple[str, ...] = ()

    def action_on(self, host: str) -> Work:
        """What that host is asked."""
        return self.by_host.get(host, self.action)


MARK = "{seq}"
"""What stands in a canary's write command for the mark."""


class PlannedCanary(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Increasing marks written all the time, so that a recovery can tell which acknowledged ones it lost."""

    write: Work
    """`{seq}` in its texts is the mark: a whole number, greater than every one before it, over runs too."""
    write_on: str
    read: Work
    """Prints the newest mark that can be read."""
    read_on: str
    every: Seconds = 1.0
    timeout: Seconds = 5.0


class PlannedWatermark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far the history has come, asked of both sides all the time."""

    source: Work
    """Prints the position of the newest change that clients may have been promised: a whole number that only grows."""
    source_on: str
    recovered: Work
    """Prints how far that history has come on the side that takes over."""
    recovered_on: str
    every: Seconds = 1.0
    timeout: Seconds = 5.0
    unit: str = ""
    """What positions count: `bytes`."""


class PlannedBackup(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The restored set, asked for its newest content once the service is restored."""

    read: Work
    """Prints when that was written: seconds since 1970, or ISO 8601 with its offset."""
    read_on: str
    clock: str
    """The host whose clock stamped it."""
    every: Seconds = 2.0
    """Between two tries."""
    timeout: Seconds = 30.0


class AbortRule(msgspec.Struct, frozen=True, kw_only=True):
    """Stop the run when a probe has failed so many times in a row."""

    probe: str
    failed: int = 1


class Objectives(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was promised; seconds."""

    rto: Seconds | None = None
    rpo: Seconds | None = None
    rto_starts_at: Literal["outage", "declared"] = "outage"


class Exercise(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a drill is as an exercise: for whoever reads its record and was not there."""

    type: Literal["tabletop", "walkthrough", "simulation", "parallel", "full"] = "full"
    scenario: str = ""
    """What is supposed to have happened."""
    scope: str = ""
    exclusions: tuple[str, ...] = ()
    """What it does not test, so that nobody takes it for tested."""
    participants: dict[str, str] = {}
    """Role to who holds it."""
    announced: bool = True
    """False when those who are to notice did not know: only then is the time to detect worth anything."""


class PlannedParameter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A parameter and the value it was given."""

    name: str
    value: Json = None
    """None for a secret: it is nowhere in the record."""
    secret: bool = False
    source: str = "default"
    """Where the value came from: `default`, `command line`, `form`, `env:DB_PASSWORD`."""


class Environment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the place is and how careful to be there (format.md section 6)."""

    name: str
    purpose: str = ""
    access: str = ""
    status: str = ""
    confirm: Confirm = "none"
    auto: tuple[str, ...] = ()
    """Gate kinds that `--auto` may answer here; `("all",)` for every kind."""
    approvals: dict[str, int] = {}
    windows: tuple[str, ...] = ()
    freeze: tuple[str, ...] = ()
    """The first and the last day, and perhaps why: `2026-12-20/2027-01-03 year-end closing`."""
    zone: str = ""
    """Where the days of a freeze are counted; empty means UTC."""
    max_parallel_runs: int = 0
    """Runs that may be live there at one time; 0 bounds nothing."""
    protected: tuple[str, ...] = ()
    colour: str = ""
    roles: dict[str, tuple[str, ...]] = {}
    """Role name to the login names that hold it; an `approve` names roles or people."""
    host_keys: HostKeys | None = None
    """None leaves it to what the inventory says of each host, and a changed key is refused."""
    sudo_password: str = ""
    """Where the password comes from that sudo asks for here (`prompt`, `env:NAME`, `file:PATH`, `command:TEXT`)."""
    seal: Demand = ""
    """Without it a run is begun whoever can sign; with it only where its record will be signed."""

    @property
    def asks_about_changed_keys(self) -> bool:
        """True where a person may vouch for a key that has changed."""
        return self.host_keys is not None and self.host_keys.changed == "ask"


class Plan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The whole run before it starts."""

    runbook: str
    title: str
    kind: Kind
    sections: tuple[PlannedSection, ...]
    """The first, id `0`, is the preflight that the compiler puts in front."""
    hosts: tuple[Host, ...]
    environment: Environment
    description: str = ""
    owner: str = ""
    service: str = ""
    references: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    reviewed: str = ""
    inventory: str = ""
    """The inventory it was compiled with, as a resume finds it again."""
    limit: str = ""
    """The pattern outside of which no host takes part; empty leaves nobody out."""
    source: str = ""
    """The file it was read from, as given."""
    source_sha256: str = ""
    parameters: tuple[PlannedParameter, ...] = ()
    groups: dict[str, tuple[str, ...]] = {}
    """Group name to hosts, for templates."""
    objectives: Objectives = Objectives()
    exercise: Exercise | None = None
    """None for what is no exercise."""
    probes: tuple[PlannedProbe, ...] = ()
    canary: PlannedCanary | None = None
    """None leaves data loss to one of the next two; without any it is not measured."""
    watermark: PlannedWatermark | None = None
    backup: PlannedBackup | None = None
    abort_when: tuple[AbortRule, ...] = ()
    rollback: tuple[PlannedStep, ...] = ()
    always: tuple[PlannedStep, ...] = ()
    variables: dict[str, Scalar] = {}
    """Reserved for values that templates need at run time and that are neither parameters nor hosts."""

    @property
    def encoded(self) -> bytes:
        """Its JSON, byte for byte as it stands in the first line of a record and in the copy beside it."""
        return msgspec.json.encode(self)

    @property
    def digest(self) -> str:
        """SHA-256 of these bytes: what the operator confirms. Of a plan on record, the record's bytes count."""
        return hashlib.sha256(self.encoded).hexdigest()

    def walk(self) -> Iterator[PlannedStep]:
        """Every step in reading order: sections, then rollback, then always."""
        for section in self.sections:
            for step in section.steps:
                yield from step.walk()
        for step in (*self.rollback, *self.always):
            yield from step.walk()

    @property
    def measured_on(self) -> frozenset[str]:
        """Hosts on which data loss is measured."""
        canary = {self.canary.write_on, self.canary.read_on} if self.canary else set()
        mark = {self.watermark.source_on, self.watermark.recovered_on} if self.watermark else set()
        return frozenset({*canary, *mark, *((self.backup.read_on, self.backup.clock) if self.backup else ())})

    def probe(self, name: str) -> PlannedProbe | None:
        """The probe of that name; None when the plan has none."""
        return next((probe for probe in self.probes if probe.name == name), None)
