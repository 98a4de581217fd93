"""Nothing stays broken, whatever holds the way back: the kernel, a unit, or the next boot.

On a host with systemd, at every point of the lease protocol: the runner is killed, the cable is cut, both, or the host
loses its power. In time it is whole by `present`, asked inside of it while nobody can reach it, and by effect, seen from
outside. Reverted is not recovered: a connection from before has to answer or to be dead for certain, no socket may be left
half open, no route lost.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from runbook.core.events.event import Event
from runbook.core.events.fault_event import FaultArming
from runbook.core.fold.verdict import verdicts
from runbook.core.host import Host
from runbook.core.planned.fault_action import FaultAction
from runbook.record.checking.verify import Judgement, verify
from tests.hosts.systemd_host import SystemdHost, wait_until
from tests.place import Place
from tests.real import dying
from tests.real.dying import LATE, LEASE, LIVE, POINTS, breaking, tried
from tests.real.faults.trial import sweep

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(600)]

OTHER = "sed 's/8080/8081/' /opt/app.pl >/var/tmp/other.pl; systemd-run -q --unit=other perl /var/tmp/other.pl"
"""A second server, for a connection that is there before anything is broken."""


@dataclass(frozen=True)
class Kind:
    """One guarantee, by a fault that rests on it."""

    letter: str
    fault: str
    arguments: Callable[[SystemdHost], dict[str, object]]
    is_broken: Callable[[SystemdHost], bool]
    """From outside."""

    def __str__(self) -> str:
        return self.fault


KINDS = (
    Kind("K", "partition", lambda host: {"peers": [host.network.own]}, lambda host: host.ask("ping") != "pong"),
    Kind("S", "service-stop", lambda host: {"unit": "app.service"}, lambda host: host.ask("ping") != "pong"),
    Kind(
        "P",
        "disk-fill",
        lambda host: {"path": "/var/tmp", "size": "1MiB"},
        lambda host: any((host.root / "var/tmp").glob(".runbook-*")),
    ),
)

CASES = tried(
    itertools.product(KINDS, POINTS, ("runner", "link", "both", "host")),
    frozenset(
        {
            ("partition", "FaultInjected", "both"),
            ("service-stop", "FaultEffect", "runner"),
            ("disk-fill", "LeaseRenewed", "host"),
        }
    ),
)


class Line:
    """A connection to the second server, from before."""

    def __init__(self, host: SystemdHost) -> None:
        self._wire = socket.create_connection((host.address, 8081), 5)
        assert self.ask() == "pong"

    def say(self) -> None:
        """Something is on its way, to be sent again and again."""
        try:
            self._wire.sendall(b"ping\n")
        except OSError:
            pass  # Known to be dead.

    def ask(self, within: float = 5.0) -> str:
        """`pong`; `dead` where both know it; `silent` where one of them still waits."""
        self._wire.settimeout(within)
        try:
            self._wire.sendall(b"ping\n")
            return self._wire.recv(4096).decode().split("\n")[0] or "dead"
        except TimeoutError:
            return "silent"
        except OSError:
            return "dead"

    def close(self) -> None:
        self._wire.close()


class Scene(dying.Scene):
    """A host, and what it was before."""

    def __init__(self, place: Place, host: SystemdHost, kind: Kind) -> None:
        super().__init__(place)
        self.host, self.kind = host, kind
        self.routes = host.said("ip route; ip -6 route | sed 's/expires.*//'")
        self.line = Line(host)

    async def breaks(self, tmp_path: Path) -> None:
        host = Host(
            name="here",
            address=self.host.address,
            user="root",
            key_files=(str(self.host.key),),
            known_hosts=(str(tmp_path / "known"),),
            host_keys="accept-new",
            ssh_config="none",
        )
        action = FaultAction(
            fault=self.kind.fault, arguments=self.kind.arguments(self.host), duration=300.0, lease=LEASE
        )
        await self.begin(breaking(host, action))

    def inside(self, text: str) -> str:
        """What the host prints for a text, whether or not anybody can reach it."""
        children = Path(f"/proc/{self.host._process.pid}/task/{self.host._process.pid}/children").read_text().split()
        if not children:
            return "it does not run"
        done = subprocess.run(
            ["nsenter", "-t", children[0], "-m", "-u", "-i", "-n", "-p", "/bin/sh"],
            input=text, capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        return done.stdout.strip()

    def is_absent(self) -> bool:
        """Every fault of the run is, by its own word."""
        for laid in self.events(FaultArming):
            here = f"export RUNBOOK_OWN={laid.lease_id} RUNBOOK_HERE={laid.directory}/{laid.lease_id}\n"
            if self.inside(f"{here}{laid.present}").splitlines()[-1:] != ["absent"]:
                return False
        return True

    async def is_recovered(self) -> None:
        """By effect; and nothing of what it broke on the way is left behind it."""
        await self.soon(lambda: not self.kind.is_broken(self.host), LATE)
        assert await asyncio.to_thread(self.line.ask, 30.0) in {"pong", "dead"}
        self.line.close()
        sockets = "ss -Htn state established state fin-wait-1 state close-wait '( sport = :8080 or sport = :8081 )'"
        await self.soon(lambda: self.host.said(sockets) == "", 30.0)
        assert self.host.said("ip route; ip -6 route | sed 's/expires.*//'") == self.routes


@pytest.fixture
def well(host: SystemdHost) -> Iterator[SystemdHost]:
    """As it is before, and after, whatever the test did."""
    wait_until(lambda: host.ask("ping") == "pong", 30, "the host is well before")
    if host.ask("ping", port=8081) != "pong":
        host.said(f"systemctl reset-failed other 2>/dev/null; {OTHER}")
        wait_until(lambda: host.ask("ping", port=8081) == "pong", 20, "the other server answers")
    yield host
    host.join()
    host.wait_for_login(60)
    sweep(host)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    made = Place(tmp_path)
    yield made
    await made.close()


@pytest.mark.parametrize(("kind", "point", "dies"), CASES)
async def test_wherever_it_dies_its_host_is_whole_within_its_lease_and_has_recovered(
    place: Place, well: SystemdHost, tmp_path: Path, kind: Kind, point: type[Event], dies: str
) -> None:
    scene = Scene(place, well, kind)
    await scene.breaks(tmp_path)
    await scene.comes_to(point)
    scene.line.say()
    if dies in {"link", "both"}:
        well.cut()
    if dies == "host":
        await asyncio.to_thread(well.crash)
    died = time.monotonic()
    if dies in {"runner", "both"}:
        await scene.killed()
    if dies == "host":
        await asyncio.to_thread(well.wait_for_login, 60)
    if dies != "link" or point in LIVE:
        await scene.soon(scene.is_absent, 60)
        assert time.monotonic() - died < LEASE + 2 * LATE
    well.join()
    if dies in {"runner", "both"}:
        await scene.resumed()
    run = await scene.over()
    await scene.is_recovered()
    assert verdicts(run).revert in {"verified", "none"}
    faults = list(run.faults.values())
    assert all(fault.reverted_by for fault in faults)
    if point in LIVE:
        assert [fault.reverted_by for fault in faults] == ["reboot" if dies == "host" else "lease"]
        assert kind.letter in faults[0].guarantees
    assert verify(place.folder(run.id)).grade is Judgement.SOUND
