"""An approval that is a signature: made here, or on a machine that has nothing of ours; believed by signer and by key."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.desk import Desk, book
from tests.record.samples import rechain
from tests.record.seals import keygen, make_key, open_up, public, signers
from tests.record.token import PIN, TOUCHED, Token

GATE = "1.1#1"
STEP = "{{name: May it, approve: {{message: 'Fail over?', signed: {signed}{more}}}}}"
LOOK = "{name: Look, command: uptime, on: localhost, durable: false, timeout: 10s}"


@pytest.fixture
def keys(desk: Desk, tmp_path: Path) -> Path:
    """Anna, who runs and seals, and ben and cleo, who approve; mallory nobody knows."""
    folder = tmp_path / "keys"
    for name in ("anna", "ben", "cleo", "mallory"):
        make_key(folder, name)
    known = [(f"{name}@example.org", folder / name) for name in ("anna", "ben", "cleo")]
    allowed = signers(tmp_path / "allowed_signers", *known)
    desk.write("runbook.toml", f'[seal]\nkey = "{folder}/anna"\n[trust]\nallowed_signers = "{allowed}"\n')
    return folder


def waiting(desk: Desk, signed: str = "required", more: str = "") -> str:
    """A run that waits at its gate; gives its id."""
    desk.write("drills/asked.yaml", book(name="asked", steps=f"[{STEP.format(signed=signed, more=more)}, {LOOK}]"))
    run = desk.ask("run", "asked", "--detach").out.strip()
    desk.until(lambda: desk.ask("approve", run), lambda said: GATE in said.out)
    return run


def ended(desk: Desk, run: str) -> None:
    desk.until(lambda: desk.ask("runs", "--json"), lambda said: json.loads(said.out)[0]["verdict"] == "completed")
    desk.until(
        lambda: desk.ask("verify", run, "--json"), lambda said: '"name": "seal"' in said.out and said.status in {0, 1}
    )


def check_of(desk: Desk, run: str, name: str) -> dict[str, object]:
    return next(each for each in json.loads(desk.ask("verify", run, "--json").out)["checks"] if each["name"] == name)


def test_a_gate_that_asks_for_a_signature_takes_no_plain_yes(desk: Desk, keys: Path) -> None:
    run = waiting(desk, more=", allow_self: true")
    shown = desk.ask("approve", run)
    said = desk.ask("approve", run, "-g", GATE)
    assert f"sign it elsewhere: runbook approve {run} --gate '{GATE}' --text > FILE" in shown.out
    assert (said.status, f"it has to be signed: runbook approve {run} -g {GATE} --sign" in said.err) == (5, True)


def test_an_approval_is_signed_here_and_verified_for_ever(desk: Desk, keys: Path) -> None:
    run = waiting(desk)
    assert desk.ask("approve", run, "-g", GATE, "--sign", "--key", str(keys / "ben")).status == 0
    ended(desk, run)
    check = check_of(desk, run, "approvals")
    assert (check["finding"], str(check["detail"]).startswith("1 signed approvals hold: ben@example.org with")) == (
        "ok",
        True,
    )
    folder = desk.root / "recordings" / run
    text = (folder / "approvals/1.1-1-1.txt").read_text()
    assert text.splitlines()[:3] == ["runbook approval", f"run: {run}", f"gate: {GATE}"]


def test_an_approval_is_signed_on_another_machine_with_ssh_keygen_alone(desk: Desk, keys: Path, tmp_path: Path) -> None:
    run = waiting(desk)
    text = tmp_path / "ask.txt"
    text.write_text(desk.start("approve", run, "-g", GATE, "--text").out)
    text.write_bytes(raw_text(desk, run))
    keygen("-Y", "sign", "-f", keys / "cleo", "-n", "approve@runbook", text)
    assert desk.ask("approve", run, "-g", GATE, "--signed", str(text)).status == 0
    ended(desk, run)
    assert check_of(desk, run, "approvals")["finding"] == "ok"


def raw_text(desk: Desk, run: str) -> bytes:
    """What `--text` prints, with its hashes: a desk shows them as DIGEST."""
    import subprocess
    import sys

    words = [sys.executable, "-m", "runbook.cli", "approve", run, "-g", GATE, "--text"]
    return subprocess.run(words, cwd=desk.root, capture_output=True, check=True, timeout=60).stdout


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (lambda text: text.replace(b"gate: 1.1#1", b"gate: 1.2#1"), "it was signed for another question"),
        (
            lambda text: text.replace(b"answer: approve", b"answer: reject"),
            '"reject" was signed, and "approve" is sent',
        ),
        (lambda text: text.replace(b"expires: 2", b"expires: 1"), "the approval has expired"),
        (lambda text: b"yes\n", "what was signed is no approval"),
    ],
)
def test_what_was_signed_for_something_else_counts_for_nothing(
    desk: Desk, keys: Path, tmp_path: Path, edit, why
) -> None:
    run = waiting(desk)
    text = tmp_path / "ask.txt"
    text.write_bytes(edit(raw_text(desk, run)))
    keygen("-Y", "sign", "-f", keys / "ben", "-n", "approve@runbook", text)
    said = desk.ask("approve", run, "-g", GATE, "--signed", str(text))
    assert (said.status, why in said.err) == (5, True), said.err


@pytest.mark.parametrize(
    ("who", "why"),
    [
        ("mallory", "the signature does not count here"),
        ("anna", "nobody approves their own run"),
    ],
)
def test_a_key_that_may_not_approve_is_refused(desk: Desk, keys: Path, who: str, why: str) -> None:
    run = waiting(desk)
    said = desk.ask("approve", run, "-g", GATE, "--sign", "--key", str(keys / who))
    assert (said.status, why in said.err) == (5, True), said.err


def test_four_eyes_are_two_people_with_two_keys(desk: Desk, keys: Path, tmp_path: Path) -> None:
    allowed = tmp_path / "allowed_signers"
    allowed.write_text(allowed.read_text() + f"dora@example.org {public(keys / 'ben')}\n")
    run = waiting(desk, more=", min_required: 2")
    assert desk.ask("approve", run, "-g", GATE, "--sign", "--key", str(keys / "ben")).status == 0
    again = desk.ask("approve", run, "-g", GATE, "--sign", "--key", str(keys / "ben"))
    assert (again.status, "has answered already" in again.err or "has signed already" in again.err) == (5, True)
    assert desk.ask("approve", run, "-g", GATE, "--sign", "--key", str(keys / "cleo")).status == 0
    ended(desk, run)
    assert check_of(desk, run, "approvals")["finding"] == "ok"


@pytest.fixture
def short() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="rb-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_a_gate_may_ask_that_somebody_touches_a_token(
    desk: Desk, keys: Path, tmp_path: Path, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = {name: Token(tmp_path / name, flags) for name, flags in (("idle", 0), ("touched", TOUCHED | PIN))}
    allowed = tmp_path / "allowed_signers"
    lines = [b"ben@example.org " + token.public.read_bytes() for token in tokens.values()]
    allowed.write_bytes(allowed.read_bytes() + b"".join(lines))
    run = waiting(desk, signed="fido")
    said = {}
    for name, token in tokens.items():
        token.serve(str(short / name))
        monkeypatch.setenv("SSH_AUTH_SOCK", str(short / name))
        said[name] = desk.ask("approve", run, "-g", GATE, "--sign", "--key", str(token.public))
    assert (said["idle"].status, "nobody touched a token" in said["idle"].err, said["touched"].status) == (5, True, 0)
    ended(desk, run)
    proof = next(
        json.loads(line)["event"]["proof"]
        for line in (desk.root / "recordings" / run / "journal.jsonl").read_bytes().splitlines()
        if b'"GateAnswered"' in line
    )
    assert (proof["touched"], proof["pin_given"], proof["principal"]) == (True, True, "ben@example.org")


def test_a_plan_that_asks_for_signatures_is_not_begun_where_nobody_says_whose_count(desk: Desk) -> None:
    desk.write("drills/asked.yaml", book(name="asked", steps=f"[{STEP.format(signed='required', more='')}]"))
    said = desk.ask("run", "asked", "--detach")
    assert (said.status, "step 1.1 asks for a signature, and nobody says whose counts" in said.err) == (5, True)


def test_an_approval_that_was_swapped_is_named_by_its_line(desk: Desk, keys: Path) -> None:
    """The attacker has the whole record, makes the chain anew, and puts another's name, or nobody's, in its place."""
    run = waiting(desk)
    desk.ask("approve", run, "-g", GATE, "--sign", "--key", str(keys / "ben"))
    ended(desk, run)
    folder = desk.root / "recordings" / run
    open_up(folder)
    kept = (folder / "journal.jsonl").read_bytes()
    for said, forged in (
        (b'"principal":"ben@example.org"', b'"principal":"cleo@example.org"'),
        (b"answer: approve", b"answer: reject"),
        (b"nonce: ", b"nonce: 0"),
    ):
        (folder / "journal.jsonl").write_bytes(kept)
        rechain(folder, lambda line, said=said, forged=forged: line.replace(said, forged))
        check = check_of(desk, run, "approvals")
        assert (check["finding"], check["kind"], check["line"] != 0) == ("altered", "approved-falsely", True)
