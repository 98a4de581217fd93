"""Words of other tools are mistakes here, and the problem says what to write instead."""

from __future__ import annotations

import pytest

from runbook.document.foreign import ours_for
from runbook.document.runbook_file import parse_runbook
from runbook.problem import Problem, Problems

HEAD = "version: 1\nkind: operation\nname: t\ntitle: T\n"


def told(text: str) -> list[Problem]:
    with pytest.raises(Problems) as refused:
        parse_runbook((HEAD + text).encode(), "t.yaml")
    return list(refused.value.problems)


@pytest.mark.parametrize(
    ("word", "ours"),
    [
        ("hosts", "That is a word of Ansible; here it is `on: HOSTS` in a section or a step."),
        ("ansible.builtin.copy", "That is a word of Ansible; here it is `upload: {src, dest, mode}`."),
        ("ansible.builtin.command", "That is Ansible's name of it; here it is `command`."),
        ("jobref", "That is a word of Rundeck; here it is `runbook: {file: FILE, parameters: {...}}`."),
        ("on", ""),
        ("comand", ""),
    ],
)
def test_a_word_of_another_tool_has_ours(word: str, ours: str) -> None:
    assert ours_for(word) == ours


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("hosts: all\nsections: [{name: S, steps: [{notice: x}]}]\n", "t.yaml:5:1"),
        ("sections: [{name: S, tasks: [], steps: [{notice: x}]}]\n", "t.yaml:5:22"),
        ("sections: [{name: S, steps: [{notice: x, ignore_errors: true}]}]\n", "t.yaml:5:42"),
        ("sections: [{name: S, steps: [{exec: uptime}]}]\n", "t.yaml:5:31"),
    ],
    ids=["runbook", "section", "step", "kind"],
)
def test_it_is_told_where_it_stands_and_nothing_else_is_made_of_it(text: str, place: str) -> None:
    [found] = told(text)
    assert (str(found.where), found.code) == (place, "unknown-key")
    assert found.fix.startswith("That is a word of ")


def test_a_shell_that_was_meant_as_a_module_is_told_to_be_a_command() -> None:
    [found] = told("sections: [{name: S, steps: [{shell: uptime}]}]\n")
    assert found.fix == "Write the text as `command`; `shell:` only says what reads it."


def test_the_keys_of_an_action_are_no_place_for_them() -> None:
    [found] = told("sections: [{name: S, steps: [{upload: {src: a, dest: b, file: c}}]}]\n")
    assert "Ansible" not in found.fix
