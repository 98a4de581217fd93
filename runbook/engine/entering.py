"""Entering a step: its condition, what it waits for, and exactly what will be sent where.

The last templates are rendered here, masked, and put on record before any gate lets them through; what is sent later is
rendered again with secrets and must then look the same. A template that fails fails the step, in words, and sends
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from operator import is_
from typing import TypeVar

from runbook.core import fanout
from runbook.core.action import Action, WaitAction
from runbook.core.clock import Clock
from runbook.core.command import Secret
from runbook.core.effect import Enter
from runbook.core.event import Event, StepEnded, StepEntered, StepSkipped
from runbook.core.outcome import Outcome
from runbook.core.plan import PlannedStep, StepId
from runbook.core.result import Result
from runbook.core.run import Run, StepPhase, StepState
from runbook.core.shown import digest_of
from runbook.core.verdict import verdicts
from runbook.engine.log import log_crash
from runbook.engine.masked import masked
from runbook.engine.rendering import Visit, grounds_of
from runbook.problem import Problems, problem
from runbook.template.scope import InOrder, Scope
from runbook.template.template import Evaluation, evaluate

V = TypeVar("V")

_TIME_OF_DAY = re.compile(r"(\d{1,2}):(\d{2})$")


class Entering:
    """Answers `Enter` effects, and renders what an attempt sends."""

    def __init__(self, secrets: tuple[Secret, ...], mask: Callable[[str], str], clock: Clock) -> None:
        """`mask` is applied to every text that goes on record."""
        self._secrets = {secret.name: secret for secret in secrets}
        self._mask = mask
        self._clock = clock
        self._visits: dict[StepId, Visit] = {}
        """Of steps that are not over; whatever is not here is rendered again."""

    def enter(self, run: Run, effect: Enter) -> tuple[Event, ...]:
        """The events that enter a step, skip it, or fail it before anything is sent."""
        state = run.steps[effect.step]
        try:
            return self._entered(run, state)
        except Problems as wrong:
            detail = self._mask("; ".join(str(one) for one in wrong.problems))
        except Exception as crash:  # noqa: BLE001 - a mistake of ours fails the step; it must not end every runner
            log_crash(crash)
            detail = f"runbook itself failed ({type(crash).__name__}); nothing was sent"
        failed = StepEnded(step=state.id, outcome=Outcome.FAILED, detail=detail)
        return (StepEntered(step=state.id), failed)

    def _entered(self, run: Run, state: StepState) -> tuple[Event, ...]:
        planned = state.planned
        left_out = {host: why for host, why in fanout.targets(run, state).items() if why}
        hosts = [host for host in planned.hosts if host not in left_out]
        visit = self.visit(run, planned)
        refused: Evaluation | None = None
        if planned.when:
            for host in hosts or [""]:
                said = evaluate(planned.when, visit.scope.asking(run.hosts.get(host)))
                if not said.verdict:
                    refused = said
                    left_out[host] = f"when: {planned.when}"
            hosts = [host for host in hosts if host not in left_out]
        if refused is not None and not hosts:
            values = masked(refused.values, self._mask)
            reason = f"its condition is false: {planned.when}"
            return (StepSkipped(step=state.id, reason=reason, expression=planned.when, values=values),)
        if planned.hosts and not hosts:
            return (StepSkipped(step=state.id, reason="; ".join(dict.fromkeys(left_out.values()))),)
        shown = {host: visit.shown(host) for host in hosts or ["*"]}
        rendered = _told(planned, {host: one.action for host, one in shown.items()})
        around = _told(planned, {host: one.around for host, one in shown.items()}) if _has_around(planned) else {}
        left_out.pop("", None)
        return (
            StepEntered(
                step=state.id,
                hosts=tuple(hosts),
                left_out={host: self._mask(why) for host, why in left_out.items()},
                rendered=rendered,
                around=around,
                digest=digest_of(shown),
                wait=self._wait(rendered.get("*", planned.action)),
            ),
        )

    def visit(self, run: Run, planned: PlannedStep) -> Visit:
        """The step with the values it waits for now: the one that is kept, unless one of them has changed since."""
        grounds = grounds_of(run, planned)
        kept = self._visits.get(planned.id)
        if kept is not None and kept.planned is planned and all(map(is_, kept.grounds, grounds)):
            return kept
        visit = Visit(planned=planned, scope=self._names(run), mask=self._mask, grounds=grounds)
        if planned.id in run.steps:
            self._visits = {step: one for step, one in self._visits.items() if not _is_over(run, step)}
            self._visits[planned.id] = visit
        return visit

    def scope(self, run: Run, host: str = "", **own: Mapping[str, Result]) -> Scope:
        """Every name that a template or an expression of this run may use on a host; `own` are results of it."""
        return self._names(run).asking(run.hosts.get(host), own)

    def _names(self, run: Run) -> Scope:
        """The names that all hosts share."""
        verdict = verdicts(run).run if run.has_ended else ("failed" if run.stop else "completed")
        if run.stop is not None and run.stop.halted:
            verdict = "aborted"
        return Scope(
            parameters={**{one.name: one.value for one in run.plan.parameters if not one.secret}, **self._secrets},
            registered={name: InOrder(value.by_host, run.hosts) for name, value in run.values.items()},
            hosts=run.hosts,
            groups=run.plan.groups,
            run={
                "id": run.id,
                "name": run.plan.runbook,
                "title": run.plan.title,
                "operator": run.operator.name,
                "environment": run.plan.environment.name,
                "verdict": verdict,
            },
        )

    def _wait(self, action: Action) -> float:
        if not isinstance(action, WaitAction):
            return 0.0
        if not action.until:
            return action.seconds
        return _seconds_until(action.until, datetime.fromtimestamp(self._clock.wall(), UTC))


def _seconds_until(text: str, now: datetime) -> float:
    """Seconds until `HH:MM` (the next one, in UTC) or an ISO time; 0 when that has passed.

    Raises:
        Problems: It is neither.
    """
    clock = _TIME_OF_DAY.match(text.strip())
    try:
        if clock:
            then = now.replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
            return (then - now if then >= now else then - now + timedelta(days=1)).total_seconds()
        then = datetime.fromisoformat(text)
        then = then.replace(tzinfo=UTC) if then.tzinfo is None else then
    except ValueError as wrong:
        raise problem(
            f'"{text}" is no time to wait until', why=str(wrong), fix='Write "06:30" or "2026-11-30T06:30Z".'
        ) from wrong
    return max(0.0, (then - now).total_seconds())


def _told(planned: PlannedStep, by_host: dict[str, V]) -> dict[str, V]:
    """By host what the plan could not show; one for all where all are the same, nothing where the plan has it."""
    if not planned.awaits:
        return {}
    first = next(iter(by_host.values()))
    return {"*": first} if all(value == first for value in by_host.values()) else by_host


def _is_over(run: Run, step: StepId) -> bool:
    return run.steps[step].phase is StepPhase.ENDED


def _has_around(planned: PlannedStep) -> bool:
    return bool(planned.env or planned.cwd or planned.become_user)
