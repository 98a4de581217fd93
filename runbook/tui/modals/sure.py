"""One question with two answers, for deeds that are simple and still deserve a second act."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Button

from runbook.tui.modals.keylock import Choice, KeyLock
from runbook.tui.modals.typed import TypedWord
from runbook.tui.widgets.plain import Plain
from runbook.tui.widgets.rows import Row


class Sure(KeyLock[bool | None]):
    """Gives True when the person said yes."""

    def __init__(self, title: str, said: tuple[Row, ...], *, verb: str, word: str = "") -> None:
        """`word` must be typed first, where it is given."""
        super().__init__()
        self._title = title
        self._said = said
        self._verb = verb
        self._word = word

    def compose(self) -> ComposeResult:
        """What will happen, and the buttons."""
        with Vertical(classes="box") as box:
            self.frame(box, self._title)
            with VerticalScroll(classes="said"):
                yield Plain(id="said")
            if self._word:
                yield TypedWord(self._word)
            with Horizontal(classes="buttons"):
                yield Choice("Not now (Esc)", id="safe")
                yield Choice(self._verb, id="go", off=bool(self._word))

    def on_mount(self) -> None:
        """The safe answer has the keys."""
        self.query_one("#said", Plain).say(*self._said)
        self.query_one("#safe").focus()

    @on(TypedWord.Changed)
    def _judge(self, event: TypedWord.Changed) -> None:
        self.query_one("#go", Button).disabled = not event.matches

    @on(TypedWord.Submitted)
    def _to_go(self) -> None:
        self.query_one("#go", Button).focus()

    @on(Button.Pressed, "#go")
    def _go(self) -> None:
        self.dismiss(True)

    @on(Button.Pressed, "#safe")
    def action_safe(self) -> None:
        """Close; nothing is done."""
        self.dismiss(None)
