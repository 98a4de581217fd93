"""The values that a runbook asks for, one field a row. It checks nothing: compiling the plan does, and says why."""

from __future__ import annotations

from collections.abc import Iterable

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Checkbox, Input, Select, Static

from runbook.tui.widgets.plain import Plain
from runbook.view.sanitize import safe
from runbook.workspace.rows import ParameterField


class Tick(Checkbox):
    """A box that says by its shape, and not by its colour alone, whether it is ticked."""

    BUTTON_LEFT = BUTTON_RIGHT = BUTTON_INNER = ""

    def __init__(self, text: str, *, id: str) -> None:  # noqa: A002 - textual's own parameter
        """Begin without a tick."""
        self._text = text
        super().__init__(Content(f"[ ] {text}"), id=id, compact=True)

    def watch_value(self) -> None:
        """Draw the tick."""
        self.label = Content(f"[{'x' if self.value else ' '}] {self._text}")
        super().watch_value()


class ParameterForm(VerticalScroll, can_focus=False):
    """A form."""

    def __init__(self, fields: Iterable[ParameterField], *, id: str | None = None) -> None:  # noqa: A002 - textual's own parameter
        """One row for each."""
        super().__init__(id=id)
        self._fields = tuple(fields)

    def compose(self) -> ComposeResult:
        """Label, field, help."""
        self.border_title = Content(f"1 Values {len(self._fields)}")
        for number, field in enumerate(self._fields):
            with Horizontal(classes="field"):
                star = "*" if field.required else " "
                yield Plain(f"{star}{safe(field.name)}", classes="name")
                yield _widget(field, f"field-{number}")
            yield Plain(_hint(field), classes="hint")
        if not self._fields:
            yield Plain("This runbook asks for nothing.", classes="hint")
        yield Tick("Step mode: ask before every step", id="step-mode")

    @property
    def given(self) -> dict[str, str]:
        """The values that were filled in; an empty field leaves the runbook's default."""
        pairs = ((field.name, _value(self.query_one(f"#field-{number}"))) for number, field in enumerate(self._fields))
        return {name: value for name, value in pairs if value}

    @property
    def step_mode(self) -> bool:
        """Every step is to be confirmed."""
        return self.query_one("#step-mode", Checkbox).value


def _widget(field: ParameterField, ident: str) -> Static | Input | Select[str]:
    if field.choices:
        options = [(Content(safe(choice)), choice) for choice in field.choices]
        chosen = field.default if field.default in field.choices else Select.NULL
        return Select(options, value=chosen, id=ident, compact=True, prompt="choose")
    return Input(
        value="" if field.secret else safe(field.default),
        password=field.secret,
        placeholder="from its source when empty" if field.secret else field.type,
        id=ident,
        compact=True,
        select_on_focus=False,
    )


def _value(widget: object) -> str:
    if isinstance(widget, Input):
        return widget.value
    return str(widget.value) if isinstance(widget, Select) and widget.value is not Select.NULL else ""


def _hint(field: ParameterField) -> str:
    kind = f"{field.type}{', required' if field.required else ''}{', secret: never stored' if field.secret else ''}"
    return f"{kind}. {safe(field.help)}" if field.help else kind
