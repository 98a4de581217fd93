"""What a person typed for an `ask`, as the value that the step registers.

Screens and terminals only have text. It becomes a number, a truth or a host in one place, so that a template gets the
same value whoever answered from wherever, and an answer that is none is refused before it is on record. This file
refuses to guess: `10 minutes` is no duration and `maybe` is no truth.
"""

from __future__ import annotations

import math
import re
from typing import assert_never

from runbook.core.host import Json
from runbook.core.planned.action import AskAction
from runbook.core.run import Run
from runbook.problem import Exit, Problem, nearest

_TRUTHS = {"yes": True, "true": True, "no": False, "false": False}
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhd]))+|\d+(?:\.\d+)?")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])")


def typed_value(run: Run, action: AskAction, given: Json) -> Json | Problem:
    """The value of the type that the step asks for, or the problem with what was given."""
    text = str(given).strip() if given is not None else ""
    match action.type:
        case "string":
            return text or _no("an empty answer is no value", "Write something.")
        case "integer":
            return (
                int(text) if re.fullmatch(r"[+-]?\d{1,18}", text) else _no(f'"{text}" is no whole number', "Write: 12.")
            )
        case "number":
            return _number(text)
        case "boolean":
            truth = _TRUTHS.get(text.lower())
            return _no(f'"{text}" is neither yes nor no', "Write yes or no.") if truth is None else truth
        case "host":
            known = [host.name for host in run.plan.hosts]
            return text if text in known else _no(f'"{text}" is not a host of this run', nearest(text, known))
        case "duration":
            return _seconds(text)
        case _:
            assert_never(action.type)


def _number(text: str) -> Json | Problem:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    return number if math.isfinite(number) else _no(f'"{text}" is no number', "Write: 12.5.")


def _seconds(text: str) -> Json | Problem:
    if not _DURATION.fullmatch(text):
        return _no(f'"{text}" is no duration', "Write a number with a unit: 500ms, 30s, 15m, 2h, 90d or 1h30m.")
    parts = _PART.findall(text)
    return round(sum(float(number) * _UNITS[unit] for number, unit in parts), 6) if parts else float(text)


def _no(what: str, fix: str) -> Problem:
    return Problem(what=what, fix=fix, code="unfit-value", exit=Exit.REFUSED)
