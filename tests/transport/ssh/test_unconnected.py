"""Ways of not being connected, told apart by what the system says."""

import errno
import os

import pytest

from runbook.transport.ssh.unconnected import (
    FORBIDDEN,
    NO_ROUTE,
    REFUSED,
    RESET,
    UNKNOWN,
    advice_behind_bastion,
    cause_of,
)


@pytest.mark.parametrize(
    ("number", "cause"),
    [
        (errno.ECONNREFUSED, REFUSED),
        (errno.ECONNRESET, RESET),
        (errno.EPIPE, RESET),
        (errno.EHOSTUNREACH, NO_ROUTE),
        (errno.ENETUNREACH, NO_ROUTE),
        (errno.EPERM, FORBIDDEN),
        (errno.EACCES, FORBIDDEN),
        (errno.EMFILE, UNKNOWN),
    ],
)
def test_each_way_has_its_own_words_and_the_systems_reason(number, cause):
    assert cause_of(OSError(number, os.strerror(number))) == (cause, os.strerror(number))


def test_of_several_addresses_the_most_telling_failure_counts():
    """As asyncio words it when a name leads to several and each fails in another way."""
    both = OSError("Multiple exceptions: [Errno 101] Connect call failed ('::1', 2), [Errno 111] Connect call failed")
    assert cause_of(both) == (REFUSED, "Connection refused")


def test_a_connection_that_ended_without_a_number_was_hung_up():
    assert cause_of(ConnectionError("it went")) == (RESET, "it went")


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("connect failed: Connection refused", REFUSED.fix),
        ("open failed: administratively prohibited", "Let the bastion forward to it: AllowTcpForwarding, PermitOpen."),
        ("connect failed: Name or service not known", "The bastion does not know that name"),
        ("Temporary failure in name resolution", "The bastion does not know that name"),
        ("connect failed: Connection timed out", "Check that the host is up, and the network"),
        ("connect failed: No route to host", "Check the address, that the host is up, and the routes of the bastion."),
        ("it said nothing that helps", "Check that the bastion can reach it and allows forwarding"),
    ],
)
def test_what_a_bastion_says_of_its_own_try_leads_to_the_place_where_it_is_mended(said, advice):
    assert advice_behind_bastion(said).startswith(advice)
