"""`dns-block` and `dns-lie`: names are not found, or found elsewhere.

`dns-block`: K (`nft_table.py`). The answers are dropped on their way in, whichever resolver they come from: a
look-up then fails after the resolver's own patience, as it does when a name server is away. Dropping questions on
their way out would fail in milliseconds with "not permitted", which no network does. A resolver on this host answers
through the loopback and is silenced as well; what it or a program has cached goes on being found.

`dns-lie`: S with V. A copy of /etc/hosts with other addresses is bind-mounted over it. Names in certificates, pools
of open connections and caches do not notice; a program that asks name servers itself does not either.

Source: nft(8), hosts(5); measured on Debian 12.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from runbook.faults.arguments import Address, Name, by_family
from runbook.faults.catalogue.file_swap import OURS, UNMOUNT
from runbook.faults.fault import Fault, Guarantee, Scripts, minded, text
from runbook.faults.ground import Ground
from runbook.faults.nft_table import Chain, TimedSet, drawn
from runbook.faults.pieces import MOUNTED
from runbook.problem import problem

Names = Annotated[
    dict[Name, Address], msgspec.Meta(min_length=1, max_length=100, description="Write names, and an address for each.")
]


class DnsBlock(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing to say: all resolvers, both protocols, both families."""


class DnsLie(msgspec.Struct, frozen=True, kw_only=True):
    """Which names, and where they seem to be."""

    names: Names


_LIE_NEEDS = r"""
[ -f "$file" ] && [ ! -h "$file" ] || { echo "missing $file as a plain file"; exit; }
! is_mounted "$file" || { echo "missing a plain $file: something is mounted on it already"; exit; }
echo ready
"""
_LIE = r"""
copy=$RUNBOOK_HERE/swapped
# Ours first: the first line that has the name counts.
cp -p "$file" "$copy" && { printf '%s\n' "$lines" && cat "$file"; } >"$copy" && mount --bind "$copy" "$file"
"""
_LIED = r"""
found=$(getent ahosts "$name") || { echo "unseen $name is not found"; exit; }
case $found in "$address "*) said=seen ;; *) said=unseen ;; esac
echo "$said $name is found at ${found%% *}"
"""


def _block(_arguments: DnsBlock, ground: Ground) -> Scripts:
    ports = TimedSet("ports", "inet_service", ("53", "853"))
    rule = "meta l4proto { tcp, udp } th sport @ports counter drop"
    provoke = "command -v getent >/dev/null && timeout 3 getent ahosts runbook.invalid. >/dev/null\n"
    return drawn((ports,), (Chain("input", (rule,)),), ground, provoke=provoke)


def _lie(arguments: DnsLie, ground: Ground) -> Scripts:
    ground.require(tools=("mount", "umount"), capabilities=("sys_admin",))
    try:
        by_family(tuple(arguments.names.values()))
    except ValueError as error:
        raise problem(str(error), fix="Write an IPv4 or IPv6 address for each name.", code="bad-argument") from None
    name, address = next(iter(arguments.names.items()))
    lines = "\n".join(f"{address} {name}" for name, address in arguments.names.items())
    file = "/etc/hosts"
    return Scripts(
        guarantees=minded(ground, Guarantee.VOLATILE),
        needs=text(_LIE_NEEDS, MOUNTED, file=file),
        inject=text(_LIE, file=file, lines=lines),
        effect=text(_LIED, name=name, address=address),
        revert=text(f"reload() {{ :; }}\n{UNMOUNT}", MOUNTED, OURS, file=file),
        present=text("if ours_is_mounted; then echo there; else echo absent; fi\n", OURS, file=file),
    )


BLOCK = Fault(name="dns-block", says="Lets no answer of a name server arrive.", arguments=DnsBlock, draw=_block)
LIE = Fault(name="dns-lie", says="Lets names be found at other addresses.", arguments=DnsLie, draw=_lie)
