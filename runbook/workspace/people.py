"""Whether the people whom an approval needs can reach a run at all, asked before one is begun.

Three places have to agree: the step's `approvers`, the environment's `roles`, and who gets through the socket
(`[control] allow` in `runbook.toml`). Where they do not, a gate opens at night that nobody can answer. Only a warning:
who is allowed is settled when a run begins, and the file may be another by then.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from runbook.core.actor import Actor
from runbook.core.gate.gates import APPROVERS
from runbook.core.planned.action import ApproveAction
from runbook.core.planned.plan import Environment, Plan, PlannedStep
from runbook.problem import Problem, Where
from runbook.talk.person import person, this_machine
from runbook.view.words import plural
from runbook.workspace.settings import FILE, Settings


def approvals_out_of_reach(plan: Plan, settings: Settings) -> tuple[Problem, ...]:
    """A warning for each approval that too few people can give, of those who get through to a run of this operator."""
    if {"all", "approve"} & set(plan.environment.auto):
        return ()
    machine = this_machine()
    inside = tuple(person(uid, machine=machine) for uid in sorted(settings.allowed))
    return tuple(
        _too_few(step, action, plan.environment, _can_answer(action, plan.environment, inside))
        for step in plan.walk()
        for action in _approvals(step, plan.environment)
        if len(_can_answer(action, plan.environment, inside)) < action.min_required
        # Whoever signs needs no account here: text and signature may come from anywhere.
        and not action.signed
    )


def _approvals(step: PlannedStep, environment: Environment) -> Iterator[ApproveAction]:
    """What a step itself asks other people, and what its environment asks them before it."""
    if isinstance(step.action, ApproveAction):
        yield step.action
    if step.approvals:
        approvers = environment.roles.get(APPROVERS, ())
        yield ApproveAction(message="", approvers=approvers, min_required=step.approvals)


def shut_out(environment: Environment, settings: Settings) -> tuple[str, ...]:
    """People who hold a role and get through to no run, by name or identity as the environment calls them."""
    machine = this_machine()
    inside = [person(uid, machine=machine) for uid in settings.allowed]
    known = {word for one in inside for word in (one.name, one.identity)}
    held = (name for names in environment.roles.values() for name in names)
    return tuple(dict.fromkeys(name for name in held if name not in known))


def _can_answer(action: ApproveAction, environment: Environment, inside: tuple[Actor, ...]) -> list[Actor]:
    meant = set(_meant(action, environment))
    mine = os.getuid()
    return [
        one
        for one in inside
        if (action.allow_self or one.uid != mine) and (not meant or one.name in meant or one.identity in meant)
    ]


def _meant(action: ApproveAction, environment: Environment) -> Iterator[str]:
    """Everybody whom `approvers` name, by themselves or by a role."""
    for approver in action.approvers:
        yield from environment.roles.get(approver, (approver,))


def _too_few(step: PlannedStep, action: ApproveAction, environment: Environment, able: list[Actor]) -> Problem:
    meant = tuple(dict.fromkeys(_meant(action, environment)))
    whom = f" of {', '.join(meant)}" if meant else ""
    own = "" if action.allow_self else ", and never whoever started the run"
    named = ", ".join(f'"{name}"' for name in meant) or '"NAME"'
    return Problem(
        what=f'step {step.id} "{step.name}" needs {plural(action.min_required, "person", "people")}{whom}, '
        f"and {len(able) or 'nobody'} of them can answer a run of yours",
        why=f"only people whom [control] allow in {FILE} names get through to a run{own}",
        fix=f"Write into {FILE}: [control] allow = [{named}]. The whole set-up: runbook help people",
        where=Where(f"step {step.id}"),
        code="approval-out-of-reach",
        warning=True,
    )
