"""All benchmarks, one after another: `python -m benchmarks`. Missing peers are installed into `.venv-bench`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PEERS = ("--require-hashes", "--requirement", "locks/bench.txt")
ENVIRONMENT = Path(".venv-bench")


def main() -> None:
    """Install the peers once, then run each benchmark as its own program."""
    python = ENVIRONMENT / "bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PEERS], check=True)
    for module in (
        "core", "entering", "journal", "records", "long_line", "sealing", "startup", "fanout", "distance", "screen"
    ):  # fmt: skip
        print(f"== {module}", flush=True)
        # A missed budget is for the reader of the table, and no reason to leave the others unmeasured.
        must_hold = module not in {"records", "sealing", "startup", "screen"}
        subprocess.run([sys.executable, "-m", f"benchmarks.{module}", "--write"], check=must_hold)


main()
