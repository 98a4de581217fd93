"""Who could replace a record: the folders around it, their owners and modes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runbook.problem import Exit, Problems
from runbook.record.file_store import FileStore
from runbook.record.files.ownership import concerns

SOMEBODY = 54321

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives folders to others")


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    (tmp_path / "workspace/recordings").mkdir(parents=True)
    return tmp_path / "workspace/recordings"


def said(recordings: Path) -> list[tuple[str, str, bool]]:
    return [(found.code, found.what, found.warning) for found in concerns(recordings)]


def test_folders_of_our_own_are_no_concern(recordings: Path):
    assert said(recordings) == []
    assert said(recordings / "not/there/yet") == []


@pytest.mark.parametrize("which", [0, 1], ids=["the recordings", "a folder above them"])
def test_a_folder_that_everybody_may_write_to_is_refused_with_the_way_to_close_it(recordings: Path, which: int):
    folder = (recordings, recordings.parent)[which]
    folder.chmod(0o777)
    with pytest.raises(Problems) as caught:
        FileStore(recordings).create("r1", runbook="orders", files={})
    assert (caught.value.exit, str(caught.value)) == (
        Exit.REFUSED,
        (
            f"{folder}: {folder} can be written to by everybody: they could put another record in the place of one that"
            f" a run writes. Run: chmod go-w {folder}."
        ),
    )
    assert list(recordings.iterdir()) == []


def test_a_folder_that_was_open_does_not_keep_a_run_from_going_on(recordings: Path):
    FileStore(recordings).create("r1", runbook="orders", files={}).writer.abandon()
    recordings.chmod(0o777)
    FileStore(recordings).take("r1").writer.abandon()
    assert [code for code, _, _ in said(recordings)] == ["recordings-open"]


def test_a_sticky_folder_of_our_own_lets_nobody_replace_anything(recordings: Path):
    recordings.chmod(0o1777)
    assert said(recordings) == []


@as_root
def test_a_folder_of_somebody_else_is_borne_and_told(recordings: Path):
    os.chown(recordings.parent, SOMEBODY, 0)
    (found,) = concerns(recordings)
    assert (found.code, found.warning) == ("recordings-foreign", True)
    assert str(found) == (
        f"{recordings.parent}: {recordings.parent} belongs to uid {SOMEBODY}: who owns a folder can replace what lies in"
        " it, and so the record of a run. Keep recordings where every folder above them is yours or root's."
    )
    FileStore(recordings).create("r1", runbook="orders", files={}).writer.abandon()


@as_root
def test_sticky_is_no_protection_from_the_owner(recordings: Path):
    recordings.chmod(0o1777)
    os.chown(recordings, SOMEBODY, 0)
    assert [code for code, _, _ in said(recordings)] == ["recordings-foreign"]


@as_root
@pytest.mark.parametrize(("group", "expected"), [(0, []), (SOMEBODY, []), (None, ["recordings-open"])])
def test_a_group_is_a_concern_when_somebody_else_is_in_it(recordings: Path, group: int | None, expected: list[str]):
    import pwd

    others = next(person.pw_gid for person in pwd.getpwall() if person.pw_uid and person.pw_gid)
    os.chown(recordings, 0, others if group is None else group)
    recordings.chmod(0o775)
    assert [code for code, _, _ in said(recordings)] == expected
