"""A report as JSON, for whoever keeps score over many runs. The structure is `model.Report`; `schema` numbers it.

Values are exact: what a terminal could take for an order is an escape that every reader of JSON turns back.
"""

from __future__ import annotations

import msgspec

from runbook.report.model import Report
from runbook.view.sanitize import escaped_json


def data(report: Report) -> str:
    """The whole report, indented, ending in a line feed."""
    return escaped_json(msgspec.json.format(msgspec.json.encode(report), indent=2).decode()) + "\n"
