"""The judge of injected faults sees what is wrong, and calls nothing wrong that is not."""

from __future__ import annotations

import pytest

from tests.real.injector.chaos_check import findings
from tests.real.injector.chaos_plan import Act, Drawing, sent
from tests.real.injector.chaos_story import Effect, Story, Version

DRAWN = Drawing(
    seed=0,
    hosts=("h1",),
    steps=(
        Act("once", "command", "h1", undone=True),
        Act("often", "command", "h1", codes=(3,), retries=2),
        Act("again", "idempotent", "h1"),
        Act("file", "upload", "h1"),
    ),
    closing=False,
    attended=True,
    rounds=(),
    answers=(),
    copies_first=False,
)
IDS = {"1.1": "once", "1.1.undo.1": "undo-once", "1.2": "often", "1.3": "again", "1.4": "file"}
PERSON = {"name": "ada", "uid": 1000}


def journal(*events: dict) -> list[dict]:
    """Lines that begin with the plan of `DRAWN`."""
    plan = {"steps": [{"id": step, "name": name} for step, name in IDS.items()]}
    lines = [{"type": "RunOpened", "plan": plan}, *events]
    return [{"event": event, "sum": f"{number:064x}"} for number, event in enumerate(lines)]


def started(step: str, number: int = 1) -> dict:
    return {"type": "AttemptStarted", "step": step, "host": "h1", "number": number}


def ended(step: str, outcome: str, number: int = 1, rc: int | None = None) -> dict:
    result = {} if rc is None else {"rc": rc}
    return {"type": "AttemptEnded", "step": step, "host": "h1", "number": number, "outcome": outcome, "result": result}


def decided(step: str, choice: str, by: dict | None = PERSON) -> dict:
    return {"type": "FailureResolved", "step": step, "choice": choice, "by": by}


def ran(name: str, pid: int, *, whole: bool = True, still: tuple[int, ...] = ()) -> tuple[Effect, ...]:
    """The lines of one command."""
    begun = Effect(name, "BEGIN", pid, still)
    return (begun, Effect(name, "END", pid)) if whole else (begun,)


def judged(*events: dict, effects: tuple[Effect, ...] = (), **more: object) -> list[str]:
    """Kinds of what is wrong with one untouched record and these effects."""
    version = Version("here", journal(*events), final=True)
    story = Story(
        DRAWN, versions=[version], effects={"h1": effects}, touched={"here": frozenset()}, grades={"here": "sound"}
    )
    for field, value in more.items():
        setattr(story, field, value)
    return [finding.partition(":")[0] for finding in findings(story)]


GOOD = (started("1.1"), ended("1.1", "succeeded", rc=0))
FAILED_ONCE = (started("1.2"), ended("1.2", "failed", rc=3))
IN_DOUBT = (started("1.1"), ended("1.1", "in_doubt"))


def test_a_step_that_ran_once_and_says_so_is_right() -> None:
    assert judged(*GOOD, effects=ran("once", 1)) == []


def test_a_second_effect_under_one_attempt_is_wrong_and_so_is_calling_it_sound() -> None:
    assert judged(*GOOD, effects=ran("once", 1) + ran("once", 2)) == ["ran again", "called sound"]


def test_an_attempt_after_a_doubt_needs_a_word_of_a_person() -> None:
    twice = ran("once", 1) + ran("once", 2)
    second = (started("1.1", 2), ended("1.1", "succeeded", 2, rc=0))
    assert judged(*IN_DOUBT, *second, effects=twice) == ["attempt without a word"]
    assert judged(*IN_DOUBT, decided("1.1", "retry", by=None), *second, effects=twice) == ["attempt without a word"]
    assert judged(*IN_DOUBT, decided("1.1", "retry"), *second, effects=twice) == []


def test_retries_come_after_a_failure_that_is_known_and_as_often_as_they_were_written() -> None:
    events = [*FAILED_ONCE]
    for number in (2, 3):
        events += [started("1.2", number), ended("1.2", "failed", number, rc=3)]
    effects = ran("often", 1) + ran("often", 2) + ran("often", 3)
    assert judged(*events, effects=effects) == []
    fourth = (started("1.2", 4), ended("1.2", "failed", 4, rc=3))
    assert judged(*events, *fourth, effects=effects + ran("often", 4)) == ["attempt without a word"]
    assert judged(*events, decided("1.2", "retry"), *fourth, effects=effects + ran("often", 4)) == []


def test_an_idempotent_step_may_come_again_after_a_doubt() -> None:
    events = (started("1.3"), ended("1.3", "in_doubt"), started("1.3", 2), ended("1.3", "succeeded", 2, rc=0))
    assert judged(*events, effects=ran("again", 1) + ran("again", 2)) == []


def test_what_was_not_sent_did_not_run_and_may_be_sent_again() -> None:
    unsent = (started("1.1"), ended("1.1", "unreachable"))
    assert judged(*unsent, effects=()) == []
    assert judged(*unsent, effects=ran("once", 1)) == ["never sent, and ran", "called sound"]
    assert judged(*unsent, started("1.1", 2), ended("1.1", "succeeded", 2, rc=0), effects=ran("once", 1)) == []


def test_a_later_attempt_lends_its_doubt_to_no_earlier_one() -> None:
    events = (started("1.1"), ended("1.1", "unreachable"), started("1.1", 2), ended("1.1", "in_doubt", 2))
    effects = ran("once", 1)
    assert judged(*events, effects=effects, announced={"h1": [2, 2]}) == []
    assert judged(*events, effects=effects, announced={"h1": [1, 1]}) == ["never sent, and ran", "called sound"]
    assert judged(*IN_DOUBT, effects=effects, announced={"h1": [0, 0]}) == ["never sent, and ran", "called sound"]


def test_an_effect_of_which_no_record_speaks_is_wrong() -> None:
    assert judged(effects=ran("once", 1)) == ["never sent, and ran", "called sound"]


def test_what_is_claimed_has_begun_and_what_succeeded_has_ended() -> None:
    assert judged(*GOOD) == ["claimed, and did not run", "claimed, and did not end", "called sound"]
    assert judged(*GOOD, effects=ran("once", 1, whole=False)) == ["claimed, and did not end", "called sound"]
    assert judged(*FAILED_ONCE, effects=ran("often", 1, whole=False)) == []
    assert judged(*IN_DOUBT) == []


def test_an_undo_comes_for_what_ran_or_may_have_and_after_it() -> None:
    undo = (started("1.1.undo.1"), ended("1.1.undo.1", "succeeded", rc=0))
    assert judged(*GOOD, *undo, effects=ran("once", 1) + ran("undo-once", 2)) == []
    assert judged(*IN_DOUBT, *undo, effects=ran("undo-once", 2)) == []
    assert judged(*undo, effects=ran("undo-once", 2)) == ["undone without need"]
    over = ran("once", 1, whole=False) + ran("undo-once", 2, still=(1,))
    assert judged(*IN_DOUBT, *undo, effects=over) == ["undone while it ran"]
    assert judged(*IN_DOUBT, decided("1.1", "rollback"), *undo, effects=over) == []


def test_a_file_is_there_whole_or_not_at_all() -> None:
    good = (started("1.4"), ended("1.4", "succeeded"))
    assert judged(*good, uploads={("file", "h1"): sent("file")}) == []
    assert judged(*good, uploads={("file", "h1"): None}) == ["claimed, and not there", "called sound"]
    assert judged(started("1.4"), ended("1.4", "in_doubt"), uploads={("file", "h1"): "fi"}) == ["not whole"]
    assert judged(uploads={("file", "h1"): sent("file")}) == ["never sent, and there", "called sound"]


def test_what_still_runs_at_the_end_is_in_doubt_on_record() -> None:
    alive = [("once", "h1", 1)]
    assert judged(*IN_DOUBT, effects=ran("once", 1, whole=False), survivors=alive) == []
    failed = (started("1.1"), ended("1.1", "failed", rc=1))
    assert judged(*failed, effects=ran("once", 1, whole=False), survivors=alive) == ["runs on unnamed"]


def test_the_output_of_what_succeeded_is_on_record() -> None:
    where = ("here", "1.1", "h1", 1)
    assert judged(*GOOD, effects=ran("once", 1), printed={where: "once begins\nonce ended\n"}) == []
    assert judged(*GOOD, effects=ran("once", 1), printed={where: "once begins\n"}) == ["output lost"]


@pytest.mark.parametrize(("touched", "said"), [(frozenset(), ["called altered"]), (frozenset({"cut"}), [])])
def test_a_record_that_nobody_touched_is_not_called_altered(touched: frozenset[str], said: list[str]) -> None:
    assert judged(*GOOD, effects=ran("once", 1), grades={"here": "altered"}, touched={"here": touched}) == said


def test_copies_count_together() -> None:
    both = [Version(name, journal(*GOOD), final=True) for name in ("here", "there")]
    quiet = {"touched": {"here": frozenset({"copied"}), "there": frozenset({"copied"})}, "grades": {}}
    assert judged(effects=ran("once", 1), versions=both, **quiet) == []
    assert judged(effects=ran("once", 1) + ran("once", 2), versions=both, **quiet) == ["ran again"]


HALTED = {"type": "RollbackStarted", "reason": "drawn", "by": PERSON}


@pytest.mark.parametrize("asked", [HALTED, decided("1.2", "rollback")], ids=["in a halt", "after a failure"])
def test_an_undo_on_two_controllers_was_asked_for_twice_and_on_one_host_it_was_not(asked: dict) -> None:

    def both(host: str) -> list[str]:
        undo = (asked, started("1.1.undo.1") | {"host": host}, ended("1.1.undo.1", "succeeded", rc=0) | {"host": host})
        run = (started("1.1") | {"host": host}, ended("1.1", "succeeded", rc=0) | {"host": host})
        # The two copies differ in the line by which somebody asked.
        lines = [journal(*run, *undo), journal(*run, decided("1.2", "skip"), *undo)]
        versions = [Version(str(number), of, final=True) for number, of in enumerate(lines)]
        touched = {version.record: frozenset({"copied"}) for version in versions}
        effects = {host: ran("once", 1) + ran("undo-once", 2) + ran("undo-once", 3)}
        story = Story(DRAWN, versions=versions, effects=effects, touched=touched)
        return [finding.partition(":")[0] for finding in findings(story)]

    assert both("controller") == []
    assert both("h1") == ["ran again"]
