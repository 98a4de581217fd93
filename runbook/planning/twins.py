"""Two names of an inventory that lead to one address: told before a run, as far as the inventory shows it.

What ssh_config makes of a name is not asked here; a run notices the rest when the machines answer (`fold/twins.py`).
"""

from __future__ import annotations

from collections import defaultdict

from runbook.core.host import Host
from runbook.core.planned.plan import Plan
from runbook.planning.draft import Draft
from runbook.problem import Where

SSH_PORT = 22


def check_twins(draft: Draft, plan: Plan) -> None:
    """Warn once of each address that several hosts of the plan share."""
    found: dict[tuple[str, int, str], list[Host]] = defaultdict(list)
    for host in plan.hosts:
        if host.connection == "ssh":
            found[host.target.casefold(), host.port or SSH_PORT, host.jump].append(host)
    for (target, _port, _jump), members in found.items():
        if len(members) > 1:
            names = ", ".join(host.name for host in members[:6])
            what = f"{names} lead to one address, {target}"
            fix = "What is done on all of them is done there as often. Keep one name, or give each its own address."
            draft.warn(Where(draft.inventory.source), "same-machine", what, fix)
