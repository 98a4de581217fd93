"""Entering a step: its condition, what it waits for, and exactly what will be sent where.

The last templates are rendered here, masked, and put on record before any gate lets them through; what is sent later
must look the same (`rendering.py`). A template that fails fails the step, in words, and sends nothing.

Entering touches nothing outside, but on a large fleet it takes its time. So it is work like any other, in slices that
let everybody else have a turn, over the run as it stood when it began; and what it comes to is an answer that counts
only while nothing has changed that it rests on. Otherwise it is done again, or, after a halt, never asked for.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from operator import is_
from pathlib import Path
from typing import TypeVar, cast

from msgspec.structs import replace

from runbook.core.clock import Clock
from runbook.core.effect import Enter
from runbook.core.events.event import Event, StepEnded, StepEntered, StepSkipped
from runbook.core.fold.registering import skipped_names
from runbook.core.fold.rollback import rollback
from runbook.core.fold.verdict import verdict_by_now
from runbook.core.host import Json
from runbook.core.outcome import Outcome
from runbook.core.planned.action import Action, LoopAction, UploadAction, WaitAction
from runbook.core.planned.command import Secret
from runbook.core.planned.fault_action import FaultAction, peers_by_name, with_addresses
from runbook.core.planned.plan import PlannedStep, StepId
from runbook.core.planned.shown import EVERYWHERE, Shown, digest_of, texts_of
from runbook.core.planned.turns import forgotten_items, items_around
from runbook.core.result import Result
from runbook.core.rules import fanout
from runbook.core.run import Run, StepPhase, StepState
from runbook.engine.log import log_crash
from runbook.engine.masked import masked
from runbook.engine.rendering import Grounds, Opened, Visit, grounds_of
from runbook.engine.unlogged import is_unlogged, reason
from runbook.engine.workers import Answer
from runbook.planning.pins import Found, pinned
from runbook.problem import Problems, problem
from runbook.template.scope import InOrder, Scope
from runbook.template.template import Evaluation, evaluate, names_in_expression
from runbook.transport.local.files import here
from runbook.transport.local.look_up import addresses_of
from runbook.transport.local.measuring import measure_at, measure_files_at
from runbook.transport.local.trees import is_many

V = TypeVar("V")

SLICE = 0.01
"""Seconds of work after which others get a turn of the loop: gates are answered and probes asked meanwhile."""

_TIME_OF_DAY = re.compile(r"(\d{1,2}):(\d{2})$")


class Entering:
    """Answers `Enter` effects, and renders what an attempt sends."""

    def __init__(self, secrets: tuple[Secret, ...], mask: Callable[[str], str], clock: Clock, *, folder: Path) -> None:
        """`mask` is applied to every text that goes on record; files that steps send are sought from `folder`."""
        self._folder = folder
        self._secrets = {secret.name: secret for secret in secrets}
        self._mask = mask
        self._clock = clock
        self._opened: Opened | None = None
        self._visits: dict[StepId, Visit] = {}
        """Of steps that are not over; whatever is not here is rendered again."""

    async def enter(self, run: Run, effect: Enter) -> Answer:
        """What enters a step, skips it, or fails it before anything is sent, as long as `run` still tells the truth."""
        state = run.steps[effect.step]
        names: frozenset[str] = frozenset()
        try:
            names = frozenset(state.planned.awaits) | _names_in_condition(state.planned)
            events = await self._entered(run, state)
        except Problems as wrong:
            events = _failed(state, self._mask(reason(state.planned, wrong)))
        except Exception as crash:  # noqa: BLE001 - a mistake of ours fails the step; it must not end every runner
            log_crash(crash)
            events = _failed(state, f"runbook itself failed ({type(crash).__name__}); nothing was sent")
        grounds = _grounds(run, state, names)
        return lambda now: events if _grounds(now, state, names) == grounds else ()

    async def _entered(self, run: Run, state: StepState) -> tuple[Event, ...]:
        planned, slices = state.planned, _Slices(self._clock)
        left_out = {host: self._mask(why) for host, why in fanout.targets(run, state).items() if why}
        hosts = [host for host in planned.hosts if host not in left_out]
        visit = self.visit(run, planned)
        refused = await self._refused(visit, hosts or [""], slices)
        if refused and len(refused) >= len(hosts):
            return (self._skipped(state, list(refused.values())[-1]),)
        left_out |= dict.fromkeys(refused, self._mask(f"when: {planned.when}"))
        hosts = [host for host in hosts if host not in refused]
        if planned.hosts and not hosts:
            return (StepSkipped(step=state.id, reason="; ".join(dict.fromkeys(left_out.values()))),)
        shown = await slices.over(hosts or [EVERYWHERE], visit.shown)
        if planned.waits:
            shown |= await self._measured(visit, shown) | await _addressed(run, shown)
        _keep_undoable(run, state, next(iter(shown.values())).action)
        texts = texts_of(shown)
        return (
            StepEntered(
                step=state.id,
                hosts=tuple(hosts),
                left_out=left_out,
                shown=texts,
                digest=digest_of(texts, hosts),
                wait=self._wait(next(iter(shown.values())).action),
            ),
        )

    async def _measured(self, visit: Visit, shown: Mapping[str, Shown]) -> dict[str, Shown]:
        """What is shown to the hosts that are sent a file of which the plan could not say what it holds.

        Raises:
            Problems: There is no such file, or nothing that can be sent.
        """
        found: dict[str, Found] = {}
        pinned_on: dict[str, Shown] = {}
        for host, one in shown.items():
            if not isinstance(one.action, UploadAction) or one.action.sha256:
                continue
            # What is shown has its secrets masked; the file has to be sought under its real name.
            src = cast("UploadAction", visit.sent(host).action).src
            found[src] = found.get(src) or await _look_at(here(self._folder, src), src)
            action = pinned(one.action, found[src], keeps_mode=not visit.planned.become)
            pinned_on[host] = replace(one, action=action)
        return pinned_on

    async def _refused(self, visit: Visit, hosts: list[str], slices: _Slices) -> dict[str, Evaluation]:
        """The hosts whose condition is false, and what it looked at."""
        condition, known = visit.planned.when, visit.scope.hosts
        if not condition:
            return {}
        said = await slices.over(hosts, lambda host: evaluate(condition, visit.scope.asking(known.get(host))))
        return {host: one for host, one in said.items() if not one.verdict}

    def _skipped(self, state: StepState, refused: Evaluation) -> StepSkipped:
        """Its condition is false everywhere."""
        condition = state.planned.when
        values = {} if is_unlogged(state.planned) else masked(refused.values, self._mask)
        why = f"its condition is false: {condition}"
        return StepSkipped(step=state.id, reason=why, expression=condition, values=values)

    def visit(self, run: Run, planned: PlannedStep) -> Visit:
        """The step with the values it waits for now: the one that is kept, unless one of them has changed since."""
        grounds = grounds_of(run, planned)
        kept = self._visits.get(planned.id)
        if kept is not None and kept.planned is planned and all(map(is_, kept.grounds, grounds)):
            return kept
        if self._opened is None:
            self._opened = Opened(run.plan, self._secrets.values())
        visit = Visit(
            planned=planned,
            scope=self.scope(run, planned=planned),
            mask=self._mask,
            opened=self._opened,
            grounds=grounds,
        )
        if planned.id in run.steps:
            self._visits = {step: one for step, one in self._visits.items() if not _is_over(run, step)}
            self._visits[planned.id] = visit
        return visit

    def scope(
        self,
        run: Run,
        host: str = "",
        *,
        planned: PlannedStep | None = None,
        own: Mapping[str, Mapping[str, Result]] | None = None,
    ) -> Scope:
        """Every name that a template or an expression may use on a host: in a step also its items and `own` results."""
        items = items_around(run, planned) if planned else {}
        return self._names(run, items).asking(run.hosts.get(host), own)

    def _names(self, run: Run, items: Mapping[str, Json]) -> Scope:
        """The names that all hosts share."""
        return Scope(
            parameters={
                **{one.name: one.value for one in run.plan.parameters if not one.secret},
                **self._secrets,
                **items,
            },
            registered={name: InOrder(value.by_host, run.hosts) for name, value in run.values.items()},
            skipped=skipped_names(run),
            hosts=run.hosts,
            groups=run.plan.groups,
            run={
                "id": run.id,
                "name": run.plan.runbook,
                "title": run.plan.title,
                "operator": run.operator.name,
                "environment": run.plan.environment.name,
                "verdict": verdict_by_now(run),
                "rollback": rollback(run).verdict,
            },
        )

    def _wait(self, action: Action) -> float:
        if not isinstance(action, WaitAction):
            return 0.0
        if not action.until:
            return action.seconds
        return _seconds_until(action.until, datetime.fromtimestamp(self._clock.wall(), UTC))


async def _addressed(run: Run, shown: Mapping[str, Shown]) -> dict[str, Shown]:
    """What is shown to the hosts whose fault names peers that are no addresses yet.

    Raises:
        Problems: A name has no address.
    """
    faults = {host: one.action for host, one in shown.items() if isinstance(one.action, FaultAction)}
    targets = {name: run.hosts[name].target if name in run.hosts else name for name in _peers(faults.values())}
    found = {name: await addresses_of(target) for name, target in targets.items()}
    return {host: replace(shown[host], action=with_addresses(action, found)) for host, action in faults.items()}


def _peers(faults: Iterable[FaultAction]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for action in faults for name in peers_by_name(action)))


class _Slices:
    """Long work in the loop, cut into pieces that nobody notices. One host's share is never cut."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.monotonic()

    async def over(self, hosts: Iterable[str], work: Callable[[str], V]) -> dict[str, V]:
        """What the work gives for each host."""
        done: dict[str, V] = {}
        for host in hosts:
            if self._clock.monotonic() - self._began >= SLICE:
                await asyncio.sleep(0)
                self._began = self._clock.monotonic()
            done[host] = work(host)
        return done


def _grounds(run: Run, state: StepState, names: frozenset[str]) -> Grounds:
    """What entering a step rests on: whether the run still goes there, whom it reaches, and the values it names."""
    items = items_around(run, state.planned)
    return (run.stop, fanout.targets(run, state), items, *(run.values.get(name) for name in sorted(names)))


async def _look_at(path: Path, src: str) -> Found:
    """What a file, a folder or a pattern stands for now.

    Raises:
        Problems: Nothing that can be sent.
    """
    is_tree = await asyncio.to_thread(is_many, path, src)
    return await measure_files_at(path, src) if is_tree else await measure_at(path)


def _keep_undoable(run: Run, state: StepState, action: Action) -> None:
    """A loop that is entered again must not lose the items by which its turns are undone.

    Raises:
        Problems: it would.
    """
    lost = forgotten_items(run, state, action.items) if isinstance(action, LoopAction) else ()
    if lost:
        what = f"the items of the loop are others than before, and {', '.join(lost[:6])} could not be undone any more"
        raise problem(
            what, fix="Roll back, or go on without this step and take care of them by hand.", code="other-items"
        )


def _failed(state: StepState, detail: str) -> tuple[Event, ...]:
    return (StepEntered(step=state.id), StepEnded(step=state.id, outcome=Outcome.FAILED, detail=detail))


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


def _is_over(run: Run, step: StepId) -> bool:
    return run.steps[step].phase is StepPhase.ENDED


def _names_in_condition(planned: PlannedStep) -> frozenset[str]:
    return names_in_expression(planned.when) if planned.when else frozenset()
