"""What was resolved is what is installed: locks/ answers to pyproject.toml, holds hashes, and names no registry."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.house import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
GROUPS = PROJECT["dependency-groups"]
RUN = [*PROJECT["project"]["dependencies"], *GROUPS["build"]]
LOCKS = {
    "run": RUN,
    "test": [*RUN, *GROUPS["test"]],
    "lint": [*RUN, *GROUPS["test"], *GROUPS["lint"]],
    "bench": GROUPS["bench"],
    "ansible": GROUPS["ansible"],
    "lock": GROUPS["lock"],
}
PIN = re.compile(
    r"^(?P<name>[\w.-]+)==(?P<version>\S+)(?P<marker> ;.*)?(?P<hashes>( \\\n    --hash=sha256:[0-9a-f]{64})+)$",
    re.MULTILINE,
)


def text_of(lock: str) -> str:
    return (ROOT / "locks" / f"{lock}.txt").read_text(encoding="utf-8")


def pins(lock: str) -> Iterator[tuple[str, str]]:
    return ((canonicalize_name(pin["name"]), pin["version"]) for pin in PIN.finditer(text_of(lock)))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_answers_every_range_that_the_project_declares(lock: str) -> None:
    pinned = dict(pins(lock))
    wanted = [Requirement(each) for each in LOCKS[lock]]
    unmet = [str(each) for each in wanted if not each.specifier.contains(pinned.get(canonicalize_name(each.name), ""))]
    assert unmet == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_is_pins_with_hashes_and_nothing_else_so_it_names_no_registry(lock: str) -> None:
    assert PIN.sub("", text_of(lock)).strip() == ""


@pytest.mark.parametrize(("smaller", "larger"), [("run", "test"), ("test", "lint")])
def test_what_runs_is_what_is_tested_and_checked(smaller: str, larger: str) -> None:
    assert set(pins(smaller)) - set(pins(larger)) == set()


def test_every_lock_is_one_that_is_looked_at() -> None:
    assert {path.stem for path in (ROOT / "locks").iterdir()} == set(LOCKS)
