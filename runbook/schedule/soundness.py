"""What is wrong with a schedule where it is to be kept, found when it is written and not at two in the morning.

Everything here is known beforehand: a moment that never comes, a window that never opens, a secret that would have to
be typed, a gate that nobody is there to answer. A moment that a set clock moves is a warning, once a year.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec.structs import replace

from runbook.calendar.cron import moved
from runbook.calendar.saying import clock_words, date_words
from runbook.core.inventory import Inventory
from runbook.core.written.runbook import Runbook
from runbook.core.written.schedule import Schedule
from runbook.planning.compile import compile_plan
from runbook.planning.draft import Given
from runbook.planning.policy import gates_a_machine_may_not_answer
from runbook.problem import Problem, Problems
from runbook.schedule.agenda import duty_of
from runbook.schedule.duty import Duty
from runbook.schedule.standing import start_window

_OF_PARAMETERS = frozenset({"missing-parameter", "bad-parameter", "unknown-parameter"})
_YEAR = timedelta(days=366)


def unsound(book: Runbook, schedule: Schedule, inventory: Inventory, now: datetime) -> tuple[Problem, ...]:
    """Everything that is wrong with it, and what is worth a warning."""
    duty = duty_of(book, schedule, inventory)
    found = (*_never(book, duty, now), *_moved(book, duty, now))
    return found if schedule.attended else (*found, *unattended(book, schedule, inventory))


def unattended(book: Runbook, schedule: Schedule, inventory: Inventory) -> tuple[Problem, ...]:
    """Why it could not be run where nobody is there."""
    asked = [name for name, one in book.parameters.items() if one.type == "secret" and one.source == "prompt"]
    found = [_secret(book, name) for name in asked]
    given = {name: Given(value, "schedule") for name, value in schedule.parameters.items()}
    try:
        plan = compile_plan(book, inventory, given=given).plan
    except Problems as wrong:
        # Whatever else is wrong with it is wrong whoever runs it, and told there.
        return (*found, *(each for each in wrong.problems if each.code in _OF_PARAMETERS))
    asks = inventory.environment.sudo_password.startswith("prompt")
    if asks and any(step.become for step in plan.walk()):
        found.append(_secret(book, "the password of sudo"))
    return (*found, *(_gate(book, each) for each in gates_a_machine_may_not_answer(plan)))


def _secret(book: Runbook, name: str) -> Problem:
    return Problem(
        what=f"{book.name} cannot be scheduled without anybody: {name} comes from a prompt",
        fix="Use env:, file: or command:, or write attended: true.",
        where=book.at("schedule"),
        code="unattended-secret",
    )


def _gate(book: Runbook, each: Problem) -> Problem:
    return Problem(
        what=f"{book.name} cannot be scheduled without anybody: {each.what}",
        why=each.why,
        fix="Let auto in environment.yaml answer it, or write attended: true.",
        where=book.at("schedule"),
        code="unattended-gate",
    )


def _never(book: Runbook, duty: Duty, now: datetime) -> Iterator[Problem]:
    slot = duty.coming(now, None) if duty.cron is not None else now
    if slot is None:
        what = f'"{duty.cron.text}" does not come within five years' if duty.cron else ""
        yield _problem(book, "never-due", what, "Write a day that there is.")
    elif duty.window is not None and start_window(replace(duty, late=None), slot)[0] is None:
        what = f"{duty.runbook} can never begin in {duty.environment}"
        why = f"{duty.window.text} and the windows and freezes of {duty.environment} are never open together"
        yield _problem(book, "never-open", what, "Move one of them.", why)


def _moved(book: Runbook, duty: Duty, now: datetime) -> Iterator[Problem]:
    if duty.cron is None:
        return
    for moment in moved(duty.cron, now, now + _YEAR):
        when = f"{clock_words(moment, duty.cron.zone)} instead on {date_words(moment, duty.cron.zone)}"
        yield Problem(
            what=f"{duty.runbook} runs at {when}, because the clock is set then",
            fix="Nothing has to be done; another time of day would not be moved.",
            where=book.at("schedule"),
            code="moved-by-clock",
            warning=True,
        )


def _problem(book: Runbook, code: str, what: str, fix: str, why: str = "") -> Problem:
    return Problem(what=what, why=why, fix=fix, where=book.at("schedule"), code=code)
