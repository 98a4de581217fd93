"""From the entries of a record to the run that they begin: the first step of every fold over a file.

Live view, replay, report and resume all start here, so that a record that opens no run is refused in the same words.
"""

from __future__ import annotations

from collections.abc import Sequence

from runbook.core.events.entry import Entry
from runbook.core.fold.evolve import fold, open_run
from runbook.core.run import Run
from runbook.problem import Exit, Problems, Where, problem
from runbook.record.form.reading import Reading


def begun(reader: Reading, entries: Sequence[Entry]) -> Run:
    """The run as its first entry opens it.

    Args:
        reader: Gave the entries, and knows why there are not more of them.
        entries: From the first line on.

    Raises:
        Problems: There is not one good line, or the first one opens no run.
    """
    run = open_run(entries[0]) if entries else None
    if run is None:
        why = reader.damage or reader.newer.problem
        raise Problems([why]) if why else _opens_none(reader, is_empty=not entries)
    return run


def folded(reader: Reading) -> Run:
    """All that is good in a record, folded; `reader.damage` then says why it ends where it ends.

    Raises:
        Problems: As `begun`.
    """
    entries = reader.more()
    return fold(begun(reader, entries), entries[1:])


def _opens_none(reader: Reading, *, is_empty: bool) -> Problems:
    return problem(
        "the record is empty" if is_empty else "the record does not begin with the opening of a run",
        why="the runner ended before its first line, or lines were taken away",
        fix="If the run never began, start it again; if it did, bring its record back from a copy.",
        where=Where(reader.address),
        code="empty-record",
        exit=Exit.FAILED,
    )
