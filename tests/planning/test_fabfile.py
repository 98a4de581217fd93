"""What a fabfile brings along is found without running it: what it imports from its own folder, and its settings."""

from __future__ import annotations

import hashlib
import textwrap
from pathlib import Path

import pytest

from runbook.core.planned.action import Imports
from runbook.planning.fabfile import brought_along
from tests.planning.compiling import codes, compiled, one


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


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("import os, boto3, requests.auth", ("boto3", "requests")),
        ("from fabric import task\nfrom invoke import run\nimport paramiko", ()),
        ("import lib\nfrom . import lib\nimport plain", ()),
        ("try:\n    import boto3\nexcept ImportError:\n    boto3 = None", ()),
        ("import sys\nif sys.version_info < (3, 11):\n    import tomli", ()),
        ("def log_level(c):\n    import yaml", ("yaml",)),
        ("def other(c):\n    import yaml", ()),
        ("from lib import x", ("from_lib",)),
        ("import sys\nsys.path.append('x')\nimport boto3", ()),
        ("this is no Python", ()),
    ],
)
def test_what_it_needs_from_elsewhere_in_any_case_is_noted(tmp_path: Path, text: str, names: tuple[str, ...]) -> None:
    inside = "import from_lib" if "from lib import" in text else ""
    written(tmp_path, {"fabfile.py": text, "lib.py": inside, "plain/inner.py": ""})
    step = one("- {name: s, fabric: {task: ops.log-level}, on: web1}", file=str(tmp_path / "t.yaml"))
    assert step.action.imports == names


@pytest.mark.parametrize(
    "text", ["from fabric.api import run, env", "from fabric import api", "import fabric.contrib.files"]
)
def test_a_fabfile_for_fabric_1_is_refused_when_it_is_checked(tmp_path: Path, text: str) -> None:
    written(tmp_path, {"fabfile.py": text})
    assert codes("- {name: s, fabric: {task: t}, on: web1}", file=str(tmp_path / "t.yaml")) == ["fabric-1"]


def test_each_fabfile_is_tried_once_for_each_interpreter_before_anything_changes(tmp_path: Path) -> None:
    written(tmp_path, {"fabfile.py": "import boto3", "ops/fabfile.py": "import yaml\ndef b(c):\n    import attr"})
    steps = """\
- {name: a, fabric: {task: a}, on: web1}
- {name: b, fabric: {task: b, file: ops/fabfile.py, python: ../venv/bin/python}, on: web1}
- {name: c, fabric: {task: a, file: ops/fabfile.py, python: ../venv/bin/python}, on: web1}
- {name: d, fabric: {task: a, python: python3}, on: web1, env: {PYTHONPATH: lib}}
"""
    plan = compiled(steps, file=str(tmp_path / "t.yaml")).plan
    reach, look = plan.sections[0].steps
    assert (reach.hosts, look.hosts) == (("web1",), ("controller",))
    assert look.action.imports == (
        Imports(file="fabfile.py", modules=("boto3",)),
        Imports(file="ops/fabfile.py", modules=("yaml", "attr"), python="../venv/bin/python"),
        Imports(file="fabfile.py", python="python3"),
    )
    assert "controller" in {host.name for host in plan.hosts}
    plain = compiled(
        "- {name: d, fabric: {task: a}, on: web1, env: {PYTHONPATH: lib}}", file=str(tmp_path / "t.yaml")
    ).plan
    assert [step.name for step in plain.sections[0].steps] == ["Reach every host"]
