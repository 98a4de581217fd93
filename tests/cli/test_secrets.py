"""A secret from the file that names it to the report: warned of where it stands open, and nowhere to be read after."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.desk import Desk, book

SECRET = "hunter22SuperSecret"
AMP = "a&b<c>d9Xyz7/q+w"
LONG = "s3cr3t-" * 12
PARAMETERS = """parameters:
  pw: {type: secret, from: "env:T_PW"}
  amp: {type: secret, from: "env:T_AMP"}
  long: {type: secret, from: "file:long.key"}
  pin: {type: secret, from: "env:T_PIN"}
  note: {type: string, default: ""}
"""
STEPS = r"""
      - {name: In half, command: 'printf "%s\033[0m%s\n" "$(printf %s "$P" | cut -c1-6)" "$(printf %s "$P" | cut -c7-)"', env: {P: "{{ pw }}"}, register: half}
      - {name: Coloured, command: 'echo "line $P end" | grep --color=always "${P%??????}"', env: {P: "{{ pw }}"}}
      - {name: Go, command: 'printf "{\"p\":\"%s\"}\n" "$(printf %s "$A" | sed "s/&/\\\\u0026/g; s/</\\\\u003c/g; s/>/\\\\u003e/g; s#/#\\\\/#g")"', env: {A: "{{ amp }}"}}
      - {name: Html, command: 'printf "%s\n" "$A" | sed "s/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g"', env: {A: "{{ amp }}"}}
      - {name: Wrapped, command: 'printf %s "$L" | base64', env: {L: "{{ long }}"}}
      - {name: Dumped, command: 'printf %s "$P" | od -An -tx1; printf %s "$P" | fold -w 8', env: {P: "{{ pw }}"}}
      - {name: Again, command: 'echo {{ half.stdout }}; test -n {{ half.stdout }}'}
      - {name: Noted, command: 'echo note {{ note }}; test {{ note }} = hunter22SuperSecret'}
      - {name: Skipped, command: 'true', when: "half.stdout == 'no'"}
"""


@pytest.fixture
def watched(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk whose runbook has secrets, one of which was typed into it."""
    monkeypatch.setenv("T_PW", SECRET)
    monkeypatch.setenv("T_AMP", AMP)
    monkeypatch.setenv("T_PIN", "x7q")
    steps = "\n".join(line.replace("}", "}", 1) for line in STEPS.strip("\n").splitlines())
    text = book(name="sec", head=PARAMETERS, steps="\n" + steps)
    text = text.replace("  - name: Look\n", "  - name: Look\n    on: localhost\n")
    desk.write("drills/sec.yaml", text)
    desk.write("long.key", LONG + "\n")
    return desk


def readable(root: Path) -> list[str]:
    """Files in which a secret can be read, escaped or not."""
    forms = [SECRET, "SuperSecret", AMP, "\\u0026b\\u003cc", "a&amp;b", LONG[:40], "czNjcjN0LX"]
    files = [path for path in root.rglob("*") if path.is_file()]
    return [f"{path.name}: {form}" for path in files for form in forms if form.encode() in path.read_bytes()]


def test_what_is_in_the_open_is_warned_of_before_noted_in_the_record_and_hidden_in_all_of_it(watched: Desk) -> None:
    given = ("-p", f"note={SECRET}")
    checked = watched.ask("check", "drills/sec.yaml", *given)
    planned = watched.ask("plan", "sec", *given)
    for said in (checked.out, planned.err):
        assert 'the value of secret "pw" stands in parameter "note", which is no secret' in said
        assert 'the value of secret "pw" stands in' in said.replace('parameter "note"', "")
        assert "drills/sec.yaml:25" in said
        assert 'secret "pin" is shorter than 6 characters' in said
    ran = watched.ask("run", "sec", *given, "--line", "--auto")
    assert (ran.status, 'the value of secret "pw" stands in' in ran.err) == (0, True)
    [folder] = (watched.root / "recordings").glob("*-sec-*")
    assert readable(folder) == []
    notes = [
        line["event"]["text"]
        for line in map(json.loads, (folder / "journal.jsonl").open())
        if line["event"]["type"] == "NoteAdded"
    ]
    assert [note.split(":")[0] for note in notes if "stands in" not in note] == [
        'secret "pin" is shorter than 6 characters'
    ]
    assert sum("stands in" in note for note in notes) == 2
    for said in (
        watched.ask("replay", folder.name, "--line"),
        *(watched.ask("report", folder.name, "--format", shape) for shape in ("md", "html", "json")),
        watched.ask("verify", folder.name),
        ran,
    ):
        assert said.status == 0
        assert [
            form for form in (SECRET, "SuperSecret", AMP, "a&amp;b", LONG[:40]) if form in said.out + said.err
        ] == []


def test_without_secrets_in_the_open_nothing_is_said(watched: Desk) -> None:
    text = (watched.root / "drills/sec.yaml").read_text()
    watched.write(
        "drills/sec.yaml", "".join(line for line in text.splitlines(True) if SECRET not in line and "pin" not in line)
    )
    assert "secret-in-the-open" not in watched.ask("check", "drills/sec.yaml", "--json").out


def test_a_check_runs_no_program_and_asks_nobody_for_a_secret(watched: Desk) -> None:
    text = (watched.root / "drills/sec.yaml").read_text()
    watched.write(
        "drills/sec.yaml", text.replace("env:T_PW", "command:touch ran; echo x").replace("env:T_AMP", "prompt")
    )
    watched.ask("check", "drills/sec.yaml")
    watched.ask("plan", "sec")
    assert not (watched.root / "ran").exists()


@pytest.mark.parametrize(
    ("source", "why", "fix"),
    [
        ("env:T_EMPTY", "T_EMPTY is set in the environment, to nothing", "Set it: export T_EMPTY=..."),
        ("file:empty.key", "empty.key is empty", "Write the secret into it, and look: wc -c empty.key"),
        ("command:true", "its command succeeded and printed nothing", "Try it by hand: true"),
    ],
)
def test_a_secret_that_comes_out_empty_stops_a_run_before_it_begins(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, source: str, why: str, fix: str
) -> None:
    monkeypatch.setenv("T_EMPTY", "")
    desk.write("empty.key", "\n")
    desk.write("drills/look.yaml", book(head=f"parameters:\n  pw: {{type: secret, from: '{source}'}}\n"))
    said = desk.ask("run", "look", "--auto")
    assert (said.status, said.out) == (2, "")
    assert said.err == f'error: the secret "pw" comes out empty\n  why: {why}\n  fix: {fix}\n'
    assert not (desk.root / "recordings").exists()
