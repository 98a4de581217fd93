"""Every store of records keeps the same promises: files, and one that is nothing like files."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from runbook.core.events.event import RunnerStarted
from runbook.problem import Problems
from runbook.record.address import open_store
from runbook.record.store import Store
from tests.record.contract import LATER, RUN, StoreContract, add, create
from tests.record.memory import MemoryStore
from tests.record.samples import numbered, opened


class TestFileStore(StoreContract):
    """Folders in a folder."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return open_store(str(tmp_path / "recordings"))

    async def test_a_record_that_is_written_cannot_be_taken(self, store: Store) -> None:
        writer = create(store)
        with pytest.raises(Problems) as caught:
            store.take(RUN)
        assert caught.value.problems[0].code == "record-live"
        await writer.close()


class TestMemoryStore(StoreContract):
    """Rows behind a condition."""

    @pytest.fixture
    def store(self) -> Store:
        return MemoryStore()

    async def test_a_writer_that_slept_while_another_took_its_record_can_add_nothing(self, store: Store) -> None:
        asleep = create(store)
        add(asleep, *numbered(opened()))
        await asleep.commit()
        awake = store.take(RUN).writer
        add(awake, *numbered(RunnerStarted(pid=2, resumed=True), start=1))
        await awake.commit()
        add(asleep, *numbered(RunnerStarted(pid=1), start=1))
        with pytest.raises(Problems) as caught:
            await asleep.commit()
        assert caught.value.problems[0].code == "record-moved-on"
        assert [entry.event for entry in store.find(RUN).read().more()][1:] == [RunnerStarted(pid=2, resumed=True)]


@pytest.mark.parametrize("kind", ["files", "memory"])
async def test_the_loop_goes_on_while_a_commit_waits(tmp_path: Path, kind: str) -> None:
    store = open_store(str(tmp_path)) if kind == "files" else MemoryStore()
    writer = create(store, LATER)
    add(writer, *numbered(opened(LATER)))
    turns: list[str] = []
    commit = asyncio.create_task(writer.commit())
    commit.add_done_callback(lambda _: turns.append("durable"))
    await asyncio.sleep(0)
    turns.append("another task")
    await commit
    assert turns == ["another task", "durable"]
