"""Problems as the output of `check`: text for people, JSON for scripts, SARIF for code review tools. Pure functions.

Nothing is escaped for a terminal here; `cli` sends text through the one sanitiser.
SARIF is version 2.1.0: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from runbook.core.host import Json
from runbook.problem import Problem, Where

_SARIF = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


class ProblemRow(msgspec.Struct, frozen=True, kw_only=True):
    """One problem, flat, as `--format json` prints it."""

    level: Literal["error", "warning"]
    code: str
    what: str
    why: str
    fix: str
    file: str
    line: int
    """1-based; 0 means the whole file."""
    column: int


def as_text(problems: Sequence[Problem]) -> str:
    """One line for each problem and one that counts them; nothing when there is none."""
    if not problems:
        return ""
    lines = [f"{_level(each)}: {each}" for each in problems]
    warnings = sum(each.warning for each in problems)
    errors = len(problems) - warnings
    return "\n".join([*lines, f"{_count(errors, 'error')}, {_count(warnings, 'warning')}"]) + "\n"


def as_json(problems: Sequence[Problem]) -> str:
    """An array of `ProblemRow`."""
    return msgspec.json.format(msgspec.json.encode([_finding(each) for each in problems]), indent=2).decode() + "\n"


def as_sarif(problems: Sequence[Problem], *, version: str) -> str:
    """A SARIF log with one run; `version` is this program's."""
    rules: list[Json] = [{"id": code} for code in sorted({each.code or "problem" for each in problems})]
    driver: Json = {"name": "runbook", "version": version, "rules": rules}
    results: list[Json] = [_result(each) for each in problems]
    log: Json = {"$schema": _SARIF, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}
    return msgspec.json.format(msgspec.json.encode(log), indent=2).decode() + "\n"


def _finding(problem: Problem) -> ProblemRow:
    where = problem.where or Where("")
    return ProblemRow(
        level=_level(problem),
        code=problem.code,
        what=problem.what,
        why=problem.why,
        fix=problem.fix,
        file=where.file,
        line=where.line,
        column=where.column,
    )


def _result(problem: Problem) -> Json:
    text = str(msgspec.structs.replace(problem, where=None))
    result: dict[str, Json] = {
        "ruleId": problem.code or "problem",
        "level": _level(problem),
        "message": {"text": text},
    }
    return {**result, "locations": [_location(problem.where)]} if problem.where is not None else result


def _location(where: Where) -> Json:
    place: dict[str, Json] = {"artifactLocation": {"uri": where.file.replace("\\", "/")}}
    region: dict[str, Json] = {"startLine": where.line} if where.line else {}
    region |= {"startColumn": where.column} if where.line and where.column else {}
    return {"physicalLocation": {**place, "region": region} if region else place}


def _level(problem: Problem) -> Literal["error", "warning"]:
    return "warning" if problem.warning else "error"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
