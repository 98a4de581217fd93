"""A fabfile in an interpreter of the user's: with their Fabric and their modules, and under our policy."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from runbook.core.outcome import Outcome
from runbook.core.planned.action import FabricAction, Imports, PreflightAction
from runbook.steps.fabric.interpreter import program
from runbook.steps.fabric.kind import FabricKind
from runbook.steps.preflight import PreflightKind
from tests.steps.desk import local
from tests.steps.fabric.fabfiles import Place
from tests.transport import server

NOT_THEIRS = ("msgspec", "asyncssh", "runbook", "__editable__", "_runbook")


@pytest.fixture(scope="module")
def venv(tmp_path_factory) -> Path:
    """An environment of somebody's own: Fabric and what belongs to it, and nothing of ours."""
    folder = tmp_path_factory.mktemp("their") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=60)
    theirs = next(folder.glob("lib/python*/site-packages"))
    for each in Path(sysconfig.get_path("purelib")).iterdir():
        if not each.name.startswith(NOT_THEIRS) and not (theirs / each.name).exists():
            (theirs / each.name).symlink_to(each)
    (theirs / "their_module.py").write_text("WORD = 'theirs'\n")
    return folder


@pytest.fixture
async def place(tmp_path):
    started = await server.start(tmp_path)
    yield Place(tmp_path, started)
    await started.stop()


WORK = """
    import sys
    import their_module

    @task
    def work(c):
        print(their_module.WORD, sys.executable, c.run("echo there", hide=True).stdout.strip())
        return sys.prefix
"""


async def run(place: Place, python: str):
    return await FabricKind().attempt(FabricAction(task="work", python=python), place.bench())


@pytest.mark.parametrize("spelled", ["absolute", "relative"])
async def test_a_task_runs_in_the_venv_that_its_step_names(place, venv, spelled):
    python = f"{venv}/bin/python"
    place.write(WORK)
    said = python if spelled == "absolute" else os.path.relpath(python, place.folder)
    finding = await run(place, said)
    assert (finding.outcome, place.out.decode()) == (Outcome.SUCCEEDED, f"theirs {python} there\n")
    assert finding.result.value == str(venv)
    assert finding.detail.endswith(f", Python {'.'.join(map(str, sys.version_info[:3]))} at {python}")


async def test_it_is_under_the_same_host_key_policy(place, venv):
    place.write(WORK)
    (place.folder / "known_hosts").write_text("")
    finding = await run(place, f"{venv}/bin/python")
    assert (finding.outcome, place.server.state.logins) == (Outcome.UNREACHABLE, 0)
    assert finding.detail.startswith("host box: no key is known for ")


async def test_an_interpreter_that_is_not_there_is_told_and_nobody_logs_in(place):
    place.write(WORK)
    finding = await run(place, "no/such/python")
    assert (finding.outcome, place.server.state.logins) == (Outcome.FAILED, 0)
    assert "no process could be started for a Fabric task" in finding.detail


def test_a_name_is_looked_for_in_the_path_and_a_path_beside_the_runbook(tmp_path, monkeypatch):
    tool = tmp_path / "bin" / "python-of-ours"
    tool.parent.mkdir()
    tool.symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(tool.parent))
    assert program("", tmp_path) == sys.executable
    assert program("python-of-ours", tmp_path) == str(tool)
    assert program("bin/python-of-ours", tmp_path) == str(tool)


# --- tried before anything changes ------------------------------------------------------------------------------------


async def tried(tmp_path: Path, *imports: Imports):
    desk = local()
    finding = await PreflightKind().attempt(
        PreflightAction(imports=imports), desk.bench(host="controller", folder=tmp_path)
    )
    return finding, desk.checks


async def test_what_every_interpreter_has_is_told_with_its_name(tmp_path, venv):
    theirs = f"{venv}/bin/python"
    ours = Imports(file="fabfile.py", modules=("msgspec",))
    finding, checks = await tried(
        tmp_path, ours, Imports(file="ops/fabfile.py", modules=("their_module",), python=theirs)
    )
    assert finding.outcome is Outcome.SUCCEEDED
    assert checks == [
        ("fabfile fabfile.py", True, f"{sys.executable} has msgspec"),
        ("fabfile ops/fabfile.py", True, f"{theirs} has their_module"),
    ]


async def test_an_interpreter_that_needs_nothing_else_is_tried_too(tmp_path):
    finding, [check] = await tried(tmp_path, Imports(file="fabfile.py"))
    assert (finding.outcome, check) == (Outcome.SUCCEEDED, ("fabfile fabfile.py", True, f"{sys.executable} can run it"))


async def test_what_is_missing_is_said_with_the_command_that_installs_it(tmp_path):
    finding, [(name, ok, detail)] = await tried(
        tmp_path, Imports(file="fabfile.py", modules=("dotenv", "no_such_thing"))
    )
    assert (finding.outcome, name, ok) == (Outcome.FAILED, "fabfile fabfile.py", False)
    assert detail == (
        f"dotenv, no_such_thing are not installed for {sys.executable}. Install it there: "
        f"`{sys.executable} -m pip install python-dotenv no_such_thing`, or name with python: an interpreter that has it."
    )


async def test_an_interpreter_without_fabric_is_told_where_to_install_it(tmp_path):
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True, timeout=60)
    _, [(_, ok, detail)] = await tried(tmp_path, Imports(file="fabfile.py", python="bare/bin/python"))
    why = "ModuleNotFoundError: No module named 'fabric'"
    fix = f"Install it there: `{bare}/bin/python -m pip install fabric`"
    assert (ok, detail) == (False, f"{bare}/bin/python cannot run a Fabric task: {why}. {fix}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("#!/bin/sh\necho 'Unknown option: -P' >&2\nexit 2\n", "Name a Python of 3.11 or newer."),
        (
            "#!/bin/sh\necho \"child ModuleNotFoundError: No module named 'msgspec._core'\"\n",
            "-m pip install msgspec asyncssh`",
        ),
        ("", "Correct python; it is a path relative to the runbook, or a program."),
    ],
    ids=["too old", "of another version", "not there"],
)
async def test_an_interpreter_that_will_not_do_is_told_why(tmp_path, text, said):
    if text:
        (tmp_path / "python").write_text(text)
        (tmp_path / "python").chmod(0o755)
    finding, [(_, ok, detail)] = await tried(tmp_path, Imports(file="fabfile.py", python="./python"))
    assert (finding.outcome, ok) == (Outcome.FAILED, False)
    assert detail.startswith(f"{tmp_path}/python cannot run a Fabric task: ")
    assert detail.endswith(said)
