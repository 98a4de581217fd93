"""The pictures of the page as SVG inside it: places and colours are attributes, and every name is escaped."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from html import escape

from runbook.handbook.model import Graph, Trend, Year
from runbook.view.sanitize import safe
from runbook.view.words import duration, measured

_WIDTH, _NAMES, _HEIGHT, _LINE = 1000, 280, 180, 22
_LONGEST = 38
_FONT = 'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="11" fill="#1d2126"'
_FILL = {"done": "#00684c", "failed": "#a63c00", "planned": "#0072b2"}


def _svg(height: int, label: str, inside: Iterator[str]) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" {_FONT} aria-label="{escape(safe(label))}">'
        f"{''.join(inside)}</svg>"
    )


def _text(x: float, y: float, text: str) -> str:
    shown = safe(text)
    short = shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 3]}..."
    return f'<text x="{x:.1f}" y="{y:.1f}">{escape(short)}</text>'


def trend_drawn(trend: Trend) -> str:
    """A dot a run over the order of runs, and the objective as a line across."""
    return _svg(_HEIGHT + 30, f"{trend.name}: {len(trend.points)} runs", _trend(trend))


def _trend(trend: Trend) -> Iterator[str]:
    top = max([trend.promised or 0.0, *(point.seconds for point in trend.points)]) * 1.1 or 1.0
    if trend.promised is not None:
        y = _HEIGHT * (1 - trend.promised / top)
        yield f'<line x1="60" x2="{_WIDTH - 10}" y1="{y:.1f}" y2="{y:.1f}" stroke="#a63c00" stroke-dasharray="4 3"/>'
        yield _text(64, y - 4, f"promised: {duration(trend.promised)}")
    yield f'<line x1="60" x2="{_WIDTH - 10}" y1="{_HEIGHT}" y2="{_HEIGHT}" stroke="#d5d9de"/>'
    room = (_WIDTH - 100) / max(1, len(trend.points))
    for number, point in enumerate(trend.points):
        x, y = 70 + room * number, _HEIGHT * (1 - point.seconds / top)
        title = escape(safe(f"{point.day} {measured(point.seconds)}, run {point.run}"))
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#0072b2"><title>{title}</title></circle>'
        if number in {0, len(trend.points) - 1}:
            yield _text(x, _HEIGHT + 16, f"{point.day} {measured(point.seconds)}")


def year_drawn(year: Year) -> str:
    """A lane a runbook; green what was done, red what did not hold, blue what is to come."""
    return _svg(_LINE * (len(year.lanes) + 2), f"{len(year.lanes)} schedules", _year(year))


def _year(year: Year) -> Iterator[str]:
    begin = date.fromisoformat(year.begin)
    length = (date.fromisoformat(year.end) - begin).days or 1

    def place(day: str) -> float:
        share = (date.fromisoformat(day) - begin).days / length
        return _NAMES + min(1.0, max(0.0, share)) * (_WIDTH - _NAMES - 10)

    bottom = _LINE * (len(year.lanes) + 1)
    today = place(year.today)
    yield f'<line x1="{today:.1f}" x2="{today:.1f}" y1="0" y2="{bottom}" stroke="#1d2126" stroke-dasharray="1 3"/>'
    yield _text(today - 30, bottom + 14, year.today)
    for number, lane in enumerate(year.lanes, 1):
        middle = _LINE * number
        yield _text(0, middle + 4, lane.name)
        yield f'<line x1="{_NAMES}" x2="{_WIDTH - 10}" y1="{middle}" y2="{middle}" stroke="#d5d9de"/>'
        for moment in lane.moments:
            title = escape(f"{moment.day} {moment.what}")
            mark = f'cx="{place(moment.day):.1f}" cy="{middle}" r="4" fill="{_FILL[moment.what]}"'
            yield f"<circle {mark}><title>{title}</title></circle>"


def graph_drawn(graph: Graph) -> str:
    """Names one below the other, and an arc from each to what it needs."""
    return _svg(_LINE * (len(graph.nodes) + 1), f"{len(graph.nodes)} parts", _graph(graph))


def _graph(graph: Graph) -> Iterator[str]:
    places = {name: _LINE * number for number, name in enumerate(graph.nodes, 1)}
    for name, y in places.items():
        yield _text(0, y + 4, name)
        yield f'<circle cx="{_NAMES}" cy="{y}" r="3" fill="#1d2126"/>'
    for one, other in graph.edges:
        begin, end = places[one], places[other]
        wide = _NAMES + 20 + abs(end - begin)
        title = escape(safe(f"{one} needs {other}"))
        bow = f"M {_NAMES} {begin} C {wide} {begin}, {wide} {end}, {_NAMES} {end}"
        yield f'<path d="{bow}" fill="none" stroke="#0072b2"><title>{title}</title></path>'
        yield f'<path d="M {_NAMES + 4} {end} l 8 -4 l 0 8 z" fill="#0072b2"/>'
