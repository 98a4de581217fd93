"""The facts that the rules of an environment look at, found out here and now: the clock, who asks, and their groups.

The rules themselves are in `policy/` and know none of these doors.
"""

from __future__ import annotations

import grp
import os
from datetime import UTC, datetime

from runbook.core.actor import Actor
from runbook.core.clock import Clock
from runbook.core.plan import Plan
from runbook.engine.clock import SystemClock
from runbook.policy.judging import Facts, judged
from runbook.policy.verdict import Verdict
from runbook.talk.person import person, this_machine


def facts_now(plan: Plan, by: Actor, clock: Clock) -> Facts:
    """What is known if somebody were to begin it now."""
    return Facts(plan=plan, now=datetime.fromtimestamp(clock.wall(), UTC), by=by, groups=own_groups())


def judged_now(plan: Plan) -> tuple[Verdict, ...]:
    """What the rules would say if whoever runs this were to begin it now."""
    me = person(os.getuid(), machine=this_machine())
    return judged(facts_now(plan, me, SystemClock()))


def own_groups() -> frozenset[str]:
    """Names of the Unix groups that whoever runs this is in; a group without a name is nobody's role."""
    found: set[str] = set()
    for number in {os.getgid(), *os.getgroups()}:
        try:
            found.add(grp.getgrgid(number).gr_name)
        except KeyError:
            continue
    return frozenset(found)
