"""The run that another one follows: what a new run says of an ended one that it continues, or rolls back.

An ended record is never written again, so the link stands in the new one. With it come the values that the earlier run
registered, as its record has them: a step that goes on there, or that takes something back, may name them.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from runbook.core.result import Result


class Earlier(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An ended run, and what is done about it."""

    run: str
    does: Literal["continues", "rolls_back"]
    at: str = ""
    """The step that a continued run begins with."""
    values: dict[str, dict[str, Result]] = {}
    """What it had registered: by name, then by host; an answer of a person stands under the empty name."""
