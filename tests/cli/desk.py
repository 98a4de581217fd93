"""Sitting at a command line in a workspace of one's own: type words, get an exit status and what was said on which stream."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from runbook.cli.main import main
from runbook.core.events.event import Event
from tests.builders import Story
from tests.record.samples import write_journal, write_record

PATIENCE = 20.0
"""Seconds after which a condition that does not come has failed."""

RUNNER = re.compile(rb'"RunnerStarted","pid":(\d+)')
DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
HOSTS = "all:\n  hosts:\n    localhost: {ansible_connection: local}\n"
ENVIRONMENT = "name: here\nconfirm: none\nauto: all\n"
HEAD = "version: 1\nkind: operation\nname: {name}\ntitle: Look\nowner: anna\nreviewed: 2999-01-01\ninventory: here\n"
STEP = "{name: Look, command: uptime, on: localhost, durable: false, timeout: 10s}"


def book(*, name: str = "look", head: str = "", steps: str = f"[{STEP}]") -> str:
    """A runbook without a fault; `head` adds lines of its own, `steps` replaces the steps."""
    return f"{HEAD.format(name=name)}{head}sections:\n  - name: Look\n    steps: {steps}\n"


class Said(NamedTuple):
    """What a verb came to."""

    status: int
    out: str
    err: str


class Desk:
    """A workspace with one inventory of this machine, and somebody who types."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self._patch = patch
        self._capsys = capsys
        patch.chdir(root)
        self.write("drills/look.yaml", book())
        self.write("inventories/here/hosts.yaml", HOSTS)
        self.write("inventories/here/environment.yaml", ENVIRONMENT)

    def write(self, name: str, text: str | bytes) -> Path:
        """Put a file into the workspace."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def go(self, place: Path) -> None:
        """Stand somewhere else."""
        self._patch.chdir(place)

    def ask(self, *words: str) -> Said:
        """Type `runbook` and these words, in this process; the workspace's path reads WORKSPACE, a SHA-256 DIGEST."""
        self._patch.setattr(sys, "argv", ["runbook", *words])
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = self._capsys.readouterr()
        return Said(int(ended.value.code or 0), self._named(out), self._named(err))

    def close(self) -> None:
        """End the runners that were started here and are still alive, each by the pid in its own record."""
        for journal in self.root.glob("**/recordings/*/journal.jsonl"):
            for pid in map(int, RUNNER.findall(journal.read_bytes())):
                if is_runner(pid):
                    os.kill(pid, signal.SIGKILL)

    def until(self, look: Callable[[], Said], holds: Callable[[Said], bool]) -> Said:
        """Look again and again until what is said is as expected; fails when that does not come."""
        end = time.monotonic() + PATIENCE
        while not holds(said := look()):
            assert time.monotonic() < end, said
        return said

    def pipe(self, *words: str, into: str) -> Said:
        """A process of its own whose output goes into a shell command; the status is ours, the output the command's."""
        ours = [sys.executable, "-m", "runbook.cli", *words]
        script = f'set -o pipefail; "$@" | {into}'
        return self._finished(["bash", "-c", script, "bash", *ours])

    def start(self, *words: str, typed: str = "") -> Said:
        """The same as a process of its own, with `typed` on its standard input."""
        return self._finished([sys.executable, "-m", "runbook.cli", *words], typed)

    def run_python(self, code: str, *words: str) -> Said:
        """Some lines in a process of their own, in this workspace."""
        return self._finished([sys.executable, "-c", code, *words])

    def interrupt(self, *words: str, when: str) -> Said:
        """A process of its own that gets a Ctrl-C once it has told `when`; `out` is empty."""
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        argv = [sys.executable, "-m", "runbook.cli", *words]
        # What it reads stays open and silent, as a terminal does.
        ours = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(argv, cwd=self.root, env=environment, text=True, **ours) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            while when not in (line := process.stdout.readline()):
                assert line, "it ended without a word of it"
            process.send_signal(signal.SIGINT)
            said = process.stderr.read()
        return Said(process.returncode, "", self._named(said))

    def _finished(self, argv: list[str], typed: str = "") -> Said:
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        done = subprocess.run(
            argv, cwd=self.root, input=typed, capture_output=True, text=True, timeout=60, env=environment, check=False
        )
        return Said(done.returncode, self._named(done.stdout), self._named(done.stderr))

    def _named(self, text: str) -> str:
        return DIGEST.sub("DIGEST", text.replace(str(self.root), "WORKSPACE"))

    def record(self, run: str = "20261123T041200Z-orders-restart-0001", *events: Event) -> Path:
        """A record on disk: the events given, or a small sound run."""
        recordings = self.root / "recordings"
        recordings.mkdir(mode=0o700, exist_ok=True)
        folder = recordings / run
        if events:
            folder.mkdir(mode=0o700)
            write_journal(folder, *events)
        else:
            write_record(folder, run=run)
        return folder

    def told(self, tale: Story) -> Path:
        """The record of a story."""
        return self.record(tale.run.id, *(entry.event for entry in tale.entries))


def is_runner(pid: int) -> bool:
    """Whether that process is a runner: pids are given again."""
    try:
        return b"runbook.engine.runner" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
