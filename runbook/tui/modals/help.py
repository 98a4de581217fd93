"""The keys that count where help was asked for, made from the one registry."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen

from runbook.tui.actions import DEEDS, Deed
from runbook.tui.widgets.plain import Plain
from runbook.tui.widgets.rows import Part, Row

_SHOWN = {
    "question_mark": "?",
    "slash": "/",
    "exclamation_mark": "!",
    "comma": ",",
    "full_stop": ".",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "escape": "Esc",
    "enter": "Enter",
    "pageup": "PgUp",
    "pagedown": "PgDn",
}


class Help(ModalScreen[None]):
    """A page of keys."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark", "dismiss(None)", "close")]

    def compose(self) -> ComposeResult:
        """The box."""
        with Vertical(classes="box tall") as box:
            box.border_title = "Keys   Esc closes"
            with VerticalScroll(can_focus=True, id="page"):
                yield Plain(id="keys")

    def on_mount(self) -> None:
        """Fill it with what is bound below this page."""
        below = self.app.screen_stack[-2]
        areas = {active.binding.id.partition(".")[0] for active in below.active_bindings.values() if active.binding.id}
        self.query_one("#keys", Plain).say(*help_rows(areas))
        self.query_one("#page").focus()


def help_rows(areas: set[str]) -> tuple[Row, ...]:
    """Every key of some areas, a row each, under its area's name."""
    rows: list[Row] = []
    for area in dict.fromkeys(deed.area for deed in DEEDS):
        if area in areas:
            rows.append((Part(area.upper(), "sky", ("bold",)),))
            rows.extend(_row(deed) for deed in DEEDS if deed.area == area)
    return tuple(rows)


def keys_shown(deed: Deed) -> str:
    """A deed's keys as they stand on a keyboard."""
    return " ".join(_key(key) for key in deed.keys.split(","))


def _key(key: str) -> str:
    if key in _SHOWN:
        return _SHOWN[key]
    return key.replace("ctrl+", "Ctrl+").replace("shift+", "Shift+") if len(key) > 1 else key


def _row(deed: Deed) -> Row:
    return (Part(f"  {keys_shown(deed):<18} ", "plain", ("bold",)), Part(deed.help))
