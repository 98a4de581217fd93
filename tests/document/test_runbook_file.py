"""Reading a runbook: what may be written, what it becomes, and how a file full of mistakes is told."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runbook.core.milestone_name import Milestone
from runbook.core.planned.action import (
    ApproveAction,
    AskAction,
    AssertAction,
    ChecklistAction,
    ChooseAction,
    CommandAction,
    ConfirmAction,
    DownloadAction,
    Expectation,
    FabricAction,
    HttpAction,
    Item,
    ManualAction,
    NestedAction,
    NoticeAction,
    NotifyAction,
    Option,
    ScriptAction,
    Tolerance,
    UploadAction,
    WaitAction,
)
from runbook.core.written.runbook import BlockStep, ParallelStep, Parameter, ProbeStep, Runbook, Step, WaitForStep
from runbook.document.runbook_file import parse_runbook, read_runbook
from runbook.problem import Problems, Where
from tests.planning.compiling import HEAD, text_of


def read(steps: str = "- command: x", **parts: str) -> Runbook:
    return parse_runbook(text_of(steps, **parts).encode(), "t.yaml")


def step(text: str) -> Step:
    return read(text).sections[0].steps[0]


def problems(text: str) -> list[str]:
    with pytest.raises(Problems) as caught:
        parse_runbook(text.encode(), "t.yaml")
    return [str(each) for each in caught.value.problems]


@pytest.mark.parametrize("endless", [".inf", "-.Inf", ".nan", "1e999", "'.inf'", "inf", "NaN"])
@pytest.mark.parametrize(
    "text",
    [
        "{command: x, timeout: %s}",
        "{command: x, expected: %s}",
        "{command: x, retries: %s}",
        "{command: x, retries: 1, backoff: %s}",
        "{command: x, expect: {stdout: {max: %s}}}",
        "{command: x, expect: {stdout: {range: [0, %s]}}}",
        "{wait: %s}",
        "{wait_for: {command: x, timeout: %s}}",
        "{approve: {message: Go, timeout: %s}}",
    ],
)
def test_no_quantity_is_endless_or_no_number(text: str, endless: str) -> None:
    [told] = problems(text_of(f"- {text % endless}"))
    assert f'"{endless.strip(chr(39))}" ' in told


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("command: orders lag", CommandAction(shell="orders lag")),
        ("command: [echo, a b, 5, true]", CommandAction(argv=("echo", "a b", "5", "true"))),
        ("script: |\n    a\n    b", ScriptAction(text="a\nb\n")),
        ("{script: {path: x.sh}, interpreter: /bin/bash}", ScriptAction(path="x.sh", interpreter=("/bin/bash",))),
        (
            "{script: print(1), interpreter: [/usr/bin/env, python3], args: a}",
            ScriptAction(text="print(1)", interpreter=("/usr/bin/env", "python3"), args=("a",)),
        ),
        ("upload: {src: a, dest: /b, mode: 0644}", UploadAction(src="a", dest="/b", mode="0644")),
        ("download: {src: /a, dest: b}", DownloadAction(src="/a", dest="b")),
        ("http: http://x", HttpAction(url="http://x")),
        (
            "http: {url: http://x, method: POST, headers: {A: 1}, verify: false}",
            HttpAction(url="http://x", method="POST", headers={"A": "1"}, verify=False),
        ),
        ("fabric: {task: deploy, args: {n: 1}}", FabricAction(task="deploy", args={"n": 1})),
        ("{runbook: other.yaml, parameters: {a: 1}}", NestedAction(file="other.yaml", parameters={"a": 1})),
        ("probe: write-ok", ProbeStep(probe="write-ok")),
        (
            "wait_for: {probe: p, timeout: 15m, interval: 1s, hold: 10s}",
            WaitForStep(probe="p", timeout=900, interval=1, hold=10),
        ),
        ("wait_for: {command: x}", WaitForStep(command="x")),
        ("wait: 90s", WaitAction(seconds=90)),
        ("wait: {until: 18:00}", WaitAction(until="18:00")),
        ("assert: lag.rc == 0", AssertAction(that="lag.rc == 0")),
        ("notify: Done", NotifyAction(message="Done")),
        ("notify: {message: Done, to: ops}", NotifyAction(message="Done", to=("ops",))),
        ("manual: Look at it", ManualAction(instructions="Look at it")),
        ("confirm: Sure?", ConfirmAction(message="Sure?")),
        ("{confirm: Sure?, type: db1}", ConfirmAction(message="Sure?", type="db1")),
        (
            "approve: {message: Go, approvers: [lead], min_required: 2, timeout: 1h, on_timeout: ask}",
            ApproveAction(message="Go", approvers=("lead",), min_required=2, timeout=3600, on_timeout="ask"),
        ),
        ("{ask: How many?, type: integer}", AskAction(prompt="How many?", type="integer")),
        (
            "choose: {prompt: Which?, options: [a, {label: b, goto: x}]}",
            ChooseAction(prompt="Which?", options=(Option(label="a"), Option(label="b", goto="x"))),
        ),
        ("checklist: [a, {item: b, owner: o}]", ChecklistAction(items=(Item(item="a"), Item(item="b", owner="o")))),
        ("notice: Read this", NoticeAction(text="Read this")),
    ],
)
def test_the_one_key_that_is_a_kind_decides_what_a_step_does(text: str, action: object) -> None:
    body = text if text.startswith("{") else text.replace("\n", "\n  ")
    assert step(f"- {body}").action == action


def test_steps_may_hold_steps() -> None:
    block = step("- block: {steps: [command: a], rescue: [command: b], always: [command: c]}").action
    assert isinstance(block, BlockStep)
    assert [each[0].action for each in (block.steps, block.rescue, block.always)] == [
        CommandAction(shell=c) for c in "abc"
    ]
    beside = step("- block: [command: a]\n  rescue: [command: b]").action
    assert isinstance(beside, BlockStep)
    assert beside.rescue[0].action == CommandAction(shell="b")
    together = step("- parallel: [command: a, command: b]").action
    assert isinstance(together, ParallelStep)
    assert len(together.steps) == 2


def test_a_manual_step_becomes_automatic_by_adding_a_command() -> None:
    automated = step("- {manual: Restart it., command: restart}")
    assert (automated.action, automated.description) == (CommandAction(shell="restart"), "Restart it.")


def test_the_keys_of_any_step_are_typed() -> None:
    read = step("""
- name: All of it
  command: x
  on: web
  when: [a.rc == 0, b]
  register: r
  expect: {rc: 0, stdout: {max: 10}, json: {jsonpath: $.a, one_of: [1, x]}}
  timeout: 1m30s
  retries: 2
  backoff: 2
  on_failure: "goto: Elsewhere"
  env: {A: 1}
  batch: [1, 10%]
  max_errors: 25%
  sets: recovery_started
  rollback: {command: undo}
  changes: false
  tags: one
""")
    assert read.on == "web"
    assert read.when == ("a.rc == 0", "b")
    assert read.expect == Expectation(
        rc=Tolerance(equals=0), stdout=Tolerance(max=10), json=Tolerance(jsonpath="$.a", one_of=(1, "x"))
    )
    assert (read.timeout, read.retries, read.backoff) == (90, 2, 2)
    assert (read.env, read.batch, read.max_errors) == ({"A": "1"}, ("1", "10%"), "25%")
    assert read.sets is Milestone.RECOVERY_STARTED
    assert read.rollback is not None
    assert read.rollback.action == CommandAction(shell="undo")
    assert (read.changes, read.tags) == (False, ("one",))


def test_every_part_knows_its_place() -> None:
    found = read("- name: A\n  command: x\n  on: web").sections[0].steps[0]
    assert found.where == Where("t.yaml", 10, 9)
    assert found.at("on") == Where("t.yaml", 12, 13)
    assert found.at("timeout") == found.where


def test_parameters_are_typed() -> None:
    found = read(
        head="parameters:\n  a: {type: secret, from: 'env:A'}\n  b: {type: choice, choices: [1, x], default: x}\n"
    )
    a, b = found.parameters.values()
    assert (a.type, a.source) == ("secret", "env:A")
    assert isinstance(b, Parameter)
    assert (b.choices, b.default) == (("1", "x"), "x")


MISTAKES = """\
version: 2
kind: dril
name: Bad Name
titlle: x
review_every: 15 mins
reviewed: 2026-13-01
parameters:
  1x: {type: string}
  n: {type: inteeger}
sections:
  - name: A
    steps:
      - commandd: foo
        on: web
      - name: two
        command: x
        wait: 3s
      - command: {shell: x}
        expect: {stdout: {max: abc}, status: 200}
        timeout: [1]
        retries: many
        max_errors: 1x%
      - confirm: hello
        type: word
        bogus: 1
      - checklist: {items: [a]}
      - assert:
      - wait_for: {timeout: 5s}
      - command: x
        on_failure: skip
        expect: {stdout: {matches: "("}}
      - fault: {process-kill: {}}
        duration: 30m
        timeuot: 5s
      - upload: {src: a}
      - !include other.yaml
      - command: x
        sets: outages
        durable: "yes"
        owner:
"""


def test_every_mistake_of_a_file_is_told_at_once_with_its_place_and_its_fix(snapshot: object) -> None:
    assert "\n".join(problems(MISTAKES)) == snapshot


def test_reading_order_is_the_order_of_the_file() -> None:
    lines = [int(line.split(":")[1]) for line in problems(MISTAKES)]
    assert lines == sorted(lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "t.yaml:1:1: not a runbook"),
        ("- a\n", "t.yaml:1:1: not a runbook"),
        (HEAD + "sections: []\n", "t.yaml:7:11: a runbook without sections"),
        (HEAD + "sections: [{name: A, steps: [x]}]\n", "t.yaml:7:30: a step is a mapping"),
        (HEAD + "sections: [{name: A, steps: [{}]}]\n", "t.yaml:7:30: no key says what this step does"),
        (
            HEAD + "parameters: {run: {}}\nsections: [{name: A, steps: []}]\n",
            't.yaml:7:13: parameter "run" has a meaning',
        ),
        (
            HEAD + "steady_state: [{name: a}]\nsections: [{name: A, steps: []}]\n",
            "t.yaml:7:16: no key says what this probe does",
        ),
        (
            HEAD + "steady_state: [{name: a, wait: 3s}]\nsections: [{name: A, steps: []}]\n",
            "t.yaml:7:16: no key says what this probe does",
        ),
        (
            HEAD + "sections: [{name: A, steps: [], batch: 1, strategy: host-first}]\n",
            "t.yaml:7:40: batch and strategy",
        ),
    ],
)
def test_what_is_no_runbook_is_said_plainly(text: str, message: str) -> None:
    assert problems(text)[0].startswith(message)


def test_a_file_is_read_with_the_digest_of_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text_of("- command: x"))
    found = read_runbook(path)
    assert (found.source, len(found.source_sha256)) == (str(path), 64)


@pytest.mark.parametrize("path", sorted(Path("drills").rglob("*.yaml")), ids=str)
def test_the_runbooks_that_come_with_the_program_can_be_read(path: Path) -> None:
    assert read_runbook(path).name


WORDS = (
    "version kind name title sections steps command wait on when expect stdout max parameters type from confirm block "
    "rescue register batch steady_state http matches"
)
KEYS = st.sampled_from(WORDS.split())
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["15m", "(", "{{ x", "25%"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=25,
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_any_yaml_is_a_runbook_or_problems_and_nothing_else(document: dict[str, object]) -> None:
    text = yaml.safe_dump(document, allow_unicode=True)
    try:
        parse_runbook(text.encode(), "t.yaml")
    except Problems as caught:
        assert all(each.where is not None and each.code for each in caught.problems)  # noqa: PT017 - either end is right


@settings(max_examples=200, deadline=None)
@given(
    VALUES,
    st.sampled_from(
        ["command", "wait", "expect", "block", "checklist", "choose", "probe", "http", "when", "env", "batch"]
    ),
)
def test_any_value_at_any_key_is_read_or_refused(value: object, key: str) -> None:
    document = yaml.safe_load(text_of("- command: x"))
    document["sections"][0]["steps"][0][key] = value
    try:
        parse_runbook(yaml.safe_dump(document).encode(), "t.yaml")
    except Problems as caught:
        assert caught.problems  # noqa: PT017 - either end is right
