"""Runs of a shape that several tests begin with."""

from __future__ import annotations

from runbook.core.intent import AnswerGate
from runbook.core.planned.action import Action, CommandAction
from runbook.core.planned.plan import Environment, Plan, PlannedStep
from tests.builders import plan, step
from tests.core.driving import Drive


def changing(of: str, action: Action | None = None, **fields: object) -> PlannedStep:
    """A step that can be undone on its own hosts."""
    hosts = fields.get("hosts", ("db1",))
    return step(of, action, undo=(step(f"{of}.undo.1", CommandAction(shell="undo"), hosts=hosts),), **fields)


def closing(*steps: PlannedStep, **fields: object) -> Plan:
    """A plan with a rollback and a closing step of its own."""
    return plan(*steps, **{"always": (step("A.1"),), "rollback": (step("R.1"),), **fields})


def asking(action: Action, **fields: object) -> Drive:
    """A run that has come to a gate, with a step behind it."""
    opened = {key: fields.pop(key) for key in ("attended", "auto", "replies") if key in fields}
    environment = fields.pop("environment", Environment(name="lab"))
    return Drive(plan(step("1.1", action, **fields), step("1.2"), environment=environment), **opened).go()


def answer(answer: str, **fields: object) -> AnswerGate:
    """An answer to the gate of `asking`."""
    return AnswerGate(gate="1.1#1", answer=answer, **fields)
