"""From written sections to planned ones: waves unrolled, success probes as steps, and the preflight in front."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import msgspec

from runbook.core.planned.action import CONTROLLER, FabricAction, Imports, PreflightAction, ProbeAction
from runbook.core.planned.fault_action import FaultAction
from runbook.core.planned.plan import OnFailure, PlannedSection, PlannedStep
from runbook.core.planned.shown import becomes
from runbook.core.written.runbook import Section
from runbook.planning.actions import probe_name
from runbook.planning.draft import Draft
from runbook.planning.faults_ahead import faults_are_carried
from runbook.planning.steps import Around, plan_steps, section_hosts
from runbook.planning.targets import EVERYTHING, Wave, waves_of
from runbook.template.template import is_template

HEADING = "Before anything changes"
Steps = tuple[PlannedStep, ...]

_ASSUMED_BROKEN = frozenset({"failover", "incident", "restore"})
"""Kinds that are run because the steady state may be lost: finding it lost must not stop them."""

_REPAIRS = _ASSUMED_BROKEN | {"rollback"}
"""Kinds that may be the answer to what another run has broken: they are told of it and go on."""

_NAMED = 3
"""Hosts that a wave's heading names before it only counts."""


def plan_sections(draft: Draft) -> tuple[PlannedSection, ...]:
    """Every section of the runbook, without the preflight."""
    parts = [_section(draft, section, number) for number, section in enumerate(draft.runbook.sections, start=1)]
    return tuple(itertools.chain.from_iterable(parts))


def preflight_section(draft: Draft, steps: Steps, *, tools: dict[str, tuple[str, ...]]) -> PlannedSection:
    """What is looked at before anything changes: every host once, then every probe of the steady state.

    `tools` are the programs that each host needs.
    """
    hosts = touched_hosts(draft, steps)
    each = {host: _look_at(draft, steps, host, tools.get(host, ())) for host in hosts}
    first = each[hosts[0]]
    look = PlannedStep(
        id="0.1",
        name="Reach every host",
        section=HEADING,
        action=first,
        hosts=hosts,
        by_host={host: action for host, action in each.items() if action != first},
        idempotent=True,
        durable=False,
        required=True,
    )
    steady = [probe.name for probe in draft.probes.values() if probe.steady]
    after: OnFailure = "continue" if draft.runbook.kind in _ASSUMED_BROKEN else "default"
    checks = tuple(_check(name, f"0.{number}", after=after) for number, name in enumerate(steady, start=2))
    loads = _fabfiles_load(steps, f"0.{len(checks) + 2}")
    carries = faults_are_carried(draft, steps, f"0.{len(checks) + len(loads) + 2}", section=HEADING)
    return PlannedSection(id="0", name=HEADING, steps=(look, *checks, *loads, *carries))


def _fabfiles_load(steps: Steps, step_id: str) -> Steps:
    """A look at the interpreters that will run fabfiles; none where it is ours and a fabfile needs nothing else."""
    needed: dict[tuple[str, str], dict[str, None]] = {}
    for step in steps:
        if isinstance(task := step.action, FabricAction):
            # Where the step says itself where modules lie, only its task can tell.
            names = () if "PYTHONPATH" in step.env else task.imports
            needed.setdefault((task.python, task.file), {}).update(dict.fromkeys(names))
    each = tuple(
        Imports(python=python, file=file, modules=tuple(names))
        for (python, file), names in needed.items()
        if python or names
    )
    if not each:
        return ()
    look = PlannedStep(
        id=step_id,
        name="Fabfiles find what they import",
        section=HEADING,
        action=PreflightAction(imports=each),
        hosts=(CONTROLLER,),
        idempotent=True,
        durable=False,
        required=True,
    )
    return (look,)


def _look_at(draft: Draft, steps: Steps, host: str, tools: tuple[str, ...]) -> PreflightAction:
    """What is asked of one host: every user that a step becomes there, as far as that is known."""
    named = [becomes(step, draft.inventory.hosts.get(host)) for step in steps if step.become and host in step.hosts]
    users = tuple(dict.fromkeys(name for name in named if not is_template(name)))
    there = [step for step in steps if host in step.hosts]
    breaks = any(isinstance(step.action, FaultAction) for step in there)
    changes = any(step.changes for step in there) and draft.runbook.kind not in _REPAIRS
    return PreflightAction(
        become=bool(named),
        users=() if users == ("root",) else users,
        tools=tools,
        refuses_broken=breaks or changes,
    )


def touched_hosts(draft: Draft, steps: Iterable[PlannedStep]) -> tuple[str, ...]:
    """Every host that steps and probes work on, and on which data loss is measured, in the inventory's order.

    The controller when there is none.
    """
    named = {host for step in steps for host in step.hosts}
    named |= {host for probe in draft.probes.values() for host in probe.hosts}
    named |= draft.measured_on
    hosts = tuple(host for host in draft.inventory.hosts if host in named)
    return hosts or (CONTROLLER,)


def _section(draft: Draft, section: Section, number: int) -> list[PlannedSection]:
    hosts = section_hosts(draft, section.on, section.at("on"))
    waves = waves_of(draft, section)
    single = waves == (EVERYTHING,)
    ids = [str(number)] if single else [f"{number}w{wave}" for wave in range(1, len(waves) + 1)]
    names = [section.name] if single else [_heading(section, waves, index) for index in range(len(waves))]
    headings = [PlannedSection(id=each, name=name, steps=()) for each, name in zip(ids, names, strict=True)]
    return [
        _wave(draft, section, heading, Around(heading.name, hosts, section.shell, said=bool(section.on), wave=wave))
        for heading, wave in zip(headings, waves, strict=True)
    ]


def _wave(draft: Draft, section: Section, heading: PlannedSection, around: Around) -> PlannedSection:
    steps = plan_steps(draft, section.steps, heading.id, around)
    for offset, name in enumerate(section.success, start=1):
        probe = probe_name(draft, name, section.at("success"), label=name)
        step_id = f"{heading.id}.{len(section.steps) + offset}"
        steps += (_check(probe, step_id, section=heading.name),)
    return msgspec.structs.replace(heading, steps=steps, owner=section.owner, expected=section.expected)


def _heading(section: Section, waves: tuple[Wave, ...], index: int) -> str:
    now = sorted(waves[index].now)
    said = ", ".join(now) if len(now) <= _NAMED else f"{len(now)} hosts"
    return f"{section.name} (wave {index + 1} of {len(waves)}: {said})"


def _check(probe: str, step_id: str, *, section: str = HEADING, after: OnFailure = "default") -> PlannedStep:
    """A step that asks a probe and fails when it does not hold."""
    name = f"{probe} holds"
    asking = ProbeAction(probe=probe)
    return PlannedStep(
        id=step_id, name=name, section=section, action=asking, hosts=(CONTROLLER,), durable=False, on_failure=after
    )
