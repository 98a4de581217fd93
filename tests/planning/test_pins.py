"""What a plan knows of the files that it sends, and which of them it cannot know."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from runbook.core.action import UploadAction
from runbook.core.plan import PlannedStep
from tests.planning.compiling import one, plan, refused, write

GOOD = b"good\n"
SHA = hashlib.sha256(GOOD).hexdigest()


@pytest.fixture
def book(tmp_path: Path) -> str:
    (tmp_path / "motd").write_bytes(GOOD)
    (tmp_path / "motd").chmod(0o640)
    return str(tmp_path / "t.yaml")


def put(step: PlannedStep, host: str = "web1") -> tuple[int, str, str]:
    action = step.action_on(host)
    assert isinstance(action, UploadAction)
    return action.size, action.sha256, action.mode


@pytest.mark.parametrize(
    ("mode", "beside", "shown"), [("", "", "0640"), ("0600", "", "0600"), ("", ", become: true", "")]
)
def test_a_plan_shows_size_hash_and_the_mode_that_a_file_will_have(
    book: str, mode: str, beside: str, shown: str
) -> None:
    step = one(f"- {{name: s, on: web1, upload: {{src: motd, dest: /etc/motd, mode: '{mode}'}}{beside}}}", file=book)
    assert put(step) == (5, SHA, shown)
    assert (step.awaits, step.waits) == ((), False)


def test_each_host_has_the_hash_of_its_own_file(book: str, tmp_path: Path) -> None:
    for host in ("web1", "web2"):
        (tmp_path / f"{host}.conf").write_text(host)
    step = one(
        "- {name: s, on: 'web1,web2', upload: {src: '{{ host.name }}.conf', dest: /etc/x, mode: '0644'}}", file=book
    )
    for host in ("web1", "web2"):
        assert put(step, host) == (4, hashlib.sha256(host.encode()).hexdigest(), "0644")


def test_a_file_is_read_once_however_many_hosts_it_is_for(book: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from runbook.planning import pins

    looked: list[Path] = []
    measured_at = pins.measured_at
    monkeypatch.setattr(pins, "measured_at", lambda path: (looked.append(path), measured_at(path))[1])
    one("- {name: s, on: web, upload: {src: motd, dest: '/etc/{{ host.name }}'}}", file=book)
    assert [path.name for path in looked] == ["motd"]


def test_a_nested_runbook_sends_the_files_of_its_own_folder(book: str, tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner/motd").write_bytes(b"inner")
    write(tmp_path / "inner", "in.yaml", "- {name: s, on: web1, upload: {src: motd, dest: /etc/motd, mode: '0644'}}")
    [step] = one("- {name: n, runbook: inner/in.yaml}", file=book).steps
    assert put(step) == (5, hashlib.sha256(b"inner").hexdigest(), "0644")


def test_a_file_that_is_not_there_is_waited_for(book: str) -> None:
    step = one("- {name: s, on: web1, upload: {src: later, dest: '/etc/{{ host.name }}'}}", file=book)
    assert (step.awaits, step.waits, put(step)) == (("file later",), True, (0, "", ""))


@pytest.mark.parametrize(("dest", "src"), [("motd", "motd"), ("./", "motd"), ("got", "got/web1/motd")])
def test_a_file_that_an_earlier_step_downloads_is_waited_for_though_one_is_there(
    book: str, tmp_path: Path, dest: str, src: str
) -> None:
    (tmp_path / "got/web1").mkdir(parents=True)
    (tmp_path / "got/web1/motd").write_bytes(GOOD)
    put_it = f"- {{name: put, on: db1, upload: {{src: {src}, dest: /etc/motd}}}}\n"
    got = f"- {{name: get, on: 'web1,web2', download: {{src: /etc/motd, dest: {dest}}}}}\n"
    before, _, behind = plan(put_it + got + put_it, file=book).sections[1].steps
    assert (before.awaits, behind.awaits) == ((), (f"file {src}",))


def test_what_can_never_be_sent_is_told_when_the_plan_is_made_and_a_pipe_keeps_nobody_waiting(
    book: str, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        [wrong] = refused(f"- {{name: s, on: web1, upload: {{src: {name}, dest: /etc/x}}}}", file=book)
        assert (wrong.what, wrong.where.line) == (f"{tmp_path}/{name} is not a regular file", 10)


def test_the_digest_of_a_plan_changes_with_the_file_that_it_sends(book: str, tmp_path: Path) -> None:
    text = "- {name: s, on: web1, upload: {src: motd, dest: /etc/motd}}"
    before = plan(text, file=book).digest
    assert plan(text, file=book).digest == before
    (tmp_path / "motd").write_bytes(b"evil\n")
    assert plan(text, file=book).digest != before
