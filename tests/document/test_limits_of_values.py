"""What can be read and cannot be meant is refused when the runbook is checked, and not in the middle of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.document.runbook_file import parse_runbook
from runbook.problem import Problems
from tests.planning.compiling import codes, compiled, text_of, write


def told(steps: str, **parts: str) -> list[str]:
    """What is wrong with these steps, without the place."""
    with pytest.raises(Problems) as caught:
        parse_runbook(text_of(steps, **parts).encode(), "t.yaml")
    return [str(each).partition(": ")[2] for each in caught.value.problems]


@pytest.mark.parametrize("text", [".inf", "tomorrow", "25:00", "18:61", "2026-13-01T00:00", "-1"])
def test_a_wait_until_no_time_is_refused(text: str) -> None:
    fix = 'Write a time of day in UTC, "18:00", or a moment, "2026-11-30T06:30Z".'
    assert told(f"- wait: {{until: '{text}'}}") == [f'"{text}" is no time to wait until. {fix}']


@pytest.mark.parametrize("text", ["18:00", "6:30", "2026-11-30T06:30Z", "2026-11-30", "{{ moment }}"])
def test_a_time_of_day_a_moment_and_a_template_are_times(text: str) -> None:
    parse_runbook(text_of(f"- wait: {{until: '{text}'}}").encode(), "t.yaml")


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("retries: 100001", "retries is above 100,000. Write 100,000 or less."),
        ("retries: 9007199254740993", '"9007199254740993" is larger than anything that is counted here.'),
        ("backoff: 1e6", "backoff is above 1,000. Write 1,000 or less."),
        ("concurrency: -1", "concurrency is below 0. Write 0 or more."),
        ("batch: 0", '"0" of the hosts is no host at all. Write 1 or more.'),
        ("batch: [1, 0%]", '"0%" of the hosts is no host at all. Write 1 or more.'),
        ("batch: 101%", '"101%" is more than all hosts. Write 100% or less.'),
        ("max_errors: 10000000", '"10000000" is more hosts than there can be. Write 1,000,000 or less.'),
        ("expect: {rc: 9007199254740993}", '"9007199254740993" is too large for a number. Quote it as a text.'),
    ],
)
def test_a_number_that_nobody_can_mean_is_refused(keys: str, said: str) -> None:
    assert told(f"- {{command: x, {keys}}}") == [said]


def test_a_number_anywhere_in_a_free_value_is_looked_at() -> None:
    [said] = told("- {fabric: {task: t, args: {deep: [{n: 9007199254740993}]}}}")
    assert said == '"9007199254740993" is too large for a number. Quote it as a text.'


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("probes: [{name: p, http: 'http://x', every: 1s}]\nabort_when: [{probe: p, failed: 0}]\n", "failed"),
        (
            "recovery_point: {canary: {write: {command: w, on: db1}, read: {command: r, on: db1}, every: 0s}}\n",
            "marks without a pause",
        ),
        ("safeguards: {max_percent: 120}\n", "max_percent is no percentage"),
        ("safeguards: {max_hosts: -1}\n", "max_hosts is below 0"),
    ],
)
def test_the_head_of_a_runbook_is_looked_at_too(head: str, said: str) -> None:
    [problem] = told("- command: x", head=head)
    assert said in problem


@pytest.mark.parametrize("key", ["become: true", "become_user: web", "cwd: /srv"])
def test_what_a_fabric_task_cannot_be_given_is_refused_when_it_is_checked(key: str) -> None:
    word = key.partition(":")[0]
    assert told(f"- {{fabric: {{task: t}}, {key}}}") == [
        f"a Fabric task takes no {word}. Take it out, and let the task do it or give it args."
    ]


def test_a_fabric_task_needs_a_host_to_log_in_to(tmp_path: Path) -> None:
    (tmp_path / "fabfile.py").write_text("")
    file = str(write(tmp_path, "t.yaml", "- command: x"))
    assert codes("- {fabric: {task: t}, on: controller}", file=file) == ["no-login"]
    assert compiled("- {fabric: {task: t}, on: web1}", file=file).plan.sections[1].steps[0].hosts == ("web1",)
