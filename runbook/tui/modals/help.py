"""The keys that count where help was asked for, made from the one registry."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen, Screen

from runbook.tui.actions import DEEDS, Deed
from runbook.tui.keynames import keys_shown
from runbook.tui.widgets.plain import Plain
from runbook.tui.widgets.rows import Part, Row

_WHERE = {"lists": ": in every list and in the output", "output": ": when the output has the keys"}
"""Said behind the name of an area whose keys count in a part of a screen."""


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
        self.query_one("#keys", Plain).say(*help_rows(keys_of(below)), hang=22)
        self.query_one("#page").focus()


def keys_of(screen: Screen[object]) -> dict[str, str]:
    """What each key does on a screen, by deed: those of the screen and of every pane on it, whichever has the keys.

    Where a screen gives a key of its ancestor another meaning, only the new one counts; and what a screen never lets
    happen (a replay asks for nothing) is not listed.
    """
    nodes = (screen.app, screen, *(rows for rows in screen.query("Rows") if rows.can_focus))
    found: dict[str, str] = {}
    for node in {type(node): node for node in nodes}.values():
        owned = _owned(type(node))
        for deed in DEEDS:
            keys = [key for key in deed.keys.split(",") if owned.get(key) == deed.id]
            if keys and node.check_action(deed.verb.partition("(")[0], ()) is not False:
                found[deed.id] = ",".join(keys)
    return found


def _owned(home: type) -> dict[str, str]:
    """Key to deed; what a class binds again is its own."""
    bound = [binding for kind in reversed(home.__mro__) for binding in kind.__dict__.get("BINDINGS", ())]
    return {key: str(one.id) for one in bound if isinstance(one, Binding) for key in one.key.split(",")}


def help_rows(found: dict[str, str]) -> tuple[Row, ...]:
    """A row for each deed that has keys, under its area's name."""
    rows: list[Row] = []
    # What is special to a screen comes first; what counts everywhere is known soonest.
    for area in reversed(dict.fromkeys(deed.area for deed in DEEDS)):
        deeds = [deed for deed in DEEDS if deed.area == area and deed.id in found and deed.help]
        if deeds:
            rows.append((Part(f"{area.upper()}{_WHERE.get(area, '')}", "live", ("bold",)),))
            rows.extend(_row(deed, found[deed.id]) for deed in deeds)
    return tuple(rows)


def _row(deed: Deed, keys: str) -> Row:
    return (Part(f"  {keys_shown(deed, keys):<18} ", "text", ("bold",)), Part(deed.help))
