"""Verifying a record: is what lies here what was recorded, all of it, and does it hold together?

Everything is recomputed from the files; no verdict that was stored is believed. One pass reads the journal along its
chain and shows each good entry to every check. The grade is the gravest finding. What is believed comes from elsewhere
(`roots.py`): without a signer, a head or a checkpoint that the record cannot have written, somebody who can rewrite the
whole folder can make another one that is just as sound.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from runbook.core.events.entry import Entry
from runbook.core.events.event import RunEnded, RunOpened
from runbook.core.proof import Demand
from runbook.record.checking.access import AccessCheck
from runbook.record.checking.approved import ApprovalsCheck
from runbook.record.checking.evidence import CopiesCheck, OutputCheck, TornCheck
from runbook.record.checking.excused import excused, said_check, worse
from runbook.record.checking.judgement import Judgement, grade_of
from runbook.record.checking.ledgered import ledger_check
from runbook.record.checking.lifted import FaultsCheck
from runbook.record.checking.order import AttemptsCheck, EndingCheck, GatesCheck, PlanCheck
from runbook.record.checking.points import CheckpointsCheck
from runbook.record.checking.roots import NOTHING, Roots
from runbook.record.checking.sealed import SealedRecord, files_check, listing_check, seal_check
from runbook.record.checking.sent import ShownCheck
from runbook.record.checking.soundness import Examined, JournalEnd, Observer, Soundness
from runbook.record.files.plain import CLOSED
from runbook.record.files.reader import TORN, RecordReader
from runbook.record.form.codec import holds_more
from runbook.record.form.newer import Newer
from runbook.record.sealing.seal import is_sealed


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was checked, and what came out."""

    folder: Path
    run: str
    """Empty when the first line cannot be read."""
    checks: tuple[Examined, ...]
    lines: int
    """Good lines of the journal, from the first on."""
    head: str
    """SHA-256 of the last good line: quoted elsewhere (a ticket, a mail), it pins everything before it."""

    @property
    def grade(self) -> Judgement:
        """By the gravest finding."""
        return grade_of(self.checks)

    @property
    def first_bad_line(self) -> int:
        """The first line of the journal that a failed check points at; 0 when none does. What is newer is not bad."""
        bad = (check.line for check in self.checks if check.finding > Soundness.NEWER and check.line)
        return min(bad, default=0)


def verify(folder: Path, roots: Roots = NOTHING) -> Verification:
    """Check a record.

    Args:
        folder: Of the record.
        roots: What is believed because it came from elsewhere.

    Raises:
        Problems: `no-record` when there is no journal in that folder. Damage is a finding, never an exception.
    """
    reader, sealed = RecordReader(folder), SealedRecord(folder)
    plan, story, access, points = PlanCheck(), _Story(), AccessCheck(folder), CheckpointsCheck(folder, roots)
    approvals = ApprovalsCheck(roots)
    by_meaning: tuple[Observer, ...] = (EndingCheck(), AttemptsCheck(), ShownCheck(), GatesCheck(), FaultsCheck())
    by_hash: tuple[Observer, ...] = (CopiesCheck(folder), OutputCheck(folder), TornCheck(folder))
    for entry, line in reader.lines():
        story.see(entry)
        plan.see(entry, line)
        points.see(reader.tip)
        approvals.see_tip(entry, reader.tip)
        if not reader.newer.sign and holds_more(line, entry):
            reader.newer.note("it says things that this version does not know", entry)
        for observer in (*by_meaning, *by_hash, access):
            observer.see(entry)
    ending = JournalEnd(ended=story.ended, lines=reader.tip.seq, newer=reader.newer)
    checks = (
        _chain_check(reader),
        _version_check(reader.newer),
        ending.judged(plan.check, by_meaning=True),
        *(ending.judged(observer.check(ending), by_meaning=True) for observer in by_meaning),
        *(ending.judged(observer.check(ending), by_meaning=False) for observer in by_hash),
        listing_check(sealed),
        files_check(sealed),
    )
    seal = worse(seal_check(sealed, roots, story.demand), said_check(sealed, reader.tip, story.run))
    checks = (
        *excused(checks, sealed, seal),
        seal,
        ending.judged(approvals.check(ending), by_meaning=True),
        points.check(story.run, reader.tip.seq),
        ledger_check(sealed, story.opened, reader.tip.prev, roots),
        access.check(ending),
    )
    if not sealed.is_sealed and is_sealed(folder):
        # Its runner closed it meanwhile: the ledger was asked about another record than the folder.
        return verify(folder, roots)
    return Verification(folder=folder, run=story.run, checks=checks, lines=reader.tip.seq, head=reader.tip.prev)


class _Story:
    """The little about a run that several checks need."""

    def __init__(self) -> None:
        self.opened: RunOpened | None = None
        self.ended = False

    @property
    def run(self) -> str:
        return self.opened.run if self.opened else ""

    @property
    def demand(self) -> Demand:
        """What its place asks of a seal, by the plan that was confirmed."""
        return self.opened.plan.environment.seal if self.opened else ""

    def see(self, entry: Entry) -> None:
        match entry.event:
            case RunOpened() as opened if self.opened is None:
                self.opened = opened
            case RunEnded():
                self.ended = True
            case _:
                pass


def _version_check(newer: Newer) -> Examined:
    """Whether this version knows all that the record says."""
    if not newer.sign:
        return Examined(name="version", finding=Soundness.OK, detail="This version knows all that the record says")
    detail = f"A newer version wrote it: {newer.sign}"
    return Examined(name="version", finding=Soundness.NEWER, detail=detail, line=newer.line)


_STOPS = {TORN: Soundness.MISSING, CLOSED: Soundness.MISSING, "journal-unknown": Soundness.NEWER}
"""By the code of what stopped the reading; everything else is a change."""


def _chain_check(reader: RecordReader) -> Examined:
    """How reading along the chain stopped."""
    damage = reader.damage
    if damage is None:
        detail = f"{reader.tip.seq} lines follow one another without a break"
        return Examined(name="chain", finding=Soundness.OK, detail=detail)
    detail = f"{damage.what}: {damage.why}" if damage.why else damage.what
    finding = _STOPS.get(damage.code, Soundness.ALTERED)
    return Examined(name="chain", finding=finding, detail=detail, line=reader.tip.seq + 1)
