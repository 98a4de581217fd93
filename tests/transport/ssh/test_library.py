"""The SSH library is imported from one place, and no program is started for it."""

from __future__ import annotations

import ctypes.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from runbook.transport.ssh.library import CACHE, answered_from_the_cache, found_in

ROOT = Path(__file__).parents[3]
CACHED = b"glibc-ld.so.cache1.1....\0/lib/libnettle.so.8\0/lib/libnettle-extra.so.1\0/lib/libz.so\0/lib/libz.so.1\0"


@pytest.mark.parametrize(
    ("name", "file"),
    [("nettle", "libnettle.so.8"), ("z", "libz.so.1"), ("oqs", None), ("nettl.", None), ("ettle", None)],
)
def test_a_library_has_the_name_that_the_linker_s_cache_gives_it(name: str, file: str | None) -> None:
    assert found_in(CACHED, name) == file


@pytest.mark.skipif(not CACHE.exists(), reason="this linker keeps no cache")
def test_the_cache_says_what_ldconfig_says() -> None:
    asked = ctypes.util.find_library
    with answered_from_the_cache():
        found = ctypes.util.find_library
    assert found is not asked
    assert ctypes.util.find_library is asked
    assert {name: found(name) for name in ("c", "m", "z")} == {name: asked(name) for name in ("c", "m", "z")}


def test_somebody_s_own_folders_are_asked_about_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/lib")
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: f"/opt/lib/{name}")
    with answered_from_the_cache():
        assert ctypes.util.find_library("oqs") == "/opt/lib/oqs"


@pytest.mark.skipif(not CACHE.exists(), reason="this linker keeps no cache")
@pytest.mark.parametrize("module", ["runbook.engine.runner", "runbook.lab.sshd", "runbook.transport.ssh.knownhosts"])
def test_importing_what_needs_ssh_starts_no_program(module: str) -> None:
    code = (
        f"import sys; sys.addaudithook(lambda event, _: event == 'subprocess.Popen' and print(event)); import {module}"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == ""


def test_nobody_imports_the_library_past_this_place() -> None:
    direct = re.compile(r"^\s*(import asyncssh|from asyncssh)", re.MULTILINE)
    found = [path for path in (ROOT / "runbook").rglob("*.py") if direct.search(path.read_text("utf-8"))]
    assert found == [ROOT / "runbook/transport/ssh/library.py"]
