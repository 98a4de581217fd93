"""Text that stands for a quantity: durations, shares of hosts, dates. Pure functions with a `ValueError` each.

A duration is a float of seconds everywhere behind this file; a share stays text until the number of hosts is known.
Calendar units are left out on purpose: a month has no length, and a `1y` that means 365 days has surprised people.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])")
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhd]))+")
_LONGEST = 366 * 86400 * 10.0
"""Ten years: more is a slip of the finger, and far enough below the point where floats lose milliseconds."""

_WORDS = {
    "millisecond": "ms", "milliseconds": "ms", "msec": "ms", "sec": "s", "secs": "s", "second": "s", "seconds": "s",
    "min": "m", "mins": "m", "minute": "m", "minutes": "m", "hr": "h", "hrs": "h", "hour": "h", "hours": "h",
    "day": "d", "days": "d", "week": "7d", "weeks": "7d",
}  # fmt: skip


def seconds(text: str) -> float:
    """`500ms`, `30s`, `15m`, `2h`, `90d`, `1h30m`, or plain seconds.

    Raises:
        ValueError: with what to write instead.
    """
    text = text.strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        total = float(text)
    elif _DURATION.fullmatch(text):
        total = round(sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text)), 6)
    else:
        raise ValueError(_duration_advice(text))
    if total > _LONGEST:
        raise ValueError("Write a duration below ten years.")
    return total


def _duration_advice(text: str) -> str:
    guess = re.fullmatch(r"(\d+)\s*([a-zA-Z]+)", text)
    unit = _WORDS.get(guess.group(2).lower(), "") if guess else ""
    if guess and not unit and guess.group(2).lower() in _UNITS:
        unit = guess.group(2).lower()
    if guess and unit:
        number = int(guess.group(1)) * (7 if unit == "7d" else 1)
        return f'Write "{number}{unit[-2:] if unit == "ms" else unit[-1]}".'
    return "Write a number with a unit: 500ms, 30s, 15m, 2h, 90d or 1h30m."


def listed(text: str) -> tuple[str, ...]:
    """`a, b`, `[a, b]` or, where an item holds a comma, `["a, b", "c"]`: the items as they are spelled.

    Raises:
        ValueError: with what to write instead.
    """
    text = text.strip()
    inner = text[1:-1].strip() if text.startswith("[") and text.endswith("]") else text
    if '"' in inner and inner != text:
        try:
            items: list[object] = json.loads(text)
        except ValueError:
            items = [None]
        if not all(isinstance(item, str) for item in items):
            raise ValueError('Write the items between quotes: ["a, b", "c"].')
        return tuple(map(str, items))
    return tuple(item.strip() for item in inner.split(",")) if inner else ()


def spelled_list(items: Iterable[str]) -> str:
    """The items as `listed` reads them again."""
    items = tuple(items)
    plain = ", ".join(items)
    return plain if listed_again(plain) == items else json.dumps(items, ensure_ascii=False)


def listed_again(text: str) -> tuple[str, ...] | None:
    """As `listed`; None where that would refuse it."""
    try:
        return listed(text)
    except ValueError:
        return None


def moment(text: str) -> None:
    """`18:00`, the next one in UTC, or a time of the calendar: `2026-11-30T06:30Z`.

    Raises:
        ValueError: with what to write instead.
    """
    clock = re.fullmatch(r"(\d{1,2}):(\d{2})", text.strip())
    try:
        if clock:
            dt.time(int(clock[1]), int(clock[2]))
        else:
            dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError('Write a time of day in UTC, "18:00", or a moment, "2026-11-30T06:30Z".') from error


def spell_seconds(duration: float) -> str:
    """The shortest spelling that `seconds` reads back: 5400.0 is `1h30m`."""
    if duration < 1:
        return f"{round(duration * 1000)}ms"
    rest, parts = round(duration), []
    for unit in ("d", "h", "m", "s"):
        count, rest = divmod(rest, int(_UNITS[unit]))
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts)


def share_of(share: str, total: int) -> int:
    """How many of `total` a share is: the number itself, or the percentage rounded down."""
    if share.endswith("%"):
        return int(total * float(share[:-1]) / 100)
    return int(share)


def date(text: str) -> dt.date:
    """`2026-11-01`.

    Raises:
        ValueError: with what to write instead.
    """
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise ValueError("Write a date of the calendar: 2026-11-01.") from error


def wave_sizes(batch: tuple[str, ...], total: int) -> tuple[int, ...]:
    """Cut `total` hosts into waves: each share is at least one host, the last is repeated until none is left.

    No batch gives one wave with all of them.
    """
    sizes: list[int] = []
    shares = list(batch) or ["100%"]
    while (left := total - sum(sizes)) > 0:
        share = shares[min(len(sizes), len(shares) - 1)]
        sizes.append(min(left, max(1, share_of(share, total))))
    return tuple(sizes)
