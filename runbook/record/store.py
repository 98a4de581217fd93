"""What the rest of the house may know of records: that they are kept somewhere, can be found, read, and written once.

Records are files today (`file_store.py`) and may be rows and objects tomorrow; above this room nobody knows a path. A
record is asked for by its name, its output by host and range, and a writer says which tip it believes in whenever it
adds something: a store that has moved on refuses, and a runner that was overtaken while it slept stops before anything
leaves. Only `commit` waits for a store, so it alone is awaited; looking is for people, and happens where nothing runs.

The contract in words is `tests/record/contract.py`, which every store passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Protocol, Self

import msgspec

from runbook.core.events.entry import Entry
from runbook.core.events.event import OutputArrived
from runbook.problem import Problem
from runbook.record.checking.roots import NOTHING, Roots
from runbook.record.checking.verify import Verification
from runbook.record.files.holder import Holder
from runbook.record.files.lines import OutputBytes
from runbook.record.files.output import Source
from runbook.record.files.plain import CLOSED
from runbook.record.form.codec import Tip
from runbook.record.form.reading import Reading
from runbook.record.sealing.seal import Sealed
from runbook.record.sealing.sealer import Sealer
from runbook.record.summary import RunSummary

CLOSED_TO_US = CLOSED
"""The code of a record that is there and that this user may not read."""
LAST = "last"
"""The word that finds the newest run."""


class Record(Protocol):
    """One record that was found. Nothing of it is read before it is asked for."""

    run: str
    """The name under which its store finds it: the run's id."""
    address: str
    """Where it lies, in words for people; nobody opens it by them."""

    def read(self) -> Reading:
        """Begin to read its entries.

        Raises:
            Problems: `no-record`.
        """

    def is_live(self) -> bool:
        """True while a runner has it."""

    def output(self, host: str) -> OutputBytes:
        """What a host printed."""

    def copy(self, name: str) -> bytes | None:
        """One of the files that the run was made from; None when the record has none of that name.

        Raises:
            Problems: It is there and cannot be read.
        """

    def holder(self) -> Holder | None:
        """Who has the run, without reading all of it; None where that cannot be read."""

    def verify(self, roots: Roots = NOTHING) -> Verification:
        """Recompute everything that it claims; nothing kept is believed, and of what was given only `roots`.

        Raises:
            Problems: `no-record`.
        """


class OutputWriter(Protocol):
    """Where the output of a run's hosts goes; its bytes are masked before they come here."""

    def write(self, source: Source, data: bytes) -> tuple[OutputArrived, ...]:
        """Take some; gives the events of what this completed, to be appended in this order.

        Raises:
            Problems: The store does not take it.
        """

    def flush(self, host: str = "") -> tuple[OutputArrived, ...]:
        """Complete what is gathered of a host, or of all.

        Raises:
            Problems: As for `write`.
        """


class RecordWriter(Protocol):
    """The right to add to one record, for one process. After any failure it takes nothing more."""

    address: str

    @property
    def output(self) -> OutputWriter:
        """Where what commands print goes."""

    @property
    def tip(self) -> Tip:
        """Where the record ends, as far as this writer knows."""

    def append(self, believed: Tip, *entries: Entry) -> Tip:
        """Add entries behind `believed`; gives the new tip. They are durable after the next `commit`.

        Raises:
            Problems: `record-moved-on` when the record does not end there, and nothing is added then; what the store
                says when it takes no more.
            ValueError: The entries do not follow one another, which is a fault of this program.
        """

    async def commit(self) -> None:
        """Return once everything appended before is durable, and still part of the record.

        Raises:
            Problems: It is not: nothing that rests on it may leave. `record-replaced`, `record-moved-on` when somebody
                else has the record now.
        """

    async def commit_output(self) -> None:
        """The same for output. Entries may be durable before it: `verify` then tells what was lost.

        Raises:
            Problems: It is not.
        """

    def open_log(self) -> int:
        """A descriptor of this machine for the runner's own trouble, which is no evidence.

        Raises:
            OSError: What the system said.
        """

    async def close(self) -> None:
        """Let go; what was not committed may be lost."""


class Created(msgspec.Struct, frozen=True, kw_only=True):
    """A record that was begun."""

    writer: RecordWriter
    digests: dict[str, str]
    """SHA-256 of each copied file, for `RunOpened.files`."""
    ledger: str = ""
    """SHA-256 of the entry in the ledger that says so, for `RunOpened.ledger`; empty where nobody seals."""


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A record that goes on, and what its last writer left unfinished."""

    writer: RecordWriter
    torn_bytes: int
    """For the next `RunnerStarted` to declare."""
    is_newest: bool
    """True where it is known that it lacks nothing that any writer ever had made durable."""


class NameHold(Protocol):
    """The right to run one runbook on some hosts, until it is released or its process ends."""

    def release(self) -> None:
        """Let another run of that name begin; harmless when it was released before."""

    def __enter__(self) -> Self:
        """Itself."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Release it."""


class Store(Protocol):
    """All records that are kept together."""

    address: str
    """Where that is, in words for people, and for a runner that is to open the same store."""

    def runs(self, *, runbook: str = "", limit: int | None = None) -> tuple[RunSummary, ...]:
        """The newest runs first, of one runbook or of all; no more are read than asked for.

        Raises:
            Problems: The store cannot be read. A record that cannot be is a row that says so.
        """

    def find(self, text: str) -> Record:
        """A record by a part of its id, a runbook's name (its newest run), `last`, or where a copy of it lies.

        Where several ids have the part, those that begin with it are meant, else those that end with it.

        Raises:
            Problems: `unknown-run` and `ambiguous-run`, with what there is.
        """

    def hold(self, runbook: str, run: str, hosts: Iterable[str] = ()) -> NameHold:
        """Take the right to run a runbook on those hosts, by names and addresses; done before a record is opened.

        Without hosts it excludes every other run of that runbook.

        Raises:
            Problems: `already-live` while another run of it is live on one of them.
        """

    def create(self, run: str, *, runbook: str, files: Mapping[str, bytes], sealer: Sealer | None = None) -> Created:
        """Begin the record of a new run.

        Args:
            run: Its id, a plain file name.
            runbook: Its runbook's name, for messages.
            files: Name to bytes of what it is made from, secrets already masked.
            sealer: Puts it into the ledger, signs its head now and then, and seals it when it has ended; with None
                nobody does.

        Raises:
            Problems: `record-exists`; `recordings-open` where others could replace it; no room, no right.
        """

    def take(self, run: str, sealer: Sealer | None = None) -> Taken:
        """Go on writing the record of a run whose runner is gone; `sealer` as for `create`.

        Raises:
            Problems: `record-live` while it is not gone; `record-sealed` once it was closed for good; the codes of a
                damaged journal.
        """

    def seal(self, run: str, sealer: Sealer, reason: str = "") -> Sealed:
        """Close a record for good that its runner did not; `reason` says why a run that did not end never will.

        Raises:
            Problems: `record-live`; as `sealing.seal`, and the record is then as it was.
        """

    def owner(self) -> int | None:
        """The uid of the one user who may put records here; None where several may, or nothing is there."""

    def concerns(self) -> tuple[Problem, ...]:
        """Who but us could replace a record here: what `create` refuses, and what it bears and puts on record."""
