"""A plan in short: what a person reads between the wish to run it and the yes.

Shorter than the plan and never vaguer: every step that changes something has its name and its hosts, what cannot be
taken back says so, and whatever is left out is counted. The command line and the screen both ask with these lines, so
that they cannot ask about different things. It decides nothing and asks nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runbook.core.planned.action import CONTROLLER
from runbook.core.planned.fault_action import FaultAction
from runbook.core.planned.plan import Plan, PlannedStep
from runbook.core.planned.role import Role
from runbook.view.describe import describe
from runbook.view.hosts import host_names
from runbook.view.plan import PlanRow, plan_rows, plan_totals
from runbook.view.sanitize import safe
from runbook.view.words import duration, fold_hosts, plural, value_words

DIGEST = 16
"""Hexadecimal digits of the plan's digest that are shown: enough to tell two plans apart by eye."""

_MOST = 10
"""Rows of one kind: with more the question would push the first of them out of a small terminal."""

_WIDTH = 64
"""Characters behind a fact's name in 80 columns."""

Fact = tuple[str, tuple[str, ...]]
"""What it is about, and its lines, safe to show."""


def brief(plan: Plan) -> tuple[Fact, ...]:
    """What the run would do, by what a person asks first; nothing stands there without lines."""
    facts = (
        ("hosts", (safe(fold_hosts(host_names(plan))),)),
        ("values", tuple(_packed(_values(plan)))),
        ("changes", tuple(_changes(plan))),
        ("breaks", tuple(_listed([_fault(step) for step in plan.walk() if isinstance(step.action, FaultAction)]))),
        ("asks", tuple(_gates(plan))),
        ("undo", (_undo(plan),)),
        ("always", (_names(plan.always),)),
        ("objective", (_objective(plan),)),
        ("window", tuple(safe(text) for text in plan.environment.windows)),
        ("freeze", tuple(safe(text) for text in plan.environment.freeze)),
        ("digest", (plan.digest[:DIGEST],)),
    )
    return tuple((name, lines) for name, lines in facts if any(lines))


def headline(plan: Plan) -> str:
    """What it is, where, and how long it takes, in one line."""
    totals = plan_totals(plan)
    lasts = f", about {duration(totals.expected)}" if totals.expected else ""
    return f"{plan.kind} {safe(plan.runbook)} in {safe(plan.environment.name)}: {plural(totals.steps, 'step')}{lasts}"


def brief_lines(plan: Plan) -> Iterator[str]:
    """The same as lines, each fact behind its name."""
    yield safe(plan.title)
    yield f"  {headline(plan)}"
    for name, lines in brief(plan):
        for number, line in enumerate(lines):
            yield f"  {'' if number else name:<11}{line}"


def _values(plan: Plan) -> Iterator[str]:
    for one in plan.parameters:
        yield safe(f"{one.name}={'(secret)' if one.secret else value_words(one.value)}")


def _packed(words: Iterable[str]) -> Iterator[str]:
    """As many to a line as an old terminal shows, each whole."""
    line = ""
    for word in words:
        if line and len(line) + len(word) > _WIDTH:
            yield f"{line},"
            line = ""
        line = f"{line}, {word}" if line else word
    yield line


def _forward(plan: Plan) -> list[PlanRow]:
    return [row for row in plan_rows(plan) if row.role in {Role.FORWARD, Role.RESCUE}]


def _changes(plan: Plan) -> Iterator[str]:
    changing = [row for row in _forward(plan) if row.changes]
    if not changing:
        yield "nothing"
        return
    without = sum(row.is_without_undo for row in changing)
    undo = "each with its undo" if not without else "without undo" if without == len(changing) else ""
    yield f"{plural(len(changing), 'step')}, {undo or f'{without} of them without undo'}"
    yield from _listed([_change(row) for row in changing])


def _change(row: PlanRow) -> str:
    hosts = safe(fold_hosts(host for text in row.texts for host in text.hosts if host not in {"", CONTROLLER}))
    return f"{safe(row.id)} {row.name}{f' on {hosts}' if hosts else ''}{', no undo' if row.is_without_undo else ''}"


def _listed(rows: list[str]) -> Iterator[str]:
    """As many as are read; the others are counted, and a single one more is shown instead."""
    shown = len(rows) if len(rows) <= _MOST + 1 else _MOST
    yield from rows[:shown]
    if rows[shown:]:
        yield f"and {len(rows) - shown} more"


def _fault(step: PlannedStep) -> str:
    return f"{safe(step.id)} on {safe(fold_hosts(step.hosts))}, {describe(step.action)}"


def _gates(plan: Plan) -> Iterator[str]:
    gates = [row for row in _forward(plan) if row.gate]
    if gates:
        named = ", ".join(f"{safe(row.id)} {row.gate}" for row in gates[:_MOST])
        yield f"{plural(len(gates), 'gate')}: {named}{f', and {len(gates) - _MOST} more' if gates[_MOST:] else ''}"


def _undo(plan: Plan) -> str:
    own = sum(bool(row.undo) for row in _forward(plan))
    steps = f"of {plural(own, 'step')}" if own else ""
    return ", then ".join(part for part in (steps, _names(plan.rollback)) if part)


def _names(steps: tuple[PlannedStep, ...]) -> str:
    return "; ".join(safe(step.name) for step in steps)


def _objective(plan: Plan) -> str:
    within = ((plan.objectives.rto, "recovery"), (plan.objectives.rpo, "data loss"))
    return ", ".join(f"{noun} within {duration(limit)}" for limit, noun in within if limit is not None)
