"""Golden screens are plain text, one file each, so that a reviewer reads what a person would see."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode


class TextScreen(SingleFileSnapshotExtension):
    """A screen as text."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@pytest.fixture
def screen(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Compares a whole screen with the golden one."""
    return snapshot.use_extension(TextScreen)


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """No wish of the machine's own may change what is drawn."""
    for name in ("NO_COLOR", "RUNBOOK_THEME", "TEXTUAL_THEME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
