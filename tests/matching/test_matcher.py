"""Expressions that never end, and everybody else goes on: answers as `re` gives them, or soon none."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runbook.matching import matcher as module
from runbook.matching.matcher import Matcher, matcher
from runbook.matching.off_loop import off_loop
from runbook.matching.pattern import check_pattern, may_be_endless
from runbook.problem import Problem, Problems

LONG = "a" * 65_000


@pytest.fixture
def own() -> Iterator[Matcher]:
    """One that may be spoilt."""
    made = Matcher()
    yield made
    made.close()


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of the patience."""
    monkeypatch.setattr(module, "WITHIN", 0.05)


def refused(asker: Matcher, pattern: str, text: str = LONG) -> Problem:
    with pytest.raises(Problems) as caught:
        asker.found("search", pattern, [text])
    [problem] = caught.value.problems
    return problem


@pytest.mark.filterwarnings("ignore::FutureWarning")  # what Python may mean by "[[" some day
@settings(deadline=None, max_examples=60)
@given(st.text(alphabet="ab|()*+?.[]^$\\d{}1,", max_size=12), st.lists(st.text(alphabet="ab1", max_size=8), max_size=4))
def test_it_answers_as_python_does(pattern: str, texts: list[str]) -> None:
    try:
        expected = tuple(re.search(pattern, text) is not None for text in texts)
        re.compile(pattern)
    except re.error:
        assert refused(matcher(), pattern, "").code == "bad-regex"
    else:
        assert matcher().found("search", pattern, texts) == expected


def test_each_way_of_matching_is_that_of_python() -> None:
    found = [matcher().found(how, "b+", ["bb", "ab", "abc", ""]) for how in ("search", "match", "fullmatch")]
    assert found == [(True, True, True, False), (True, False, False, False), (True, False, False, False)]
    assert matcher().found("search", "\ud800", ["\ud800", "é"]) == (True, False)


ENDLESS = {
    "nested": (r"^([a-z]+ ?)+$", "a" * 40 + "!"),
    "doubled": (r"^(a|a)*$", "a" * 60 + "!"),
    "in a row": (r"a+a+a+a+b", LONG),
    "backward references": (r"^(.*?)(.*?)(.*?)\3\2\1x?b$", LONG),
    "looking ahead": (r"^(?=(?:a+)+b)", "a" * 60),
    "looking ahead and behind": (r"(?<!b)(?=(a+a+)+b)", "a" * 60),
    "counted": (r"(?:(?:(?:a{0,1000}){0,1000}){0,1000}){0,1000}b", LONG),
    "possessive outside": (r"(?>(?:(?:a+)+b)?)c", "a" * 60),
    "large to compile": (r"(?i)" + r"[\x00-\U0010ffff]" * 50 + "b", LONG),
}


@pytest.mark.parametrize(("pattern", "text"), ENDLESS.values(), ids=ENDLESS)
@pytest.mark.usefixtures("hurry")
def test_an_expression_without_end_is_refused_in_words_and_the_next_one_answered(
    own: Matcher, pattern: str, text: str
) -> None:
    assert refused(own, pattern, text).code == "no-answer"
    assert own.found("search", "a+", [text]) == (True,)


@pytest.mark.usefixtures("hurry")
def test_it_says_what_did_not_answer_on_how_much_and_what_to_do(own: Matcher) -> None:
    pattern, text = ENDLESS["nested"]
    assert str(refused(own, pattern, text)) == (
        '"^([a-z]+ ?)+$" did not answer within 0.05 s on 41 characters of text. Simplify it.'
    )
    assert refused(own, "a+a+a+a+b").what.endswith("on 65 kB of text")


@pytest.mark.usefixtures("hurry")
def test_an_expression_that_failed_often_is_not_asked_any_more_and_others_are(own: Matcher) -> None:
    pattern, text = ENDLESS["nested"]
    for _ in range(module.MOST_FAILURES):
        assert "did not answer" in refused(own, pattern, text).what
    for _ in range(1000):
        assert "is not tried any more: 10 times it gave no answer" in refused(own, pattern, text).what
    assert own._process is None  # nobody was asked
    assert own.found("search", "a+", ["aa"]) == (True,)


def test_what_is_no_expression_or_too_long_is_told() -> None:
    assert refused(matcher(), "(").why == "missing ), unterminated subpattern at position 0"
    for pattern, what in (
        ("x" * 1025, "a pattern of 1025 characters"),
        ("(", '"(" cannot be read'),
        ("(?z)", '"(?z)" cannot be read'),
    ):
        with pytest.raises(Problems) as caught:
            check_pattern(pattern)
        assert [(each.code, each.what) for each in caught.value.problems] == [("bad-regex", what)]
    check_pattern("(?i)[a-z]+")


@pytest.mark.parametrize(("pattern", "text"), ENDLESS.values(), ids=ENDLESS)
def test_what_is_called_tame_is_never_what_has_no_end(pattern: str, text: str) -> None:
    assert (
        may_be_endless(pattern) or pattern == r"a+a+a+a+b"
    )  # which takes long, and not twice as long with each character
    assert not any(map(may_be_endless, ("^[a-z]+ ok$", r"\d+ of \d+", "(a|b)c", "(?:one|two) [0-9]{1,3}")))


def test_a_path_picks_what_it_names() -> None:
    assert matcher().picked("$..a", '{"a": [1, {"a": 2.5}], "b": null}') == [[1, {"a": 2.5}], 2.5]
    assert matcher().picked("$.nope", "{}") == []
    with pytest.raises(Problems, match="cannot be read"):
        matcher().picked("$.[", "{}")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("$..[*]..[*]..[*]..[*]", "[" * 50 + ",".join(["1"] * 5000) + "]" * 50),
        ("$" + "..*" * 40, "[" * 90 + "]" * 90),
        ("$[?search(@.a, '(a+)+$')]", f'[{{"a": "{"a" * 60}!"}}]'),
    ],
)
def test_a_path_without_end_is_refused_and_the_next_one_answered(own: Matcher, path: str, text: str) -> None:
    with pytest.raises(Problems) as caught:
        own.picked(path, text)
    assert [problem.code for problem in caught.value.problems] == ["no-answer"]
    assert own.picked("$.a", '{"a": 1}') == [1]


def test_a_process_that_was_killed_is_replaced(own: Matcher) -> None:
    assert own.found("search", "a", ["a"]) == (True,)
    process = own._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert own.found("search", "a", ["a"]) == (True,)


def test_the_process_goes_when_nobody_can_ask_any_more(own: Matcher) -> None:
    own.found("search", "a", ["a"])
    process = own._process
    assert process is not None
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(timeout=20) == 0


def test_many_threads_ask_at_once_and_each_gets_its_own_answer(own: Matcher) -> None:
    wrong: list[int] = []

    def ask(number: int) -> None:
        asked = [own.found("search", f"^{number}$", [str(number), str(count + 100)]) for count in range(50)]
        wrong.extend(number for answer in asked if answer != (True, False))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.usefixtures("hurry")
async def test_the_loop_goes_on_while_an_expression_is_tried_and_a_cancel_waits_for_the_answer(own: Matcher) -> None:
    pattern, text = ENDLESS["nested"]
    asked = asyncio.create_task(off_loop(lambda: refused(own, pattern, text)))
    turns = 0
    while not asked.done():
        await asyncio.sleep(0)
        turns += 1
        if turns == 3:
            asked.cancel()
    assert asked.result().code == "no-answer"
    assert turns > 3
