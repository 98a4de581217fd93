"""Whatever command a page names in passing is one that the program takes: its verb, its options, its words."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from runbook.cli.line.steering import WORDS
from runbook.cli.main import runbook
from runbook.problem import Problems

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)


def named(page: Path) -> list[str]:
    """Every `runbook ...` between backticks in its prose; a line break in between is a blank."""
    prose = _FENCE.sub("", page.read_text())
    spans = re.findall(r"`(runbook [^`]+)`", prose)
    return sorted({" ".join(span.split()) for span in spans})


def taken(command: str) -> None:
    """Parse it as the program does, and do nothing.

    Raises:
        click.ClickException: The program does not take it.
    """
    _, *words = shlex.split(command)
    here: click.Command = runbook
    context = click.Context(runbook)
    while isinstance(here, click.Group) and words:
        _, found, words = here.resolve_command(context, words)
        assert found is not None
        here = found
    if words:
        here.make_context(command, words)


@pytest.mark.parametrize(("page", "command"), [(page.name, each) for page in PAGES for each in named(page)])
def test_it_is_taken(page: str, command: str) -> None:
    taken(command)


@pytest.mark.parametrize("command", ["runbook runs --backwards", "runbook walk home", "runbook lab sideways"])
def test_what_the_program_does_not_take_would_be_noticed(command: str) -> None:
    with pytest.raises((click.ClickException, Problems)):
        taken(command)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_stand_in_blocks_that_a_test_runs(page: Path) -> None:
    """A block without a language is no command, so that none is overlooked."""
    others = [text for language, text in _FENCE.findall(page.read_text()) if language not in {"console", "sh"}]
    assert [line for text in others for line in text.splitlines() if line.startswith(("runbook ", "$ "))] == []


def test_the_words_of_the_table_are_the_words_of_the_program() -> None:
    table = (ROOT / "docs/lines.md").read_text().split("| word |")[1].split("\n\n")[0]
    listed = re.findall(r"`([a-z]+)[^`]*`", "\n".join(line.split("|")[1] for line in table.splitlines()[2:]))
    assert listed == [*(word.word for word in WORDS), "help"]
