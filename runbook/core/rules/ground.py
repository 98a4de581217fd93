"""On what ground something may begin that is not on record as begun, by a runner that took a run over.

The runner before it may have begun it all the same: its record can be an old copy, or have been cut. So the host is
asked, and that it has no trace proves something only where it is known to be the place that kept the traces: seen by a
runner of which nothing is missing. Where no such place is on record, the record itself must be known to be the newest.
Without either there is no ground, and a person has to say so for each step: what they decide about one of them tells
nothing about the next.
"""

from __future__ import annotations

import msgspec

from runbook.core.run import Run, StepState


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """What a host must be told about a job that is to begin."""

    place: str = ""
    """Where its trace would be, had it begun before; empty where the record can be relied upon instead."""
    is_missing: bool = False
    """Nobody could know whether it has begun before, so it does not begin."""


def ground(run: Run, state: StepState, host: str, keeper: tuple[str, str]) -> Ground:
    """What a step's next attempt for `host` stands on.

    Args:
        run: As it is.
        state: The step's.
        host: The host that is being worked on, for which a person may have decided.
        keeper: Host and user whose place keeps the trace.
    """
    if run.runners <= 1 or _is_weighed(run, state, host):
        return Ground()
    known = run.places.get(keeper)
    if known is not None and (run.is_whole or known.runner <= run.whole_until):
        return Ground(place=known.word)
    return Ground(is_missing=not run.is_whole)


def _is_weighed(run: Run, state: StepState, host: str) -> bool:
    """True where a person has had it done although it may have happened, and that it was is not lost again."""
    decided = state.weighed.get(host, 0)
    return decided == run.runners or (bool(decided) and run.is_whole)
