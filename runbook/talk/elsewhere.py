"""Other people's live runs on this machine that let us in: how somebody who may not read a record finds its run.

Each runner is asked what it runs, so a run is known here by its id, its runbook and its operator, as its runner says. A
runner that shows us out is told apart from one that is not there: whoever asks about it is to learn why.
"""

from __future__ import annotations

import asyncio
import os

import msgspec

from runbook.core.milestone_name import Seconds
from runbook.problem import Problem, Problems
from runbook.talk.door import Doorway, doors_of_others, is_there
from runbook.talk.line import Line
from runbook.talk.messages import Look

PATIENCE: Seconds = 2.0
"""For one runner to answer; one that is busy for longer is left out."""


class Met(msgspec.Struct, frozen=True, kw_only=True):
    """A runner that answered."""

    uid: int
    """Whose it is, as the kernel says."""
    look: Look | None
    """None where it showed us out."""
    called: str
    """What its socket is called: the end of the run's id."""
    refused: Problem | None = None


async def runs_of_others(via: str) -> tuple[Met, ...]:
    """Whoever answers, the newest run first."""
    met = await asyncio.gather(*(_asked(one, via) for one in doors_of_others(os.getuid())))
    return tuple(sorted((one for one in met if one is not None), key=_age, reverse=True))


def _age(met: Met) -> str:
    return met.look.started if met.look else ""


async def _asked(doorway: Doorway, via: str) -> Met | None:
    try:
        async with asyncio.timeout(PATIENCE):
            return await _heard(doorway, via)
    except (Problems, OSError, TimeoutError):
        return None


async def _heard(doorway: Doorway, via: str) -> Met | None:
    if not is_there(doorway):
        return None
    line = await Line.open(doorway, via=via)
    try:
        return Met(uid=doorway.uid, look=await line.look(), called=doorway.path.stem)
    except Problems as refused:
        return Met(uid=doorway.uid, look=None, called=doorway.path.stem, refused=refused.problems[0])
    finally:
        await line.close()
