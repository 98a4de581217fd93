"""The recovery clock as rows: five with digits that are read from across a room, or two where rows are short.

The digits say what is left, and nothing else does so larger. Where no objective was promised they count what was used;
before the outage they count the run. Beside them, on the axis, the same as a bar: used, foreseen with its spread, and
the limit.
"""

from __future__ import annotations

from runbook.core.milestone_name import Milestone
from runbook.view.look.canvas import Canvas
from runbook.view.look.cells import cells
from runbook.view.look.digits import big
from runbook.view.look.numbers import lasting, left_of
from runbook.view.look.part import Part, Row, pill, strong
from runbook.view.situation.axis import NAMES, ruler
from runbook.view.situation.facts import Facts
from runbook.view.situation.sheet import Sheet, nothing

_NEAR = 0.1
"""Share of the objective below which what is left is a warning."""
_ROLES = {"ON COURSE": "ok", "TIGHT": "slip", "LATE": "bad", "OVER": "bad", "NO ETA": "unk"}


def clock_figures(facts: Facts) -> tuple[str, str, str]:
    """The number of the clock, what it is a number of, and the role it plays."""
    clock = facts.clock
    promised = clock.objective
    if clock.state == "idle":
        return lasting(facts.now), f"RTO {lasting(promised)} not started" if promised else "since the start", "dim"
    if clock.state == "stopped":
        said = _verdict(facts)
        of = f" RTO {lasting(promised)}" if promised else ""
        return lasting(clock.used), f"{said or 'RECOVERED'}{of}", {"MET": "ok", "MISSED": "bad"}.get(said, "strong")
    if promised is None:
        return lasting(clock.used), "used, no RTO", "strong"
    left = left_of(promised, clock.used)
    if left < 0:
        return lasting(-left), f"OVER RTO {lasting(promised)}", "bad"
    return lasting(left), f"LEFT of RTO {lasting(promised)}", "slip" if left < _NEAR * promised else "strong"


def figure_parts(facts: Facts) -> Row:
    """The number and what it is a number of, in one row: `12:41 LEFT of 30:00`."""
    number, said, role = clock_figures(facts)
    if facts.clock.state == "idle":
        return strong(number), Part(f"  {said}", "dim")
    word, _, of = said.partition(" ")
    return Part(f"{number} {word}", role, ("bold",)), Part(f" {of.replace('RTO ', '')}", "dim")


def _verdict(facts: Facts) -> str:
    if facts.clock.objective is None:
        return ""
    return "MISSED" if facts.clock.is_over else "UNPROVEN" if facts.clock.at_least else "MET"


def word_parts(facts: Facts) -> Row:
    """The word of the forecast, as a block where it is bad news, and the estimate."""
    eta = (Part(" "), strong(eta_text(facts))) if facts.forecast.eta is not None else ()
    return (word_part(facts), *eta) if facts.forecast.word else eta[1:]


def word_part(facts: Facts) -> Part:
    """The word of the forecast; empty where there is none."""
    word = facts.forecast.word
    role = _ROLES.get(word, "dim")
    return pill(word, role) if word in {"TIGHT", "LATE", "OVER"} else Part(word, role, ("bold",))


def eta_text(facts: Facts) -> str:
    """`ETA 25:10`, with a `+` while people are waited for."""
    eta = facts.forecast.eta
    return "" if eta is None else f"ETA {lasting(eta)}{'+' if facts.forecast.waits else ''}"


def spread_text(facts: Facts, to: str) -> str:
    """`23:20-31:40`; empty without enough earlier runs."""
    low, high = facts.forecast.low, facts.forecast.high
    return "" if low is None or high is None else f"{lasting(low)}{to}{lasting(high)}"


def large_clock(sheet: Sheet) -> tuple[Row, ...]:
    """Five rows."""
    facts, glyphs = sheet.facts, sheet.glyphs
    number, said, role = clock_figures(facts)
    short = number.rpartition(":")[0] if number.count(":") > 1 else number
    digits = [(Part(row, role, ("bold",)),) for row in big(short, glyphs)]
    is_plain = short == number and glyphs.digits == "boxes"
    again = (strong(number), Part(f" {said.replace('RTO ', '')}", "dim"))
    limit = f"{facts.wall.seconds(facts.limit)}Z" if facts.limit else ""
    return (
        _labels(sheet),
        sheet.row(digits[0], lambda canvas: _ticks(canvas, sheet), word_parts(facts)),
        sheet.row(digits[1], lambda canvas: _bar(canvas, sheet), _labelled("likely", spread_text(facts, glyphs.to))),
        sheet.row(digits[2], lambda canvas: _figures(canvas, sheet), _labelled("limit", limit)),
        sheet.row((Part(said, "dim"),) if is_plain else again, nothing, _source(sheet)),
    )


def _labels(sheet: Sheet) -> Row:
    """The ruler."""
    name = "CLOCK" if sheet.facts.clock.state == "idle" else "RECOVERY CLOCK"
    canvas = Canvas(sheet.width).put(1, name, "dim")
    for column, text in ruler(sheet.axis, sheet.facts.run.started):
        canvas.put(sheet.room.label + column, text, "dim")
    return canvas.row()


def _labelled(name: str, text: str) -> Row:
    return (Part(f"{name} ", "dim"), Part(text)) if text else ()


def _source(sheet: Sheet) -> Row:
    forecast = sheet.facts.forecast
    if forecast.waits and forecast.eta is not None:
        return (Part("later while it waits", "slip"),)
    text = forecast.source if len(forecast.source) <= sheet.room.facts - 2 else forecast.source.replace(" earlier", "")
    return (Part(text, "dim"),)


def small_clock(sheet: Sheet) -> tuple[Row, ...]:
    """Two rows: words, and the bar."""
    facts = sheet.facts
    spread = spread_text(facts, sheet.glyphs.to)
    parts: list[Part] = [*figure_parts(facts)]
    if facts.clock.state == "running":
        parts += [Part("  used ", "dim"), Part(lasting(facts.clock.used))]
    if facts.forecast.eta is not None:
        parts += [Part("  ETA ", "dim"), strong(eta_text(facts).removeprefix("ETA "))]
        parts += [Part(f" ({spread})" if spread else f" {facts.forecast.source}", "dim")]
    row = Canvas(sheet.width).lay(1, *parts)
    row.right(sheet.width - 1, word_part(facts))
    if facts.clock.state == "idle":
        return (row.row(),)
    limit = facts.limit
    behind = (Part("limit ", "bad"), Part(f"{facts.wall.minutes(limit)}Z")) if limit else ()
    label = (Part("RTO" if facts.clock.objective else "USED", "dim"),)
    return (row.row(), sheet.row(label, lambda canvas: _bar(canvas, sheet), behind))


# --- on the axis ------------------------------------------------------------------------------------------------------


def _bar(canvas: Canvas, sheet: Sheet) -> None:
    """Used, foreseen, the spread, and the limit across it."""
    facts, glyphs, axis, left = sheet.facts, sheet.glyphs, sheet.axis, sheet.room.label
    started = facts.clock.started_at
    if started is None:
        return
    is_running = facts.clock.state == "running"
    end = facts.now if is_running else started + facts.clock.used
    first, last = max(0, axis.column(started)), min(axis.cells - 1, axis.column(end))
    canvas.put(left + first, glyphs.worked * max(0, last - first + (0 if is_running else 1)), "strong")
    reach = last + 1
    if is_running:
        canvas.put(left + last, glyphs.head, "live", ("bold",))
        reach = _foreseen(canvas, sheet, started, last + 1)
    limit = None if facts.limit is None else axis.column(facts.limit)
    if limit is not None and first <= limit < min(reach, axis.cells):
        canvas.put(left + limit, glyphs.limit_on_bar, "bad", ("bold",))


def _foreseen(canvas: Canvas, sheet: Sheet, started: float, column: int) -> int:
    """What is ahead, from a column on; the column behind it."""
    forecast, axis, glyphs, left = sheet.facts.forecast, sheet.axis, sheet.glyphs, sheet.room.label
    if forecast.eta is None:
        return column
    eta = axis.column(started + forecast.eta)
    low = eta if forecast.low is None else axis.column(started + forecast.low)
    high = eta + 1 if forecast.high is None else axis.column(started + forecast.high)
    for cell in range(column, min(axis.cells, max(high, eta + 1))):
        glyph, role = (glyphs.ahead, "faint") if cell < low else (glyphs.spread, "slip")
        canvas.put(left + cell, glyph, role)
    if column <= eta < axis.cells:
        canvas.put(left + eta, glyphs.eta, "slip", ("bold",))
    return max(high, eta + 1)


def _figures(canvas: Canvas, sheet: Sheet) -> None:
    """What is used, before now; the estimate, below where it stands."""
    facts, axis, left = sheet.facts, sheet.axis, sheet.room.label
    if facts.clock.state != "running" or facts.clock.started_at is None:
        return
    used = f"used {lasting(facts.clock.used)} "
    now = axis.column(facts.now)
    if now >= len(used):
        canvas.put(left + now - len(used), used)
    eta = facts.forecast.eta
    column = None if eta is None else axis.column(facts.clock.started_at + eta) - 5
    text = eta_text(facts)
    if column is not None and canvas.is_blank(left + column - 1, left + column + cells(text)) and now < column:
        canvas.put(left + column, text, "slip", ("bold",))


def _ticks(canvas: Canvas, sheet: Sheet) -> None:
    """The milestones, now and the limit by name. A tick is never moved; a name without room is cut or left out."""
    facts, axis, glyphs, left = sheet.facts, sheet.axis, sheet.glyphs, sheet.room.label
    ticks = [(axis.column(_at(name, facts)), name) for name in facts.moments]
    ticks = [(left + column, name) for column, name in ticks if 0 <= column < axis.cells]
    for column, _ in ticks:
        canvas.put(column, glyphs.tick)
    for column, name in ticks:
        _name(canvas, column, *NAMES[name])
    if not facts.run.has_ended and (column := axis.column(facts.now)) < axis.cells:
        _centred(canvas, left + column, "now", "live")
    if facts.limit is not None and 0 <= axis.column(facts.limit) < axis.cells:
        _centred(canvas, left + axis.column(facts.limit), "limit", "bad")


def _at(name: Milestone, facts: Facts) -> float:
    """The outage stands where it began at the earliest, as the clock counts it; all else where it was known."""
    moment = facts.moments[name]
    return moment.earliest if name is Milestone.OUTAGE else moment.latest


def _name(canvas: Canvas, column: int, name: str, short: str) -> None:
    for text in (name, short):
        if canvas.is_blank(column + 1, column + 2 + len(text)):
            canvas.put(column + 1, text)
            return
        if canvas.is_blank(column - len(text) - 1, column):
            canvas.put(column - len(text), text)
            return


def _centred(canvas: Canvas, column: int, text: str, role: str) -> None:
    start = column - len(text) // 2
    if canvas.is_blank(start - 1, start + len(text) + 1):
        canvas.put(start, text, role, ("bold",))
