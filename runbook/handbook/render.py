"""The formats of a handbook, and the mark in each of them by which it is held against its sources later."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from runbook.handbook.markdown import markdown
from runbook.handbook.model import Handbook
from runbook.handbook.sheet import sheet
from runbook.view.sanitize import escaped_json

Format = Literal["md", "html", "json"]
_MARK = re.compile(r"(?:made from sources with SHA-256 |\"digest\": \")([0-9a-f]{64})\b")


def render(book: Handbook, form: Format) -> str:
    """The whole file."""
    if form == "json":
        return escaped_json(msgspec.json.format(msgspec.json.encode(book), indent=2).decode()) + "\n"
    mark = f"made from sources with SHA-256 {book.digest}"
    return sheet(book, mark) if form == "html" else markdown(book, mark)


def made_from(text: str) -> str:
    """The digest of the sources that a written handbook was made from; empty where it is none."""
    found = _MARK.findall(text)
    return found[-1] if found else ""
