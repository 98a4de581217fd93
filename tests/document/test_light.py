"""Checking a runbook is quick because it loads little."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("textual", "rich", "asyncssh", "asyncio", "fabric", "paramiko", "click", "jsonpath")


def test_documents_load_neither_the_screen_nor_ssh() -> None:
    code = "import runbook.planning.compile, runbook.planning.lint, runbook.document.schema, runbook.document.findings, sys\n"
    code += f"print([name for name in {HEAVY!r} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert loaded.stdout == "[]\n"
