"""Why a host could not be worked on, as three short lines instead of one long one, and said once for many hosts.

A problem goes on record as one line, `host db1: what: why. fix.`, because a finding's detail is one. Forty hosts with
the same problem would say it forty times, each with its own name and address in the middle. So here the line is taken
apart again, and what only tells one host from the next is taken out, so that reasons can be compared. A detail of
another shape (`exit code 3`, the words of a program) is a `what` and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

import msgspec

from runbook.view.words import fold_hosts

_PLACE = re.compile(r"(?:(?<=^)|(?<=[:;] ))host (?P<host>\S+): ")
"""Where a problem with a host begins."""

_FIX = re.compile(r"\. (?=[A-Z])")
_HOST = "\0"
"""Stands for a host's name in a reason that is compared with those of others."""


class Reason(msgspec.Struct, frozen=True):
    """Why, in its parts."""

    what: str
    why: str = ""
    fix: str = ""

    def lines(self) -> tuple[str, ...]:
        """One line for each part that there is."""
        return (
            self.what,
            *((f"why: {self.why}",) if self.why else ()),
            *((f"fix: {self.fix}",) if self.fix else ()),
        )


class SharedReason(msgspec.Struct, frozen=True):
    """Hosts with the same reason."""

    hosts: tuple[str, ...]
    reason: Reason
    """In words that hold for all of them."""


def reason(detail: str) -> Reason:
    """The parts of a detail."""
    found = _PLACE.search(detail)
    if found is None:
        return Reason(detail)
    head, *fixes = _FIX.split(detail[found.end() :], maxsplit=1)
    what, _, why = head.rstrip(".").partition(": ")
    return Reason(detail[: found.start()] + what, why, "".join(fixes))


def brief(text: str) -> str:
    """A sentence that ends in such a detail, without the host's second mention, the cause and the cure."""
    found = _PLACE.search(text)
    return text if found is None else text[: found.start()] + reason(text[found.start() :]).what


def shared(details: Iterable[tuple[str, str]]) -> tuple[SharedReason, ...]:
    """Pairs of host and detail by their reason, in the order in which each reason first came."""
    groups: dict[str, list[str]] = {}
    first: dict[str, str] = {}
    for host, detail in details:
        key = anonymous(host, detail)
        groups.setdefault(key, []).append(host)
        first.setdefault(key, detail)
    return tuple(
        # A single host keeps its own words: its address is worth knowing.
        SharedReason(tuple(hosts), reason(first[key] if len(hosts) == 1 else key.replace(_HOST, fold_hosts(hosts))))
        for key, hosts in groups.items()
    )


@lru_cache(maxsize=4096)
def anonymous(host: str, detail: str) -> str:
    """A detail without what tells this host from others; equal for hosts with the same reason.

    Kept, because a step of a thousand hosts compares each with those before it.
    """
    if _PLACE.search(detail) is None:
        return detail
    name = re.escape(host)
    unaddressed = re.sub(rf"(?<![\w.-]){name} \([^()\s]+\)", host, detail)
    return re.sub(rf"(?<![\w.-]){name}(?![\w-]|\.\w)", _HOST, unaddressed)
