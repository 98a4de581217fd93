"""Sealed records and their ledger as they were once written: every later version, and the other verifier, verify them.

A change that makes one of these fail takes the evidence of somebody who sealed a record with that version. It needs a
reader for what was, never a new corpus; a new form of seal is frozen beside these.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from runbook.record.checking.ledgered import examine_ledger
from runbook.record.checking.roots import Roots
from runbook.record.checking.verify import verify
from runbook.record.sealing.signing import Trust

FROZEN = Path(__file__).parent / "frozen"
VERIFIER = Path(__file__).parents[2] / "docs/verify_standalone.py"
GRADES = {
    "1/recordings/20261123T041200Z-orders-restart-0001": "sound",
    "1/recordings/20261123T051200Z-orders-restart-0002": "incomplete",
    "1/recordings/20261124T041200Z-orders-restart-0003": "sound with exceptions",
}
"""Signed, with a checkpoint; signed by nobody, which is too little for whoever believes somebody; never ended."""


def roots(record: Path) -> Roots:
    """What was kept elsewhere."""
    kept = record.parents[1]
    return Roots(trust=Trust(signers=str(kept / "allowed_signers")), checkpoint=str(kept / "checkpoint.txt"))


def test_every_frozen_record_is_named_here() -> None:
    found = sorted(str(path.parent.relative_to(FROZEN)) for path in FROZEN.rglob("journal.jsonl"))
    assert found == sorted(GRADES)


@pytest.mark.parametrize("name", GRADES)
def test_a_frozen_record_verifies_for_ever(name: str) -> None:
    found = verify(FROZEN / name, roots(FROZEN / name))
    assert (found.grade, found.run) == (GRADES[name], Path(name).name)


@pytest.mark.parametrize("name", GRADES)
def test_the_other_verifier_says_the_same(name: str) -> None:
    kept = roots(FROZEN / name)
    words = [FROZEN / name, "--allowed-signers", kept.trust.signers, "--checkpoint", kept.checkpoint]
    done = subprocess.run([sys.executable, VERIFIER, *words], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines()[-1] == GRADES[name]


def test_a_frozen_ledger_holds_for_ever() -> None:
    found = examine_ledger(str(FROZEN / "1/recordings"), roots(FROZEN / "1/recordings/any"))
    assert (found.grade, found.entries, found.missing) == ("sound", 6, ())
