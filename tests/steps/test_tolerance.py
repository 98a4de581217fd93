"""What holds, what does not, and how it is said."""

from __future__ import annotations

import pytest

from runbook.core.planned.action import Expectation, Tolerance
from runbook.matching import matcher
from runbook.steps.tolerance import Kept, Observed, judge

OK = ()


def stdout(text: str, **tests: object) -> tuple[str, ...]:
    return judge(Expectation(stdout=Tolerance(**tests)), Observed(stdout=Kept(text)))


def json(text: str, **tests: object) -> tuple[str, ...]:
    return judge(Expectation(json=Tolerance(**tests)), Observed(stdout=Kept(text)))


@pytest.mark.parametrize(
    ("text", "tests", "misses"),
    [
        ("on", {"equals": "on"}, OK),
        ("off", {"equals": "on"}, ('stdout is "off", expected "on"',)),
        (" 12 ", {"equals": 12}, OK),
        ("12.0", {"equals": 12}, OK),
        ("1", {"equals": True}, ('stdout is "1", expected true',)),
        ("True", {"equals": True}, OK),
        ("", {"equals": None}, ('stdout is "", expected null',)),
        ("12", {"max": 10}, ('stdout is "12", expected at most 10',)),
        ("12", {"max": 12}, OK),
        ("12", {"min": 12.5}, ('stdout is "12", expected at least 12.5',)),
        ("-3", {"range": (-3, 0)}, OK),
        ("5", {"range": (0, 4)}, ('stdout is "5", expected from 0 to 4',)),
        ("n/a", {"max": 10}, ('stdout is "n/a", expected a number at most 10',)),
        ("nan", {"min": 0}, ('stdout is "nan", expected a number at least 0',)),
        ("inf", {"max": 10}, ('stdout is "inf", expected at most 10',)),
        ("", {"min": 0}, ('stdout is "", expected a number at least 0',)),
        ("is primary", {"contains": "primary"}, OK),
        ("is standby", {"contains": "primary"}, ('stdout is "is standby", expected to contain "primary"',)),
        ("seq 41", {"matches": r"^seq \d+$"}, OK),
        ("seq", {"matches": r"^seq \d+$"}, ('stdout is "seq", expected to match "^seq \\\\d+$"',)),
        ("b", {"one_of": ("a", "b")}, OK),
        ("3", {"one_of": (1, 2)}, ('stdout is "3", expected one of 1, 2',)),
        ('{"n": 3}', {"jsonpath": "$.n", "max": 5}, OK),
    ],
)
def test_text_is_tested_as_written(text, tests, misses):
    assert stdout(text, **tests) == misses


def test_every_test_that_does_not_hold_is_told():
    assert stdout("12", max=10, contains="x") == (
        'stdout is "12", expected to contain "x"',
        'stdout is "12", expected at most 10',
    )


@pytest.mark.parametrize(
    ("text", "tests", "misses"),
    [
        ('{"role": "primary"}', {"jsonpath": "$.role", "equals": "primary"}, OK),
        ('{"lag": 7}', {"jsonpath": "$.lag", "max": 5}, ("json at $.lag is 7, expected at most 5",)),
        ('{"up": true}', {"jsonpath": "$.up", "equals": 1}, ("json at $.up is true, expected 1",)),
        ('{"up": 1}', {"jsonpath": "$.up", "equals": True}, ("json at $.up is 1, expected true",)),
        ('{"a": null}', {"jsonpath": "$.a", "equals": None}, OK),
        ('{"a": 1}', {"jsonpath": "$.b"}, ("json at $.b is not there",)),
        ('{"a": 1}', {"jsonpath": "$.b", "max": 3}, ("json at $.b is not there",)),
        ('{"a": null}', {"jsonpath": "$.a"}, OK),
        ('[{"s": 1}, {"s": 2}]', {"jsonpath": "$[*].s", "max": 1}, ("json at $[*].s is 2, expected at most 1",)),
        ('["a", "b"]', {"contains": "b"}, OK),
        ('{"b": 1}', {"contains": "b"}, OK),
        ("3", {"equals": 3}, OK),
        ("{", {"jsonpath": "$"}, ('json cannot be read: it is not JSON: "{"',)),
        ("[" * 100_000, {"jsonpath": "$"}, (f'json cannot be read: it is not JSON: "{"[" * 119}...',)),
    ],
)
def test_json_is_picked_by_path_and_everything_picked_must_hold(text, tests, misses):
    assert json(text, **tests) == misses


def test_a_path_that_is_none_is_told_and_not_raised():
    (miss,) = json("{}", jsonpath="$.[")
    assert miss.startswith('"$.[" is not a JSONPath (RFC 9535): ')


def test_a_pattern_that_is_none_or_too_long_is_told_and_not_raised():
    assert stdout("x", matches="(") == (
        (
            'stdout is "x", expected a match, but "(" is not a regular expression: '
            "missing ), unterminated subpattern at position 0"
        ),
    )
    assert stdout("x", matches="x" * 1025) == (
        'stdout is "x", expected a pattern of at most 1024 characters, not one of 1025',
    )


def test_an_expression_that_does_not_answer_is_a_miss_and_says_what_to_do(monkeypatch):
    monkeypatch.setattr(matcher, "WITHIN", 0.05)
    said = "did not answer within 0.05 s on 41 characters of text; simplify it"
    assert stdout("a" * 40 + "!", matches="^([a-z]+ ?)+$|told") == (
        f'stdout is "{"a" * 40}!", expected a match, but "^([a-z]+ ?)+$|told" {said}',
    )
    assert json(f'["{"a" * 40}!"]', jsonpath="$[?match(@, '([a-z]+ ?)+')]") == (
        "\"$[?match(@, '([a-z]+ ?)+')]\" did not answer within 0.05 s on 45 characters of text; simplify it",
    )


def test_of_very_many_misses_the_first_are_told_and_the_others_counted():
    misses = json("[" + ",".join(["2"] * 5000) + "]", jsonpath="$[*]", max=1)
    assert misses == (*["json at $[*] is 2, expected at most 1"] * 20, "and 4980 more")


def test_what_was_not_observed_is_a_miss_and_never_a_pass():
    expect = Expectation(
        rc=Tolerance(equals=0),
        stdout=Tolerance(contains="x"),
        status=Tolerance(equals=200),
        json=Tolerance(jsonpath="$"),
    )
    assert judge(expect, Observed()) == (
        "there is no exit code to test",
        "there is no stdout to test",
        "there is no HTTP status to test",
        "there is no json to test",
    )


def test_each_part_is_tested_against_its_own_value():
    observed = Observed(rc=3, stderr=Kept("no"), status=503, body=Kept('{"a": 1}'), latency=1.23456)
    expect = Expectation(
        rc=Tolerance(one_of=(0, 2)),
        stderr=Tolerance(equals=""),
        status=Tolerance(range=(200, 299)),
        body=Tolerance(contains="ok"),
        latency=Tolerance(max=1),
        json=Tolerance(jsonpath="$.a", equals=2),
    )
    assert judge(expect, observed) == (
        "exit code is 3, expected one of 0, 2",
        'stderr is "no", expected ""',
        "HTTP status is 503, expected from 200 to 299",
        'body is "{\\"a\\": 1}", expected to contain "ok"',
        "latency in seconds is 1.235, expected at most 1",
        "json at $.a is 1, expected 2",
    )


def test_text_that_was_cut_says_so_and_is_not_read_as_json():
    observed = Observed(stdout=Kept("[1, 2", cut=65536))
    expect = Expectation(stdout=Tolerance(contains="9"), json=Tolerance(jsonpath="$"))
    assert judge(expect, observed) == (
        'stdout is "[1, 2", expected to contain "9" (only its first 64 KiB were kept)',
        "json cannot be read: only the first 64 KiB were kept",
    )


def test_found_values_can_be_kept_out_of_the_sentences():
    expect = Expectation(stdout=Tolerance(max=3), json=Tolerance(equals=1))
    assert judge(expect, Observed(stdout=Kept("hunter2")), quoting=False) == (
        "stdout is not as expected: a number at most 3",
        "json cannot be read: it is not JSON",
    )


def test_a_long_value_is_quoted_on_one_line_and_cut():
    (miss,) = stdout("line\n" * 100, equals="x")
    assert "\n" not in miss
    assert len(miss) < 170
