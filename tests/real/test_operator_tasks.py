"""The page of ten tasks is true: played from top to bottom on a real terminal of 80 by 24, in lines and on the screen."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from runbook.lab.control import down, up

pytestmark = [pytest.mark.real, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operator-tasks.md").read_text()
PATIENCE = 60.0
"""Seconds after which what does not come has failed."""
PACE = 0.25
"""Seconds between two keys, and between two looks at what one has brought: a person who sees what they do."""
READING = 0.8
"""Seconds in which a person reads what they have waited for. What is grave takes no key before it could be read."""
LOOKS = 20
"""How often is looked for what a key has brought; some bring nothing that is seen."""

KEYS = {"Enter": "Enter", "Tab": "Tab", "Shift+Tab": "BTab", "Esc": "Escape", "Down": "Down", "Ctrl+S": "C-s",
        "Ctrl+Q": "C-q"}  # fmt: skip
"""What the page calls keys that are no letter, to tmux's word for them."""


class Press(NamedTuple):
    """A key, or words that are typed."""

    text: str
    is_key: bool


class Row(NamedTuple):
    """What is waited for, and what is pressed then."""

    shown: str
    presses: tuple[Press, ...]


class Task(NamedTuple):
    """One task of the page."""

    title: str
    elsewhere: bool
    """Its lines are typed into another terminal."""
    lines: tuple[str, ...]
    keys: int
    """As many as the page says."""
    rows: tuple[Row, ...]


def tasks() -> list[Task]:
    """The page, read."""
    return [_task(part) for part in PAGE.split("\n## ")[1:]]


def _task(part: str) -> Task:
    where, lines = re.search(r"\nIn lines(.*?):\n\n```console\n(.*?)```", part, re.DOTALL).groups()  # type: ignore[union-attr]
    keys, table = re.search(r"\nOn the screen, with (\d+) keys.*?:\n\n((?:\|.*\n)+)", part).groups()  # type: ignore[union-attr]
    rows = tuple(_row(line) for line in table.splitlines()[2:])
    return Task(part.splitlines()[0], "another terminal" in where, tuple(lines.splitlines()), int(keys), rows)


def _row(line: str) -> Row:
    _, shown, press, _ = line.split("|")
    found = re.findall(r"(type )?`([^`]+)`", press)
    return Row(shown.strip().strip("`"), tuple(Press(text, not typed) for typed, text in found))


class Terminal:
    """A shell in tmux, and nothing else in it."""

    def __init__(self, folder: Path, environment: dict[str, str], name: str) -> None:
        self._words = ("tmux", "-f", "/dev/null", "-S", str(Path(environment["XDG_RUNTIME_DIR"]) / name))
        self._environment = {**environment, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        size = ("-x", "80", "-y", "24")
        self._tmux("new-session", "-d", *size, "-c", str(folder), "exec env PS1='$ ' bash --norc --noprofile")

    def type(self, text: str) -> None:
        self._press("-l", text)

    def key(self, key: str) -> None:
        self._press(key)

    def _press(self, *words: str) -> None:
        """Press, and see that something has come of it: the next key is for what this one has brought."""
        before = self._looks
        self._tmux("send-keys", *words)
        for _ in range(LOOKS):
            time.sleep(PACE)
            if self._looks != before:
                return

    @property
    def _looks(self) -> str:
        """With its colours, by which the focus is told, and without its clocks."""
        return re.sub(r"[0-9]+(?![0-9;]*m)", "", self._tmux("capture-pane", "-p", "-e").stdout)

    @property
    def _drawn(self) -> str:
        return self._tmux("capture-pane", "-p").stdout

    def fresh(self) -> None:
        """Nothing that was said before is seen any more."""
        self._tmux("send-keys", "-R")
        self._tmux("clear-history")
        self.key("Enter")
        self.until("$")

    @property
    def shown(self) -> str:
        """With what has scrolled away, its lines as long as they were written."""
        return self._tmux("capture-pane", "-p", "-J", "-S", "-").stdout

    def until(self, text: str) -> None:
        """Wait until it is said; `...` stands for anything on its line."""
        wanted = re.compile(".*".join(map(re.escape, text.split("..."))))
        self.wait(lambda: wanted.search(self.shown), text)

    def until_drawn(self, text: str) -> None:
        """Wait until the screen, as it is now, has it."""
        self.wait(lambda: text in self._drawn, text)

    def wait(self, holds: Callable[[], object], what: str) -> None:
        end = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < end, f"no {what!r} in:\n{self.shown}"
            time.sleep(0.05)  # between two looks at another process

    def close(self) -> None:
        self._tmux("kill-server", check=False)

    def _tmux(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            (*self._words, *words), capture_output=True, text=True, check=check, timeout=20, env=self._environment
        )


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Callable[[str], Terminal]]:
    """Opens terminals in a workspace on a fresh lab."""
    if shutil.which("tmux") is None:
        if os.environ.get("RUNBOOK_REQUIRE_REAL") == "1":
            pytest.fail("tmux is not installed")
        pytest.skip("tmux is not installed")
    shutil.copytree(ROOT / "drills", tmp_path / "drills")
    runtime = tempfile.mkdtemp(prefix="rb-")  # pytest's own folders are too long for a socket's path
    up(tmp_path / ".lab", inventory=tmp_path / "inventories" / "lab")
    kept = {key: value for key, value in os.environ.items() if key not in {"CI", "NO_COLOR", "TMUX", "RUNBOOK_THEME"}}
    environment = {**kept, "XDG_RUNTIME_DIR": runtime, "LC_ALL": "C.UTF-8"}
    opened: list[Terminal] = []

    def terminal(name: str) -> Terminal:
        opened.append(Terminal(tmp_path, environment, name))
        opened[-1].until("$")
        return opened[-1]

    try:
        yield terminal
    finally:
        for each in opened:
            each.close()
        words = (sys.executable, "-m", "runbook.cli", "halt", "last", "-m", "the test is over")
        subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, check=False)
        down(tmp_path / ".lab")
        shutil.rmtree(runtime)


def test_there_are_ten_each_in_lines_and_on_the_screen_and_every_key_is_counted() -> None:
    counted = [sum(press.is_key for row in task.rows for press in row.presses) for task in tasks()]
    assert counted == [task.keys for task in tasks()]
    assert len(counted) == 10
    assert all(task.lines for task in tasks())


def test_every_task_can_be_done_in_lines(night: Callable[[str], Terminal]) -> None:
    watching, other = night("a"), night("b")
    for task in tasks():
        terminal = other if task.elsewhere else watching
        for line in task.lines:
            _play_line(terminal, line)


def _play_line(terminal: Terminal, line: str) -> None:
    if line.startswith("$ "):
        terminal.fresh()
    if line.startswith(("$ ", "> ")):
        terminal.type(line[2:])
        terminal.key("Enter")
    else:
        terminal.until(line)


def test_every_task_can_be_done_on_the_screen_with_as_many_keys_as_it_says(night: Callable[[str], Terminal]) -> None:
    terminal = night("a")
    for task in tasks():
        for row in task.rows:
            terminal.until_drawn(row.shown)
            time.sleep(READING if row.presses else 0)
            for press in row.presses:
                if press.is_key:
                    terminal.key(KEYS.get(press.text, press.text))
                else:
                    terminal.type(press.text)
