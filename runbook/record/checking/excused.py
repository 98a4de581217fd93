"""What a seal says of the journal, and what it excuses: a run that never ended is whole as what it is.

Whoever sealed an interrupted run has said so, with the reason. Then what is missing at its end is no finding against
the record any more, as long as the journal is the very one that was sealed; it stays said, as an exception.
"""

from __future__ import annotations

from msgspec.structs import replace

from runbook.record.checking.sealed import SealedRecord
from runbook.record.checking.soundness import Examined, Soundness
from runbook.record.form.codec import Tip

_BY_BEING_CUT_OFF = ("chain", "ending", "attempts", "output")
"""Checks that miss something in every run whose runner died."""


def said_check(sealed: SealedRecord, tip: Tip, run: str) -> Examined | None:
    """None where the seal speaks of this journal."""
    said = sealed.statement
    if said is None:
        return None
    if said.run != run and run:
        what = f"It is the seal of run {said.run}, and this is {run}"
    elif said.lines != tip.seq or said.head != tip.prev:
        what = f"It is the seal of {said.lines} lines that end with {said.head}, and {tip.seq} good lines are here"
    else:
        return None
    return Examined(name="seal", finding=Soundness.ALTERED, detail=what, kind="sealed-otherwise")


def worse(one: Examined, other: Examined | None) -> Examined:
    """The graver of two findings of one check; the first where they are alike."""
    return other if other is not None and other.finding > one.finding else one


def excused(checks: tuple[Examined, ...], sealed: SealedRecord, seal: Examined) -> tuple[Examined, ...]:
    """The checks, with what an interrupted run lacks as exceptions where a seal that holds says that it never ended."""
    said = sealed.statement
    if said is None or said.state != "interrupted" or seal.finding >= Soundness.MISSING:
        return checks
    excuse = f"it was sealed as interrupted: {said.reason}"
    return tuple(
        replace(check, finding=Soundness.EXCEPTED, detail=f"{check.detail}; {excuse}")
        if check.finding is Soundness.MISSING and check.name in _BY_BEING_CUT_OFF
        else check
        for check in checks
    )
