"""One machine under two names: what is done on both is done there twice.

An inventory cannot show it: a name may be an alias of another, or two addresses lead to one host. What gives it away is
what the hosts say themselves: that they keep jobs in one and the same place, or that they answer at one address with
one key. Machines that were copied share a key and have addresses of their own, so a key alone proves nothing.
"""

from __future__ import annotations

from runbook.core.planned.action import CONTROLLER
from runbook.core.run import Run


def same_machine(run: Run, host: str) -> tuple[str, ...]:
    """Other hosts of the run that are the same machine as this one, by name."""
    others = (other for other in run.hosts if other not in {host, CONTROLLER})
    return tuple(sorted(other for other in others if _is_one(run, host, other)))


def _is_one(run: Run, host: str, other: str) -> bool:
    mine, theirs = run.places.get((host, "")), run.places.get((other, ""))
    if mine is not None and theirs is not None and mine.word == theirs.word:
        return True
    here, there = run.sessions.get(host), run.sessions.get(other)
    if here is None or there is None or not here.host_key or not here.address:
        return False
    return (here.host_key, here.address) == (there.host_key, there.address)
