"""Each warning where it belongs, and none where all is well."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from runbook.document.runbook_file import parse_runbook, read_runbook
from runbook.planning.lint import lint
from tests.planning.compiling import compiled, text_of

TODAY = dt.date(2026, 11, 23)
SOUND = "command: x, on: db1, timeout: 1m, rollback: {command: y, timeout: 1m}"


def warnings(steps: str, **parts: str) -> list[tuple[str, str]]:
    found = lint(parse_runbook(text_of(steps, **parts).encode(), "t.yaml"), today=TODAY)
    assert all(each.warning and each.fix for each in found)
    return [(each.code, str(each.where)) for each in found]


def test_a_careful_runbook_has_no_warning() -> None:
    assert warnings(f"- {{{SOUND}}}") == []


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ("command: x, on: db1, rollback: {command: y, timeout: 1m}", "no-timeout"),
        ("command: x, on: db1, timeout: 1m", "no-rollback"),
        (SOUND.replace("x,", "'x {{ run.id | raw }}',"), "raw-template"),
        (SOUND.replace("x,", "'echo \"{{ run.id }}\"',"), "template-in-quotes"),
        (SOUND.replace("x,", "\"echo '{{ run.id }}'\","), "template-in-quotes"),
        (
            SOUND.replace("command: x", "script: 'print({{ run.id }})', interpreter: [/usr/bin/env, python3]"),
            "foreign-quoting",
        ),
        (SOUND + ", expect: {stdout: {matches: '^([a-z]+ ?)+$'}}", "endless-pattern"),
        ("probe: {http: https://x, expect: {body: {matches: '(x+x+)+y'}}}", "endless-pattern"),
        ("http: {url: https://x, verify: false}", "http-not-verified"),
        ("wait_for: {probe: {http: {url: https://x, verify: false}}}", "http-not-verified"),
    ],
)
def test_a_step_that_will_be_regretted_is_warned_of(step: str, code: str) -> None:
    assert [found for found, _ in warnings(f"- {{{step}}}")] == [code]


@pytest.mark.parametrize(
    "step",
    [
        "command: x, on: db1, durable: false",
        "command: x, on: db1, changes: false",
        SOUND.replace("x,", "'echo {{ run.id }} \"a\" ''b'' # it''s {{ run.id }}',"),
        SOUND.replace("command: x", "script: 'echo {{ run.id }}', interpreter: /bin/bash"),
        SOUND.replace("x,", "'{% raw %}" + "{{ " * 20_000 + "{% endraw %}{{ run.id }}',"),
        SOUND + ", expect: {stdout: {matches: '^(\\w+ ?){1,3}$'}, json: {matches: 'a+b+c+'}}",
    ],
)
def test_a_step_that_is_all_right_is_not(step: str) -> None:
    assert warnings(f"- {{{step}}}") == []


def test_a_rollback_of_the_runbook_is_one_for_every_step_and_undoing_needs_none() -> None:
    step = "- {command: x, on: db1, timeout: 1m}"
    assert warnings(step, tail="rollback: [{command: y, on: db1, timeout: 1m}]\n") == []
    assert [code for code, _ in warnings(f"- {{{SOUND}}}", tail="always: [{command: y, on: db1}]\n")] == ["no-timeout"]


def test_a_secret_in_a_command_is_seen_by_others() -> None:
    steps = f"- {{{SOUND.replace('x,', repr('login {{ pw }}') + ',')}, env: {{A: b}}}}"
    assert warnings(steps, head="parameters: {pw: {type: secret}}\n") == [("secret-in-command", "t.yaml:11:19")]


def test_a_pattern_of_a_parameter_that_may_never_end_is_said() -> None:
    head = "parameters:\n  code: {type: string, default: x, pattern: '(a|a)*'}\n"
    assert warnings("- {" + SOUND.replace("x,", "'echo {{ code }}',") + "}", head=head) == [
        ("endless-pattern", "t.yaml:8:45")
    ]


def test_a_parameter_that_nothing_uses_is_named() -> None:
    head = "parameters: {used: {default: a}, unused: {default: b}}\n"
    assert warnings("- {notice: '{{ used }}'}", head=head) == [("unused-parameter", "t.yaml:7:42")]


def test_with_a_recovery_time_every_step_or_its_section_says_how_long_it_takes() -> None:
    head = "objectives: {rto: 1m}\n"
    steps = "- {notice: a}\n- {notice: b, expected: 1s}\n- {notice: c}"
    assert [code for code, _ in warnings(steps, head=head)] == ["no-expected"]
    assert warnings("- {notice: a}", head=head, section="expected: 1m") == []


@pytest.mark.parametrize(
    ("probe", "steps", "codes"),
    [
        ("{name: up, command: 'true', on: db1}", "- {notice: a}", ["unused-probe"]),
        ("{name: up, command: 'true', on: db1, every: 1s}", "- {notice: a}", []),
        ("{name: up, command: 'true', on: db1}", "- {probe: up}", []),
        ("{name: up, command: 'true', on: db1}", "- {wait_for: {probe: up}}", []),
        ("{name: up, command: 'true', on: db1}", "- {block: [{probe: up}]}", []),
    ],
)
def test_a_probe_that_nobody_asks_is_warned_of(probe: str, steps: str, codes: list[str]) -> None:
    assert [code for code, _ in warnings(steps, head=f"steady_state: [{probe}]\n") if code != "no-timeout"] == codes


@pytest.mark.parametrize(
    ("reviewed", "codes"),
    [
        ("reviewed: 2026-11-01\nreview_every: 30d\n", []),
        ("reviewed: 2026-08-01\nreview_every: 90d\n", ["review-overdue"]),
        ("reviewed: 2020-01-01\n", []),
        ("", ["never-reviewed"]),
    ],
)
def test_a_review_that_is_due_is_said(reviewed: str, codes: list[str]) -> None:
    text = text_of(f"- {{{SOUND}}}").replace("reviewed: 2026-11-01\n", reviewed)
    assert [each.code for each in lint(parse_runbook(text.encode(), "t.yaml"), today=TODAY)] == codes


def test_a_runbook_without_owner_is_said() -> None:
    text = text_of(f"- {{{SOUND}}}").replace("owner: ops\n", "")
    assert [each.code for each in lint(parse_runbook(text.encode(), "t.yaml"), today=TODAY)] == ["no-owner"]


def test_a_change_in_production_that_nobody_is_asked_about_is_said() -> None:
    steps = f"- {{{SOUND}}}\n- {{confirm: Sure?}}\n- {{{SOUND}}}"
    runbook = parse_runbook(text_of(steps).encode(), "t.yaml")
    loose = compiled(steps, name="production").plan
    assert [each.code for each in lint(runbook, today=TODAY, plan=loose)] == ["no-gate"]
    assert lint(runbook, today=TODAY, plan=compiled(steps, name="production", confirm="key").plan) == ()
    assert lint(runbook, today=TODAY, plan=compiled(steps).plan) == ()


@pytest.mark.parametrize("path", sorted(Path("drills").rglob("*.yaml")), ids=str)
def test_the_runbooks_that_come_with_the_program_have_no_warnings(path: Path) -> None:
    assert lint(read_runbook(path), today=TODAY) == ()


@pytest.mark.parametrize(
    ("steps", "codes"),
    [
        ("- {notify: done}", []),
        ("- {notify: {message: done, to: [ops]}}\n- {notify: {message: again, to: [ops]}}", ["notify-sends-nothing"]),
    ],
)
def test_a_message_to_people_whom_nothing_tells_is_warned_of_once(steps: str, codes: list[str]) -> None:
    assert [code for code, _ in warnings(steps)] == codes
