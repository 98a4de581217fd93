"""What became of a rollback, in words: for the last lines of a run, lists and reports, which all say the same."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.core.fold.rollback import Rollback, Undone, rollback, undoable
from runbook.core.outcome import Outcome
from runbook.core.run import Run
from runbook.view.sanitize import safe
from runbook.view.words import fold_hosts, plural

_VERDICTS = {
    "none": "none",
    "running": "under way",
    "held": "held",
    "empty": "nothing that ran has an undo",
    "stopped": "stopped on the way",
    "failed": "failed",
}


def rollback_words(run: Run) -> str:
    """One line: the verdict, then which undo held, failed or was not reached, and where; empty where none was due."""
    found = rollback(run)
    if found.verdict == "none":
        return _undone_nothing(run) if run.stop is not None else ""
    parts = "; ".join(_parts(found))
    return f"{_VERDICTS[found.verdict]}{f': {parts}' if parts else ''}"


def short_words(verdict: str) -> str:
    """The verdict alone, for a column."""
    return _VERDICTS.get(verdict, verdict)


def _undone_nothing(run: Run) -> str:
    steps = undoable(run)
    what = f"{plural(len(steps), 'step')} that ran can be undone ({', '.join(map(safe, steps))})"
    how = f"{what} with: runbook rollback {safe(run.id)}"
    return f"none, nothing was undone{f'; {how}' if steps else ''}"


def _parts(found: Rollback) -> Iterator[str]:
    """The failed ones first: they are what somebody has to look at."""
    sorts = (
        ("failed", [_where(one, one.failed) for one in found.steps if _failed(one)]),
        ("held", [_where(one, one.held) for one in found.steps if one.held or one.outcome is Outcome.SUCCEEDED]),
        ("not done", [safe(one.step) for one in found.steps if not one.held and not _failed(one) and _is_open(one)]),
    )
    yield from (f"{word} {', '.join(each)}" for word, each in sorts if each)


def _failed(one: Undone) -> bool:
    return bool(one.failed) or (one.outcome is not None and one.outcome.is_error and not _is_open(one))


def _is_open(one: Undone) -> bool:
    return one.outcome in {None, Outcome.SKIPPED, Outcome.CANCELLED}


def _where(one: Undone, hosts: tuple[str, ...]) -> str:
    return f"{safe(one.step)}{f' on {safe(fold_hosts(hosts))}' if hosts else ''}"
