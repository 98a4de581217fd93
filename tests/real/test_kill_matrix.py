"""At every point of the protocol the runner is killed, the link is cut, or both, and a step still happens exactly once."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import msgspec
import pytest

from runbook.core.events.event import AttemptEnded, OutputArrived, SessionLost
from runbook.core.intent import AnswerGate
from runbook.core.outcome import Outcome
from runbook.core.planned.action import ConfirmAction, Expectation, Tolerance
from runbook.core.planned.plan import Plan, PlannedStep
from runbook.core.run import AttemptState, Run
from runbook.feed.live import LiveFeed
from runbook.record.checking.verify import verify
from runbook.transport.shell.durable import FORGET_AT
from tests.place import Place, command, ended, eventually, gone, plan, until
from tests.real.held_host import HeldHost, held_host
from tests.real.openssh import kill

pytestmark = [pytest.mark.real, pytest.mark.slow]


@dataclass
class Scene:
    """A host, a runner, and one step that counts how often it happens."""

    place: Place
    host: HeldHost
    lines: int = 2000
    """Lines of each half of what the step prints."""
    many: int = 0
    """Quick steps behind it."""
    feed: LiveFeed = field(init=False)

    def plan(self) -> Plan:
        """A step that opens the host, a question, the step, another question and a last step."""
        at, middle = self.host.at, self.lines + 1
        first, last = (f"seq {start} {start + self.lines - 1}" for start in (1, middle))
        wait = f"touch {at}/half; until [ -e {at}/go ]; do sleep 0.02; done"
        effect = command(
            "1.3",
            f"echo effect >> {at}/effects; {first}; {first} >&2; {wait}; {last}; {last} >&2; exit 7",
            expect=Expectation(rc=Tolerance(equals=7)),
            retries=1,
            delay=0.01,
        )
        many = tuple(command(f"1.4.{number}", "true") for number in range(1, self.many + 1))
        steps = (command("1.1", "echo first"), asks("1.2"), effect, *many, asks("1.5"), command("1.6", "echo last"))
        return plan(*steps, hosts=(msgspec.structs.replace(self.host.sshd.host, name="here"),))

    async def open(self) -> None:
        """As far as the first question."""
        self.feed = await self.place.start(self.plan())
        await until(self.feed, lambda run: run.open_gates)

    async def begin(self) -> None:
        """Let the step be sent."""
        await self.answer("1.2#1")

    def let_go(self) -> None:
        """The step may come to its end."""
        (self.host.at / "go").touch()

    async def has_begun(self) -> None:
        """The step has printed one half of its output and waits."""
        await eventually((self.host.at / "half").exists)

    async def end(self) -> Run:
        """The run's end, with the questions answered that every run asks."""
        while not self.feed.run.has_ended:
            run = await until(self.feed, lambda run: run.open_gates or run.has_ended)
            for gate in run.open_gates:
                assert run.gates[gate].opened.kind != "failure", run.gates[gate].opened.message
                await self.answer(gate)
        return await ended(self.feed)

    async def answer(self, gate: str) -> None:
        assert await self.feed.send(AnswerGate(gate=gate, answer="proceed")) is None
        await until(self.feed, lambda run: gate not in run.open_gates)

    async def killed(self) -> None:
        """The runner is."""
        runner = self.place.runners(self.feed.run.id)[-1]
        kill(runner)
        await eventually(lambda: gone(runner) and not self.feed.is_live)

    async def resumed(self) -> None:
        """By another runner."""
        await self.place.workspace.resume(self.feed.run.id)
        self.feed = await self.place.watch(self.feed.run.id)

    async def has_noticed(self) -> None:
        """The runner knows that the link has gone; by the record, because it may have opened another since."""
        entries = self.place.entries
        await eventually(lambda: any(isinstance(entry.event, SessionLost) for entry in entries(self.feed.run.id)))

    async def finished_unseen(self) -> None:
        """The step has, and only its host knows it."""
        self.let_go()
        await self.host.knows_the_end_of(f"{self.feed.run.id}/1.3/here/1")

    @property
    def attempt(self) -> AttemptState:
        return self.feed.run.steps["1.3"].attempts["here"]

    def events(self, kind: type) -> list:
        """What is on record of the step."""
        of_run = (entry.event for entry in self.place.entries(self.feed.run.id))
        return [event for event in of_run if isinstance(event, kind) and event.step == "1.3"]

    def printed(self, stream: str) -> bytes:
        """What the record says that the step printed."""
        data = (self.place.folder(self.feed.run.id) / "out" / "here.log").read_bytes()
        chunks = (event for event in self.events(OutputArrived) if event.stream == stream)
        return b"".join(data[chunk.offset : chunk.offset + chunk.length] for chunk in chunks)


def asks(number: str) -> PlannedStep:
    return PlannedStep(id=number, name="Go on?", action=ConfirmAction(message="Go on?"))


# --- the points -------------------------------------------------------------------------------------------------------


async def before_it_is_announced(scene: Scene) -> None:
    await scene.open()


async def when_it_is_announced_and_has_not_arrived(scene: Scene) -> None:
    await scene.open()
    scene.host.freeze()
    await scene.begin()
    await until(scene.feed, lambda run: run.steps["1.3"].running)


async def when_it_is_committed_and_has_not_begun(scene: Scene) -> None:
    await scene.open()
    scene.host.hold("setsid")
    await scene.begin()
    await scene.host.held("setsid")


async def when_it_has_just_begun(scene: Scene) -> None:
    await scene.open()
    await scene.begin()
    await scene.has_begun()


async def when_it_is_followed_live(scene: Scene) -> None:
    await scene.open()
    await scene.begin()
    await until(scene.feed, is_recorded)


async def while_much_output_is_on_its_way(scene: Scene) -> None:
    scene.lines = 100_000
    await when_it_is_followed_live(scene)


async def when_it_ends_while_nobody_looks(scene: Scene) -> None:
    await when_it_is_followed_live(scene)


async def while_its_files_are_removed(scene: Scene) -> None:
    scene.many = FORGET_AT - 1
    await scene.open()
    scene.host.hold("rm")
    scene.let_go()
    await scene.begin()
    await scene.host.held("rm")
    await until(scene.feed, lambda run: "1.5#1" in run.open_gates)


def is_recorded(run: Run) -> bool:
    """True once the record holds some of its output."""
    attempt = run.steps["1.3"].attempts.get("here")
    return attempt is not None and attempt.recorded_out > 0


POINTS: tuple[Callable[[Scene], Awaitable[None]], ...] = (
    before_it_is_announced,
    when_it_is_announced_and_has_not_arrived,
    when_it_is_committed_and_has_not_begun,
    when_it_has_just_begun,
    when_it_is_followed_live,
    while_much_output_is_on_its_way,
    when_it_ends_while_nobody_looks,
    while_its_files_are_removed,
)


# --- what goes wrong --------------------------------------------------------------------------------------------------


async def the_runner_is_killed(scene: Scene, *, unseen: bool) -> None:
    await scene.killed()
    if unseen:
        await scene.finished_unseen()
    await scene.resumed()


async def the_link_is_cut(scene: Scene, *, unseen: bool) -> None:
    if not unseen:
        scene.host.sshd.cut()
        await scene.has_noticed()
        return
    await scene.host.sshd.leave()
    await scene.finished_unseen()
    await scene.has_noticed()
    await scene.host.sshd.come_back()


async def both(scene: Scene, *, unseen: bool) -> None:
    await scene.host.sshd.leave()
    await scene.killed()
    if unseen:
        await scene.finished_unseen()
    await scene.resumed()
    await scene.host.sshd.come_back()


HARMS = (the_runner_is_killed, the_link_is_cut, both)


@pytest.fixture
async def scene(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    runtime = tempfile.mkdtemp(prefix="rb-")
    monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
    async with held_host(tmp_path_factory) as host:
        made = Scene(Place(tmp_path_factory.mktemp("place")), host)
        yield made
        made.let_go()
        await made.place.close()
    shutil.rmtree(runtime)


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.__name__)
async def test_a_step_happens_once_and_is_known_whole(scene: Scene, point, harm) -> None:
    await point(scene)
    await harm(scene, unseen=point is when_it_ends_while_nobody_looks)
    scene.host.release()
    scene.let_go()
    run = await scene.end()
    await scene.host.thaw()

    assert scene.host.effects == "effect\n"
    whole = b"".join(b"%d\n" % number for number in range(1, 2 * scene.lines + 1))
    assert (scene.printed("out") == whole, scene.printed("err") == whole) == (True, True)
    assert {step.outcome for step in run.steps.values()} == {Outcome.SUCCEEDED}
    assert scene.attempt.result.rc == 7
    assert verify(scene.place.folder(run.id)).grade == "sound"
    known = [(event.number, event.outcome) for event in scene.events(AttemptEnded)]
    if point is when_it_is_announced_and_has_not_arrived:
        assert known == [(1, Outcome.UNREACHABLE), (2, Outcome.SUCCEEDED)]
    else:
        assert known == [(1, Outcome.SUCCEEDED)]
