"""Which Python runs a fabfile, and what to type so that it does.

Ours, unless a step names another one: a path relative to the runbook, or a program of the PATH. The words are the same
for a task and for the trial that a preflight makes, so what was tried is what will run.
"""

from __future__ import annotations

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from runbook.steps.fabric.guest import LENT

GUEST = Path(__file__).with_name("guest.py")


def program(python: str, folder: Path) -> str:
    """Path of the interpreter. A link stays one: by it an interpreter knows its venv."""
    if not python:
        return sys.executable
    if "/" in python:
        return os.path.abspath(folder / Path(python).expanduser())  # noqa: PTH100 - resolving would follow the link
    return shutil.which(python) or python


def child_words(python: str) -> tuple[str, ...]:
    """The beginning of the child's command line; behind it stands the number of its socket."""
    # -P: a file beside the fabfile must not pass for a module of Python's or ours. -B: nothing is left beside it.
    if python == sys.executable:
        return python, "-P", "-B", "-m", "runbook.steps.fabric.child"
    return python, "-P", "-B", str(GUEST), _places()


def trial_words(python: str, modules: tuple[str, ...]) -> tuple[str, ...]:
    """A command line that tells whether the child can run there, and which modules are there (`guest.py`)."""
    return python, "-P", "-B", str(GUEST), _places(), "try", *modules


def _places() -> str:
    """Folders in which what is lent lies here."""
    found = (find_spec(name) for name in LENT)
    origins = [Path(spec.origin) for spec in found if spec is not None and spec.origin]
    folders = (each.parents[1 if each.name == "__init__.py" else 0] for each in origins)
    return os.pathsep.join(str(folder) for folder in dict.fromkeys(folders))
