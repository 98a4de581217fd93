"""The frame of every gate: what is asked, what follows, what was answered so far, and the way to answer.

A gate's truth lives in the runner. This box is a view of it: it sends an intent, shows the refusal if there is one,
and closes when the run says that the gate is closed, whoever answered. Closing it with Escape answers nothing. What the
person was shown goes back as the gate's digest, so that an answer can never let through something else.
"""

from __future__ import annotations

from collections.abc import Callable

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Button

from runbook.core.actor import Actor
from runbook.core.answers import Answer, offered
from runbook.core.gate import gates
from runbook.core.host import Json
from runbook.core.intent import Intent
from runbook.core.planned.action import Action
from runbook.core.run import GateState, Run
from runbook.problem import Problem
from runbook.tui.modals.gate_facts import COLUMN, gate_rows, gate_title, message_rows
from runbook.tui.modals.keylock import Choice, KeyLock
from runbook.tui.modals.reason import Reason
from runbook.tui.widgets.head import Head
from runbook.tui.widgets.plain import Plain
from runbook.view.situation.past import Past

Reply = Callable[[Problem | None], None]
Asking = Callable[[Intent, Reply], None]
"""Sends an intent in the name of the screen below, which outlives this box, and calls back with the refusal or None."""

_FRAME = 2
"""Rows of the box's border."""


class GateModal(KeyLock[None]):
    """One gate. Subclasses add their question and their buttons."""

    def __init__(self, run: Run, gate: str, me: Actor, ask: Asking) -> None:
        """Show the gate as it is in `run`; `me` is who would answer."""
        super().__init__()
        self.run = run
        self.now = run.now
        self.gate_id = gate
        self._me = me
        self._ask = ask
        self._sending = False
        self.past: Past = ()
        """What earlier runs teach, for the estimate above the question."""

    # --- what it is about ---------------------------------------------------------------------------------------------

    @property
    def gate(self) -> GateState:
        """The gate in the newest state seen."""
        return self.run.gates[self.gate_id]

    @property
    def action(self) -> Action:
        """What its step does."""
        return self.run.steps[self.gate.opened.step].action_on("*")

    @property
    def barred(self) -> str:
        """Why this person may not answer; empty when they may."""
        return gates.may_answer(self.run, self.gate, gates.asked_for(self.run, self.gate), self._me)

    @property
    def offered(self) -> tuple[Answer, ...]:
        """What this gate takes, the yes first."""
        return offered(self.gate.opened.kind, self.gate.opened.choices)

    def question(self) -> ComposeResult:
        """The part that differs: a field, a list. Nothing for most."""
        yield from ()

    def choices(self) -> ComposeResult:
        """Buttons behind the safe one, each with an answer's word for its id; the yes comes last."""
        for answer in reversed(self.offered):
            yield Choice(f"{answer.label}{dots(answer)}", id=answer.word)

    # --- the box ------------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """What stands above every question, and the box."""
        head = Head()
        head.past = self.past
        yield head
        yield from self.box()

    def box(self) -> ComposeResult:
        """Facts, question, buttons."""
        with Vertical(classes="box gate") as box:
            self.frame(box, gate_title(self.run, self.gate))
            with VerticalScroll(classes="said", can_focus=False):
                yield Plain(id="message")
                yield Plain(id="facts")
            yield from self.question()
            yield Plain(id="refused")
            with Horizontal(classes="buttons"):
                yield Choice("Not now (Esc)", id="safe")
                yield from self.choices()

    def on_mount(self) -> None:
        """Begin where nothing can be answered by accident."""
        self.begin()
        self.show(self.run, self.now)

    def begin(self) -> None:
        """The safe answer has the keys."""
        self.query_one("#safe").focus()

    def show(self, run: Run, now: float) -> None:
        """The run at `now` (seconds since it was opened): draw it, or close when the gate is closed."""
        self.run = run
        self.now = now
        if not self.gate.is_open:
            self.dismiss(None)
        elif self.query(".box"):
            self.query_one(Head).show(run, now, me=self._me)
            self.draw()

    def draw(self) -> None:
        """Put what is known by now into the box."""
        self.query_one("#message", Plain).say(*message_rows(self.run, self.gate_id, self.now))
        self.query_one("#facts", Plain).say(*gate_rows(self.run, self.gate_id, self.now), hang=COLUMN)
        self.judge()
        self.call_after_refresh(self._fit)

    def on_resize(self) -> None:
        """Another size has other room for what is said."""
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        """Give what is said all the room that the question and its buttons leave, and no more."""
        for said in self.query(".said"):
            box = said.parent
            if box is None or self.has_class("-flat") or self.has_class("-slim"):
                said.styles.max_height = None  # the style sheet gives it all of a small window
                continue
            others = [child for child in box.query_children("*") if child is not said and child.display]
            taken = sum(child.outer_size.height + child.styles.margin.height for child in others)
            room = self.size.height - self.query_one(Head).outer_size.height
            said.styles.max_height = max(3, room - _FRAME - taken)

    def judge(self) -> None:
        """Turn buttons on and off; a reason stands beside those that are off."""
        for button in self.query(".buttons Choice").results(Choice):
            button.disabled = button.id != "safe" and (self._sending or not self.may(str(button.id)))
        if self.barred:
            self.refuse(self.barred)

    def may(self, answer: str) -> bool:
        """True when this answer can be given now."""
        del answer
        return not self.barred

    # --- answering ----------------------------------------------------------------------------------------------------

    @on(Button.Pressed, "#safe")
    def action_safe(self) -> None:
        """Close; the gate stays open."""
        self.dismiss(None)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        answer = next((one for one in self.offered if one.word == event.button.id), None)
        if answer is not None:
            self.give(answer)

    def value(self) -> Json:
        """The value that goes with an answer; nothing for most."""
        return None

    def typed(self) -> str:
        """The word that was typed; nothing for most."""
        return ""

    def give(self, answer: Answer) -> None:
        """Send an answer, with the digest of what was shown; what wants a reason, or is grave, is asked about first."""
        value, typed = self.value(), self.typed() if answer.is_yes else ""
        if not dots(answer):
            self.send(gates.giving(self.gate.opened, answer, value=value, typed=typed))
            return

        def given(reason: str | None) -> None:
            if reason is not None:
                self.send(gates.giving(self.gate.opened, answer, value=value, reason=reason))

        question = Reason(
            f"{answer.label}: {gate_title(self.run, self.gate)}",
            f"{answer.label}: {answer.follows}.",
            verb=answer.label,
            required=answer.needs_reason,
        )
        question.lock_seconds = self.lock_seconds
        self.app.push_screen(question, given)

    def send(self, intent: Intent) -> None:
        """Send; nothing can be pressed until the runner has replied."""
        self._sending = True
        self.judge()
        self._ask(intent, self._replied)

    def _replied(self, problem: Problem | None) -> None:
        self._sending = False
        if not self.query(".box"):
            return  # closed meanwhile, because the answer closed the gate
        self.refuse(str(problem) if problem else "")
        self.judge()

    def refuse(self, text: str) -> None:
        """Say why it was not taken."""
        said = self.query_one("#refused", Plain)
        said.tell(text)
        said.set_class(bool(text), "-said")


def dots(answer: Answer) -> str:
    """What stands behind an answer's label where another question comes before it is given."""
    return " ..." if answer.needs_reason or answer.is_grave else ""
