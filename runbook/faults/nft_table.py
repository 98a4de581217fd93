"""Faults that are rules of the kernel's packet filter: a table of our own, whose rules look at sets that expire.

This is the strongest guarantee there is: an element of a set lapses in the kernel, without a process, a fork or a
disk. Every element carries a time (none only where the lease is held on purpose), so a table without its runner is
soon a table that matches nothing. Hooks are ahead of everybody's (priority -450), so what others accept does not
matter.

Known of nft: renewing with `add` alone is ignored in silence by some kernels and refused by others once it has
lapsed, while add, delete and add in one transaction works in every state. `destroy` is too new. A closing brace
stands on a line of its own. Somebody else's `flush ruleset` takes the fault away: the renewal then fails, and says
so.

The control connection is spared before any drop, from any port of the controller's address, so that a second new
login works as well. Source: nft(8); measured on nftables 1.0.6 under kernels 6.1 and 6.18.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from runbook.faults.arguments import by_family
from runbook.faults.fault import Guarantee, Scripts, minded, text
from runbook.faults.ground import Control, Ground
from runbook.problem import Exit, problem

Direction = Literal["in", "out", "both"]


class TimedSet(msgspec.Struct, frozen=True):
    """A set whose elements lapse."""

    name: str
    kind: str
    """nft's type, such as `ipv4_addr`."""
    elements: tuple[str, ...]


class Chain(msgspec.Struct, frozen=True):
    """Rules at one hook."""

    hook: Literal["prerouting", "input", "output"]
    rules: tuple[str, ...]


def peers(addresses: tuple[str, ...]) -> tuple[TimedSet, ...]:
    """The sets `p4` and `p6` of these addresses; none for a family without any.

    Raises:
        Problems: One of them is no address.
    """
    try:
        v4, v6 = by_family(addresses)
    except ValueError as error:
        raise problem(str(error), fix="Write addresses, not names: a name may mean another host by then.") from None
    sets = (TimedSet("p4", "ipv4_addr", v4), TimedSet("p6", "ipv6_addr", v6))
    return tuple(each for each in sets if each.elements)


def towards(sets: tuple[TimedSet, ...], direction: Direction, verdict: str, ground: Ground) -> tuple[Chain, ...]:
    """Chains that do `verdict` to packets from (`in`) or to (`out`) the members of the sets, our own way in spared."""
    family = {"p4": "ip", "p6": "ip6"}
    chains = []
    if direction in ("in", "both"):
        rules = (f"{family[each.name]} saddr @{each.name} {verdict}" for each in sets)
        chains.append(Chain("prerouting", (*spared(ground.control, "saddr", "dport"), *rules)))
    if direction in ("out", "both"):
        rules = (f"{family[each.name]} daddr @{each.name} {verdict}" for each in sets)
        chains.append(Chain("output", (*spared(ground.control, "daddr", "sport"), *rules)))
    return tuple(chains)


def drawn(sets: tuple[TimedSet, ...], chains: tuple[Chain, ...], ground: Ground, *, provoke: str = "") -> Scripts:
    """The scripts of such a table.

    Args:
        sets: At least one; while any has an element, the fault is there.
        chains: What looks at them.
        ground: The host.
        provoke: Shell text that lets a packet meet the rules, for the effect.

    Raises:
        Problems: The host has no nft, may not use it, or does not say by which way we came.
    """
    ground.require(tools=("nft",), capabilities=("net_admin",))
    if ground.control is None and chains:
        raise problem(
            "the host does not say by which connection we came",
            why="what cannot be spared might be cut",
            fix="Come to it by SSH.",
            code="fault-unsupported",
            exit=Exit.REFUSED,
        )
    listed = " ".join(each.name for each in sets)
    renewal = "".join(_renewed(each) for each in sets)
    table = _table(sets, chains)
    return Scripts(
        guarantees=(Guarantee.KERNEL, *minded(ground, Guarantee.VOLATILE)),
        needs=text(f"own=runbook-needs\ntime=' timeout 1s'\nchecked=$(nft -c -f - 2>&1 <<END\n{table}END\n)\n{_NEEDS}"),
        inject=text(f"{_TIME}nft -f - <<END\n{table}END\n"),
        effect=text(f"provoke() {{\n:\n{provoke}}}\n{_EFFECT}"),
        revert=text(_REVERT),
        present=text(_PRESENT, sets=listed),
        renew=text(f"{_TIME}nft -f - <<END\n{renewal}END\n"),
    )


def spared(control: Control | None, address: str, port: str) -> tuple[str, ...]:
    """The rule that lets our own connection and new logins pass: `saddr`, `dport` on the way in, the others out."""
    if control is None:
        return ()
    family = "ip6" if control.is_v6 else "ip"
    return (f"{family} {address} {control.client} tcp {port} {control.server_port} accept",)


def _table(sets: tuple[TimedSet, ...], chains: tuple[Chain, ...]) -> str:
    """The whole of it as one transaction; `own` and `time` are the shell's."""
    lines = ["table inet $own", "delete table inet $own", "table inet $own {"]
    for each in sets:
        elements = ", ".join(f"{element}$time" for element in each.elements)
        lines += [
            f" set {each.name} {{",
            f"  type {each.kind}",
            "  flags timeout",
            f"  elements = {{ {elements} }}",
            " }",
        ]
    for number, chain in enumerate(chains):
        lines += [f" chain c{number} {{", f"  type filter hook {chain.hook} priority -450; policy accept;"]
        lines += [*(f"  {rule}" for rule in chain.rules), " }"]
    return "\n".join([*lines, "}", ""])


def _renewed(each: TimedSet) -> str:
    timed, plain = ", ".join(f"{element}$time" for element in each.elements), ", ".join(each.elements)
    name = f"element inet $own {each.name}"
    return f"add {name} {{ {timed} }}\ndelete {name} {{ {plain} }}\nadd {name} {{ {timed} }}\n"


_TIME = "time=${RUNBOOK_LEASE:+ timeout ${RUNBOOK_LEASE}s}\n"
"""Empty where the lease is held: then nothing lapses."""

_NEEDS = """\
if [ -z "$checked" ]; then echo ready; else echo "unable nft does not take the rules: $checked"; fi
"""
_EFFECT = r"""
packets() {
  sum=0
  for count in $(nft list table inet "$own" | sed -n 's/.*counter packets \([0-9]*\).*/\1/p'); do
    sum=$((sum + count))
  done
}
nft list table inet "$own" >/dev/null || exit
for turn in 1 2 3 4 5; do
  packets
  [ "$sum" = 0 ] || { echo "seen $sum packets met it" && exit; }
  provoke
  sleep 0.5
done
echo "unseen no packet has met it"
"""
_REVERT = r"""
tables=$(nft list tables inet) || exit
case "
$tables
" in *"
table inet $own
"*) nft delete table inet "$own" ;; esac
"""
_PRESENT = r"""
tables=$(nft list tables inet) || { echo unknown; exit; }
case "
$tables
" in *"
table inet $own
"*) ;; *) echo absent; exit ;; esac
for set in $sets; do
  listed=$(nft list set inet "$own" "$set") || { echo unknown; exit; }
  case $listed in *elements*) echo there; exit ;; esac
done
echo absent
"""
