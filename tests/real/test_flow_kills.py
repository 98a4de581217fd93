"""Loops, branches and folders on a real server, with runners that are killed and links that are cut in the middle."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from runbook.core.events.event import AttemptStarted
from runbook.core.intent import ResolveFailure
from runbook.core.inventory import Inventory
from runbook.core.outcome import Outcome
from runbook.core.planned.plan import Environment, Plan
from runbook.core.run import Run
from runbook.document.runbook_file import read_runbook
from runbook.feed.live import LiveFeed
from runbook.planning.compile import compile_plan
from runbook.record.checking.verify import verify
from tests.place import Place, ended, eventually, gone, until
from tests.real.openssh import RealServer, kill, needed, skip_or_fail

pytestmark = [pytest.mark.real, pytest.mark.slow]

HEAD = "version: 1\nkind: operation\nname: flow\ntitle: Flow\nsections:\n- name: Flow\n  on: here\n  steps:\n"

LOOP = """
  - {name: Find, command: "printf 'a\\nb c\\nd\\n'", durable: false, register: found, timeout: 30s}
  - name: Turn
    command: "echo do-{{ item }} >> LOG; until [ -e GO-{{ item }} ]; do sleep 0.02; done"
    loop: {items: "{{ found.stdout | lines }}", at_most: 5}
    timeout: 60s
    rollback: {command: "echo undo-{{ item }} >> LOG", timeout: 30s}
  - {name: Fail, command: "exit 1", durable: false, on_failure: rollback, timeout: 30s}
"""
ITEMS = ("a", "b c", "d")

BRANCH = """
  - {name: Start, set: {rounds: 0}}
  - {name: Count, set: {rounds: "{{ rounds + 1 }}"}}
  - name: Round
    command: "echo do-{{ rounds }} >> LOG; until [ -e GO-{{ rounds }} ]; do sleep 0.02; done"
    timeout: 60s
  - {name: Again, branch: [{when: rounds < 3, goto: Count}]}
  - {name: Done, end: completed, reason: "{{ rounds }} rounds"}
"""

FOLDER = """
  - {name: Put, upload: {src: conf/, dest: DEST}, timeout: 60s}
"""
LARGE = 48 << 20
"""Bytes of a file that is on its way for long enough to be killed with its runner."""


class Scene:
    """A runbook, a real server, and a log that the runbook's steps write."""

    def __init__(self, place: Place, sshd: RealServer) -> None:
        self.place, self.sshd = place, sshd
        self.log, self.dest = place.root / "log", place.root / "there"
        self.feed: LiveFeed

    @property
    def said(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def plan(self, steps: str) -> Plan:
        book = self.place.root / "flow.yaml"
        known = {"LOG": self.log, "GO": self.place.root / "go", "DEST": self.dest}
        for word, path in known.items():
            steps = steps.replace(word, str(path))
        book.write_text(HEAD + steps)
        host = msgspec.structs.replace(self.sshd.host, name="here")
        environment = Environment(name="test", auto=("all",))
        of = Inventory(name="test", source="", hosts={"here": host}, groups={"all": ("here",)}, environment=environment)
        return compile_plan(read_runbook(book), of).plan

    async def begin(self, steps: str, **how: object) -> None:
        self.feed = await self.place.start(self.plan(steps), **how)

    async def has_said(self, lines: list[str]) -> None:
        await eventually(lambda: self.said == lines)

    def let(self, item: str) -> None:
        """A turn may come to its end."""
        (self.place.root / f"go-{item}").touch()

    async def harmed(self, harm: str) -> None:
        """The runner is killed and another one takes the run, or the link is cut."""
        if harm == "cut":
            self.sshd.cut()
            return
        runner = self.place.runners(self.feed.run.id)[-1]
        kill(runner)
        await eventually(lambda: gone(runner) and not self.feed.is_live)
        await self.place.workspace.resume(self.feed.run.id)
        self.feed = await self.place.watch(self.feed.run.id)

    def sound(self, run: Run) -> bool:
        return verify(self.place.folder(run.id)).grade == "sound"


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
    for item in (*ITEMS, "1", "2", "3"):
        made.let(item)
    await made.place.close()
    await server.stop()
    shutil.rmtree(runtime)


@pytest.mark.parametrize("harm", ["killed", "cut"])
@pytest.mark.parametrize("at", range(len(ITEMS)))
async def test_a_loop_takes_each_turn_once_and_is_undone_turn_by_turn(scene: Scene, at: int, harm: str) -> None:
    await scene.begin(LOOP, attended=False)
    for number, item in enumerate(ITEMS):
        turn = [f"do-{each}" for each in ITEMS[: number + 1]]
        await scene.has_said(turn)
        if number == at:
            await scene.harmed(harm)
        scene.let(item)
    run = await ended(scene.feed)
    assert scene.said == [*(f"do-{item}" for item in ITEMS), *(f"undo-{item}" for item in reversed(ITEMS))]
    assert (run.ended, scene.sound(run)) == ("step 1.3 Fail: exit code is 1, expected 0", True)


@pytest.mark.parametrize("harm", ["killed", "cut"])
async def test_a_branch_goes_round_as_often_as_without_the_harm(scene: Scene, harm: str) -> None:
    await scene.begin(BRANCH, attended=False)
    for number in (1, 2, 3):
        rounds = [f"do-{each}" for each in range(1, number + 1)]
        await scene.has_said(rounds)
        if number == 2:  # in the middle of the way back
            await scene.harmed(harm)
        scene.let(str(number))
    run = await ended(scene.feed)
    assert scene.said == ["do-1", "do-2", "do-3"]
    assert (run.ended, scene.sound(run)) == ("step 1.5 Done: 3 rounds", True)


def folder_of(scene: Scene) -> Path:
    folder = scene.place.root / "conf"
    (folder / "d").mkdir(parents=True)
    (folder / "a").write_bytes(b"small\n")
    (folder / "d" / "b").write_bytes(b"x" * LARGE)
    (folder / "d" / "b").chmod(0o750)
    return folder


async def test_a_folder_arrives_whole_with_its_modes(scene: Scene) -> None:
    folder = folder_of(scene)
    await scene.begin(FOLDER, attended=False)
    run = await ended(scene.feed)
    assert (run.ended, scene.sound(run)) == ("every step is done", True)
    for name in ("a", "d/b"):
        assert (scene.dest / name).read_bytes() == (folder / name).read_bytes()
        assert (scene.dest / name).stat().st_mode == (folder / name).stat().st_mode


async def test_a_folder_whose_runner_is_killed_on_the_way_is_in_doubt_with_each_file_whole_or_not_there(
    scene: Scene,
) -> None:
    folder_of(scene)
    await scene.begin(FOLDER)
    await eventually((scene.dest / "a").exists)
    await scene.harmed("killed")
    run = await until(scene.feed, lambda run: run.open_gates or run.has_ended)
    assert run.steps["1.1"].outcome is Outcome.IN_DOUBT
    assert (scene.dest / "a").read_bytes() == b"small\n"
    assert not (scene.dest / "d" / "b").exists() or (scene.dest / "d" / "b").stat().st_size == LARGE
    refused = await scene.feed.send(ResolveFailure(step="1.1", choice="retry", reason="looked"))
    assert refused is None
    run = await ended(scene.feed)
    started = [entry.event for entry in scene.place.entries(run.id) if isinstance(entry.event, AttemptStarted)]
    assert [(event.step, event.number) for event in started if event.step == "1.1"] == [("1.1", 1), ("1.1", 2)]
    assert ((scene.dest / "d" / "b").stat().st_size, scene.sound(run)) == (LARGE, True)
