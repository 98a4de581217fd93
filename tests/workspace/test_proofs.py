"""Whatever checking a record can find has a row, and the screen a place for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.record.checking.judgement import Judgement
from runbook.record.checking.soundness import Examined, Soundness
from runbook.record.checking.verify import Verification
from runbook.tui.screens.verify import _GRADES, check_row
from runbook.workspace.proofs import proof_row


@pytest.mark.parametrize("finding", Soundness)
def test_every_finding_is_a_row_with_a_grade_that_the_screen_knows(finding: Soundness) -> None:
    found = Examined(name="seal", finding=finding, detail="as found")
    row = proof_row("r1", Verification(folder=Path("r1"), run="r1", checks=(found,), lines=3, head="a"))
    assert row.grade in _GRADES
    assert [part.text for part in check_row(row.checks[0])][-1] == "as found"


def test_every_judgement_has_a_rank() -> None:
    assert {judged.name for judged in Judgement} <= set(_GRADES)
