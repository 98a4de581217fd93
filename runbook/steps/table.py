"""Which kind does which action: the whole list, in one place, by type.

Nothing registers itself by being imported, so what a version can do is what stands here. Kinds hold no state, so one of
each serves every run.
"""

from __future__ import annotations

from types import MappingProxyType

import msgspec

from runbook.core.planned.action import (
    Action,
    AssertAction,
    BranchAction,
    CommandAction,
    DownloadAction,
    FabricAction,
    HttpAction,
    NotifyAction,
    PreflightAction,
    ProbeAction,
    ScriptAction,
    SetAction,
    UploadAction,
    WaitForAction,
    kind_of,
)
from runbook.core.planned.fault_action import FaultAction, RebootAction
from runbook.problem import nearest, problem
from runbook.steps.assertion import AssertKind
from runbook.steps.command import CommandKind
from runbook.steps.fabric.kind import FabricKind
from runbook.steps.fault import FaultKind
from runbook.steps.http import HttpKind
from runbook.steps.kind import StepKind
from runbook.steps.notify import NotifyKind
from runbook.steps.preflight import PreflightKind
from runbook.steps.probe import ProbeKind
from runbook.steps.reboot import RebootKind
from runbook.steps.script import ScriptKind
from runbook.steps.setting import BranchKind, SetKind
from runbook.steps.transfer import DownloadKind, UploadKind
from runbook.steps.wait_for import WaitForKind

KINDS: MappingProxyType[type[msgspec.Struct], StepKind] = MappingProxyType(
    {
        AssertAction: AssertKind(),
        BranchAction: BranchKind(),
        CommandAction: CommandKind(),
        DownloadAction: DownloadKind(),
        FabricAction: FabricKind(),
        FaultAction: FaultKind(),
        RebootAction: RebootKind(),
        HttpAction: HttpKind(),
        NotifyAction: NotifyKind(),
        PreflightAction: PreflightKind(),
        ProbeAction: ProbeKind(),
        ScriptAction: ScriptKind(),
        SetAction: SetKind(),
        UploadAction: UploadKind(),
        WaitForAction: WaitForKind(),
    }
)


def kind_for(action: Action) -> StepKind:
    """The kind that does an action.

    Raises:
        Problems: This version has none for it; a plan with such a step must not be started.
    """
    if kind := KINDS.get(type(action)):
        return kind
    known = [str(done.__struct_config__.tag) for done in KINDS]
    raise problem(
        f'this version has nothing that does a "{kind_of(action)}" step',
        fix=nearest(kind_of(action), known),
        code="no-such-kind",
    )
