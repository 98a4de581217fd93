"""A plan as rows: every command on every host, before anybody connects (promise 1: nothing runs that was not shown).

Hosts that get the same text share it, and text that still waits for a registered value says so, because a plan that
looked complete and was not would be worse than none. Used by the plan screen, by `runbook plan` and by gates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import get_args

import msgspec

from runbook.core.planned.action import CONTROLLER, Action, Ask, ConfirmAction, EndAction, LoopAction, kind_of
from runbook.core.planned.fault_action import FaultAction
from runbook.core.planned.plan import Plan, PlannedCanary, PlannedProbe, PlannedStep, StepId
from runbook.core.planned.role import Role
from runbook.view.describe import describe, full_text
from runbook.view.hosts import host_names
from runbook.view.sanitize import safe
from runbook.view.words import duration, fold_hosts, plural

_ASKS = get_args(Ask)

_OUT_OF_REACH = frozenset({"poweroff", "reboot"})
"""Faults after which no host is left that could lift them: they have a way back, which is no undo."""

_ON_FAILURE = {"propagate": "a failure goes to the block around it"}


class PlanText(msgspec.Struct, frozen=True, kw_only=True):
    """What is done, and on which hosts it is done so."""

    hosts: tuple[str, ...]
    folded: str
    """`db-[01-06]`, or empty for work that no host does; safe to show."""
    lines: tuple[str, ...]
    """Every line of it, safe to show."""


class PlanRow(msgspec.Struct, frozen=True, kw_only=True):
    """One planned step."""

    id: StepId
    """As the plan has it, for asking and sending: show it through `safe`, an edited record may hold anything."""
    name: str
    kind: str
    section: str
    role: Role
    depth: int
    texts: tuple[PlanText, ...]
    waits_for: tuple[str, ...] = ()
    """Names whose values are known only while the run goes on."""
    gate: str = ""
    """What a person does before it goes on: `answer`, `confirm`, `type db1`, `2 other people must agree`; or empty."""
    undo: tuple[str, ...] = ()
    """What takes it back, as lines; empty when nothing does."""
    changes: bool = False
    expected: float = 0.0
    facts: tuple[str, ...] = ()
    """How it runs, in short phrases: `as postgres`, `2 retries`, `only when lag.rc == 0`."""

    @property
    def is_without_undo(self) -> bool:
        """True when it may change something and nothing takes that back."""
        return self.changes and not self.undo


class PlanTotals(msgspec.Struct, frozen=True, kw_only=True):
    """A plan in numbers; rollback and undo are not counted."""

    steps: int
    hosts: int
    gates: int
    changing: int
    without_undo: int
    expected: float
    """Seconds, as far as anybody said."""


def plan_rows(plan: Plan) -> tuple[PlanRow, ...]:
    """Every step with what it does on each host, in the order of reading, then the rollback and the closing steps."""
    return tuple(_rows(plan))


def plan_totals(plan: Plan) -> PlanTotals:
    """What the plan comes to."""
    forward = [row for row in plan_rows(plan) if row.role in {Role.FORWARD, Role.RESCUE}]
    return PlanTotals(
        steps=len(forward),
        hosts=len(host_names(plan)),
        gates=sum(bool(row.gate) for row in forward),
        changing=sum(row.changes for row in forward),
        without_undo=sum(row.is_without_undo for row in forward),
        expected=sum(section.expected or sum(step.expected for step in section.steps) for section in plan.sections),
    )


def plan_row(step: PlannedStep, *, depth: int = 0) -> PlanRow:
    """One step's row as planned."""
    return PlanRow(
        id=step.id,
        name=safe(step.name),
        kind=kind_of(step.action),
        section=safe(step.section),
        role=step.role,
        depth=depth,
        texts=texts(step.awaits, step.hosts, step.action_on),
        waits_for=tuple(safe(name) for name in step.awaits),
        gate=_gate(step),
        undo=(*_lifting(step.action), *(line for undo in step.undo for line in _undo_lines(undo))),
        changes=step.changes,
        expected=step.expected,
        facts=tuple(safe(fact) for fact in _facts(step)),
    )


def texts(awaits: tuple[str, ...], hosts: tuple[str, ...], action_on: Callable[[str], Action]) -> tuple[PlanText, ...]:
    """What is done on those hosts, hosts with the same text together; `awaits` are names not filled in yet."""
    mark = f"(waits for {', '.join(awaits)})" if awaits else ""
    found: dict[tuple[str, ...], list[str]] = {}
    for host in hosts or ("",):
        found.setdefault(full_text(action_on(host)), []).append(host)
    return tuple(
        PlanText(
            hosts=tuple(host for host in members if host),
            folded=safe(fold_hosts(host for host in members if host and host != CONTROLLER)),
            lines=(f"{lines[0]}{_suffix(mark)}", *lines[1:]),
        )
        for lines, members in found.items()
    )


def probe_lines(plan: Plan) -> tuple[str, ...]:
    """What is asked all the time, how often, and of what; last what measures data loss."""
    asked = (line for probe in plan.probes for line in _probe_lines(probe))
    return tuple(safe(line) for line in (*asked, *_point_lines(plan)))


def _point_lines(plan: Plan) -> Iterator[str]:
    if plan.canary is not None:
        yield from _canary_lines(plan.canary)
    if plan.watermark is not None:
        often = duration(plan.watermark.every)
        yield f"position of {plan.watermark.source_on} (every {often}): {describe(plan.watermark.source)}"
        yield f"how far {plan.watermark.recovered_on} has come (every {often}): {describe(plan.watermark.recovered)}"
    if plan.backup is not None:
        yield f"newest content on {plan.backup.read_on} (once restored): {describe(plan.backup.read)}"


def _canary_lines(canary: PlannedCanary) -> tuple[str, str]:
    often = duration(canary.every)
    return (
        f"canary on {canary.write_on} (every {often}): {describe(canary.write)}",
        f"canary on {canary.read_on} (after a failed write): {describe(canary.read)}",
    )


def _suffix(mark: str) -> str:
    return f"  {safe(mark)}" if mark else ""


def _probe_lines(probe: PlannedProbe) -> Iterator[str]:
    """One line, or one for each text where hosts are asked different ones."""
    often = f"every {duration(probe.every)}" if probe.every else "when asked"
    steady = ", steady state" if probe.steady else ""
    asked: dict[str, list[str]] = {}
    for host in probe.hosts:
        asked.setdefault(describe(probe.action_on(host)), []).append(host)
    for text, members in asked.items():
        hosts = fold_hosts(host for host in members if host != CONTROLLER)
        yield f"{probe.name}{f' on {hosts}' if hosts else ''} ({often}{steady}): {text}"


def _rows(plan: Plan) -> Iterator[PlanRow]:
    tops = (step for section in plan.sections for step in section.steps)
    for step in (*tops, *plan.rollback, *plan.always):
        yield from _inside(step, 0)


def _inside(step: PlannedStep, depth: int) -> Iterator[PlanRow]:
    yield plan_row(step, depth=depth)
    for child in (*_children(step), *step.undo):
        yield from _inside(child, depth + 1)


def _children(step: PlannedStep) -> tuple[PlannedStep, ...]:
    """What it contains; of a loop whose items nobody knows yet one turn, because the others do the same."""
    is_open = isinstance(step.action, LoopAction) and step.action.waits
    return step.steps[:1] if is_open else step.children


def _gate(step: PlannedStep) -> str:
    action = step.action
    word = action.type if isinstance(action, ConfirmAction) else step.confirm_word if step.confirm == "typed" else ""
    if word:
        return safe(f"type {word}")
    if isinstance(action, _ASKS):
        return "confirm" if isinstance(action, ConfirmAction) else "answer"
    if step.approvals:
        return f"{plural(step.approvals, 'other person', 'other people')} must agree"
    return "confirm" if step.confirm != "none" else ""


def _lifting(action: Action) -> tuple[str, ...]:
    """What takes a fault back without a step that says so; nothing where a machine has to come back by other means."""
    if not isinstance(action, FaultAction) or action.fault in _OUT_OF_REACH:
        return ()
    return ("lifted by this run, or by its host",) if action.on_link_loss == "revert" else ("lifted by this run",)


def _undo_lines(undo: PlannedStep) -> tuple[str, ...]:
    return tuple(
        f"{f'{text.folded}: ' if text.folded else ''}{line}"
        for text in texts(undo.awaits, undo.hosts, undo.action_on)
        for line in text.lines
    )


def _after_failure(step: PlannedStep) -> str:
    return _ON_FAILURE.get(step.on_failure, f"on failure {step.on_failure} {step.goto}")


def _said_by(step: PlannedStep) -> tuple[str, ...]:
    """What an `end` says about failure by itself."""
    return ("abort", "propagate") if isinstance(step.action, EndAction) else ()


def _facts(step: PlannedStep) -> Iterator[str]:
    said: tuple[tuple[object, str], ...] = (
        (step.become, f"as {step.become_user or 'root'}"),
        (step.cwd, f"in {step.cwd}"),
        (step.env, f"with {', '.join(sorted(step.env))} set"),
        (step.when, f"only when {step.when}"),
        (step.timeout, f"at most {duration(step.timeout)}"),
        (step.retries, plural(step.retries, "retry", "retries")),
        (len(step.waves) > 1, f"in waves of {', '.join(str(size) for size in step.waves)}"),
        (step.max_errors, f"tolerates {plural(step.max_errors, 'host')}"),
        (step.on_failure not in {"default", *_said_by(step)}, _after_failure(step)),
        (step.sets, f"marks {(step.sets or '').replace('_', ' ')}"),
        (step.no_log, "output is not kept"),
    )
    return (text for holds, text in said if holds)
