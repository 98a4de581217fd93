"""`partition`: this host and some others do not hear each other; in one direction or in both.

Guarantee: K (`nft_table.py`), with S or H beside it and V.

Traps: name addresses of both families, or the hosts go on over the other one. TCP times out whichever direction is
cut; only datagrams show which one. `out` lets local senders fail at once with "not permitted", as no broken network
would: `in` on the other side is more honest. Connections that lived before come back late after the lift, some
never: what waits for them has to be looked at after the revert. Traffic of containers is forwarded and meets only
`in`.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from runbook.faults.arguments import Address
from runbook.faults.fault import Fault, Scripts
from runbook.faults.ground import Ground
from runbook.faults.nft_table import Direction, drawn, peers, towards

Peers = Annotated[
    tuple[Address, ...],
    msgspec.Meta(min_length=1, max_length=500, description="Write a list of addresses."),
]
"""Whom a fault of the network is about."""


class Partition(msgspec.Struct, frozen=True, kw_only=True):
    """From whom, and which way."""

    peers: Peers
    direction: Direction = "both"


def reach(addresses: tuple[str, ...]) -> str:
    """Shell text that sends something to each, with whatever the host has for it."""
    tries = "".join(f"try {address}\n" for address in addresses[:5])
    return f"""\
try() {{
  if command -v ping >/dev/null; then ping -c 1 -W 1 "$1" >/dev/null 2>&1
  elif command -v bash >/dev/null; then timeout 1 bash -c 'echo >"/dev/tcp/$0/9"' "$1" 2>/dev/null; fi
}}
{tries}"""


def _draw(arguments: Partition, ground: Ground) -> Scripts:
    sets = peers(arguments.peers)
    chains = towards(sets, arguments.direction, "counter drop", ground)
    return drawn(sets, chains, ground, provoke=reach(arguments.peers))


FAULT = Fault(
    name="partition",
    says="Cuts this host off from others; the way that we came in by is spared.",
    arguments=Partition,
    draw=_draw,
)
