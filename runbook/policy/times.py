"""The rules about time: freezes and windows of an environment, at one instant.

They need nothing but the environment and the instant, so that the runner can ask them again before a step that changes
something, where nobody is there whose roles could be looked at.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from runbook.calendar.hours import HORIZON, Hours
from runbook.calendar.saying import clock_words, date_words, distance, moment_words
from runbook.calendar.window import read_freeze, read_window
from runbook.core.planned.plan import Environment
from runbook.policy.verdict import Verdict

BREAK_GLASS = "break_glass"
"""The role that those hold who may override a rule."""


class Length(msgspec.Struct, frozen=True, kw_only=True):
    """How long a plan is thought to take."""

    length: timedelta
    known_from: str
    """Where that is known from, for people: `the longest of 7 runs`."""
    is_measured: bool


def hours_of(environment: Environment) -> Hours:
    """When something may be begun there.

    Raises:
        Problems: A window or a freeze cannot be read: an inventory does not let it come so far.
    """
    return Hours(
        windows=tuple(map(read_window, environment.windows)),
        freezes=tuple(read_freeze(text, environment.zone) for text in environment.freeze),
    )


def freeze(environment: Environment, now: datetime) -> Verdict:
    """Whether the place is frozen."""
    hours = hours_of(environment)
    frozen = hours.frozen_by(now)
    if not frozen:
        return Verdict(rule="freeze")
    until = hours.thaws(now)
    reasons = "; ".join(freeze.reason for freeze in frozen if freeze.reason)
    why = f" ({reasons})" if reasons else ""
    sentence = f"{environment.name} is frozen{why} {_until(until, now, frozen[0].zone)}."
    return _refused("freeze", environment, sentence, until)


def window(environment: Environment, now: datetime) -> Verdict:
    """Whether one of its windows is open; a freeze is the other rule's."""
    hours = hours_of(environment)
    if hours.in_window(now):
        return Verdict(rule="window")
    zone = hours.windows[0].zone
    next_one = hours.opens(now)
    times = ", ".join(window.text for window in hours.windows)
    here = f"{date_words(now, zone)} {clock_words(now, zone)}"
    sentence = f"{environment.name} opens {times}; now it is {here}. {_next(next_one, now, zone)}"
    return _refused("window", environment, sentence, next_one)


def window_end(environment: Environment, now: datetime, takes: Length | None) -> Verdict:
    """Whether what is begun now comes to its end while the place is still open.

    Where nobody has seen it run, that it may not is a warning: a plan's own word is no measurement.
    """
    hours = hours_of(environment)
    closes = hours.closes(now) if takes is not None and hours.is_open(now) else None
    if takes is None or closes is None or now + takes.length <= closes:
        return Verdict(rule="window-end")
    zone = hours.windows[0].zone if hours.windows else hours.freezes[0].zone
    latest = closes - takes.length
    start = f" Start by {moment_words(latest, zone)}." if latest > now else ""
    sentence = (
        f"{environment.name} closes {moment_words(closes, zone)} and this plan takes {distance(takes.length)} "
        f"({takes.known_from}).{start}"
    )
    who = environment.roles.get(BREAK_GLASS, ())
    outcome: Literal["refuse", "warn"] = "refuse" if takes.is_measured else "warn"
    return Verdict(rule="window-end", outcome=outcome, sentence=sentence, who=who, overridable=True)


def holding(environment: Environment, now: datetime) -> tuple[Verdict, ...]:
    """The rules about time that refuse at that instant."""
    return tuple(one for one in (freeze(environment, now), window(environment, now)) if one.outcome == "refuse")


def _until(until: datetime | None, now: datetime, zone: str) -> str:
    if until is None:
        return f"for longer than {HORIZON.days} days"
    return f"until {moment_words(until, zone)} ({distance(until - now)})"


def _next(until: datetime | None, now: datetime, zone: str) -> str:
    if until is None:
        return f"It does not open within {HORIZON.days} days, freezes considered."
    return f"Next: {moment_words(until, zone)}, in {distance(until - now)}."


def _refused(rule: str, environment: Environment, sentence: str, until: datetime | None) -> Verdict:
    return Verdict(
        rule=rule,  # type: ignore[arg-type]  # its two callers name rules
        outcome="refuse",
        sentence=sentence,
        until=until,
        who=environment.roles.get(BREAK_GLASS, ()),
        overridable=True,
    )
