"""Data loss, by marks, by positions and by the age of what was restored: what is gone, and how sure that is."""

from __future__ import annotations

from runbook.core.events.event import CanarySampled, Event, MilestoneMarked, ProbeSampled
from runbook.core.events.point_event import BackupRead, PositionRead
from runbook.core.fold.recovery_point import RecoveryPoint, recovery_point
from runbook.core.fold.verdict import loss_verdict, verdicts
from runbook.core.milestone_name import Milestone
from runbook.core.planned.action import CommandAction
from runbook.core.planned.plan import Objectives, PlannedBackup, PlannedCanary, PlannedProbe, PlannedWatermark
from tests.builders import Story, plan, step

CANARY = PlannedCanary(
    write=CommandAction(shell="put {seq}"), write_on="app1", read=CommandAction(shell="last"), read_on="app1", every=1.0
)


def story(rpo: float | None = 5.0) -> Story:
    return Story(plan(step(), canary=CANARY, objectives=Objectives(rpo=rpo)))


def write(mark: int, *, ok: bool = True, took: float = 0.0) -> CanarySampled:
    return CanarySampled(kind="write", mark=mark, ok=ok, took=took)


def read(mark: int) -> CanarySampled:
    return CanarySampled(kind="read", mark=mark, ok=True, took=0.0)


def written_every_second(tale: Story, *marks: int) -> Story:
    for mark in marks:
        tale.wait(1.0).add(write(mark))
    return tale


def test_without_an_interruption_nothing_is_measured() -> None:
    tale = written_every_second(story(), 101, 102, 103)
    assert recovery_point(tale.run) is None
    assert loss_verdict(tale.run) == "not_measured"


def test_acknowledged_marks_that_are_gone_are_lost_and_the_span_is_the_widest_reading() -> None:
    tale = written_every_second(story(), 101, 102, 103)
    tale.wait(1.0).add(write(104, ok=False))
    tale.wait(3.0).add(read(101))
    # The mark of second 1 survived; the first failed write was known at second 4; the last good one began at second 3.
    assert recovery_point(tale.run) == RecoveryPoint(seconds=3.0, error=1.0, lost=2, in_flight=1)
    assert loss_verdict(tale.run) == "met"


def test_when_every_mark_is_there_only_the_sampling_leaves_a_doubt() -> None:
    tale = written_every_second(story(), 101, 102)
    tale.wait(1.0).add(write(103, ok=False)).wait(1.0).add(read(102))
    assert recovery_point(tale.run) == RecoveryPoint(seconds=1.0, error=1.0, lost=0, in_flight=1)


def test_a_mark_that_was_never_acknowledged_but_is_there_loses_nothing() -> None:
    tale = written_every_second(story(), 101, 102)
    tale.wait(1.0).add(write(103, ok=False)).wait(1.0).add(read(103))
    assert recovery_point(tale.run) == RecoveryPoint(seconds=1.0, error=1.0, lost=0, in_flight=1, kept=1)


def test_a_mark_from_before_the_run_means_that_all_of_it_is_lost() -> None:
    tale = written_every_second(story(rpo=2.0), 101, 102)
    tale.wait(1.0).add(write(103, ok=False)).wait(1.0).add(read(7))
    assert recovery_point(tale.run) == RecoveryPoint(seconds=3.0, error=1.0, lost=2, in_flight=1)
    assert loss_verdict(tale.run) == "missed"


def test_the_worst_of_several_interruptions_counts() -> None:
    tale = written_every_second(story(), 101, 102)
    tale.wait(1.0).add(write(103, ok=False)).add(read(101))
    tale.wait(1.0).add(write(104)).wait(1.0).add(write(105, ok=False)).add(read(104))
    assert recovery_point(tale.run) == RecoveryPoint(seconds=2.0, error=1.0, lost=1, in_flight=2)


def test_an_interruption_that_lost_nothing_hides_none_that_did() -> None:
    tale = written_every_second(story(), 101, 102, 103)
    tale.wait(1.0).add(write(104, ok=False)).add(read(101))
    tale.wait(1.0).add(write(105)).wait(8.0).add(write(106, ok=False)).add(read(105))
    # The second wait could have lost eight seconds, the first lost two writes for certain.
    assert recovery_point(tale.run) == RecoveryPoint(seconds=8.0, error=6.0, lost=2, in_flight=2)


def test_an_interruption_that_is_looked_at_twice_has_lost_once() -> None:
    tale = written_every_second(story(), 101, 102)
    tale.wait(1.0).add(write(103, ok=False)).add(read(101)).add(write(104, ok=False)).add(read(101))
    found = recovery_point(tale.run)
    assert found is not None
    assert (found.lost, found.in_flight) == (1, 2)


def test_a_slow_failure_widens_the_doubt_and_never_hides_loss() -> None:
    tale = written_every_second(story(), 101)
    tale.wait(3.0).add(write(102, ok=False, took=2.0)).add(read(101))
    assert recovery_point(tale.run) == RecoveryPoint(seconds=3.0, error=3.0, lost=0, in_flight=1)


def test_an_objective_that_nobody_measured_is_not_met() -> None:
    tale = story()
    assert verdicts(tale.run).objectives == "not_measured"


# --- positions --------------------------------------------------------------------------------------------------------

WATERMARK = PlannedWatermark(
    source=CommandAction(shell="position"),
    source_on="db1",
    recovered=CommandAction(shell="reached"),
    recovered_on="db2",
    unit="bytes",
)
PROBE = PlannedProbe(name="ok", action=CommandAction(shell="ok"), every=1.0)


def positions(**fields: object) -> Story:
    return Story(plan(step(), probes=(PROBE,), objectives=Objectives(rpo=5.0), **{"watermark": WATERMARK, **fields}))


def at(tale: Story, moment: float, *events: Event) -> Story:
    tale.now = moment
    for event in events:
        tale.add(event)
    return tale


def source(position: int) -> PositionRead:
    return PositionRead(side="source", ok=True, took=0.0, position=position)


def recovered(position: int) -> PositionRead:
    return PositionRead(side="recovered", ok=True, took=0.0, position=position)


def probe(*, ok: bool) -> ProbeSampled:
    return ProbeSampled(probe="ok", ok=ok, took=0.0)


def failed_over(reached: int, afterwards: int) -> Story:
    """Positions grow by 100 a second until second 4; out from there to second 9."""
    tale = positions()
    for second in (1, 2, 3, 4):
        at(tale, second, source(100 * second), probe(ok=True))
    at(tale, 5.0, probe(ok=False), PositionRead(side="source", ok=False, took=0.0, detail="gone"), recovered(reached))
    at(tale, 9.0, probe(ok=False))
    return at(tale, 10.0, probe(ok=True), recovered(afterwards))


def test_a_recovery_point_lies_where_the_lost_side_was_when_it_had_come_as_far_as_the_other_has() -> None:
    tale = failed_over(reached=250, afterwards=250)
    # It passed 250 between seconds 2 and 3, and was lost between seconds 4 and 5.
    assert recovery_point(tale.run) == RecoveryPoint(method="watermark", seconds=3.0, error=2.0, lost=150)
    assert loss_verdict(tale.run) == "met"


def test_a_side_that_has_everything_has_lost_nothing_that_anybody_saw() -> None:
    tale = failed_over(reached=400, afterwards=400)
    assert recovery_point(tale.run) == RecoveryPoint(method="watermark", seconds=1.0, error=1.0, lost=0)


def test_a_position_that_goes_on_with_new_writes_is_judged_by_what_it_was_before_them() -> None:
    tale = failed_over(reached=250, afterwards=900)
    assert recovery_point(tale.run) == RecoveryPoint(method="watermark", seconds=3.0, error=3.0, lost=150)


def test_positions_without_an_outage_or_of_one_side_alone_measure_nothing() -> None:
    assert recovery_point(at(positions(), 1.0, source(100), recovered(90), probe(ok=True)).run) is None
    tale = at(positions(), 1.0, source(100), probe(ok=True))
    assert recovery_point(at(at(tale, 2.0, probe(ok=False)), 3.0, probe(ok=True)).run) is None


# --- restored sets ----------------------------------------------------------------------------------------------------


def test_a_restored_set_is_as_old_as_its_newest_content_was_when_the_loss_happened() -> None:
    backup = PlannedBackup(read=CommandAction(shell="newest"), read_on="db3", clock="db1")
    tale = positions(watermark=None, backup=backup)
    at(tale, 20.0, MilestoneMarked(milestone=Milestone.OUTAGE, source="1.1"))
    at(tale, 50.0, BackupRead(ok=False, took=0.1, detail="not there yet"))
    assert recovery_point(tale.run) is None
    at(tale, 60.0, BackupRead(ok=True, took=0.1, age=43.0, error=0.25))
    # Written at second 17, as far as two clocks can tell.
    assert recovery_point(tale.run) == RecoveryPoint(method="backup", seconds=3.25, error=0.5, lost=None)
    assert loss_verdict(tale.run) == "met"
