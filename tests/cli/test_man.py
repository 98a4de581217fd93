"""The manual page is what the verbs say of themselves, and a formatter can read it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runbook.cli.main import VERBS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "runbook.1"


def test_the_page_is_up_to_date_with_the_verbs() -> None:
    made = subprocess.run(
        [sys.executable, ROOT / "docs" / "make_man.py", "--print"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert PAGE.read_text(encoding="utf-8") == made.stdout, "make it again: python docs/make_man.py"


def test_a_formatter_has_no_complaint_and_shows_every_verb() -> None:
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed")
    done = subprocess.run(
        ["groff", "-man", "-ww", "-Tascii", "-P-c", "-P-b", "-P-u", PAGE],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    assert [verb for verb in VERBS if f"runbook {verb}" not in done.stdout] == []
