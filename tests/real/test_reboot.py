"""A step restarts a host with systemd: a declared disconnect, believed by another boot id and a login and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runbook.core.events.event import AttemptEnded, AttemptStated, RunEnded
from runbook.core.events.fact import Rebooting
from runbook.core.host import Host
from runbook.core.outcome import Outcome
from runbook.core.planned.fault_action import RebootAction
from runbook.core.planned.plan import PlannedStep
from runbook.core.run import Run
from runbook.feed.live import LiveFeed
from runbook.record.checking.judgement import Judgement
from runbook.record.checking.verify import verify
from tests.hosts.systemd_host import SystemdHost
from tests.place import Place, command, eventually, gone, plan, until
from tests.real.faults.conftest import folder, host, network
from tests.real.openssh import kill

__all__ = ["folder", "host", "network"]

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    made = Place(tmp_path)
    yield made
    await made.close()


def reached(host: SystemdHost, tmp_path: Path) -> Host:
    return Host(
        name="here",
        address=host.address,
        user="root",
        key_files=(str(host.key),),
        known_hosts=(str(tmp_path / "known"),),
        host_keys="accept-new",
        ssh_config="none",
    )


def restarts(timeout: float = 240.0, **fields: object) -> PlannedStep:
    return PlannedStep(id="1.1", name="Restart", action=RebootAction(timeout=timeout), hosts=("here",), **fields)


def boot_of(host: SystemdHost) -> str:
    return host.run("cat /proc/sys/kernel/random/boot_id", fresh=True).stdout.strip()


async def at_last(place: Place, feed: LiveFeed) -> Run:
    """The run's end; a host takes its time to come back."""
    async with asyncio.timeout(300):
        while not any(isinstance(one.event, RunEnded) for one in place.entries(feed.run.id)):
            await asyncio.sleep(0.1)
    return await until(feed, lambda run: run.has_ended)


async def test_it_has_succeeded_when_the_host_is_back_as_another_boot_and_the_next_step_runs_there(
    place: Place, host: SystemdHost, tmp_path: Path
) -> None:
    lives, before = len(host.ended), boot_of(host)
    after = command("1.2", "cat /proc/sys/kernel/random/boot_id", register="boot")
    of = plan(restarts(), after, hosts=(reached(host, tmp_path),))
    feed = await place.start(of, attended=False)
    run = await at_last(place, feed)
    assert run.steps["1.1"].outcome is Outcome.SUCCEEDED, run.steps["1.1"].detail
    assert run.values["boot"].by_host["here"].stdout != before
    assert host.ended[lives:] == [133]
    assert verify(place.folder(run.id)).grade is Judgement.SOUND


async def test_a_runner_that_takes_over_waits_for_the_host_and_restarts_it_no_second_time(
    place: Place, host: SystemdHost, tmp_path: Path
) -> None:
    lives = len(host.ended)
    of = plan(restarts(60.0), hosts=(reached(host, tmp_path),))
    feed = await place.start(of, attended=False)
    entries = place.entries
    await eventually(lambda: any(isinstance(one.event, AttemptStated) for one in entries(feed.run.id)))
    runner = place.runners(feed.run.id)[-1]
    kill(runner)
    await eventually(lambda: gone(runner) and not feed.is_live)
    await place.workspace.resume(feed.run.id)
    run = await at_last(place, await place.watch(feed.run.id))
    told = [one.event for one in entries(run.id) if isinstance(one.event, AttemptStated | AttemptEnded)]
    assert [type(event.fact) for event in told[:1]] == [Rebooting]
    # Killed before the words left, it was never restarted; then nobody does it for a second runner.
    restarted = len(host.ended) - lives
    assert (restarted, run.steps["1.1"].outcome) in {(1, Outcome.SUCCEEDED), (0, Outcome.IN_DOUBT)}
