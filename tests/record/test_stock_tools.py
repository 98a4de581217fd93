"""A record is checked without this program: the commands of docs/record.md, run exactly as they stand there."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from runbook.core.events.event import GateOpened, RunEnded
from runbook.core.host_key import ChangedKey, HostKey
from runbook.record.checking.verify import verify
from runbook.record.file_store import keep_files
from tests.record.samples import PLAN, entered, opened, read_lines, rechain, story, write_journal, write_record

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
        ["true", "plan.json: OK", "runbook.yaml: OK", "inventory.json: OK", "true"],
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


@pytest.mark.parametrize("name", ["out/db1.log", "plan.json", "runbook.yaml", "inventory.json"])
def test_a_change_in_any_other_file_fails_a_check(record: Path, name: str):
    data = (record / name).read_bytes()
    (record / name).write_bytes(b"X" + data[1:])
    assert run(record).returncode != 0


@pytest.mark.parametrize(
    ("kind", "said", "forged"),
    [
        (b"RunOpened", b'"title":"Restart orders"', b'"title":"Destroy orders"'),
        (b"StepEntered", b'\\"shell\\":\\"true\\"', b'\\"shell\\":\\"evil\\"'),
        (b"StepEntered", b'"digest":"', b'"digest":"0'),
        (b"AttemptStarted", b'"digest":"', b'"digest":"0'),
        (b"AttemptStarted", b'"host":"db1"', b'"host":"db2"'),
    ],
)
def test_what_was_shown_cannot_be_told_otherwise_by_making_the_chain_anew(
    record: Path, kind: bytes, said: bytes, forged: bytes
):
    rechain(record, lambda line: line.replace(said, forged) if b'"type":"%b"' % kind in line else line)
    assert run(record).returncode != 0
    assert verify(record).grade == "altered"


def test_a_gate_has_the_digest_of_its_step(tmp_path: Path):
    files, restart = keep_files(tmp_path, {"plan.json": PLAN.encoded}), entered("1.2")
    gate = GateOpened(gate="1.2#1", step="1.2", kind="before", digest=restart.digest)
    write_journal(tmp_path, opened(files=files), restart, gate, RunEnded(reason="enough"))
    assert (run(tmp_path).returncode, verify(tmp_path).grade) == (0, "sound")
    forged = b'"kind":"before","digest":"'
    rechain(tmp_path, lambda line: line.replace(forged, forged + b"0"))
    assert (run(tmp_path).returncode != 0, verify(tmp_path).grade) == (True, "altered")


def test_a_question_about_a_changed_key_has_the_digest_of_its_words(tmp_path: Path):
    key = ChangedKey(machine="db1", known=(HostKey("rsa", "old"),), shown=HostKey("rsa", "new"))
    gate = GateOpened(
        gate="1.2#1", step="1.2", kind="host_key", message=key.question, changed_key=key, digest=key.digest
    )
    files = keep_files(tmp_path, {"plan.json": PLAN.encoded})
    write_journal(tmp_path, *story(files=files)[:-1], gate, story()[-1])
    assert (run(tmp_path).returncode, verify(tmp_path).grade) == (0, "sound")
    rechain(tmp_path, lambda line: line.replace(b"The key of db1 has changed", b"The key of db1 is fine"))
    assert (run(tmp_path).returncode != 0, verify(tmp_path).grade) == (True, "altered")


@pytest.mark.skipif(shutil.which("perl") is None, reason="needs perl on this machine")
def test_the_faster_check_of_the_chain_names_the_line(record: Path):
    assert run(record, PERL).stdout == "the chain holds\n"
    lines = read_lines(record)
    (record / "journal.jsonl").write_bytes(b"".join([*lines[:4], lines[4].replace(b"1.1", b"1.2"), *lines[5:]]))
    assert (run(record, PERL).returncode != 0, run(record, PERL).stderr) == (True, "line 6\n")
