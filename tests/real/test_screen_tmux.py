"""The whole product as an operator uses it: in tmux, on the lab's SSH servers, with a screen that is killed half way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runbook.lab.control import down, up

pytestmark = [pytest.mark.real, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
RUNBOOK = (sys.executable, "-m", "runbook.cli")


class Tmux:
    """A tmux server of the test's own."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._words = ("tmux", "-f", "/dev/null", "-S", str(folder / "t"))
        self._folder = folder
        self._environment = environment

    def run(self, *words: str, size: tuple[int, int] = (120, 40)) -> None:
        """Run a verb in a new terminal of that many columns and rows, which shows it from then on."""
        self._tmux("kill-server", check=False)
        wait_for(lambda: self._tmux("has-session", check=False).returncode != 0, lambda: "the old terminal stays")
        command = " ".join(("exec", *RUNBOOK, *words))
        self._tmux(
            "new-session",
            "-d",
            "-x",
            str(size[0]),
            "-y",
            str(size[1]),
            "-c",
            str(self._folder),
            command,
            ";",
            "set",
            "-g",
            "remain-on-exit",
            "on",
        )

    def press(self, *keys: str) -> None:
        for key in keys:
            self._tmux("send-keys", key)

    def press_at_once(self, *keys: str) -> None:
        """As somebody who types fast, or whose link has stalled: the program reads them all together."""
        self._tmux("send-keys", *keys)

    def press_until(self, key: str, done: Callable[[], bool]) -> None:
        """Press it again as long as it comes too early to count."""

        def pressed() -> bool:
            if not done():
                self.press(key)
            return done()

        wait_for(pressed, lambda: self.shown)

    def resize(self, size: tuple[int, int]) -> None:
        self._tmux("resize-window", "-x", str(size[0]), "-y", str(size[1]))

    @property
    def shown(self) -> str:
        return self._tmux("capture-pane", "-p", check=False).stdout

    def until(self, text: str, *, gone: str = "\0") -> None:
        """Wait until a text is shown (and another is not)."""
        wait_for(lambda: text in (shown := self.shown) and gone not in shown, lambda: f"no {text!r} in:\n{self.shown}")

    @property
    def pid(self) -> int:
        """Of the program in the terminal."""
        return int(self._tmux("list-panes", "-F", "#{pane_pid}").stdout)

    def close(self) -> None:
        self._tmux("kill-server", check=False)

    def _tmux(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            (*self._words, *words), capture_output=True, text=True, check=False, timeout=20, env=self._environment
        )
        assert not check or done.returncode == 0, done.stderr
        return done


def wait_for(condition, said) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, said()
        time.sleep(0.1)  # between two looks at another process


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    if shutil.which("tmux") is None:
        if os.environ.get("RUNBOOK_REQUIRE_REAL") == "1":
            pytest.fail("tmux is not installed")
        pytest.skip("tmux is not installed")
    shutil.copytree(ROOT / "drills", tmp_path / "drills")
    runtime = tempfile.mkdtemp(prefix="rb-")  # pytest's own folders are too long for a socket's path
    up(tmp_path / ".lab", inventory=tmp_path / "inventories" / "lab")
    kept = {key: value for key, value in os.environ.items() if key not in {"CI", "NO_COLOR", "TMUX", "RUNBOOK_THEME"}}
    try:
        yield tmp_path, {**kept, "XDG_RUNTIME_DIR": runtime, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
    finally:
        down(tmp_path / ".lab")
        shutil.rmtree(runtime)


def test_a_killed_screen_leaves_the_run_going_and_attach_brings_it_to_its_end(desk) -> None:
    folder, environment = desk
    tmux = Tmux(folder, environment)

    def verb(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            (*RUNBOOK, *words), cwd=folder, env=environment, capture_output=True, text=True, check=False
        )

    def answer(gate: str, word: str = "") -> None:
        """As a person does: look where the keys go, then press the next."""
        tmux.until(f"━ GATE {gate} ")
        tmux.until("Tab moves, Enter presses", gone="keys are locked")
        tmux.press("Tab")
        tmux.until("> Stop the run")
        tmux.press("Tab")
        tmux.until("Stop the run", gone="> Stop the run")
        if word:
            tmux.press(*word)
            tmux.until("matches")
            tmux.press("Enter")
        tmux.until("> Go on")
        tmux.press("Enter")

    try:
        tmux.run("run", "drills/failover/orders-failover.yaml", "-i", "lab")
        tmux.until("Start it? [y/N]")
        tmux.press("y", "Enter")
        tmux.until("GATE 2.1 ")
        run = json.loads(verb("runs", "--json").stdout)[0]["id"]
        os.kill(tmux.pid, signal.SIGKILL)
        assert json.loads(verb("runs", "--json").stdout)[0]["verdict"] == "live"
        tmux.run("attach", run)
        answer("2.1", "db1")
        answer("3.2")
        answer("6.3")
        tmux.until("COMPLETED")
        tmux.press("q")
        wait_for(lambda: "recovery time" in tmux.shown, lambda: tmux.shown)
        assert verb("verify", run).returncode == 0
    finally:
        tmux.close()
        if json.loads(verb("runs", "--json").stdout or "[]"):
            verb("halt", "--reason", "the test is over")
