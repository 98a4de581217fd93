"""Why no connection came about, as the operating system tells it: each way with its own words and its own cure.

A refusal, a reset, a dead route and a forbidding firewall look alike to whoever only sees that it did not work, and are
mended in four different places. The words of the system are kept as the reason; what to do about it is said here, once
for connections of ours and for those that a bastion tried for us.
"""

from __future__ import annotations

import errno
import os
import re
from typing import NamedTuple

_NUMBER = re.compile(r"\[Errno (\d+)\]")


class Cause(NamedTuple):
    """One way of not being connected."""

    code: str
    """Of the problem."""
    what: str
    """With `{}` for the host and its place."""
    fix: str


REFUSED = Cause("refused", "{} refuses connections", "Check that the SSH server runs and listens on this port.")
RESET = Cause(
    "reset",
    "{} hung up before the login",
    "Something answers there and lets go again: look at the server's log for MaxStartups, PerSourcePenalties or a ban "
    "(fail2ban), and at a balancer or firewall between.",
)
NO_ROUTE = Cause(
    "no-route",
    "there is no way to {}",
    "Check the address, and the routes of this machine (VPN, default route); on its own network, that the host is up.",
)
FORBIDDEN = Cause(
    "forbidden", "this machine may not connect to {}", "Look at the firewall and the sandbox of this machine."
)
UNKNOWN = Cause("refused", "{} cannot be connected to", "Check the address, the port and the network between.")

_BY_NUMBER = {
    errno.ECONNREFUSED: REFUSED,
    errno.ECONNRESET: RESET,
    errno.ECONNABORTED: RESET,
    errno.EPIPE: RESET,
    errno.EHOSTUNREACH: NO_ROUTE,
    errno.ENETUNREACH: NO_ROUTE,
    errno.EHOSTDOWN: NO_ROUTE,
    errno.ENETDOWN: NO_ROUTE,
    errno.EADDRNOTAVAIL: NO_ROUTE,
    errno.EACCES: FORBIDDEN,
    errno.EPERM: FORBIDDEN,
}
"""The most telling first: a name with several addresses may fail at each in another way."""

_OF_BASTION = (
    ("prohibited", "Let the bastion forward to it: AllowTcpForwarding, PermitOpen."),
    ("refused", REFUSED.fix),
    ("reset", RESET.fix),
    ("resol", "The bastion does not know that name: correct the address (ansible_host), or its name service."),
    ("name", "The bastion does not know that name: correct the address (ansible_host), or its name service."),
    ("timed out", "Check that the host is up, and the network and firewalls between the bastion and it."),
    ("route", "Check the address, that the host is up, and the routes of the bastion."),
    ("unreachable", "Check the address, that the host is up, and the routes of the bastion."),
)
"""Words in what a bastion says of its own try, in lower case; servers pass on what their system told them."""


def cause_of(error: OSError) -> tuple[Cause, str]:
    """What it is, and the system's own words for it."""
    said = str(error)
    # Where a name has several addresses, the numbers stand in the text alone.
    numbers = {error.errno or 0, *map(int, _NUMBER.findall(said))}
    for number, cause in _BY_NUMBER.items():
        if number in numbers:
            return cause, os.strerror(number)
    return (RESET if isinstance(error, ConnectionError) else UNKNOWN), error.strerror or said


def advice_behind_bastion(reason: str) -> str:
    """What to do when a bastion could not open the way, by what it said."""
    said = reason.lower()
    general = "Check that the bastion can reach it and allows forwarding (AllowTcpForwarding)."
    return next((fix for word, fix in _OF_BASTION if word in said), general)
