"""The catalogue: one row a fault.

Nothing registers itself by being imported, so what a version can do is what stands here.
"""

from __future__ import annotations

from typing import Any

from runbook.faults.catalogue import (
    clock_skew,
    command,
    disk_fill,
    dns,
    fd_limit,
    file_swap,
    filesystem,
    inode_fill,
    load,
    netem,
    packet_loss,
    partition,
    port_block,
    power,
    process_kill,
    process_pause,
    service_crash_loop,
    service_stop,
    unit_limit,
)
from runbook.faults.fault import Fault
from runbook.problem import Where, nearest, problem

FAULTS: tuple[Fault[Any], ...] = (
    process_kill.FAULT,
    process_pause.FAULT,
    service_stop.FAULT,
    service_crash_loop.FAULT,
    load.CPU,
    unit_limit.CPU_QUOTA,
    load.MEMORY,
    unit_limit.MEMORY_CAP,
    load.IO,
    disk_fill.FAULT,
    inode_fill.FAULT,
    fd_limit.FAULT,
    unit_limit.PID_LIMIT,
    partition.FAULT,
    port_block.FAULT,
    dns.BLOCK,
    dns.LIE,
    packet_loss.PACKET_LOSS,
    netem.LATENCY,
    netem.LOSS,
    netem.CORRUPT,
    netem.DUPLICATE,
    netem.REORDER,
    packet_loss.BANDWIDTH,
    clock_skew.FAULT,
    file_swap.FAULT,
    filesystem.READONLY,
    filesystem.FREEZE,
    power.REBOOT,
    power.POWER_OFF,
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
