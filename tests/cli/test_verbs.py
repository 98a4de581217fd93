"""The table of verbs, the modules behind it, and what every verb has in common."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from runbook.cli import main
from tests.cli.desk import Desk, Said

HERE = Path(main.__file__).parent / "verbs"


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
        (
            ("frobnicate",),
            (
                f'there is no verb "frobnicate"\n  why: the verbs are: {", ".join(main.VERBS)}\n'
                "  fix: What each of them does is shown by: runbook --help"
            ),
        ),
        (("aprove", "last"), 'there is no verb "aprove"\n  fix: Did you mean: runbook approve last'),
        (
            ("hlat", "last", "-m", "no disk"),
            "there is no verb \"hlat\"\n  fix: Did you mean: runbook halt last -m 'no disk'",
        ),
        (
            ("pause",),
            (
                'there is no verb "pause"\n  why: "pause" is told to a run\n'
                "  fix: Tell it to a run: runbook tell last pause"
            ),
        ),
        (
            ("contniue",),
            'there is no verb "contniue"\n  why: "continue" is told to a run\n  fix: Tell it to a run: runbook tell last continue',
        ),
        (("plan",), "missing argument 'BOOK'\n  fix: See: runbook plan --help"),
        (("plan", "look", "--jsn"), "no such option '--jsn'\n  fix: Did you mean '--json'? See: runbook plan --help"),
        (("halt",), 'a halt goes on record with a reason\n  fix: Say why: runbook halt last -m "WHY"'),
        (
            ("check", "--format", "xml"),
            "invalid value for '--format': 'xml' is not one of 'text', 'json', 'sarif'\n  fix: See: runbook check --help",
        ),
    ],
)
def test_a_wrong_command_line_is_one_problem_and_what_to_do(desk: Desk, words: tuple[str, ...], complaint: str) -> None:
    assert desk.ask(*words) == Said(2, "", f"error: {complaint}\n")


def test_an_empty_list_says_what_it_was_narrowed_to(desk: Desk) -> None:
    desk.record()
    assert desk.ask("runs", "--runbook", "nope").err == "There is no run of nope. There are runs of: orders-restart\n"
    assert desk.ask("list", "--kind", "nope").err.startswith("No runbook is of that kind and has that tag.")


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
