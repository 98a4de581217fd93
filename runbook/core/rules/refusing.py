"""A refusal, and the command that may be typed instead, whole: whoever is refused at night copies it.

The commands name the run by its id and nothing else; where somebody stands whose records lie elsewhere, they add that.
"""

from __future__ import annotations

import shlex

from runbook.core.run import Run
from runbook.problem import Exit, Problem


def refuse(what: str, *, why: str = "", fix: str = "", code: str = "refused") -> Problem:
    """A refusal, with the exit status of one."""
    return Problem(what=what, why=why, fix=fix, code=code, exit=Exit.REFUSED)


def silent(what: str, command: str) -> Problem:
    """The refusal of what goes on record with a reason and came without one."""
    return refuse(f"{what} goes on record with a reason", fix=f'Say why: {command} -m "WHY"', code="no-reason")


def telling(run: Run, *words: str) -> str:
    """The command that tells a run something."""
    return shlex.join(("runbook", "tell", run.id, *words))


def approving(run: Run, *words: str) -> str:
    """The command that shows what waits, or with a gate answers it."""
    return shlex.join(("runbook", "approve", run.id, *words))


def waits_now(run: Run) -> str:
    """Which gates are open, and how each of them is shown."""
    return f"Waiting now: {', '.join(run.open_gates) or 'none'}. Shown by: {approving(run)}"
