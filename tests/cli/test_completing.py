"""What a shell offers while somebody types, asked of the program and of real shells."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runbook.cli.main import VERBS
from tests.cli.desk import Desk, book

ROOT = Path(__file__).parents[2]
RUN = "20261123T041200Z-orders-restart-f540"
PARAMETERS = """parameters:
  tier: {type: choice, choices: [gold, silver], default: gold}
  forced: {type: boolean, default: "false"}
  target: {type: host, default: localhost}
"""


@pytest.fixture
def shelf(desk: Desk) -> Desk:
    """A run, a runbook with parameters, an inventory."""
    desk.record(RUN)
    desk.write("drills/orders-failover.yaml", book(name="orders-failover", head=PARAMETERS))
    return desk


def offered(desk: Desk, *words: str) -> list[str]:
    said = desk.ask("completion", "bash", "--", *words)
    assert (said.status, said.err) == (0, "")
    return said.out.splitlines()


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("",), sorted(VERBS)),
        (("ver",), ["verify"]),
        (("verify", "2026"), [RUN]),
        (("verify", "f540"), [RUN]),
        (("attach", "la"), ["last"]),
        (("replay", "orders-r"), ["orders-restart"]),
        (("run", ""), ["look", "orders-failover"]),
        (("plan", "failo"), ["orders-failover"]),
        (("check", "l"), ["look"]),
        (("run", "look", "-i", ""), ["here"]),
        (("hosts", ""), ["explain", "list"]),
        (("hosts", "explain", "-i", "here", "lo"), ["localhost"]),
        (("run", "look", "-l", "lo"), ["localhost"]),
        (("run", "look", "--limit=lo"), ["localhost"]),
        (("run", "orders-failover", "-p", ""), ["tier=", "forced=", "target="]),
        (("run", "orders-failover", "-p", "tier="), ["tier=gold", "tier=silver"]),
        (("run", "orders-failover", "-p", "forced=t"), ["forced=true"]),
        (("run", "orders-failover", "-p", "target=lo"), ["target=localhost"]),
        (("report", "last", "--fo"), ["--format"]),
        (("tell", "f540", "c"), ["continue", "cut"]),
        (("tell", "f540", "mark", "re"), ["recovery_started"]),
        (("tell", "f540", "exclude", ""), ["db1"]),
        (("tell", "f540", "skip", "1."), ["1.1", "1.2"]),
        (("tell", "f540", "note", ""), []),
    ],
    ids=" ".join,
)
def test_what_may_come_next_is_offered(shelf: Desk, words: tuple[str, ...], names: list[str]) -> None:
    assert offered(shelf, *words) == names


@pytest.mark.parametrize(
    "words", [("no-such-verb", ""), ("run", "nothing", "-p", ""), ("run", "look", "-i", "nowhere", "-l", "")]
)
def test_a_line_that_means_nothing_offers_nothing_and_says_nothing(shelf: Desk, words: tuple[str, ...]) -> None:
    assert offered(shelf, *words) == []


def test_two_files_of_one_name_are_offered_by_their_paths(shelf: Desk) -> None:
    shelf.write("drills/old/look.yaml", book())
    assert offered(shelf, "show", "") == ["drills/look.yaml", "drills/old/look.yaml", "orders-failover"]


def test_shells_that_can_show_it_are_told_a_word_about_each(shelf: Desk) -> None:
    assert shelf.ask("completion", "fish", "--", "verify", "2026").out == f"{RUN}\tcompleted, by anna\n"


def test_another_shell_is_refused_with_those_that_are_known(desk: Desk) -> None:
    said = desk.ask("completion", "csh")
    assert (said.status, "'bash', 'zsh', 'fish'" in said.err) == (2, True)


# --- real shells ------------------------------------------------------------------------------------------------------

ASK = {
    "bash": """
source <(runbook completion bash)
ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _runbook runbook; printf '%s\\n' "${COMPREPLY[@]}"; }
ask runbook ver
ask runbook verify f540
ask runbook run orders-failover -p tier = g
ask runbook run orders-failover -p tier =
""",
    "fish": """
runbook completion fish | source
complete -C 'runbook ver' | string split -f1 \\t
complete -C 'runbook verify f540' | string split -f1 \\t
complete -C 'runbook run orders-failover -p tier=g'
complete -C 'runbook run orders-failover -p tier='
""",
}


@pytest.mark.parametrize(
    ("shell", "names"),
    [
        ("bash", ["verify", RUN, "gold", "gold", "silver"]),
        ("fish", ["verify", RUN, "tier=gold", "tier=gold", "tier=silver"]),
    ],
)
def test_a_real_shell_completes(shelf: Desk, tmp_path: Path, shell: str, names: list[str]) -> None:
    done = in_shell(shelf, tmp_path, [shell, "-c", ASK[shell]])
    assert (done.stderr, done.stdout.split()) == ("", names)


def test_zsh_understands_its_script(shelf: Desk, tmp_path: Path) -> None:
    script = "autoload -Uz compinit && compinit -u -D; source <(runbook completion zsh); print $_comps[runbook]"
    done = in_shell(shelf, tmp_path, ["zsh", "-f", "-c", script])
    assert (done.stderr, done.stdout) == ("", "_runbook\n")


def in_shell(desk: Desk, folder: Path, argv: list[str]) -> subprocess.CompletedProcess[str]:
    """A shell in which `runbook` is this program."""
    if shutil.which(argv[0]) is None:
        pytest.skip(f"{argv[0]} is not installed")
    ours = folder / "bin" / "runbook"
    ours.parent.mkdir()
    ours.write_text(f'#!/bin/sh\nexec {sys.executable} -m runbook.cli "$@"\n')
    ours.chmod(0o755)
    paths = {"PATH": f"{ours.parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    environment = {**os.environ, **paths, "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    return subprocess.run(argv, cwd=desk.root, env=environment, capture_output=True, text=True, timeout=60, check=False)
