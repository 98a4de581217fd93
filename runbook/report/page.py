"""A report as one HTML file: nothing is loaded, nothing runs, and it prints well.

The Content-Security-Policy forbids everything but the one style sheet inside, named by its hash, so even markup that
slipped through could neither run nor call home. Elements are built from values and escaped where they are built; no
text is ever pasted into a template.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import assert_never

from runbook.report.blocks import Block, Cell, Facts, Figure, Listing, Paragraph, Section, Table, Verdict, Word
from runbook.report.model import Report
from runbook.report.picture import picture
from runbook.report.sections import sections
from runbook.report.style import STYLE
from runbook.view.sanitize import safe

_LEGEND = (
    "Blue bars: work. Yellow bars: waiting for people. Black dots: gates and answers. Red dots: failures. "
    "Dotted lines: milestones. Dashed red line: the recovery time objective lapses."
)

_LONG_WORD = 18
"""Letters above which a word, such as a digest, may be broken anywhere rather than stretch its table."""


class Markup(str):
    """Text that is HTML already. Only `element` makes it."""

    __slots__ = ()


def element(name: str, *children: str, **attributes: str) -> Markup:
    """An element; children that are not markup and all attribute values are escaped. `class_` stands for `class`."""
    shown = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items())
    inside = "".join(child if isinstance(child, Markup) else escape(child) for child in children)
    return Markup(f"<{name}{shown}>{inside}</{name}>")


def page(report: Report) -> str:
    """The whole file."""
    who = report.identity
    title, run, book = safe(who.title), safe(who.run), safe(who.runbook)
    policy = f"default-src 'none'; style-src 'sha256-{_digest(STYLE)}'; base-uri 'none'; form-action 'none'"
    head = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"{element('title', f'{title} - {run}')}\n<style>{STYLE}</style>\n</head>\n"
    )
    body = element(
        "body",
        element("header", element("h1", title), element("p", f"{safe(who.kind)} {book}, run {run}")),
        element("main", *(_section(section) for section in sections(report))),
        element("footer", element("p", f"Written by runbook from the record of run {run}.")),
    )
    return f"{head}{body}\n</html>\n"


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _section(section: Section) -> Markup:
    return element("section", element("h2", section.title), *(_block(block) for block in section.blocks))


def _block(block: Block) -> Markup:
    match block:
        case Paragraph():
            return element("p", block.text)
        case Verdict():
            badges = (
                element("li", element("span", name), element("strong", word.text), class_=word.tone)
                for name, word in block.rows
            )
            return element("ul", *badges, class_="verdicts")
        case Facts():
            rows = (element("tr", element("th", name, scope="row"), _cell(cell)) for name, cell in block.rows)
            return element("table", element("tbody", *rows), class_="facts")
        case Table():
            return _table(block) if block.rows else element("p", block.empty, class_="empty")
        case Listing():
            lines = "\n".join(block.lines)
            return element("figure", element("figcaption", block.caption), element("pre", element("code", lines)))
        case Figure():
            legend = element("p", _LEGEND, class_="empty")
            return element("figure", element("figcaption", block.caption), Markup(picture(block.timeline)), legend)
        case _:
            assert_never(block)


def _table(table: Table) -> Markup:
    head = element("thead", element("tr", *(element("th", name, scope="col") for name in table.head)))
    body = element("tbody", *(element("tr", *(_cell(cell) for cell in row)) for row in table.rows))
    return element("div", element("table", head, body), class_="wide")


def _cell(cell: Cell) -> Markup:
    if isinstance(cell, Word):
        return element("td", element("strong", cell.text), class_=cell.tone)
    is_long = any(len(word) > _LONG_WORD for word in cell.split())
    return element("td", cell, class_="long") if is_long else element("td", cell)
