"""How long the verbs take that an editor or a tired person waits for, as multiples of `python -c "import click"`.

    python benchmarks/startup.py [ROUNDS]

Processor time is counted and not the clock's: on an idle machine the two are the same, and on a busy one only the
first is ours. The commands take turns and the least time of each counts; bytecode is compiled beforehand. Budgets:
`runbook --help` at most twice the import of click, `runbook check FILE` at most three times. What the libraries cost
that a check cannot do without is shown too, because below that nothing of ours can go.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.table import publish, rows

ROOT = Path(__file__).parent.parent
BOOK = "drills/failover/orders-failover.yaml"
COMMANDS = {
    "import click": ["-c", "import click"],
    "import libraries": ["-c", "import click, jinja2.sandbox, msgspec, yaml"],
    "runbook --help": ["-m", "runbook.cli", "--help"],
    "runbook check FILE": ["-m", "runbook.cli", "check", BOOK],
}
BUDGETS = {"runbook --help": 2.0, "runbook check FILE": 3.0}


def seconds(arguments: list[str], environment: dict[str, str]) -> float:
    """Processor time of one process, user and system."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    quiet = subprocess.DEVNULL
    subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, stdout=quiet, stderr=quiet, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> int:
    rounds = next((int(word) for word in sys.argv[1:] if word.isdigit()), 20)
    with tempfile.TemporaryDirectory() as cache:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment |= {"PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": cache}
        for arguments in COMMANDS.values():
            seconds(arguments, environment)
        times = {name: [] for name in COMMANDS}
        for _ in range(rounds):
            for name, arguments in COMMANDS.items():
                times[name].append(seconds(arguments, environment))
    base = min(times["import click"])
    ratios = {name: min(found) / base for name, found in times.items()}
    body = [
        (name, f"{ratio * base * 1000:.0f}", f"{ratio:.1f}", *_budget(name, ratio)) for name, ratio in ratios.items()
    ]
    heads = ("processor time of", "ms", "x `import click`", "budget", "")
    publish("startup", rows(heads, body), write="--write" in sys.argv)
    return int(any(ratios[name] > budget for name, budget in BUDGETS.items()))


def _budget(name: str, ratio: float) -> tuple[str, str]:
    if name not in BUDGETS:
        return "", ""
    return f"<= {BUDGETS[name]:g}", "held" if ratio <= BUDGETS[name] else "**missed**"


if __name__ == "__main__":
    sys.exit(main())
