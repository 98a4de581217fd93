"""Verifying a record: is what lies here what was recorded, all of it, and does it hold together?

Everything is recomputed from the files; no verdict that was stored is believed. One pass reads the journal along its
chain and shows each good entry to every check. The grade is the gravest finding. What a sound record does not prove is
said in `docs/record.md`: without a head or a signature kept elsewhere, somebody who can rewrite the whole folder can
make another one that is just as sound. Signing will be one more check beside these.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import msgspec

from runbook.core.entry import Entry
from runbook.core.event import RunEnded, RunOpened
from runbook.problem import Exit
from runbook.record.evidence import CopiesCheck, OutputCheck, TornCheck, access_check
from runbook.record.finding import Check, Ending, Finding, Observer
from runbook.record.order import AttemptsCheck, EndingCheck, GatesCheck, PlanCheck
from runbook.record.reader import RecordReader


class Grade(StrEnum):
    """What may be said about a record in one word."""

    SOUND = "sound"
    """Whole and unchanged."""
    INCOMPLETE = "incomplete"
    """What is there is unchanged, but something that should be there is not."""
    ALTERED = "altered"
    """Something is not what was recorded."""

    @property
    def exit(self) -> Exit:
        """How `runbook verify` ends."""
        return Exit.HELD if self is Grade.SOUND else Exit.FAILED


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was checked, and what came out."""

    folder: Path
    run: str
    """Empty when the first line cannot be read."""
    checks: tuple[Check, ...]
    lines: int
    """Good lines of the journal, from the first on."""
    head: str
    """SHA-256 of the last good line: quoted elsewhere (a ticket, a mail), it pins everything before it."""

    @property
    def grade(self) -> Grade:
        """By the gravest finding."""
        worst = max(check.finding for check in self.checks)
        return {Finding.MISSING: Grade.INCOMPLETE, Finding.ALTERED: Grade.ALTERED}.get(worst, Grade.SOUND)

    @property
    def first_bad_line(self) -> int:
        """The first line of the journal that a failed check points at; 0 when none does."""
        return min((check.line for check in self.checks if not check.ok and check.line), default=0)


def verify(folder: Path) -> Verification:
    """Check a record.

    Raises:
        Problems: `no-record` when there is no journal in that folder. Damage is a finding, never an exception.
    """
    reader = RecordReader(folder)
    observers: tuple[Observer, ...] = (
        PlanCheck(),
        EndingCheck(),
        CopiesCheck(folder),
        OutputCheck(folder),
        AttemptsCheck(),
        GatesCheck(),
        TornCheck(folder),
    )
    story = _Story()
    for entry in reader.entries():
        story.see(entry)
        for observer in observers:
            observer.see(entry)
    ending = story.ending(reader.tip.seq)
    checks = (_chain_check(reader), *(observer.check(ending) for observer in observers), access_check(folder))
    return Verification(folder=folder, run=story.run, checks=checks, lines=reader.tip.seq, head=reader.tip.prev)


class _Story:
    """The little about a run that several checks need."""

    def __init__(self) -> None:
        self.run = ""
        self._ended = False

    def see(self, entry: Entry) -> None:
        match entry.event:
            case RunOpened(run=run):
                self.run = run
            case RunEnded():
                self._ended = True
            case _:
                pass

    def ending(self, lines: int) -> Ending:
        return Ending(ended=self._ended, lines=lines)


def _chain_check(reader: RecordReader) -> Check:
    """How reading along the chain stopped."""
    damage = reader.damage
    if damage is None:
        detail = f"{reader.tip.seq} lines follow one another without a break"
        return Check(name="chain", finding=Finding.OK, detail=detail)
    torn = damage.code in {"journal-torn", "journal-unknown"}
    detail = f"{damage.what}: {damage.why}" if damage.why else damage.what
    finding = Finding.MISSING if torn else Finding.ALTERED
    return Check(name="chain", finding=finding, detail=detail, line=reader.tip.seq + 1)
