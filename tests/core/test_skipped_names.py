"""A registered name without a result says which step was skipped, and why."""

from __future__ import annotations

import pytest

from runbook.core.events.event import StepSkipped
from runbook.core.fold.registering import skipped_names
from runbook.core.host import Host
from runbook.core.result import Result
from runbook.problem import Problems
from runbook.template.scope import Scope
from runbook.template.template import evaluate, render
from tests.builders import Story, plan, step

WHY = "step 1.1 Look, which registers it, was skipped (its condition is false: x)"


def skipped() -> Story:
    tale = Story(plan(step("1.1", name="Look", register="lag"), step("1.2", register="other"))).start()
    return tale.add(StepSkipped(step="1.1", reason="its condition is false: x", expression="x")).ran("1.2")


def test_the_name_of_a_skipped_step_has_its_reason_and_one_with_a_result_has_none() -> None:
    assert skipped_names(skipped().run) == {"lag": {"": WHY}}


def test_a_host_on_which_the_step_was_not_done_has_its_reason() -> None:
    tale = Story(plan(step("1.1", name="Look", register="lag", hosts=("a", "b")))).start()
    tale.enter("1.1", hosts=("a",), left_out={"b": "when: host.name == 'a'"})
    assert skipped_names(tale.run) == {"lag": {"b": "step 1.1 Look was not done there (when: host.name == 'a')"}}


def scope(host: str = "a") -> Scope:
    registered = {"seen": {"a": Result(stdout="1")}}
    left_out = {"seen": {"b": "step 1.1 Look was not done there (when: x)"}, "lag": {"": WHY}}
    return Scope(registered=registered, skipped=left_out, host=Host(name=host))


def test_whoever_uses_it_is_told_what_was_skipped_and_how_to_ask() -> None:
    with pytest.raises(Problems) as refused:
        render("{{ lag.stdout }}", scope())
    [found] = refused.value.problems
    assert found.what == f'"lag" has no result: {WHY}'
    assert found.fix.startswith("Ask first, with `when: lag is defined`")


def test_it_is_not_defined_for_those_who_ask() -> None:
    assert render("{{ lag | default('none') }}", scope()) == "none"
    assert evaluate("lag is defined", scope()).verdict is False


def test_the_result_of_another_host_is_not_taken_for_one_that_was_left_out() -> None:
    assert render("{{ seen }}", scope("a")) == "1"
    with pytest.raises(Problems, match="seen has no result on b: step 1"):
        render("{{ seen.stdout }}", scope("b"))
