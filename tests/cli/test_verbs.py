"""The table of verbs, the modules behind it, and what every verb has in common."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from runbook.cli import main
from tests.cli.desk import Desk

HERE = Path(main.__file__).parent


def test_every_verb_has_a_module_and_every_module_a_verb() -> None:
    modules = {path.name.removesuffix("_verb.py") for path in HERE.glob("*_verb.py")}
    assert modules == set(main.VERBS)


@pytest.mark.parametrize("name", sorted(main.VERBS))
def test_a_verb_is_called_in_its_module_what_it_is_called_in_the_table(name: str) -> None:
    command = main.runbook.get_command(click.Context(main.runbook), name)
    assert command is not None
    assert command.name == name


@pytest.mark.parametrize("name", sorted(main.VERBS))
def test_a_verb_explains_itself_on_standard_output(desk: Desk, name: str) -> None:
    said = desk.ask(name, "--help")
    assert (said.status, said.err) == (0, "")
    assert said.out.startswith(f"Usage: runbook {name} ")


@pytest.mark.parametrize("path", sorted(HERE.glob("*_verb.py")), ids=lambda path: path.stem)
def test_a_verb_is_short_because_it_only_parses_calls_and_renders(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 120


def test_the_help_lists_the_verbs(desk: Desk, snapshot: object) -> None:
    said = desk.ask("--help")
    assert (said.status, said.err) == (0, "")
    assert said.out == snapshot


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("frobnicate",), "No such command 'frobnicate'"),
        (("plan",), "Missing argument 'BOOK'"),
        (("plan", "look", "--frob"), "No such option '--frob'"),
        (("check", "--format", "xml"), "'xml' is not one of 'text', 'json', 'sarif'"),
    ],
)
def test_a_wrong_command_line_is_refused_with_its_usage(desk: Desk, words: tuple[str, ...], complaint: str) -> None:
    said = desk.ask(*words)
    assert (said.status, said.out) == (2, "")
    assert said.err.startswith("Usage: runbook ")
    assert complaint in said.err


def test_without_a_verb_and_without_a_terminal_the_verbs_are_named(desk: Desk) -> None:
    said = desk.ask()
    assert (said.status, said.out) == (2, "")
    assert said.err == (
        "error: there is no terminal for the screen\n"
        "  why: standard input or output is no terminal, TERM is dumb, or CI is set\n"
        "  fix: Use the verbs instead: runbook --help\n"
    )


def test_whoever_reads_our_output_may_have_enough(desk: Desk) -> None:
    """`runbook schema | head -1` is no error."""
    said = desk.pipe("schema", into="head -c 1")
    assert (said.status, said.out, said.err) == (0, "{", "")
