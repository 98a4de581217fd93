"""What every store of records must do, whatever it keeps them in. A store's test file subclasses `StoreContract`."""

from __future__ import annotations

import hashlib
from abc import abstractmethod

import pytest

from runbook.core.events.entry import Entry
from runbook.core.events.event import OutputArrived, RunnerStarted
from runbook.core.fold.evolve import fold
from runbook.problem import Problems
from runbook.record.beginning import begun
from runbook.record.files.output import Source
from runbook.record.form.codec import Tip
from runbook.record.store import RecordWriter, Store
from tests.record.samples import FILES, numbered, opened, story

RUN = "20261123T041200Z-orders-restart-0001"
LATER = "20261123T041300Z-orders-restart-0002"
OTHER = "20261123T041400Z-billing-0003"
OUT = Source(step="1.2", host="db1", number=1, stream="out")


def create(store: Store, run: str = RUN) -> RecordWriter:
    """Begin a record with the copies that samples name."""
    return store.create(run, runbook="orders-restart", files=FILES).writer


def add(writer: RecordWriter, *entries: Entry) -> None:
    """As a writer does that knows all there is."""
    writer.append(writer.tip, *entries)


async def whole(store: Store, run: str = RUN, **fields: object) -> tuple[Entry, ...]:
    """A run from its opening to its end; gives its entries."""
    created = store.create(run, runbook="orders-restart", files=FILES)
    chunks = (*created.writer.output.write(OUT, b"restarting\ndone\n"), *created.writer.output.flush())
    entries = numbered(*story(chunks, run=run, files=created.digests, **fields))
    add(created.writer, *entries)
    await created.writer.commit_output()
    await created.writer.commit()
    await created.writer.close()
    return entries


def code(caught: pytest.ExceptionInfo[Problems]) -> str:
    return caught.value.problems[0].code


class StoreContract:
    """Subclass, and give `store` an empty one."""

    @abstractmethod
    def store(self) -> Store:
        """An empty store."""

    # --- writing ------------------------------------------------------------------------------------------------------

    async def test_what_was_appended_and_committed_is_read_back_in_order(self, store: Store) -> None:
        entries = await whole(store)
        reading = store.find(RUN).read()
        assert (tuple(reading.entries()), reading.damage, reading.tip.seq) == (entries, None, len(entries))

    async def test_an_append_gives_the_tip_that_the_next_one_must_name(self, store: Store) -> None:
        writer = create(store)
        assert writer.tip == Tip()
        tip = writer.append(Tip(), *numbered(opened()))
        assert (tip, tip.seq) == (writer.tip, 1)
        assert writer.append(tip, *numbered(RunnerStarted(pid=1), start=1)) == writer.tip

    @pytest.mark.parametrize("behind", [0, 1])
    async def test_a_writer_that_does_not_know_the_newest_entry_adds_nothing(self, store: Store, behind: int) -> None:
        writer = create(store)
        tips = [Tip(), writer.append(Tip(), *numbered(opened()))]
        writer.append(tips[1], *numbered(RunnerStarted(pid=1), start=1))
        with pytest.raises(Problems) as caught:
            writer.append(tips[behind], *numbered(RunnerStarted(pid=2), start=tips[behind].seq))
        await writer.commit()
        assert code(caught) == "record-moved-on"
        assert len(store.find(RUN).read().more()) == 2

    async def test_entries_that_do_not_follow_one_another_are_a_fault_of_ours(self, store: Store) -> None:
        writer = create(store)
        with pytest.raises(ValueError, match="does not follow"):
            writer.append(Tip(), *numbered(opened(), start=1))

    async def test_a_commit_of_nothing_new_is_no_trouble(self, store: Store) -> None:
        writer = create(store)
        await writer.commit()
        await writer.commit_output()
        await writer.close()

    async def test_a_record_is_begun_once(self, store: Store) -> None:
        await create(store).close()
        with pytest.raises(Problems) as caught:
            create(store)
        assert code(caught) == "record-exists"

    async def test_copies_are_kept_exactly_and_their_hashes_are_given(self, store: Store) -> None:
        created = store.create(RUN, runbook="orders-restart", files=FILES)
        record = store.find(RUN)
        assert created.digests == {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()}
        assert {name: record.copy(name) for name in (*FILES, "none.yaml")} == {**FILES, "none.yaml": None}

    async def test_output_is_read_by_host_and_range(self, store: Store) -> None:
        await whole(store)
        printed = store.find(RUN).output("db1")
        assert (printed.size(), printed.read(11, 4), printed.read(11, 99), printed.read(99, 9)) == (
            16,
            b"done",
            b"done\n",
            b"",
        )
        assert (store.find(RUN).output("db2").size(), store.find(RUN).output("db2").read(0, 9)) == (0, b"")

    async def test_output_says_which_bytes_are_whose(self, store: Store) -> None:
        writer = create(store)
        taken = (*writer.output.write(OUT, b"one\n"), *writer.output.flush("db2"), *writer.output.flush("db1"))
        digest = hashlib.sha256(b"one\n").hexdigest()
        place = {"file": "out/db1.log", "offset": 0, "length": 4, "sha256": digest}
        assert taken == (OutputArrived(step="1.2", host="db1", number=1, stream="out", **place),)

    # --- going on -----------------------------------------------------------------------------------------------------

    async def test_a_run_whose_runner_is_gone_goes_on_behind_its_newest_entry(self, store: Store) -> None:
        first = create(store)
        add(first, *numbered(opened()))
        await first.commit()
        await first.close()
        taken = store.take(RUN)
        add(taken.writer, *numbered(RunnerStarted(pid=2, resumed=True), start=1))
        await taken.writer.commit()
        entries = store.find(RUN).read().more()
        assert (taken.torn_bytes, taken.is_newest, [entry.seq for entry in entries]) == (0, True, [0, 1])

    async def test_a_reader_is_given_what_came_since_it_looked(self, store: Store) -> None:
        writer = create(store)
        reading = store.find(RUN).read()
        seen = [reading.more()]
        for entry in numbered(opened(), RunnerStarted(pid=1)):
            add(writer, entry)
            await writer.commit()
            seen.append(reading.more())
        assert [[entry.seq for entry in some] for some in seen] == [[], [0], [1]]

    async def test_what_is_taken_up_folds_to_what_was_left(self, store: Store) -> None:
        entries = await whole(store)
        reading = store.find(RUN).read()
        assert fold(begun(reading, found := reading.more()), found[1:]).seq == entries[-1].seq

    async def test_one_run_of_a_runbook_is_live_at_a_time(self, store: Store) -> None:
        with store.hold("orders", RUN):
            store.hold("billing", OTHER).release()
            with pytest.raises(Problems) as caught:
                store.hold("orders", LATER)
        assert (code(caught), caught.value.problems[0].where.file) == ("already-live", f"run {RUN}")
        store.hold("orders", LATER).release()

    async def test_runs_of_a_runbook_on_other_hosts_are_live_side_by_side(self, store: Store) -> None:
        with store.hold("orders", RUN, ("web1", "web2")), store.hold("orders", OTHER, ("web3",)):
            with pytest.raises(Problems) as caught:
                store.hold("orders", LATER, ("web2", "web4"))
            assert (code(caught), caught.value.problems[0].where.file) == ("already-live", f"run {RUN}")
            with pytest.raises(Problems):
                store.hold("orders", LATER)
            store.hold("billing", LATER, ("web1",)).release()
        with store.hold("orders", LATER, ("web1", "web3")), pytest.raises(Problems):
            store.hold("orders", RUN, ("web1",))

    # --- finding ------------------------------------------------------------------------------------------------------

    async def test_the_newest_runs_come_first_and_no_more_than_asked_for(self, store: Store) -> None:
        for run in (LATER, RUN):
            await whole(store, run)
        assert [row.run for row in store.runs()] == [LATER, RUN]
        assert [row.run for row in store.runs(limit=1)] == [LATER]
        assert [row.run for row in store.runs(runbook="orders-restart", limit=5)] == [LATER, RUN]
        assert store.runs(runbook="billing") == ()

    async def test_a_row_says_how_it_ended_and_a_live_one_that_it_did_not(self, store: Store) -> None:
        await whole(store)
        live = create(store, LATER)
        add(live, *numbered(opened(LATER)))
        await live.commit()
        rows = [(row.run, row.runbook, row.verdict, row.live, row.ended) for row in store.runs()]
        assert rows == [
            (LATER, "orders-restart", "live", True, False),
            (RUN, "orders-restart", "completed", False, True),
        ]

    @pytest.mark.parametrize("text", [LATER, "last", "orders-restart", LATER[:16], "0002", "0413", "T041300z"])
    async def test_a_run_is_found_by_its_id_any_part_of_it_its_runbook_and_as_the_last(
        self, store: Store, text: str
    ) -> None:
        for run in (RUN, LATER):
            await whole(store, run)
        assert store.find(text).run == LATER

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("2026", "ambiguous-run"),
            ("ORDERS", "ambiguous-run"),
            ("q", "unknown-run"),
            ("nothing", "unknown-run"),
            (f"{RUN}x", "unknown-run"),
        ],
    )
    async def test_what_cannot_be_found_is_a_problem(self, store: Store, text: str, expected: str) -> None:
        for run in (RUN, LATER):
            await whole(store, run)
        with pytest.raises(Problems) as caught:
            store.find(text)
        assert code(caught) == expected

    async def test_an_empty_store_has_no_runs(self, store: Store) -> None:
        assert store.runs() == ()
        with pytest.raises(Problems, match="There is no run yet"):
            store.find("last")

    async def test_a_whole_record_verifies(self, store: Store) -> None:
        entries = await whole(store)
        found = store.find(RUN).verify()
        assert (found.grade, found.lines) == ("sound", len(entries))
