"""What a plan knows of the files that it sends, and which of them it cannot know."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from runbook.core.planned.action import SentFile, UploadAction
from runbook.core.planned.plan import PlannedStep
from runbook.transport.local import trees
from tests.planning.compiling import compiled, one, plan, refused, write

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
    for name, said in (("pipe", f"{tmp_path}/pipe is not a regular file"), ("folder", "folder holds no file")):
        [wrong] = refused(f"- {{name: s, on: web1, upload: {{src: {name}, dest: /etc/x}}}}", file=book)
        assert (wrong.what, wrong.where.line) == (said, 10)


def test_the_digest_of_a_plan_changes_with_the_file_that_it_sends(book: str, tmp_path: Path) -> None:
    text = "- {name: s, on: web1, upload: {src: motd, dest: /etc/motd}}"
    before = plan(text, file=book).digest
    assert plan(text, file=book).digest == before
    (tmp_path / "motd").write_bytes(b"evil\n")
    assert plan(text, file=book).digest != before


# --- many files -------------------------------------------------------------------------------------------------------


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """A folder with a file, another one below it, and one that is hidden."""
    folder = tmp_path / "conf"
    (folder / "d").mkdir(parents=True)
    for name in ("a.cfg", "d/b.cfg", ".hidden"):
        (folder / name).write_bytes(GOOD)
        (folder / name).chmod(0o640)
    return folder


def sent(step: PlannedStep) -> list[str]:
    assert isinstance(step.action, UploadAction)
    return [file.path for file in step.action.files]


@pytest.mark.parametrize(
    ("src", "names"),
    [
        ("conf/", [".hidden", "a.cfg", "d/b.cfg"]),
        ("conf", ["conf/.hidden", "conf/a.cfg", "conf/d/b.cfg"]),
        ("conf/*.cfg", ["a.cfg"]),
        ("conf/.h*", [".hidden"]),
        ("conf/?.cfg", ["a.cfg"]),
    ],
)
@pytest.mark.usefixtures("conf")
def test_a_plan_shows_every_file_of_a_folder_or_a_pattern(book: str, src: str, names: list[str]) -> None:
    step = one(f"- {{on: web1, upload: {{src: '{src}', dest: /etc/x}}}}", file=book)
    assert (sent(step), step.waits) == (names, False)


@pytest.mark.usefixtures("conf")
def test_each_file_has_its_size_its_hash_and_its_mode_and_all_of_them_one_hash(book: str) -> None:
    step = one("- {on: web1, upload: {src: 'conf/*.cfg', dest: /etc/x}}", file=book)
    assert step.action == UploadAction(
        src="conf/*.cfg",
        dest="/etc/x",
        size=5,
        sha256=hashlib.sha256(f"{SHA}  a.cfg\n".encode()).hexdigest(),
        files=(SentFile(path="a.cfg", size=5, sha256=SHA, mode="0640"),),
    )


def test_a_pattern_that_nothing_matches_yet_and_a_folder_that_a_step_downloads_into_are_waited_for(
    book: str, conf: Path
) -> None:
    assert one("- {on: web1, upload: {src: 'conf/*.none', dest: /etc/x}}", file=book).awaits == ("file conf/*.none",)
    [_, put] = (
        plan(
            f"- {{on: web1, download: {{src: /a, dest: {conf}/d/}}}}\n- {{on: web1, upload: {{src: conf/, dest: /etc/x}}}}",
            file=book,
        )
        .sections[1]
        .steps
    )
    assert put.awaits == ("file conf/",)


def test_a_nested_runbook_sends_a_folder_of_its_own(book: str, conf: Path, tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    conf.rename(tmp_path / "inner" / "conf")
    write(tmp_path / "inner", "inner.yaml", "- {on: web1, upload: {src: conf/, dest: /etc/x}}")
    [inner] = one("- {runbook: inner/inner.yaml}", file=book).steps
    assert (sent(inner), inner.action.src) == ([".hidden", "a.cfg", "d/b.cfg"], "inner/conf/")


def test_what_is_no_file_in_a_folder_is_refused_by_name(book: str, conf: Path) -> None:
    def said() -> str:
        [wrong] = refused("- {on: web1, upload: {src: conf/, dest: /etc/x}}", file=book)
        return wrong.what

    (conf / "d" / "link").symlink_to("b.cfg")
    assert said() == f"{conf}/d/link is a symbolic link"
    (conf / "d" / "link").unlink()
    (conf / "to").symlink_to("d")
    assert said() == f"{conf}/to is a symbolic link"
    (conf / "to").unlink()
    os.mkfifo(conf / "pipe")
    assert said() == f"{conf}/pipe is not a regular file"
    (conf / "pipe").unlink()
    (conf / "a\nb\x1b[2J").write_bytes(b"")
    assert said() == f"a name cannot be shown: '{conf}/a\\nb\\x1b[2J'"


def test_a_folder_has_an_end(book: str, conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "MOST_FILES", 2)
    [wrong] = refused("- {on: web1, upload: {src: conf/, dest: /etc/x}}", file=book)
    assert wrong.what == "conf/ has more than 2 files"
    monkeypatch.setattr(trees, "DEEPEST", 0)
    [wrong] = refused("- {on: web1, upload: {src: conf/, dest: /etc/x}}", file=book)
    assert wrong.what == f"{conf}/d is more than 0 folders deep"


def test_a_pattern_stands_in_the_name_and_not_among_the_folders(book: str) -> None:
    [wrong] = refused("- {on: web1, upload: {src: '*/a.cfg', dest: /etc/x}}", file=book)
    assert (wrong.what, wrong.fix) == (
        "*/a.cfg has a pattern among its folders",
        "Name the folder, and let files match: conf/*.cfg.",
    )


# --- sources that are missing -----------------------------------------------------------------------------------------

PUT = "- {name: put, on: db1, upload: {src: later, dest: /etc/x}}\n"


@pytest.mark.parametrize(
    ("before", "fix"),
    [
        ("", "Put it there; paths are relative to the runbook. No earlier step can make it."),
        ("- {name: look, on: web1, command: uptime}\n", "Put it there; paths are relative to the runbook. No earlier step can make it."),
        ("- {name: make, on: controller, command: make}\n", "Make sure that an earlier step makes it; it is measured and shown when the step is entered."),
        ("- {name: ask, manual: Put it there}\n", "Make sure that an earlier step makes it; it is measured and shown when the step is entered."),
    ],
    ids=["first", "elsewhere", "here", "by-hand"],
)  # fmt: skip
def test_a_source_that_is_missing_is_told_before_the_run(book: str, before: str, fix: str) -> None:
    [found] = [one for one in compiled(before + PUT, file=book).warnings if one.code == "missing-source"]
    assert found.what.endswith('"put" sends later, and there is no such file')
    assert found.fix == fix
    assert found.where is not None
    assert found.where.line == 10 + before.count("\n")


@pytest.mark.parametrize(
    "text",
    [
        "- {name: get, on: web1, download: {src: /x, dest: later}}\n" + PUT,
        "- {name: put, on: db1, upload: {src: motd, dest: /etc/x}}\n",
        "- {name: ask, ask: Which?, register: file}\n- {name: put, on: db1, upload: {src: '{{ file.value }}', dest: /x}}\n",
    ],
    ids=["downloaded", "there", "not-known-yet"],
)  # fmt: skip
def test_a_source_that_is_there_or_is_made_or_is_not_known_yet_is_not_missing(book: str, text: str) -> None:
    assert [one.code for one in compiled(text, file=book).warnings if one.code == "missing-source"] == []
