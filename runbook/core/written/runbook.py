"""A runbook as written: what one file says, typed, before any parameter, host or template is known.

These structs are the vocabulary. The reader checks YAML against their fields and annotations, and the JSON Schema is
made from the same declarations, so a key exists when it stands here and nowhere else. Where YAML and plan have the
same shape the plan's own struct is used. Pure data: it refuses to resolve, default from elsewhere or validate across
keys; that is the compiler's work, which points back into the file with `where` and `places`.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from runbook.core.events.fault_event import LinkLoss
from runbook.core.host import Json
from runbook.core.milestone_name import Milestone, Seconds
from runbook.core.planned.action import (
    ApproveAction,
    AskAction,
    AssertAction,
    BranchAction,
    ChecklistAction,
    ChooseAction,
    CommandAction,
    ConfirmAction,
    DownloadAction,
    EndAction,
    Expectation,
    Expression,
    FabricAction,
    HttpAction,
    Identifier,
    ManualAction,
    NestedAction,
    NoticeAction,
    NotifyAction,
    Pattern,
    ScriptAction,
    SetAction,
    Text,
    UploadAction,
    WaitAction,
)
from runbook.core.planned.fault_action import ExpectedEffect, RebootAction
from runbook.core.planned.plan import AbortRule, Exercise, Kind, Objectives
from runbook.core.written.schedule import Schedule
from runbook.problem import Where

Name = Annotated[
    str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]*$", description="Lower-case letters, digits and hyphens.")
]

Date = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$", description="A date: 2026-11-01.")]

Share = Annotated[
    str,
    msgspec.Meta(pattern=r"^\d+(\.\d+)?%$|^\d+$", description="A number of hosts, or a percentage of them: 2, 25%."),
]

Origin = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+|command:.+|prompt)$",
        description="Where a secret comes from: env:NAME, file:PATH, command:SHELL TEXT or prompt.",
    ),
]


class Written(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every part of the file has that later stages may complain about."""

    where: Where = Where("")
    places: dict[str, Where] = {}
    """The place of each key's value."""

    def at(self, key: str) -> Where:
        """The place of that key's value, or of the whole part when the key was not written."""
        return self.places.get(key, self.where)


class Parameter(Written, frozen=True, kw_only=True, omit_defaults=True):
    """A value that a run is given."""

    type: Literal["string", "integer", "number", "boolean", "choice", "host", "duration", "list", "secret"] = "string"
    default: str | tuple[str, ...] | msgspec.UnsetType | None = msgspec.UNSET
    """As it is spelled: release 1.10 is not 1.1."""
    required: bool | msgspec.UnsetType = msgspec.UNSET
    """Without it a parameter must be given exactly when it has no default."""
    help: str = ""
    choices: tuple[str, ...] = ()
    """As they are spelled; whole numbers when all of them are. Of a list, what its items may be."""
    min: float | None = None
    max: float | None = None
    """Of a list, how many items it has."""
    pattern: str = ""
    """A regular expression that the whole text must match; each item of a list."""
    source: Origin = msgspec.field(name="from", default="prompt")
    """Of a secret only."""

    @property
    def must_be_given(self) -> bool:
        """A run needs a value for it that nobody has written down; never so of a secret, which has its source."""
        if self.type == "secret" or self.required is False:
            return False
        return self.required is True or self.default is msgspec.UNSET


class Probe(Written, frozen=True, kw_only=True, omit_defaults=True):
    """A check with a tolerance; in YAML one of `http`, `command`, `script` says what is asked."""

    action: HttpAction | CommandAction | ScriptAction
    name: str = ""
    """Empty only for a probe written inside a step."""
    on: Pattern = ""
    expect: Expectation | None = None
    every: Seconds = 0.0
    """0 means that it is asked only when a step asks."""
    timeout: Seconds = 5.0


class ProbeStep(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="probe", omit_defaults=True):
    """`probe:` a probe's name, or a probe written in place."""

    probe: str | Probe


class WaitForStep(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="wait_for", omit_defaults=True):
    """`wait_for:` a probe or a command, polled. Exactly one of the two is set."""

    probe: str | Probe = ""
    command: Text = ""
    timeout: Seconds = 300.0
    interval: Seconds = 1.0
    hold: Seconds = 0.0


class BlockStep(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="block", omit_defaults=True):
    """`block:` steps with a rescue and an always."""

    steps: tuple[Step, ...]
    rescue: tuple[Step, ...] = ()
    always: tuple[Step, ...] = ()


class ParallelStep(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="parallel", omit_defaults=True):
    """`parallel:` steps that start together."""

    steps: tuple[Step, ...]


class Victims(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which of a step's hosts are broken. The seed stands in the plan, so that a drill can be done again exactly."""

    count: int | None = None
    percent: float | None = None
    """Rounded down."""
    seed: int = 0


class FaultStep(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="fault", omit_defaults=True):
    """`fault:` one fault of the catalogue with its arguments; the other keys stand beside it in the step."""

    fault: dict[str, Json]
    duration: Seconds
    lease: Seconds = 60.0
    on_link_loss: LinkLoss = "revert"
    expect_effect: ExpectedEffect | None = None
    select: Victims | None = None


class RevertStep(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="revert", omit_defaults=True):
    """`revert:` the names of steps that broke something, or `all`."""

    faults: tuple[str, ...]


WrittenAction = (
    CommandAction
    | ScriptAction
    | UploadAction
    | DownloadAction
    | HttpAction
    | FabricAction
    | NestedAction
    | ProbeStep
    | WaitForStep
    | WaitAction
    | AssertAction
    | SetAction
    | BranchAction
    | EndAction
    | NotifyAction
    | ManualAction
    | ConfirmAction
    | ApproveAction
    | AskAction
    | ChooseAction
    | ChecklistAction
    | NoticeAction
    | BlockStep
    | ParallelStep
    | FaultStep
    | RevertStep
    | RebootAction
)
"""What a step does, as written; the key that names it decides which."""


class Loop(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`loop:` the step once for each item, one after the other."""

    items: Text | tuple[Json, ...]
    """A list, or a text that is one `{{ expression }}` and stands for one."""
    name: Identifier = msgspec.field(name="as", default="item")
    """What templates call the item."""
    at_most: int = 20
    """Turns that the plan has room for, where only the run knows the items."""


class Step(Written, frozen=True, kw_only=True, omit_defaults=True):
    """One step: a kind and the keys that any step may carry (their meaning is in docs/format.md)."""

    action: WrittenAction
    name: str = ""
    """Empty takes the kind's name."""
    description: str = ""
    on: Pattern = ""
    when: tuple[Expression, ...] = ()
    """All must be true."""
    failed_when: tuple[Expression, ...] = ()
    """One is enough."""
    until: tuple[Expression, ...] = ()
    register: Identifier | None = None
    expect: Expectation | None = None
    timeout: Seconds = 0.0
    expected: Seconds = 0.0
    slow_after: Seconds = 0.0
    retries: int = 0
    delay: Seconds = 0.0
    backoff: float = 1.0
    on_failure: str | dict[str, str] = "default"
    """`ask`, `abort`, `continue`, `rollback`, or `goto: STEP`."""
    rollback: Step | None = None
    idempotent: bool = False
    durable: bool | Literal["unit"] = True
    """False runs it attached; `unit` has the host's systemd run it, however long it may be."""
    changes: bool | msgspec.UnsetType = msgspec.UNSET
    """Whether it may change a host; unset takes what its kind says."""
    become: bool = False
    become_user: str = ""
    env: dict[str, Text] = {}
    cwd: str = ""
    no_log: bool = False
    batch: tuple[Share, ...] = ()
    concurrency: int = 0
    run_once: bool = False
    max_errors: Share = "0"
    sets: Milestone | None = None
    then_lease: dict[str, Literal["hold"]] = {}
    """Steps of faults that are held on their hosts from here on, before this step begins."""
    owner: str = ""
    tags: tuple[str, ...] = ()
    required: bool = False
    tools: tuple[str, ...] = ()
    """Programs that its hosts must have; preflight looks for them."""
    shell: str = ""
    """What reads the text of its `command`, and of those inside it: `bash`, `bash -eu`."""
    loop: Loop | None = None
    """None does it once."""


class Section(Written, frozen=True, kw_only=True, omit_defaults=True):
    """Steps under one heading."""

    name: str
    steps: tuple[Step, ...]
    owner: str = ""
    description: str = ""
    expected: Seconds = 0.0
    on: Pattern = ""
    shell: str = ""
    """What reads the text of its commands."""
    strategy: Literal["linear", "host-first"] = "linear"
    batch: tuple[Share, ...] = ()
    success: tuple[str, ...] = ()
    """Probes that must be good before the next wave or section begins."""


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The change record that some environments ask for."""

    required: tuple[str, ...] = ()
    """Environments in which `reference` may not be empty."""
    reference: Text = ""


class AskedSide(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One side of what measures data loss: a command on one host."""

    command: Text
    on: Pattern = ""


class Canary(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Increasing marks, written and read back."""

    write: AskedSide
    read: AskedSide
    every: Seconds = 1.0


class Watermark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Positions of a history: whole numbers that only grow."""

    source: AskedSide
    """How far clients may have been promised."""
    recovered: AskedSide
    """How far that history has come on the side that takes over."""
    every: Seconds = 1.0
    unit: str = ""
    """What they count: `bytes`."""


class Backup(AskedSide, frozen=True, kw_only=True, omit_defaults=True):
    """A restored set, which prints when its newest content was written."""

    clock: Pattern = ""
    """The host whose clock stamped that; the one that is asked where nobody says."""


class WrittenRecoveryPoint(Written, frozen=True, kw_only=True, omit_defaults=True):
    """How data loss is measured. Exactly one method is set."""

    canary: Canary | None = None
    watermark: Watermark | None = None
    backup: Backup | None = None


class Safeguards(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Limits that the author sets, on top of the environment's."""

    environments: tuple[str, ...] = ()
    """Where it may run at all; empty means anywhere."""
    max_hosts: int | None = None
    max_percent: float | None = None
    protected: tuple[Pattern, ...] = ()
    waived: dict[str, str] = {}
    """Safeguards of faults that do not count here, by name, each with the reason: `jump-host`, `max-percent`."""


class Runbook(Written, frozen=True, kw_only=True, omit_defaults=True):
    """The whole file."""

    version: Literal[1]
    kind: Kind
    name: Name
    title: str
    sections: tuple[Section, ...]
    owner: str = ""
    reviewed: Date = ""
    review_every: Seconds = 0.0
    description: str = ""
    references: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    inventory: str = ""
    shell: str = ""
    """What reads the text of commands whose step and section do not say; empty is `/bin/sh`."""
    service: str = ""
    parameters: dict[Identifier, Parameter] = {}
    objectives: Objectives = Objectives()
    exercise: Exercise | None = None
    change: Change = Change()
    schedule: Schedule | tuple[Schedule, ...] = ()
    steady_state: tuple[Probe, ...] = ()
    probes: tuple[Probe, ...] = ()
    """Named probes that are no part of the steady state."""
    recovery_point: WrittenRecoveryPoint | None = None
    abort_when: tuple[AbortRule, ...] = ()
    safeguards: Safeguards = Safeguards()
    rollback: tuple[Step, ...] = ()
    always: tuple[Step, ...] = ()
    source: str = ""
    """The file it was read from, as given; not a key."""
    source_sha256: str = ""
    """Of that file's exact bytes; not a key."""

    @property
    def schedules(self) -> tuple[Schedule, ...]:
        """All of them, however they are written."""
        return self.schedule if isinstance(self.schedule, tuple) else (self.schedule,)
