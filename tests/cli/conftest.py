"""A desk for each test: its own workspace, its own home, a short runtime folder, no colours."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.desk import Desk


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    runtime = Path(tempfile.mkdtemp(prefix="rb-"))
    for name, value in {
        "XDG_RUNTIME_DIR": str(runtime),
        "HOME": str(tmp_path / "home"),
        "TERM": "dumb",
        "NO_COLOR": "1",
        "COLUMNS": "80",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    root = tmp_path / "workspace"
    root.mkdir()
    made = Desk(root, monkeypatch, capsys)
    yield made
    made.close()
    shutil.rmtree(runtime, ignore_errors=True)
