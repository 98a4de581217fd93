"""Folding: total, silent, the same however it is cut, and what single events leave behind."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from runbook.core.events.entry import Entry
from runbook.core.events.event import (
    AttemptEnded,
    AttemptGraded,
    AttemptStarted,
    AttemptStated,
    Checked,
    Event,
    FailureResolved,
    GateAnswered,
    GateLapsed,
    HaltRequested,
    HostExcluded,
    Jumped,
    NoteAdded,
    OutputArrived,
    ProbeSampled,
    RollbackStarted,
    RunnerStarted,
    SessionLost,
    SessionOpened,
    StepEnded,
    StepEntered,
    StepSkipped,
    WaitCut,
)
from runbook.core.events.fact import Staged
from runbook.core.fold.evolve import evolve, fold, open_run
from runbook.core.fold.recovery import recovery
from runbook.core.fold.stretches import MAX_STRETCHES
from runbook.core.fold.verdict import RunVerdict, not_as_planned, verdicts
from runbook.core.outcome import Grade, Outcome
from runbook.core.rules.due import due
from runbook.core.run import Note, OutputState, Phase, Run, Stop
from tests.builders import ANNA, BEN, Story, plan, step
from tests.core.planning import plans
from tests.view.reachable import folded, tapes

ANY = settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))


def bare(run: Run) -> Run:
    """Without the two fields that every entry changes."""
    return replace(run, now=0.0, seq=0)


# --- totality ---------------------------------------------------------------------------------------------------------


@ANY
@given(tapes())
def test_any_event_in_any_state_gives_a_run(tape: Sequence[Entry]) -> None:
    runs = folded(tape)
    assert [run.seq for run in runs[1:]] == [entry.seq for entry in tape[1:]]
    assert all(before.now <= after.now for before, after in pairwise(runs)), "time never goes back"


@ANY
@given(tapes(), st.integers(0, 12))
def test_folding_in_two_parts_is_folding_at_once(tape: Sequence[Entry], cut: int) -> None:
    start = open_run(tape[0])
    assert fold(fold(start, tape[1 : 1 + cut]), tape[1 + cut :]) == fold(start, tape[1:])


@ANY
@given(tapes())
def test_what_is_derived_from_any_record_can_be_derived(tape: Sequence[Entry]) -> None:
    run = folded(tape)[-1]
    assert due(run, run.now) == due(run, run.now)
    assert verdicts(run).run in get_args(RunVerdict)
    assert recovery(run).waiting_for_people >= 0.0
    assert len(not_as_planned(run)) <= len(run.steps)


@ANY
@given(plans())
def test_every_plan_opens_a_run_in_which_every_step_is_ahead(of: object) -> None:
    tale = Story(of)
    assert set(tale.run.steps) == set(tale.run.order) == {each.id for each in of.walk()}
    assert due(tale.run, 0.0) == ()


def test_a_record_that_does_not_begin_with_an_opening_opens_nothing() -> None:
    assert open_run(Entry(seq=0, at=0.0, wall="", event=NoteAdded(text="hm"))) is None


def test_a_second_opening_changes_nothing() -> None:
    tale = Story(plan(step()))
    again = evolve(tale.run, tale.entries[0])
    assert bare(again) == bare(tale.run)


@pytest.mark.parametrize(
    "event",
    [
        StepEntered(step="9.9"),
        StepSkipped(step="9.9", reason="x"),
        AttemptStarted(step="9.9", host="db1", number=1),
        AttemptGraded(step="9.9", host="db1", number=1, grade=Grade.FILES),
        AttemptGraded(step="1.1", host="db1", number=1, grade=Grade.FILES),
        AttemptStated(step="9.9", host="db1", number=1, fact=Staged(path="/tmp/x")),
        AttemptStated(step="1.1", host="db1", number=1, fact=Staged(path="/tmp/x")),
        AttemptEnded(step="9.9", host="db1", number=1, outcome=Outcome.SUCCEEDED),
        AttemptEnded(step="1.1", host="db1", number=1, outcome=Outcome.SUCCEEDED),
        StepEnded(step="9.9", outcome=Outcome.SUCCEEDED),
        GateAnswered(gate="9.9#1", step="9.9", by=ANNA, answer="proceed"),
        GateLapsed(gate="9.9#1", step="9.9"),
        FailureResolved(step="9.9", choice="retry"),
        Jumped(source="9.9", target="1.1"),
        WaitCut(step="9.9", by=ANNA, reason="x"),
    ],
)
def test_an_event_about_what_the_plan_does_not_have_moves_nothing_but_the_clock(event: Event) -> None:
    tale = Story(plan(step("1.1"))).start()
    before = tale.run
    tale.wait(5.0).add(event)
    assert bare(tale.run) == bare(before)
    assert tale.run.now == 5.0


# --- attempts ---------------------------------------------------------------------------------------------------------


def test_an_end_that_is_told_twice_counts_once() -> None:
    tale = Story(plan(step("1.1"))).start().enter("1.1").attempt("1.1", "db1").answer("1.1", "db1", Outcome.FAILED)
    once = tale.run
    tale.answer("1.1", "db1", Outcome.FAILED)
    assert bare(tale.run) == bare(once)


def test_an_end_of_an_older_attempt_does_not_end_the_newer_one() -> None:
    tale = Story(plan(step("1.1", retries=1))).start().enter("1.1").attempt("1.1", "db1")
    tale.answer("1.1", "db1", Outcome.FAILED).attempt("1.1", "db1")
    tale.add(AttemptEnded(step="1.1", host="db1", number=1, outcome=Outcome.SUCCEEDED))
    assert dict(tale.run.steps["1.1"].running) == {"db1": 2}


def test_a_host_is_touched_when_an_attempt_that_may_have_run_is_over() -> None:
    tale = Story(plan(step("1.1", hosts=("a", "b")))).start().enter("1.1").attempt("1.1", "a").attempt("1.1", "b")
    assert dict(tale.run.steps["1.1"].touched) == {}
    tale.answer("1.1", "a", Outcome.IN_DOUBT).answer("1.1", "b", Outcome.UNREACHABLE)
    assert dict(tale.run.steps["1.1"].touched) == {"a": True}


def test_how_durable_an_attempt_is_stands_on_that_attempt() -> None:
    tale = Story(plan(step("1.1"))).start().enter("1.1").attempt("1.1", "db1")
    tale.add(AttemptGraded(step="1.1", host="db1", number=1, grade=Grade.SESSION))
    assert tale.run.steps["1.1"].attempts["db1"].grade is Grade.SESSION


def test_output_grows_the_file_of_its_host_and_the_attempt_that_wrote_it() -> None:
    tale = Story(plan(step("1.1"))).start().enter("1.1").attempt("1.1", "db1")
    for stream, offset, number in (("out", 0, 1), ("err", 10, 1), ("out", 15, 1), ("out", 18, 7)):
        tale.add(
            OutputArrived(
                step="1.1",
                host="db1",
                number=number,
                stream=stream,
                file="out/db1.log",
                offset=offset,
                length=3,
                sha256="",
            )
        )
    attempt = tale.run.steps["1.1"].attempts["db1"]
    assert (attempt.recorded_out, attempt.recorded_err) == (6, 3)
    assert dict(tale.run.outputs) == {"db1": OutputState(file="out/db1.log", length=21)}


def test_a_later_result_replaces_the_registered_one() -> None:
    tale = Story(plan(step("1.1", register="lag", retries=1))).start().enter("1.1").attempt("1.1", "db1")
    tale.answer("1.1", "db1", Outcome.FAILED).attempt("1.1", "db1").answer("1.1", "db1")
    assert tale.run.values["lag"].by_host["db1"].rc == 0


# --- hosts, probes and the rest ---------------------------------------------------------------------------------------


def test_a_link_is_open_or_lost_and_never_both() -> None:
    tale = Story(plan(step("1.1"))).start()
    tale.add(SessionLost(host="db1", reason="connection reset"))
    assert (dict(tale.run.sessions), dict(tale.run.lost)) == ({}, {"db1": "connection reset"})
    tale.add(SessionOpened(host="db1"))
    assert (dict(tale.run.sessions), dict(tale.run.lost)) == ({"db1": SessionOpened(host="db1")}, {})


def test_checks_exclusions_and_notes_are_kept_in_their_order() -> None:
    tale = Story(plan(step("1.1"))).start()
    checks = Checked(host="db1", check="reach", ok=True), Checked(host="db1", check="sudo", ok=False, detail="no")
    tale.add(*checks, HostExcluded(host="db1", reason="no sudo")).wait(2.0)
    tale.add(NoteAdded(text="called the desk", by=BEN), NoteAdded(text="DNS is low", step="1.1"))
    assert [tuple(of.values()) for of in tale.run.checks.values()] == [checks]
    assert dict(tale.run.excluded) == {"db1": "no sudo"}
    assert tale.run.notes == (Note(at=2.0, text="called the desk", by=BEN), Note(at=2.0, text="DNS is low", step="1.1"))


def test_a_check_that_is_made_again_has_its_newest_answer_in_the_place_of_its_first() -> None:
    tale = Story(plan(step("1.1"))).start()
    made = (("reach", False), ("sudo", True), ("reach", True))
    reach, sudo, again = (Checked(host="db1", check=name, ok=ok) for name, ok in made)
    tale.add(reach, sudo, again)
    assert list(tale.run.checks["db1"].items()) == [("reach", again), ("sudo", sudo)]


def test_a_probe_that_flaps_for_days_does_not_grow_a_run_without_bound() -> None:
    tale = Story(plan(step("1.1")))
    run = tale.run
    for number in range(MAX_STRETCHES + 101):
        event = ProbeSampled(probe="health", ok=number % 2 == 0, took=0.0)
        run = evolve(run, Entry(seq=number + 1, at=float(number), wall="", event=event))
    stretches = run.probes["health"].stretches
    assert MAX_STRETCHES - 2 <= len(stretches) <= MAX_STRETCHES
    assert all(before.ok != after.ok for before, after in pairwise(stretches))
    assert (stretches[0].first_known, stretches[-1].first_known) == (0.0, float(MAX_STRETCHES + 100))


def test_a_new_runner_begins_a_new_stretch_of_every_probe_once() -> None:
    tale = Story(plan(step("1.1"))).start().sample("health", True, True)
    tale.add(RunnerStarted(pid=4712, resumed=True)).sample("health", True, True)
    assert [stretch.count for stretch in tale.run.probes["health"].stretches] == [2, 2]


@pytest.mark.parametrize("phase", [Phase.OPENED, Phase.ALWAYS, Phase.ENDED])
def test_a_rollback_begins_only_on_the_way_forward(phase: Phase) -> None:
    tale = Story(plan(step("1.1")))
    tale.run = replace(tale.run, phase=phase)
    assert tale.add(RollbackStarted(reason="late")).run.phase is phase


@pytest.mark.parametrize("phase", [Phase.ALWAYS, Phase.ENDED])
def test_a_failure_that_is_resolved_after_the_way_forward_stops_nothing(phase: Phase) -> None:
    tale = Story(plan(step("1.1"))).start().ran("1.1", Outcome.FAILED)
    tale.run = replace(tale.run, phase=phase)
    assert tale.add(FailureResolved(step="1.1", choice="abort")).run.stop is None


def test_of_two_halts_on_the_way_forward_the_first_is_the_reason() -> None:
    tale = Story(plan(step("1.1"))).start()
    tale.add(HaltRequested(by=ANNA, reason="wrong window"), HaltRequested(by=BEN, reason="really"))
    assert tale.run.stop == Stop(undo=False, halted=True, reason="wrong window", by=ANNA)


def test_a_host_of_another_step_that_answers_out_of_turn_does_not_move_the_order() -> None:
    tale = Story(plan(step("1.1", hosts=("a", "b")))).start().enter("1.1").attempt("1.1", "b")
    assert tale.run.steps["1.1"].next_host == 0
    assert tale.attempt("1.1", "a").run.steps["1.1"].next_host == 1
