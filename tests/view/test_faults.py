"""How faults are told wherever a run is shown: what may be live is in capitals, and who lifted the rest is said."""

from __future__ import annotations

import pytest

from runbook.core.events.fault_event import (
    FaultArmed,
    FaultArming,
    FaultEffect,
    FaultInjected,
    FaultPresent,
    FaultReverted,
    LeaseHeld,
)
from runbook.core.planned.fault_action import FaultAction
from runbook.view.faults import FaultRow, fault_rows, guarantee_words, live_line
from runbook.view.story.closing import closing
from tests.builders import Story, plan, step

WHERE = {"step": "1.1", "host": "db1", "number": 1}
ARMING = FaultArming(
    **WHERE, fault="partition", lease_id="runbook-x-1", lease=20.0, limit=360.0, duration=300.0, guarantees=("K", "S")
)
LIVE = (ARMING, FaultArmed(**WHERE), FaultInjected(**WHERE))


def told(*events: object, after: float = 60.0) -> Story:
    """A run to which these have happened, and a minute later."""
    action = FaultAction(fault="partition", duration=300.0, lease=20.0)
    return Story(plan(step("1.1", action, hosts=("db1",)), inventory="/srv/my shop")).start().add(*events).wait(after)


def row(story: Story) -> FaultRow:
    (found,) = fault_rows(story.run, story.now)
    return found


def test_a_fault_is_one_row_with_what_holds_its_revert_and_how_long_it_has_lasted() -> None:
    assert row(told(*LIVE, FaultEffect(**WHERE, ok=True, detail="silent"))) == FaultRow(
        fault="partition",
        host="db1",
        step="1.1",
        state="LIVE, 4:00 left",
        may_be_live=True,
        effect="seen",
        guarantee="the kernel, a unit",
        lasted=60.0,
    )


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ((ARMING,), "ARMING"),
        ((ARMING, FaultArmed(**WHERE)), "ARMED"),
        (LIVE, "LIVE, 4:00 left"),
        ((*LIVE, LeaseHeld(**WHERE)), "LIVE, held until somebody lifts it"),
        ((*LIVE, FaultPresent(**WHERE, known=True, detail="stuck")), "STILL THERE after 1 try: stuck"),
        ((*LIVE, FaultPresent(**WHERE, known=False, detail="no answer")), "MAY BE LIVE after 1 try: no answer"),
        ((*LIVE, FaultReverted(**WHERE, by="lease")), "lifted by lease"),
        ((*LIVE, FaultReverted(**WHERE, by="reboot")), "lifted by reboot"),
    ],
    ids=["arming", "armed", "live", "held", "seen", "unknown", "by its lease", "by a restart"],
)
def test_where_it_stands_is_said_in_a_few_words(events: tuple[object, ...], state: str) -> None:
    found = row(told(*events))
    assert (found.state, found.may_be_live) == (state, "lifted" not in state)


def test_past_its_time_nothing_is_left_and_nothing_is_negative() -> None:
    assert row(told(*LIVE, after=1000.0)).state == "LIVE, 0:00 left"


def test_one_that_was_lifted_lasts_no_longer() -> None:
    story = told(*LIVE).add(FaultReverted(**WHERE, by="runner")).wait(500.0)
    assert row(story).lasted == 60.0


def test_one_that_was_never_injected_has_not_lasted() -> None:
    assert row(told(ARMING, FaultArmed(**WHERE))).lasted is None


def test_what_may_be_live_is_one_line_and_nothing_is_no_line() -> None:
    assert live_line(told(*LIVE).run, 60.0) == "FAULT partition on db1: LIVE, 4:00 left"
    assert live_line(told(*LIVE, FaultReverted(**WHERE, by="sweep")).run, 60.0) == ""
    assert live_line(told().run, 60.0) == ""


def test_the_line_counts_the_others() -> None:
    other = FaultArming(
        step="1.1", host="db2", number=1, fault="cpu", lease_id="runbook-x-2", lease=20.0, limit=99.0, duration=30.0
    )
    assert live_line(told(*LIVE, other).run, 60.0) == "FAULT partition on db1: LIVE, 4:00 left (+1 more)"


def test_what_a_record_says_cannot_drive_the_terminal() -> None:
    said = FaultPresent(**WHERE, known=False, detail="\x1b[2Jgone")
    assert "\x1b" not in live_line(told(*LIVE, said).run, 60.0)
    assert "\x1b" not in guarantee_words(("\x1b[2J",))


def test_every_guarantee_has_words() -> None:
    from runbook.faults.fault import Guarantee

    assert [letter for letter in Guarantee if guarantee_words((letter.value,)) == letter.value] == []


def test_the_last_words_of_a_run_that_left_a_fault_sweep_the_hosts_of_that_run() -> None:
    """Without its inventory a sweep asks the workspace's own hosts, and finds nothing there."""
    said = closing(told(*LIVE).run, "r")
    assert "                 Lift it with: runbook sweep -i '/srv/my shop'" in said
