"""The handbook as one HTML file with its contents in front: nothing is loaded, nothing runs, and it prints well.

The same policy as a report's page: everything is forbidden but the one style sheet inside, named by its hash.
"""

from __future__ import annotations

import base64
import hashlib
from typing import assert_never

from runbook.handbook.drawing import graph_drawn, trend_drawn, year_drawn
from runbook.handbook.model import Block, Bullets, Cell, Graph, Handbook, Part, Prose, Stated, Table, Trend, Year
from runbook.handbook.saying import SOURCE, gap, lines, origins, words
from runbook.report.page import Markup, element
from runbook.report.style import STYLE
from runbook.view.sanitize import safe

_STYLE = (
    STYLE
    + """
nav ol { columns: 3; font-size: .85rem; } h3 { margin: 1.6rem 0 .4rem; font-size: 1rem; }
.gap { color: var(--dim); font-style: italic; } .from { color: var(--dim); font-size: .8rem; }
"""
)


def sheet(book: Handbook, mark: str) -> str:
    """The whole file."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    title = book.parts[0].title
    head = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="referrer" content="no-referrer">\n{element("title", title)}\n<style>{_STYLE}</style>\n</head>\n'
    )
    body = element(
        "body",
        element("header", element("h1", title)),
        _contents(book),
        element("main", *(_part(part) for part in book.parts[1:])),
        element("footer", _bullets(book.closing), element("p", mark)),
    )
    return f"{head}{body}\n</html>\n"


def _contents(book: Handbook) -> Markup:
    chapters = (part for part in book.parts if part.level == 2)  # noqa: PLR2004 - the chapters
    links = (element("li", element("a", part.title, href=f"#{_anchor(part)}")) for part in chapters)
    return element("nav", element("ol", *links))


def _anchor(part: Part) -> str:
    return "".join(char if char.isalnum() else "-" for char in f"{part.level} {part.title}".lower())


def _part(part: Part) -> Markup:
    heading = element(f"h{part.level}", part.title, id=_anchor(part))
    return element("section", heading, *(_block(block) for block in part.blocks))


def _block(block: Block) -> Markup:
    match block:
        case Prose():
            several = lines(block.said)
            shown = element("pre", element("code", "\n".join(several))) if several else Markup("")
            said = (element("span", origins([block.said]), class_="from"),) if several else _said(block.said)
            return Markup(element("p", *said) + shown)
        case Bullets():
            return _bullets(block)
        case Table():
            return _table(block)
        case Trend():
            return _figure(f"Time to recover, {block.name}", trend_drawn(block))
        case Year():
            return _figure(f"The year from {block.begin} to {block.end}", year_drawn(block))
        case Graph():
            return _figure("What needs what", graph_drawn(block))
        case _:
            assert_never(block)


def _figure(caption: str, drawn: str) -> Markup:
    return element("figure", element("figcaption", safe(caption)), Markup(drawn))


def _said(cell: Cell) -> tuple[Markup, ...]:
    if not isinstance(cell, Stated):
        return (element("span", words(cell), class_="gap"),)
    return (element("span", words(cell)), Markup(" "), element("span", origins([cell]), class_="from"))


def _bullets(block: Bullets) -> Markup:
    if not block.rows and block.gap is not None:
        return element("p", gap(block.gap), class_="gap")
    rows = (element("li", element("strong", f"{safe(name)}: "), *_said(cell)) for name, cell in block.rows)
    return element("ol" if block.is_numbered else "ul", *rows)


def _table(block: Table) -> Markup:
    head = element("thead", element("tr", *(element("th", name, scope="col") for name in (*block.head, SOURCE))))
    if not block.rows:
        return element("div", element("table", head), element("p", gap(block.gap), class_="gap"), class_="wide")
    body = element("tbody", *(_row(row) for row in block.rows))
    return element("div", element("table", head, body), class_="wide")


def _row(row: tuple[Cell, ...]) -> Markup:
    cells = (element("td", words(cell), class_="long" if isinstance(cell, Stated) else "gap") for cell in row)
    return element("tr", *cells, element("td", origins(row) or "-", class_="from"))
