"""The record while a run writes it: whose it is, what a slow disk holds up, and what is said when somebody takes it."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from runbook.core.events.event import AttemptStarted, NoteAdded
from runbook.core.intent import AnswerGate, ResolveFailure
from runbook.core.outcome import Outcome
from runbook.core.planned.action import CommandAction
from runbook.core.planned.plan import PlannedProbe
from runbook.problem import Problems
from runbook.record.checking.verify import verify
from runbook.record.files.output import Source
from runbook.transport.scripted import Says, ScriptedConnector
from tests.builders import plan
from tests.engine.stage import PATIENCE, Stage
from tests.engine.test_executor import asks, does

GO_ON = AnswerGate(gate="1.1#1", answer="proceed")


def replaced_by_a_copy(folder: Path) -> None:
    """As a restore does, or somebody who may write to the recordings."""
    folder.rename(folder.with_name("moved"))
    shutil.copytree(folder.with_name("moved"), folder)


def replaced_with_all_around_it(folder: Path) -> None:
    recordings = folder.parent
    recordings.rename(recordings.with_name("moved"))
    shutil.copytree(recordings.with_name("moved"), recordings)


def journal_replaced(folder: Path) -> None:
    """As rsync does: a new file under the old name."""
    shutil.copy(folder / "journal.jsonl", folder / "new")
    (folder / "new").replace(folder / "journal.jsonl")


def journal_overwritten(folder: Path) -> None:
    """As cp does, from a copy that is some lines old."""
    lines = (folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "journal.jsonl").write_bytes(b"".join(lines[:-1]))


def journal_written_to(folder: Path) -> None:
    with (folder / "journal.jsonl").open("ab") as journal:
        journal.write(b"{}\n")


@pytest.mark.parametrize(
    "replace",
    [replaced_by_a_copy, replaced_with_all_around_it, journal_replaced, journal_overwritten, journal_written_to],
)
async def test_a_record_that_is_replaced_stops_the_run_before_anything_more_is_sent(
    tmp_path: Path, replace: Callable[[Path], None]
) -> None:
    stage = Stage(tmp_path, ScriptedConnector({"work": Says()}))
    live = stage.open(plan(asks("1.1"), does("1.2")))
    await live.until(lambda run: run.open_gates)
    await live.recorder.commit()
    replace(stage.folder)
    refused = await live.ask(GO_ON)
    assert refused is not None
    assert (refused.code, refused.what) == ("record-replaced", "The record was replaced while the run wrote to it")
    with pytest.raises(Problems, match="The record was replaced"):
        await live.to_its_end()
    assert stage.world.sent == []


async def test_who_looks_for_the_runs_own_record_is_told_where_it_went(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ScriptedConnector({"work": Says()}))
    live = stage.open(plan(asks("1.1"), does("1.2")))
    await live.until(lambda run: run.open_gates)
    replaced_by_a_copy(stage.folder)
    refused = await live.ask(GO_ON)
    assert refused is not None
    assert refused.why == f"what the runner wrote is now {stage.folder.with_name('moved')}"


async def test_a_run_whose_own_record_is_put_back_goes_on_and_repeats_nothing(tmp_path: Path) -> None:
    world = ScriptedConnector({"first": Says(), "work": Says()})
    stage = Stage(tmp_path, world)
    live = stage.open(plan(does("1.1", "first"), asks("1.2"), does("1.3")))
    await live.until(lambda run: run.open_gates)
    replaced_by_a_copy(stage.folder)
    await live.ask(AnswerGate(gate="1.2#1", answer="proceed"))
    with pytest.raises(Problems):
        await live.to_its_end()
    shutil.rmtree(stage.folder)
    stage.folder.with_name("moved").rename(stage.folder)
    again = stage.resume()
    if again.run.open_gates:
        await again.until(lambda run: run.open_gates)
        assert await again.ask(AnswerGate(gate="1.2#1", answer="proceed")) is None
    run = await again.to_its_end()
    assert {number: run.steps[number].outcome for number in ("1.1", "1.3")} == dict.fromkeys(
        ("1.1", "1.3"), Outcome.SUCCEEDED
    )
    assert (len(world.sent), verify(stage.folder).grade) == (2, "sound")


async def test_output_goes_to_the_runs_own_record_and_never_to_what_was_put_there(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ScriptedConnector({}))
    live = stage.open(plan(asks("1.1")))
    await live.until(lambda run: run.open_gates)
    replaced_by_a_copy(stage.folder)
    live.recorder.output.write(Source(step="1.1", host="db1", number=1, stream="out"), b"printed\n")
    live.recorder.output.flush()
    own = stage.folder.with_name("moved") / "out"
    assert ((own / "db1.log").read_bytes(), [*(stage.folder / "out").iterdir()]) == (b"printed\n", [])
    with pytest.raises(Problems, match="The record was replaced"):
        await live.stop()


async def test_output_is_never_written_through_a_link(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ScriptedConnector({}))
    live = stage.open(plan(asks("1.1")))
    (stage.folder / "out").rmdir()
    (stage.folder / "out").symlink_to(tmp_path)
    live.recorder.output.write(Source(step="1.1", host="db1", number=1, stream="out"), b"printed\n")
    with pytest.raises(Problems, match="out is a link"):
        live.recorder.output.flush()
    assert not (tmp_path / "db1.log").exists()


async def test_what_could_replace_a_record_is_put_on_it(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root gives folders to others")
    os.chown(tmp_path, 54321, 0)
    stage = Stage(tmp_path, ScriptedConnector({}))
    await stage.open(plan(asks("1.1"))).stop()
    assert [event.text for event in stage.events(NoteAdded)] == [
        f"{tmp_path} belongs to uid 54321: who owns a folder can replace what lies in it, and so the record of a run"
    ]


# --- a disk, or a link to the record, that takes its time -------------------------------------------------------------


class Slow:
    """Stands in the way of the journal's `fdatasync` from its second line on, until it is let through."""

    def __init__(self, live: object) -> None:
        journal = live.recorder._writer._journal
        self._sync, journal._sync = journal._sync, self
        self.is_waiting = threading.Event()
        self.may_go = threading.Event()

    def __call__(self, number: int) -> None:
        self.is_waiting.set()
        assert self.may_go.wait(PATIENCE)
        self._sync(number)


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.001)


async def test_while_a_commit_waits_probes_are_asked_and_nothing_rests_on_it(tmp_path: Path) -> None:
    asked: list[str] = []

    def answer(_host: object, command: object) -> Says:
        asked.append(command.shell)
        return Says()

    probe = PlannedProbe(name="login", action=CommandAction(shell="check"), hosts=("db1",), every=0.01, timeout=5.0)
    stage = Stage(tmp_path, ScriptedConnector(answer))
    live = stage.open(plan(asks("1.1"), does("1.2"), probes=(probe,)))
    await live.until(lambda run: run.open_gates)
    slow = Slow(live)
    answered = asyncio.create_task(live.ask(GO_ON))
    await until(slow.is_waiting.is_set)
    before = asked.count("check")
    await until(lambda: asked.count("check") >= before + 3)
    assert ("work" in asked, answered.done()) == (False, False)
    slow.may_go.set()
    assert await answered is None
    await live.until(lambda _: "work" in asked)
    await live.to_its_end()


async def test_what_was_announced_while_the_runner_was_stopped_is_not_sent_and_runs_once(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ScriptedConnector({"work": Says()}))
    live = stage.open(plan(does("1.1")))
    slow = Slow(live)
    live.begin()
    await until(lambda: stage.events(AttemptStarted) and slow.is_waiting.is_set())
    live.executor.shut_down()
    slow.may_go.set()
    await live.to_its_end()
    assert stage.world.sent == []
    # Its host was never opened, so nobody knows where its trace would lie: a person has to say that it did not happen.
    later = stage.resume()
    later.begin()
    await later.until(lambda run: run.open_gates)
    assert stage.world.sent == []
    await later.ask(ResolveFailure(step="1.1", choice="retry", reason="it is not there"))
    run = await later.to_its_end()
    assert (run.steps["1.1"].outcome, len(stage.world.sent)) == (Outcome.SUCCEEDED, 1)
