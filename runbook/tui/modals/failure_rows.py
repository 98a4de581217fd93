"""The menu of a failed step, laid out for a window: who failed, what they said, what may follow.

Arithmetic on rows and nothing else. Where rows are short, gaps go first, then what the hosts said, then hosts beyond
the gravest; choices are scrolled last of all, and the chosen one stays in sight. What a choice asks for unfolds below
it, so that nothing jumps to another place between choosing and doing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from rich.cells import cell_len

from runbook.feed.feed import OutputLine
from runbook.tui.widgets.outputline import cut_line
from runbook.tui.widgets.rows import Part, Row, fit, mark, wrap
from runbook.view.asking.failure import FailureGroup, FailureMenu
from runbook.view.asking.ways import Way
from runbook.view.words import Status, duration

_MOST_SAID = 12
"""Lines of what a host said last that are ever shown: more are in its pane."""
_WIDE = 100
"""Cells from which what is asked for is written out."""
_SLIM = 60
"""Cells below which a choice has room for its label alone."""
_FEW = 2
"""Rows of words without which gaps are worth nothing."""
_NONE = -1
"""The way of a row that belongs to none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """Where a person is in the menu."""

    cursor: int = 0
    """0 for "not now", else the number of a way, from 1."""
    is_open: bool = False
    """The second act of that way is asked for."""
    typed: str = ""
    notice: str = ""
    """Why what was asked for did not happen, or what is still missing."""
    speaker: str = ""
    """Whose words are shown."""
    spoken: tuple[OutputLine, ...] = ()
    sent: tuple[Row, ...] = ()
    """What is sent, in place of the words, while it is asked for."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row and the way that it belongs to; -1 for none."""

    row: Row
    way: int = _NONE


def lines(menu: FailureMenu, stand: Stand, width: int, height: int) -> tuple[Line, ...]:
    """At most `height` rows of `width` cells."""
    ways = tuple(_ways(menu, stand, width))
    room = height - len(ways)
    if room < 1:
        return (*_groups(menu, width, 1), *_around(ways, stand.cursor, height - 1))
    is_heard = bool(stand.spoken or stand.sent)
    wrong = sum(group.status is not Status.OK for group in menu.groups)
    groups = _groups(menu, width, max(1, room * 2 // 3, min(room - 1, wrong + 1)) if is_heard else room)
    rest = room - len(groups)
    gaps = 2 if rest > 2 + _FEW else 0
    middle = _middle(menu, stand, width, rest - gaps) if rest - gaps > 0 else ()
    gap = (Line(()),) if gaps else ()
    return (*groups, *(gap if middle else ()), *middle, *gap, *ways)


def needed(menu: FailureMenu, stand: Stand, width: int) -> int:
    """Rows that show all of it."""
    return len(lines(menu, stand, width, 1_000))


def _around(ways: tuple[Line, ...], cursor: int, height: int) -> tuple[Line, ...]:
    """As many ways as fit, the chosen one with all of its rows where that is possible."""
    own = [number for number, line in enumerate(ways) if line.way == cursor]
    first = max(0, min(own[0], own[-1] - height + 1)) if own else 0
    if own and own[-1] - own[0] >= height:
        first = own[-1] - height + 1  # the field and its keys are the end of it
    return ways[first : first + max(0, height)]


# --- who, and in what words -------------------------------------------------------------------------------------------


def _groups(menu: FailureMenu, width: int, most: int) -> tuple[Line, ...]:
    groups = menu.groups
    shown = groups if len(groups) <= most else groups[: max(1, most - 1)]
    names = max(8, min(24, width // 4, max(len(group.folded) for group in groups)))
    hows = {group: group.how if group.step == menu.step else f"{group.step} {group.how}" for group in shown}
    wide = max(9, min(16, max(map(len, hows.values()))))
    rows = [_group(group, fit(hows[group], wide), names, width) for group in shown]
    left = [host for group in groups[len(shown) :] for host in group.hosts]
    if len(shown) < len(groups) and most > 1:
        rows.append((Part(f"      and {len(left)} hosts in {len(groups) - len(shown)} more groups", "dim"),))
    return tuple(Line(row) for row in rows)


def _group(group: FailureGroup, how: str, names: int, width: int) -> Row:
    """Mark, how many, which, how, in what words, how long."""
    took = duration(group.took) if group.took is not None else ""
    if not group.hosts:
        return (mark(group.status), Part(f"  {fit(group.words, max(0, width - 7))}"))
    is_well = group.status is Status.OK
    return (
        mark(group.status),
        Part(f"{len(group.hosts):>4} ", attributes=("bold",)),
        Part(fit(group.folded, names), *(("dim",) if is_well else ("strong", ("bold",)))),
        Part(f" {how} "),
        Part(fit(group.words, max(0, width - names - len(how) - 20))),
        Part(f"{took:>8}", "dim"),
    )


def _middle(menu: FailureMenu, stand: Stand, width: int, most: int) -> tuple[Line, ...]:
    """What one of them said last, or what is sent."""
    if stand.sent:
        return tuple(Line(line) for row in stand.sent for line in wrap(row, width, hang=9))[:most]
    if not stand.spoken:
        return ()
    several = sum(group.status is not Status.OK for group in menu.groups) > 1
    head = (
        Part("WHAT ", "dim"),
        Part(stand.speaker, attributes=("bold",)),
        Part(" SAID LAST", "dim"),
        Part("  Tab the next" if several else "", "dim"),
    )
    spoken = stand.spoken[-min(_MOST_SAID, max(1, most - 1)) :]
    said = (Line(cut_line(line, (), width, start=0)) for line in spoken)
    return (*((Line(head),) if most > 1 else ()), *said)


# --- what may follow --------------------------------------------------------------------------------------------------


def _ways(menu: FailureMenu, stand: Stand, width: int) -> Iterator[Line]:
    eta = "" if menu.eta is None else f"{_eta(menu, menu.eta)}+"
    labels = max(len(way.label) for way in menu.ways) + 1
    waits = ("Not now", "run waits, clock goes on" if eta else "the run waits", eta, "Esc")
    yield Line(_way("", waits, labels, width, here=stand.cursor == 0, timed=bool(eta)), 0)
    for number, way in enumerate(menu.ways, start=1):
        later = "" if menu.eta is None else "no ETA" if way.eta is None else _eta(menu, way.eta)
        told = (way.label, way.does, later, _asks(way, width))
        here = stand.cursor == number
        yield Line(_way(str(number), told, labels, width, here=here, timed=bool(eta)), number)
        if here and stand.is_open:
            yield from (Line(row, number) for row in _second_act(way, stand, width))
    if stand.notice and not stand.is_open:
        yield from (Line(row) for row in wrap((Part(stand.notice, "bad", ("bold",)),), width))


def _eta(menu: FailureMenu, seconds: float) -> str:
    return f"ETA {'>=' if menu.at_least else ''}{duration(seconds)}"


def _asks(way: Way, width: int) -> str:
    if way.needs_reason:
        return "reason"
    if way.word:
        return f'type "{way.word}"' if width >= _WIDE else "typed"
    return "Enter twice" if width >= _WIDE else "Enter 2x"


def _way(number: str, told: tuple[str, str, str, str], labels: int, width: int, *, here: bool, timed: bool) -> Row:
    label, does, eta, asks = told
    head = Part(f"{'>' if here else ' '} {number:>1} ", "live" if here else "dim", ("bold",))
    name = Part(fit(label, min(labels, width - 4)), attributes=("bold",))
    if width < _SLIM:
        return (head, name, Part(_whole(does, width - 4 - labels), "dim"))
    last = 17 if width >= _WIDE else 9
    times = (13 if width >= _WIDE else 12) if timed else 0
    return (
        head,
        name,
        Part(f"{_whole(does, width - 4 - labels - last - times - 1)} ", "dim"),
        Part(fit(eta, times)),
        Part(fit(asks, last, right=width < _WIDE), "live" if here else "dim"),
    )


def _whole(text: str, width: int) -> str:
    """As many of its clauses as fit, because half a clause misleads."""
    while cell_len(text) > width and ", " in text:
        text = text.rpartition(", ")[0]
    return fit(text, max(0, width))


def _second_act(way: Way, stand: Stand, width: int) -> Iterator[Row]:
    """Whom it reaches by name, what is to be typed, and the key that does it."""
    inner = max(10, width - 4)
    for text in way.more:
        yield from (_indented(row) for row in wrap((Part(text),), inner))
    if way.needs_reason:
        yield from (_indented(row) for row in wrap((Part("REASON, on record: ", "dim"), *_field(stand)), inner))
    elif way.word:
        prompt = f'TYPE "{way.word}", and why if you like: '
        yield from (_indented(row) for row in wrap((Part(prompt, "dim"), *_field(stand)), inner))
    if stand.notice:
        yield from (_indented(row) for row in wrap((Part(stand.notice, "bad", ("bold",)),), inner))
    keys = (Part(" Enter ", "live", ("reverse", "bold")), Part(f" {way.act}   "), Part("Esc", "live"), Part(" back"))
    yield _indented(keys)


def _field(stand: Stand) -> Row:
    return (Part(stand.typed, attributes=("bold",)), Part("_", "live", ("bold",)))


def _indented(row: Row) -> Row:
    return (Part("    "), *row)


def moved(stand: Stand, cursor: int) -> Stand:
    """At another way; what was begun at the one before is forgotten."""
    return replace(stand, cursor=cursor, is_open=False, typed="", notice="")
