"""One lab for the tests of this folder, made new before each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runbook.lab.control import down, up
from tests.lab.running import RunningLab


@pytest.fixture(scope="session")
def lab_root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("lab") / "lab"
    try:
        yield root
    finally:
        down(root)


@pytest.fixture
def lab(lab_root: Path) -> RunningLab:
    return RunningLab(up(lab_root, fresh=True))


@pytest.fixture
def make_lab(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Directories for labs of a test's own; whatever it brings up there is taken down."""
    roots: list[Path] = []

    def make(name: str) -> Path:
        roots.append(tmp_path / name)
        return roots[-1]

    yield make
    for root in roots:
        down(root)
