"""Data loss, told by marks: what was acknowledged, what is there afterwards, and how sure that is."""

from __future__ import annotations

from runbook.core.action import CommandAction
from runbook.core.event import CanarySampled
from runbook.core.fold.recovery_point import RecoveryPoint, recovery_point
from runbook.core.fold.verdict import loss_verdict, verdicts
from runbook.core.plan import Objectives, PlannedCanary
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
    assert recovery_point(tale.run) == RecoveryPoint(seconds=3.0, error=1.0, lost=2)
    assert loss_verdict(tale.run) == "met"


def test_when_every_mark_is_there_only_the_sampling_leaves_a_doubt() -> None:
    tale = written_every_second(story(), 101, 102)
    tale.wait(1.0).add(write(103, ok=False)).wait(1.0).add(read(102))
    assert recovery_point(tale.run) == RecoveryPoint(seconds=1.0, error=1.0, lost=0)


def test_a_mark_that_was_never_acknowledged_but_is_there_loses_nothing() -> None:
    tale = written_every_second(story(), 101, 102)
    tale.wait(1.0).add(write(103, ok=False)).wait(1.0).add(read(103))
    assert recovery_point(tale.run) == RecoveryPoint(seconds=1.0, error=1.0, lost=0)


def test_a_mark_from_before_the_run_means_that_all_of_it_is_lost() -> None:
    tale = written_every_second(story(rpo=2.0), 101, 102)
    tale.wait(1.0).add(write(103, ok=False)).wait(1.0).add(read(7))
    assert recovery_point(tale.run) == RecoveryPoint(seconds=3.0, error=1.0, lost=2)
    assert loss_verdict(tale.run) == "missed"


def test_the_worst_of_several_interruptions_counts() -> None:
    tale = written_every_second(story(), 101, 102)
    tale.wait(1.0).add(write(103, ok=False)).add(read(101))
    tale.wait(1.0).add(write(104)).wait(1.0).add(write(105, ok=False)).add(read(104))
    assert recovery_point(tale.run) == RecoveryPoint(seconds=2.0, error=1.0, lost=1)


def test_a_slow_failure_widens_the_doubt_and_never_hides_loss() -> None:
    tale = written_every_second(story(), 101)
    tale.wait(3.0).add(write(102, ok=False, took=2.0)).add(read(101))
    assert recovery_point(tale.run) == RecoveryPoint(seconds=3.0, error=3.0, lost=0)


def test_an_objective_that_nobody_measured_is_not_met() -> None:
    tale = story()
    assert verdicts(tale.run).objectives == "not_measured"
