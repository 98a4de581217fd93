"""Texts that wait for the run, with what is known written in."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runbook.core.result import Result
from runbook.template.action_texts import FieldText
from runbook.template.scope import Scope
from runbook.template.settled_text import literal, settle_expression, settle_text
from runbook.template.template import (
    evaluate,
    render,
)

VALUES = st.one_of(st.text(), st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False, allow_infinity=False))


@pytest.mark.parametrize(
    ("text", "shell", "settled"),
    [
        ("{{ a }} waits {{ r.stdout }}", False, "x y waits {{ r.stdout }}"),
        ("{{ a }} waits {{ r.stdout }}", True, "'x y' waits {{ r.stdout }}"),
        ("{{a}}{{ a | upper }}{{ a.b }}{{- a }}", False, "x y{{ a | upper }}{{ a.b }}{{- a }}"),
        ("{% if a %}{{ a }}{% endif %}", False, "{% if a %}x y{% endif %}"),
        ("{{ brace }}", False, "{{ brace }}"),
        ("{{ 'a' }} a", False, "{{ 'a' }} a"),
        ("plain", False, "plain"),
    ],
)
def test_a_parameter_that_stands_alone_is_written_out(text: str, shell: bool, settled: str) -> None:
    scope = Scope(parameters={"a": "x y", "brace": "{{ pw }}"})
    assert settle_text(FieldText(text, shell), scope, {}) == settled


@given(VALUES, st.booleans())
@example("\r\n", False)
def test_writing_out_early_and_rendering_later_give_the_same(value: object, shell: bool) -> None:
    text = "{{ a }}-{{ r.stdout }}{{ a | string }}"
    early = settle_text(FieldText(text, shell), Scope(parameters={"a": value}), {})
    later = Scope(parameters={"a": value}, registered={"r": {"h": Result(stdout="{{ a }}")}})
    assert render(early, later, shell=shell) == render(text, later, shell=shell)


def test_names_are_replaced_where_they_name_a_value() -> None:
    fixed = {"a": literal('x"}} {{ y'), "b": literal(-3), "s": "outer"}
    text = "{{ a }} {{ z.a }} {{ b + 1 }} {{ s }} {{ x | default(a) }} a b"
    scope = Scope(parameters={"z": {"a": "za"}, "outer": "o"})
    assert render(settle_text(FieldText(text, shell=False), Scope(), fixed), scope) == 'x"}} {{ y za -2 o x"}} {{ y a b'
    assert settle_expression("a == 'a' and b is defined", fixed).endswith("== 'a' and (-3) is defined")


@given(st.recursive(VALUES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8))
def test_a_literal_stands_for_its_value(value: object) -> None:
    assert evaluate(f"{literal(value)} == v", Scope(parameters={"v": value})).verdict
