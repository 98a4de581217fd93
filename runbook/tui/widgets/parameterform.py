"""The values that a runbook asks for, one field a row, with a star where one is needed.

It checks nothing: compiling the plan does, and says why. What it says of a value is shown under the field where that
value stands. A secret is typed unseen and is no part of the values that a plan is made with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.markup import escape
from textual.widgets import Checkbox, Input, Select, Static

from runbook.problem import Problem, where_given
from runbook.tui.widgets.plain import Plain
from runbook.tui.widgets.rows import Part
from runbook.view.sanitize import safe
from runbook.workspace.rows import FORM, ParameterField


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
        starred = " (* is needed)" if any(field.required for field in self._fields) else ""
        self.border_title = Content(f"1 Values {len(self._fields)}{starred}")
        for number, field in enumerate(self._fields):
            with Horizontal(classes="field"):
                star = "*" if field.required else " "
                yield Plain(f"{star}{safe(field.name)}", classes="name")
                yield _widget(field, f"field-{number}")
            yield Plain(_hint(field), classes="hint", id=f"hint-{number}")
        if not self._fields:
            yield Plain("This runbook asks for nothing.", classes="hint")
        yield Tick("Step mode: ask before every step", id="step-mode")

    @property
    def given(self) -> dict[str, str]:
        """The values that were filled in, without secrets; an empty field leaves the runbook's default."""
        return {field.name: value for field, value in self._filled() if value and not field.secret}

    @property
    def secrets(self) -> dict[str, str]:
        """Those that were typed; the others come from where the runbook says."""
        return {field.name: value for field, value in self._filled() if value and field.secret}

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of what a plan needs and has no value yet."""
        return tuple(field.name for field, value in self._filled() if _lacks(field, value) and not field.secret)

    @property
    def is_filled(self) -> bool:
        """Nothing that a run needs is missing, secrets included."""
        return not any(_lacks(field, value) for field, value in self._filled())

    @property
    def step_mode(self) -> bool:
        """Every step is to be confirmed."""
        return self.query_one("#step-mode", Checkbox).value

    def go_to_missing(self) -> None:
        """Give the keys to the first field that needs a value."""
        wanted = next(number for number, filled in enumerate(self._filled()) if _lacks(*filled))
        self.query_one(f"#field-{wanted}").focus()

    def blame(self, problems: tuple[Problem, ...]) -> None:
        """Say under each field what is wrong with its value; the first of them has the keys."""
        blamed = {number: wrong for number, field in enumerate(self._fields) if (wrong := _about(field, problems))}
        for number, field in enumerate(self._fields):
            hint = self.query_one(f"#hint-{number}", Plain)
            if number in blamed:
                hint.say((Part(f"{blamed[number].what}. {blamed[number].fix}", "bad"),))
            else:
                hint.tell(_hint(field))
        if blamed:
            self.query_one(f"#field-{next(iter(blamed))}").focus()

    def _filled(self) -> Iterator[tuple[ParameterField, str]]:
        for number, field in enumerate(self._fields):
            yield field, _value(self.query_one(f"#field-{number}"))


def _lacks(field: ParameterField, value: str) -> bool:
    return field.required and not value


def _about(field: ParameterField, problems: tuple[Problem, ...]) -> Problem | None:
    """What is wrong with its value, if anything: problems say where, and that is where it was typed."""
    return next((each for each in problems if each.where == where_given(field.name, FORM)), None)


def _widget(field: ParameterField, ident: str) -> Static | Input | Select[str]:
    if field.choices:
        # As text that is no markup: typing searches text alone.
        options = [(escape(safe(choice)), choice) for choice in field.choices]
        chosen = field.default if field.default in field.choices else Select.NULL
        return Select(options, value=chosen, id=ident, compact=True, prompt="choose")
    unfilled = f"from {field.origin} when empty" if field.origin else "not shown" if field.secret else field.type
    return Input(
        value="" if field.secret else safe(field.default),
        password=field.secret,
        placeholder=safe(unfilled),
        id=ident,
        compact=True,
        select_on_focus=False,
    )


def _value(widget: object) -> str:
    if isinstance(widget, Input):
        return widget.value
    return str(widget.value) if isinstance(widget, Select) and widget.value is not Select.NULL else ""


def _hint(field: ParameterField) -> str:
    kind = f"{safe(field.kind)}{', never stored' if field.secret else ''}"
    return f"{kind}. {safe(field.help)}" if field.help else kind
