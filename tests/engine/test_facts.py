"""What a step kind states in the middle of an attempt: on record before it goes on, and known to whoever resumes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from runbook.core.effect import Attempt
from runbook.core.events.event import AttemptStarted, AttemptStated
from runbook.core.events.fact import Staged
from runbook.core.outcome import Outcome
from runbook.core.planned.action import UploadAction
from runbook.core.planned.command import MASK, Secret
from runbook.core.planned.plan import PlannedStep
from runbook.problem import Problems
from runbook.transport.scripted import Hangs, ScriptedConnector
from tests.builders import plan, step
from tests.engine.stage import Stage
from tests.engine.test_executor import Synced, does, under_way


def puts(number: str) -> PlannedStep:
    """A file for somebody else's folder."""
    return step(number, UploadAction(src="motd", dest="/etc/motd"), hosts=("db1",), become=True)


def placing_hangs(root: Path) -> Stage:
    """A host that never says whether the file is in its place."""
    (root / "motd").write_text("hello\n")
    return Stage(root, ScriptedConnector(lambda _host, _command: Hangs()))


async def test_where_a_file_is_staged_is_durable_before_the_file_leaves(tmp_path: Path) -> None:
    stage = placing_hangs(tmp_path)
    live = stage.open(plan(puts("1.1")))
    synced, seen = Synced(live, stage), []
    upload = stage.world.files.__class__.__setitem__

    class Files(dict):
        def __setitem__(self, place: tuple[str, str], data: bytes) -> None:
            seen.append([event.fact.path for event in synced.durable() if isinstance(event, AttemptStated)])
            upload(self, place, data)

    stage.world.files = Files()
    await live.until(lambda run: run.steps["1.1"].attempts.get("db1") and seen)
    ((_, path),) = stage.world.files
    assert seen == [[path]]
    await live.stop()


async def test_an_upload_in_doubt_says_where_what_had_arrived_may_lie(tmp_path: Path) -> None:
    stage = placing_hangs(tmp_path)
    live = stage.open(plan(puts("1.1")), attended=False)
    await live.until(lambda _run: stage.world.sent)
    await live.crash()
    run = await stage.resume().to_its_end()
    ((_, path),) = stage.world.files
    attempt = run.steps["1.1"].attempts["db1"]
    assert (attempt.outcome, attempt.stated) == (Outcome.IN_DOUBT, (Staged(path=path),))
    assert attempt.detail == f"/etc/motd was written by way of {path}, perhaps, by a runner that is gone"


async def test_a_fact_is_recorded_without_the_secrets_in_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ScriptedConnector({"long": Hangs()}), secrets=(Secret("pw", "hunter22"),))
    live = stage.open(plan(does("1.1", "long")))
    await live.until(under_way)
    await live.workers._state(Attempt("1.1", "db1", 1), Staged(path="/tmp/hunter22"))
    assert [event.fact for event in stage.events(AttemptStated)] == [Staged(path=f"/tmp/{MASK}")]
    await live.stop()


async def test_whoever_states_something_to_a_runner_that_stops_is_told_that_it_is_not_on_record(tmp_path: Path) -> None:
    stage = placing_hangs(tmp_path)
    live = stage.open(plan(puts("1.1")))
    live.executor.shut_down()
    with pytest.raises(Problems, match="the runner is shutting down"):
        await live.executor.state(AttemptStated(step="1.1", host="db1", number=1, fact=Staged(path="/tmp/x")))
    await live.stop()
    assert (stage.events(AttemptStarted, AttemptStated), stage.world.files) == ([], {})


async def test_nothing_leaves_on_a_fact_that_the_disk_did_not_take(tmp_path: Path) -> None:
    stage = placing_hangs(tmp_path)
    live = stage.open(plan(puts("1.1")))
    # The first makes the attempt durable, the second the fact.
    Synced(live, stage, fail_at=2)
    with pytest.raises(Problems, match="The journal cannot be made durable"):
        await asyncio.wait_for(live.to_its_end(), 10)
    assert stage.world.files == {}
