"""One record against the ledger, and the ledger against all records: who is known and gone, who is here and unknown?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from runbook.core.events.event import RunOpened
from runbook.record.checking.judgement import Judgement, grade_of
from runbook.record.checking.ledger_chain import Flaw, LedgerReading, read_ledger, signature_flaws
from runbook.record.checking.roots import Roots
from runbook.record.checking.sealed import SealedRecord
from runbook.record.checking.soundness import Examined, Soundness
from runbook.record.files.journal_file import JOURNAL
from runbook.record.ledger.ledger import FOLDER, Ledger
from runbook.record.sealing.seal import is_sealed

_CLOSED = ("sealed", "abandoned")


def ledger_of(folder: Path, roots: Roots) -> Ledger:
    """The one that is named, else the one beside a record."""
    named = Path(roots.ledger)
    return Ledger(named.parent if named.name == FOLDER else named) if roots.ledger else Ledger(folder.resolve().parent)


def ledger_check(sealed: SealedRecord, opened: RunOpened | None, head: str, roots: Roots) -> Examined:
    """What the ledger says of this record, as far as it can be believed."""
    ledger = ledger_of(sealed.folder, roots)
    quoted = opened.ledger if opened else ""
    if not ledger.exists():
        needed = bool(roots.ledger or roots.checkpoint)
        finding = Soundness.MISSING if needed else Soundness.NOTE if quoted else Soundness.OK
        detail = "The ledger that it was put into is not here" if quoted or needed else "There is no ledger here"
        return Examined(name="ledger", finding=finding, detail=detail, kind="no-ledger")
    reading = read_ledger(ledger, roots)
    run = opened.run if opened else ""
    flaws = [*reading.flaws, *signature_flaws(ledger, reading, roots.trust, run or "?")]
    flaws += _about(reading, run, quoted, sealed, head)
    worst = max(flaws, key=lambda flaw: flaw.finding, default=None)
    if worst is not None and worst.finding > Soundness.NOTE:
        return _examined(worst)
    gone = missing(reading, sealed.folder.resolve().parent)
    if gone and ledger.folder.parent == sealed.folder.resolve().parent:
        told = Flaw(finding=Soundness.NOTE, detail=_lost(gone), kind="missing-record")
        return _examined(told)
    if worst is not None:
        return _examined(worst)
    detail = f"{len(reading.digests)} entries follow one another without a hole, and this record is as they say"
    return Examined(name="ledger", finding=Soundness.OK, detail=detail)


def _about(reading: LedgerReading, run: str, quoted: str, sealed: SealedRecord, head: str) -> Iterator[Flaw]:
    mine = reading.of(run) if run else ()
    if quoted and not any(digest == quoted and entry.kind == "opened" for digest, entry in mine):
        yield _altered("The entry that the record quotes in its first line is not in the ledger", "rewritten")
    if not mine:
        yield Flaw(finding=Soundness.NOTE, detail=f"Run {run or '?'} is not in the ledger", kind="unregistered")
        return
    closed = [entry for _, entry in mine if entry.kind in _CLOSED]
    for entry in closed:
        if entry.manifest != sealed.digest:
            what = "was sealed with another listing" if sealed.is_sealed else "was sealed, and it is not"
            yield _altered(f"By entry {entry.seq} the record {what}", "sealed-otherwise")
        elif entry.head != head:
            yield _altered(f"By entry {entry.seq} the last line had another hash", "sealed-otherwise")
    if any(entry.kind == "destroyed" for _, entry in mine):
        yield Flaw(finding=Soundness.EXCEPTED, detail="By the ledger it was destroyed lawfully", kind="destroyed")
    if sealed.is_sealed and not closed:
        yield Flaw(finding=Soundness.NOTE, detail="The ledger was not told of the seal", kind="seal-untold")


def missing(reading: LedgerReading, records: Path) -> tuple[str, ...]:
    """Runs that were opened and have no record any more, and that nobody destroyed lawfully."""
    gone = reading.runs("opened").keys() - reading.runs("destroyed").keys()
    return tuple(sorted(run for run in gone if not (records / run / JOURNAL).exists()))


def unregistered(reading: LedgerReading, records: Path) -> tuple[str, ...]:
    """Records that the ledger does not know: older than it, or somebody else's."""
    known = reading.runs("opened")
    found = (path.parent.name for path in records.glob(f"*/{JOURNAL}"))
    return tuple(sorted(run for run in found if run not in known))


class LedgerVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """A ledger against all records of its folder."""

    checks: tuple[Examined, ...]
    """What was found, the ledger's own first; empty where nothing is wrong."""
    entries: int
    head: str
    """SHA-256 of the last entry."""
    missing: tuple[str, ...]
    """Runs without a record."""

    @property
    def grade(self) -> Judgement:
        """By the gravest finding."""
        return grade_of(self.checks)


def examine_ledger(address: str, roots: Roots) -> LedgerVerdict:
    """All records of a store against its ledger."""
    records = Path(address)
    ledger = Ledger(records)
    reading = read_ledger(ledger, roots)
    flaws = [*reading.flaws, *signature_flaws(ledger, reading, roots.trust)]
    gone = missing(reading, records)
    if gone:
        flaws.append(Flaw(finding=Soundness.MISSING, detail=_lost(gone), kind="missing-record"))
    if strange := unregistered(reading, records):
        detail = f"{_counted(strange, 'record is', 'records are')} not in the ledger: {', '.join(strange[:3])}"
        flaws.append(Flaw(finding=Soundness.NOTE, detail=detail, kind="unregistered"))
    flaws += _sealed_otherwise(reading, records)
    checks = tuple(_examined(flaw) for flaw in flaws)
    head = reading.digests[max(reading.digests)] if reading.digests else ""
    return LedgerVerdict(checks=checks, entries=len(reading.digests), head=head, missing=gone)


def _sealed_otherwise(reading: LedgerReading, records: Path) -> Iterator[Flaw]:
    for run, entry in reading.runs(*_CLOSED).items():
        folder = records / run
        if (folder / JOURNAL).exists() and SealedRecord(folder).digest != entry.manifest:
            what = "was sealed with another listing" if is_sealed(folder) else "was sealed, and it is not"
            yield _altered(f"By entry {entry.seq} run {run} {what}", "sealed-otherwise")


def _lost(gone: tuple[str, ...]) -> str:
    return f"{_counted(gone, 'run has', 'runs have')} no record here: {', '.join(gone[:3])}"


def _counted(names: tuple[str, ...], one: str, many: str) -> str:
    return f"{len(names)} {one if len(names) == 1 else many}"


def _altered(detail: str, kind: str) -> Flaw:
    return Flaw(finding=Soundness.ALTERED, detail=detail, kind=kind)


def _examined(flaw: Flaw) -> Examined:
    return Examined(name="ledger", finding=flaw.finding, detail=flaw.detail, kind=flaw.kind)
