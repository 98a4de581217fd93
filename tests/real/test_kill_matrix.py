"""At every point of the protocol the runner is killed, the link is cut, or both, and a step still happens exactly once.

Each point is a state that a test can wait for and hold: a gate that is open, a connection whose processes are stopped,
a program of the host's that waits in another's place. Nothing here is a matter of luck or of how fast the machine is.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from runbook.core.action import ConfirmAction, Expectation, Tolerance
from runbook.core.event import AttemptEnded, OutputArrived
from runbook.core.intent import AnswerGate
from runbook.core.outcome import Outcome
from runbook.core.plan import Plan, PlannedStep
from runbook.core.run import AttemptState, Run
from runbook.engine.client import LiveFeed
from runbook.record.verify import verify
from runbook.transport.durable import FORGET_AT, file_name
from tests.engine.place import Place, answered, command, ended, eventually, gone, plan, until
from tests.real.openssh import RealServer, kill, needed, skip_or_fail

pytestmark = [pytest.mark.real, pytest.mark.slow]

STAND_IN = """\
#!/bin/sh
case $* in {of})
  [ ! -e {at}/hold-{name} ] || : >{at}/held-{name}
  while [ -e {at}/hold-{name} ]; do sleep 0.02; done
esac
exec {real} "$@"
"""
"""Stands for a program of the host's, and waits in its place while it is told to."""

HELD = {"setsid": "*/bin/sh*", "rm": "*.job*"}
"""Programs by name, and the arguments with which they are ours: a login shell's own business is not held up."""


@dataclass
class Scene:
    """A host, a runner, and one step that counts how often it happens."""

    place: Place
    sshd: RealServer
    at: Path
    """Where the step and the test leave signs for each other."""
    feed: LiveFeed = field(init=False)
    frozen: list[int] = field(default_factory=list)
    """Processes of a connection that holds bytes back."""

    # --- the host -----------------------------------------------------------------------------------------------------

    def hold(self, program: str) -> None:
        """The next time the host runs this program it waits."""
        (self.at / f"hold-{program}").touch()

    async def held(self, program: str) -> None:
        """It does."""
        await eventually((self.at / f"held-{program}").exists)

    def release(self, program: str) -> None:
        (self.at / f"hold-{program}").unlink(missing_ok=True)

    async def thaw(self) -> None:
        """What was held back arrives, long after everybody has stopped waiting for it."""
        for pid in self.frozen:
            kill(pid, signal.SIGCONT)
        await eventually(lambda: all(gone(pid) for pid in self.frozen))

    def let_go(self) -> None:
        """The step may come to its end."""
        (self.at / "go").touch()

    async def has_begun(self) -> None:
        """The step has printed one half of its output and waits."""
        await eventually((self.at / "half").exists)

    async def has_ended(self) -> None:
        """The host knows the step's exit code."""
        file = self.at / "runbook" / f"{file_name(self.job)}.run"
        await eventually(lambda: file.exists() and file.read_text().rstrip().endswith("end"))

    @property
    def effects(self) -> str:
        return (self.at / "effects").read_text()

    # --- the run ------------------------------------------------------------------------------------------------------

    def plan(self) -> Plan:
        """A step that opens the host, a question, the step, another question and a last step."""
        halves = [f"seq {first} {first + 1999}; seq {first} {first + 999} >&2" for first in (1, 2001)]
        wait = f"touch {self.at}/half; until [ -e {self.at}/go ]; do sleep 0.02; done"
        effect = command(
            "1.3",
            f"echo effect >> {self.at}/effects; {halves[0]}; {wait}; {halves[1]}; exit 7",
            expect=Expectation(rc=Tolerance(equals=7)),
            retries=1,
            delay=0.01,
        )
        many = tuple(command(f"1.5.{number}", "true") for number in range(1, FORGET_AT))
        steps = (command("1.1", "echo first"), asks("1.2"), effect, *many, asks("1.6"), command("1.7", "echo last"))
        return plan(*steps, hosts=(msgspec.structs.replace(self.sshd.host, name="here"),))

    async def open(self) -> None:
        """As far as the first question."""
        self.feed = await self.place.start(self.plan())
        await until(self.feed, lambda run: run.open_gates)

    async def begin(self) -> None:
        """Let the step be sent."""
        await self.answer("1.2#1")

    async def answer(self, gate: str) -> None:
        assert await self.feed.send(AnswerGate(gate=gate, answer="proceed")) is None

    @property
    def attempt(self) -> AttemptState:
        return self.feed.run.steps["1.3"].attempts["here"]

    @property
    def job(self) -> str:
        return f"{self.feed.run.id}/1.3/here/1"

    @property
    def runner(self) -> int:
        return self.place.runners(self.feed.run.id)[-1]

    async def end(self) -> Run:
        """The run's end, with the questions answered that every run asks."""
        await answered_all(self.feed)
        return await ended(self.feed)

    def printed(self, stream: str) -> bytes:
        """What the record says that the step printed."""
        data = (self.place.folder(self.feed.run.id) / "out" / "here.log").read_bytes()
        events = (entry.event for entry in self.place.entries(self.feed.run.id))
        chunks = (e for e in events if isinstance(e, OutputArrived) and (e.step, e.stream) == ("1.3", stream))
        return b"".join(data[chunk.offset : chunk.offset + chunk.length] for chunk in chunks)


def asks(number: str) -> PlannedStep:
    return PlannedStep(id=number, name="Go on?", action=ConfirmAction(message="Go on?"))


async def answered_all(feed: LiveFeed) -> None:
    while not feed.run.has_ended:
        run = await until(feed, lambda run: run.open_gates or run.has_ended)
        for gate in run.open_gates:
            assert run.gates[gate].opened.kind != "failure", run.steps[run.gates[gate].opened.step].detail
            await answered(feed, lambda gate: AnswerGate(gate=gate, answer="proceed"))
            await until(feed, lambda run, gate=gate: gate not in run.open_gates)


# --- the points ---------------------------------------------------------------------------------------------------------


async def before_it_is_announced(scene: Scene) -> None:
    scene.let_go()


async def when_it_is_announced_and_has_not_arrived(scene: Scene) -> None:
    scene.frozen = scene.sshd.freeze()
    await scene.begin()
    await until(scene.feed, lambda run: run.steps["1.3"].running)
    scene.let_go()


async def when_it_is_committed_and_has_not_begun(scene: Scene) -> None:
    scene.hold("setsid")
    await scene.begin()
    await scene.held("setsid")


async def when_it_has_just_begun(scene: Scene) -> None:
    await scene.begin()
    await scene.has_begun()


async def when_it_is_followed_live(scene: Scene) -> None:
    await scene.begin()
    await until(scene.feed, lambda _: "1.3" in started(scene) and scene.attempt.recorded_out)


async def when_it_ends_while_nobody_looks(scene: Scene) -> None:
    await when_it_is_followed_live(scene)


async def while_its_files_are_removed(scene: Scene) -> None:
    scene.hold("rm")
    scene.let_go()
    await scene.begin()
    await scene.held("rm")
    await until(scene.feed, lambda run: "1.6#1" in run.open_gates)


def started(scene: Scene) -> set[str]:
    return {step.id for step in scene.feed.run.steps.values() if step.attempts}


POINTS: tuple[Callable[[Scene], Awaitable[None]], ...] = (
    before_it_is_announced,
    when_it_is_announced_and_has_not_arrived,
    when_it_is_committed_and_has_not_begun,
    when_it_has_just_begun,
    when_it_is_followed_live,
    when_it_ends_while_nobody_looks,
    while_its_files_are_removed,
)


# --- what goes wrong ----------------------------------------------------------------------------------------------------


async def the_runner_is_killed(scene: Scene, *, unseen: bool) -> None:
    await killed(scene)
    if unseen:
        await finished(scene)
    await resumed(scene)


async def the_link_is_cut(scene: Scene, *, unseen: bool) -> None:
    if unseen:
        await scene.sshd.leave()
        await finished(scene)
        await until(scene.feed, lambda run: "here" in run.lost)
        await scene.sshd.come_back()
    else:
        scene.sshd.cut()
        await until(scene.feed, lambda run: "here" in run.lost)


async def both(scene: Scene, *, unseen: bool) -> None:
    await scene.sshd.leave()
    await killed(scene)
    if unseen:
        await finished(scene)
    await resumed(scene)
    await scene.sshd.come_back()


async def killed(scene: Scene) -> None:
    runner = scene.runner
    kill(runner)
    await eventually(lambda: gone(runner))
    await eventually(lambda: not scene.feed.is_live)


async def finished(scene: Scene) -> None:
    scene.let_go()
    await scene.has_ended()


async def resumed(scene: Scene) -> None:
    await scene.place.workspace.resume(scene.feed.run.id)
    scene.feed = await scene.place.watch(scene.feed.run.id)


HARMS = (the_runner_is_killed, the_link_is_cut, both)


# --- the scene ----------------------------------------------------------------------------------------------------------


@pytest.fixture
async def scene(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    if reason := needed():
        skip_or_fail(reason)
    runtime, at = tempfile.mkdtemp(prefix="rb-"), tmp_path_factory.mktemp("at")
    monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
    programs = at / "bin"
    programs.mkdir()
    for name, of in HELD.items():
        (programs / name).write_text(STAND_IN.format(at=at, name=name, of=of, real=shutil.which(name)))
        (programs / name).chmod(0o755)
    server = RealServer(tmp_path_factory.mktemp("sshd"), f"SetEnv XDG_STATE_HOME={at} PATH={programs}:{os.defpath}")
    await server.start()
    made = Scene(Place(tmp_path_factory.mktemp("place")), server, at)
    yield made
    for program in HELD:
        made.release(program)
    made.let_go()
    await made.place.close()
    await server.stop()
    shutil.rmtree(runtime)


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.__name__)
async def test_a_step_happens_once_and_is_known_whole(scene: Scene, point, harm) -> None:
    await scene.open()
    await point(scene)
    await harm(scene, unseen=point is when_it_ends_while_nobody_looks)
    scene.release("setsid")
    scene.release("rm")
    scene.let_go()
    run = await scene.end()
    await scene.thaw()
    assert scene.effects == "effect\n"
    assert scene.printed("out") == b"".join(b"%d\n" % n for n in range(1, 4001))
    assert scene.printed("err") == b"".join(b"%d\n" % n for n in [*range(1, 1001), *range(2001, 3001)])
    assert {step.outcome for step in run.steps.values()} == {Outcome.SUCCEEDED}
    assert scene.attempt.result.rc == 7
    assert verify(scene.place.folder(run.id)).grade == "sound"
    known = [(e.number, e.outcome) for e in events(scene, AttemptEnded)]
    if point is when_it_is_announced_and_has_not_arrived:
        assert known == [(1, Outcome.UNREACHABLE), (2, Outcome.SUCCEEDED)]
    else:
        assert known == [(1, Outcome.SUCCEEDED)]


def events(scene: Scene, kind: type) -> list:
    """What is on record of the step."""
    of_run = (entry.event for entry in scene.place.entries(scene.feed.run.id))
    return [event for event in of_run if isinstance(event, kind) and event.step == "1.3"]
