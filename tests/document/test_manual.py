"""The manual of the format is true: its examples work and every word of the vocabulary is in it."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from textwrap import indent

import pytest

from runbook.core.planned.action import Expectation, Tolerance
from runbook.core.written.runbook import Parameter, Runbook, Section, Step
from runbook.document.fields import keys_of
from runbook.document.runbook_file import parse_runbook
from runbook.document.vocabulary import KINDS
from runbook.planning import lint
from runbook.template import sandbox

MANUAL = Path("docs/format.md").read_text()


def test_its_example_is_a_runbook_without_a_warning() -> None:
    example = MANUAL.split("```yaml\n")[1].split("```")[0]
    assert lint.lint(parse_runbook(example.encode(), "manual"), today=dt.date(2026, 11, 23)) == ()


def test_its_parameters_can_be_read() -> None:
    parameters = MANUAL.split("### Parameters\n\n```yaml\n")[1].split("```")[0]
    text = f"version: 1\nkind: drill\nname: a\ntitle: A\n{parameters}sections: [{{name: A, steps: [notice: a]}}]\n"
    assert len(parse_runbook(text.encode(), "manual").parameters) == 6


@pytest.mark.parametrize("steps", re.findall(r"```yaml\n(- .*?)```", MANUAL, re.DOTALL))
def test_its_steps_can_be_read(steps: str) -> None:
    text = f"version: 1\nkind: drill\nname: a\ntitle: A\nsections:\n- name: A\n  steps:\n{indent(steps, '  ')}"
    assert parse_runbook(text.encode(), "manual").sections[0].steps


@pytest.mark.parametrize("cls", [Runbook, Section, Step, Parameter, Expectation, Tolerance])
def test_it_names_every_key(cls: type) -> None:
    said = set(re.findall(r"[a-z_]+", MANUAL))
    assert set(keys_of(cls)) - said == set()


def test_it_names_every_kind() -> None:
    said = set(re.findall(r"`([a-z_]+)`", MANUAL))
    assert {kind.word for kind in KINDS} <= said


def test_it_lists_the_filters_that_there_are() -> None:
    listed = MANUAL.split("Filters: `")[1].split("`")[0].split()
    assert listed == sorted(name for name in sandbox.make_sandbox().filters if not name.startswith("_"))


def test_it_lists_the_warnings_that_there_are() -> None:
    source = Path("runbook/planning/lint.py").read_text()
    codes = set(re.findall(r'"((?:[a-z]+-)+[a-z]+)"', source))
    listed = set(re.findall(r"`((?:[a-z]+-)+[a-z]+)`", MANUAL.split("## What `check` warns of")[1]))
    assert codes <= listed
