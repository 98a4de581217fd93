"""The formats of a report by name."""

from __future__ import annotations

from typing import Literal, assert_never

from runbook.report.data import data
from runbook.report.markdown import markdown
from runbook.report.model import Report
from runbook.report.page import page

Format = Literal["md", "html", "json"]


def render(report: Report, form: Format) -> str:
    """The report as text in one of its formats."""
    match form:
        case "md":
            return markdown(report)
        case "html":
            return page(report)
        case "json":
            return data(report)
        case _:
            assert_never(form)
