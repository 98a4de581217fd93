"""The menu after a failed step: who failed and in what words, and what may follow with whom it reaches.

It opens on "not now". Choosing is one act and doing it another; what reaches hosts that are well, rolls back or aborts
takes a typed word. The rows on top keep the clock and the question in sight, also in the smallest window.
"""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content

from runbook.core.actor import Actor
from runbook.core.answers import answer_of
from runbook.core.gate import gates
from runbook.core.run import Run
from runbook.feed.feed import Output, OutputLine
from runbook.feed.last_words import heard, last_lines
from runbook.tui.modals.failure_box import FailureBox
from runbook.tui.modals.gate import Asking, GateModal
from runbook.tui.modals.gate_facts import gate_rows
from runbook.tui.widgets.plain import Plain
from runbook.tui.widgets.rows import Part, Row
from runbook.view.asking.failure import FailureMenu, Said, failure_menu
from runbook.view.sanitize import safe
from runbook.view.words import Status

_LINES = 40
"""Lines of one host that are read at most: a window has no room for more."""


class FailureGate(GateModal):
    """One box that takes every key itself."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f1,question_mark", "app.help", "help")]
    unlocked: ClassVar[str] = "the first Enter only asks again"

    def __init__(self, run: Run, gate: str, me: Actor, ask: Asking, output: Output) -> None:
        """As any gate; `output` is what its hosts said."""
        super().__init__(run, gate, me, ask)
        self._output = output
        self._turn = 0
        """Whose words are shown, counted over those that failed."""
        self._shows_commands = False
        self._heard: dict[tuple[str, str], tuple[OutputLine, ...]] = {}
        """What was read of step and host: a step that waits for a decision says no more."""
        self._said: Said = heard(output, run, self.gate)

    @property
    def menu(self) -> FailureMenu:
        """As it is now."""
        return failure_menu(self.run, self.gate, self.now, self._said)

    def box(self) -> ComposeResult:
        """The menu, and its keys."""
        menu = self.menu
        with Vertical(classes="box gate") as box:
            self.frame(box, f"DECIDE  {menu.step} {menu.name}")
            yield FailureBox(menu, pause=self.lock_seconds / 2)
        yield Plain(id="keys")

    def begin(self) -> None:
        """It has every key."""
        self.query_one(FailureBox).focus()

    def _mark(self, text: str) -> None:
        """Also where the keys stand: a small window's box has no frame to write into."""
        super()._mark(text)
        is_locked = self.unlocked not in text
        for keys in self.query("#keys").results(Plain):
            keys.say((Part(text, "you"),) if is_locked else _keys(len(self.menu.ways)))

    def draw(self) -> None:
        """The menu as of now, with whoever's words are asked for."""
        menu = self.menu
        for box in self.query(".box"):
            box.border_title = Content(safe(f"DECIDE  {menu.step} {menu.name}  {menu.summary}"))
        speaker, spoken = self._spoken(menu)
        sent = gate_rows(self.run, self.gate_id, self.now) if self._shows_commands else ()
        self.query_one(FailureBox).show(menu, speaker=speaker, spoken=spoken, sent=sent)

    def judge(self) -> None:
        """It has no buttons to turn on and off."""

    def refuse(self, text: str) -> None:
        """Say why it was not taken, where the choice stands."""
        self.query_one(FailureBox).refused(text)

    def _lines(self, step: str, host: str) -> tuple[OutputLine, ...]:
        if (step, host) not in self._heard:
            attempt = self.run.steps[step].attempts[host]
            self._heard[step, host] = last_lines(self._output, host, step, attempt, _LINES)
        return self._heard[step, host]

    def _spoken(self, menu: FailureMenu) -> tuple[str, tuple[OutputLine, ...]]:
        speakers = [group for group in menu.groups if group.hosts and group.status is not Status.OK]
        if not speakers:
            return "", ()
        group = speakers[self._turn % len(speakers)]
        return safe(group.hosts[0]), self._lines(group.step, group.hosts[0])

    @on(FailureBox.Asked)
    def _asked(self, message: FailureBox.Asked) -> None:
        if message.what == "commands":
            self._shows_commands = not self._shows_commands
        else:
            self._shows_commands = False
            self._turn += 1
        self.draw()

    @on(FailureBox.Closed)
    def _not_now(self) -> None:
        self.action_safe()

    @on(FailureBox.Chosen)
    def _chosen(self, message: FailureBox.Chosen) -> None:
        answer = answer_of("failure", message.way.answer)
        if answer is not None:
            self.send(gates.giving(self.gate.opened, answer, reason=message.reason))


def _keys(ways: int) -> Row:
    keys = (
        (f"1..{ways}", "choose"),
        ("Enter", "next"),
        ("Esc", "not now"),
        ("Tab", "next host"),
        ("v", "commands"),
        ("F1", "help"),
    )
    return tuple(part for key, what in keys for part in (Part(f"{key} ", "live", ("bold",)), Part(f"{what}  ")))
