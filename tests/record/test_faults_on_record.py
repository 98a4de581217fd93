"""What `verify` says of faults: armed before they are injected, and how many are known to be lifted."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.core.events.fault_event import FaultArmed, FaultArming, FaultInjected, FaultReverted
from runbook.record.checking.soundness import Examined, Soundness
from runbook.record.checking.verify import verify
from tests.record.samples import opened, write_journal

WHERE = {"step": "1.1", "host": "db1", "number": 1}
ARMING = FaultArming(**WHERE, fault="command", lease_id="runbook-r-1", lease=10.0, limit=60.0, duration=30.0)
ARMED, LIVE = FaultArmed(**WHERE), FaultInjected(**WHERE)
GONE = FaultReverted(**WHERE, by="runner")


def examined(folder: Path, *events: object) -> Examined:
    write_journal(folder, opened(), *events)
    return next(check for check in verify(folder).checks if check.name == "faults")


@pytest.mark.parametrize(
    ("events", "finding", "line", "detail"),
    [
        ((), Soundness.OK, 0, "Each of 0 faults was armed before it was injected, and lifted"),
        ((ARMING, ARMED, LIVE, GONE), Soundness.OK, 0, "Each of 1 faults was armed before it was injected, and lifted"),
        (
            (ARMING, ARMED, LIVE),
            Soundness.OK,
            0,
            "1 of 1 faults are not known to be lifted, the first is 1.1/db1/1",
        ),
        ((ARMING, LIVE), Soundness.ALTERED, 3, "The fault 1.1/db1/1 was injected and its revert was not armed before"),
        ((ARMED,), Soundness.ALTERED, 2, "The fault 1.1/db1/1 was never announced"),
    ],
)
def test_a_fault_is_held_against_its_road(tmp_path: Path, events, finding, line: int, detail: str) -> None:
    found = examined(tmp_path, *events)
    assert (found.finding, found.line, found.detail) == (finding, line, detail)


def test_a_runner_that_took_over_may_find_live_what_the_one_before_could_not_record(tmp_path: Path) -> None:
    taken = FaultInjected(**WHERE, detail="found live by the runner that took over")
    assert examined(tmp_path, ARMING, taken, GONE).finding is Soundness.OK
