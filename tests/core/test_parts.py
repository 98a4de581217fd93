"""What a recovery consisted of: parts between milestones that were seen, and nothing that was not."""

from __future__ import annotations

from runbook.core.answers import Word
from runbook.core.events.event import GateAnswered, GateOpened, MilestoneMarked, ProbeSampled, StepEnded
from runbook.core.fold.parts import Part, parts
from runbook.core.fold.recovery import recovery
from runbook.core.milestone_name import Milestone
from runbook.core.outcome import Outcome
from runbook.core.planned.action import HttpAction
from runbook.core.planned.plan import PlannedProbe
from tests.builders import ANNA, Story, plan, step

PROBE = PlannedProbe(name="ok", action=HttpAction(url="http://app1/ok"), every=1.0)
YES: Word = "proceed"


def story() -> Story:
    return Story(plan(step("1.1"), probes=(PROBE,))).start()


def marked(tale: Story, *marks: tuple[float, Milestone]) -> Story:
    for at, milestone in marks:
        tale.now = at
        tale.add(MilestoneMarked(milestone=milestone, source="1.1"))
    return tale


def sampled(tale: Story, *answers: tuple[float, bool]) -> Story:
    for at, ok in answers:
        tale.now = at
        tale.add(ProbeSampled(probe="ok", ok=ok, took=0.0))
    return tale


def found(tale: Story) -> tuple[Part, ...]:
    return parts(tale.run, recovery(tale.run))


def test_each_part_lies_between_two_milestones_and_has_the_doubt_of_both() -> None:
    tale = sampled(story(), (9.0, True), (10.0, False))
    marked(tale, (12.0, Milestone.DETECTED), (20.0, Milestone.DECLARED), (21.0, Milestone.RECOVERY_STARTED))
    sampled(tale, (30.0, False), (31.0, True))
    marked(tale, (35.0, Milestone.VERIFIED), (60.0, Milestone.NORMAL))
    assert found(tale) == (
        Part(name="detect", seconds=3.0, error=1.0),
        Part(name="decide", seconds=8.0, error=0.0),
        Part(name="mobilise", seconds=1.0, error=0.0),
        Part(name="recover", seconds=10.0, error=1.0),
        Part(name="verify", seconds=5.0, error=1.0),
        Part(name="failback", seconds=25.0, error=0.0),
    )


def test_what_nobody_marked_is_not_guessed() -> None:
    tale = marked(story(), (12.0, Milestone.DETECTED), (21.0, Milestone.RECOVERY_STARTED))
    assert found(tale) == ()


def test_milestones_out_of_their_order_are_no_part() -> None:
    tale = marked(story(), (5.0, Milestone.DECLARED), (9.0, Milestone.DETECTED))
    assert found(tale) == ()


def test_coming_back_tells_how_long_the_service_was_out_once_more() -> None:
    tale = sampled(story(), (9.0, True), (10.0, False), (30.0, False), (31.0, True))
    marked(tale, (40.0, Milestone.VERIFIED))
    sampled(tale, (50.0, True), (51.0, False), (53.0, True), (58.0, True))
    marked(tale, (60.0, Milestone.NORMAL))
    assert [(part.name, part.out) for part in found(tale)] == [("verify", 0.0), ("failback", 3.0)]


def test_time_in_which_people_were_waited_for_is_told_in_its_part_and_not_taken_off() -> None:
    tale = marked(story(), (10.0, Milestone.DETECTED))
    tale.add(GateOpened(gate="1.1#1", step="1.1", kind="confirm"))
    tale.now = 17.0
    tale.add(GateAnswered(gate="1.1#1", step="1.1", by=ANNA, answer=YES))
    tale.add(StepEnded(step="1.1", outcome=Outcome.SUCCEEDED))
    marked(tale, (18.0, Milestone.DECLARED))
    assert found(tale) == (Part(name="decide", seconds=8.0, error=0.0, waiting_for_people=7.0),)
