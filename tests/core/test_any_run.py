"""What holds for every run: a machine that does anything a person, a host or a crash can do, in any order."""

from __future__ import annotations

import math

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from runbook.core.actor import Actor
from runbook.core.effect import Attempt
from runbook.core.events.event import AttemptEnded, AttemptStarted, ProbeSampled
from runbook.core.fold.evolve import fold, open_run
from runbook.core.fold.recovery import recovery
from runbook.core.fold.verdict import not_as_planned, verdicts
from runbook.core.intent import (
    AddNote,
    AnswerGate,
    ContinueRun,
    CutWait,
    ExcludeHost,
    HaltRun,
    Intent,
    MarkMilestone,
    PauseRun,
    ResolveFailure,
    RollBack,
    SkipStep,
)
from runbook.core.milestone_name import Milestone
from runbook.core.outcome import Outcome
from runbook.core.planned.plan import Plan
from runbook.core.rules.decide import decide
from runbook.core.rules.due import due
from runbook.core.rules.fanout import MAX_CONCURRENCY
from runbook.problem import Problem
from tests.builders import ANNA, BEN
from tests.core.driving import Drive
from tests.core.planning import HOSTS, plans

CLEO = Actor(name="cleo", uid=1002)
ENDS = (
    Outcome.SUCCEEDED,
    Outcome.SUCCEEDED,
    Outcome.FAILED,
    Outcome.UNREACHABLE,
    Outcome.TIMED_OUT,
    Outcome.IN_DOUBT,
)
REPEATABLE = (AddNote, MarkMilestone)
"""May be granted again and again: a remark and a moment are not used up."""
MAX_TURNS = 3_000
"""A run of a dozen steps that needs more than this is not ending."""

words = st.sampled_from(
    ["proceed", "stop", "approve", "reject", "value", "choose", "done", "failed", "skip", "tick", "waive"]
)
values = st.sampled_from([None, 0, 1, 7, "way 0", "way 1", "12", True])
choices = st.sampled_from(["retry", "retry_failed", "accept", "skip", "exclude", "rollback", "abort"])


class AnyRun(RuleBasedStateMachine):
    """A run that anything may happen to."""

    @initialize(of=plans(), attended=st.booleans(), auto=st.booleans(), step_mode=st.booleans())
    def open(self, of: Plan, attended: bool, auto: bool, step_mode: bool) -> None:
        self.drive = Drive(of, attended=attended, auto=auto, step_mode=step_mode)
        self.drive.settle()

    # --- what happens -------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.drive.in_flight)
    @rule(data=st.data(), outcome=st.sampled_from(ENDS))
    def an_attempt_ends(self, data: st.DataObject, outcome: Outcome) -> None:
        effect = data.draw(st.sampled_from(sorted(self.drive.in_flight, key=repr)))
        self.drive._end(effect, outcome)
        self.drive.settle()

    @rule()
    def time_passes(self) -> None:
        self.drive.happen()
        self.drive.settle()

    @rule(ok=st.booleans())
    def a_probe_answers(self, ok: bool) -> None:
        if not self.drive.run.has_ended:
            self.drive.story.add(ProbeSampled(probe="health", ok=ok, took=0.0))
            self.drive.settle()

    @rule()
    def the_runner_is_killed_and_another_takes_the_run(self) -> None:
        if not self.drive.run.has_ended:
            self.drive.crash_and_resume()
            self.drive.settle()

    # --- what people ask ----------------------------------------------------------------------------------------------

    def asks(self, intent: Intent, by: Actor) -> None:
        """Granted or refused, and once granted not granted again."""
        run = self.drive.run
        refused = self.drive.ask(intent, by)
        assert decide(run, intent, by) == decide(run, intent, by)
        if refused is None and not isinstance(intent, REPEATABLE):
            assert isinstance(decide(self.drive.run, intent, by), Problem)
        elif refused is not None:
            assert refused.what
        self.drive.settle()

    @precondition(lambda self: self.drive.run.open_gates)
    @rule(data=st.data(), answer=words, value=values, by=st.sampled_from([ANNA, BEN, CLEO]))
    def somebody_answers(self, data: st.DataObject, answer: str, value: object, by: Actor) -> None:
        gate = data.draw(st.sampled_from(self.drive.run.open_gates))
        self.asks(AnswerGate(gate=gate, answer=answer, value=value, reason="because", typed="db1"), by)

    @precondition(lambda self: any(gate.opened.kind == "failure" for gate in self.open_gates()))
    @rule(data=st.data(), choice=choices)
    def somebody_decides_about_a_failure(self, data: st.DataObject, choice: str) -> None:
        waiting = [gate.opened.step for gate in self.open_gates() if gate.opened.kind == "failure"]
        step = data.draw(st.sampled_from(waiting))
        self.asks(ResolveFailure(step=step, choice=choice, reason="because"), ANNA)

    @rule(data=st.data())
    def somebody_steers(self, data: st.DataObject) -> None:
        step = data.draw(st.sampled_from(sorted(self.drive.run.steps)))
        intent = data.draw(
            st.sampled_from(
                [
                    PauseRun(),
                    ContinueRun(),
                    ContinueRun(),
                    SkipStep(step=step, reason="because"),
                    ExcludeHost(host=data.draw(st.sampled_from(HOSTS)), reason="because"),
                    CutWait(step=step, reason="because"),
                    MarkMilestone(milestone=Milestone.DECLARED),
                    AddNote(text="hm"),
                    ResolveFailure(step=step, choice="retry"),
                ]
            )
        )
        self.asks(intent, BEN)

    @rule(intent=st.sampled_from([HaltRun(reason="enough"), RollBack(reason="enough")]))
    def somebody_stops_it(self, intent: Intent) -> None:
        self.asks(intent, BEN)

    def open_gates(self) -> list:
        return [self.drive.run.gates[gate] for gate in self.drive.run.open_gates]

    # --- what always holds --------------------------------------------------------------------------------------------

    @invariant()
    def the_same_run_at_the_same_time_calls_for_the_same(self) -> None:
        called_for = due(self.drive.run, self.drive.now)
        assert called_for == due(self.drive.run, self.drive.now)
        assert set(called_for) == set(self.drive.effects)

    @invariant()
    def nothing_is_started_twice(self) -> None:
        assert all(count == 1 for count in self.drive.started.values())

    @invariant()
    def what_is_in_flight_is_what_is_on_record_as_running(self) -> None:
        running = {
            Attempt(state.id, host, number)
            for state in self.drive.run.steps.values()
            for host, number in state.running.items()
        }
        assert set(self.drive.in_flight) == running

    @invariant()
    def no_step_has_more_hosts_in_flight_than_it_allows(self) -> None:
        for state in self.drive.run.steps.values():
            assert len(state.running) <= (state.planned.concurrency or MAX_CONCURRENCY)

    @invariant()
    def nobody_is_asked_about_a_step_that_is_over_and_decided(self) -> None:
        for gate in self.open_gates():
            state = self.drive.state(gate.opened.step)
            assert state.is_live if gate.opened.kind != "failure" else state.resolution is None

    @invariant()
    def after_the_end_nothing_is_due_and_nobody_is_asked(self) -> None:
        if self.drive.run.has_ended:
            assert due(self.drive.run, math.inf) == ()
            assert self.drive.run.open_gates == ()
            assert not any(state.is_live for state in self.drive.run.steps.values())

    @invariant()
    def the_verdicts_can_be_given_at_any_moment(self) -> None:
        assert isinstance(verdicts(self.drive.run).is_green, bool)
        assert recovery(self.drive.run).waiting_for_people >= 0.0
        assert all(state.id in self.drive.run.order for state in not_as_planned(self.drive.run))

    # --- the end ------------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        """From wherever it was left, a run ends once people answer and hosts do what they are told."""
        if not hasattr(self, "drive"):
            return
        self.drive.ask(ContinueRun())
        for _ in range(MAX_TURNS):
            self.drive.settle()
            if self.drive.run.has_ended:
                break
            self.answer_everything()
            self.drive.happen()
        assert self.drive.run.has_ended, self.drive.tale[-20:]
        self.nothing_is_started_twice()
        self.after_the_end_nothing_is_due_and_nobody_is_asked()
        self.only_what_may_have_run_was_undone()
        self.the_record_folds_to_the_same_run()

    def answer_everything(self) -> None:
        for gate in self.open_gates():
            opened = gate.opened
            if opened.kind == "failure":
                self.drive.ask(ResolveFailure(step=opened.step, choice="abort"))
            elif opened.kind in {"ask", "choose"}:
                # The last way is the one that a plan may loop on least; stopping is what ends every other gate.
                self.drive.ask(HaltRun(reason="enough"), BEN)
                value = opened.choices[0] if opened.kind == "choose" else "12"
                self.drive.ask(AnswerGate(gate=opened.gate, answer=opened.kind.replace("ask", "value"), value=value))
            else:
                word = {"approve": "reject", "manual": "failed", "checklist": "waive"}.get(opened.kind, "stop")
                for item in (0, 1):
                    self.drive.ask(AnswerGate(gate=opened.gate, answer=word, value=item, reason="because"), BEN)

    def only_what_may_have_run_was_undone(self) -> None:
        may_have_run = {
            (one.step, one.host)
            for one in self.drive.events
            if isinstance(one, AttemptEnded) and one.outcome.may_have_run
        }
        for one in self.drive.events:
            origin, mark, _ = one.step.rpartition(".undo.") if isinstance(one, AttemptStarted) else ("", "", "")
            planned = self.drive.run.steps[origin].planned if mark else None
            if planned and set(self.drive.run.steps[one.step].planned.hosts) <= set(planned.hosts):
                assert (origin, one.host) in may_have_run

    def the_record_folds_to_the_same_run(self) -> None:
        entries = self.drive.story.entries
        assert fold(open_run(entries[0]), entries[1:]) == self.drive.run


TestAnyRun = AnyRun.TestCase
TestAnyRun.settings = settings(
    max_examples=120, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
