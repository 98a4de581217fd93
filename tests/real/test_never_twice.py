"""However a record or a host's folder of jobs is cut, copied, cleaned or lost: no second effect without a person's word.

The host is a real OpenSSH server, or the controller itself. Nobody is there, and the step may be tried again as often as
it fails: so whatever is not in doubt would happen a second time by itself.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from runbook.core.events.event import AttemptEnded, AttemptStarted, Event, RunnerStarted
from runbook.core.intent import AnswerGate, ResolveFailure
from runbook.core.outcome import Outcome
from runbook.core.planned.action import CONTROLLER, ConfirmAction
from runbook.core.planned.plan import Plan, PlannedStep
from runbook.core.run import Run
from runbook.feed.live import LiveFeed
from runbook.record.checking.verify import verify
from tests.place import Place, answered, command, ended, eventually, gone, plan, until
from tests.real.openssh import RealServer, kill, needed, skip_or_fail
from tests.record.seals import unseal

pytestmark = [pytest.mark.real, pytest.mark.slow]


@dataclass
class Scene:
    """A run with one effect, and the folder where its host keeps jobs."""

    place: Place
    sshd: RealServer
    where: str
    """`here`, the SSH host, or the controller."""
    state: Path
    """The folder, whoever keeps jobs in it."""
    monkeypatch: pytest.MonkeyPatch
    attended: bool = False
    looks: bool = True
    """It has a step that opens the host."""
    feed: LiveFeed = field(init=False)

    @property
    def effects(self) -> str:
        path = self.place.root / "effects"
        return path.read_text() if path.exists() else ""

    @property
    def record(self) -> Path:
        return self.place.folder(self.feed.run.id)

    def plan(self, *, waits: bool) -> Plan:
        """A step that opens the host, a question, and the step with the effect."""
        root = self.place.root
        wait = f"; until [ -e {root}/go ]; do sleep 0.05; done" if waits else ""
        effect = command("1.3", f"echo effect >> {root}/effects{wait}", retries=2, delay=0.01, timeout=60.0)
        asking = PlannedStep(id="1.2", name="Go on?", action=ConfirmAction(message="?"))
        steps = (*((command("1.1", "true"),) if self.looks else ()), asking, effect)
        if self.where == CONTROLLER:
            steps = tuple(msgspec.structs.replace(step, hosts=(CONTROLLER,)) for step in steps)
        return plan(*steps, hosts=(msgspec.structs.replace(self.sshd.host, name="here"),))

    async def begun(self, *, waits: bool) -> None:
        """A run that waits in front of its effect."""
        self.feed = await self.place.start(self.plan(waits=waits), attended=self.attended)
        await answered(self.feed, lambda gate: AnswerGate(gate=gate, answer="proceed"))

    async def killed(self) -> None:
        """The runner is gone while the command runs."""
        await self.begun(waits=True)
        await eventually(lambda: self.effects)
        await self.kill()

    async def kill(self) -> None:
        """The runner is gone."""
        pid = self.place.runners(self.feed.run.id)[-1]
        kill(pid, signal.SIGKILL)
        await eventually(lambda: gone(pid) and not self.feed.is_live)

    async def done(self) -> None:
        """The run has come to its end, and its hosts have forgotten it."""
        await self.begun(waits=False)
        pid = self.place.runners(self.feed.run.id)[-1]
        assert (await ended(self.feed)).steps["1.3"].outcome is Outcome.SUCCEEDED
        await eventually(lambda: gone(pid))

    def cut(self, kind: type[Event], *, keep: bool) -> None:
        """Cut the record behind, or in front of, the effect's first event of this kind."""
        unseal(self.record)
        journal = self.record / "journal.jsonl"
        lines = journal.read_bytes().splitlines(keepends=True)
        of_effect = b"" if kind is RunnerStarted else b'"1.3"'
        at = next(i for i, line in enumerate(lines) if b'"%s"' % kind.__name__.encode() in line and of_effect in line)
        journal.write_bytes(b"".join(lines[: at + keep]))

    async def taken_up(self) -> None:
        """Another runner has it."""
        run_id = self.feed.run.id
        await self.place.workspace.resume(run_id)
        self.feed = await self.place.watch(run_id)

    async def resumed(self) -> Run:
        """Another runner takes it to its end."""
        await self.taken_up()
        return await ended(self.feed)

    def ends(self) -> list[Outcome]:
        """How the attempts of the effect ended, by the record."""
        events = [entry.event for entry in self.place.entries(self.feed.run.id)]
        assert sum(isinstance(event, AttemptStarted) and event.step == "1.3" for event in events) <= 1
        return [event.outcome for event in events if isinstance(event, AttemptEnded) and event.step == "1.3"]


@pytest.fixture(params=["here", CONTROLLER])
async def scene(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Scene]:
    if reason := needed():
        skip_or_fail(reason)
    runtime = tempfile.mkdtemp(prefix="rb-")
    monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
    theirs, ours = tmp_path_factory.mktemp("theirs"), tmp_path_factory.mktemp("ours")
    monkeypatch.setenv("XDG_STATE_HOME", str(ours))
    server = RealServer(tmp_path_factory.mktemp("sshd"), f"SetEnv XDG_STATE_HOME={theirs}")
    await server.start()
    state = (ours if request.param == CONTROLLER else theirs) / "runbook"
    made = Scene(Place(tmp_path_factory.mktemp("place")), server, request.param, state, monkeypatch)
    yield made
    (made.place.root / "go").touch()
    await made.place.close()
    await server.stop()
    shutil.rmtree(runtime)


# --- what happens to the folder -----------------------------------------------------------------------------------------


def nothing(scene: Scene) -> None:
    """Only the record."""


def a_cleaner_takes_the_files(scene: Scene) -> None:
    for path in scene.state.glob("[!.]*"):
        path.unlink()


def a_cleaner_takes_the_files_and_the_id(scene: Scene) -> None:
    a_cleaner_takes_the_files(scene)
    (scene.state / ".place").unlink()


def a_cleaner_takes_the_files_and_the_ledger(scene: Scene) -> None:
    a_cleaner_takes_the_files(scene)
    (scene.state / ".ledger").unlink()


def the_home_is_made_anew(scene: Scene) -> None:
    shutil.rmtree(scene.state)


def a_copy_from_before_is_put_back(scene: Scene) -> None:
    """Of the time when the run waited in front of its effect."""
    scene.state.rename(scene.state.with_name("away"))
    shutil.copytree(scene.state.with_name("before"), scene.state)


HARMS = (
    nothing,
    a_cleaner_takes_the_files,
    a_cleaner_takes_the_files_and_the_id,
    a_cleaner_takes_the_files_and_the_ledger,
    the_home_is_made_anew,
    a_copy_from_before_is_put_back,
)


def goes_elsewhere(scene: Scene) -> None:
    """To a machine that has a place of its own, and old."""
    elsewhere = scene.place.root / "elsewhere"
    (elsewhere / "runbook").mkdir(parents=True)
    (elsewhere / "runbook" / ".ledger").write_text("visit of-somebody-else\n")
    scene.monkeypatch.setenv("XDG_STATE_HOME", str(elsewhere))


by_name = {"ids": lambda harm: harm.__name__}


def kept_from_before(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody copies the folder while the run waits at its question."""

    async def begun(*, waits: bool) -> None:
        scene.feed = await scene.place.start(scene.plan(waits=waits), attended=False)
        await until(scene.feed, lambda run: run.open_gates)
        shutil.copytree(scene.state, scene.state.with_name("before"))
        await answered(scene.feed, lambda gate: AnswerGate(gate=gate, answer="proceed"))

    monkeypatch.setattr(scene, "begun", begun)


@pytest.mark.parametrize("harm", HARMS, **by_name)
async def test_while_the_runner_is_dead(scene: Scene, monkeypatch: pytest.MonkeyPatch, harm: Callable) -> None:
    if harm is a_copy_from_before_is_put_back:
        kept_from_before(scene, monkeypatch)
    await scene.killed()
    harm(scene)
    (scene.place.root / "go").touch()
    await scene.resumed()
    assert scene.effects == "effect\n"
    assert scene.ends() == [Outcome.SUCCEEDED if harm is nothing else Outcome.IN_DOUBT]
    assert verify(scene.record).grade == "sound"


@pytest.mark.parametrize("harm", HARMS, **by_name)
@pytest.mark.parametrize("keep", [True, False], ids=["behind", "in front of"])
async def test_the_record_is_cut_at_the_announcement(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, keep: bool, harm: Callable
) -> None:
    if harm is a_copy_from_before_is_put_back:
        kept_from_before(scene, monkeypatch)
    await scene.done()
    scene.cut(AttemptStarted, keep=keep)
    harm(scene)
    await scene.resumed()
    assert (scene.effects, scene.ends()) == ("effect\n", [Outcome.IN_DOUBT])


@pytest.mark.parametrize("harm", [*HARMS[:-1], goes_elsewhere], **by_name)
async def test_the_record_is_cut_in_front_of_all_that_it_says_of_the_host(scene: Scene, harm: Callable) -> None:
    """It does not even say that there was a runner before this one."""
    await scene.done()
    scene.cut(RunnerStarted, keep=False)
    harm(scene)
    run = await scene.resumed()
    assert scene.effects == "effect\n"
    assert run.steps["1.1"].outcome is Outcome.IN_DOUBT
    assert scene.ends() == []


async def test_then_each_step_is_asked_about_and_no_answer_stands_for_another(scene: Scene) -> None:
    scene.attended = True
    await scene.done()
    scene.cut(RunnerStarted, keep=False)
    the_home_is_made_anew(scene)
    await scene.taken_up()
    replies = {
        "1.1": lambda _gate: ResolveFailure(step="1.1", choice="retry", reason="it does nothing"),
        "1.2": lambda gate: AnswerGate(gate=gate, answer="proceed"),
        "1.3": lambda _gate: ResolveFailure(step="1.3", choice="accept", reason="it is there"),
    }
    for step, reply in replies.items():
        await until(scene.feed, lambda run, step=step: any(gate.startswith(step) for gate in run.open_gates))
        await answered(scene.feed, reply)
    run = await ended(scene.feed)
    assert (scene.effects, run.steps["1.1"].outcome) == ("effect\n", Outcome.SUCCEEDED)
    assert verify(scene.record).grade == "sound"


async def test_a_host_that_no_runner_has_come_to_is_gone_on_with_unasked(scene: Scene) -> None:
    """Its place is not on record, and the record is known to be the newest."""
    scene.looks = False
    scene.feed = await scene.place.start(scene.plan(waits=False), attended=False)
    await until(scene.feed, lambda run: run.open_gates)
    await scene.kill()
    await scene.taken_up()
    await answered(scene.feed, lambda gate: AnswerGate(gate=gate, answer="proceed"))
    await ended(scene.feed)
    assert (scene.effects, scene.ends()) == ("effect\n", [Outcome.SUCCEEDED])


@pytest.mark.parametrize("moment", ["while it runs", "before it was announced"])
async def test_it_is_resumed_on_another_machine(scene: Scene, moment: str) -> None:
    """Which has a place of its own for what it does itself, and reaches the same hosts."""
    if moment == "while it runs":
        await scene.killed()
        (scene.place.root / "go").touch()
    else:
        await scene.done()
        scene.cut(AttemptStarted, keep=False)
    scene.monkeypatch.setenv("XDG_STATE_HOME", str(scene.place.root / "elsewhere"))
    await scene.resumed()
    found = moment == "while it runs" and scene.where == "here"
    assert (scene.effects, scene.ends()) == ("effect\n", [Outcome.SUCCEEDED if found else Outcome.IN_DOUBT])


@pytest.mark.parametrize("machine", ["the same machine", "another machine"])
async def test_a_copy_of_the_record_is_taken_to_its_end_as_well(
    scene: Scene, tmp_path_factory: pytest.TempPathFactory, machine: str
) -> None:
    """Taken at the question: for the copy nothing of the effect has been announced."""
    scene.feed = await scene.place.start(scene.plan(waits=False), attended=False)
    await until(scene.feed, lambda run: run.open_gates)
    other = Place(tmp_path_factory.mktemp("other"))
    shutil.copytree(scene.place.root / "recordings", other.root / "recordings")
    await answered(scene.feed, lambda gate: AnswerGate(gate=gate, answer="proceed"))
    await ended(scene.feed)
    if machine == "another machine":
        scene.monkeypatch.setenv("XDG_STATE_HOME", str(other.root))
    await other.workspace.resume(scene.feed.run.id)
    feed = await other.watch(scene.feed.run.id)
    await answered(feed, lambda gate: AnswerGate(gate=gate, answer="proceed"))
    run = await ended(feed)
    await other.close()
    assert (scene.effects, run.steps["1.3"].outcome) == ("effect\n", Outcome.IN_DOUBT)


async def test_a_person_may_have_it_done_again(scene: Scene) -> None:
    """Somebody has looked, and says so: then the new place is taken."""
    scene.feed = await scene.place.start(scene.plan(waits=True))
    await answered(scene.feed, lambda gate: AnswerGate(gate=gate, answer="proceed"))
    await eventually(lambda: scene.effects)
    pid = scene.place.runners(scene.feed.run.id)[-1]
    os.kill(pid, signal.SIGKILL)
    await eventually(lambda: gone(pid) and not scene.feed.is_live)
    the_home_is_made_anew(scene)
    (scene.place.root / "go").touch()
    run_id = scene.feed.run.id
    await scene.place.workspace.resume(run_id)
    scene.feed = await scene.place.watch(run_id)
    await answered(scene.feed, lambda gate: ResolveFailure(step="1.3", choice="retry", reason="it is not there"))
    run = await ended(scene.feed)
    assert (scene.effects, run.steps["1.3"].outcome) == ("effect\neffect\n", Outcome.SUCCEEDED)
