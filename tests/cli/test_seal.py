"""`seal` and `verify` as an auditor and an operator meet them, with trust that comes from elsewhere."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.desk import Desk
from tests.record.samples import story
from tests.record.seals import make_key, open_up, signers

RUN = "20261123T041200Z-orders-restart-0001"
DEMANDING = "name: here\nconfirm: none\nauto: all\nseal: {demand}\n"


@pytest.fixture
def key(desk: Desk, tmp_path: Path) -> Path:
    made = make_key(tmp_path / "keys")
    desk.write("runbook.toml", f'[seal]\nkey = "{made}"\n')
    return made


@pytest.fixture
def allowed(tmp_path: Path, key: Path) -> Path:
    return signers(tmp_path / "allowed_signers", ("anna@example.org", key))


def test_a_run_is_sealed_by_the_time_its_command_comes_back(desk: Desk, key: Path, allowed: Path) -> None:
    desk.ask("run", "look", "--auto")
    said = desk.ask("verify", "--allowed-signers", str(allowed), "--json")
    checks = {check["name"]: check["finding"] for check in json.loads(said.out)["checks"]}
    assert (said.status, set(checks.values()), checks["seal"], checks["ledger"]) == (0, {"ok"}, "ok", "ok")


def test_a_place_that_demands_a_signed_seal_begins_no_run_without_a_key(desk: Desk) -> None:
    desk.write("inventories/here/environment.yaml", DEMANDING.format(demand="required"))
    said = desk.ask("run", "look", "--auto")
    assert (said.status, said.out) == (5, "")
    assert "The environment demands a signed seal" in said.err
    assert "no key is named under [seal] in runbook.toml" in said.err
    assert not (desk.root / "recordings").exists()


def test_a_place_that_demands_a_token_takes_no_key_file(desk: Desk, key: Path) -> None:
    desk.write("inventories/here/environment.yaml", DEMANDING.format(demand="fido"))
    said = desk.ask("run", "look", "--auto")
    assert (said.status, "is a key of the kind ssh-ed25519" in said.err) == (5, True)


def test_a_place_that_demands_a_seal_and_a_key_that_cannot_sign_begin_no_run(desk: Desk, key: Path) -> None:
    desk.write("inventories/here/environment.yaml", DEMANDING.format(demand="required"))
    key.unlink()
    said = desk.ask("run", "look", "--auto")
    assert (said.status, "Nothing can be signed with" in said.err) == (5, True)


def test_without_a_demand_a_key_that_cannot_sign_keeps_nobody_from_running(desk: Desk, key: Path) -> None:
    aside = key.rename(key.with_name("aside"))
    assert desk.ask("run", "look", "--auto").status == 0
    assert "note     Not sealed" in desk.ask("verify").out
    aside.rename(key)
    said = desk.ask("seal")
    assert (said.status, said.out.partition(" is sealed as ended: ")[1]) == (0, " is sealed as ended: ")
    assert desk.ask("verify").status == 0


def test_a_run_that_nobody_resumes_is_sealed_with_the_reason(desk: Desk, key: Path, allowed: Path) -> None:
    desk.record(RUN, *story(run=RUN)[:-2])
    assert (desk.ask("verify").status, desk.ask("seal").status) == (2, 5)
    assert desk.ask("seal", "--interrupted").err.startswith("error: why it never goes on is not said")
    assert desk.ask("seal", "--interrupted", "-m", "the site is gone").status == 0
    said = desk.ask("verify", "--allowed-signers", str(allowed))
    assert (said.status, said.out.splitlines()[-1]) == (3, "The record is sound with exceptions: 8 good lines.")
    refused = desk.ask("resume", RUN)
    assert (refused.status, "The record is sealed" in refused.err) == (5, True)
    assert f"Go on in a run of its own: runbook run --from {RUN} --at STEP." in refused.err


def test_a_copy_is_not_sealed_because_it_might_be_taken_for_the_record(desk: Desk, key: Path) -> None:
    folder = desk.record(RUN)
    shutil.copytree(folder, desk.root / "copy" / RUN)
    assert desk.ask("seal", str(desk.root / "copy" / RUN)).err.startswith("error: a copy is not sealed")
    assert not (folder / "SHA256SUMS").exists()


def test_the_workspace_says_whom_its_verify_believes(desk: Desk, key: Path, allowed: Path, tmp_path: Path) -> None:
    desk.ask("run", "look", "--auto")
    others = signers(tmp_path / "others", ("ben", make_key(tmp_path / "keys", "ben")))
    desk.write("runbook.toml", f'[trust]\nallowed_signers = "{others}"\n')
    said = desk.ask("verify")
    assert (said.status, "may not seal here: its key is not among the signers" in said.out) == (1, True)
    assert "PROVES   seal: Somebody made this seal whom you do not trust to, at that time" in said.out
    assert "NOT      That the run did not happen as it says.\n" in said.out
    assert desk.ask("verify", "--allowed-signers", str(allowed)).status == 0


def test_what_cannot_be_checked_has_a_status_of_its_own(desk: Desk) -> None:
    assert desk.ask("verify", "nobody").status == 4
    desk.record()
    said = desk.ask("verify", "--allowed-signers", "gone")
    assert (said.status, said.err.startswith("error: gone is not there")) == (4, True)


def test_what_was_changed_is_told_as_data_with_what_it_proves(desk: Desk, key: Path) -> None:
    desk.ask("run", "look", "--auto")
    (folder,) = (desk.root / "recordings").glob("*-look-*")
    open_up(folder)
    (folder / "plan.json").write_bytes(b"{}")
    said = desk.ask("verify", "--json")
    check = next(each for each in json.loads(said.out)["checks"] if each["name"] == "files")
    assert (said.status, check) == (
        1,
        {
            "name": "files",
            "finding": "altered",
            "detail": "plan.json was changed after the record was sealed",
            "line": 0,
            "kind": "changed",
            "proves": "A file was changed after the record was sealed",
            "proves_not": "Who did it, or what it said before",
        },
    )


# --- the ledger -------------------------------------------------------------------------------------------------------


def test_the_ledger_names_the_record_that_is_gone(desk: Desk, key: Path) -> None:
    desk.ask("run", "look", "--auto")
    assert desk.ask("ledger", "check").out.endswith("The ledger is sound: 2 entries.\n")
    (folder,) = (desk.root / "recordings").glob("*-look-*")
    run = folder.name
    shutil.rmtree(folder)
    said = desk.ask("ledger", "check")
    assert (said.status, f"1 run has no record here: {run}" in said.out) == (2, True)
    assert "PROVES   ledger: A run began, and its record is not here.\nNOT      Malice" in said.out
    assert json.loads(desk.ask("ledger", "check", "--json").out)["missing"] == [run]


def test_people_tell_the_ledger_what_no_run_tells(desk: Desk) -> None:
    assert desk.ask("ledger", "heartbeat").out == "1 heartbeat DIGEST\n"
    assert desk.ask("ledger", "add", "key-revoked", "-m", "lost", "--key", "SHA256:x").out == "2 key-revoked DIGEST\n"
    assert desk.ask("ledger", "add", "opened", "-m", "no").status == 2
    said = json.loads((desk.root / "recordings/ledger/000000002.json").read_bytes())
    assert (said["kind"], said["text"], said["key"]) == ("key-revoked", "lost", "SHA256:x")


def test_a_checkpoint_that_is_kept_elsewhere_shows_a_tail_that_was_cut(desk: Desk, key: Path) -> None:
    desk.ask("run", "look", "--auto")
    known = desk.write("elsewhere.txt", desk.start("ledger", "checkpoint").out.replace("DIGEST", ""))
    assert known.read_text().splitlines()[1] == "2"
    assert desk.ask("ledger", "check", "--checkpoint", str(known)).status == 0
    shutil.rmtree(desk.root / "recordings/ledger/checkpoints")
    (desk.root / "recordings/ledger/000000002.json").unlink()
    said = desk.ask("ledger", "check", "--checkpoint", str(known))
    assert (said.status, "has 2 entries, and 1 are here" in said.out) == (1, True)
    assert desk.ask("ledger", "check", "--checkpoint", "gone").status == 4
