"""Gives every step of a plan its role, and every undo the step that it takes back, from where they stand in the tree.

Asked when a plan is made and when one is read (`evolve.open_run`): records that were written before there were roles
have none, and what a record claims about a step is not believed where its place says otherwise.
"""

from __future__ import annotations

from msgspec.structs import replace

from runbook.core.planned.plan import Plan, PlannedSection, PlannedStep, StepId
from runbook.core.planned.role import Role

Steps = tuple[PlannedStep, ...]


def cast(plan: Plan) -> Plan:
    """The plan with the roles that its tree gives."""
    return replace(
        plan,
        sections=tuple(_section(section) for section in plan.sections),
        rollback=_each(plan.rollback, Role.ROLLBACK, ""),
        always=_each(plan.always, Role.CLOSING, ""),
    )


def _section(section: PlannedSection) -> PlannedSection:
    return replace(section, steps=_each(section.steps, Role.FORWARD, ""))


def _each(steps: Steps, role: Role, undoes: StepId) -> Steps:
    return tuple(_cast(step, role, undoes) for step in steps)


def _cast(step: PlannedStep, role: Role, undoes: StepId) -> PlannedStep:
    """The step in its role, and all that stands inside it."""
    return replace(
        step,
        role=role,
        undoes=undoes,
        steps=_each(step.steps, role, undoes),
        rescue=_each(step.rescue, role.inside(Role.RESCUE), undoes),
        always=_each(step.always, role.inside(Role.ALWAYS), undoes),
        undo=_each(step.undo, Role.UNDO, step.id),
    )
