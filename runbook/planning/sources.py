"""Files that a run would send and that are not there: told before it, and not only in its middle.

A file may be made by the run itself, so a missing one is only certain to stay missing where nothing in front of its
step could make it: no download, no person, and nothing that runs where `runbook` runs. Both are warnings, because until
the step is entered anybody may put the file there; where an earlier step downloads that very file there is none.
"""

from __future__ import annotations

from runbook.core.planned.action import (
    CONTROLLER,
    CommandAction,
    DownloadAction,
    FabricAction,
    ManualAction,
    ScriptAction,
    UploadAction,
)
from runbook.core.planned.plan import Plan, PlannedStep
from runbook.planning.draft import Draft
from runbook.planning.pins import missing

_MADE = "Make sure that an earlier step makes it; it is measured and shown when the step is entered."
_MISSING = "Put it there; paths are relative to the runbook."


def check_sources(draft: Draft, plan: Plan) -> None:
    """Note each upload whose file is missing."""
    here = {CONTROLLER, *(host.name for host in plan.hosts if host.connection == "local")}
    may_be_made = False
    for step in plan.walk():
        for src in _missing(draft, step):
            where = draft.written[step.id].at("upload")
            what = f'step {step.id} "{step.name}" sends {src}, and there is no such file'
            fix = _MADE if may_be_made else f"{_MISSING} No earlier step can make it."
            draft.warn(where, "missing-source", what, fix)
        may_be_made = may_be_made or _may_make_files(step, here)


def _missing(draft: Draft, step: PlannedStep) -> tuple[str, ...]:
    """Sources that are known and not there; one that waits for more than its file is not known yet."""
    uploads = [one for one in (step.action, *step.by_host.values()) if isinstance(one, UploadAction) and not one.sha256]
    if not uploads or not step.awaits or set(step.awaits) - missing(uploads) or step.id not in draft.written:
        return ()
    return tuple(dict.fromkeys(one.src for one in uploads if draft.pins.is_missing(one.src)))


def _may_make_files(step: PlannedStep, here: set[str]) -> bool:
    match step.action:
        case DownloadAction() | ManualAction() | FabricAction():
            return True
        case CommandAction() | ScriptAction():
            return bool(here & set(step.hosts))
        case _:
            return False
