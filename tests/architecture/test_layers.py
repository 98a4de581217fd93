"""The floors of the house: who may see whom stands in pyproject.toml, and here it is checked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.architecture.house import ROOT


def test_nobody_looks_up_and_the_pure_rooms_stay_pure() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
