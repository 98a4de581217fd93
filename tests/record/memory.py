"""A store in memory whose writers are fenced by the tip they believe in, as one in a database would be.

It shows that the protocol knows nothing of files: two writers may have one record open, and only the one who has seen
every entry can add to it.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Self

from runbook.core.events.entry import Entry
from runbook.core.events.event import OutputArrived, RunOpened
from runbook.problem import Exit, Problem, Where, problem
from runbook.record.checking.roots import NOTHING, Roots
from runbook.record.checking.verify import Verification, verify
from runbook.record.file_record import moved_on
from runbook.record.file_store import parted
from runbook.record.files.holder import Holder, holder_among
from runbook.record.files.output import Source, output_file
from runbook.record.form.codec import Tip, encode, follow
from runbook.record.form.newer import Newer
from runbook.record.sealing.seal import Sealed
from runbook.record.sealing.sealer import Sealer
from runbook.record.store import LAST, Created, Taken
from runbook.record.summary import RunSummary, summarise


@dataclass
class Row:
    """One record: its lines as they would be written, who writes it, and what lies beside them."""

    lines: list[bytes] = field(default_factory=list)
    tip: Tip = field(default_factory=Tip)
    writers: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    output: dict[str, bytearray] = field(default_factory=dict)
    is_live: bool = False


class MemoryStore:
    """Implements `store.Store`."""

    address = "memory"

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.held: dict[tuple[str, str], str] = {}

    def runs(self, *, runbook: str = "", limit: int | None = None) -> tuple[RunSummary, ...]:
        rows = (
            summarise(run, lambda run=run: MemoryReading(self, run), live=self.rows[run].is_live)
            for run in self._newest()
        )
        return tuple(row for row in rows if runbook in ("", row.runbook))[:limit]

    def find(self, text: str) -> MemoryRecord:
        if text in self.rows:
            return MemoryRecord(self, text)
        if not self.rows:
            raise problem("There is no run yet", code="unknown-run")
        names = self._newest()
        exact = [run for run in names if text == LAST or self._runbook(run) == text]
        matching = exact[:1] or list(parted(text, names))
        if len(matching) == 1:
            return MemoryRecord(self, matching[0])
        raise problem(f'"{text}" is not one run', code="ambiguous-run" if matching else "unknown-run")

    def hold(self, runbook: str, run: str, hosts: Iterable[str] = ()) -> MemoryHold:
        claimed = {(runbook, host) for host in hosts or ("",)}
        whole = {(runbook, "")}
        of_it = {key for key in self.held if key[0] == runbook}
        for key in of_it if whole & (claimed | of_it) else claimed & of_it:
            where = Where(f"run {self.held[key]}")
            raise problem(f"{runbook} is running already", where=where, code="already-live", exit=Exit.REFUSED)
        self.held |= dict.fromkeys(claimed, run)
        return MemoryHold(self, run)

    def create(self, run: str, *, runbook: str, files: Mapping[str, bytes], sealer: Sealer | None = None) -> Created:
        if run in self.rows:
            raise problem(f"There is a record of {runbook} already", code="record-exists", exit=Exit.REFUSED)
        self.rows[run] = Row(files=dict(files), is_live=True)
        digests = {name: sha256(data).hexdigest() for name, data in files.items()}
        return Created(writer=MemoryWriter(self.rows[run], run), digests=digests)

    def take(self, run: str, sealer: Sealer | None = None) -> Taken:
        """Unlike files, a database lets the next writer in while the last one may only be asleep."""
        self.rows[run].is_live = True
        return Taken(writer=MemoryWriter(self.rows[run], run), torn_bytes=0, is_newest=True)

    def seal(self, run: str, sealer: Sealer, reason: str = "") -> Sealed:
        raise NotImplementedError("rows are closed by their database")

    def owner(self) -> int | None:
        return os.getuid()

    def concerns(self) -> tuple[Problem, ...]:
        return ()

    def _newest(self) -> list[str]:
        return sorted(self.rows, reverse=True)

    def _runbook(self, run: str) -> str:
        opened = next(MemoryReading(self, run).entries()).event
        return opened.plan.runbook if isinstance(opened, RunOpened) else ""


class MemoryHold:
    """Implements `store.NameHold`."""

    def __init__(self, store: MemoryStore, run: str) -> None:
        self._store, self._run = store, run

    def release(self) -> None:
        self._store.held = {key: run for key, run in self._store.held.items() if run != self._run}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class MemoryReading:
    """Implements `reading.Reading`."""

    def __init__(self, store: MemoryStore, run: str) -> None:
        self.address = f"memory/{run}"
        self.damage: Problem | None = None
        self.tip = Tip()
        self.newer = Newer()
        self._row = store.rows[run]

    def entries(self) -> Iterator[Entry]:
        while self.tip.seq < len(self._row.lines):
            entry, self.tip = follow(self.tip, self._row.lines[self.tip.seq])
            yield entry

    def more(self) -> list[Entry]:
        return list(self.entries())


class MemoryRecord:
    """Implements `store.Record`."""

    def __init__(self, store: MemoryStore, run: str) -> None:
        self.run, self.address = run, f"memory/{run}"
        self._store = store
        self._row = store.rows[run]

    def read(self) -> MemoryReading:
        return MemoryReading(self._store, self.run)

    def is_live(self) -> bool:
        return self._row.is_live

    def output(self, host: str) -> MemoryOutput:
        return MemoryOutput(self._row.output.get(output_file(host), bytearray()))

    def copy(self, name: str) -> bytes | None:
        return self._row.files.get(name)

    def holder(self) -> Holder | None:
        return holder_among(self._row.lines)

    def verify(self, roots: Roots = NOTHING) -> Verification:
        """Its bytes written out as files are a record as good as any."""
        with tempfile.TemporaryDirectory() as place:
            for name, data in {
                **self._row.files,
                **self._row.output,
                "journal.jsonl": b"".join(self._row.lines),
            }.items():
                path = Path(place) / name
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(data)
            return verify(Path(place))


class MemoryOutput:
    """Implements `lines.OutputBytes`."""

    def __init__(self, data: bytearray) -> None:
        self._data = data

    def size(self) -> int:
        return len(self._data)

    def read(self, offset: int, length: int) -> bytes:
        return bytes(self._data[offset : offset + length])


class MemoryWriter:
    """Implements `store.RecordWriter` and `store.OutputWriter`: what is appended goes out with the next commit."""

    def __init__(self, row: Row, run: str) -> None:
        self.address = f"memory/{run}"
        self.tip = self._durable = row.tip
        self.output = self
        self._row = row
        self._lines: list[bytes] = []
        self._gathered: dict[str, list[OutputArrived]] = {}

    def append(self, believed: Tip, *entries: Entry) -> Tip:
        if believed != self.tip:
            raise moved_on(self.address, believed, self.tip)
        lines, tip = [], self.tip
        for entry in entries:
            if entry.seq != tip.seq or entry.at < tip.at:
                raise ValueError(f"entry {entry.seq} does not follow {tip.seq}")
            lines.append(encode(entry, tip.prev))
            tip = tip.after(lines[-1], entry)
        self._lines += lines
        self.tip = tip
        return tip

    async def commit(self) -> None:
        await asyncio.sleep(0)  # the round trip
        if self._row.tip != self._durable:
            raise moved_on(self.address, self._durable, self._row.tip)
        self._row.lines += self._lines
        self._row.tip = self._durable = self.tip
        self._lines = []

    async def commit_output(self) -> None:
        await asyncio.sleep(0)

    def write(self, source: Source, data: bytes) -> tuple[OutputArrived, ...]:
        file = output_file(source.host)
        kept = self._row.output.setdefault(file, bytearray())
        place = {"file": file, "offset": len(kept), "length": len(data), "sha256": sha256(data).hexdigest()}
        kept += data
        arrived = OutputArrived(step=source.step, host=source.host, number=source.number, stream=source.stream, **place)
        self._gathered.setdefault(source.host, []).append(arrived)
        return ()

    def flush(self, host: str = "") -> tuple[OutputArrived, ...]:
        hosts = [host] if host else list(self._gathered)
        return tuple(event for one in hosts for event in self._gathered.pop(one, []))

    def open_log(self) -> int:
        return os.open(os.devnull, os.O_WRONLY)

    async def close(self) -> None:
        self._row.is_live = False
