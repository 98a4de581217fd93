"""`port-block`: nobody reaches this host on some ports, or it reaches nobody on them; in silence or with a refusal.

Guarantee: K (`nft_table.py`), with S or H beside it and V.

Traps: `drop` and `reject` are two faults: clients wait for their own time-out, or fail at once. A reset ends the
client's side of a connection alone: the server keeps a half-open one, and a simple server hangs on it after the lift
until it is restarted. The port that we came in by is spared from the controller's address, not from others'.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from runbook.faults.arguments import Port
from runbook.faults.fault import Fault, Scripts
from runbook.faults.ground import Ground
from runbook.faults.nft_table import Chain, TimedSet, drawn, spared

Ports = Annotated[tuple[Port, ...], msgspec.Meta(min_length=1, max_length=100, description="Write a list of ports.")]


class PortBlock(msgspec.Struct, frozen=True, kw_only=True):
    """Which ports, whose, and how it shows."""

    ports: Ports
    protocol: Literal["tcp", "udp"] = "tcp"
    how: Literal["drop", "reject"] = "drop"
    """`reject`: refused, open TCP connections reset."""
    direction: Literal["in", "out"] = "in"
    """`in`: services here; `out`: services elsewhere that this host uses."""


def _draw(arguments: PortBlock, ground: Ground) -> Scripts:
    verdict = "drop"
    if arguments.how == "reject":
        verdict = "reject with tcp reset" if arguments.protocol == "tcp" else "reject"
    kind = TimedSet("ports", "inet_service", tuple(str(port) for port in dict.fromkeys(arguments.ports)))
    rule = f"{arguments.protocol} dport @ports counter {verdict}"
    if arguments.direction == "in":
        return drawn((kind,), (Chain("input", (*spared(ground.control, "saddr", "dport"), rule)),), ground)
    return drawn((kind,), (Chain("output", (*spared(ground.control, "daddr", "sport"), rule)),), ground)


FAULT = Fault(
    name="port-block",
    says="Closes ports, in silence or with a refusal.",
    arguments=PortBlock,
    draw=_draw,
)
