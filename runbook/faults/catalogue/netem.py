"""`latency`, `loss`, `corrupt`, `duplicate`, `reorder`: a bad line, as the kernel's own emulator makes it.

Guarantee: S or H, with V. A queue of our own (handle 7b11:, which no system gives) is put at the root of one
interface, where there is only the kernel's default; somebody else's shaping is never replaced, and then the fault is
refused. Only what leaves the host is touched. The controller's own connection goes past it through the band beside.

Needs the module sch_netem, which small kernels lack: `needs` tries it in a network of its own. Then use
`packet-loss`, or nothing.

Traps: a jitter reorders. Corrupt packets are mostly lost on the way, to checksums. Reordering needs a delay. Adding
and removing a root queue disturbs all traffic of the interface for a moment.

Source: tc-netem(8), tc-prio(8), tc-u32(8); measured on kernel 6.1: 50 ms was 51.7, 20 % loss was 17 % of 500.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from runbook.faults.arguments import Address, Interface, Percent, Span, by_family, seconds
from runbook.faults.fault import Fault, Guarantee, Scripts, minded, text
from runbook.faults.ground import Control, Ground
from runbook.problem import Exit, problem

Peers = Annotated[tuple[Address, ...], msgspec.Meta(max_length=100, description="Write a list of addresses.")]


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    """Which line."""

    peers: Peers = ()
    """Only packets to these; without any, all but our own connection's."""
    interface: Interface | None = None
    """The one of the default route."""


class Latency(_Line, frozen=True, kw_only=True):
    """How long each packet waits."""

    delay: Span
    jitter: Span | None = None


class Share(_Line, frozen=True, kw_only=True):
    """How many of all packets it happens to."""

    percent: Percent


class Reorder(Share, frozen=True, kw_only=True):
    """Those are sent at once, and all others wait."""

    delay: Span = "20ms"


_NEEDS = r"""
found=$(tc qdisc show dev "$interface" root 2>&1) || { echo "missing the interface $interface: $found"; exit; }
case $found in *" 7b11: "*) echo "missing a free line: another fault is on $interface"; exit ;; esac
# The kernel's own has the handle 0:.
case $found in '' | 'qdisc '*' 0: '*) ;;
  *) echo "missing a free line: $interface has a queue of its own: $found"; exit ;;
esac
tried=$(unshare -n sh -c 'tc qdisc add dev lo root netem delay 1ms' 2>&1) ||
  { echo "unable without the kernel's module sch_netem: $tried"; exit; }
echo ready
"""
_INJECT = r"""
# The fourth band is the bad line; without peers everything goes there that the filters do not spare.
map='1 2 2 2 1 2 0 0 1 1 1 1 1 1 1 1'
[ -n "$peers" ] || map='3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3'
tc qdisc add dev "$interface" root handle 7b11: prio bands 4 priomap $map || exit
spare() {
  tc filter add dev "$interface" parent 7b11: protocol "$1" prio "$2" u32 match "$3" dst "$client" \
    match "$3" sport "$port" 0xffff flowid 7b11:1
}
case $client in '') ;; *:*) spare ipv6 1 ip6 ;; *) spare ip 2 ip ;; esac || exit
for peer in $peers; do
  case $peer in
    *:*) tc filter add dev "$interface" parent 7b11: protocol ipv6 prio 3 u32 match ip6 dst "$peer" flowid 7b11:4 ;;
    *) tc filter add dev "$interface" parent 7b11: protocol ip prio 4 u32 match ip dst "$peer" flowid 7b11:4 ;;
  esac || exit
done
tc qdisc add dev "$interface" parent 7b11:4 handle 7b12: netem $line
"""
_EFFECT = r"""
found=$(tc -s qdisc show dev "$interface")
case $found in *'netem 7b12: '*) ;; *) echo "unseen the queue is not there"; exit ;; esac
# The line behind the queue's own counts what has gone through it.
passed=$(printf '%s\n' "$found" | sed -n '/netem 7b12: /{n;s/.*bytes \([0-9]*\) pkt.*/\1/p;}')
if [ "${passed:-0}" -gt 0 ]; then echo "seen $passed packets went through it"
else echo "unseen nothing has gone through it"; fi
"""
_REVERT = r"""
found=$(tc qdisc show dev "$interface" root) || exit
case $found in *' 7b11: '*) tc qdisc del dev "$interface" root handle 7b11: ;; esac
"""
_PRESENT = r"""
found=$(tc qdisc show dev "$interface" root) || { echo unknown; exit; }
case $found in *' 7b11: '*) echo there ;; *) echo absent ;; esac
"""


def _drawn(arguments: _Line, line: str, ground: Ground) -> Scripts:
    ground.require(tools=("tc", "unshare"), capabilities=("net_admin",))
    interface = arguments.interface or ground.default_interface
    if not interface:
        raise problem("the host has no default route", fix='Name the line by "interface".', code="fault-unsupported")
    try:
        by_family(arguments.peers)
    except ValueError as error:
        raise problem(str(error), fix="Write addresses, not names.", code="bad-argument") from None
    control = ground.control or _nobody(arguments)
    values: dict[str, str | int] = {"interface": interface, "peers": " ".join(arguments.peers), "line": line}
    values |= {"client": control.client, "port": control.server_port}
    return Scripts(
        guarantees=minded(ground, Guarantee.VOLATILE),
        needs=text(_NEEDS, interface=interface),
        inject=text(_INJECT, **values),
        effect=text(_EFFECT, interface=interface),
        revert=text(_REVERT, interface=interface),
        present=text(_PRESENT, interface=interface),
    )


def _nobody(arguments: _Line) -> Control:
    """Nobody to spare, where the line is that of named peers alone."""
    if not arguments.peers:
        raise problem(
            "the host does not say by which connection we came",
            why="what cannot be spared would get worse too",
            fix='Come to it by SSH, or name "peers".',
            code="fault-unsupported",
            exit=Exit.REFUSED,
        )
    return Control(client="", client_port=0, server="", server_port=0)


def _milliseconds(span: str) -> str:
    return f"{max(0.0, seconds(span)) * 1000:.3f}ms"


def _latency(arguments: Latency, ground: Ground) -> Scripts:
    jitter = f" {_milliseconds(arguments.jitter)}" if arguments.jitter else ""
    return _drawn(arguments, f"delay {_milliseconds(arguments.delay)}{jitter}", ground)


def _loss(arguments: Share, ground: Ground) -> Scripts:
    return _drawn(arguments, f"loss {arguments.percent:g}%", ground)


def _corrupt(arguments: Share, ground: Ground) -> Scripts:
    return _drawn(arguments, f"corrupt {arguments.percent:g}%", ground)


def _duplicate(arguments: Share, ground: Ground) -> Scripts:
    return _drawn(arguments, f"duplicate {arguments.percent:g}%", ground)


def _reorder(arguments: Reorder, ground: Ground) -> Scripts:
    return _drawn(arguments, f"delay {_milliseconds(arguments.delay)} reorder {arguments.percent:g}%", ground)


LATENCY = Fault(name="latency", says="Lets packets that leave wait.", arguments=Latency, draw=_latency)
LOSS = Fault(name="loss", says="Loses packets that leave.", arguments=Share, draw=_loss)
CORRUPT = Fault(name="corrupt", says="Spoils packets that leave.", arguments=Share, draw=_corrupt)
DUPLICATE = Fault(name="duplicate", says="Sends packets twice.", arguments=Share, draw=_duplicate)
REORDER = Fault(name="reorder", says="Sends packets out of turn.", arguments=Reorder, draw=_reorder)
