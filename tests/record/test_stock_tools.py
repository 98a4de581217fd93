"""A record is checked without this program: the commands of docs/record.md, run exactly as they stand there."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.record.samples import read_lines, write_record

MANUAL = Path(__file__).parents[2] / "docs/record.md"
CHAPTER = MANUAL.read_text().partition("## Check it with stock tools")[2].partition("\n## ")[0]
SCRIPT = "\n".join(re.findall(r"```sh\n(.*?)```", CHAPTER, re.DOTALL))
PERL = re.search(r"```\n(perl .*?)```", CHAPTER, re.DOTALL)[1]

# The chapter is one script: a check that fails ends it, because nothing in it hides a status behind `&&`.
TOOLS = ("sh", "jq", "sha256sum", "cmp", "split")
pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in TOOLS), reason=f"needs {', '.join(TOOLS)} on this machine"
)


def run(folder: Path, script: str = SCRIPT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-e", "-c", script], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def record(tmp_path: Path) -> Path:
    write_record(tmp_path / "r1")
    return tmp_path / "r1"


def test_a_sound_record_passes_every_check_of_the_manual(record: Path):
    found = run(record)
    assert (found.returncode, found.stderr, found.stdout.splitlines()) == (
        0,
        "",
        ["true", "runbook.yaml: OK", "inventory.json: OK"],
    )


@pytest.mark.parametrize("line", range(11))
def test_a_change_in_any_line_of_the_journal_fails_a_check(record: Path, line: int):
    lines = read_lines(record)
    lines[line] = lines[line].replace(b"T04:12", b"T03:12", 1)
    (record / "journal.jsonl").write_bytes(b"".join(lines))
    assert run(record).returncode != 0


@pytest.mark.parametrize("line", range(11))
def test_a_line_removed_from_anywhere_fails_a_check(record: Path, line: int):
    lines = read_lines(record)
    (record / "journal.jsonl").write_bytes(b"".join(lines[:line] + lines[line + 1 :]))
    assert run(record).returncode != 0


@pytest.mark.parametrize("name", ["out/db1.log", "runbook.yaml", "inventory.json"])
def test_a_change_in_any_other_file_fails_a_check(record: Path, name: str):
    data = (record / name).read_bytes()
    (record / name).write_bytes(b"X" + data[1:])
    assert run(record).returncode != 0


@pytest.mark.skipif(shutil.which("perl") is None, reason="needs perl on this machine")
def test_the_faster_check_of_the_chain_names_the_line(record: Path):
    assert run(record, PERL).stdout == "the chain holds\n"
    lines = read_lines(record)
    (record / "journal.jsonl").write_bytes(b"".join([*lines[:4], lines[4].replace(b"1.1", b"1.2"), *lines[5:]]))
    assert (run(record, PERL).returncode != 0, run(record, PERL).stderr) == (True, "line 6\n")
