"""Looking at every host of a plan without a run: the same check that every run begins with, and no record of it.

Uses the step kind itself, so `runbook preflight` can promise no more and no less than the run will demand.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec

from runbook.core.events.event import Checked, Event
from runbook.core.events.fact import Fact
from runbook.core.outcome import Outcome
from runbook.core.planned.action import PreflightAction
from runbook.core.planned.command import Become, Secret
from runbook.core.planned.plan import Plan, PlannedStep
from runbook.core.result import Result
from runbook.engine.clock import SystemClock
from runbook.engine.fleet import Fleet
from runbook.engine.sink import NoSink
from runbook.problem import Problems, problem
from runbook.steps.kind import Bench, Finding, Sample
from runbook.steps.table import kind_for
from runbook.transport.local.connector import LocalConnector
from runbook.transport.session import Connector, Job
from runbook.transport.shell.sudo import Sudos
from runbook.transport.ssh.connector import SshConnector, SshOptions

NO_PASSWORDS: Mapping[str, str] = MappingProxyType({})


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """One host as it was found."""

    host: str
    outcome: Outcome
    detail: str
    checks: tuple[Checked, ...]


async def inspect(
    plan: Plan, folder: Path, sudo: Mapping[str, str] = NO_PASSWORDS, keys: Mapping[str, str] = NO_PASSWORDS
) -> tuple[Inspection, ...]:
    """Open and look at every host of the plan, all at once; the fleet bounds the logins.

    `sudo` is by host what its sudo asks for where it asks, `keys` by path those that were opened with a passphrase.
    """
    sudos = Sudos({host: Secret("sudo password", word) for host, word in sudo.items()})
    clock = SystemClock()
    connectors: dict[str, Connector] = {
        "ssh": SshConnector(SshOptions(wall=clock.wall, sudos=sudos, unlocked=keys)),
        "local": LocalConnector(wall=clock.wall, sudos=sudos),
    }
    fleet = Fleet({host.name: host for host in plan.hosts}, connectors, clock, _forget)
    steps = [step for step in plan.sections[0].steps if isinstance(step.action, PreflightAction)]
    try:
        looks = [_look(fleet, clock, step, host, folder) for step in steps for host in step.hosts]
        return tuple(await asyncio.gather(*looks))
    finally:
        await fleet.close()


def _forget(_event: Event) -> None:
    """Nothing is recorded here."""


async def _look(fleet: Fleet, clock: SystemClock, step: PlannedStep, host: str, folder: Path) -> Inspection:
    checks: list[Checked] = []

    async def report(check: str, ok: bool, detail: str) -> None:  # noqa: FBT001 - the seam's shape
        checks.append(Checked(host=host, check=check, ok=ok, detail=detail))

    bench = Bench(
        planned=step,
        host=host,
        job=Job(id=f"preflight/{host}", limit=step.timeout or 60.0, durable=False),
        sink=NoSink(),
        clock=clock,
        open_session=functools.partial(fleet.session, host),
        new_login=lambda: fleet.new_login(host),
        ask_probe=_no_probe,
        evaluate=_no_expression,
        report=report,
        state=_no_fact,
        folder=folder,
        become=Become(user=step.become_user or "root") if step.become else None,
    )
    action = step.action_on(host)
    try:
        finding: Finding = await kind_for(action).attempt(action, bench)
    except Problems as wrong:
        return Inspection(host=host, outcome=Outcome.UNREACHABLE, detail=str(wrong), checks=tuple(checks))
    return Inspection(host=host, outcome=finding.outcome, detail=finding.detail, checks=tuple(checks))


async def _no_probe(name: str) -> Sample:
    raise problem(f'a preflight asks no probe, not even "{name}"', code="no-probe")


async def _no_fact(fact: Fact) -> None:
    raise problem(f"a preflight keeps no record, not even of {type(fact).__name__}", code="no-record")


def _no_expression(expression: str, _result: Result) -> bool:
    raise problem(f'a preflight evaluates nothing, not even "{expression}"', code="no-expression")
