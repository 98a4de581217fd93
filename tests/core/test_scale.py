"""A thousand hosts cost a thousand times one host, and not a million: the core looks at what is in flight, not at all."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

import pytest

from runbook.core.events.entry import Entry
from runbook.core.events.event import Checked
from runbook.core.fold.evolve import fold
from runbook.core.outcome import Outcome
from runbook.core.planned.plan import Plan
from tests.builders import Story, plan, step
from tests.core.driving import Drive

STEPS = 4
SLACK = 2.5
"""How much dearer an event may be with ten times the hosts: maps are a level deeper, caches are colder."""


def fleet(hosts: int, steps: int = STEPS, **fields: object) -> Plan:
    names = tuple(f"web{number:04}" for number in range(hosts))
    return plan(*(step(f"1.{number}", hosts=names, **fields) for number in range(1, steps + 1)))


def cost_of_an_event(make: Callable[[], Drive]) -> float:
    """Seconds per event, the better of two runs."""
    costs = []
    for _ in range(2):
        drive = make()
        gc.collect()
        gc.disable()
        began = time.process_time()
        drive.go()
        costs.append((time.process_time() - began) / len(drive.events))
        gc.enable()
        assert drive.run.has_ended
    return min(costs)


EVERY_TENTH_FAILS = {f"web{number:04}": Outcome.FAILED for number in range(0, 1000, 10)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fields", "failing"),
    [
        ({"concurrency": 20}, False),
        ({"concurrency": 20, "max_errors": 1000}, True),
        ({"concurrency": 20, "max_errors": 1000, "retries": 1, "delay": 0.5}, True),
        ({"concurrency": 20, "waves": tuple([10] * 100)}, False),
    ],
    ids=["all well", "a tenth tolerated", "a tenth retried", "in waves of ten"],
)
def test_an_event_among_a_thousand_hosts_costs_little_more_than_among_a_hundred(
    fields: dict[str, object], failing: bool
) -> None:
    outcomes = {
        f"1.{number}@{host}": outcome
        for number in range(1, STEPS + 1)
        for host, outcome in (EVERY_TENTH_FAILS if failing else {}).items()
    }
    few = cost_of_an_event(lambda: Drive(fleet(100, **fields), outcomes=outcomes))
    many = cost_of_an_event(lambda: Drive(fleet(1000, **fields), outcomes=outcomes))
    assert many <= SLACK * few, f"{many * 1e6:.0f} us an event among 1000 hosts, {few * 1e6:.0f} us among 100"


def cost_of_checks(hosts: int) -> float:
    """Seconds that folding seven checks of each host takes, the least of three."""
    looked = [
        Checked(host=f"web{host:04}", check=f"check {number}", ok=True) for number in range(7) for host in range(hosts)
    ]
    costs = []
    for _ in range(3):
        run = Story(fleet(hosts)).start().run
        entries = [Entry(seq=run.seq + count, at=run.now, wall="", event=event) for count, event in enumerate(looked)]
        gc.collect()
        began = time.process_time()
        fold(run, entries)
        costs.append(time.process_time() - began)
    return min(costs)


@pytest.mark.slow
def test_the_checks_of_a_thousand_hosts_cost_little_more_each_than_those_of_a_hundred() -> None:
    assert cost_of_checks(1000) <= 10 * SLACK * cost_of_checks(100)


@pytest.mark.slow
def test_a_thousand_hosts_and_twenty_steps_run_to_their_end() -> None:
    drive = Drive(fleet(1000, steps=20)).go()
    assert len(drive.did) == 20_000
    assert drive.run.ended == "every step is done"
