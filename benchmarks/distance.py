"""Thirty hosts that are far away, ten command steps: this program beside the bare loop, over a link that takes time.

    python -m benchmarks.distance [--hosts 30] [--steps 10] [--rounds 3] [--milliseconds 60] [--homes FOLDER] [--write]

The bare loop, attached and durable take turns, first over the long link and then without it; what counts is the ratio
within one round. Wall time is the machine's as well, so things are counted that are not: the round trips that a run on
one host waits for, the programs and processes that it starts there, and its processor time there.

Homes are in memory by default: a file system that bears thirty hosts at once spends its time looking for inodes that
were not deleted just now, which no host does for itself.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import platform
import shutil
import statistics
import subprocess
import time
from pathlib import Path

from benchmarks.contest import Contender, bare, ours, sshd_version, timed, times_floor, verdict, workspace
from benchmarks.link import Address, Link, link
from benchmarks.sshd import Fleet, fleet
from benchmarks.table import publish, rows

BUDGETS = {0: {"durable": 1.3, "attached": 0.9}, 60: {"durable": 1.0, "attached": 0.75}}
"""Most times the bare loop's wall time, by milliseconds of a round trip."""

ON_HOST = {"durable": 1.3}
"""Most times the processor time that a bare command costs its host."""

COUNTED = 0.15
"""Seconds of a round trip where round trips are counted: far more than any answer takes to be made."""

FEW, MANY, MORE = 1, 11, 101
"""Steps of runs whose difference is what a step costs."""

SPENT = 3
"""Runs of which the least is taken where processor time is counted."""

WORDS = ("attached", "durable")


def main() -> None:
    options = _options()
    with fleet(options.hosts, options.homes) as near:
        counts = _counts(near)
        races = {wait: _race(near, wait, options) for wait in (options.milliseconds, 0)}
    publish("distance", _table(races, counts, options), write=options.write)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=30)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--milliseconds", type=int, default=60)
    parser.add_argument("--homes", default="/dev/shm" if Path("/dev/shm").is_dir() else "/home")
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/README.md")
    return parser.parse_args()


@contextlib.contextmanager
def _far(near: Fleet, seconds: float):
    """The same hosts at the end of a long link, and the link."""
    hosts = tuple(host.replace("127.1.", "127.2.") for host in near.hosts)
    known = near.folder / "known_hosts_far"
    known.write_text(near.known_hosts.read_text().replace("127.1.", "127.2."))
    ways: dict[Address, Address] = {
        (far, near.port): (host, near.port) for far, host in zip(hosts, near.hosts, strict=True)
    }
    with link(ways, seconds) as one:
        yield dataclasses.replace(near, hosts=hosts, known_hosts=known), one


# --- the race ---------------------------------------------------------------------------------------------------------


def _race(near: Fleet, milliseconds: int, options: argparse.Namespace) -> list[Contender]:
    commands = [f"echo step {number}" for number in range(1, options.steps + 1)]
    with contextlib.ExitStack() as held:
        hosts = held.enter_context(_far(near, milliseconds / 1000))[0] if milliseconds else near
        folder = workspace(hosts, near.folder / f"race-{milliseconds}")
        field = [bare(hosts, commands), *(ours(folder, word, commands, durable=word == "durable") for word in WORDS)]
        for number in range(options.rounds):
            for one in field:
                timed(one, hosts)
                spent = f"{one.seconds[-1]:6.2f} s, {one.processor[-1]:5.2f} s here, {one.on_hosts[-1]:5.2f} s there"
                print(f"{milliseconds} ms, round {number + 1}  {one.name:<20} {spent}", flush=True)
        return field


# --- what is counted --------------------------------------------------------------------------------------------------


@dataclasses.dataclass(slots=True)
class Count:
    """What a run on one host comes to: each time beside its steps, and for each step."""

    rounds: tuple[float, float]
    """Round trips that are waited for."""
    programs: tuple[float, float]
    """Programs that are started on the host (execve)."""
    processes: tuple[float, float]
    """Processes that are made there."""
    processor: tuple[float, float]
    """Milliseconds of the host's processor time."""


def _counts(near: Fleet) -> dict[str, Count]:
    # The first job in a place makes the place, and the first run of a program its bytecode.
    timed(_one_host(near, "warm", "durable", FEW), near)
    with _far(near, COUNTED) as (far, one):
        return {word: _counted(near, far, one, word) for word in ("bare", *WORDS)}


def _counted(near: Fleet, far: Fleet, one: Link, word: str) -> Count:
    few, many = (_seen(near, far, one, word, steps) for steps in (FEW, MANY))
    counted = [_split(less, more, MANY) for less, more in zip(few, many, strict=True)]
    return Count(*counted, _split(_spent(near, word, FEW), _spent(near, word, MORE), MORE))


def _split(few: float, many: float, steps: int) -> tuple[float, float]:
    step = (many - few) / (steps - FEW)
    return few - FEW * step, step


def _seen(near: Fleet, far: Fleet, one: Link, word: str, steps: int) -> tuple[int, int, int]:
    """Round trips, programs and processes of a run."""
    before, contender = one.rounds, _one_host(far, f"seen-{word}-{steps}", word, steps)
    with _traced(near) as seen:
        timed(contender, near)
    return one.rounds - before, *seen


def _spent(near: Fleet, word: str, steps: int) -> float:
    """Milliseconds of the host's processor time: the least of several runs, because others are on it too."""
    contender = _one_host(near, f"spent-{word}-{steps}", word, steps)
    for _ in range(SPENT):
        timed(contender, near)
    return min(contender.on_hosts) * 1000


def _one_host(hosts: Fleet, folder: str, word: str, steps: int) -> Contender:
    alone = dataclasses.replace(hosts, hosts=hosts.hosts[:1])
    commands = [f"echo {number}" for number in range(steps)]
    if word == "bare":
        return bare(alone, commands)
    return ours(workspace(alone, hosts.folder / folder), word, commands, durable=word == "durable")


@contextlib.contextmanager
def _traced(near: Fleet):
    """Count what the first daemon's descendants start; nothing where there is no strace."""
    seen: list[int] = []
    if shutil.which("strace") is None:
        yield seen
        seen += (0, 0)
        return
    told = near.folder / "strace"
    command = ["strace", "-f", "-qq", "-e", "trace=execve,fork,vfork,clone,clone3", "-o", str(told)]
    tracer = subprocess.Popen([*command, "-p", str(near.daemons[0])], stderr=subprocess.DEVNULL)
    while "TracerPid:\t0\n" in Path(f"/proc/{near.daemons[0]}/status").read_text():
        time.sleep(0.01)
    try:
        yield seen
    finally:
        tracer.terminate()
        tracer.wait(10)
        done = [line for line in told.read_text().splitlines() if not line.endswith("<unfinished ...>")]
        seen.append(sum("execve" in line and line.endswith(" = 0") for line in done))
        seen.append(sum(("fork" in line or "clone" in line) and " = -" not in line for line in done))


# --- the tables -------------------------------------------------------------------------------------------------------


def _table(races: dict[int, list[Contender]], counts: dict[str, Count], options: argparse.Namespace) -> str:
    head = (
        f"{options.hosts} hosts x {options.steps} steps, {options.rounds} rounds in turns, on {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, {sshd_version()}, homes in {options.homes}."
    )
    race = rows(
        ("", "round trip", "median s", "x bare loop", "budget", "", "controller s", "x", "hosts s", "x"),
        [_row(one, field[0], wait) for wait, field in races.items() for one in field],
    )
    heads = ("one host", "round trips", "a step", "programs", "a step", "processes", "a step", "ms there", "a step")
    count = rows((*heads, "x", "budget"), [_count(word, one, counts["bare"]) for word, one in counts.items()])
    return f"{head}\n\n{race}\n\n{count}"


def _count(word: str, one: Count, floor: Count) -> tuple[str, ...]:
    whole = [f"{part:.0f}" for pair in (one.rounds, one.programs, one.processes) for part in pair]
    times = one.processor[1] / floor.processor[1]
    budget = f"<= {ON_HOST[word]:g}: {verdict(times <= ON_HOST[word])}" if word in ON_HOST else ""
    return (word, *whole, *(f"{part:.1f}" for part in one.processor), f"{times:.2f}", budget)


def _row(one: Contender, floor: Contender, milliseconds: int) -> tuple[str, ...]:
    times = times_floor(one.seconds, floor.seconds)
    budget = BUDGETS.get(milliseconds, {}).get(one.name.rpartition(" ")[2])
    judged = ("", "") if budget is None else (f"<= {budget:g}", verdict(times <= budget))
    sides = ((one.processor, floor.processor), (one.on_hosts, floor.on_hosts))
    spent = [
        word
        for mine, theirs in sides
        for word in (f"{statistics.median(mine):.2f}", f"{times_floor(mine, theirs):.2f}")
    ]
    return (one.name, f"{milliseconds} ms", f"{statistics.median(one.seconds):.2f}", f"{times:.2f}", *judged, *spent)


if __name__ == "__main__":
    main()
