"""The recovery time: brackets from samples, their error, the hold, and everything that must not be called a number."""

from __future__ import annotations

import pytest

from runbook.core.events.event import MilestoneMarked, ProbeSampled, RunnerStarted
from runbook.core.fold.recovery import Bracket, Recovery, hold_of, recovery, waiting_between
from runbook.core.fold.verdict import verdicts
from runbook.core.milestone_name import Milestone
from runbook.core.outcome import Outcome
from runbook.core.planned.action import CommandAction, ConfirmAction, HttpAction, WaitForAction
from runbook.core.planned.plan import Objectives, Plan, PlannedProbe
from runbook.core.run import Stretch
from tests.builders import ANNA, Story, plan, step

OUTAGE, RESTORED, DECLARED = Milestone.OUTAGE, Milestone.SERVICE_RESTORED, Milestone.DECLARED


def probed(*names: str, hold: float = 0.0, rto: float | None = 60.0, starts: str = "outage", **fields: object) -> Plan:
    """A plan with continuous probes and a last step that waits for the first of them."""
    probes = tuple(
        PlannedProbe(name=name, action=HttpAction(url=f"http://app1/{name}"), every=1.0) for name in names or ("ok",)
    )
    waiting = step("1.2", WaitForAction(probe=probes[0].name, hold=hold), hosts=("controller",), sets=RESTORED)
    objectives = Objectives(rto=rto, rto_starts_at=starts)
    return plan(step("1.1"), waiting, **{"probes": probes, "objectives": objectives, **fields})


def sampled(of: Plan, *answers: tuple[float, bool], probe: str = "ok", took: float = 0.25) -> Story:
    """A run in which a probe was answered at those moments."""
    tale = Story(of).start()
    return resample(tale, *answers, probe=probe, took=took)


def resample(tale: Story, *answers: tuple[float, bool], probe: str = "ok", took: float = 0.25) -> Story:
    for at, ok in answers:
        tale.now = at
        tale.add(ProbeSampled(probe=probe, ok=ok, took=took))
    return tale


# --- brackets ---------------------------------------------------------------------------------------------------------


def test_a_recovery_is_the_widest_reading_of_two_brackets_with_their_width_as_its_error() -> None:
    tale = sampled(probed(), (9.0, True), (10.0, True), (11.0, False), (30.0, False), (31.0, True), (40.0, True))
    outage = Bracket(earliest=9.75, latest=11.0, source="probe ok")
    restored = Bracket(earliest=29.75, latest=31.0, source="probe ok")
    assert recovery(tale.run) == Recovery(
        moments={OUTAGE: outage, RESTORED: restored},
        seconds=21.25,
        error=2.5,
        from_outage=21.25,
    )
    assert (outage.width, restored.width) == (1.25, 1.25)


def test_a_service_that_stumbled_before_the_outage_was_said_to_be_now_has_its_recovery_from_there() -> None:
    tale = sampled(probed(), (1.0, True), (2.0, False), (3.0, True), (10.0, True), (11.0, False))
    tale.now = 12.0
    tale.add(MilestoneMarked(milestone=OUTAGE, source="1.1"))
    found = recovery(resample(tale, (30.0, False), (31.0, True), (40.0, True)).run)
    assert found.moments[OUTAGE] == Bracket(earliest=9.75, latest=11.0, source="probe ok")
    assert found.seconds == 21.25


def test_without_a_probe_and_without_a_mark_there_is_no_number() -> None:
    assert recovery(Story(plan(step())).start().run) == Recovery(moments={})


def test_a_service_that_never_failed_has_no_recovery() -> None:
    assert recovery(sampled(probed(), (1.0, True), (2.0, True)).run) == Recovery(moments={})


def test_a_service_that_never_came_back_is_still_out() -> None:
    found = recovery(sampled(probed(), (1.0, True), (2.0, False), (3.0, False)).run)
    assert (found.seconds, found.still_out) == (None, True)


def test_the_error_is_never_more_than_the_time_itself() -> None:
    found = recovery(sampled(probed(), (1.0, True), (9.0, False), (10.0, True), took=0.5).run)
    assert (found.seconds, found.error) == (9.5, 9.5)


def test_a_probe_that_is_asked_only_on_request_measures_nothing() -> None:
    asked = PlannedProbe(name="ok", action=CommandAction(shell="true"))
    assert recovery(sampled(probed(probes=(asked,)), (1.0, True), (2.0, False)).run).moments == {}


def test_a_probe_that_is_no_part_of_the_steady_state_measures_nothing() -> None:
    aside = PlannedProbe(name="ok", action=CommandAction(shell="true"), every=1.0, steady=False)
    assert recovery(sampled(probed(probes=(aside,)), (1.0, True), (2.0, False)).run).moments == {}


def test_the_outage_is_when_the_first_probe_noticed_and_the_end_is_when_the_last_one_was_well() -> None:
    tale = sampled(probed("ok", "writes", "idle"), (10.0, True), (11.0, False), (20.0, False), (21.0, True), took=0.0)
    tale.now = 0.0
    resample(tale, (8.0, True), (9.0, False), (39.0, False), (40.0, True), probe="writes", took=0.0)
    resample(tale, (41.0, True), probe="idle", took=0.0)
    found = recovery(tale.run)
    assert (found.moments[OUTAGE].source, found.moments[RESTORED].source) == ("probe writes", "probe writes")
    assert found.seconds == 32.0


def test_the_service_is_not_back_while_one_of_the_lost_probes_is_out() -> None:
    tale = sampled(probed("ok", "writes"), (1.0, True), (2.0, False), (3.0, True))
    resample(tale, (3.5, True), (4.0, False), probe="writes")
    assert recovery(tale.run).still_out


# --- hold -------------------------------------------------------------------------------------------------------------


def test_the_hold_is_the_longest_that_a_restoring_step_demands() -> None:
    other = step("1.3", WaitForAction(probe="ok", hold=20.0), hosts=("controller",), sets=RESTORED)
    unrelated = step("1.4", WaitForAction(probe="ok", hold=90.0), hosts=("controller",))
    of = plan(*probed(hold=5.0).sections[0].steps, other, unrelated)
    assert hold_of(Story(of).run) == 20.0


def test_a_flap_shorter_than_the_hold_is_not_a_recovery() -> None:
    flapping = (1.0, True), (2.0, False), (3.0, True), (5.0, True), (6.0, False), (7.0, True), (17.0, True)
    found = recovery(sampled(probed(hold=10.0), *flapping, took=0.0).run)
    assert found.moments[RESTORED] == Bracket(earliest=6.0, latest=7.0, source="probe ok")


def test_the_time_runs_to_the_first_good_sample_of_the_stretch_that_held_not_to_the_end_of_the_hold() -> None:
    answers = (1.0, True), (2.0, False), (30.0, True), (39.0, True), (40.0, True)
    assert recovery(sampled(probed(hold=10.0), *answers, took=0.0).run).seconds == 29.0


def test_a_stretch_that_has_not_held_long_enough_yet_is_not_a_recovery() -> None:
    assert recovery(sampled(probed(hold=10.0), (1.0, True), (2.0, False), (3.0, True), (12.0, True)).run).still_out


def test_a_later_loss_is_an_outage_of_its_own_and_does_not_undo_the_recovery() -> None:
    answers = (1.0, True), (2.0, False), (3.0, True), (20.0, True), (21.0, False)
    found = recovery(sampled(probed(hold=10.0), *answers, took=0.0).run)
    assert (found.seconds, found.still_out) == (2.0, False)


def test_time_in_which_nobody_asked_is_not_good_time() -> None:
    tale = sampled(probed(hold=10.0), (1.0, True), (2.0, False), (3.0, True), took=0.0)
    tale.now = 3600.0
    tale.add(RunnerStarted(pid=4712, resumed=True, by=ANNA))
    resample(tale, (3601.0, True), took=0.0)
    assert recovery(tale.run).still_out
    resample(tale, (3611.0, True), took=0.0)
    assert recovery(tale.run).moments[RESTORED] == Bracket(earliest=2.0, latest=3601.0, source="probe ok")


def test_samples_in_a_row_fold_into_one_stretch() -> None:
    tale = sampled(probed(), (1.0, True), (2.0, True), (3.0, True))
    assert tale.run.probes["ok"].stretches == (
        Stretch(ok=True, first_asked=0.75, first_known=1.0, last_asked=2.75, last_known=3.0, count=3),
    )


# --- out from the start -----------------------------------------------------------------------------------------------


def test_a_service_that_was_out_before_it_was_looked_at_gives_a_least_time_and_no_met_objective() -> None:
    tale = sampled(probed(), (5.0, False), (6.0, False), (20.0, True), took=0.0)
    found = recovery(tale.run)
    assert (found.seconds, found.at_least) == (15.0, True)
    assert found.moments[OUTAGE] == Bracket(earliest=5.0, latest=5.0, source="probe ok")
    assert verdicts(tale.run).objectives == "not_measured"


def test_a_least_time_that_is_too_long_already_is_a_miss() -> None:
    tale = sampled(probed(rto=10.0), (5.0, False), (20.0, True), took=0.0)
    assert verdicts(tale.run).objectives == "missed"


def test_counted_from_the_declaration_it_does_not_matter_when_the_outage_began() -> None:
    tale = sampled(probed(starts="declared"), (5.0, False), took=0.0)
    tale.add(MilestoneMarked(milestone=DECLARED, source="operator", by=ANNA))
    resample(tale, (20.0, True), took=0.0)
    assert not recovery(tale.run).at_least
    assert verdicts(tale.run).objectives == "met"


# --- marks ------------------------------------------------------------------------------------------------------------


def test_without_probes_the_marks_of_steps_and_people_count_to_the_moment() -> None:
    tale = Story(probed(probes=())).start().wait(10.0)
    tale.add(MilestoneMarked(milestone=OUTAGE, source="operator", by=ANNA)).wait(20.0).ran("1.2", took=5.0)
    found = recovery(tale.run)
    assert found.moments == {
        OUTAGE: Bracket(earliest=10.0, latest=10.0, source="operator"),
        RESTORED: Bracket(earliest=35.0, latest=35.0, source="step 1.2"),
    }
    assert (found.seconds, found.error) == (25.0, 0.0)


def test_a_mark_may_name_an_earlier_moment_than_its_own() -> None:
    tale = Story(plan(step())).start().wait(10.0)
    tale.add(MilestoneMarked(milestone=OUTAGE, source="operator", by=ANNA, moment=4.0))
    assert recovery(tale.run).moments[OUTAGE].latest == 4.0


def test_a_step_that_waited_for_the_service_marks_the_first_good_sample() -> None:
    tale = Story(probed(probes=())).start().enter("1.2").attempt("1.2", "controller").wait(30.0)
    tale.answer("1.2", "controller", good_since=18.0).end("1.2")
    assert recovery(tale.run).moments[RESTORED].latest == 18.0


def test_of_several_hosts_the_one_that_was_slowest_marks_the_moment() -> None:
    waiting = step("1.1", WaitForAction(command="ready", hold=5.0), hosts=("a", "b", "c"), sets=RESTORED)
    tale = Story(plan(waiting)).start().enter("1.1").attempt("1.1", "a").attempt("1.1", "b").attempt("1.1", "c")
    tale.wait(30.0).answer("1.1", "b", good_since=20.0).answer("1.1", "a", good_since=11.0).answer("1.1", "c")
    assert recovery(tale.run).moments == {}, "not before the step as a whole has succeeded"
    assert recovery(tale.end("1.1").run).moments[RESTORED].latest == 20.0


def test_a_step_that_failed_on_one_host_marks_nothing() -> None:
    waiting = step("1.1", WaitForAction(command="ready"), hosts=("a", "b"), sets=RESTORED)
    tale = Story(plan(waiting)).start().enter("1.1").attempt("1.1", "a").attempt("1.1", "b").wait(9.0)
    tale.answer("1.1", "a", good_since=5.0).answer("1.1", "b", Outcome.TIMED_OUT).end("1.1", Outcome.TIMED_OUT)
    assert recovery(tale.run).moments == {}


def test_a_step_that_ended_restores_nothing_while_the_probes_still_fail() -> None:
    tale = sampled(probed(), (1.0, True), (2.0, False)).ran("1.2", took=1.0)
    resample(tale, (4.0, False))
    found = recovery(tale.run)
    assert (found.still_out, RESTORED in found.moments) == (True, False)
    assert verdicts(tale.run).objectives == "missed"


def test_a_step_that_saw_the_whole_hold_is_believed_when_the_run_ends_a_sample_before_the_probe_has() -> None:
    tale = sampled(probed(hold=10.0), (1.0, True), (2.0, False), (3.0, True), (12.5, True), took=0.0)
    tale.enter("1.2").attempt("1.2", "controller").wait(0.5).answer("1.2", "controller", good_since=3.0).end("1.2")
    assert recovery(tale.run).moments[RESTORED] == Bracket(earliest=3.0, latest=3.0, source="step 1.2")


def test_a_restoration_before_the_outage_is_no_recovery() -> None:
    tale = Story(plan(step())).start()
    for milestone in (RESTORED, OUTAGE):
        tale.wait(5.0).add(MilestoneMarked(milestone=milestone, source="operator", by=ANNA))
    assert recovery(tale.run).seconds is None


def test_the_objective_may_count_from_the_declaration_and_both_times_are_told() -> None:
    tale = sampled(probed(starts="declared"), (1.0, True), (2.0, False), took=0.0)
    tale.now = 10.0
    tale.add(MilestoneMarked(milestone=DECLARED, source="operator", by=ANNA))
    resample(tale, (11.0, False), (12.0, True), took=0.0)
    found = recovery(tale.run)
    assert (found.seconds, found.error, found.from_outage, found.from_declared) == (2.0, 1.0, 11.0, 2.0)


def test_what_was_never_declared_has_no_time_from_its_declaration() -> None:
    tale = sampled(probed(starts="declared"), (1.0, True), (2.0, False), (3.0, True))
    assert (recovery(tale.run).seconds, recovery(tale.run).from_outage) == (None, 2.25)
    assert verdicts(tale.run).objectives == "not_measured"


def test_moments_are_told_in_the_order_in_which_they_came() -> None:
    tale = Story(plan(step())).start()
    for milestone in (DECLARED, OUTAGE, Milestone.DETECTED):
        tale.wait(1.0).add(MilestoneMarked(milestone=milestone, source="operator", by=ANNA))
    assert list(recovery(tale.run).moments) == [DECLARED, OUTAGE, Milestone.DETECTED]


# --- waiting for people -----------------------------------------------------------------------------------------------


def waiting() -> Story:
    gates = [step(f"2.{number}", ConfirmAction(message="Sure?")) for number in (1, 2)]
    return Story(plan(*gates)).start()


def test_gates_that_were_open_together_count_once() -> None:
    tale = waiting().wait(10.0).ask("2.1").wait(5.0).ask("2.2").wait(5.0)
    tale.say().end("2.2").wait(10.0).say().end("2.1").wait(70.0)
    assert waiting_between(tale.run, 0.0, 100.0) == 20.0


@pytest.mark.parametrize(
    ("start", "end", "seconds"), [(0.0, 10.0, 0.0), (0.0, 15.0, 5.0), (12.0, 14.0, 2.0), (25.0, 30.0, 0.0)]
)
def test_only_the_waiting_within_the_span_counts(start: float, end: float, seconds: float) -> None:
    tale = waiting().wait(10.0).ask("2.1").wait(10.0).say().end("2.1").wait(10.0)
    assert waiting_between(tale.run, start, end) == seconds


def test_a_gate_that_is_still_open_is_waited_at_until_the_newest_entry() -> None:
    tale = waiting().wait(10.0).ask("2.1").wait(7.0)
    tale.add(MilestoneMarked(milestone=OUTAGE, source="operator", by=ANNA))
    assert waiting_between(tale.run, 0.0, 100.0) == 7.0


def test_waiting_is_part_of_the_time_from_where_it_counts_and_never_subtracted() -> None:
    tale = sampled(probed(starts="declared"), (1.0, True), (2.0, False), took=0.0)
    tale.ask("1.1").wait(8.0)
    tale.add(MilestoneMarked(milestone=DECLARED, source="operator", by=ANNA)).wait(4.0).say().end("1.1")
    resample(tale, (20.0, False), (21.0, True), took=0.0)
    found = recovery(tale.run)
    assert (found.seconds, found.waiting_for_people) == (11.0, 4.0)
