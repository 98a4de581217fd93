"""The PostgreSQL drills on real servers: what they measure is so, there are never two primaries, and a restore restores."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from runbook.core.events.event import CanarySampled
from runbook.core.fold.recovery import recovery
from runbook.core.fold.recovery_point import recovery_point
from runbook.core.fold.verdict import verdicts
from runbook.core.run import Run
from runbook.record.checking.verify import Judgement, verify
from tests.hosts.network import Network, ip
from tests.hosts.postgresql import Pair, pair
from tests.place import Place, eventually
from tests.real.drill import Drill, Watch, outage, primaries
from tests.real.faults.conftest import folder, network

__all__ = ["folder", "network"]

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(600)]

LOST = "drills/chaos/postgresql-primary-lost.yaml"
RESTORE = "drills/restore/postgresql-restore.yaml"
RUNS = int(os.environ.get("RUNBOOK_DRILL_RUNS", "1"))
LATE = """\
add table inet late
add chain inet late in { type filter hook prerouting priority -400; }
add rule inet late in ip saddr %s drop
"""
LEASE = 10
"""Seconds; the drill's own is longer than a test can wait for."""


@pytest.fixture(scope="module")
def servers(network: Network, folder: Path) -> Iterator[Pair]:
    with pair(network, folder) as made:
        yield made


@pytest.fixture
def kept(servers: Pair) -> Iterator[None]:
    servers.keep()
    yield
    servers.keep_no_more()


@pytest.fixture
def watch(servers: Pair, tmp_path: Path) -> Iterator[Watch]:
    looks = Watch(servers, tmp_path / "watch")
    yield looks
    looks.end()


@pytest.fixture
async def drill(tmp_path: Path, servers: Pair) -> AsyncIterator[Drill]:
    place = Place(tmp_path)
    yield Drill(place, {"db1": servers.primary, "db2": servers.standby, "app1": servers.client})
    await place.close()


async def falls_behind(servers: Pair, marks: int) -> None:
    """What the primary sends does not arrive any more, until so many marks are on it alone."""
    servers.standby.said(f"nft -f - <<'END'\n{LATE % servers.primary.address}END")
    await eventually(lambda: len(servers.marks(servers.primary) - servers.marks(servers.standby)) >= marks)


@contextlib.contextmanager
def cut_off(address: str) -> Iterator[None]:
    """Whatever this machine sends to a host goes nowhere; the hosts hear each other as before."""
    route = ["blackhole", f"{address}/32"]
    ip("route", "add", *route)
    try:
        yield
    finally:
        ip("route", "delete", *route)


@pytest.mark.parametrize("number", range(RUNS))
async def test_its_times_are_those_of_a_stopwatch_and_its_loss_is_what_is_missing(
    drill: Drill, servers: Pair, watch: Watch, number: int
) -> None:
    await drill.begins(LOST, {"loss": "partition"})
    await drill.asks("Start the outage?")
    await falls_behind(servers, marks=3 + number)
    await drill.answers("Start the outage?", typed="db1")
    await drill.asks("Declare the failover")
    servers.standby.said("nft delete table inet late")
    await drill.answers("Declare the failover")
    await drill.asks("Bring the old primary back?")
    missing = servers.marks(servers.primary) - servers.marks(servers.standby)
    await drill.answers("Bring the old primary back?")
    await drill.answers("Change the roles back?")
    run = await drill.ends()
    assert primaries(watch.writes) == ["primary", "standby", "primary"]
    took, (least, most) = recovery(run), outage(watch.writes)
    assert took.seconds is not None
    assert (took.seconds >= least, took.seconds - took.error <= most) == (True, True), (took, least, most)
    written = {event.mark: event.ok for event in drill.events(CanarySampled) if event.kind == "write"}
    loss = recovery_point(run)
    assert loss is not None
    assert loss.lost == len([mark for mark in missing if written.get(mark)]) >= 3 + number
    assert verdicts(run).is_green, verdicts(run)
    assert verify(drill.place.folder(run.id)).grade is Judgement.SOUND
    assert servers.streams()


def shorter(book: str) -> str:
    """The drill, with a lease that a test can outlive."""
    return book.replace("lease: 30s", f"lease: {LEASE}s")


def loose(book: str) -> str:
    """The same, without what holds the old primary after the promotion."""
    return "".join(line for line in shorter(book).splitlines(keepends=True) if "then_lease" not in line)


async def test_a_primary_that_is_held_stays_away_when_the_link_is_cut_after_the_promotion(
    drill: Drill, servers: Pair, watch: Watch
) -> None:
    run = await lost_with_its_link(drill, servers, watch, shorter)
    assert primaries(watch.writes) == ["primary", "standby", "primary"]
    assert [fault.reverted_by for fault in run.faults.values()] == ["runner"]
    assert verdicts(run).is_green, verdicts(run)


@pytest.mark.skipif(RUNS == 1, reason="it shows that the test before it can fail, which is for the night")
async def test_one_that_is_not_held_comes_back_beside_the_new_primary(
    drill: Drill, servers: Pair, watch: Watch
) -> None:
    run = await lost_with_its_link(drill, servers, watch, loose)
    assert len(primaries(watch.writes)) > len(["primary", "standby", "primary"])
    assert [fault.reverted_by for fault in run.faults.values()] == ["lease"]


async def lost_with_its_link(drill: Drill, servers: Pair, watch: Watch, change: Callable[[str], str]) -> Run:
    """Longer than its lease lasts, and a server takes to start."""
    await drill.begins(LOST, {"loss": "crash"}, change=change)
    await drill.answers("Start the outage?", typed="db1")
    await drill.answers("Declare the failover")
    await drill.asks("Bring the old primary back?")
    with cut_off(servers.primary.address):
        await watch.goes_on(LEASE + 16)
        await drill.until(lambda run: run.lost)
    await drill.until(lambda run: not run.lost)
    await drill.answers("Bring the old primary back?")
    await drill.answers("Change the roles back?")
    return await drill.ends()


async def test_a_restore_gives_back_what_was_there_at_its_moment_and_nothing_later(
    drill: Drill, servers: Pair, kept: None
) -> None:
    first, second = set(range(1, 301)), set(range(301, 401))
    servers.ask(servers.primary, f"insert into orders select generate_series({min(first)}, {max(first)})")
    await drill.begins(RESTORE, {"keeper": "app1"})
    await drill.answers("Make the mistake?")
    await drill.asks("Begin to restore?")
    servers.ask(servers.primary, f"insert into orders select generate_series({min(second)}, {max(second)})")
    await drill.answers("Begin to restore?")
    await drill.asks("Drop what was restored?")
    restored = {int(number) for number in servers.ask(servers.client, "select number from orders", "restored").split()}
    newest = servers.ask(servers.client, "select extract(epoch from max(at)) from runbook_canary", "restored")
    await drill.answers("Drop what was restored?")
    run = await drill.ends()

    assert restored & (first | second) == first
    assert verdicts(run).is_green, verdicts(run)
    loss, took = recovery_point(run), recovery(run)
    assert loss is not None
    assert took.seconds is not None
    mistake, back = drill.ended_at("It is deleted"), drill.ended_at("It answers, and takes writes")
    assert (loss.method, loss.lost) == ("backup", None)
    # A commit is stamped a little later than its row.
    assert loss.seconds - loss.error - 0.5 <= mistake - float(newest) <= loss.seconds + 0.5
    assert took.seconds == pytest.approx(back - mistake, abs=0.5)
    assert servers.client.run("pg_lsclusters -h | grep restored").stdout == ""
