"""What the races have in common: a contender as a whole process, its hosts, its runbook, and what it took.

Every contender gets the same hosts, key and commands; this program runs as a user runs it, with its record on disk and
every host key checked. Machines differ and are noisy, so what counts is the ratio to the bare loop within one round.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from benchmarks.sshd import Fleet

HERE = Path(__file__).parent

HANGING_UP = 1.0
"""Seconds that servers get to see that a contender has gone."""


@dataclass(slots=True)
class Contender:
    """One program, and what it took."""

    name: str
    command: list[str]
    stdin: str = ""
    cwd: str = "."
    env: dict[str, str] = field(default_factory=dict)
    rounds: int = 99
    """At most so many rounds: some take minutes."""
    seconds: list[float] = field(default_factory=list)
    """Wall time of each round."""
    processor: list[float] = field(default_factory=list)
    """Processor time of each round on the controller's side, with all that the command left running."""
    on_hosts: list[float] = field(default_factory=list)
    """Processor time of each round on the hosts' side."""
    version: str = ""


def timed(one: Contender, hosts: Fleet) -> None:
    told, before = hosts.folder / "cost.json", hosts.processor()
    done = subprocess.run(
        [sys.executable, str(HERE / "measured.py"), str(told), *one.command],
        input=one.stdin,
        cwd=one.cwd,
        env={**_compiled(hosts.folder), **one.env},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"{one.name} failed ({done.returncode}):\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    cost = json.loads(told.read_text())
    one.seconds.append(cost["seconds"])
    one.processor.append(cost["processor"])
    time.sleep(HANGING_UP)
    one.on_hosts.append(hosts.processor() - before)


def _compiled(folder: Path) -> dict[str, str]:
    """An environment in which bytecode is kept, as it is wherever a program is installed."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}


def bare(hosts: Fleet, commands: list[str]) -> Contender:
    """The floor: a loop of asyncssh, and nothing else."""
    order = json.dumps(
        {
            "hosts": hosts.hosts,
            "port": hosts.port,
            "user": hosts.user,
            "key": str(hosts.key),
            "known_hosts": str(hosts.known_hosts),
            "commands": commands,
        }
    )
    program = str(HERE / "contenders/bare_asyncssh.py")
    return Contender("bare asyncssh", [sys.executable, program], order, version=version("asyncssh"))


def workspace(hosts: Fleet, folder: Path) -> Path:
    """A folder in which this program knows the hosts and asks nobody."""
    (folder / "inventories/bench").mkdir(parents=True)
    (folder / "drills").mkdir()
    (folder / "inventories/bench/hosts.yaml").write_text(inventory(hosts))
    (folder / "inventories/bench/environment.yaml").write_text("name: bench\nconfirm: none\nauto: all\n")
    return folder


def ours(workspace: Path, word: str, commands: list[str], *options: str, durable: bool) -> Contender:
    """This program with these steps, as a runbook of that name."""
    (workspace / f"drills/{word}.yaml").write_text(book(word, commands, durable=durable))
    command = [sys.executable, "-m", "runbook.cli", "run", word, "--auto", "--line", *options]
    return Contender(f"runbook, {word}", command, cwd=str(workspace), version=version("runbook"))


def inventory(hosts: Fleet) -> str:
    lines = "".join(f"    h{number}: {{ansible_host: {host}}}\n" for number, host in enumerate(hosts.hosts, start=1))
    return (
        f"all:\n  hosts:\n{lines}  vars:\n    ansible_port: {hosts.port}\n    ansible_user: {hosts.user}\n"
        f"    ansible_ssh_private_key_file: {hosts.key}\n"
        f"    ansible_ssh_common_args: -F none -o UserKnownHostsFile={hosts.known_hosts}\n"
    )


def book(name: str, commands: list[str], *, durable: bool) -> str:
    steps = "".join(
        f"      - {{name: Step {number}, command: {command}, durable: {str(durable).lower()}, timeout: 30s}}\n"
        for number, command in enumerate(commands, start=1)
    )
    return (
        f"version: 1\nkind: operation\nname: {name}\ntitle: Fan out\ninventory: bench\n"
        f"sections:\n  - name: Work\n    on: all\n    steps:\n{steps}"
    )


def times_floor(mine: list[float], floors: list[float]) -> float:
    """The median of the rounds' ratios, each to the bare loop of the same round."""
    return statistics.median(one / floor for one, floor in zip(mine, floors, strict=False))


def verdict(holds: bool) -> str:
    return "held" if holds else "**missed**"


def sshd_version() -> str:
    said = subprocess.run([shutil.which("ssh") or "ssh", "-V"], capture_output=True, text=True, check=False)
    return said.stderr.strip().split(",")[0]
