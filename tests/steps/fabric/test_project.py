"""A fabfile runs as it was shown, with the modules and the settings that it brings along, and with no others."""

from __future__ import annotations

import hashlib
import os
import py_compile

import pytest

from runbook.core.outcome import Outcome
from runbook.core.planned.action import FabricAction
from runbook.planning.fabfile import brought_along, entry
from runbook.steps.fabric.kind import FabricKind
from runbook.steps.fabric.project import Project
from tests.steps.fabric.fabfiles import Place
from tests.transport import server

TASK = "@task\ndef work(c):\n    print(lib.WORD, c.config.get('word'))"
SETTINGS = "word: good\n"


@pytest.fixture
async def place(tmp_path):
    started = await server.start(tmp_path)
    made = Place(tmp_path, started)
    made.write(f"import lib\n{TASK}")
    made.write("WORD = 'good'", "lib.py")
    (tmp_path / "fabric.yaml").write_text(SETTINGS)
    yield made
    await started.stop()


def shown(place: Place, file: str = "fabfile.py") -> FabricAction:
    """The step as a plan shows it now."""

    def digest(path) -> str:
        return hashlib.sha256(path.read_bytes()).hexdigest()

    first = place.folder / file
    beside = {str(path.relative_to(first.parent)): digest(path) for path in brought_along(first)}
    return FabricAction(task="work", file=file, sha256=digest(entry(first)), beside=beside)


async def test_what_was_shown_runs(place):
    action = shown(place)
    assert set(action.beside) == {"lib.py", "fabric.yaml"}
    finding = await FabricKind().attempt(action, place.bench())
    assert (finding.outcome, place.out) == (Outcome.SUCCEEDED, b"good good\n")


CHANGES = [
    ("fabfile.py", "from fabric import task\n@task\ndef work(c):\n    print('evil')"),
    ("lib.py", "WORD = 'evil'"),
    ("fabric.yaml", "word: evil\n"),
]


@pytest.mark.parametrize(("name", "text"), CHANGES)
async def test_what_changed_since_it_was_shown_is_not_run_and_nobody_logs_in(place, name, text):
    action = shown(place)
    (place.folder / name).write_text(text)
    finding = await FabricKind().attempt(action, place.bench())
    assert finding.outcome is Outcome.FAILED
    assert f"{place.folder / name} has changed since the plan was made: its SHA-256 was" in finding.detail
    assert (place.out, place.server.state.logins) == (b"", 0)


@pytest.mark.parametrize(("name", "text"), CHANGES)
async def test_what_is_swapped_behind_the_first_look_is_not_run_either(place, monkeypatch, name, text):
    look = Project.look

    def swapped(project):
        look(project)
        (place.folder / name).write_text(text)

    action = shown(place)
    monkeypatch.setattr(Project, "look", swapped)
    finding = await FabricKind().attempt(action, place.bench())
    assert finding.outcome is Outcome.FAILED
    assert f"{place.folder / name} has changed since the plan was made" in finding.detail
    assert place.out == b""


async def test_byte_code_that_somebody_left_beside_a_module_is_not_run(place):
    source = place.folder / "lib.py"
    good, stamp = source.read_bytes(), source.stat()
    source.write_bytes(good.replace(b"good", b"evil"))
    os.utime(source, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    py_compile.compile(str(source))
    source.write_bytes(good)
    os.utime(source, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    await FabricKind().attempt(shown(place), place.bench())
    assert place.out == b"good good\n"


async def test_a_module_that_no_plan_could_see_is_refused_in_words(place):
    place.write(f"import importlib\nlib = importlib.import_module('l' + 'ib')\n{TASK}")
    finding = await FabricKind().attempt(shown(place), place.bench())
    assert finding.outcome is Outcome.FAILED
    assert f"{place.folder}/lib.py has changed since the plan was made: the plan did not show it" in finding.detail
    assert place.out == b""


async def test_settings_that_came_later_are_refused(place):
    (place.folder / "fabric.yaml").unlink()
    action = shown(place)
    (place.folder / "fabric.yaml").write_text(SETTINGS)
    finding = await FabricKind().attempt(action, place.bench())
    assert finding.outcome is Outcome.FAILED
    assert f"{place.folder}/fabric.yaml has changed since the plan was made" in finding.detail


async def test_a_folder_with_the_name_of_an_installed_package_does_not_hide_it(place):
    (place.folder / "yaml").mkdir()
    place.write(f"import lib, yaml\nassert yaml.safe_load('[1]') == [1]\n{TASK}")
    finding = await FabricKind().attempt(shown(place), place.bench())
    assert (finding.outcome, place.out) == (Outcome.SUCCEEDED, b"good good\n")


async def test_a_package_is_held_to_what_was_shown_as_a_file_is(place):
    (place.folder / "ops").mkdir()
    place.write(f"from . import lib\n{TASK}", "ops/__init__.py")
    place.write("WORD = 'inside'", "ops/lib.py")
    action = shown(place, "ops")
    assert set(action.beside) == {"ops/lib.py", "fabric.yaml"}
    await FabricKind().attempt(action, place.bench())
    assert place.out == b"inside good\n"
    place.write("WORD = 'evil'", "ops/lib.py")
    assert (await FabricKind().attempt(action, place.bench())).outcome is Outcome.FAILED
    assert place.out == b"inside good\n"
