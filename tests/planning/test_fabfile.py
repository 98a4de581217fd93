"""What a fabfile brings along is found without running it: what it imports from its own folder, and its settings."""

from __future__ import annotations

import hashlib
import textwrap
from pathlib import Path

import pytest

from runbook.planning.fabfile import brought_along
from tests.planning.compiling import one


def written(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("import os, json", ()),
        ("import lib", ("lib.py",)),
        ("import lib as other, tools.deep", ("lib.py", "tools/__init__.py", "tools/deep.py", "tools/leaf.py")),
        ("from tools import deep", ("tools/__init__.py", "tools/deep.py", "tools/leaf.py")),
        ("from plain.inner import x", ("plain/inner.py",)),
        ("def later():\n    from lib import x", ("lib.py",)),
        ("from nowhere import x", ()),
        ("from ... import x", ()),
        ("this is no Python", ()),
    ],
)
def test_imports_are_followed_as_far_as_they_lead_in_the_folder(
    tmp_path: Path, text: str, names: tuple[str, ...]
) -> None:
    written(
        tmp_path / "ops",
        {
            "fabfile.py": text,
            "lib.py": "import lib",
            "unused.py": "",
            "tools/__init__.py": "",
            "tools/deep.py": "from . import leaf\nfrom .. import lib",
            "tools/leaf.py": "",
            "plain/inner.py": "",
        },
    )
    found = brought_along(tmp_path / "ops/fabfile.py")
    expected = {*names} | ({"lib.py"} if "tools/deep.py" in names else set())
    assert {str(path.relative_to(tmp_path / "ops")) for path in found} == expected


def test_a_package_brings_its_own_modules_and_the_settings_beside_it(tmp_path: Path) -> None:
    written(
        tmp_path,
        {
            "ops/__init__.py": "from .steps import deploy\nimport common",
            "ops/steps.py": "",
            "ops/common.py": "",
            "common.py": "",
            "fabric.yaml": "run: {}",
        },
    )
    found = [str(path.relative_to(tmp_path)) for path in brought_along(tmp_path / "ops")]
    assert found == ["fabric.yaml", "ops/steps.py", "ops/common.py"]


def test_a_plan_holds_the_digest_of_all_of_it(tmp_path: Path) -> None:
    files = {"ops/fabfile.py": "import lib", "ops/lib.py": "x = 1", "ops/fabric.yaml": "run: {}"}
    written(tmp_path, files)
    step = one("- {name: s, fabric: {task: t, file: ops/fabfile.py}, on: web1}", file=str(tmp_path / "t.yaml"))
    sums = {name.partition("/")[2]: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()}
    assert step.action.sha256 == sums.pop("fabfile.py")
    assert step.action.beside == sums
