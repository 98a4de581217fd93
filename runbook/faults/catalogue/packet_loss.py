"""`packet-loss` and `bandwidth`: some packets get lost, or all beyond a rate, without any module of the kernel's.

Guarantee: K (`nft_table.py`), with S or H beside it and V.

Traps: a loss that hosts do to their own packets is told to the sender, who may send again at once: look in the
direction that you mean. The rate is policed: what is beyond it is dropped and not kept waiting, so TCP sends again
and stays below the rate. `loss` (netem) keeps queues as a real line does, where the kernel has it.

Source: nft(8), numgen and limit. Measured over 20,000 datagrams: 20 % was 20.1 %, 1 % was 1.0 %; 1 Mbit/s was 1.0 to
1.2.
"""

from __future__ import annotations

import msgspec

from runbook.faults.arguments import Percent, Rate, bits
from runbook.faults.catalogue.partition import Peers, reach
from runbook.faults.fault import Fault, Scripts
from runbook.faults.ground import Ground
from runbook.faults.nft_table import Direction, drawn, peers, towards


class PacketLoss(msgspec.Struct, frozen=True, kw_only=True):
    """Between this host and whom, and how much; each packet by chance of its own."""

    peers: Peers
    percent: Percent
    direction: Direction = "in"


class Bandwidth(msgspec.Struct, frozen=True, kw_only=True):
    """Towards whom, and how much at most."""

    peers: Peers
    rate: Rate
    direction: Direction = "out"


def _loss(arguments: PacketLoss, ground: Ground) -> Scripts:
    sets = peers(arguments.peers)
    # Of ten thousand, so that a hundredth of a percent can be said.
    verdict = f"numgen random mod 10000 < {round(arguments.percent * 100)} counter drop"
    return drawn(sets, towards(sets, arguments.direction, verdict, ground), ground, provoke=reach(arguments.peers))


def _bandwidth(arguments: Bandwidth, ground: Ground) -> Scripts:
    sets = peers(arguments.peers)
    octets = max(1, bits(arguments.rate) // 8)
    burst = max(16_000, octets // 50)
    verdict = f"limit rate over {octets} bytes/second burst {burst} bytes counter drop"
    return drawn(sets, towards(sets, arguments.direction, verdict, ground), ground)


PACKET_LOSS = Fault(
    name="packet-loss",
    says="Loses some packets to or from other hosts.",
    arguments=PacketLoss,
    draw=_loss,
)
BANDWIDTH = Fault(
    name="bandwidth",
    says="Lets no more than a rate pass to or from other hosts.",
    arguments=Bandwidth,
    draw=_bandwidth,
)
