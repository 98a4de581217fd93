"""What a scheduler writes down: a closed union of facts about moments, and what they come to when they are folded.

Every moment that is owed ends in exactly one of *started*, *missed* and *told* (for what people start); *postponed* may
stand before one of them. A claim is no end: it names the run before it is begun, so that a scheduler that was killed in
between finds out by the name alone whether that run exists. What was accounted for stays so: the horizon only grows,
whatever a clock does.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

_STAMP = "%Y-%m-%dT%H:%M:%SZ"


def stamp(moment: datetime) -> str:
    """An instant as the ledger has it: to the second, in UTC."""
    return f"{moment.astimezone(UTC):{_STAMP}}"


def instant(text: str) -> datetime:
    """The instant of a stamp.

    Raises:
        ValueError: It is none.
    """
    return datetime.fromisoformat(text)


class _Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="did"):
    """When it was written, and about which duty (`Duty.key`)."""

    at: str
    duty: str


class Known(_Entry, frozen=True, kw_only=True, tag="known"):
    """A duty was seen for the first time: what lies before this moment is nobody's omission."""


class Claimed(_Entry, frozen=True, kw_only=True, tag="claimed"):
    """A run of that name is about to be begun for a moment. Durable before anything else is done."""

    slot: str
    run: str
    jitter: float = 0.0
    """Seconds that it was put off, to spread what is owed at one time."""


class Started(_Entry, frozen=True, kw_only=True, tag="started"):
    """The run of the claim exists."""

    slot: str
    run: str


class Missed(_Entry, frozen=True, kw_only=True, tag="missed"):
    """Moments went by: one, or a stretch of them that is told once, with their number."""

    first: str
    last: str
    count: int
    why: str
    """`scheduler down`, `clock`, `overlap`, `freeze`, `window`, `policy: RULE`, `check failed: CODE`."""


class Postponed(_Entry, frozen=True, kw_only=True, tag="postponed"):
    """A moment waits for a window, or for the end of a freeze."""

    slot: str
    until: str
    why: str


class Told(_Entry, frozen=True, kw_only=True, tag="told"):
    """People were told that a moment of theirs has come."""

    slot: str


class ClockJumped(_Entry, frozen=True, kw_only=True, tag="clock"):
    """The wall clock moved by itself; nothing begins until it has been steady for a while."""

    seconds: float


LedgerEntry = Known | Claimed | Started | Missed | Postponed | Told | ClockJumped
"""The closed union."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a duty."""

    horizon: datetime
    """Every moment up to here is accounted for."""
    claimed: Claimed | None = None
    """A run that was about to begin, and of which nobody has written whether it did."""
    postponed: str = ""
    """The moment of which it is written that it waits."""


def accounts(entries: Iterable[LedgerEntry]) -> dict[str, Account]:
    """Every duty's account, from all that was written."""
    found: dict[str, Account] = {}
    for entry in entries:
        known = found.get(entry.duty)
        if isinstance(entry, Known):
            found.setdefault(entry.duty, Account(horizon=instant(entry.at)))
        elif known is not None:
            found[entry.duty] = after(known, entry)
    return found


def after(account: Account, entry: LedgerEntry) -> Account:
    """The account after one more entry."""
    match entry:
        case Claimed():
            return msgspec.structs.replace(account, claimed=entry)
        case Postponed():
            return msgspec.structs.replace(account, postponed=entry.slot)
        case Started() | Told():
            return Account(horizon=max(account.horizon, instant(entry.slot)))
        case Missed():
            return Account(horizon=max(account.horizon, instant(entry.last)))
        case _:
            return account
