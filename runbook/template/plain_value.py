"""What an expression came to, as a value that a record can hold: the same in JSON, and nothing of Python behind it.

A number stays a number and a list a list, which is the point of asking for a value and not for a text. It refuses what
a record must not hold (a secret), what JSON has no word for, and what is larger than the result of a step may be.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

from jinja2.exceptions import SecurityError
from jinja2.runtime import Undefined

from runbook.core.host import Host, Json
from runbook.core.planned.command import Secret
from runbook.template.allowance import Allowance
from runbook.template.filters import as_json
from runbook.template.scope import RegisteredName

LARGEST = 1 << 16
"""Bytes of a value as JSON: as much as is kept of what a command prints."""

DEEPEST = 20
"""Lists in lists that anybody means."""


def plain_value(value: object, allowance: Allowance) -> Json:
    """The value.

    Raises:
        SecurityError: it is a secret, too large or too deep, or no number that JSON knows.
        UndefinedError: there is none.
    """
    plain = _plain(value, allowance, 0)
    if len(as_json(plain, allowance).encode("utf-8", "replace")) > LARGEST:
        raise SecurityError(f"a value of more than {LARGEST // 1024} KiB")
    return plain


def _plain(value: object, allowance: Allowance, depth: int) -> Json:
    match value:
        case Undefined():
            return str(value)  # which raises, with its hint
        case Secret():
            raise SecurityError("a secret as a value that stands in the record")
        case RegisteredName():
            return _plain(value.shown(), allowance, depth)
        case Host():
            return value.name
        case None | bool() | int():
            return value
        case float() if math.isfinite(value):
            return value
        case str():
            allowance.look(value)
            return str(value)
        case Mapping() | list() | tuple() | Iterator() if depth < DEEPEST:
            return _each(value, allowance, depth + 1)
        case _:
            raise SecurityError(f"a {type(value).__name__} that no record can hold")


def _each(value: Mapping[object, object] | Iterable[object], allowance: Allowance, depth: int) -> Json:
    if isinstance(value, Mapping):
        return {str(key): _plain(each, allowance, depth) for key, each in value.items()}
    return [_plain(each, allowance, depth) for each in allowance.all_of(value)]
