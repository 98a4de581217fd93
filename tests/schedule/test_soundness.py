"""What is wrong with a schedule in its place, told when it is written."""

from __future__ import annotations

import pytest

from runbook.document.runbook_file import parse_runbook
from runbook.schedule.soundness import unsound
from tests.planning.compiling import inventory, text_of
from tests.schedule.duties import at

LOOK = "- {name: Look, command: uptime, on: web1, changes: false}"
NIGHTLY = 'schedule: {cron: "0 4 * * *", attended: false}\n'
NOW = at("2026-11-27T12:00")


def said(steps: str = LOOK, *, head: str = NIGHTLY, **environment: object) -> list[tuple[str, str]]:
    book = parse_runbook(text_of(steps, head=head, kind="operation").encode(), "t.yaml")
    [schedule] = book.schedules
    found = unsound(book, schedule, inventory(**{"auto": ("all",), **environment}), NOW)
    return [(each.code, each.what) for each in found]


def test_a_schedule_that_can_be_kept_is_not_mentioned() -> None:
    assert said() == []


def test_a_secret_that_would_have_to_be_typed_is_refused_when_it_is_scheduled() -> None:
    asked = NIGHTLY + "parameters:\n  word: {type: secret}\n"
    assert said('- {name: Log in, command: "login {{ word }}", on: web1}', head=asked) == [
        ("unattended-secret", "t cannot be scheduled without anybody: word comes from a prompt")
    ]
    given = asked.replace("type: secret", 'type: secret, from: "env:WORD"')
    assert said('- {name: Log in, command: "login {{ word }}", on: web1}', head=given) == []


def test_the_password_of_sudo_is_such_a_secret_where_a_step_needs_it() -> None:
    assert said("- {name: Look, command: id, on: web1, become: true}", sudo_password="prompt") == [
        ("unattended-secret", "t cannot be scheduled without anybody: the password of sudo comes from a prompt")
    ]
    assert said(sudo_password="prompt") == []


def test_a_gate_that_nobody_is_there_to_answer_is_refused_when_it_is_scheduled() -> None:
    found = said("- {name: Sure, confirm: Go on?}\n" + LOOK, auto=())
    assert found == [
        (
            "unattended-gate",
            't cannot be scheduled without anybody: a person must answer the confirm of step 1.1 "Sure"',
        )
    ]
    assert said("- {name: Sure, confirm: Go on?}\n" + LOOK, head='schedule: {cron: "0 4 * * *"}\n', auto=()) == []


def test_a_parameter_that_nobody_gives_is_missed_before_the_night() -> None:
    head = NIGHTLY + "parameters:\n  mode: {required: true}\n"
    step = '- {name: Look, command: "look {{ mode }}", on: web1}'
    assert [code for code, _ in said(step, head=head)] == ["missing-parameter"]
    given = head.replace("attended: false", "attended: false, parameters: {mode: full}")
    assert said(step, head=given) == []


def test_windows_that_are_never_open_together_leave_no_time() -> None:
    head = 'schedule: {cron: "0 4 * * *", window: "Tue 03:00-04:00 UTC", attended: false}\n'
    assert said(head=head, windows=("Mon 01:00-02:00 UTC",)) == [("never-open", "t can never begin in test")]
    assert said(head=head, windows=("Tue 03:30-05:00 UTC",)) == []


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("30 2 * * *", ["t runs at 03:00 instead on Sun 28 Mar 2027, because the clock is set then"]),
        ("30 4 * * *", []),
        ("*/10 2 * * *", []),
    ],
)
def test_a_moment_that_a_clock_moves_is_told_beforehand(cron: str, expected: list[str]) -> None:
    head = f'schedule: {{cron: "{cron}", zone: Europe/Berlin}}\n'
    assert [what for _, what in said(head=head)] == expected
