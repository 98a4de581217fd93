"""When a place is open: windows add up, a freeze always wins, and no windows mean always.

The next opening and the next closing are found by looking at every instant at which the answer may change (an edge of a
window or a freeze, a change of a clock), in order, until it does. Nothing here computes an edge that it does not test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import msgspec

from runbook.calendar.window import Freeze, Window
from runbook.calendar.zone import shifts, zone_named

HORIZON = timedelta(days=400)
"""How far it is looked ahead: a little more than a year, so that what comes once a year is found."""

_STRIDE = timedelta(days=8)
"""What is looked at together: a week, so that what comes every week costs one turn."""
_MARGIN = timedelta(days=2)
"""A window that goes past midnight began a day earlier, in a zone that may be a day ahead."""


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """The windows and freezes of one place."""

    windows: tuple[Window, ...] = ()
    freezes: tuple[Freeze, ...] = ()

    def is_open(self, moment: datetime) -> bool:
        """Whether something may be begun at that instant."""
        return not self.frozen_by(moment) and self.in_window(moment)

    def in_window(self, moment: datetime) -> bool:
        """The same without a look at freezes."""
        return not self.windows or any(window.holds(moment) for window in self.windows)

    def frozen_by(self, moment: datetime) -> tuple[Freeze, ...]:
        """The freezes that hold at that instant."""
        return tuple(freeze for freeze in self.freezes if freeze.holds(moment))

    def opens(self, moment: datetime) -> datetime | None:
        """The first open instant from there on, itself included; None when there is none within the horizon."""
        return self._first(moment, self.is_open)

    def closes(self, moment: datetime) -> datetime | None:
        """The first closed instant from there on; None when it stays open for longer than the horizon."""
        return self._first(moment, lambda one: not self.is_open(one))

    def thaws(self, moment: datetime) -> datetime | None:
        """The first instant from there on at which no freeze holds; None when there is none within the horizon."""
        return self._first(moment, lambda one: not self.frozen_by(one))

    def _first(self, moment: datetime, holds: Callable[[datetime], bool]) -> datetime | None:
        if holds(moment):
            return moment
        return next((one for one in self._changes(moment) if holds(one)), None)

    def _changes(self, after: datetime) -> Iterator[datetime]:
        """Every instant behind that one at which an answer may change, in order."""
        begin = after
        while begin < after + HORIZON:
            end = begin + _STRIDE
            yield from sorted(one for one in set(self._edges(begin, end)) if begin < one <= end)
            begin = end

    def _edges(self, begin: datetime, end: datetime) -> Iterator[datetime]:
        parts: tuple[Window | Freeze, ...] = (*self.windows, *self.freezes)
        for part in parts:
            yield from part.edges((begin - _MARGIN).date(), (end + _MARGIN).date())
        for zone in dict.fromkeys(part.zone for part in parts):
            yield from shifts(zone_named(zone), begin, end)
