"""A run that has ended is closed for good: listed, signed, explained, read-only; and never harmed by that."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runbook.problem import Problems
from runbook.record.file_store import FileStore
from runbook.record.sealing import seal as sealing_room
from runbook.record.sealing.manifest import listing, read_listing
from runbook.record.sealing.seal import UNSIGNED
from tests.real.agent import Agent
from tests.record.seals import (
    RUN,
    by_hand,
    finding,
    found,
    interrupted,
    make_key,
    open_up,
    public,
    recorded,
    run_to_its_end,
    sealer,
    signers,
    trusting,
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "recordings"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return make_key(tmp_path / "keys")


@pytest.fixture
def allowed(tmp_path: Path, key: Path) -> Path:
    return signers(tmp_path / "allowed_signers", ("anna@example.org", key))


@pytest.fixture
async def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Agent]:
    folder = Path(tempfile.mkdtemp(prefix="rb-"))
    running = await Agent(folder / "agent").start()
    monkeypatch.setenv("SSH_AUTH_SOCK", str(running.socket))
    yield running
    await running.stop()
    shutil.rmtree(folder, ignore_errors=True)


def code(caught: pytest.ExceptionInfo[Problems]) -> str:
    return caught.value.problems[0].code


async def test_a_run_that_ended_is_sealed_by_its_writer_and_signed_with_the_key(root, key, allowed):
    folder = await run_to_its_end(root, sealer(key))
    assert sorted(path.name for path in folder.iterdir()) == [
        "OUTPUT.SHA256SUMS", "SEAL.json", "SHA256SUMS", "SHA256SUMS.sig", "VERIFY.txt", "inventory.json",
        "journal.jsonl", "out", "plan.json", "runbook.yaml",
    ]  # fmt: skip
    verified = found(folder, trusting(allowed))
    assert verified.grade == "sound"
    said = next(check.detail for check in verified.checks if check.name == "seal")
    assert said.startswith("Signed by anna@example.org with SHA256:")


async def test_a_seal_says_of_which_run_up_to_where_by_whom_and_with_which_key(root, key):
    folder = await run_to_its_end(root, sealer(key))
    said = json.loads((folder / "SEAL.json").read_text())
    fingerprint = subprocess.run(["ssh-keygen", "-lf", key], capture_output=True, text=True, check=True).stdout.split()[
        1
    ]
    assert said == {
        "seal": 1,
        "run": RUN,
        "state": "ended",
        "lines": 11,
        "head": found(folder).head,
        "sealed": "2026-11-23T04:13:00.000Z",
        "by": {"name": "anna", "uid": 1000, "via": "run"},
        "key": fingerprint,
        "program": "0.1.0",
    }


async def test_without_a_key_a_record_is_sealed_all_the_same_and_says_that_nobody_signed(root, allowed):
    folder = await run_to_its_end(root, sealer())
    assert json.loads((folder / "SEAL.json").read_text())["unsigned"] == UNSIGNED
    assert (found(folder).grade, finding(folder, "seal")) == ("sound", ("note", "unsigned"))
    assert finding(folder, "seal", trusting(allowed)) == ("missing", "unsigned")


async def test_a_sealed_record_is_read_only_for_everybody(root, key):
    folder = await run_to_its_end(root, sealer(key))
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}
    assert modes == {0o400, 0o500}


async def test_nobody_but_a_sealer_seals(root):
    folder = await run_to_its_end(root, None)
    assert not (folder / "SHA256SUMS").exists()
    assert (found(folder).grade, finding(folder, "seal")) == ("sound", ("note", "unsealed"))


async def test_a_run_that_did_not_end_is_left_open_by_its_writer(root, key):
    folder = await interrupted(root, sealer(key))
    assert not (folder / "SHA256SUMS").exists()
    taken = FileStore(root).take(RUN)
    await taken.writer.close()


async def test_a_run_interrupted_for_ever_is_sealed_as_what_it_is(root, key, allowed):
    folder = await interrupted(root, sealer(key))
    assert found(folder).grade == "incomplete"
    with pytest.raises(Problems) as caught:
        by_hand(root, sealer(key))
    assert code(caught) == "not-ended"
    by_hand(root, sealer(key), reason="the site burnt down")
    verified = found(folder, trusting(allowed))
    assert (verified.grade, verified.grade.status) == ("sound with exceptions", 3)
    ending = next(check for check in verified.checks if check.name == "ending")
    assert ending.detail.endswith("it was sealed as interrupted: the site burnt down")


async def test_a_torn_last_line_is_sealed_where_it_stands(root, key, allowed):
    folder = await interrupted(root, sealer(key))
    with (folder / "journal.jsonl").open("ab") as file:
        file.write(b'{"prev":"')
    by_hand(root, sealer(key), reason="nobody goes on")
    assert json.loads((folder / "SEAL.json").read_text())["torn"] == 9
    assert found(folder, trusting(allowed)).grade == "sound with exceptions"


async def test_nobody_takes_up_a_sealed_run_or_seals_it_again(root, key):
    await interrupted(root, sealer(key))
    by_hand(root, sealer(key), reason="nobody goes on")
    for again in (lambda: FileStore(root).take(RUN), lambda: by_hand(root, sealer(key))):
        with pytest.raises(Problems) as caught:
            again()
        assert code(caught) == "record-sealed"


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
async def test_every_kind_of_key_file_seals(tmp_path, root, kind):
    key = make_key(tmp_path / "keys", "ben", kind)
    folder = await run_to_its_end(root, sealer(key))
    assert finding(folder, "seal", trusting(signers(tmp_path / "s", ("ben", key)))) == ("ok", "")


async def test_a_certificate_seals_and_is_believed_through_its_authority(tmp_path, root):
    key, authority = make_key(tmp_path / "keys", "cleo"), make_key(tmp_path / "keys", "authority")
    words = ["ssh-keygen", "-q", "-s", authority, "-I", "cleo-2026", "-n", "cleo", "-V", "always:forever", f"{key}.pub"]
    subprocess.run(words, check=True, capture_output=True)
    folder = await run_to_its_end(root, sealer(f"{key}-cert.pub"))
    allowed = signers(tmp_path / "s", f"cleo cert-authority {public(authority)}")
    assert json.loads((folder / "SEAL.json").read_text())["certificate"] == "cleo-2026"
    assert finding(folder, "seal", trusting(allowed)) == ("ok", "")


async def test_an_agent_seals_with_a_key_of_which_only_the_public_half_is_here(tmp_path, root, key, allowed, agent):
    agent.add(key)
    key.unlink()
    folder = await run_to_its_end(root, sealer(f"{key}.pub"))
    assert finding(folder, "seal", trusting(allowed)) == ("ok", "")


# --- what goes wrong --------------------------------------------------------------------------------------------------


def break_key(key: Path, how: str) -> None:
    if how == "gone":
        key.unlink()
        key.with_name("anna.pub").unlink()
    elif how == "its other half gone":
        key.unlink()
    elif how == "locked":
        subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "secret", "-f", key], check=True, capture_output=True)
    else:
        key.write_text("no key\n")
        key.with_name("anna.pub").unlink()


@pytest.mark.parametrize("how", ["gone", "its other half gone", "locked", "no key at all"])
async def test_a_key_that_does_not_sign_leaves_the_record_open_and_whole_and_says_why(
    root, key, how, capsys, monkeypatch
):
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "never")
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    break_key(key, how)
    folder = await run_to_its_end(root, sealer(key))
    assert "Nothing can be signed with" in capsys.readouterr().err
    assert sorted(path.name for path in folder.iterdir()) == [
        "inventory.json", "journal.jsonl", "out", "plan.json", "runbook.yaml",
    ]  # fmt: skip
    assert found(folder).grade == "sound"


async def test_what_a_key_could_not_sign_is_sealed_by_hand_when_it_is_back(root, key, allowed):
    aside = key.rename(key.with_name("aside"))
    folder = await run_to_its_end(root, sealer(key))
    aside.rename(key)
    by_hand(root, sealer(key))
    assert found(folder, trusting(allowed)).grade == "sound"


@pytest.mark.parametrize("step", range(1, 7))
async def test_a_disk_that_is_full_at_any_step_of_a_seal_costs_the_seal_alone(root, key, allowed, monkeypatch, step):
    folder = await run_to_its_end(root, None)
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    monkeypatch.setattr(sealing_room, "write_new_file", full_at(step, sealing_room.write_new_file))
    if step < 6:
        with pytest.raises(Problems) as caught:
            by_hand(root, sealer(key))
        assert (code(caught), caught.value.problems[0].why) == ("seal-failed", "No space left on device")
        assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before
        monkeypatch.undo()
    by_hand(root, sealer(key))
    assert found(folder, trusting(allowed)).grade == "sound"


def full_at(step: int, write):
    taken = []

    def written(path: Path, data: bytes, **how: bool) -> None:
        taken.append(path)
        if len(taken) == step:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(path, data, **how)

    return written


async def test_what_a_crash_left_of_a_seal_is_done_anew(root, key, allowed):
    folder = await run_to_its_end(root, None)
    for name in ("SEAL.json", "VERIFY.txt", "OUTPUT.SHA256SUMS", "SHA256SUMS.sig", ".SHA256SUMS"):
        (folder / name).write_text("half of it")
    by_hand(root, sealer(key))
    assert found(folder, trusting(allowed)).grade == "sound"


async def test_a_link_in_a_record_is_not_sealed_over(root, key):
    folder = await run_to_its_end(root, None)
    (folder / "out" / "db2.log").symlink_to("/etc/passwd")
    with pytest.raises(Problems) as caught:
        by_hand(root, sealer(key))
    assert code(caught) == "record-not-plain"
    assert not (folder / "SHA256SUMS").exists()


async def test_a_live_run_is_sealed_by_nobody(root, key):
    created = FileStore(root).create(RUN, runbook="orders-restart", files={})
    with pytest.raises(Problems) as caught:
        by_hand(root, sealer(key), reason="I cannot wait")
    assert code(caught) == "record-live"
    await created.writer.close()


async def test_a_place_that_demands_a_token_takes_no_other_key(root, key):
    await run_to_its_end(root, None)
    with pytest.raises(Problems) as caught:
        by_hand(root, sealer(key, demand="fido"))
    assert code(caught) == "seal-demand"


# --- checkpoints ------------------------------------------------------------------------------------------------------


async def test_the_head_of_a_long_run_is_signed_while_it_goes_on(root, key, allowed):
    folder = await checked(root, key)
    text = (folder / "checkpoints" / "9.txt").read_text().splitlines()
    assert text[:2] == [f"runbook record {RUN}", "9"]
    assert finding(folder, "checkpoints", trusting(allowed)) == ("ok", "")


async def test_lines_that_were_signed_for_and_cut_off_are_missed(root, key, allowed):
    """Whoever cuts the record cannot take the checkpoint back that somebody else kept."""
    folder = await checked(root, key)
    open_up(folder)
    for name in ("SHA256SUMS", "SHA256SUMS.sig", "SEAL.json", "VERIFY.txt", "OUTPUT.SHA256SUMS"):
        (folder / name).unlink()
    lines = (folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "journal.jsonl").write_bytes(b"".join(lines[:7]))
    assert finding(folder, "checkpoints", trusting(allowed)) == ("altered", "cut-behind-checkpoint")


async def checked(root: Path, key: Path) -> Path:
    """A run of six seconds with a checkpoint every four: of what is durable then."""
    return await recorded(root, sealer(key, every=4.0), RUN, cut=0, pause=9)


# --- listings ---------------------------------------------------------------------------------------------------------


def test_a_listing_is_read_as_it_was_written():
    digests = {"out/db1.log": "0" * 64, "journal.jsonl": "1" * 64}
    assert read_listing(listing(digests)) == digests


@pytest.mark.parametrize(
    "data",
    [
        b"0" * 64 + b"  ../../etc/passwd\n",
        b"0" * 64 + b"  a\n" + b"1" * 64 + b"  a\n",
        b"0" * 64 + b"  b\n" + b"1" * 64 + b"  a\n",
        b"0" * 64 + b"  a",
        b"0" * 64 + b" *a\n",
        b"\\" + b"0" * 64 + b"  a\\nb\n",
        b"0" * 64 + b"  /etc/passwd\n",
    ],
)
def test_a_listing_that_other_tools_would_read_otherwise_is_none(data):
    with pytest.raises(ValueError, match=r"listing|order"):
        read_listing(data)
