"""What a person typed becomes a value of the type that was asked for, or is refused before it is on record."""

from __future__ import annotations

import pytest

from runbook.core.host import Json
from runbook.core.intent import AnswerGate
from runbook.core.planned.action import AskAction
from tests.builders import plan, step
from tests.core.driving import Drive


def asked(type: str) -> Drive:  # noqa: A002
    return Drive(plan(step("1.1", AskAction(prompt="?", type=type), register="x"), step("1.2"))).go()


@pytest.mark.parametrize(
    ("type", "typed", "value"),
    [
        ("string", " CHG-7 ", "CHG-7"),
        ("integer", "12", 12),
        ("integer", " -3 ", -3),
        ("integer", 12, 12),
        ("number", "2.5", 2.5),
        ("boolean", "Yes", True),
        ("boolean", "false", False),
        ("boolean", True, True),
        ("host", "db1", "db1"),
        ("duration", "1h30m", 5400.0),
        ("duration", "500ms", 0.5),
        ("duration", "90", 90.0),
    ],
)
def test_an_answer_is_registered_as_the_type_that_was_asked_for(type: str, typed: Json, value: Json) -> None:  # noqa: A002
    drive = asked(type)
    assert drive.ask(AnswerGate(gate="1.1#1", answer="value", value=typed)) is None
    registered = drive.run.values["x"].by_host[""].value
    assert (registered, registered.__class__) == (value, value.__class__)


@pytest.mark.parametrize(
    ("type", "typed"),
    [
        ("string", "  "),
        ("string", None),
        ("integer", "twelve"),
        ("integer", "1.5"),
        ("integer", "9" * 19),
        ("number", "inf"),
        ("number", "much"),
        ("boolean", "maybe"),
        ("host", "db9"),
        ("duration", "10 minutes"),
        ("duration", "-1s"),
    ],
)
def test_an_answer_that_is_none_is_refused_with_what_to_write(type: str, typed: Json) -> None:  # noqa: A002
    drive = asked(type)
    refused = drive.ask(AnswerGate(gate="1.1#1", answer="value", value=typed))
    assert (refused.code, bool(refused.fix)) == ("unfit-value", True)
    assert drive.run.open_gates == ("1.1#1",)
