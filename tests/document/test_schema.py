"""The JSON Schema and the reader: made from the same declarations, and never of two opinions that matter."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runbook.document.runbook_file import parse_runbook
from runbook.document.schema import runbook_schema
from runbook.document.source import parse_source, plain
from runbook.document.vocabulary import KINDS
from runbook.problem import Problems
from tests.planning.compiling import text_of

SCHEMA = runbook_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
STRUCTURE = {"unknown-key", "missing-key", "wrong-type", "bad-choice", "two-kinds", "no-kind"}
"""What a schema can see."""


def schema_accepts(text: str) -> bool:
    return VALIDATOR.is_valid(plain(parse_source(text.encode(), "t.yaml").root))


def reader_says(text: str) -> set[str]:
    try:
        parse_runbook(text.encode(), "t.yaml")
    except Problems as caught:
        return {each.code for each in caught.problems}
    return set()


def test_it_is_a_schema_of_the_2020_12_draft() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("path", sorted(Path("drills").rglob("*.yaml")), ids=str)
def test_the_runbooks_that_come_with_the_program_are_valid(path: Path) -> None:
    assert list(VALIDATOR.iter_errors(plain(parse_source(path.read_bytes(), str(path)).root))) == []


@pytest.mark.parametrize(
    "steps",
    [
        "- {commandd: x}",
        "- {command: x, wait: 3s}",
        "- {command: {shell: x}}",
        "- {command: x, timeuot: 3s}",
        "- {command: x, type: word}",
        "- {command: x, timeout: [1]}",
        "- {command: x, timeout: 15 mins}",
        "- {command: x, retries: many}",
        "- {command: x, sets: outages}",
        "- {command: x, durable: 'yes'}",
        "- {command: x, owner: }",
        "- {command: x, max_errors: 1x%}",
        "- {command: x, expect: {stdout: {maxx: 1}}}",
        "- {upload: {src: a}}",
        "- {checklist: {items: [a]}}",
        "- {checklist: a}",
        "- {manual: x, confirm: y}",
        "- {fault: process-kill, duration: 3m}",
        "- {fault: {process-kill: {}}}",
        "- {block: {steps: [{nothing: x}]}}",
        "- {choose: {prompt: a, options: [{goto: x}]}}",
        "- {set: {1a: x}}",
        "- {command: x, loop: {item: [a]}}",
        "- {command: x, loop: {items: [a], as: a-b}}",
        "- {set: x}",
        "- {branch: [{wen: a}]}",
        "- {end: done}",
        "- {command: x, reason: y}",
        "- x",
    ],
)
def test_what_the_schema_refuses_the_reader_refuses_too(steps: str) -> None:
    text = text_of(steps)
    assert not schema_accepts(text)
    assert reader_says(text)


@pytest.mark.parametrize(
    "steps",
    [
        "- {command: [a, 1, true], batch: [1, 10%], max_errors: 2, tags: x, when: a}",
        "- {manual: x, command: y}",
        "- {confirm: a, type: b}",
        "- {ask: {prompt: a, type: integer}}",
        "- {block: [{command: a}], rescue: [{notice: b}]}",
        "- {wait: 5}",
        "- {wait: {until: '18:00'}}",
        "- {script: x, interpreter: /bin/sh, args: [a]}",
        "- {probe: {http: http://x, expect: {status: 200, json: {jsonpath: $.a}}}}",
        "- {command: x, on_failure: {goto: a}}",
        "- {command: x, loop: [a, {b: c}, 1]}",
        "- {command: x, loop: '{{ a }}'}",
        "- {block: [{command: x}], loop: {items: [a], as: table, at_most: 3}}",
        "- {set: {a: 1, b: [x], c: '{{ d }}'}}",
        "- {branch: [{when: a, goto: B}, {goto: C}]}",
        "- {end: completed}",
        "- {end: failed, reason: x}",
        "- {command: x, expect: {stdout: a, rc: {one_of: [0, 1]}, latency: {range: [0, 1.5]}}}",
    ],
)
def test_what_may_be_written_short_is_valid(steps: str) -> None:
    text = text_of(steps)
    assert reader_says(text) == set()
    assert list(VALIDATOR.iter_errors(plain(parse_source(text.encode(), "t.yaml").root))) == []


LEAVES = st.sampled_from([None, True, 0, 1, 2.5, "x", "15m", "25%", "ask", "a.b == 1", "http://x", "db1"])
KEYS = st.sampled_from(
    [
        "name",
        "on",
        "when",
        "timeout",
        "retries",
        "expect",
        "env",
        "batch",
        "tags",
        "rollback",
        "type",
        "rescue",
        "oops",
        "become",
    ]
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2), max_leaves=4
)
STEPS = st.builds(
    lambda kind, value, others: {**others, kind: value},
    st.sampled_from([kind.word for kind in KINDS]),
    VALUES,
    st.dictionaries(KEYS, VALUES, max_size=3),
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_on_any_step_schema_and_reader_agree_about_its_structure(step: dict[str, object]) -> None:
    document = yaml.safe_load(text_of("- {notice: x}"))
    document["reviewed"] = "2026-11-01"
    document["sections"][0]["steps"] = [step]
    text = yaml.safe_dump(document)
    accepted, said = schema_accepts(text), reader_says(text)
    if not said:
        assert accepted
    if not accepted:
        assert said
    if said and said <= STRUCTURE:
        assert not accepted
