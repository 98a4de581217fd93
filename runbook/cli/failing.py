"""The two ways to fail that no verb foresaw: the system refused something, or we made a mistake. Both end in words.

Loaded only when it happens. What is needed to mend a mistake of ours is written to a file that only its owner can read,
because a traceback quotes values, and a person at night needs the sentence and not the stack.
"""

from __future__ import annotations

import os
import tempfile
import traceback

from runbook.cli.diagnostics import explain
from runbook.problem import Exit, Problem, Problems, Where

_LONGEST = 200
"""Characters of an exception's own words that are shown."""


def system_refused(refused: OSError) -> Exit:
    """Say what the system would not do, and where."""
    _tell(
        what=(refused.strerror or type(refused).__name__).lower(),
        why="the system refused it",
        fix="Make room or mend the permissions, and try again. This looks at the machine: runbook doctor",
        where=Where(os.fsdecode(refused.filename)) if isinstance(refused.filename, str | bytes) else None,
        code="system",
    )
    return Exit.FAILED


def we_failed(ours: Exception) -> Exit:
    """Say that it is our mistake, and where the traceback is."""
    path = _kept(ours)
    kept = "Report it with that file" if path else "Report it with what you typed"
    _tell(
        what="runbook itself failed",
        why=f"{type(ours).__name__}: {ours}"[:_LONGEST],
        fix=f"{kept}. A run that was started goes on: runbook runs",
        where=Where(path) if path else None,
        code="internal",
    )
    return Exit.FAILED


def _tell(*, what: str, why: str, fix: str, where: Where | None, code: str) -> None:
    explain(Problems([Problem(what=what, why=why, fix=fix, where=where, code=code, exit=Exit.FAILED)]))


def _kept(ours: Exception) -> str:
    """The traceback's file, 0600; empty where none can be written, which may be the very reason that we failed."""
    try:
        number, name = tempfile.mkstemp(prefix="runbook-", suffix=".traceback")
        with os.fdopen(number, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(traceback.format_exception(ours))
    except OSError:
        return ""
    return name
