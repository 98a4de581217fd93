"""What a store does about one run beside its record: tell the ledger, sign its head, and close it for good.

All of it happens beside the run. What is told before the first step has to stand, or there is no run; everything after
may fail, is said in the runner's log, and costs the run nothing. Signing waits for an agent, a disk or a person, so
checkpoints have a thread of their own and nobody waits for them but the end.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from msgspec.structs import replace

from runbook.problem import Problems
from runbook.record.form.codec import Tip
from runbook.record.ledger.entry import Kind, LedgerEntry
from runbook.record.ledger.ledger import Ledger
from runbook.record.sealing.checkpoint import Checkpoint, put_checkpoint
from runbook.record.sealing.seal import Sealed, seal
from runbook.record.sealing.sealer import Sealer


class Closing:
    """Of one run, for as long as somebody writes it."""

    def __init__(self, root: Path, run: str, sealer: Sealer) -> None:
        """In the folder of records `root`."""
        self._folder = root / run
        self._run = run
        self._sealer = sealer
        self._ledger = Ledger(root)
        self._thread: ThreadPoolExecutor | None = None
        self._checked_at = 0.0

    def opened(self, plan: str) -> str:
        """Tell the ledger that the run begins; gives what its first line quotes.

        Raises:
            Problems: `record-unwritable`.
        """
        return self._told(self._entry("opened", plan=plan))

    def resumed(self) -> None:
        """Tell the ledger that somebody took the run over. It was told of the run before, so this may fail."""
        try:
            self._told(self._entry("resumed"))
        except Problems as wrong:
            _complain(str(wrong))

    def passed(self, tip: Tip) -> None:
        """The journal is durable up to there: sign that once in a while, in a thread of its own."""
        if self._sealer.quiet_key and tip.at - self._checked_at >= self._sealer.sealing.every:
            self._checked_at = tip.at
            self._thread = self._thread or ThreadPoolExecutor(max_workers=1, thread_name_prefix="checkpoint")
            self._thread.submit(self._check, tip)

    def close(self, reason: str = "") -> Sealed:
        """Seal the record and tell the ledger.

        Raises:
            Problems: As `seal`. What the ledger does not take is a remark of the seal, which stands.
        """
        self.leave()
        sealed = seal(self._folder, self._run, self._sealer, reason)
        said = sealed.statement
        try:
            entry = self._entry("sealed" if said.state == "ended" else "abandoned")
            closed = replace(entry, head=said.head, lines=said.lines, manifest=sealed.manifest)
            self._told(replace(closed, key=said.key, text=said.reason))
            if self._sealer.quiet_key:
                self._ledger.checkpoint_of_the_day(self._sealer.wall()[:10], self._sealer.quiet_key)
        except (Problems, OSError, ValueError) as wrong:
            return sealed.with_remark(str(wrong))
        return sealed

    def close_quietly(self) -> None:
        """At the end of a run that ended: whatever goes wrong, the run is what it was."""
        try:
            for remark in self.close().remarks:
                _complain(remark)
        except Problems as wrong:
            _complain(str(wrong))
        except Exception as ours:  # noqa: BLE001 - a mistake of ours costs the seal, which can be made again
            _complain(f"runbook itself failed to seal the record ({type(ours).__name__}: {ours})")

    def leave(self) -> None:
        """Wait for a checkpoint that is being signed."""
        if self._thread is not None:
            self._thread.shutdown(wait=True)
            self._thread = None

    def _check(self, tip: Tip) -> None:
        point = Checkpoint(run=self._run, lines=tip.seq, head=tip.prev, wall=self._sealer.wall())
        try:
            put_checkpoint(self._folder, point, self._sealer.quiet_key)
        except (Problems, OSError) as wrong:
            _complain(f"The head could not be signed: {wrong}")

    def _entry(self, kind: Kind, plan: str = "") -> LedgerEntry:
        sealer = self._sealer
        return LedgerEntry(kind=kind, time=sealer.wall(), by=sealer.sealing.by, run=self._run, plan=plan)

    def _told(self, entry: LedgerEntry) -> str:
        return self._ledger.append(entry, self._sealer.quiet_key).digest


def _complain(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - the runner's log
