"""Where hosts keep jobs, as a run knows it: who has seen it, and what another place means for a later runner."""

from __future__ import annotations

import pytest

from runbook.core.events.event import (
    AttemptEnded,
    AttemptGraded,
    AttemptStarted,
    FailureResolved,
    RunnerStarted,
    SessionOpened,
)
from runbook.core.outcome import Grade, Outcome
from runbook.core.place import is_same_place
from runbook.core.rules.ground import Ground, ground
from runbook.core.run import KnownPlace, Run
from tests.builders import ANNA, Story, plan, step


def began(*steps, **fields) -> Story:
    return Story(plan(*(steps or (step("1.1"), step("1.2"))), **fields)).add(RunnerStarted(pid=1))


def resumed(story: Story, *, newest: bool = True) -> Story:
    return story.add(RunnerStarted(pid=2, resumed=True, by=ANNA, newest=newest))


def opened(story: Story, place: str) -> Story:
    return story.add(SessionOpened(host="db1", place=place))


def announced(story: Story, number: int = 1, place: str = "") -> Story:
    return story.add(AttemptStarted(step="1.1", host="db1", number=number, job=f"run/1.1/db1/{number}", place=place))


def known(run: Run, user: str = "") -> KnownPlace | None:
    return run.places.get(("db1", user))


def test_a_place_is_the_same_in_every_visit_and_unknown_places_are_never_the_same() -> None:
    assert is_same_place("id.one.boot", "id.two.another")
    assert not is_same_place("id.one.boot", "other.one.boot")
    assert not is_same_place("", "")


def test_a_runner_knows_the_newest_place_that_it_has_seen() -> None:
    story = opened(opened(began(), "id.1.boot"), "id.2.boot")
    assert known(story.run) == KnownPlace(word="id.2.boot", runner=1)


def test_a_later_runner_holds_on_to_what_an_earlier_one_knew() -> None:
    story = opened(resumed(opened(began(), "id.1.boot")), "other.2.boot")
    assert known(story.run) == KnownPlace(word="id.1.boot", runner=1)


def test_what_no_earlier_runner_knew_is_taken() -> None:
    story = opened(resumed(opened(began(), "")), "id.2.boot")
    assert known(story.run) == KnownPlace(word="id.2.boot", runner=2)


def test_once_a_person_has_decided_about_the_doubt_the_new_place_is_taken() -> None:
    story = announced(opened(resumed(opened(began(), "id.1.boot")), "other.2.boot").enter("1.1"))
    story.add(AttemptEnded(step="1.1", host="db1", number=1, outcome=Outcome.IN_DOUBT)).end("1.1", Outcome.IN_DOUBT)
    policy = FailureResolved(step="1.1", choice="continue")
    assert known(Story.add(story, policy).run) == KnownPlace(word="id.1.boot", runner=1)
    story.add(FailureResolved(step="1.1", choice="retry", by=ANNA))
    assert known(story.run) is None
    assert known(opened(story, "other.3.boot").run) == KnownPlace(word="other.3.boot", runner=2)


# --- on what ground something begins that is not on record --------------------------------------------------------------


def stands_on(story: Story, step_id: str = "1.1") -> Ground:
    return ground(story.run, story.run.steps[step_id], "db1", ("db1", ""))


def doubted(story: Story) -> Story:
    announced(story.enter("1.1")).add(AttemptEnded(step="1.1", host="db1", number=1, outcome=Outcome.IN_DOUBT))
    return story.end("1.1", Outcome.IN_DOUBT).add(FailureResolved(step="1.1", choice="retry", by=ANNA))


def test_the_first_runner_stands_on_its_own_memory() -> None:
    assert stands_on(opened(began(), "id.1.boot")) == Ground()


@pytest.mark.parametrize("newest", [True, False])
def test_a_later_runner_stands_on_the_place_that_was_seen_while_nothing_was_missing(newest: bool) -> None:
    story = opened(resumed(opened(began(), "id.1.boot"), newest=newest), "other.2.boot")
    assert stands_on(story) == Ground(place="id.1.boot")


def test_without_such_a_place_it_stands_on_a_record_that_is_known_to_be_the_newest() -> None:
    assert stands_on(resumed(began())) == Ground()
    assert stands_on(opened(resumed(began()), "id.2.boot")) == Ground(place="id.2.boot")


def test_without_either_there_is_no_ground_whatever_the_host_shows_now() -> None:
    story = opened(resumed(began(), newest=False), "id.2.boot")
    assert stands_on(story) == Ground(is_missing=True)
    assert stands_on(opened(resumed(story), "id.3.boot")) == Ground(is_missing=True)


def test_a_record_that_has_lost_the_line_of_its_first_runner_was_taken_over_all_the_same() -> None:
    story = resumed(Story(plan(step("1.1"))), newest=False)
    assert (story.run.runners, stands_on(story)) == (2, Ground(is_missing=True))
    assert stands_on(resumed(Story(plan(step("1.1"))))) == Ground()


def test_a_decision_about_one_step_is_no_ground_for_another_where_lines_may_be_missing() -> None:
    story = doubted(opened(resumed(began(), newest=False), "id.2.boot"))
    assert (stands_on(story), stands_on(story, "1.2")) == (Ground(), Ground(is_missing=True))
    # What came of it may be missing from the record that the next one takes up.
    assert stands_on(resumed(story, newest=False)) == Ground(is_missing=True)


def test_a_decision_in_a_record_that_is_the_newest_takes_the_new_place_for_all_steps() -> None:
    story = opened(doubted(opened(resumed(opened(began(), "id.1.boot")), "other.2.boot")), "other.3.boot")
    assert (stands_on(story), stands_on(story, "1.2")) == (Ground(), Ground(place="other.3.boot"))
    assert stands_on(resumed(story)) == Ground()


def test_the_user_that_a_step_becomes_has_a_place_of_its_own() -> None:
    story = opened(began(step("1.1", become=True, become_user="orders")), "id.1.boot").enter("1.1")
    announced(story).add(AttemptGraded(step="1.1", host="db1", number=1, grade=Grade.SESSION, place="theirs.1.boot"))
    assert (known(story.run).word, known(story.run, "orders").word) == ("id.1.boot", "theirs.1.boot")


def test_an_attempt_is_where_it_was_announced_until_its_host_says_otherwise() -> None:
    story = announced(opened(began(), "id.1.boot").enter("1.1"), place="id.1.boot")
    assert story.run.steps["1.1"].attempts["db1"].place == "id.1.boot"
    graded = AttemptGraded(step="1.1", host="db1", number=1, grade=Grade.ATTACHED, place="")
    assert story.add(graded).run.steps["1.1"].attempts["db1"].place == ""


def test_where_a_later_runner_looks_is_not_where_it_was_sent() -> None:
    story = resumed(announced(opened(began(), "id.1.boot").enter("1.1"), place="id.1.boot"))
    story.add(AttemptGraded(step="1.1", host="db1", number=1, grade=Grade.SESSION, place="other.2.boot"))
    assert story.run.steps["1.1"].attempts["db1"].place == "id.1.boot"


def test_an_attempt_remembers_those_before_it_that_are_on_record_as_never_sent() -> None:
    story = began(step("1.1", retries=5)).enter("1.1")
    for number, outcome in enumerate((Outcome.UNREACHABLE, Outcome.UNREACHABLE, Outcome.FAILED), start=1):
        announced(story, number).add(AttemptEnded(step="1.1", host="db1", number=number, outcome=outcome))
    assert story.run.steps["1.1"].attempts["db1"].unsent == ("run/1.1/db1/1", "run/1.1/db1/2")
    assert announced(story, 4).run.steps["1.1"].attempts["db1"].unsent == ()
