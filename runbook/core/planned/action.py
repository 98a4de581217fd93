"""What a planned step does, as a closed union of plain values: one struct for every kind of step.

The structs are declared once and read three times: the document reader checks YAML against their fields, `schema`
turns them into JSON Schema, and the record carries them, so that a replay needs neither YAML nor the code of a step
kind. Text fields may hold templates; after compiling only templates on registered values are left. `steps/` runs the
kinds that do work, `core/rules/due.py` drives the others.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from runbook.core.host import Json, Scalar
from runbook.core.milestone_name import Seconds
from runbook.core.planned.fault_action import FaultAhead, RevertAction, ToTheHost
from runbook.core.proof import Demand

Text = str
"""Text that may hold `{{ }}` templates."""

Identifier = Annotated[
    str, msgspec.Meta(pattern="^[A-Za-z][A-Za-z0-9_]*$", description="A letter, then letters, digits and underscores.")
]
"""A name that templates can say."""

Expression = Annotated[str, msgspec.Meta(description="A Jinja2 expression without braces: lag.rc == 0.")]

Pattern = Annotated[str, msgspec.Meta(description="Names hosts: a group, a host, a glob, a union with commas.")]


class Tolerance(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one observed value may be. All tests that are given must hold."""

    equals: Scalar | msgspec.UnsetType = msgspec.UNSET
    contains: str | None = None
    matches: str | None = None
    """A regular expression searched in the text."""
    min: float | None = None
    max: float | None = None
    range: tuple[float, float] | None = None
    """Both ends belong to it."""
    one_of: tuple[Scalar, ...] | None = None
    jsonpath: str | None = None
    """Picks the value to test out of JSON (RFC 9535); without another test it must pick something."""


class Expectation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a step's result must look like. A part that is not given is not tested, but `rc` defaults to 0."""

    rc: Tolerance | None = None
    stdout: Tolerance | None = None
    stderr: Tolerance | None = None
    json: Tolerance | None = None
    """Standard output (or an HTTP body) read as JSON."""
    status: Tolerance | None = None
    """HTTP status."""
    body: Tolerance | None = None
    latency: Tolerance | None = None
    """Seconds."""
    value: Tolerance | None = None
    """What a Fabric task returned, as JSON."""


class CommandAction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="command", omit_defaults=True):
    """Run a command on each target."""

    shell: Text = ""
    argv: tuple[Text, ...] = ()
    interpreter: tuple[str, ...] = ()
    """What reads the text, where it is not `/bin/sh`: from `shell:` of the step, its section or the runbook."""


class ScriptAction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="script", omit_defaults=True):
    """Send a script and run it."""

    text: Text = ""
    """The script itself; a `path` is read into here at compile time, so that the plan shows what will run."""
    path: str = ""
    interpreter: tuple[str, ...] = ()
    """What runs it. Empty as written takes the script's `#!` line, else `/bin/sh`; in a plan empty is `/bin/sh`."""
    args: tuple[Text, ...] = ()


class SentFile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One file of an upload of many."""

    path: str
    """From where the source's names start, and on the host from the destination."""
    size: int
    sha256: str
    mode: str
    """Octal, of the source."""


class UploadAction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="upload", omit_defaults=True):
    """Copy a file, a folder or the files that a pattern names to each target."""

    src: Text
    dest: Text
    mode: str = ""
    """Octal, as chmod takes it; empty keeps the source's, which is written out where that is shown."""
    owner: str = ""
    size: int = 0
    """Bytes of the source as it was shown."""
    sha256: str = ""
    """Of the source as it was shown, and no other is sent; empty until it was. Filled in when the plan is made, or
    when the step is entered where the file cannot be known before. Of many files it is over a list as `sha256sum`
    prints it, and `size` is their sum.
    """
    files: tuple[SentFile, ...] = ()
    """Every file of a folder or a pattern; empty for a single one."""

    def pinned(self, *, size: int, sha256: str, mode: str, files: tuple[SentFile, ...] = ()) -> UploadAction:
        """The same of what is there now."""
        return msgspec.structs.replace(self, size=size, sha256=sha256, mode=self.mode or mode, files=files)


class DownloadAction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="download", omit_defaults=True):
    """Copy a file from each target; several targets each get a directory of their own name under `dest`."""

    src: Text
    dest: Text


class HttpAction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="http", omit_defaults=True):
    """One request from the runner."""

    url: Text
    method: str = "GET"
    headers: dict[str, Text] = {}
    body: Text = ""
    verify: bool = True
    """False accepts any certificate; `check` warns."""

    @property
    def is_look(self) -> bool:
        """True for a safe method (RFC 9110, 9.2.1): asking twice changes nothing."""
        return self.method.upper() in {"GET", "HEAD", "OPTIONS"}


class ProbeAction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="probe", omit_defaults=True):
    """Ask a named probe once."""

    probe: str


class WaitForAction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="wait_for", omit_defaults=True):
    """Poll until a probe (or a command on the step's targets) has been good for `hold` without a break."""

    probe: str = ""
    command: Text = ""
    timeout: Seconds = 300.0
    interval: Seconds = 1.0
    hold: Seconds = 0.0


class WaitAction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="wait", omit_defaults=True):
    """A visible countdown. Exactly one of the two is set."""

    seconds: Seconds = 0.0
    until: Text = ""
    """`HH:MM` or an ISO time; turned into a duration when the step is entered."""


class AssertAction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="assert", omit_defaults=True):
    """An expression that must be true."""

    that: str


class Imports(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a fabfile needs of the interpreter that runs it."""

    file: str
    modules: tuple[str, ...] = ()
    python: str = ""
    """As in `FabricAction`."""


class SetAction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="set", omit_defaults=True):
    """Values for later steps, computed from what is known by then."""

    values: dict[Identifier, Json]
    """By the name that templates say. A text that is one `{{ expression }}` keeps its value's type; others are text."""


class Way(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One way on from a `branch`."""

    when: Expression = ""
    """What has to be true for it; empty is always open."""
    goto: str = ""
    """A step's id after compiling; empty goes on to the next step."""


class BranchAction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="branch", omit_defaults=True):
    """The first way that is open is taken, and nobody is asked; where none is, the next step follows."""

    ways: tuple[Way, ...]


class PreflightAction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="preflight", omit_defaults=True):
    """Open the host and look, before anything changes. Put in front of every plan by the compiler."""

    become: bool = False
    users: tuple[str, ...] = ()
    """Whom steps become there; empty where it is root alone, or is not known yet."""
    tools: tuple[str, ...] = ()
    free_mib: int = 16
    """Space the host must have where it keeps a job's files."""
    imports: tuple[Imports, ...] = ()
    """For the controller, where fabfiles run."""
    refuses_broken: bool = False
    """It fails where another run has left a fault that may be live; without it, that is only said."""
    faults: tuple[FaultAhead, ...] = ()
    """What steps are to break there: asked is whether the host can carry it."""


class ConfirmAction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="confirm", omit_defaults=True):
    """The operator goes on, or stops."""

    message: Text
    type: Text = ""
    """What must be typed, letter for letter; empty means a key is enough."""
    signed: Demand = ""


class ApproveAction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="approve", omit_defaults=True):
    """Other people decide."""

    message: Text
    approvers: tuple[str, ...] = ()
    """Roles or names; empty means anybody who gets through the socket."""
    min_required: int = 1
    timeout: Seconds = 0.0
    on_timeout: Literal["fail", "proceed", "ask"] = "fail"
    allow_self: bool = False
    signed: Demand = ""


class AskAction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="ask", omit_defaults=True):
    """A value for `register`."""

    prompt: Text
    type: Literal["string", "integer", "number", "boolean", "host", "duration"] = "string"
    default: Text = ""


class Option(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One answer of a `choose`."""

    label: str
    goto: str = ""
    """A step's id after compiling; empty goes on to the next step."""


class ChooseAction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="choose", omit_defaults=True):
    """One of several ways."""

    prompt: Text
    options: tuple[Option, ...]


class ManualAction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="manual", omit_defaults=True):
    """A person does it and says how it went."""

    instructions: Text


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a checklist."""

    item: Text
    owner: str = ""


class ChecklistAction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="checklist", omit_defaults=True):
    """Every item is ticked, or waived with a reason."""

    items: tuple[Item, ...]


class NoticeAction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="notice", omit_defaults=True):
    """Shown and recorded; waits for nobody."""

    text: Text


class NotifyAction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="notify", omit_defaults=True):
    """A message for people, on record; it is sent to nobody."""

    message: Text
    to: tuple[str, ...] = ()


FABRIC_SETTINGS = ("fabric.yaml", "fabric.yml", "fabric.json", "fabric.py")
"""Files beside a fabfile, or beside the package that is one, from which Fabric takes settings: the first there is."""


class FabricAction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="fabric", omit_defaults=True):
    """Run a task of an existing fabfile in a child process."""

    task: str
    file: str = "fabfile.py"
    args: dict[str, Json] = {}
    python: str = ""
    """The interpreter that runs it: a path relative to the runbook, or a program; empty for the one that runs us."""
    imports: tuple[str, ...] = ()
    """Modules from elsewhere that it cannot do without. The compiler fills it in; a preflight tries them."""
    sha256: str = ""
    """Of the fabfile as the plan saw it; one that has changed since is not run. The compiler fills it in."""
    beside: dict[str, str] | None = None
    """SHA-256 of what it brings along, by path from its project's folder: modules that it imports and settings. Nothing
    else from there is loaded. None in plans that were made before anybody looked.
    """


class EndAction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="end", omit_defaults=True):
    """The runbook ends here, by its author's word: it has done what it is for, or it cannot."""

    verdict: Literal["completed", "failed"]
    reason: Text = ""


class BlockAction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="block", omit_defaults=True):
    """Steps with a rescue and an always; the steps themselves are the planned step's children."""


class LoopAction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="loop", omit_defaults=True):
    """Turns of the same, one after the other, one for each item; its children are turns (`core/planned/turns.py`)."""

    source: Json = None
    """What gives the items where only the run knows them: a text that is one `{{ expression }}`, or a list with
    templates in it. None where the plan knows them.
    """
    items: tuple[Json, ...] = ()
    """What it goes through; filled in when the plan is made, else when the loop is entered."""
    at_most: int = 0
    """Turns that the plan has for items that it does not know; 0 where it knows them."""

    @property
    def waits(self) -> bool:
        """True where only the run knows its items."""
        return self.source is not None


class ParallelAction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="parallel", omit_defaults=True):
    """All children at once; ends when all have."""


class NestedAction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="runbook", omit_defaults=True):
    """Another runbook's steps, compiled in as children."""

    file: str
    name: str = ""
    parameters: dict[str, Json] = {}


Work = (
    CommandAction
    | ScriptAction
    | UploadAction
    | DownloadAction
    | HttpAction
    | ProbeAction
    | WaitForAction
    | AssertAction
    | SetAction
    | BranchAction
    | PreflightAction
    | NotifyAction
    | FabricAction
    | ToTheHost
)
"""Done by the executor through `steps/`, as attempts on hosts."""

Ask = ConfirmAction | ApproveAction | AskAction | ChooseAction | ManualAction | ChecklistAction
"""Opens a gate and waits for a person."""

Pause = WaitAction | NoticeAction | EndAction | RevertAction
"""Needs nobody and no attempt; the core ends it by itself."""

Container = BlockAction | LoopAction | ParallelAction | NestedAction
"""Holds other steps."""

Action = Work | Ask | Pause | Container
"""Every kind of step there is."""

OnHosts = CommandAction | ScriptAction | UploadAction | DownloadAction | PreflightAction | FabricAction | ToTheHost
"""Kinds whose targets are hosts; `wait_for` joins them when it polls a command. All others run on the controller."""

CONTROLLER = "controller"
"""The name under which work that no host does is recorded."""


def kind_of(action: Action) -> str:
    """The word for it in YAML, on the screen and in reports."""
    return str(action.__struct_config__.tag)
