"""Whoever has a sealed record and a stock machine checks it with the text that lies in it, as it stands there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.record.seals import (
    RUN,
    by_hand,
    interrupted,
    make_key,
    open_up,
    recorded,
    relisted,
    run_to_its_end,
    sealer,
    signers,
)

TOOLS = ("sh", "jq", "sha256sum", "find", "diff", "ssh-keygen", "split")
pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in TOOLS), reason=f"needs {', '.join(TOOLS)} on this machine"
)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return make_key(tmp_path / "keys")


@pytest.fixture
def allowed(tmp_path: Path, key: Path) -> Path:
    return signers(tmp_path / "allowed_signers", ("anna@example.org", key))


@pytest.fixture
async def record(tmp_path: Path, key: Path) -> Path:
    return await recorded(tmp_path / "recordings", sealer(key, every=4.0), RUN, cut=0, pause=9)


def check(folder: Path, allowed: Path | str = "", **said: str) -> subprocess.CompletedProcess[str]:
    """In an environment that has the system's own tools and nothing of ours."""
    given = {"signers": str(allowed)} if allowed else {}
    clean = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", **given, **said}
    return subprocess.run(
        ["sh", "-e", "VERIFY.txt"], cwd=folder, env=clean, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_sealed_record_is_checked_with_its_own_text_and_stock_tools(record, allowed):
    done = check(record, allowed)
    said = [line for line in done.stdout.splitlines() if not line.startswith("Good")]
    assert (done.returncode, done.stderr) == (0, "")
    assert said[:2] == ["1 the listing is complete", "2 done"]
    assert said[2:6] == [
        "3 every file is as it was", "4 the chain holds", "5 the checkpoints hold", "6 the approvals hold",
    ]  # fmt: skip
    assert said[7].startswith("8 the ledger holds: 2 entries")
    assert said[8] == f"{RUN}: nothing was found against this record"
    good = [line for line in done.stdout.splitlines() if line.startswith("Good")]
    assert [line.split('"')[1] for line in good] == ["seal@runbook", "checkpoint@runbook"]


async def test_a_record_that_nobody_signed_says_so_and_is_checked_as_far_as_that_goes(tmp_path):
    folder = await run_to_its_end(tmp_path / "recordings", sealer())
    done = check(folder)
    assert (done.returncode, done.stdout.splitlines()[1]) == (0, "nobody signed this record")


async def test_a_run_that_never_ended_is_checked_as_what_it_is(tmp_path, key, allowed):
    folder = await interrupted(tmp_path / "recordings", sealer(key))
    by_hand(tmp_path / "recordings", sealer(key), reason="lost;\n touch /tmp/never $(id)")
    text = (folder / "VERIFY.txt").read_text()
    assert "#   state    interrupted for good: lost;  touch /tmp/never $(id)\n" in text
    assert check(folder, allowed).returncode == 0


def damage(folder: Path, how: str) -> None:
    journal = folder / "journal.jsonl"
    match how:
        case "a line":
            journal.write_bytes(journal.read_bytes().replace(b"all steps done", b"all steps gone"))
        case "output":
            (folder / "out/db1.log").write_bytes(b"restarting\nDONE\n")
        case "added":
            (folder / "out/db2.log").write_bytes(b"")
        case "removed":
            (folder / "plan.json").unlink()
        case "a link":
            (folder / "out/db2.log").symlink_to("db1.log")
        case "listed anew":
            journal.write_bytes(journal.read_bytes().replace(b"all steps done", b"all steps gone"))
            relisted(folder)
        case "the checkpoint":
            path = folder / "checkpoints/9.txt"
            path.write_text(path.read_text().replace("T04", "T05"))
            relisted(folder)
        case "the ledger":
            (folder.parent / "ledger/000000001.json").unlink()
        case "the seal in the ledger":
            path = folder.parent / "ledger/000000002.json"
            path.write_bytes(path.read_bytes().replace(b'"manifest":"', b'"manifest":"0'))


@pytest.mark.parametrize(
    "how",
    [
        "a line", "output", "added", "removed", "a link", "listed anew", "the checkpoint", "the ledger",
        "the seal in the ledger",
    ],
)  # fmt: skip
def test_damage_ends_the_script_before_its_last_line(record, allowed, how):
    open_up(record)
    damage(record, how)
    done = check(record, allowed)
    assert (done.returncode != 0, "nothing was found" in done.stdout) == (True, False), how


def test_a_signer_whom_nobody_vouches_for_ends_it_too(record, tmp_path):
    others = signers(tmp_path / "others", ("ben", make_key(tmp_path / "keys", "ben")))
    assert (check(record, others).returncode != 0, check(record).returncode != 0) == (True, True)


def test_the_text_needs_no_program_of_ours(record):
    text = (record / "VERIFY.txt").read_text()
    assert not any(line.lstrip().startswith(("runbook ", "python")) for line in text.splitlines())
    assert os.access(record / "VERIFY.txt", os.R_OK)


MANUAL = (Path(__file__).parents[2] / "docs/sealing.md").read_text()
SCRIPT = "\n".join(re.findall(r"```sh\n(.*?)```", MANUAL, re.DOTALL))


def by_the_manual(folder: Path, allowed: Path) -> subprocess.CompletedProcess[str]:
    clean = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "signers": str(allowed)}
    words = ["sh", "-e", "-c", SCRIPT]
    return subprocess.run(words, cwd=folder, env=clean, capture_output=True, text=True, timeout=60, check=False)


def test_the_commands_of_the_manual_check_a_seal_as_they_stand(record, allowed):
    done = by_the_manual(record, allowed)
    assert (done.returncode, done.stderr, done.stdout.count("Good"), len(done.stdout.splitlines())) == (0, "", 1, 1)


@pytest.mark.parametrize("how", ["a line", "output", "added", "removed", "a link", "listed anew"])
def test_the_commands_of_the_manual_complain_of_damage(record, allowed, how):
    open_up(record)
    damage(record, how)
    assert by_the_manual(record, allowed).returncode != 0
