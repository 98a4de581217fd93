"""What one rendering may spend, in work that is counted and not timed: the same on every machine, and in every plan.

Everything that a template can do is a step of a known price: what it touches is weighed before, and paid for. A price
of one is about what forty nanoseconds do, so that the dearest rendering ends within a second, whatever an author wrote
and whatever a host answered. Time is not asked because it would make a plan depend on how busy a laptop is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass

import msgspec
from jinja2.exceptions import SecurityError

MOST_OUTPUT = 1 << 20
"""Characters that one rendering may give, and that a text made on the way may have: those of the largest document."""

MOST_TURNS = 100_000
"""Turns of all loops of one rendering: every host of the largest fleet, a hundred times."""

MOST_WORK = 8_000_000
"""What everything in one rendering may cost."""

STEP = 8
"""The price of a call, and of looking at one value."""

CHARACTERS = 16
"""Characters of text that are read for a price of one. One that is written costs one."""


@dataclass(slots=True)
class Allowance:
    """What is left to one rendering, and how its values are written."""

    shell: bool
    reveal: bool
    turns: int = MOST_TURNS
    work: int = MOST_WORK

    def spend(self, price: int) -> None:
        """Pay, or end the rendering.

        Raises:
            SecurityError: Nothing is left.
        """
        self.work -= price
        if self.work < 0:
            raise SecurityError(f"more work than one template may make ({MOST_WORK:,} steps)")

    def look(self, value: object, *, inside: bool = False) -> None:
        """Pay for looking at all of a value; `inside` also at the fields of hosts and results.

        Raises:
            SecurityError: It is larger than what is left.
        """
        if isinstance(value, str):
            self.spend(STEP + len(value) // CHARACTERS)
            return
        waiting: list[object] = [value]
        while waiting:
            each = waiting.pop()
            parts = _parts(each, inside=inside)
            size = len(each) // CHARACTERS if isinstance(each, str) else STEP * len(parts)
            self.spend(STEP + size)
            waiting.extend(parts)

    def write(self, size: int) -> None:
        """Pay for a text, or a list, that is about to be made.

        Raises:
            SecurityError: It is too large for itself, or for what is left.
        """
        if size > MOST_OUTPUT:
            raise SecurityError(f"a value of more than {MOST_OUTPUT:,} characters")
        self.spend(STEP + size)

    def turn(self, price: int) -> None:
        """Pay for one turn of a loop.

        Raises:
            SecurityError: There were too many, or nothing is left.
        """
        self.turns -= 1
        if self.turns < 0:
            raise SecurityError(f"loops of more than {MOST_TURNS:,} turns in all")
        self.spend(price)

    def all_of(self, values: Iterable[object], price: int = STEP) -> Iterator[object]:
        """The values, paid for: those of a list at once, those of a stream as they are asked for."""
        if isinstance(values, list | tuple):
            self.spend(price * len(values))
            return iter(values)
        return self._streamed(values, price)

    def _streamed(self, values: Iterable[object], price: int) -> Iterator[object]:
        for value in values:
            self.spend(price)
            yield value


SPENDING: ContextVar[Allowance] = ContextVar("SPENDING")
"""The allowance of the rendering that is going on, for what Jinja2 calls without saying for whom: looking names up."""


def _parts(value: object, *, inside: bool) -> list[object]:
    match value:
        case list() | tuple() | set() | frozenset():
            return list(value)
        case Mapping():
            return [*value.keys(), *value.values()]
        case msgspec.Struct() if inside:
            return [getattr(value, name) for name in value.__struct_fields__]
        case _:
            return []
