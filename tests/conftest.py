"""Places for runners. The runtime directory is short, because a socket's path may not be long."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.place import Place


def pytest_configure() -> None:
    """Programs that the tests start can be interrupted, also where the tests were started in the background."""
    for number in (signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL if number is signal.SIGQUIT else signal.default_int_handler)


@pytest.fixture(autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs on this machine keeps its jobs in a place of the test's own: they outlive their sessions."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime directory of the test's own."""
    folder = Path(tempfile.mkdtemp(prefix="rb-"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def place(tmp_path: Path, runtime: Path) -> AsyncIterator[Place]:
    """A workspace in which runners may be started."""
    made = Place(tmp_path)
    yield made
    await made.close()
