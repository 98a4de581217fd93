"""The first minutes: `init` makes a workspace that works, `doctor` says what the machine lacks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runbook.cli import machine
from runbook.cli.machine import look
from runbook.workspace.settings import read_settings
from tests.cli.desk import Desk
from tests.record.seals import make_key

FILES = [
    "runbook.toml",
    "drills/first.yaml",
    "inventories/example/hosts.yaml",
    "inventories/example/environment.yaml",
    "recordings/.gitignore",
]


def test_a_new_workspace_checks_plans_and_runs_at_once(desk: Desk) -> None:
    made = desk.ask("init", "fresh")
    assert (made.status, made.out.split()) == (0, [f"fresh/{name}" for name in FILES])
    place = desk.root / "fresh"
    assert (place / "recordings").stat().st_mode & 0o777 == 0o700
    assert len((place / "drills/first.yaml").read_text().splitlines()) == 10
    desk.go(place)
    assert desk.ask("check") == (0, "", "Nothing is wrong with 1 runbook.\n")
    assert "$ uptime" in desk.ask("plan", "first").out
    ran = desk.ask("run", "first", "--auto", "--line", "--json")
    assert (ran.status, json.loads(ran.out)["verdicts"]["run"]) == (0, "completed")
    assert desk.ask("verify").status == 0


def test_a_second_init_touches_nothing(desk: Desk) -> None:
    desk.ask("init")
    mine = desk.write("drills/first.yaml", "mine")
    said = desk.ask("init")
    assert (said.status, said.out, said.err) == (0, "", "Everything is there already; nothing was changed.\n")
    assert mine.read_text() == "mine"


def test_init_completes_what_is_missing_and_names_only_that(desk: Desk) -> None:
    desk.ask("init")
    (desk.root / "runbook.toml").unlink()
    assert desk.ask("init").out == "runbook.toml\n"


def test_init_where_a_file_is_in_the_way_says_so(desk: Desk) -> None:
    desk.write("taken", "a file")
    said = desk.ask("init", "taken")
    assert (said.status, said.out) == (2, "")
    assert said.err == (
        "taken/recordings: error: recordings cannot be made\n"
        "  why: File exists\n"
        "  fix: Choose a folder that you may write to: runbook init FOLDER\n"
    )


@pytest.mark.parametrize("name", ["inventories", "recordings"])
def test_init_that_cannot_make_all_of_it_leaves_nothing_behind(desk: Desk, name: str) -> None:
    desk.write(f"taken/{name}", "a file")
    said = desk.ask("init", "taken")
    assert (said.status, said.out) == (2, "")
    assert [str(path.relative_to(desk.root / "taken")) for path in (desk.root / "taken").rglob("*")] == [name]


def test_the_manual_is_where_the_program_is(desk: Desk) -> None:
    listed = desk.ask("help")
    topics = [line.split()[0] for line in listed.out.splitlines() if line and not line.startswith("Read")]
    assert (listed.status, "people" in topics, "format" in topics) == (0, True, True)
    for topic in topics:
        assert desk.ask("help", topic).out.startswith("# ")
    assert desk.ask("help", "approve").out.startswith("Usage: runbook approve")
    assert desk.ask("help", "peple") == (2, "", 'error: there is no page "peple"\n  fix: Did you mean "people"?\n')


def test_the_doctor_looks_at_everything_and_changes_nothing(desk: Desk) -> None:
    before = sorted(desk.root.rglob("*"))
    said = desk.ask("doctor", "--json")
    found = {one["name"]: one for one in json.loads(said.out)}
    assert said.status == 0
    assert list(found) == [
        "python", "workspace", "recordings", "seals", "runtime folder", "people", "open files", "ssh", "ssh agent", "known hosts",
        "tmux", "terminal", "size", "colours", "locale",
    ]  # fmt: skip
    assert found["workspace"] == {"name": "workspace", "state": "ok", "detail": "WORKSPACE", "fix": ""}
    assert found["ssh agent"]["state"] == "warn"
    assert found["colours"]["detail"] == "none, because NO_COLOR is set; words and shapes say the same"
    assert sorted(desk.root.rglob("*")) == before


def test_every_complaint_of_the_doctor_says_what_to_do(desk: Desk) -> None:
    for one in json.loads(desk.ask("doctor", "--json").out):
        assert (one["state"] == "ok") == (one["fix"] == "")


def test_the_doctor_tries_the_key_that_seals(desk: Desk, tmp_path: Path) -> None:
    def seals() -> tuple[str, str]:
        rows = {row["name"]: row for row in json.loads(desk.ask("doctor", "--json").out)}
        return rows["seals"]["state"], rows["seals"]["detail"]

    assert seals() == ("ok", "nobody signs them; a key is named under [seal] in runbook.toml")
    key = make_key(tmp_path / "keys")
    desk.write("runbook.toml", f'[seal]\nkey = "{key}"\n')
    assert (seals()[0], seals()[1].endswith(" signs them")) == ("ok", True)
    key.unlink()
    assert (seals()[0], seals()[1].startswith(f"Nothing can be signed with {key}: ")) == ("warn", True)


def test_the_doctor_names_people_with_a_role_whom_no_run_lets_in(desk: Desk) -> None:
    def people() -> tuple[str, str]:
        rows = {row["name"]: row for row in json.loads(desk.ask("doctor", "--json").out)}
        return rows["people"]["state"], rows["people"]["detail"]

    assert people() == ("ok", "nobody but you; others are named under [control] allow in runbook.toml")
    desk.write("inventories/here/environment.yaml", "name: here\nroles: {dba: [grace, nobody]}\n")
    assert people() == ("warn", "no run lets these in: grace, nobody (roles of here)")
    desk.write("inventories/here/environment.yaml", "name: here\nroles: {dba: [nobody]}\n")
    desk.write("runbook.toml", "[control]\nallow = ['nobody']\n")
    assert people() == ("ok", "you and nobody")


def test_a_runtime_folder_with_a_long_path_keeps_runs_from_working(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = desk.root / ("d" * 90)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    said = desk.ask("doctor")
    assert said.status == 1
    assert said.out.endswith("\n1 thing keeps runs from working.\n")
    assert "-> Set XDG_RUNTIME_DIR to a short path of your own." in said.out


def test_too_little_space_keeps_runs_from_working(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "FLOOR", 1 << 62)
    (found,) = (one for one in look(read_settings(desk.root)) if one.name == "recordings")
    assert (found.state, found.fix) == ("fail", f"Free {1 << 42} MiB or more.")


def test_a_recordings_folder_that_others_may_write_to_keeps_runs_from_working(desk: Desk) -> None:
    folder = desk.root / "recordings"
    folder.mkdir()
    folder.chmod(0o777)
    (found,) = (one for one in look(read_settings(desk.root)) if one.name == "recordings")
    assert (found.state, found.fix) == ("fail", f"Run: chmod go-w {folder}")
    said = desk.ask("run", "look", "--auto", "--line")
    assert (said.status, said.err.splitlines()[0]) == (
        5,
        "WORKSPACE/recordings: error: WORKSPACE/recordings can be written to by everybody",
    )


def test_an_agent_that_has_died_is_told_from_none(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "gone"))
    (found,) = (one for one in look(read_settings(desk.root)) if one.name == "ssh agent")
    assert (found.state, found.fix) == ("warn", "Start it again, or unset SSH_AUTH_SOCK.")
