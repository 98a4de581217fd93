"""What a person may ask of a run: pause, go on, halt, roll back, skip, cut a wait, write a note.

Apart from the screen that shows the run, because these are the only keys that change anything. Each is an intent that
the runner grants or refuses; pausing and noting happen at once, all others take a second act, and what is hard to undo
takes a typed word and a reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from runbook.core.actor import Actor
from runbook.core.intent import (
    AddNote,
    ContinueRun,
    CutWait,
    HaltRun,
    Intent,
    PauseRun,
    RollBack,
    SkipStep,
)
from runbook.core.planned.action import WaitAction
from runbook.feed.feed import Feed
from runbook.problem import Problem
from runbook.tui.messages import ProblemsMet
from runbook.tui.modals.gate import Reply
from runbook.tui.modals.keylock import KeyLock
from runbook.tui.modals.reason import Reason
from runbook.tui.modals.sure import Sure
from runbook.tui.screens.place import PlaceScreen
from runbook.tui.widgets.rows import Part
from runbook.tui.widgets.steplist import StepList

ASKING = frozenset({"gate", "pause", "skip", "cut", "note", "undo", "halt"})
"""Deeds that need a runner."""

Answer = TypeVar("Answer")


class Steering(PlaceScreen):
    """A screen from which a run can be steered."""

    def __init__(self, feed: Feed, me: Actor) -> None:
        """Steer this run; `me` is who the runner takes this person for."""
        super().__init__()
        self.feed = feed
        self.run_now = feed.run
        self.me = me

    def ask(self, intent: Intent, reply: Reply) -> None:
        """Send an intent in the background; this screen outlives the box that asked."""

        async def sending() -> None:
            reply(await self.feed.send(intent))

        self.work(sending, group="ask", all_of_them=True)

    def _told(self, problem: Problem | None) -> None:
        if problem is not None:
            self.post_message(ProblemsMet((problem,)))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that ask a runner for something are greyed out when there is none."""
        del parameters
        return None if action in ASKING and not self.feed.is_live else True

    def _with_reason(self, question: Reason, make: Callable[[str], Intent]) -> None:
        def given(reason: str | None) -> None:
            if reason:
                self.ask(make(reason), self._told)

        self._push(question, given)

    def _push(self, question: KeyLock[Answer], given: Callable[[Answer | None], None]) -> None:
        question.lock_seconds = self.around.lock_seconds
        self.app.push_screen(question, given)

    def action_pause(self) -> None:
        """Pausing is safe and happens at once; going on is asked."""
        if not self.run_now.paused:
            self.ask(PauseRun(), self._told)
            return
        question = Sure("Go on", ((Part("The run enters new steps again."),),), verb="Go on")
        self._push(question, lambda yes: self.ask(ContinueRun(), self._told) if yes else None)

    def action_halt(self) -> None:
        """Stop the run."""
        text = "What runs is cancelled, nothing new starts, the closing steps follow. Nothing is rolled back by itself."
        self._with_reason(Reason("Halt the run", text, verb="Halt", word="halt"), lambda reason: HaltRun(reason=reason))

    def action_undo(self) -> None:
        """Roll back."""
        text = "The run goes forward no more; what ran is undone in reverse order."
        question = Reason("Roll back", text, verb="Roll back", word="roll back")
        self._with_reason(question, lambda reason: RollBack(reason=reason))

    def action_skip(self) -> None:
        """Skip the step under the cursor."""
        step = self.query_one(StepList).here
        if step is not None:
            question = Reason(f"Skip {step.id} {step.name}", "The step is not entered in this run.", verb="Skip")
            self._with_reason(question, lambda reason: SkipStep(step=step.id, reason=reason))

    def action_cut(self) -> None:
        """End the countdown that runs."""
        waits = [
            state.id
            for state in self.run_now.steps.values()
            if state.is_live and isinstance(state.planned.action, WaitAction)
        ]
        if not waits:
            self.notify("No countdown runs.", markup=False)
            return
        question = Reason(f"Cut the wait {waits[0]}", "The countdown ends now and the run goes on.", verb="Cut")
        self._with_reason(question, lambda reason: CutWait(step=waits[0], reason=reason))

    def action_note(self) -> None:
        """Write a remark."""
        question = Reason("Note", "It is written into the record with your name and the time.", verb="Write")
        self._with_reason(question, lambda text: AddNote(text=text))
