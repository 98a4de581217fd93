"""A command whose link was lost is not undone, repeated or gone past while it may still run."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import AsyncIterator

import msgspec
import pytest

from runbook.core.events.event import AttemptStarted
from runbook.core.intent import HaltRun, ResolveFailure
from runbook.core.outcome import Outcome
from runbook.core.run import Run
from runbook.feed.live import LiveFeed
from tests.place import Place, answered, command, ended, eventually, gone, plan, until
from tests.real.openssh import RealServer, kill, needed, skip_or_fail

pytestmark = [pytest.mark.real, pytest.mark.slow]


class Scene:
    """A step that runs attached on an OpenSSH server, writes what it does into a log, and has an undo."""

    def __init__(self, place: Place, sshd: RealServer) -> None:
        self.place, self.sshd = place, sshd
        self.log = place.root / "log"
        self.feed: LiveFeed

    @property
    def said(self) -> list[str]:
        return self.log.read_text().split() if self.log.exists() else []

    async def begun(self, text: str = "sleep 1", *, attended: bool = False, **parts: object) -> None:
        """The step runs."""
        undo = (command("1.1.undo.1", f"echo undo >> {self.log}", timeout=20.0),)
        given = {"on_failure": "rollback", "durable": False, "timeout": 30.0, "undo": undo, "changes": True, **parts}
        step = command("1.1", f"echo begun >> {self.log}; {text}; echo end >> {self.log}", **given)
        hosts = (msgspec.structs.replace(self.sshd.host, name="here"),)
        self.feed = await self.place.start(plan(step, hosts=hosts), attended=attended)
        await eventually(lambda: self.said == ["begun"])

    async def ended(self) -> Run:
        return await ended(self.feed)


@pytest.fixture
async def scene(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    if reason := needed():
        skip_or_fail(reason)
    runtime = tempfile.mkdtemp(prefix="rb-")
    monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
    folder = tmp_path_factory.mktemp("sshd")
    server = RealServer(folder, f"SetEnv XDG_STATE_HOME={folder}")
    await server.start()
    made = Scene(Place(tmp_path_factory.mktemp("place")), server)
    yield made
    await made.place.close()
    await server.stop()
    shutil.rmtree(runtime)


async def test_its_undo_waits_for_its_end(scene: Scene) -> None:
    await scene.begun("sleep 1")
    scene.sshd.cut()
    run = await scene.ended()
    assert scene.said == ["begun", "end", "undo"]
    attempt = run.steps["1.1"].attempts["here"]
    assert (attempt.outcome, attempt.is_over) == (Outcome.IN_DOUBT, True)
    assert "it ended with exit code 0" in attempt.detail


async def test_it_is_ended_at_its_limit_and_undone_after_that(scene: Scene) -> None:
    await scene.begun("sleep 600", timeout=3.0)
    scene.sshd.cut()
    run = await scene.ended()
    assert scene.said == ["begun", "undo"]
    assert run.steps["1.1"].outcome is Outcome.TIMED_OUT


async def test_where_its_host_stays_away_it_is_not_undone_and_that_is_said(scene: Scene) -> None:
    await scene.begun("sleep 2", timeout=3.0)
    await scene.sshd.leave()
    run = await scene.ended()
    assert scene.said == ["begun", "end"]
    held = "here: Step 1.1 (1.1) may still run here, and nobody has decided about it"
    assert {step: (state.outcome, state.detail) for step, state in run.steps.items() if "undo" in step} == {
        "1.1.undo.1": (Outcome.IN_DOUBT, f"not done: {held}")
    }
    await scene.sshd.come_back()


async def test_after_a_runner_that_was_killed_it_is_waited_for_as_well(scene: Scene) -> None:
    await scene.begun("sleep 2")
    runner = scene.place.runners(scene.feed.run.id)[-1]
    kill(runner, signal.SIGKILL)
    await eventually(lambda: gone(runner) and not scene.feed.is_live)
    await scene.place.workspace.resume(scene.feed.run.id)
    scene.feed = await scene.place.watch(scene.feed.run.id)
    await scene.ended()
    assert scene.said == ["begun", "end", "undo"]


async def test_what_may_be_repeated_is_not_repeated_beside_itself(scene: Scene) -> None:
    await scene.begun("sleep 1", idempotent=True, on_failure="abort")
    scene.sshd.cut()
    await scene.ended()
    assert scene.said == ["begun", "end", "begun", "end"]


async def test_a_halt_that_is_asked_for_while_the_link_is_gone_ends_it_before_anything_is_undone(scene: Scene) -> None:
    await scene.begun("sleep 600", timeout=60.0)
    await scene.sshd.leave()
    await scene.sshd.come_back()
    assert await scene.feed.send(HaltRun(reason="enough")) is None
    run = await scene.ended()
    assert scene.said == ["begun"]
    assert run.steps["1.1"].attempts["here"].outcome is Outcome.CANCELLED


async def test_somebody_who_is_there_is_asked_and_told_that_it_still_runs(scene: Scene) -> None:
    await scene.begun(f"until [ -e {scene.place.root}/go ]; do sleep 0.1; done", attended=True)
    scene.sshd.cut()
    run = await until(scene.feed, lambda run: run.open_gates)
    assert "it still runs on its host" in run.gates[run.open_gates[0]].opened.message
    await answered(scene.feed, lambda _gate: ResolveFailure(step="1.1", choice="rollback", reason="it may go on"))
    await scene.ended()
    (scene.place.root / "go").touch()
    await eventually(lambda: scene.said == ["begun", "undo", "end"])
    started = [e.event for e in scene.place.entries(scene.feed.run.id) if isinstance(e.event, AttemptStarted)]
    assert [event.step for event in started] == ["1.1", "1.1.undo.1"]
