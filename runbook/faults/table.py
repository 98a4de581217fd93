"""The catalogue: one row a fault.

Nothing registers itself by being imported, so what a version can do is what stands here.
"""

from __future__ import annotations

from typing import Any

from runbook.faults import command, disk_fill, file_swap, partition, process_kill, service_stop
from runbook.faults.fault import Fault
from runbook.problem import Where, nearest, problem

FAULTS: tuple[Fault[Any], ...] = (
    process_kill.FAULT,
    service_stop.FAULT,
    disk_fill.FAULT,
    partition.FAULT,
    file_swap.FAULT,
    command.FAULT,
)


def fault_named(name: str, where: Where | None = None) -> Fault[Any]:
    """The fault of this name.

    Raises:
        Problems: There is none.
    """
    found = next((fault for fault in FAULTS if fault.name == name), None)
    if found is None:
        raise problem(
            f'there is no fault "{name}"',
            fix=nearest(name, [fault.name for fault in FAULTS]),
            where=where,
            code="unknown-fault",
        )
    return found
