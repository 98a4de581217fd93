"""Findings in one word, and the exit status that goes with it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum, StrEnum

from runbook.record.checking.soundness import Examined, Soundness


class Judgement(StrEnum):
    """What may be said about a record in one word."""

    SOUND = "sound"
    """Whole and unchanged."""
    EXCEPTED = "sound with exceptions"
    """Whole and unchanged but for what somebody who could has explained, or what nobody could check."""
    NEWER = "newer"
    """A newer version wrote it: its chain holds, and so does what this version understands of it."""
    INCOMPLETE = "incomplete"
    """What is there is unchanged, but something that should be there is not."""
    ALTERED = "altered"
    """Something is not what was recorded."""

    @property
    def status(self) -> Status:
        """How `runbook verify` ends."""
        return Status[self.name]


class Status(IntEnum):
    """The exit statuses of `runbook verify`, which are its own: an auditor's script must know *altered* from *cut*."""

    SOUND = 0
    ALTERED = 1
    INCOMPLETE = 2
    EXCEPTED = 3
    UNCHECKED = 4
    """There is no such record, or what was to be believed cannot be read."""
    NEWER = 6


_GRADES = {
    Soundness.EXCEPTED: Judgement.EXCEPTED,
    Soundness.NEWER: Judgement.NEWER,
    Soundness.MISSING: Judgement.INCOMPLETE,
    Soundness.ALTERED: Judgement.ALTERED,
}


def grade_of(checks: Iterable[Examined]) -> Judgement:
    """By the gravest finding."""
    return _GRADES.get(max((check.finding for check in checks), default=Soundness.OK), Judgement.SOUND)
