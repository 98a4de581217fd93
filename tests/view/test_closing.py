"""The last words of a run: nothing that was missed, not measured or not over is left out."""

from __future__ import annotations

from runbook.core.events.event import FailureResolved, HaltRequested, RollbackStarted
from runbook.core.outcome import Outcome
from runbook.core.planned.action import CommandAction, HttpAction
from runbook.core.planned.plan import Objectives, PlannedProbe
from runbook.view.story.closing import closing
from tests.builders import ANNA, Story, plan, step
from tests.stories import failover, stopped

PROBE = PlannedProbe(name="write-ok", action=HttpAction(url="http://app1/health"), every=0.5)


def probed(**objectives: object) -> Story:
    """A run of one step with a continuous probe."""
    return Story(plan(step("1.1"), probes=(PROBE,), objectives=Objectives(**objectives))).start()


def closed(tale: Story) -> list[str]:
    first, *others = closing(tale.run, "recordings/r1")
    assert first == ""
    return others


def test_a_failover_closes_with_its_verdicts_its_deviation_and_its_measures() -> None:
    assert closed(failover()) == [
        "Fail orders over: completed",
        "  steady state   met",
        "  objectives     met",
        "  revert         none",
        "  not as planned 1 step: 2.2",
        "  recovery time  27.8 s (up to 5.9 s less) from outage, objective 1:00, 11.4 s from declared, of it 0:14 waiting for people",
        "  parts          detect 6.4 s (0:04 for people), decide 10.0 s (0:10 for people), mobilise 9.0 s, recover 2.4 s",
        "  data loss      6.3 s (up to 6.2 s less), 1 acknowledged write lost, 1 in flight gone, objective 0:30",
        "  record         recordings/r1",
    ]


def test_a_stopped_run_says_why_and_that_nothing_was_promised() -> None:
    assert closed(stopped()) == [
        "Fail orders over: failed (looked by hand, it is down)",
        "  steady state   inconclusive (none declared)",
        "  objectives     not measured (none declared)",
        "  revert         none",
        "  rollback       none, nothing was undone",
        "  not as planned 1 step: 1.2",
        "  record         recordings/r1",
    ]


def test_what_became_of_the_rollback_is_said_host_by_host() -> None:
    undo = step("1.1.undo.1", CommandAction(shell="undo"), hosts=("h1", "h2"))
    tale = Story(plan(step("1.1", hosts=("h1", "h2"), undo=(undo,)))).start().ran("1.1", Outcome.FAILED)
    tale.add(FailureResolved(step="1.1", choice="rollback"), RollbackStarted(reason="failed"))
    tale.enter("1.1.undo.1").attempt("1.1.undo.1", "h1").attempt("1.1.undo.1", "h2")
    tale.answer("1.1.undo.1", "h1", Outcome.FAILED).answer("1.1.undo.1", "h2").end("1.1.undo.1", Outcome.FAILED)
    assert "  rollback       failed: failed 1.1.undo.1 on h1; held 1.1.undo.1 on h2" in closed(tale.finish())


def test_a_run_that_stopped_without_one_says_that_nothing_was_undone_and_what_can_be() -> None:
    undo = step("1.1.undo.1", CommandAction(shell="undo"))
    tale = Story(plan(step("1.1", undo=(undo,)))).start().ran("1.1").add(HaltRequested(by=ANNA, reason="enough"))
    said = closed(tale.finish())
    command = "runbook rollback 20261123T041200Z-orders-failover"
    assert f"  rollback       none, nothing was undone; 1 step that ran can be undone (1.1) with: {command}" in said


def test_a_run_whose_runner_is_gone_is_interrupted_and_not_completed() -> None:
    assert closed(Story(plan(step("1.1"))).start().ran("1.1"))[0] == "Fail orders over: interrupted"


def test_what_was_promised_and_not_measured_is_said() -> None:
    tale = probed(rto=60.0, rpo=30.0).ran("1.1").finish()
    assert [text for text in closed(tale) if "measured" in text] == [
        "  objectives     not measured",
        "  recovery time  not measured, objective 1:00",
        "  data loss      not measured, objective 0:30",
    ]


def test_a_service_that_is_still_out_is_said_to_be_out_also_where_nothing_was_promised() -> None:
    tale = probed().sample("write-ok", True, False, False).ran("1.1", took=40.0).finish()
    [told] = [text for text in closed(tale) if "recovery time" in text]
    assert told == "  recovery time  still out 41.0 s after the outage began, no objective"


def test_an_outage_older_than_the_first_look_gives_a_lower_bound_and_meets_no_objective() -> None:
    tale = probed(rto=60.0).sample("write-ok", False, False, True, True).ran("1.1").finish()
    assert closed(tale)[2] == "  objectives     not measured"
    [told] = [text for text in closed(tale) if "recovery time" in text]
    assert told.startswith("  recovery time  ≥ ")


def test_nothing_in_the_last_words_drives_the_terminal() -> None:
    tale = Story(plan(step("1.1"), title="Fail\x1b[2J over")).finish()
    assert closing(tale.run, "rec\x1b]0;x\x07ords")[1::4] == ("Fail over: completed", "  record         records")
