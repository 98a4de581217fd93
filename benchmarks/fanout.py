"""A hundred OpenSSH hosts, ten command steps: this program beside its peers, in turns, as whole processes.

    python -m benchmarks.fanout [--hosts 100] [--steps 10] [--rounds 3] [--peers PYTHON] [--write]

Every contender gets the same hosts, key and commands; this program runs as a user runs it, with its record on disk and
every host key checked. Machines differ and are noisy, so what counts is the ratio to the bare loop within one round.
Peers live in an environment of their own (`--peers`, default `.venv-bench`), because their pins fight.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
from pathlib import Path

from benchmarks.contest import (
    HERE,
    Contender,
    bare,
    inventory,
    ours,
    sshd_version,
    timed,
    times_floor,
    verdict,
    workspace,
)
from benchmarks.sshd import Fleet, fleet
from benchmarks.table import publish

BUDGETS = {"runbook, durable": 1.3, "runbook, attached": 0.9}
"""Most times the bare loop's wall time."""


def main() -> None:
    options = _options()
    with fleet(options.hosts) as hosts:
        folder = workspace(hosts, hosts.folder / "workspace")
        field_ = _contenders(hosts, folder, options)
        for number in range(options.rounds):
            for one in field_:
                if number < one.rounds:
                    timed(one, hosts)
                    spent = (
                        f"{one.seconds[-1]:7.2f} s, {one.processor[-1]:6.2f} s here, {one.on_hosts[-1]:6.2f} s there"
                    )
                    print(f"round {number + 1}  {one.name:<24} {spent}", flush=True)
        overheads = _overheads(hosts, folder, options)
    table = _table(field_, overheads, options)
    publish("fanout", table, write=options.write)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=100)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default=str(Path(".venv-bench/bin/python").absolute()))
    parser.add_argument("--only", default="", help="contenders whose name contains this")
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/README.md")
    return parser.parse_args()


# --- the field --------------------------------------------------------------------------------------------------------


def _contenders(hosts: Fleet, folder: Path, options: argparse.Namespace) -> list[Contender]:
    commands = [f"echo step {number}" for number in range(1, options.steps + 1)]
    floor = bare(hosts, commands)
    mine = [ours(folder, word, commands, durable=word == "durable") for word in ("durable", "attached")]
    peers = _peers(hosts, commands, floor.stdin, options.peers) if Path(options.peers).exists() else []
    return [one for one in (floor, *mine, *peers) if options.only in one.name or one is floor]


def _peers(hosts: Fleet, commands: list[str], order: str, python: str) -> list[Contender]:
    folder = hosts.folder
    binaries = Path(python).parent
    (folder / "hosts.py").write_text(_pyinfra_inventory(hosts))
    (folder / "deploy.py").write_text(
        "from pyinfra.operations import server\n" + "".join(f"server.shell(commands=[{c!r}])\n" for c in commands)
    )
    (folder / "hosts.yaml").write_text(inventory(hosts))
    for module in ("command", "raw"):
        (folder / f"{module}.yaml").write_text(
            "- hosts: all\n  gather_facts: false\n  tasks:\n" + "".join(f"    - {module}: {c}\n" for c in commands)
        )
    ansible = {"ANSIBLE_PIPELINING": "1", "ANSIBLE_FORKS": "50", "ANSIBLE_SSH_ARGS": _CONTROL, "ANSIBLE_NOCOLOR": "1"}
    field_ = [
        Contender("parallel-ssh", [python, str(HERE / "contenders/parallel_ssh.py")], order, version="parallel-ssh"),
        Contender("Fabric ThreadingGroup", [python, str(HERE / "contenders/fabric_group.py")], order, version="fabric"),
        Contender(
            "pyinfra", [str(binaries / "pyinfra"), "-y", "hosts.py", "deploy.py"], cwd=str(folder), version="pyinfra"
        ),
        *(
            Contender(
                f"Ansible, {module}",
                [str(binaries / "ansible-playbook"), "-i", "hosts.yaml", f"{module}.yaml"],
                cwd=str(folder),
                env=ansible,
                rounds=1,
                version="ansible-core",
            )
            for module in ("command", "raw")
        ),
    ]
    for one in field_:
        one.version = _version_in(python, one.version)
    return field_


_CONTROL = "-o ControlMaster=auto -o ControlPersist=60s"


def _version_in(python: str, package: str) -> str:
    code = f"from importlib.metadata import version; print(version({package!r}))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def _pyinfra_inventory(hosts: Fleet) -> str:
    data = {
        "ssh_user": hosts.user,
        "ssh_port": hosts.port,
        "ssh_key": str(hosts.key),
        "ssh_known_hosts_file": str(hosts.known_hosts),
        "ssh_allow_agent": False,
    }
    return f"hosts = [(host, {data!r}) for host in {list(hosts.hosts)!r}]\n"


# --- one step on an open connection -----------------------------------------------------------------------------------


def _overheads(hosts: Fleet, folder: Path, options: argparse.Namespace) -> dict[str, float]:
    """Median milliseconds between a step's attempt starting and ending, on one host, from the record itself."""
    if options.only:
        return {}
    found = {}
    for word in ("durable", "attached"):
        commands = [f"echo {number}" for number in range(50)]
        timed(ours(folder, f"single-{word}", commands, "-l", "h1", durable=word == "durable"), hosts)
        found[word] = _median_attempt(folder, f"single-{word}")
    return found


def _median_attempt(workspace: Path, word: str) -> float:
    journal = next((workspace / "recordings").glob(f"*-{word}-*/journal.jsonl"))
    began: dict[str, float] = {}
    took = []
    for line in journal.read_text().splitlines():
        entry = json.loads(line)
        event = entry["event"]
        if event["type"] == "AttemptStarted":
            began[event["step"]] = entry["at"]
        elif event["type"] == "AttemptEnded" and event["step"].startswith("1."):
            took.append((entry["at"] - began[event["step"]]) * 1000)
    return statistics.median(took)


# --- the table --------------------------------------------------------------------------------------------------------


def _table(field_: list[Contender], overheads: dict[str, float], options: argparse.Namespace) -> str:
    bare = field_[0]
    lines = [
        f"{options.hosts} hosts x {options.steps} steps, {options.rounds} rounds in turns, on {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, {sshd_version()}.",
        "",
        "| | version | median s | x bare loop | budget | | controller s | x bare loop | hosts s | x bare loop |",
        "|---|---|---:|---:|---|---|---:|---:|---:|---:|",
    ]
    lines += [_row(one, bare, field_) for one in field_]
    if overheads:
        lines += ["", "| one step on an open connection | median ms | budget | |", "|---|---:|---|---|"]
        for word, limit in (("durable", 20.0), ("attached", 5.0)):
            lines.append(f"| {word} | {overheads[word]:.1f} | <= {limit:g} | {verdict(overheads[word] <= limit)} |")
    return "\n".join(lines)


def _row(one: Contender, bare: Contender, field_: list[Contender]) -> str:
    median = statistics.median(one.seconds)
    times = times_floor(one.seconds, bare.seconds)
    budget, held = _budget(one, times, median, field_)
    sides = ((one.processor, bare.processor), (one.on_hosts, bare.on_hosts))
    processor = " | ".join(f"{statistics.median(mine):.2f} | {times_floor(mine, floors):.2f}" for mine, floors in sides)
    return f"| {one.name} | {one.version} | {median:.2f} | {times:.2f} | {budget} | {held} | {processor} |"


def _budget(one: Contender, ratio: float, median: float, field_: list[Contender]) -> tuple[str, str]:
    if one.name in BUDGETS:
        return f"<= {BUDGETS[one.name]:g}", verdict(ratio <= BUDGETS[one.name])
    ours = next((statistics.median(c.seconds) for c in field_ if c.name == "runbook, durable"), None)
    least = {"parallel-ssh": 1.0, "Fabric ThreadingGroup": 1.0, "pyinfra": 3.0, "Ansible, command": 12.0}
    if ours is None or one.name not in least:
        return "", ""
    times = median / ours
    return f">= {least[one.name]:g} x runbook, durable", f"{times:.1f} x: {verdict(times >= least[one.name])}"


if __name__ == "__main__":
    main()
