"""What a verb may load, proved in a process of its own: lint time cannot know what happens at run time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("textual", "rich", "asyncssh", "cryptography", "httpx", "asyncio", "fabric", "ClusterShell")
BOOK = "drills/operations/daily-health.yaml"


def loaded_by(*words: str, ending: int = 0) -> set[str]:
    """The modules that are loaded when a verb has ended."""
    code = (
        "import sys\n"
        f"sys.argv = ['runbook', *{list(words)!r}]\n"
        "from runbook.cli.main import main\n"
        f"try:\n    main()\nexcept SystemExit as ended:\n    assert (ended.code or 0) == {ending}, ended.code\n"
        "sys.stderr.write('\\nLOADED ' + ' '.join(sys.modules))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "dumb"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    return set(done.stderr.rpartition("LOADED ")[2].split())


def test_the_screen_is_not_loaded_only_to_be_refused() -> None:
    assert heavy(loaded_by(ending=2)) == set()


def heavy(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules} & set(HEAVY)


def test_help_loads_no_verb_and_nothing_heavy() -> None:
    modules = loaded_by("--help")
    assert heavy(modules) == set()
    assert {name for name in modules if name.startswith("runbook.")} == {
        "runbook.cli",
        "runbook.cli.main",
        "runbook.cli.diagnostics",
        "runbook.problem",
        "runbook.view",
        "runbook.view.sanitize",
    }


@pytest.mark.parametrize("words", [("check", BOOK), ("check", BOOK, "--format", "sarif"), ("schema",)])
def test_a_verb_for_save_hooks_loads_neither_ssh_nor_screen_nor_loop(words: tuple[str, ...]) -> None:
    assert heavy(loaded_by(*words)) == set()


@pytest.mark.parametrize(
    "words",
    [
        ("plan", BOOK),
        ("show", BOOK),
        ("hosts", "list", "-i", "lab"),
        ("list",),
        ("runs",),
        ("completion", "bash", "--", "attach", ""),
        ("completion", "bash", "--", "run", "daily-health", "-p", ""),
        ("completion", "bash", "--", "run", "daily-health", "-l", ""),
        ("lab", "status", "--help"),
    ],
)
def test_a_verb_that_only_looks_loads_neither_ssh_nor_screen(words: tuple[str, ...]) -> None:
    assert heavy(loaded_by(*words)) & {"textual", "rich", "asyncssh", "cryptography", "httpx", "fabric"} == set()
