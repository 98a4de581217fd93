"""A report as JSON, for whoever keeps score over many runs. The structure is `model.Report`; `schema` numbers it."""

from __future__ import annotations

import msgspec

from runbook.report.model import Report


def data(report: Report) -> str:
    """The whole report, indented, ending in a line feed."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n"
