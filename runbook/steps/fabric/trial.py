"""Whether the interpreters that will run fabfiles find what those import, asked before anything changes.

A module that is missing shows itself when the fabfile is read, which is after the login and perhaps in the middle of a
run. So each interpreter is started once beforehand, loads all that a child loads, and is asked for the fabfile's
modules by name; no line of the fabfile is run. What is missing is said with the command that installs it in the right
place.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from runbook.core.planned.action import Imports
from runbook.steps.fabric.guest import LENT
from runbook.steps.fabric.interpreter import program, trial_words
from runbook.transport.shell.quoting import quote

_BEGIN = "trial-begins"
_END = "tried"

_PACKAGES = MappingProxyType(
    {
        "Crypto": "pycryptodome",
        "bs4": "beautifulsoup4",
        "dateutil": "python-dateutil",
        "dotenv": "python-dotenv",
        "git": "GitPython",
        "jwt": "PyJWT",
        "psycopg2": "psycopg2-binary",
        "yaml": "PyYAML",
    }
)
"""Packages whose name is not that of their module."""


class Found(NamedTuple):
    """What came of one fabfile."""

    name: str
    ok: bool
    detail: str


def question(imports: Iterable[Imports], folder: Path) -> str:
    """Text for a shell of the controller, whose output `answers` understands."""
    lines = ["exec 2>&1"]
    for each in imports:
        words = trial_words(program(each.python, folder), each.modules)
        lines += [f"echo {_BEGIN}", f"{' '.join(map(quote, words))} </dev/null"]
    return "\n".join([*lines, "exit 0", ""])


def answers(text: str, imports: Iterable[Imports], folder: Path) -> Iterator[Found]:
    """One for each fabfile; what nobody has answered is not there."""
    parts = text.split(f"{_BEGIN}\n")[1:]
    for number, each in enumerate(imports):
        said = parts[number].splitlines() if number < len(parts) else []
        python = program(each.python, folder)
        trouble = _trouble(said, python) or _missing(said, each, python)
        good = f"{python} has {', '.join(each.modules)}" if each.modules else f"{python} can run it"
        yield Found(f"fabfile {each.file}", ok=not trouble, detail=trouble or good)


def _trouble(said: list[str], python: str) -> str:
    """Why no task can be run with that interpreter; empty when one can."""
    why = next((line.partition(" ")[2] for line in said if line.startswith("child ")), "")
    if not why and _END in said:
        return ""
    words = why or next(iter(said), "it did not start")
    return f"{python} cannot run a Fabric task: {words}. {_cure(words, python)}"


def _cure(words: str, python: str) -> str:
    if "Unknown option: -P" in words:
        return "Name a Python of 3.11 or newer."
    if not any(word in words for word in ("ModuleNotFoundError", "ImportError")):
        return "Correct python; it is a path relative to the runbook, or a program."
    if any(f"'{name}" in words or f" {name}." in words for name in LENT):
        return f"Use a Python {'.'.join(platform.python_version_tuple()[:2])} there, or: {_install(python, LENT[1:3])}"
    return f"Install it there: {_install(python, ('fabric',))}"


def _missing(said: list[str], each: Imports, python: str) -> str:
    there = {line.split()[1] for line in said if line.startswith("module ") and line.endswith(" yes")}
    missing = [name for name in each.modules if name not in there]
    if not missing:
        return ""
    packages = [_PACKAGES.get(name, name) for name in missing]
    named = f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed for {python}"
    return f"{named}. Install it there: {_install(python, packages)}, or name with python: an interpreter that has it."


def _install(python: str, packages: Iterable[str]) -> str:
    return f"`{quote(python)} -m pip install {' '.join(packages)}`"
