"""A plan as lines to read before anything runs: what happens to which host, who is asked, what takes it back.

Pure: rows come from `view.plan`, so this page and the plan screen cannot differ. It shortens nothing, because what is
confirmed is what is sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from runbook.core.planned.plan import Plan
from runbook.core.planned.role import Role
from runbook.view.hosts import host_names
from runbook.view.plan import PlanRow, PlanText, PlanTotals, plan_rows, plan_totals, probe_lines
from runbook.view.sanitize import safe
from runbook.view.words import duration, fold_hosts, plural, value_words

_HEADS = {Role.ROLLBACK: "Rollback, when the run is rolled back", Role.CLOSING: "Always, however the run ended"}
"""What stands above steps that are in no section."""

_ROLES = {Role.RESCUE: "rescue: ", Role.ALWAYS: "always: "}


def plan_lines(plan: Plan) -> Iterator[str]:
    """The whole plan; every line is safe to show."""
    yield f"{safe(plan.title)} ({plan.kind} {safe(plan.runbook)}) in {safe(plan.environment.name)}"
    yield from _facts(plan)
    for head, rows in groupby((row for row in plan_rows(plan) if row.role is not Role.UNDO), key=_head):
        yield ""
        yield head
        for row in rows:
            yield from _row_lines(row)
    yield ""
    yield _total(plan_totals(plan))
    yield f"digest {plan.digest}"


def _facts(plan: Plan) -> Iterator[str]:
    hosts = fold_hosts(host_names(plan))
    values = ", ".join(f"{one.name}={'(secret)' if one.secret else value_words(one.value)}" for one in plan.parameters)
    rto = f"recovery within {duration(plan.objectives.rto)}" if plan.objectives.rto is not None else ""
    for name, text in (("hosts", hosts), ("parameters", values), ("objective", rto)):
        if text:
            yield f"  {name:<11}{safe(text)}"
    for line in probe_lines(plan):
        yield f"  {'watched':<11}{line}"


def _head(row: PlanRow) -> str:
    return _HEADS.get(row.role, row.section)


def _row_lines(row: PlanRow) -> Iterator[str]:
    indent = "  " * (row.depth + 1)
    took = f"  ({duration(row.expected)})" if row.expected else ""
    role = _ROLES.get(row.role, "") if row.depth else ""
    yield f"{indent}{row.id:<5} {role}{row.name}{took}"
    inner = f"{indent}      "
    if row.gate:
        yield f"{inner}? {row.gate}"
    for text in row.texts:
        yield from (f"{inner}{line}" for line in _text_lines(text, row.kind))
    if row.facts:
        yield f"{inner}. {', '.join(row.facts)}"
    yield from (f"{inner}undo: {line}" for line in row.undo)


def _text_lines(text: PlanText, kind: str) -> Iterator[str]:
    """Commands stand behind a `$`, with their hosts, so that they are told from words at a glance."""
    mark = "$ " if kind in {"command", "script"} else ""
    first, *others = text.lines
    yield f"{text.folded}: {mark}{first}" if text.folded else f"{mark}{first}"
    yield from (f"    {line}" for line in others)


def _total(total: PlanTotals) -> str:
    said = (
        plural(total.steps, "step"),
        f"{total.changing} changing",
        f"{total.without_undo} of them without undo" if total.without_undo else "",
        plural(total.hosts, "host"),
        plural(total.gates, "gate"),
        f"expected {duration(total.expected)}" if total.expected else "",
    )
    return ", ".join(part for part in said if part)
