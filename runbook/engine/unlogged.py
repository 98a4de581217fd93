"""What a step with `no_log` leaves on record: that it came, how it ended, and nothing of what it was made of or said.

Its text is the plan's, and what is rendered into it later is kept nowhere, not even as a hash: whoever may read the
record could try short values until one fits. Why it failed is told as far as that takes no words from the step, its
host or its values; where nobody can be sure of that, that it failed is all.
"""

from __future__ import annotations

import msgspec

from runbook.core.outcome import Outcome
from runbook.core.planned.action import (
    CommandAction,
    DownloadAction,
    FabricAction,
    HttpAction,
    ScriptAction,
    UploadAction,
    WaitForAction,
)
from runbook.core.planned.fault_action import RebootAction
from runbook.core.planned.plan import PlannedStep
from runbook.core.result import Result
from runbook.problem import Problems
from runbook.steps.kind import Finding

KEPT_BACK = "why is not kept: the runbook says no_log"

_SENT = (
    CommandAction, ScriptAction, UploadAction, DownloadAction, HttpAction, FabricAction, WaitForAction, RebootAction,
)  # fmt: skip
"""What others are sent. Everything else people or we ourselves read, and a run that kept none of it could not go on."""

_CAREFUL = (CommandAction, ScriptAction, FabricAction)
"""Kinds that quote nothing of such a step in how it ended."""


def is_unlogged(planned: PlannedStep) -> bool:
    """True for a step of which nothing is kept."""
    return planned.no_log and isinstance(planned.action, _SENT)


def kept(planned: PlannedStep, finding: Finding) -> Finding:
    """What of a finding may go on record."""
    if not is_unlogged(planned):
        return finding
    told = finding.result
    result = Result(rc=told.rc, status=told.status, duration=told.duration)
    return msgspec.structs.replace(finding, result=result, detail=_detail(planned, finding))


def reason(planned: PlannedStep, problems: Problems) -> str:
    """Why a step could not be entered."""
    return KEPT_BACK if is_unlogged(planned) else "; ".join(str(one) for one in problems.problems)


def _detail(planned: PlannedStep, finding: Finding) -> str:
    if finding.outcome is Outcome.SUCCEEDED:
        return ""
    is_told = finding.outcome is not Outcome.FAILED or finding.result.rc is not None
    return finding.detail if is_told and isinstance(planned.action, _CAREFUL) else KEPT_BACK
