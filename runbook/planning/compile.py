"""From a runbook, an inventory and parameters to a plan: the only door to everything that runs.

The order is the argument: parameters first, because targets name them; probes before steps, because steps name them;
labels, gates and policy last, because they speak about finished steps. Every part notes its problems in one draft, so
an author sees them all; a plan exists only when there is none. Nothing here connects to anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from runbook.core.host import Host
from runbook.core.inventory import Inventory
from runbook.core.planned.action import CONTROLLER, FabricAction
from runbook.core.planned.casting import cast
from runbook.core.planned.command import Secret
from runbook.core.planned.plan import Plan, PlannedSection, PlannedStep
from runbook.core.written.runbook import Runbook
from runbook.planning.actions import plan_probe
from runbook.planning.draft import CompileOptions, Draft, Given
from runbook.planning.faults import FaultNames, check_faults
from runbook.planning.labels import resolve_labels, resolve_outside
from runbook.planning.parameters import SecretSource, Settled, settle
from runbook.planning.pins import Pins
from runbook.planning.policy import check_protected, check_safeguards, with_approvals, with_gates
from runbook.planning.recovery_point import with_recovery_point
from runbook.planning.registering import check_order, late_names, registered_by
from runbook.planning.sections import plan_sections, preflight_section, touched_hosts
from runbook.planning.shells import program_of
from runbook.planning.sources import check_sources
from runbook.planning.steps import Around, plan_steps
from runbook.planning.targets import check_limit
from runbook.planning.twins import check_twins
from runbook.problem import Problem, Problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """A plan, with what must not be in it."""

    plan: Plan
    secrets: tuple[Secret, ...]
    """Empty when there was no source to ask."""
    warnings: tuple[Problem, ...]
    files: tuple[str, ...] = ()
    """Scripts and nested runbooks that were read, openable as written, for the record."""


def compile_plan(
    runbook: Runbook,
    inventory: Inventory,
    *,
    given: Mapping[str, Given] | None = None,
    options: CompileOptions | None = None,
    secrets: SecretSource | None = None,
) -> Compiled:
    """Resolve everything that can be resolved before anybody connects.

    Without `secrets` no secret is asked for, which is what `check` and `plan` want.

    Raises:
        Problems: everything that keeps the plan from existing; those of policy end with REFUSED.
    """
    settled = settle(runbook, given or {}, inventory, secrets)
    draft = _draft(runbook, inventory, options or CompileOptions(), settled)
    check_limit(draft)
    for probe in runbook.steady_state:
        plan_probe(draft, probe, name=probe.name, steady=True)
    for probe in runbook.probes:
        plan_probe(draft, probe, name=probe.name, steady=False)
    plan = _plan(draft, settled)
    # A step is planned once for each wave, and complains as often.
    problems = tuple(dict.fromkeys(draft.problems))
    refused = [each for each in problems if not each.warning]
    if refused:
        raise Problems(refused)
    return Compiled(plan=plan, secrets=settled.secrets, warnings=problems, files=tuple(draft.read))


def _draft(runbook: Runbook, inventory: Inventory, options: CompileOptions, settled: Settled) -> Draft:
    registers = registered_by(runbook)
    draft = Draft(
        runbook=runbook,
        inventory=inventory,
        options=options,
        pins=Pins(Path(runbook.source).resolve().parent),
        values=settled.values,
        secrets=frozenset(each.name for each in settled.planned if each.secret),
        registers=registers,
        problems=list(settled.problems),
        files=(Path(runbook.source).resolve(),),
    )
    for name in sorted(registers & set(runbook.parameters)):
        where = runbook.parameters[name].where
        draft.note(where, "duplicate-name", f'"{name}" is a parameter and a registered name', "Rename one of them.")
    for probe in (*runbook.steady_state, *runbook.probes):
        if not probe.name:
            draft.note(probe.where, "missing-key", 'key "name" is missing', "Give the probe a name.")
    return draft


def _plan(draft: Draft, settled: Settled) -> Plan:
    sections = resolve_labels(draft, plan_sections(draft))
    rollback = plan_steps(draft, draft.runbook.rollback, "R", Around(section="Rollback"))
    always = plan_steps(draft, draft.runbook.always, "A", Around(section="Always"))
    rollback, always = (resolve_outside(draft, sections, each) for each in (rollback, always))
    names = FaultNames(draft, (*_tops(sections), *rollback, *always))
    sections = tuple(
        msgspec.structs.replace(section, steps=tuple(map(names.resolved, section.steps))) for section in sections
    )
    rollback, always = (tuple(map(names.resolved, each)) for each in (rollback, always))
    word = draft.runbook.service or draft.runbook.name
    sections = with_approvals(draft, tuple(with_gates(draft, section, word) for section in sections))
    check_order(draft, sections)
    _check_rules(draft)
    check_safeguards(draft)
    steps = tuple(each for top in (*_tops(sections), *rollback, *always) for each in top.walk())
    check_protected(draft, steps)
    check_faults(draft, steps)
    described = with_recovery_point(draft, _described(draft.runbook, draft.inventory, draft.options.limit))
    draft.measured_on = described.measured_on
    first = preflight_section(draft, steps, tools=_tools(draft, steps))
    plan = msgspec.structs.replace(
        described,
        sections=(first, *sections),
        hosts=_hosts(draft, steps),
        parameters=settled.planned,
        probes=tuple(draft.probes.values()),
        rollback=rollback,
        always=always,
    )
    check_sources(draft, plan)
    check_twins(draft, plan)
    return cast(plan)


def _described(runbook: Runbook, inventory: Inventory, limit: str) -> Plan:
    """What the plan says about itself and takes over as it is."""
    return Plan(
        runbook=runbook.name,
        title=runbook.title,
        kind=runbook.kind,
        sections=(),
        hosts=(),
        environment=inventory.environment,
        inventory=inventory.source,
        limit=limit,
        description=runbook.description,
        owner=runbook.owner,
        service=runbook.service,
        references=runbook.references,
        controls=runbook.controls,
        tags=runbook.tags,
        reviewed=runbook.reviewed,
        source=runbook.source,
        source_sha256=runbook.source_sha256,
        groups=inventory.groups,
        objectives=runbook.objectives,
        exercise=runbook.exercise,
        abort_when=runbook.abort_when,
    )


def _tops(sections: tuple[PlannedSection, ...]) -> tuple[PlannedStep, ...]:
    return tuple(step for section in sections for step in section.steps)


def _hosts(draft: Draft, steps: tuple[PlannedStep, ...]) -> tuple[Host, ...]:
    """Every target; all hosts when a template that waits for the run may look any of them up; the controller too."""
    named = touched_hosts(draft, steps)
    looked_up = any("hosts" in late_names(step) for step in steps)
    known = draft.inventory.hosts
    hosts = tuple(host for name, host in known.items() if looked_up or name in named)
    works_here = any(CONTROLLER in step.hosts or isinstance(step.action, FabricAction) for step in steps)
    works_here |= CONTROLLER in draft.measured_on
    local = works_here or named == (CONTROLLER,)
    return (*hosts, *((Host(name=CONTROLLER, connection="local"),) if local and CONTROLLER not in known else ()))


def _tools(draft: Draft, steps: tuple[PlannedStep, ...]) -> dict[str, tuple[str, ...]]:
    """The programs that steps declare, and those that read their texts, by host."""
    needed: dict[str, dict[str, None]] = {}
    for step in steps:
        written = draft.written.get(step.id)
        reads = getattr(step.action, "interpreter", ())
        tools = (*(written.tools if written else ()), *((program_of(reads),) if reads else ()))
        for host in step.hosts if tools else ():
            needed.setdefault(host, {}).update(dict.fromkeys(tools))
    return {host: tuple(tools) for host, tools in needed.items()}


def _check_rules(draft: Draft) -> None:
    """Abort rules name probes that are asked all the time."""
    runbook = draft.runbook
    for rule in runbook.abort_when:
        probe = draft.probes.get(rule.probe)
        if probe is None or not probe.every:
            fix = "Name a probe with every: DURATION."
            draft.note(runbook.at("abort_when"), "unknown-probe", f'no probe "{rule.probe}" is asked all the time', fix)
