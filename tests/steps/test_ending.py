"""Only exit code 0 within every tolerance is success."""

from __future__ import annotations

import pytest

from runbook.core.outcome import Ending, Exited, Expired, Lost, NeverSent, Outcome, Signalled, Stopped, Withheld
from runbook.core.planned.action import Expectation, Tolerance
from runbook.core.result import Result
from runbook.problem import Exit, Problem, Problems, problem
from runbook.steps.ending import concluded, granted, settled, told, unopened
from runbook.steps.kind import Finding
from runbook.steps.tolerance import Kept, Observed
from tests.steps.desk import Desk, scripted

SAID = Observed(stdout=Kept("12"), stderr=Kept("warning\nno such table"), latency=2.5)


async def found(ending: Ending, *, truths: dict[str, bool] | None = None, **planned: object) -> Finding:
    return await concluded(ending, SAID, Desk(truths=truths or {}).bench(**planned))


def result(rc: int | None) -> Result:
    return Result(rc=rc, stdout="12", stderr="warning\nno such table", duration=2.5)


@pytest.mark.parametrize(
    ("ending", "outcome", "detail"),
    [
        (Exited(0), Outcome.SUCCEEDED, ""),
        (
            Exited(137, out_of_memory=True),
            Outcome.FAILED,
            "exit code is 137, expected 0; stderr ends: no such table; the kernel ended a process of it for want of memory",
        ),
        (Exited(0, late_output=True), Outcome.SUCCEEDED, "something that it started still runs and writes"),
        (Exited(3), Outcome.FAILED, "exit code is 3, expected 0; stderr ends: no such table"),
        (Signalled("KILL"), Outcome.FAILED, "ended by signal KILL"),
        (Expired(5.0), Outcome.TIMED_OUT, "ended at its limit of 5 s"),
        (
            Expired(5.0, ("12 sleep", "13 cat")),
            Outcome.TIMED_OUT,
            "ended at its limit of 5 s; still running: 12 sleep, 13 cat",
        ),
        (Stopped(), Outcome.CANCELLED, "ended because it was no longer wanted"),
        (Lost("link gone"), Outcome.IN_DOUBT, "sent, and no answer came: link gone"),
        (Lost("shell gone", is_over=True), Outcome.IN_DOUBT, "sent, and no answer came: shell gone"),
        (
            Withheld("its place is another"),
            Outcome.IN_DOUBT,
            "not sent now, because it may have happened before: its place is another",
        ),
        (
            Withheld("ruled out", is_over=True),
            Outcome.IN_DOUBT,
            "not sent now, because it may have happened before: ruled out",
        ),
        (NeverSent("no channel"), Outcome.UNREACHABLE, "not sent: no channel"),
    ],
)
async def test_an_ending_means_one_thing(ending, outcome, detail):
    rc = ending.code if isinstance(ending, Exited) else None
    known = {name: getattr(ending, name) for name in ("survivors", "is_over") if hasattr(ending, name)}
    assert await found(ending) == Finding(outcome=outcome, detail=detail, result=result(rc), **known)


@pytest.mark.parametrize(
    ("parts", "known"),
    [
        ({}, "announced, and it may have run"),
        ({"has_printed": True}, "begun, and no end is known"),
    ],
)
async def test_of_what_an_earlier_runner_announced_no_more_is_said_than_is_known(parts, known):
    bench = scripted({}).bench(reattach=True, **parts)
    finding = await concluded(Lost("link gone"), Observed(), bench)
    assert (finding.outcome, finding.detail) == (Outcome.IN_DOUBT, f"{known}: link gone")


async def test_an_exit_code_that_the_author_expects_is_success_and_another_is_not():
    expect = Expectation(rc=Tolerance(one_of=(0, 3)))
    assert await found(Exited(3), expect=expect) == Finding(outcome=Outcome.SUCCEEDED, result=result(3))
    assert (await found(Exited(1), expect=expect)).outcome is Outcome.FAILED


async def test_exit_code_0_with_a_tolerance_that_does_not_hold_is_failure():
    finding = await found(Exited(0), expect=Expectation(stdout=Tolerance(max=10)))
    assert finding == Finding(outcome=Outcome.FAILED, detail='stdout is "12", expected at most 10', result=result(0))


async def test_failed_when_replaces_the_rule_for_exit_codes_and_leaves_written_tolerances():
    truths = {"result.rc > 1": False}
    assert (await found(Exited(1), truths=truths, failed_when="result.rc > 1")).outcome is Outcome.SUCCEEDED
    expect = Expectation(stdout=Tolerance(equals="x"))
    assert (await found(Exited(1), truths=truths, failed_when="result.rc > 1", expect=expect)).outcome is Outcome.FAILED


async def test_failed_when_and_until_are_told_together():
    finding = await found(Exited(0), truths={"bad": True, "ready": False}, failed_when="bad", until="ready")
    assert (finding.outcome, finding.detail) == (
        Outcome.FAILED,
        "failed_when holds: bad; until does not hold: ready",
    )


@pytest.mark.parametrize(("holds", "is_last"), [(True, True), (False, False)])
async def test_until_alone_decides_whether_a_failure_is_tried_again(holds, is_last):
    finding = await found(Exited(3), truths={"ready": holds}, until="ready", retries=3)
    said = "not tried again, as until holds: ready" if holds else "until does not hold: ready"
    assert (finding.outcome, finding.is_last) == (Outcome.FAILED, is_last)
    assert finding.detail.startswith("exit code is 3, expected 0; ")
    assert finding.detail.endswith(said)


async def test_an_attempt_in_which_until_holds_and_nothing_else_is_wrong_has_succeeded():
    assert await found(Exited(0), truths={"ready": True}, until="ready") == Finding(
        outcome=Outcome.SUCCEEDED, result=result(0)
    )


async def test_an_expression_that_cannot_be_evaluated_is_a_failure_in_words():
    finding = await found(Exited(0), failed_when="nme")
    assert (finding.outcome, finding.detail) == (Outcome.FAILED, '"nme" has an unknown name.')


async def test_no_expression_is_asked_about_what_did_not_exit():
    assert (await found(Lost("gone"), until="never asked")).outcome is Outcome.IN_DOUBT


async def test_a_step_that_keeps_no_log_shows_nothing_of_what_was_said():
    finding = await found(Exited(3), no_log=True, expect=Expectation(stdout=Tolerance(max=10)))
    assert finding == Finding(
        outcome=Outcome.FAILED,
        detail="exit code is not as expected: 0; stdout is not as expected: at most 10",
        result=Result(rc=3, duration=2.5),
    )


def test_an_expression_can_fail_what_succeeded_and_cannot_save_what_failed():
    bench = Desk(truths={"ready": False}).bench(until="ready")
    good, bad = Finding(outcome=Outcome.SUCCEEDED), Finding(outcome=Outcome.FAILED, detail="x")
    assert settled(good, bench) == Finding(outcome=Outcome.FAILED, detail="until does not hold: ready")
    assert settled(bad, bench) == bad
    assert settled(bad, Desk(truths={"ready": True}).bench(until="ready")).is_last


def test_a_host_that_cannot_be_opened_leaves_a_started_attempt_in_doubt():
    problems = problem("db1 cannot be reached", exit=Exit.UNREACHABLE)
    assert unopened(problems, Desk().bench()).outcome is Outcome.UNREACHABLE
    doubt = unopened(problems, Desk().bench(reattach=True))
    assert (doubt.outcome, doubt.detail) == (
        Outcome.IN_DOUBT,
        "started, and cannot be asked about: db1 cannot be reached.",
    )


def test_several_problems_are_told_in_one_line():
    problems = Problems([Problem(what="db1 is away"), Problem(what="its key is another", fix="Ask.")])
    assert told(problems) == "db1 is away. its key is another. Ask."


async def test_work_that_cannot_even_be_claimed_is_not_done():
    async def closed() -> Ending | None:
        raise problem("db1 cannot be reached", exit=Exit.UNREACHABLE)

    finding = await granted(closed(), Desk().bench())
    assert finding == Finding(outcome=Outcome.UNREACHABLE, detail="db1 cannot be reached.")


@pytest.mark.parametrize(
    ("no_log", "detail"),
    [(False, 'stdout is "12", expected to match "[a-z]+"'), (True, 'stdout is not as expected: to match "[a-z]+"')],
)
async def test_a_regular_expression_is_held_against_what_was_said_and_quotes_it_only_where_it_may(no_log, detail):
    expect = Expectation(stdout=Tolerance(matches="[a-z]+"))
    finding = await found(Exited(0), expect=expect, no_log=no_log)
    assert (finding.outcome, finding.detail) == (Outcome.FAILED, detail)
    assert (await found(Exited(0), expect=Expectation(stdout=Tolerance(matches="1.")))).outcome is Outcome.SUCCEEDED
