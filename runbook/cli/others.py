"""A second person's way to a run: found by name among the runners that let them in, and told why where none does.

Whoever may not read a record is never told that a run is not live, or not there: they cannot know, and neither can we.
"""

from __future__ import annotations

import os

from runbook.cli.compose import run_async
from runbook.problem import Exit, Problem, Problems, meant_by, problem
from runbook.record.store import CLOSED_TO_US, LAST, Store
from runbook.talk.door import doors_of_others
from runbook.talk.elsewhere import Met, runs_of_others
from runbook.talk.messages import Look
from runbook.talk.peer import known_as, login_name
from runbook.workspace.rows import RunRow

_UNLISTED = "record-unwritable"
"""The code of a folder of records that cannot be listed."""


def found_elsewhere(run: str, *, via: str, uid: int | None) -> str | None:
    """The id of another person's live run by its id, the beginning of it, its runbook's name, or `last`; None for none.

    Args:
        run: What was typed.
        via: Who asks.
        uid: Whose it is, where that was said.

    Raises:
        Problems: Several people have such a run, or the only one shows us out.
    """
    met = [one for one in run_async(runs_of_others(via)) if uid in {None, one.uid}]
    let_in = [(one.uid, one.look) for one in met if one.look is not None and _is_meant(run, one.look)]
    if len({owner for owner, _ in let_in}) > 1:
        raise _whose(run, [owner for owner, _ in let_in])
    if let_in:
        return let_in[0][1].run
    refused = next((one.refused for one in met if one.refused is not None and _is_called(run, one)), None)
    if refused is not None:
        raise Problems([refused])
    return None


def live_elsewhere(runbook: str) -> tuple[RunRow, ...]:
    """Live runs of others that let us in, the newest first, of one runbook or of all; whose is what the kernel says."""
    if not doors_of_others(os.getuid()):
        return ()
    met = run_async(runs_of_others("runs"))
    return tuple(_row(one.look, login_name(one.uid)) for one in met if one.look and runbook in {"", one.look.runbook})


def _row(look: Look, operator: str) -> RunRow:
    return RunRow(
        id=look.run,
        runbook=look.runbook,
        kind=look.kind,
        started=look.started,
        operator=operator,
        verdict="live",
        worst="live",
        rta=None,
        objective="",
        live=True,
        duration=0.0,
    )


def refused_or(records: Store, what: str, unknown: Problem) -> Problem:
    """What somebody is told of records that are closed to them; what is unknown for another reason stays as it is.

    `what` they wanted, as a sentence begins.
    """
    owner = records.owner()
    if unknown.code not in {CLOSED_TO_US, _UNLISTED} or owner in {None, os.getuid()}:
        return unknown
    whose, name = login_name(owner or 0), login_name(os.getuid())
    return Problem(
        what=f"{what} is not open to {name}",
        why=f"the records here are {whose}'s and closed to others, and no runner of theirs lets {name} in",
        fix=f'Ask {whose} to answer, or to write [control] allow = ["{name}"] into the workspace\'s runbook.toml: it '
        "counts for runs begun after that. What is open to you is listed by: runbook runs",
        code="not-allowed",
        exit=Exit.REFUSED,
    )


def _is_meant(run: str, look: Look) -> bool:
    return run in {LAST, look.runbook} or bool(meant_by(run, (look.run,)))


def _is_called(run: str, met: Met) -> bool:
    """Whether a runner that shows us out may be the one that is meant, by the little that its socket's name says."""
    return run == LAST or f"-{run}-" in f"-{met.called}-"


def _whose(run: str, owners: list[int]) -> Problems:
    names = "; ".join(known_as(owner) for owner in dict.fromkeys(owners))
    return problem(
        f'several people have a live run "{run}": {names}',
        fix=f"Say whose you mean: --operator {login_name(owners[0])}",
        code="whose-run",
        exit=Exit.REFUSED,
    )
