"""What an inventory may write where a host stands: a name, a range such as `web[01:20]`, and a port behind either.

The grammar is Ansible's (https://docs.ansible.com/ansible/latest/inventory_guide/intro_inventory.html), with two
differences on purpose. A range that runs backwards is refused instead of naming nobody, because a host that is
silently absent is what a drill must not have. And a name has to be usable as a file name, as an argument of ssh and as
a word on a terminal, because it becomes all three.
"""

from __future__ import annotations

import ipaddress
import re
import string
from collections.abc import Iterator, Sequence

import msgspec

from runbook.core.planned.action import CONTROLLER
from runbook.problem import Where, problem

MAX_EXPANDED = 20_000
"""Hosts out of one expression; as many as a whole inventory may have."""

_NAME = re.compile(r"[^\W_][\w.%+@-]*|_[\w.%+@-]+")
_BRACKETED_PORT = re.compile(r"\[(?P<host>[^\[\]]+)\]:(?P<port>[0-9]+)")
_PORT = re.compile(r"(?P<host>(?:[^:\[\]]|\[[^\]]*\])+):(?P<port>[0-9]+)")
_RANGE = re.compile(r"\[([^\[\]]*)\]")
_NUMBER = re.compile(r"[0-9]{1,9}")
_MAX_PORT = 65535
_LONGEST_PORT = 5
"""Digits."""
_MAX_NAME = 253
"""The longest name that DNS can carry (RFC 1035 section 2.3.4)."""


class HostExpression(msgspec.Struct, frozen=True):
    """The hosts that one expression names."""

    names: tuple[str, ...]
    port: int | None
    """None where none is written."""


class _RefusedError(Exception):
    """Why an expression names no hosts, and what to write instead; `expand` adds the place."""

    def __init__(self, why: str, fix: str) -> None:
        super().__init__(why)
        self.why = why
        self.fix = fix


def expand(text: str, where: Where) -> HostExpression:
    """The hosts that an expression names, in counting order.

    Raises:
        Problems: code `bad-host`: it is no name, or its range cannot be counted.
    """
    try:
        host, port = _split_port(text)
        names = tuple(_expand_ranges(host))
        for name in names:
            _check_name(name)
    except _RefusedError as refused:
        raise problem(
            f'"{text}" names no host', why=refused.why, fix=refused.fix, where=where, code="bad-host"
        ) from None
    return HostExpression(names, port)


def _split_port(text: str) -> tuple[str, int | None]:
    match = _BRACKETED_PORT.fullmatch(text) or _PORT.fullmatch(text)
    if match is None:
        return text, None
    port = int(match["port"]) if len(match["port"]) <= _LONGEST_PORT else 0
    if not 0 < port <= _MAX_PORT:
        raise _RefusedError(f"{match['port']} is no port", f"Write a port from 1 to {_MAX_PORT}.")
    return match["host"], port


def _expand_ranges(host: str) -> Iterator[str]:
    """Every range of the expression counted, the last one fastest. Refuses before it counts too far."""
    parts = _RANGE.split(host)  # text and range bodies take turns
    bodies = [_count(body) for body in parts[1::2]]
    total = 1
    for body in bodies:
        total *= len(body)
        if total > MAX_EXPANDED:
            raise _RefusedError(f"its ranges name more than {MAX_EXPANDED} hosts", "Write a smaller range.")
    yield from _combine(parts[0::2], bodies)


def _combine(texts: Sequence[str], bodies: Sequence[Sequence[str]]) -> Iterator[str]:
    if not bodies:
        yield texts[0]
        return
    for value in bodies[0]:
        for rest in _combine(texts[1:], bodies[1:]):
            yield f"{texts[0]}{value}{rest}"


def _count(body: str) -> Sequence[str]:
    """The words of one range body, `begin:end` or `begin:end:step`."""
    bounds = body.split(":")
    if len(bounds) not in (2, 3):
        raise _RefusedError(f'"[{body}]" is no range', "Write [first:last] or [first:last:step], as in web[01:20].")
    first, last, step = bounds[0] or "0", bounds[1], _step(body, bounds[2:])
    if not last:
        raise _RefusedError(f'range "[{body}]" has no end', "Write the last value behind the colon.")
    letters = string.ascii_letters
    if len(first) == len(last) == 1 and first in letters and last in letters:
        words: Sequence[str] = letters[letters.index(first) : letters.index(last) + 1 : step]
    else:
        words = _numbers(body, first, last, step)
    if not words:
        raise _RefusedError(f'range "[{body}]" runs backwards', f"Write [{last}:{first}].")
    return words


def _step(body: str, written: Sequence[str]) -> int:
    if not written:
        return 1
    if not _NUMBER.fullmatch(written[0]) or int(written[0]) == 0:
        raise _RefusedError(f'the step of range "[{body}]" is "{written[0]}"', "Write a whole number above 0.")
    return int(written[0])


def _numbers(body: str, first: str, last: str, step: int) -> Sequence[str]:
    """Numbers as text, padded with zeros to the width of the first bound where that one is padded."""
    if not _NUMBER.fullmatch(first) or not _NUMBER.fullmatch(last):
        raise _RefusedError(
            f'range "[{body}]" has bounds that are neither two numbers nor two letters', "Write, say, [01:20] or [a:f]."
        )
    padded = first.startswith("0") and len(first) > 1
    if padded and len(first) != len(last):
        raise _RefusedError(f'the bounds of range "[{body}]" differ in length', "Pad both with zeros, as in [01:20].")
    numbers = range(int(first), int(last) + 1, step)
    if len(numbers) > MAX_EXPANDED:
        raise _RefusedError(f'range "[{body}]" names more than {MAX_EXPANDED} hosts', "Write a smaller range.")
    return [str(number).zfill(len(first) if padded else 0) for number in numbers]


def _check_name(name: str) -> None:
    if name == CONTROLLER:
        raise _RefusedError(
            f'"{CONTROLLER}" is the machine that runbook runs on', "Give the host another name, and its ansible_host."
        )
    if len(name) > _MAX_NAME:
        raise _RefusedError(f"it is longer than {_MAX_NAME} characters", "Use a shorter name, and its ansible_host.")
    if not (_NAME.fullmatch(name) or _is_ipv6(name)):
        raise _RefusedError(
            "a host name is letters, digits and . _ - % + @, and begins with a letter, a digit or _",
            "Give it such a name, and put the address in ansible_host.",
        )


def _is_ipv6(name: str) -> bool:
    try:
        ipaddress.IPv6Address(name)
    except ValueError:
        return False
    return True
