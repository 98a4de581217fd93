"""Which program reads the text of commands and scripts."""

from __future__ import annotations

import pytest

from runbook.core.planned.action import CommandAction, ScriptAction
from runbook.document.runbook_file import parse_runbook
from runbook.planning.compile import Compiled, compile_plan
from runbook.planning.shells import bashisms, interpreter_of, is_shell, program_of, shell_words
from runbook.problem import Problems, Where
from tests.planning.compiling import inventory

HERE = Where("t.yaml", 3)


@pytest.mark.parametrize(
    ("first", "runs"),
    [
        ("echo hello", ("/bin/sh",)),
        ("#!/bin/bash", ("/bin/bash",)),
        ("#! /bin/bash -eu", ("/bin/bash", "-eu")),
        ("#!/bin/sh -e -u", ("/bin/sh", "-e -u")),
        ("#!/usr/bin/env python3", ("/usr/bin/env", "python3")),
        ("#!/usr/bin/env -S python3 -u -B", ("/usr/bin/env", "python3", "-u", "-B")),
        ("#!", ("/bin/sh",)),
        (" #!/bin/bash", ("/bin/sh",)),
    ],
)
def test_a_script_s_first_line_is_obeyed_as_the_kernel_reads_it(first: str, runs: tuple[str, ...]) -> None:
    assert interpreter_of(f"{first}\nrest\n", (), HERE) == runs


def test_an_interpreter_that_agrees_may_say_more() -> None:
    assert interpreter_of("#!/usr/bin/env python3\n", ("/opt/bin/python3", "-u"), HERE) == ("/opt/bin/python3", "-u")


def test_an_interpreter_that_contradicts_the_first_line_is_refused() -> None:
    with pytest.raises(Problems) as refused:
        interpreter_of("#!/bin/bash\n", ("/bin/sh",), HERE)
    assert [(problem.code, problem.where) for problem in refused.value.problems] == [("two-interpreters", HERE)]


@pytest.mark.parametrize(
    ("words", "program", "shell"),
    [
        (("/usr/bin/env", "python3"), "python3", False),
        (("/usr/bin/env", "-i", "A=b", "bash", "-e"), "bash", True),
        (("/usr/bin/env",), "/usr/bin/env", False),
        (("/bin/busybox", "sh"), "/bin/busybox", True),
        (("perl",), "perl", False),
    ],
)
def test_the_program_behind_env_is_the_one_that_a_host_needs(words: tuple[str, ...], program: str, shell: bool) -> None:
    assert (program_of(words), is_shell(words)) == (program, shell)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("if [[ -e /x ]]; then :; fi", ("[[",)),
        ("source /etc/profile", ("source",)),
        ("set -euo pipefail", ("pipefail",)),
        ("names=(a b)\necho ${names[0]}", ("an array",)),
        ("diff <(a) <(b)", ("<(",)),
        ("cat <<< word", ("<<<",)),
        ("make &> log", ("&>",)),
        ("declare -a x", ("declare",)),
        ("echo ${x//a/b}", ("${x//a/b}",)),
        ("function go { :; }", ("function",)),
    ],
)
def test_words_of_bash_are_seen(text: str, found: tuple[str, ...]) -> None:
    assert bashisms(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "[ -e /x ] && echo yes",
        ". /etc/profile",
        "echo '[[ quoted ]]'",
        "# source it by hand\ntrue",
        "cat <<EOF\nx\nEOF",
        "a=$((1 + 2)); (cd /; ls)",
        "make > log 2>&1 &",
        "echo ${x#a} ${y:-z} resource /x",
        "grep '<(' file",
        "awk '{x[1]=(2)}'",
    ],
)
def test_what_every_sh_understands_is_no_word_of_bash(text: str) -> None:
    assert bashisms(text) == ()


@pytest.mark.parametrize("shell", ["bash 'x", 'sh "'])
def test_a_shell_that_cannot_be_read_is_a_problem(shell: str) -> None:
    with pytest.raises(Problems) as refused:
        shell_words(shell, HERE)
    assert [problem.code for problem in refused.value.problems] == ["bad-shell"]


BOOK = """
version: 1
kind: operation
name: shells
title: Shells
shell: bash -eu
sections:
  - name: One
    on: web1
    steps:
      - {name: of the runbook, command: "[[ 1 == 1 ]]", timeout: 5s}
      - {name: of the step, command: "[ 1 = 1 ]", shell: /bin/sh, timeout: 5s}
      - {name: words, command: [echo, "[["], timeout: 5s}
      - name: of the block
        shell: zsh
        block: [{name: inside, command: "true", timeout: 5s}]
      - name: its own line
        script: |
          #!/usr/bin/env python3
          print(1)
        timeout: 5s
      - name: none
        script: |
          [[ 1 == 1 ]]
        timeout: 5s
  - name: Two
    on: web1
    shell: /bin/sh
    steps:
      - {name: of the section, command: "source /x", timeout: 5s}
"""


def compiled() -> Compiled:
    return compile_plan(parse_runbook(BOOK.encode(), "t.yaml"), inventory())


def test_the_nearest_word_about_the_shell_counts() -> None:
    done = compiled()
    reads = {
        step.name: step.action.interpreter
        for step in done.plan.walk()
        if isinstance(step.action, CommandAction | ScriptAction)
    }
    assert reads == {
        "of the runbook": ("bash", "-eu"),
        "of the step": (),
        "words": (),
        "inside": ("zsh",),
        "its own line": ("/usr/bin/env", "python3"),
        "none": (),
        "of the section": (),
    }
    bash = [(problem.what, problem.fix) for problem in done.warnings if problem.code == "bash-in-sh"]
    assert bash == [
        ("/bin/sh reads this, and [[ is bash's", "Begin the script with #!/bin/bash."),
        ("/bin/sh reads this, and source is bash's", "Write shell: bash."),
    ]


def test_preflight_looks_for_what_reads_the_texts() -> None:
    [look] = [step for step in compiled().plan.walk() if step.id == "0.1"]
    assert look.action.tools == ("bash", "zsh", "python3")
