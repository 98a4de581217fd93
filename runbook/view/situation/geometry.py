"""Where things stand for the size there is: pure arithmetic, so that every size can be looked at in a test.

What grows and what goes when room is short is decided here and nowhere else. Never gone are the first two rows, the
time left with its word, a probe that is down, a row of faults, and the keys.
"""

from __future__ import annotations

from typing import Literal

import msgspec

WIDE, MIDDLE, NARROW = 140, 100, 60
"""Cells from which there are three columns of panes; two; any at all."""
TALL, FULL, FLAT = 36, 46, 16
"""Rows from which the clock is large; sections stand on the axis; there are panes at all."""
STEPS = 61
"""Cells of the steps beside other panes."""
_FEWEST_STEPS, _FEWEST_HOSTS, _FEWEST_LINES = 5, 3, 3
_BESIDE = 8
"""Rows that a pane beside the steps has at least."""


class Rect(msgspec.Struct, frozen=True):
    """A pane's place: cells from the left and the top."""

    x: int
    y: int
    width: int
    height: int


class AxisRoom(msgspec.Struct, frozen=True, kw_only=True):
    """How much of the situation is shown."""

    size: Literal["large", "small"]
    label: int
    """Cells in front of the axis."""
    facts: int
    """Cells behind it."""
    probes: int
    faults: int
    """Rows of faults on the axis; 0 puts all of them into one row above the keys."""
    sections: int
    legend: bool

    def cells(self, width: int) -> int:
        """Cells of the axis itself."""
        return max(1, width - self.label - self.facts)


def axis_room(width: int, height: int) -> AxisRoom:
    """The situation for a window of this size, as far as the run has that much to show."""
    is_large = width >= MIDDLE and height >= TALL
    is_full = width >= WIDE and height >= FULL
    if is_large:
        return AxisRoom(
            size="large",
            label=24 if width >= WIDE else 23,
            facts=26 if width >= WIDE else 22,
            probes=4 if height < FULL else 6,
            faults=2 if height < FULL else 4,
            sections=6 if is_full else 0,
            legend=is_full,
        )
    probes = 3 if height >= 24 else 2 if height >= 20 else 1  # noqa: PLR2004 - rows that panes can spare
    wide = width >= WIDE
    label, facts = (24, 26) if wide else (23, 22) if width >= MIDDLE else (14, 14)
    return AxisRoom(size="small", label=label, facts=facts, probes=probes, faults=0, sections=0, legend=False)


class Needs(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that panes would like to have, titles included."""

    situation: int
    """Rows of the axis and all on it."""
    steps: int
    hosts: int
    notes: int
    below: int = 0
    """Rows above the keys that are not panes: a row of faults, the scrubber of a replay."""


def arrange(width: int, height: int, needs: Needs, *, zoomed: str = "") -> dict[str, Rect]:
    """The place of every pane that is shown, by its name; the first two rows and the last are not theirs."""
    top = 2 + needs.situation
    room = max(0, height - top - needs.below - 1)
    if zoomed:
        return {zoomed: Rect(0, top, width, room)}
    if width >= WIDE and room >= _BESIDE:
        return _three(width, top, room, needs)
    if width >= MIDDLE and room >= _BESIDE:
        return _two(width, top, room, needs)
    return _stacked(width, top, room, needs)


def _three(width: int, top: int, room: int, needs: Needs) -> dict[str, Rect]:
    """Steps, hosts with the notes below them, output."""
    middle = (width - STEPS) // 2 - 1 + (width - STEPS) % 2
    hosts = min(needs.hosts, max(_BESIDE, room // 2)) if needs.notes else room
    third = STEPS + middle
    panes = {
        "steps": Rect(0, top, STEPS, room),
        "hosts": Rect(STEPS, top, middle, hosts),
        "output": Rect(third, top, width - third, room),
    }
    return panes | ({"notes": Rect(STEPS, top + hosts, middle, room - hosts)} if hosts < room else {})


def _two(width: int, top: int, room: int, needs: Needs) -> dict[str, Rect]:
    """Steps; beside them hosts, and output in what they leave."""
    hosts = min(needs.hosts, max(_BESIDE, room // 2), room - _FEWEST_LINES - 1)
    return {
        "steps": Rect(0, top, STEPS, room),
        "hosts": Rect(STEPS, top, width - STEPS, hosts),
        "output": Rect(STEPS, top + hosts, width - STEPS, room - hosts),
    }


def _stacked(width: int, top: int, room: int, needs: Needs) -> dict[str, Rect]:
    """One under the other: the steps give way last."""
    steps, hosts, lines = _FEWEST_STEPS + 1, 0, 0
    spare = room - steps
    hosts = min(spare, _FEWEST_HOSTS + 1) if spare >= 2 else 0  # noqa: PLR2004 - a title and one row
    lines = spare - hosts if spare - hosts >= 2 else 0  # noqa: PLR2004 - as above
    more = max(0, lines - _FEWEST_LINES - 1)
    grown = min(more, max(0, needs.steps - steps), 1 + more // 2)
    steps, lines = steps + grown, lines - grown
    further = min(max(0, lines - _FEWEST_LINES - 1) // 2, max(0, needs.hosts - hosts))
    hosts, lines = hosts + further, lines - further
    steps = room - hosts - lines
    panes = {"steps": Rect(0, top, width, steps)}
    if hosts:
        panes["hosts"] = Rect(0, top + steps, width, hosts)
    return panes | ({"output": Rect(0, top + steps + hosts, width, lines)} if lines else {})
