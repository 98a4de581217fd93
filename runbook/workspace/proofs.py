"""What checking a record found, as rows for whoever shows it."""

from __future__ import annotations

from typing import Literal

from runbook.record.checking.judgement import Judgement
from runbook.record.checking.soundness import Soundness
from runbook.record.checking.verify import Verification
from runbook.workspace.rows import CheckRow, ProofRow

_STATES: dict[Soundness, Literal["ok", "note", "excepted", "newer", "missing", "altered"]] = {
    Soundness.OK: "ok",
    Soundness.NOTE: "note",
    Soundness.EXCEPTED: "excepted",
    Soundness.NEWER: "newer",
    Soundness.MISSING: "missing",
    Soundness.ALTERED: "altered",
}


def proof_row(run: str, found: Verification) -> ProofRow:
    """A verification as a row."""
    checks = tuple(
        CheckRow(name=one.name, state=_STATES[one.finding], detail=one.detail, line=one.line) for one in found.checks
    )
    return ProofRow(
        run=run,
        grade=Judgement(found.grade).name,
        lines=found.lines,
        first_bad=found.first_bad_line,
        head=found.head,
        checks=checks,
    )
