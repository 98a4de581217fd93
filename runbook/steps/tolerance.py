"""Whether what was observed is what the author said it may be: a pure judgement, told as sentences.

Every test that was written must hold, and every one that does not becomes a sentence with what was found and what was
expected, because "assertion failed" helps nobody at three in the morning. Nothing is coerced that could hide a wrong
answer: text is read as a number only where a number was asked for, and true is not 1. What is absent is a miss, never a
pass. It refuses to know steps, hosts or outcomes; `ending.py` turns misses into an outcome.

A regular expression is the author's, and the text it searches a host's: neither is trusted to end. Both are asked about
in a process that may be killed (`matching`), and what does not answer is a miss like any other. So judging waits where
there is an expression; `asks` tells, and `ending.py` then judges beside the loop.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from itertools import islice
from typing import assert_never

import msgspec

from runbook.core.host import Json, Scalar
from runbook.core.planned.action import Expectation, Tolerance
from runbook.matching.matcher import matcher
from runbook.matching.pattern import LONGEST_PATTERN
from runbook.problem import Problem, Problems

SEARCHED_MAX = 64 * 1024
"""Characters of text that a regular expression is tried on: as much as a result keeps."""

MISSES_MAX = 20
"""Sentences about one part: a path may pick ten thousand values, and nobody reads as many."""

QUOTED_MAX = 120
"""Characters of a value that a sentence quotes; the rest is in the output."""


class Kept(msgspec.Struct, frozen=True):
    """Text as far as it was kept."""

    text: str
    cut: int = 0
    """Bytes after which the rest was let go; 0 when the text is whole."""


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to judge. None means that this kind of work has no such thing, and any test on it is a miss."""

    rc: int | None = None
    stdout: Kept | None = None
    stderr: Kept | None = None
    status: int | None = None
    body: Kept | None = None
    latency: float = 0.0
    """Seconds."""
    value: Kept | None = None
    """What the work itself gave back, as JSON text."""


def judge(expect: Expectation, observed: Observed, *, quoting: bool = True) -> tuple[str, ...]:
    """Every test that does not hold, as a sentence: `stdout is "12", expected at most 10`.

    Args:
        expect: What was written; a part that is not given is not tested.
        observed: What was found.
        quoting: False keeps found values out of the sentences.
    """
    found = (
        ("exit code", expect.rc, observed.rc),
        ("stdout", expect.stdout, observed.stdout),
        ("stderr", expect.stderr, observed.stderr),
        ("HTTP status", expect.status, observed.status),
        ("body", expect.body, observed.body),
        ("latency in seconds", expect.latency, round(observed.latency, 3)),
    )
    misses = [
        miss for name, wanted, value in found if wanted is not None for miss in _part(name, wanted, value, quoting)
    ]
    if expect.json is not None:
        misses += _json_part(expect.json, observed.body or observed.stdout, quoting)
    if expect.value is not None:
        misses += _json_part(expect.value, observed.value, quoting, "value")
    return tuple(misses)


def asks(expect: Expectation) -> bool:
    """Whether judging by it asks an expression, and so may have to wait."""
    parts = tuple(getattr(expect, name) for name in expect.__struct_fields__)
    return any(part is not None and (part.matches is not None or part.jsonpath is not None) for part in parts)


def _part(name: str, wanted: Tolerance, value: Kept | float | None, quoting: bool) -> Iterator[str]:  # noqa: FBT001 - passed through
    match value:
        case None:
            yield f"there is no {name} to test"
        case Kept() if wanted.jsonpath is not None:
            yield from _json_part(wanted, value, quoting, name)
        case Kept(text, cut):
            note = f" (only its first {cut // 1024} KiB were kept)" if cut else ""
            yield from (sentence + note for sentence in _sentences(name, wanted, text, quoting))
        case int() | float():
            yield from _sentences(name, wanted, value, quoting)
        case _:
            assert_never(value)


def _json_part(wanted: Tolerance, kept: Kept | None, quoting: bool, name: str = "json") -> Iterator[str]:  # noqa: FBT001 - passed through
    if kept is None:
        yield f"there is no {name} to test"
        return
    if kept.cut:
        yield f"{name} cannot be read: only the first {kept.cut // 1024} KiB were kept"
        return
    try:
        document: Json = msgspec.json.decode(kept.text)
        picked = matcher().picked(wanted.jsonpath, kept.text) if wanted.jsonpath else [document]
    except (msgspec.DecodeError, RecursionError):
        yield f"{name} cannot be read: it is not JSON" + (f": {_word(kept.text)}" if quoting else "")
        return
    except Problems as wrong:
        [why] = wrong.problems
        yield f'"{wanted.jsonpath}" is not a JSONPath (RFC 9535): {why.why}' if why.code == "bad-regex" else _said(why)
        return
    place = f"{name} at {wanted.jsonpath}" if wanted.jsonpath else name
    if not picked:
        yield f"{place} is not there"
    # Several picked values are several replicas, disks or checks: each has to be as it should.
    misses = (miss for value in picked for miss in _sentences(place, wanted, value, quoting))
    yield from islice(misses, MISSES_MAX)
    if more := sum(1 for _ in misses):
        yield f"and {more} more"


def _sentences(name: str, wanted: Tolerance, value: Json, quoting: bool) -> Iterator[str]:  # noqa: FBT001 - passed through
    for phrase in _unmet(wanted, value):
        yield f"{name} is {_word(value)}, expected {phrase}" if quoting else f"{name} is not as expected: {phrase}"


def _unmet(wanted: Tolerance, value: Json) -> Iterator[str]:
    """What was expected and is not so."""
    if wanted.equals is not msgspec.UNSET and not _same(value, wanted.equals):
        yield _word(wanted.equals)
    if wanted.contains is not None and not _contains(value, wanted.contains):
        yield f"to contain {_word(wanted.contains)}"
    if wanted.matches is not None and (reason := _mismatch(value, wanted.matches)):
        yield reason
    if wanted.one_of is not None and not any(_same(value, one) for one in wanted.one_of):
        yield f"one of {', '.join(_word(one) for one in wanted.one_of)}"
    yield from _unmet_numbers(wanted, value)


def _unmet_numbers(wanted: Tolerance, value: Json) -> Iterator[str]:
    number = _number(value)
    a = "a number " if math.isnan(number) else ""
    # Comparing with not-a-number is always false, so what is no number meets no bound.
    if wanted.min is not None and not number >= wanted.min:
        yield f"{a}at least {_word(wanted.min)}"
    if wanted.max is not None and not number <= wanted.max:
        yield f"{a}at most {_word(wanted.max)}"
    if wanted.range is not None and not wanted.range[0] <= number <= wanted.range[1]:
        yield f"{a}from {_word(wanted.range[0])} to {_word(wanted.range[1])}"


def _same(value: Json, wanted: Scalar) -> bool:
    """Equality without Python's `True == 1`; text is read as what it is compared with."""
    if isinstance(value, str) and isinstance(wanted, bool):
        return value.strip().lower() == str(wanted).lower()
    if isinstance(wanted, bool) or isinstance(value, bool):
        return value is wanted
    if isinstance(wanted, int | float):
        return _number(value) == wanted
    return value == wanted


def _contains(value: Json, part: str) -> bool:
    match value:
        case str() | dict():
            return part in value
        case list():
            return any(_same(one, part) for one in value)
        case _:
            return part in _word(value)


def _mismatch(value: Json, pattern: str) -> str:
    """Why the pattern does not match; empty when it does."""
    if len(pattern) > LONGEST_PATTERN:
        return f"a pattern of at most {LONGEST_PATTERN} characters, not one of {len(pattern)}"
    text = value if isinstance(value, str) else _word(value)
    try:
        [is_found] = matcher().found("search", pattern, [text[:SEARCHED_MAX]])
    except Problems as wrong:
        [why] = wrong.problems
        reason = f"{_word(pattern)} is not a regular expression: {why.why or why.what}"
        return f"a match, but {reason if why.code == 'bad-regex' else _said(why)}"
    return "" if is_found else f"to match {_word(pattern)}"


def _number(value: Json) -> float:
    """The number it is, or that its text says; not-a-number for everything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return math.nan
    try:
        number = float(value.strip()) if isinstance(value, str) else value
    except ValueError:
        return math.nan
    return number


def _word(value: Json) -> str:
    """As JSON, on one line, cut to what a sentence can carry."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    said = json.dumps(value, ensure_ascii=False)
    return said if len(said) <= QUOTED_MAX else f"{said[:QUOTED_MAX]}..."


def _said(why: Problem) -> str:
    """Why there is no answer, as a part of a sentence."""
    return f"{why.what}; {why.fix[:1].lower()}{why.fix[1:].removesuffix('.')}"
