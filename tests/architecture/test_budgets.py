"""How code looks here, as far as it can be counted: sizes, design notes, names, and the one door to time."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.architecture.house import ROOT, SOURCES, functions, place, tree

MAX_FILE = 400
MAX_FUNCTION = 60
EVASIVE = {"base", "common", "helper", "helpers", "manager", "misc", "stuff", "util", "utils"}
"""Names that say that nobody decided what a file is."""
CLOCK = ("runbook/engine/clock.py", "runbook/lab/")
"""Where wall time, monotonic time and chance may be asked for."""
LOOK_AWAY = re.compile(r"noqa:[^\n]*TID251")


def test_there_is_something_to_look_at() -> None:
    assert len(SOURCES) > 50


def test_every_file_can_be_read_in_one_sitting() -> None:
    lengths = {place(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {where: lines for where, lines in lengths.items() if lines > MAX_FILE} == {}


def test_every_function_fits_on_a_screen() -> None:
    lengths = {
        place(path, each.lineno): (each.name, each.end_lineno - each.lineno + 1)
        for path in SOURCES
        for each in functions(path)
    }
    assert {where: length for where, length in lengths.items() if length[1] > MAX_FUNCTION} == {}


def test_every_file_says_at_its_top_what_it_is() -> None:
    silent = [place(path) for path in SOURCES if not says_what_it_is(path)]
    assert silent == []


def says_what_it_is(path: Path) -> bool:
    module = tree(path)
    return bool(ast.get_docstring(module)) or (path.name == "__init__.py" and not module.body)


def test_every_file_is_named_after_what_it_is() -> None:
    evasive = [place(path) for path in SOURCES if EVASIVE & set(path.relative_to(ROOT).with_suffix("").parts)]
    assert evasive == []


def test_nobody_goes_round_the_one_door_to_time_and_chance() -> None:
    """The linter bans clocks and chance everywhere else; no line may tell it to look away."""
    elsewhere = [path for path in SOURCES if not place(path).startswith(CLOCK)]
    assert [place(path) for path in elsewhere if LOOK_AWAY.search(path.read_text(encoding="utf-8"))] == []
