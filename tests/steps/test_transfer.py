"""`upload` and `download`: where a file lands, whose it is, and what is said about it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import threading
from pathlib import Path

import msgspec
import pytest

from runbook.core.events.fact import Staged
from runbook.core.outcome import Outcome
from runbook.core.planned.action import DownloadAction, Expectation, SentFile, Tolerance, UploadAction
from runbook.core.planned.command import Become
from runbook.core.result import Result
from runbook.planning.pins import pinned
from runbook.problem import Problems
from runbook.steps.kind import Finding
from runbook.steps.transfer import DownloadKind, UploadKind, landing, making, placing
from runbook.transport.local import files
from runbook.transport.local.trees import files_at
from runbook.transport.scripted import Hangs, Says, ScriptedConnector, unreachable
from runbook.transport.session import Job
from tests.steps.desk import Desk, local, scripted

HELLO = b"hello\n"
SHA = hashlib.sha256(HELLO).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "motd").write_bytes(HELLO)
    return tmp_path


def arrived(place: object) -> Finding:
    said = f"{place}: 6 bytes, SHA-256 {SHA}"
    value = {"path": str(place), "size": 6, "sha256": SHA}
    return Finding(outcome=Outcome.SUCCEEDED, detail=said, result=Result(stdout=said, value=value))


async def test_an_upload_says_size_and_hash_of_what_is_there_now(folder):
    desk, dest = local(), folder / "dest"
    finding = await UploadKind().attempt(
        UploadAction(src="motd", dest=str(dest), mode="0640"), desk.bench(folder=folder)
    )
    assert finding == arrived(dest)
    assert (dest.read_bytes(), dest.stat().st_mode & 0o7777) == (HELLO, 0o640)
    assert desk.page.out == f"{finding.detail}\n".encode()


async def test_an_owner_is_set_by_a_command_of_its_own_that_no_tolerance_of_the_step_judges(folder):
    desk = scripted({"chown -- www:www /srv/motd": Says(b"changed\n")})
    bench = desk.bench(folder=folder, expect=Expectation(stdout=Tolerance(equals="")))
    action = UploadAction(src="motd", dest="/srv/motd", owner="www:www")
    assert await UploadKind().attempt(action, bench) == arrived("/srv/motd")
    assert desk.connector.files == {("db1", "/srv/motd"): HELLO}


async def test_an_owner_that_cannot_be_set_fails_the_step(folder):
    desk = scripted({"chown -- nobody /srv/motd": Says(err=b"chown: not permitted\n", code=1)})
    finding = await UploadKind().attempt(
        UploadAction(src="motd", dest="/srv/motd", owner="nobody"), desk.bench(folder=folder)
    )
    assert (finding.outcome, finding.detail) == (
        Outcome.FAILED,
        "exit code is 1, expected 0; stderr ends: chown: not permitted",
    )


async def test_an_upload_as_somebody_else_is_staged_and_placed_by_a_command(folder):
    action = UploadAction(src="motd", dest="/etc/motd", owner="root:root", mode="0644")
    stage = "/tmp/.runbook-" + hashlib.sha256(b"run/1.1/db1/1").hexdigest()[:24]
    desk = scripted({placing(stage, action): Says()})
    assert await UploadKind().attempt(action, desk.bench(folder=folder, become=Become())) == arrived("/etc/motd")
    assert desk.connector.files == {("db1", stage): HELLO}
    assert desk.facts == [Staged(path=stage)]


def run_placing(stage: Path, action: UploadAction) -> int:
    return subprocess.run(["/bin/sh", "-c", placing(str(stage), action)], check=False, capture_output=True).returncode


def test_placing_renames_over_the_destination_and_leaves_nothing_behind(tmp_path):
    stage, dest = tmp_path / "stage", tmp_path / "it's here"
    stage.write_bytes(HELLO)
    dest.write_bytes(b"old")
    assert run_placing(stage, UploadAction(src="", dest=str(dest), mode="0600", owner=str(os.getuid()))) == 0
    assert ([path.name for path in tmp_path.iterdir()], dest.read_bytes()) == (["it's here"], HELLO)
    assert dest.stat().st_mode & 0o7777 == 0o600


def test_placing_never_writes_through_a_link_that_was_laid_for_it(tmp_path):
    stage, dest, victim = tmp_path / "stage", tmp_path / "dest", tmp_path / "victim"
    stage.write_bytes(HELLO)
    victim.write_bytes(b"precious")
    (tmp_path / "dest.runbook-part").symlink_to(victim)
    assert run_placing(stage, UploadAction(src="", dest=str(dest))) == 0
    assert (dest.read_bytes(), victim.read_bytes()) == (HELLO, b"precious")


def test_placing_on_a_directory_fails_and_changes_nothing(tmp_path):
    stage, dest = tmp_path / "stage", tmp_path / "dest"
    stage.write_bytes(HELLO)
    dest.mkdir()
    assert run_placing(stage, UploadAction(src="", dest=str(dest))) != 0
    assert ([path.name for path in tmp_path.iterdir()], list(dest.iterdir())) == (["dest"], [])


async def test_a_missing_source_and_a_bad_mode_fail_in_words(folder):
    missing = await UploadKind().attempt(UploadAction(src="nope", dest="/srv/x"), local().bench(folder=folder))
    bad = await UploadKind().attempt(UploadAction(src="motd", dest="/x", mode="u+x"), local().bench(folder=folder))
    assert (missing.outcome, bad.outcome) == (Outcome.FAILED, Outcome.FAILED)
    assert "nope cannot be read" in missing.detail
    assert bad.detail == '"u+x" is not a mode. Write octal digits: "0644".'


async def test_a_file_that_is_not_what_was_shown_is_not_sent_whoever_the_step_becomes(folder):
    action = UploadAction(src="motd", dest="/etc/motd", mode="0644", size=6, sha256=SHA)
    stage = "/tmp/.runbook-" + hashlib.sha256(b"run/1.1/db1/1").hexdigest()[:24]
    for become, place in ((None, "/etc/motd"), (Become(), stage)):
        desk = scripted({placing(stage, action): Says()})
        (folder / "motd").write_bytes(HELLO)
        assert (await UploadKind().attempt(action, desk.bench(folder=folder, become=become))) == arrived("/etc/motd")
        assert desk.connector.files.pop(("db1", place)) == HELLO
        (folder / "motd").write_bytes(b"jello\n")
        second = desk.bench(folder=folder, become=become, job=Job(id="run/1.1/db1/2"))
        finding = await UploadKind().attempt(action, second)
        assert (finding.outcome, desk.connector.files) == (Outcome.FAILED, {})
        assert finding.detail.startswith(f"{folder}/motd is not what was shown: shown was 6 bytes with SHA-256 {SHA}")


async def test_an_unreachable_host_gets_nothing(folder):
    desk = Desk(connector=ScriptedConnector({}, unreachable={"db1": unreachable("db1")}))
    up = await UploadKind().attempt(UploadAction(src="motd", dest="/x"), desk.bench(folder=folder))
    down = await DownloadKind().attempt(DownloadAction(src="/x", dest="x"), desk.bench(folder=folder))
    assert (up.outcome, down.outcome) == (Outcome.UNREACHABLE, Outcome.UNREACHABLE)


async def test_an_upload_is_claimed_on_its_host_and_not_done_twice(folder):
    desk = scripted({})
    action = UploadAction(src="motd", dest="/x")
    outcomes = [(await UploadKind().attempt(action, desk.bench(folder=folder))).outcome for _ in range(2)]
    assert (outcomes, desk.connector.claimed) == ([Outcome.SUCCEEDED, Outcome.IN_DOUBT], ["run/1.1/db1/1"])


async def test_an_upload_that_a_dead_runner_began_is_in_doubt_and_not_repeated(folder):
    desk = scripted({})
    finding = await UploadKind().attempt(UploadAction(src="motd", dest="/x"), desk.bench(folder=folder, reattach=True))
    assert finding == Finding(
        outcome=Outcome.IN_DOUBT, detail="/x was written, perhaps, by a runner that is gone", is_over=True
    )
    assert desk.connector.files == {}


async def test_a_transfer_beyond_its_limit_times_out(folder, monkeypatch):
    let_go = threading.Event()
    monkeypatch.setattr(files.Source, "read", lambda _source: b"" * let_go.wait())
    bench = local().bench(folder=folder, job=Job(id="j", limit=0.05))
    try:
        finding = await UploadKind().attempt(UploadAction(src="motd", dest=str(folder / "x")), bench)
    finally:
        # The thread that reads waits for it.
        let_go.set()
    assert finding == Finding(outcome=Outcome.TIMED_OUT, detail="not finished at its limit of 0.05 s")


async def test_an_owner_that_is_never_set_times_out_with_the_transfer(folder):
    desk = scripted({"chown -- www /srv/motd": Hangs()})
    bench = desk.bench(folder=folder, job=Job(id="j", limit=0.05))
    finding = await UploadKind().attempt(UploadAction(src="motd", dest="/srv/motd", owner="www"), bench)
    assert finding.outcome is Outcome.TIMED_OUT


async def test_a_download_lands_below_the_runbooks_folder(folder):
    desk = scripted({})
    desk.connector.files["db1", "/var/log/x"] = HELLO
    finding = await DownloadKind().attempt(DownloadAction(src="/var/log/x", dest="got/x"), desk.bench(folder=folder))
    assert finding == arrived(folder / "got/x")
    assert (folder / "got/x").read_bytes() == HELLO


async def test_a_download_that_would_need_to_become_is_refused_before_anything_is_opened(folder):
    desk = Desk(connector=ScriptedConnector({}, unreachable={"db1": unreachable("db1")}))
    finding = await DownloadKind().attempt(
        DownloadAction(src="/x", dest="x"), desk.bench(folder=folder, become=Become())
    )
    assert finding.outcome is Outcome.FAILED
    assert "file transfer knows no sudo" in finding.detail


@pytest.mark.parametrize(
    ("dest", "hosts", "expected"),
    [
        ("out", ("db1",), "out"),
        ("out/", ("db1",), "out/x.log"),
        ("there", ("db1",), "there/x.log"),
        ("out", ("db1", "db2"), "out/db1/x.log"),
    ],
)
def test_several_hosts_each_get_a_directory(folder, dest, hosts, expected):
    (folder / "there").mkdir()
    bench = Desk().bench(folder=folder, hosts=hosts)
    assert landing(DownloadAction(src="/var/x.log", dest=dest), bench) == folder / expected


@pytest.mark.parametrize(("src", "host"), [("/", "db1"), ("/a/..", "db1"), ("/a/b", ".."), ("/a/b", "../x")])
def test_no_name_leads_out_of_the_destination(folder, src, host):
    with pytest.raises(Problems, match="cannot be given a place"):
        landing(DownloadAction(src=src, dest="out"), Desk().bench(folder=folder, host=host, hosts=(host, "db2")))


# --- many files -------------------------------------------------------------------------------------------------------


@pytest.fixture
def many(folder: Path) -> UploadAction:
    """An upload of a folder as a plan shows it."""
    (folder / "conf" / "d").mkdir(parents=True)
    for name, mode in (("a.cfg", 0o640), ("d/run me", 0o755)):
        (folder / "conf" / name).write_bytes(HELLO)
        (folder / "conf" / name).chmod(mode)
    action = UploadAction(src="conf/", dest=str(folder / "there"))
    return pinned(action, files_at(folder / "conf", "conf/"), keeps_mode=True)


def landed(top: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(top)): (path.read_bytes(), path.stat().st_mode & 0o7777)
        for path in sorted(top.rglob("*"))
        if path.is_file()
    }


async def test_every_file_of_a_folder_arrives_with_its_mode_and_what_was_there_besides_stays(folder, many):
    (folder / "there").mkdir()
    (folder / "there" / "mine").write_bytes(b"kept")
    finding = await UploadKind().attempt(many, local().bench(folder=folder))
    assert (finding.outcome, finding.result.value) == (
        Outcome.SUCCEEDED,
        {"path": many.dest, "files": 2, "size": 12, "sha256": many.sha256},
    )
    mine = (b"kept", (folder / "there" / "mine").stat().st_mode & 0o7777)
    assert landed(folder / "there") == {"a.cfg": (HELLO, 0o640), "d/run me": (HELLO, 0o755), "mine": mine}


async def test_a_mode_of_the_step_is_that_of_every_file(folder, many):
    action = msgspec.structs.replace(many, mode="0600")
    await UploadKind().attempt(action, local().bench(folder=folder))
    assert {mode for _, mode in landed(folder / "there").values()} == {0o600}


async def test_a_file_that_has_changed_keeps_all_of_them_back(folder, many):
    (folder / "conf" / "d" / "run me").write_bytes(b"other\n")
    finding = await UploadKind().attempt(many, local().bench(folder=folder))
    assert (finding.outcome, "is not what was shown" in finding.detail) == (Outcome.FAILED, True)
    assert not (folder / "there").exists()


async def test_a_file_that_was_added_since_is_not_sent(folder, many):
    (folder / "conf" / "new").write_bytes(b"")
    await UploadKind().attempt(many, local().bench(folder=folder))
    assert set(landed(folder / "there")) == {"a.cfg", "d/run me"}


async def test_a_file_that_went_fails_the_step_and_nothing_arrives(folder, many):
    (folder / "conf" / "a.cfg").unlink()
    assert (await UploadKind().attempt(many, local().bench(folder=folder))).outcome is Outcome.FAILED
    assert not (folder / "there").exists()


async def test_one_that_cannot_be_placed_says_how_many_are_there(folder, many):
    (folder / "there" / "d" / "run me").mkdir(parents=True)
    finding = await UploadKind().attempt(many, local().bench(folder=folder))
    assert finding.outcome is Outcome.FAILED
    assert "1 of 2 files are in place, each of them whole" in finding.detail


async def test_a_destination_that_is_a_file_gets_nothing(folder, many):
    (folder / "there").write_bytes(b"mine")
    finding = await UploadKind().attempt(many, local().bench(folder=folder))
    assert (finding.outcome, (folder / "there").read_bytes()) == (Outcome.FAILED, b"mine")


async def test_as_somebody_else_each_file_is_staged_under_a_name_of_its_own(folder, many):
    desk = scripted(lambda _host, _command: Says())
    assert (await UploadKind().attempt(many, desk.bench(folder=folder, become=Become()))).outcome is Outcome.SUCCEEDED
    stages = [fact.path for fact in desk.facts]
    assert (len(set(stages)), sorted(path for _, path in desk.connector.files)) == (2, sorted(stages))


def test_folders_are_made_where_there_are_none_with_the_owner_of_the_step(tmp_path, many):
    action = msgspec.structs.replace(many, dest=f"{tmp_path}/a b/c/", owner=str(os.getuid()))
    for _ in range(2):
        assert subprocess.run(["/bin/sh", "-c", making(action)], check=False).returncode == 0
    assert (tmp_path / "a b" / "c" / "d").stat().st_mode & 0o7777 == 0o755
    assert making(action).count("chown") == 2


def test_no_name_of_a_folder_is_read_by_the_shell(tmp_path):
    file = SentFile(path="$(touch x)/-n/'q'/f", size=0, sha256="", mode="0644")
    action = UploadAction(src="s/", dest=str(tmp_path), files=(file,))
    assert subprocess.run(["/bin/sh", "-c", making(action)], check=False, cwd=tmp_path).returncode == 0
    assert [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*"))] == [
        "$(touch x)",
        "$(touch x)/-n",
        "$(touch x)/-n/'q'",
    ]
