"""A drill of `drills/` on hosts that a test has made, with a watch beside it that the program knows nothing of.

The watch runs in the network of a client, past SSH and past everything that a run does there. It writes all the time, by the
way that clients go and to each server by itself, and keeps when each write began, when it was answered, and how.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from runbook.core.events.event import Event, StepEnded
from runbook.core.intent import AnswerGate
from runbook.core.run import Run
from runbook.feed.live import LiveFeed
from runbook.workspace.local import HowToRun
from runbook.workspace.prepare import Wish, prepare
from tests.hosts.postgresql import VERSION, Pair, inside
from tests.place import Place

REPOSITORY = Path(__file__).parents[2]
LIMIT = 240.0
"""Seconds for a whole drill on two busy cores; 30 on quiet ones."""
TICK = 0.5
"""Seconds between two writes of the watch."""

_WATCH = """\
write() {{
  began=$(date +%s.%N)
  timeout 2 {psql} "$2" -XAtqc "insert into orders (number) values ($(date +%s%N))" >/tmp/said 2>&1 && ok=1 || ok=0
  echo "$1 $began $(date +%s.%N) $ok"
}}
HOME=/root
export HOME
while :; do
  write clients service=orders &
  write primary "host={primary} dbname=orders user=orders" &
  write standby "host={standby} dbname=orders user=orders" &
  sleep {tick}
done
"""


@dataclass(frozen=True)
class Write:
    """One write of the watch."""

    door: str
    """`clients`, or the server that it was sent to: `primary`, `standby`, by what they were in the beginning."""
    began: float
    ended: float
    ok: bool


class Watch:
    """What a client sees, from its beginning to its end."""

    def __init__(self, pair: Pair, file: Path) -> None:
        self._file = file
        text = _WATCH.format(
            psql=f"/usr/lib/postgresql/{VERSION}/bin/psql",
            primary=pair.primary.address,
            standby=pair.standby.address,
            tick=TICK,
        )
        with file.open("w") as said:
            self._process = inside(pair.client, "chroot", str(pair.client.root), "sh", "-c", text, stdout=said)

    @property
    def writes(self) -> tuple[Write, ...]:
        """Everything that it has seen, in the order in which it was begun."""
        words = (line.split() for line in self._file.read_text().splitlines())
        writes = [Write(door, float(began), float(ended), ok == "1") for door, began, ended, ok in words]
        return tuple(sorted(writes, key=lambda write: write.began))

    async def goes_on(self, seconds: float) -> None:
        """Until it has looked for so long."""
        since = self.writes[-1].began
        while self.writes[-1].began < since + seconds:
            await asyncio.sleep(TICK)

    def end(self) -> None:
        """It looks no more."""
        self._process.terminate()
        self._process.wait(10)


def primaries(writes: tuple[Write, ...]) -> list[str]:
    """Which server took writes, in the order of time; one that is named twice took them again after the other had."""
    taken = [write for write in writes if write.ok and write.door != "clients"]
    return [door for door, _ in itertools.groupby(write.door for write in taken)]


def outage(writes: tuple[Write, ...]) -> tuple[float, float]:
    """The least and the most seconds that clients can have been without a server, the longest time that they were."""
    taken = [write for write in writes if write.door == "clients" and write.ok]
    last, back = max(itertools.pairwise(taken), key=lambda pair: pair[1].ended - pair[0].began)
    lost = [one for one in writes if one.door == "clients" and not one.ok and last.began < one.began < back.began]
    return lost[-1].began - lost[0].ended, back.ended - last.began


class Drill:
    """One drill, carried out."""

    def __init__(self, place: Place, hosts: dict[str, object]) -> None:
        self.place, self.hosts = place, hosts
        self.feed: LiveFeed

    async def begins(self, book: str, given: dict[str, str], *, change: Callable[[str], str] = str) -> None:
        """A runner takes it, with a person who answers."""
        for name in (book, "inventories/drill/hosts.yaml", "inventories/drill/environment.yaml"):
            (self.place.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.place.root / book).write_text(change((REPOSITORY / book).read_text()))
        (self.place.root / "inventories/drill/hosts.yaml").write_text("\n".join(self._inventory()))
        (self.place.root / "inventories/drill/environment.yaml").write_text("name: lab\nconfirm: none\nauto: all\n")
        wish = Wish(book=str(self.place.root / book), inventory="drill", given=given)
        prepared = prepare(self.place.workspace.settings, wish, None)
        run = await self.place.workspace.launch(prepared, HowToRun(attended=True))
        self.feed = await self.place.watch(run)

    def _inventory(self) -> Iterator[str]:
        """JSON is YAML."""
        yield "all:"
        yield "  vars:"
        yield f"    ansible_ssh_common_args: -F none -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile={self.place.root}/known"
        yield "    ansible_user: root"
        yield "  children:"
        for group, names in (("database", ("db1", "db2")), ("application", ("app1",))):
            yield f"    {group}:"
            yield "      hosts:"
            for name in names:
                host = self.hosts[name]
                yield f"        {name}: {{ansible_host: {host.address}, ansible_ssh_private_key_file: {host.key}}}"

    async def asks(self, step: str) -> None:
        """Wait until the step of that name waits for a person."""
        await self.until(lambda run: self._gate(run, step) is not None)

    async def answers(self, step: str, typed: str = "") -> None:
        """A person says yes."""
        await self.asks(step)
        gate = self._gate(self.feed.run, step) or ""
        assert await self.feed.send(AnswerGate(gate=gate, answer="proceed", typed=typed)) is None

    def _gate(self, run: Run, step: str) -> str | None:
        opened = (run.gates[gate].opened for gate in run.open_gates)
        return next((one.gate for one in opened if run.steps[one.step].planned.name == step), None)

    async def ends(self) -> Run:
        """Its end."""
        return await self.until(lambda run: run.has_ended)

    async def until(self, holds: Callable[[Run], object]) -> Run:
        """Wait for it; a question that nobody expected is a failure, and says what it is about."""
        async with asyncio.timeout(LIMIT):
            while not holds(self.feed.run):
                run = self.feed.run
                asked = [run.gates[gate].opened for gate in run.open_gates if run.gates[gate].opened.kind == "failure"]
                assert not asked, [
                    (one.message, run.steps[one.step].planned.name, run.steps[one.step].detail) for one in asked
                ]
                await self.feed.wait_changed()
        return self.feed.run

    def ended_at(self, step: str) -> float:
        """When the step of that name ended, in seconds since 1970."""
        steps = self.feed.run.steps
        for entry in self.place.entries(self.feed.run.id):
            if isinstance(entry.event, StepEnded) and steps[entry.event.step].planned.name == step:
                return datetime.fromisoformat(entry.wall).timestamp()
        raise AssertionError(f'"{step}" has not ended')

    def events(self, kind: type[Event]) -> list[Event]:
        """Those of a kind, as they are on record."""
        return [entry.event for entry in self.place.entries(self.feed.run.id) if isinstance(entry.event, kind)]
