"""The words of a step, as one table: which key makes which action, and what may be written shorter.

The reader, the JSON Schema and the manual's table are all made from it, so a kind is added in one place. It holds data
and no behaviour.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from runbook.core.planned import action, fault_action
from runbook.core.written import runbook, service


class Kind(NamedTuple):
    """A key that decides what a step does."""

    word: str
    action: type
    siblings: tuple[str, ...] = ()
    """Keys of the action that may stand beside the word, as in `confirm: text` with `type: word`."""
    automates: bool = False
    """It may stand beside `manual`, which then only explains it."""


class Shorthand(NamedTuple):
    """What a struct may be written as instead of a mapping with its keys."""

    text: str = ""
    """The key that a single value stands for."""
    items: str = ""
    """The key that a list stands for."""
    whole: str = ""
    """The key that a mapping stands for, where it is not the struct's own."""
    mapping: bool = True
    """False when a mapping of the struct's own keys is not an option."""


KINDS: tuple[Kind, ...] = (
    Kind("command", action.CommandAction, automates=True),
    Kind("script", action.ScriptAction, ("interpreter", "args"), automates=True),
    Kind("upload", action.UploadAction, automates=True),
    Kind("download", action.DownloadAction, automates=True),
    Kind("http", action.HttpAction, automates=True),
    Kind("fabric", action.FabricAction, automates=True),
    Kind("runbook", action.NestedAction, ("parameters",), automates=True),
    Kind("probe", runbook.ProbeStep, automates=True),
    Kind("wait_for", runbook.WaitForStep, automates=True),
    Kind("wait", action.WaitAction),
    Kind("assert", action.AssertAction, automates=True),
    Kind("set", action.SetAction),
    Kind("branch", action.BranchAction),
    Kind("end", action.EndAction, ("reason",)),
    Kind("notify", action.NotifyAction, automates=True),
    Kind("manual", action.ManualAction),
    Kind("confirm", action.ConfirmAction, ("type", "signed")),
    Kind("approve", action.ApproveAction),
    Kind("ask", action.AskAction, ("type",)),
    Kind("choose", action.ChooseAction),
    Kind("checklist", action.ChecklistAction),
    Kind("notice", action.NoticeAction),
    Kind("block", runbook.BlockStep, ("rescue", "always")),
    Kind("parallel", runbook.ParallelStep),
    Kind("fault", runbook.FaultStep, ("duration", "lease", "on_link_loss", "expect_effect", "select")),
    Kind("revert", runbook.RevertStep),
    Kind("reboot", fault_action.RebootAction, automates=True),
)

PROBE_KINDS: tuple[Kind, ...] = tuple(kind for kind in KINDS if kind.word in {"http", "command", "script"})
"""What a probe may ask with."""

SHORTHANDS: Mapping[type, Shorthand] = MappingProxyType(
    {
        action.CommandAction: Shorthand(text="shell", items="argv", mapping=False),
        action.ScriptAction: Shorthand(text="text"),
        action.HttpAction: Shorthand(text="url"),
        action.NestedAction: Shorthand(text="file"),
        action.WaitAction: Shorthand(text="seconds"),
        action.AssertAction: Shorthand(text="that", mapping=False),
        action.SetAction: Shorthand(whole="values", mapping=False),
        action.BranchAction: Shorthand(items="ways", mapping=False),
        action.EndAction: Shorthand(text="verdict"),
        action.NotifyAction: Shorthand(text="message"),
        action.ManualAction: Shorthand(text="instructions", mapping=False),
        action.ConfirmAction: Shorthand(text="message"),
        action.ApproveAction: Shorthand(text="message"),
        action.AskAction: Shorthand(text="prompt"),
        action.Option: Shorthand(text="label"),
        action.ChecklistAction: Shorthand(items="items", mapping=False),
        action.Item: Shorthand(text="item"),
        action.NoticeAction: Shorthand(text="text", mapping=False),
        action.Tolerance: Shorthand(text="equals"),
        runbook.Loop: Shorthand(text="items", items="items"),
        runbook.ProbeStep: Shorthand(text="probe", whole="probe", mapping=False),
        runbook.BlockStep: Shorthand(items="steps"),
        runbook.ParallelStep: Shorthand(items="steps", mapping=False),
        runbook.FaultStep: Shorthand(whole="fault", mapping=False),
        runbook.RevertStep: Shorthand(text="faults", items="faults", mapping=False),
    }
)

ON_FAILURE = ("ask", "abort", "continue", "rollback")
"""What `on_failure` may say besides `goto: STEP`."""

RESERVED = frozenset({"host", "hosts", "groups", "run", "result", "loop", "true", "false", "none", "and", "or", "not"})
"""Names that parameters and `register` may not take."""

NOT_KEYS: Mapping[type, frozenset[str]] = MappingProxyType(
    {
        runbook.Runbook: frozenset({"where", "places", "source", "source_sha256"}),
        runbook.Step: frozenset({"where", "places", "action"}),
        runbook.Probe: frozenset({"where", "places", "action"}),
        runbook.Section: frozenset({"where", "places"}),
        runbook.Parameter: frozenset({"where", "places"}),
        runbook.WrittenRecoveryPoint: frozenset({"where", "places"}),
        service.Service: frozenset({"where", "places", "source"}),
        action.CommandAction: frozenset({"interpreter"}),
        action.UploadAction: frozenset({"size", "sha256", "files"}),
        action.FabricAction: frozenset({"sha256", "beside", "imports"}),
    }
)
"""Fields that the reader fills itself."""
