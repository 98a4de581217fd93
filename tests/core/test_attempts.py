"""One step over its hosts: attempts, retries, doubt, concurrency, waves and the one rule of thresholds."""

from __future__ import annotations

import pytest

from runbook.core.events.event import AttemptStarted
from runbook.core.outcome import Outcome
from runbook.core.rules.fanout import MAX_CONCURRENCY
from tests.builders import Story, plan, step
from tests.core.driving import Drive

FAILED, DOUBT, GONE, LATE, OK = (
    Outcome.FAILED,
    Outcome.IN_DOUBT,
    Outcome.UNREACHABLE,
    Outcome.TIMED_OUT,
    Outcome.SUCCEEDED,
)


def hosts(count: int) -> tuple[str, ...]:
    return tuple(f"web{number}" for number in range(1, count + 1))


def most_at_once(drive: Drive) -> int:
    most = 0
    while not drive.run.has_ended:
        drive.settle()
        most = max(most, len(drive.in_flight))
        if not drive.happen():
            break
    return most


# --- retries ----------------------------------------------------------------------------------------------------------


def test_retries_two_is_three_attempts() -> None:
    drive = Drive(plan(step("1.1", retries=2)), outcomes={"1.1": FAILED}, attended=False).go()
    assert drive.tale[:5] == [
        "enter 1.1", "1.1@db1#1 failed", "1.1@db1#2 failed", "1.1@db1#3 failed", "end 1.1 failed",
    ]  # fmt: skip


@pytest.mark.parametrize("outcome", [FAILED, LATE, GONE])
def test_failure_timeout_and_an_unreachable_host_are_tried_again(outcome: Outcome) -> None:
    drive = Drive(plan(step("1.1", retries=1)), outcomes={"1.1": [outcome, OK]}).go()
    assert drive.outcome("1.1") is OK


def test_a_failure_in_which_until_held_is_not_tried_again() -> None:
    story = Story(plan(step("1.1", retries=3, until="result.stdout == 'try 2'"))).start().enter("1.1")
    tried = story.attempt("1.1", "db1").answer("1.1", "db1", FAILED).run.steps["1.1"]
    assert (set(tried.retrying), tried.attempts["db1"].number) == ({"db1"}, 1)
    ended = story.attempt("1.1", "db1").answer("1.1", "db1", FAILED, is_last=True).run.steps["1.1"]
    assert (set(ended.retrying), ended.errors) == (set(), 1)


def test_a_retry_that_succeeds_leaves_no_error_behind() -> None:
    drive = Drive(plan(step("1.1", retries=1)), outcomes={"1.1": [FAILED, OK]}).go()
    state = drive.state("1.1")
    assert (state.outcome, state.errors, state.attempts["db1"].number) == (OK, 0, 2)


def test_each_pause_between_attempts_is_the_one_before_times_the_backoff() -> None:
    drive = Drive(
        plan(step("1.1", retries=3, delay=10.0, backoff=2.0)), outcomes={"1.1": FAILED}, took={"1.1": 0.0}
    ).go()
    assert [entry.at for entry in drive.entries_of(AttemptStarted)] == [0.0, 10.0, 30.0, 70.0]


def test_a_growing_pause_stops_at_a_day_whatever_the_arithmetic_says() -> None:
    drive = Drive(
        plan(step("1.1", retries=2, delay=1.0, backoff=1e300)), outcomes={"1.1": FAILED}, took={"1.1": 0.0}
    ).go()
    assert [entry.at for entry in drive.entries_of(AttemptStarted)] == [0.0, 1.0, 86_401.0]


def test_a_pause_too_long_for_a_float_is_a_day_too() -> None:
    drive = Drive(
        plan(step("1.1", retries=3, delay=1.0, backoff=1e300)), outcomes={"1.1": FAILED}, took={"1.1": 0.0}
    ).go()
    assert [entry.at for entry in drive.entries_of(AttemptStarted)][-1] == 1.0 + 2 * 86_400.0


def test_a_host_that_pauses_does_not_keep_another_from_its_turn() -> None:
    drive = Drive(
        plan(step("1.1", hosts=hosts(2), concurrency=1, retries=1, delay=60.0)),
        outcomes={"1.1@web1": [FAILED, OK]},
    ).go()
    assert drive.did == ["1.1@web1", "1.1@web2", "1.1@web1"]


def test_an_attempt_that_was_cancelled_is_not_tried_again() -> None:
    drive = Drive(plan(step("1.1", retries=5)), outcomes={"1.1": Outcome.CANCELLED}, attended=False).go()
    assert drive.did == ["1.1@db1"]


# --- doubt ------------------------------------------------------------------------------------------------------------


def test_a_lost_link_is_in_doubt_and_never_success() -> None:
    drive = Drive(plan(step("1.1"), step("1.2")), outcomes={"1.1": DOUBT}, attended=False).go()
    assert drive.outcome("1.1") is DOUBT
    assert drive.did == ["1.1@db1"]


def test_a_step_in_doubt_is_not_tried_again_whatever_its_retries() -> None:
    drive = Drive(plan(step("1.1", retries=5)), outcomes={"1.1": DOUBT}, attended=False).go()
    assert drive.did == ["1.1@db1"]


def test_an_idempotent_step_in_doubt_is_repeated_once_even_without_retries() -> None:
    drive = Drive(plan(step("1.1", idempotent=True)), outcomes={"1.1": DOUBT}, attended=False).go()
    assert drive.did == ["1.1@db1", "1.1@db1"]


def test_an_idempotent_step_in_doubt_uses_the_retries_that_it_has() -> None:
    drive = Drive(plan(step("1.1", idempotent=True, retries=3)), outcomes={"1.1": [DOUBT, DOUBT, DOUBT, OK]}).go()
    assert (len(drive.did), drive.outcome("1.1")) == (4, OK)


# --- concurrency and waves --------------------------------------------------------------------------------------------


def test_no_more_hosts_are_in_flight_than_the_step_allows() -> None:
    assert most_at_once(Drive(plan(step("1.1", hosts=hosts(9), concurrency=3)))) == 3


def test_a_step_that_does_not_say_is_held_to_the_bound_of_the_engine() -> None:
    assert most_at_once(Drive(plan(step("1.1", hosts=hosts(MAX_CONCURRENCY + 20))))) == MAX_CONCURRENCY


def test_retries_count_against_the_concurrency() -> None:
    drive = Drive(plan(step("1.1", hosts=hosts(9), concurrency=2, retries=2)), outcomes={"1.1": FAILED}, attended=False)
    assert most_at_once(drive) == 2


def test_a_wave_begins_when_all_hosts_of_the_one_before_are_done() -> None:
    drive = Drive(plan(step("1.1", hosts=hosts(5), waves=(1, 2, 2))), took={"1.1@web2": 1.0, "1.1@web3": 50.0}).go()
    started = {entry.event.host: entry.at for entry in drive.entries_of(AttemptStarted)}
    assert started == {"web1": 0.0, "web2": 1.0, "web3": 1.0, "web4": 51.0, "web5": 51.0}


def test_a_wave_waits_for_the_retries_of_the_one_before() -> None:
    drive = Drive(
        plan(step("1.1", hosts=hosts(2), waves=(1, 1), retries=1, delay=30.0)), outcomes={"1.1@web1": [FAILED, OK]}
    ).go()
    assert drive.did == ["1.1@web1", "1.1@web1", "1.1@web2"]


def test_a_failed_wave_is_the_last() -> None:
    drive = Drive(plan(step("1.1", hosts=hosts(3), waves=(1, 2))), outcomes={"1.1@web1": FAILED}, attended=False).go()
    assert drive.did == ["1.1@web1"]
    assert drive.state("1.1").detail == "1 of 3 hosts, 2 not started; web1: failed"


def test_a_wave_that_lost_all_its_hosts_is_passed_over() -> None:
    drive = Drive(plan(step("1.1", hosts=hosts(4), waves=(1, 2, 1))), false=["1.1@web2", "1.1@web3"]).go()
    assert drive.state("1.1").wave_ends == (1, 2)
    assert drive.did == ["1.1@web1", "1.1@web4"]


def test_waves_that_cover_too_few_hosts_leave_the_rest_to_a_last_one() -> None:
    drive = Drive(plan(step("1.1", hosts=hosts(3), waves=(1,)))).go()
    assert drive.state("1.1").wave_ends == (1, 3)


# --- thresholds -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [FAILED, GONE, LATE])
def test_no_host_is_started_once_failed_plus_unreachable_exceed_the_threshold(outcome: Outcome) -> None:
    drive = Drive(
        plan(step("1.1", hosts=hosts(9), concurrency=1, max_errors=1)),
        outcomes={"1.1@web2": outcome, "1.1@web4": outcome},
        attended=False,
    ).go()
    assert drive.did == ["1.1@web1", "1.1@web2", "1.1@web3", "1.1@web4"]
    assert drive.outcome("1.1") is outcome


def test_what_is_in_flight_when_the_threshold_is_passed_is_waited_for() -> None:
    drive = Drive(
        plan(step("1.1", hosts=hosts(4), concurrency=2)),
        outcomes={"1.1@web1": FAILED},
        took={"1.1@web2": 60.0},
        attended=False,
    ).go()
    assert drive.tale[1:4] == ["1.1@web1#1 failed", "1.1@web2#1 succeeded", "end 1.1 failed"]


def test_the_threshold_counts_over_all_waves_together() -> None:
    drive = Drive(
        plan(step("1.1", hosts=hosts(4), waves=(1, 1, 1, 1), max_errors=1)),
        outcomes={"1.1@web1": FAILED, "1.1@web3": GONE},
        attended=False,
    ).go()
    assert drive.did == ["1.1@web1", "1.1@web2", "1.1@web3"]


def test_errors_within_the_threshold_are_tolerated_and_said() -> None:
    drive = Drive(plan(step("1.1", hosts=hosts(3), max_errors=1)), outcomes={"1.1@web2": FAILED}).go()
    state = drive.state("1.1")
    assert (state.outcome, state.detail) == (OK, "1 of 3 hosts failed, tolerated")


def test_a_host_that_failed_within_the_threshold_takes_no_further_part() -> None:
    drive = Drive(
        plan(step("1.1", hosts=hosts(2), max_errors=1), step("1.2", hosts=hosts(2))), outcomes={"1.1@web2": FAILED}
    ).go()
    assert drive.tale[3:6] == ["exclude web2", "end 1.1 succeeded", "enter 1.2"]
    assert drive.did == ["1.1@web1", "1.1@web2", "1.2@web1"]
    assert drive.run.excluded["web2"] == "failed in step 1.1 Step 1.1"


@pytest.mark.parametrize(
    ("ends", "name"),
    [
        ((FAILED, DOUBT), DOUBT),
        ((FAILED, LATE), FAILED),
        ((GONE, LATE), LATE),
        ((GONE, Outcome.CANCELLED), GONE),
    ],
)
def test_a_step_over_several_hosts_is_called_after_the_gravest_end(
    ends: tuple[Outcome, Outcome], name: Outcome
) -> None:
    drive = Drive(
        plan(step("1.1", hosts=hosts(2))), outcomes={"1.1@web1": ends[0], "1.1@web2": ends[1]}, attended=False
    ).go()
    assert drive.outcome("1.1") is name


def test_a_step_on_one_host_fails_with_the_words_of_its_attempt() -> None:
    drive = Drive(plan(step("1.1")), outcomes={"1.1": LATE}, attended=False).go()
    assert drive.state("1.1").detail == "timed out"
