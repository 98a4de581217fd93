"""Where the sudo password of a run comes from, who is told it, and where it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.inventory.manner import Reading
from runbook.problem import Problems, problem
from runbook.workspace.prepare import Prepared, Wish, prepare
from runbook.workspace.settings import read_settings

BOOK = """\
version: 1
kind: operation
name: look
title: Look
inventory: here
sections:
  - name: Work
    steps:
      - {name: Say, command: id -un, on: all, timeout: 10s, changes: false%s}
"""
HOSTS = "all: {hosts: {web1: {}, web2: {ansible_become_password: of-web2-alone}}}\n"
WORD = "typed-by-anna"


class Asked:
    """Whoever knows secrets, and is told what for."""

    def __init__(self, word: str = WORD) -> None:
        self.word = word
        self.questions: list[tuple[str, str]] = []

    def __call__(self, name: str, source: str) -> str:
        self.questions.append((name, source))
        return self.word


def prepared(
    root: Path, asked: Asked | None, *, become: bool = True, environment: str = "", **wish: object
) -> Prepared:
    for name, text in {
        "drills/look.yaml": BOOK % (", become: true" if become else ""),
        "inventories/here/hosts.yaml": HOSTS,
        "inventories/here/environment.yaml": f"name: here\nconfirm: none\n{environment}",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(text)
    return prepare(read_settings(root), Wish(book=str(root / "drills/look.yaml"), **wish), asked)


def test_it_is_asked_for_once_and_told_to_hosts_that_the_inventory_has_no_password_for(tmp_path):
    asked = Asked()
    made = prepared(tmp_path, asked, sudo="prompt")
    assert asked.questions == [("sudo password", "prompt")]
    assert made.sudo_passwords == {"": WORD, "web2": "of-web2-alone"}


def test_it_is_a_secret_of_the_run_and_in_nothing_that_is_kept(tmp_path):
    made = prepared(tmp_path, Asked(), sudo="prompt")
    assert {secret.reveal() for secret in made.secrets} == {WORD, "of-web2-alone"}
    kept = made.plan.encoded + b"".join(made.files.values())
    assert [word for word in (WORD, "of-web2-alone") if word.encode() in kept] == []
    assert b'"sudo": "prompt"' in made.files["inventory.json"]


@pytest.mark.parametrize(("become", "questions"), [(True, [("sudo password", "env:PW")]), (False, [])])
def test_an_environment_says_where_from_for_runs_that_become_somebody_else(tmp_path, become, questions):
    asked = Asked()
    prepared(tmp_path, asked, become=become, environment='sudo_password: "env:PW"\n')
    assert asked.questions == questions


def test_what_is_said_at_the_start_counts_in_any_case(tmp_path):
    asked = Asked()
    prepared(tmp_path, asked, become=False, environment='sudo_password: "env:PW"\n', sudo="file:/there")
    assert asked.questions == [("sudo password", "file:/there")]


def test_nobody_is_asked_for_a_plan_that_is_only_shown(tmp_path):
    assert prepared(tmp_path, None, sudo="prompt").sudo_passwords == {"web2": "of-web2-alone"}


def test_an_empty_answer_is_no_password(tmp_path):
    assert "" not in prepared(tmp_path, Asked(""), sudo="prompt").sudo_passwords


@pytest.mark.parametrize("word", ["one\ntwo", "a\0b"])
def test_what_cannot_be_typed_at_a_prompt_is_refused_and_not_repeated(tmp_path, word):
    with pytest.raises(Problems) as refused:
        prepared(tmp_path, Asked(word), sudo="prompt")
    assert [(each.code, each.what) for each in refused.value.problems] == [
        ("no-secret", "the sudo password has more than one line")
    ]
    assert word not in str(refused.value)


def test_where_nobody_can_be_asked_it_is_said_how_else_to_give_it(tmp_path):
    def nobody(name: str, source: str) -> str:
        raise problem(f'no value for the secret "{name}"', why="there is no terminal to ask on", code="no-secret")

    with pytest.raises(Problems) as refused:
        prepared(tmp_path, nobody, sudo="prompt")
    (one,) = refused.value.problems
    assert one.what == 'no value for the secret "sudo password"'
    assert one.fix.startswith("Give it with --become-password-file FILE")


def test_a_password_in_environment_yaml_itself_is_refused_and_not_repeated(tmp_path):
    with pytest.raises(Problems) as refused:
        prepared(tmp_path, Asked(), environment="sudo_password: hunter22\n")
    assert [(each.code, each.what) for each in refused.value.problems] == [("bad-value", 'sudo_password: "********"')]
    assert "hunter22" not in str(refused.value)


CLOSED = "all: {hosts: {web1: {ansible_become_pass: '{{ a | b }}'}, web2: {ansible_become_pass: '{{ a | b }}'}}}\n"


def test_a_password_that_cannot_be_read_is_named_where_it_is_needed_and_none_is_given(tmp_path):
    path = tmp_path / "inventories/here/hosts.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(CLOSED)
    warnings = [str(each) for each in prepared(tmp_path, Asked()).warnings]
    assert warnings[0] == (
        "inventories/here/hosts.yaml:1:43: ansible_become_pass cannot be read, so that sudo is told no password: "
        "it is a template that only Ansible renders. Give it with --ask-become-pass (-K)."
    )
    assert len(warnings) == 2
    assert prepared(tmp_path, Asked(), sudo="prompt").warnings == ()


def test_the_reading_of_the_vault_is_kept_for_a_resume(tmp_path):
    made = prepared(tmp_path, Asked(), reading=Reading(vault_password="/keys/vault"))
    assert b'"vault": "/keys/vault"' in made.files["inventory.json"]
