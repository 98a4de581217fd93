"""The ledger knows of every run before its first step; what is taken from it, or from under it, leaves a mark."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runbook.record.checking.ledgered import examine_ledger
from runbook.record.checking.roots import NOTHING, Roots
from runbook.record.ledger.entry import FIRST, LedgerEntry, hash_of_entry, read_entry
from runbook.record.ledger.ledger import Ledger
from runbook.record.ledger.tree import LedgerCheckpoint, leaf, read_ledger_checkpoint, root_of
from tests.record.samples import ANNA
from tests.record.seals import (
    LATER,
    NEXT,
    RUN,
    SEALED_AT,
    finding,
    interrupted,
    make_key,
    open_up,
    run_to_its_end,
    sealer,
)

DAY = "2026-11-23T04:12:00.000Z"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "recordings"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return make_key(tmp_path / "keys")


@pytest.fixture
async def three(root: Path) -> Path:
    """Three runs, two of which were sealed: opened, sealed, opened, sealed, opened."""
    await run_to_its_end(root, sealer())
    await run_to_its_end(root, sealer(), NEXT)
    await interrupted(root, sealer(), LATER)
    return root


def entries(root: Path) -> list[LedgerEntry]:
    ledger = Ledger(root)
    return [read_entry(ledger.data(number)) for number in ledger.numbers()]


def kinds(root: Path, roots: Roots = NOTHING) -> list[tuple[str, str]]:
    return [(check.finding.name.lower(), check.kind) for check in examine_ledger(str(root), roots).checks]


def grade(root: Path, roots: Roots = NOTHING) -> str:
    return examine_ledger(str(root), roots).grade


def path_of(root: Path, number: int) -> Path:
    return root / "ledger" / f"{number:09d}.json"


def rewritten(root: Path, keep) -> None:
    """Make the ledger anew without some entries, as somebody can who has all of it: every link fits again."""
    told = [entry for entry in entries(root) if keep(entry)]
    shutil.rmtree(root / "ledger")
    for entry in told:
        Ledger(root).append(entry)


def kept_elsewhere(root: Path, place: Path, key: str = "") -> Roots:
    """A checkpoint as an auditor has it."""
    Ledger(root).checkpoint(key)
    newest = max((root / "ledger/checkpoints").glob("*.txt"), key=lambda path: int(path.stem))
    for path in (newest, newest.with_name(f"{newest.name}.sig")):
        if path.exists():
            shutil.copy(path, place / path.name.replace(newest.stem, "known"))
    return Roots(checkpoint=str(place / "known.txt"))


# --- what is told -----------------------------------------------------------------------------------------------------


async def test_a_run_is_in_the_ledger_before_its_record_has_a_line_and_again_when_it_is_sealed(root):
    folder = await run_to_its_end(root, sealer())
    opened, sealed = entries(root)
    first = json.loads((folder / "journal.jsonl").read_bytes().splitlines()[0])["event"]
    assert (opened.kind, opened.run, opened.by, opened.prev, opened.plan) == (
        "opened", RUN, ANNA, FIRST, first["plan_digest"],
    )  # fmt: skip
    assert first["ledger"] == sealed.prev == hash_of_entry(Ledger(root).data(1))
    said = json.loads((folder / "SEAL.json").read_bytes())
    assert (sealed.kind, sealed.head, sealed.lines) == ("sealed", said["head"], said["lines"])
    assert (grade(root), kinds(root), finding(folder, "ledger")) == ("sound", [], ("ok", ""))


async def test_a_ledger_that_cannot_be_written_lets_no_run_begin(root):
    root.mkdir(mode=0o700)
    (root / "ledger").write_text("in the way")
    with pytest.raises(Exception, match="The ledger cannot be written"):
        await run_to_its_end(root, sealer())


async def test_entries_are_signed_where_there_is_a_key(root, key):
    await run_to_its_end(root, sealer(key))
    text, signature = path_of(root, 2), path_of(root, 2).with_name("000000002.json.sig")
    words = ["ssh-keygen", "-Y", "check-novalidate", "-n", "ledger@runbook", "-s", signature]
    assert subprocess.run(words, stdin=text.open("rb"), capture_output=True, check=True).returncode == 0
    signature.write_bytes(path_of(root, 1).with_name("000000001.json.sig").read_bytes())
    assert kinds(root) == [("altered", "false-signature")]


def test_many_writers_make_one_chain(root):
    """Processes of their own, as on machines that share a folder."""
    code = (
        "import sys; from pathlib import Path\n"
        "from runbook.record.ledger.ledger import Ledger\n"
        "from runbook.record.ledger.entry import LedgerEntry\n"
        "for count in range(10):\n"
        f"    Ledger(Path(sys.argv[1])).append(LedgerEntry(kind='heartbeat', time='{DAY}', text=f'{{sys.argv[2]}} {{count}}'))\n"
    )
    root.mkdir()
    writers = [subprocess.Popen([sys.executable, "-c", code, str(root), str(name)]) for name in range(4)]
    assert [writer.wait(timeout=60) for writer in writers] == [0] * 4
    found = examine_ledger(str(root), NOTHING)
    assert (found.grade, found.entries, found.checks) == ("sound", 40, ())
    assert sorted(entry.text for entry in entries(root)) == sorted(
        f"{name} {n}" for name in range(4) for n in range(10)
    )


def test_a_file_system_without_links_is_written_all_the_same(root, monkeypatch):
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refused)
    for _ in range(3):
        Ledger(root).append(LedgerEntry(kind="heartbeat", time=DAY))
    assert (grade(root), [entry.seq for entry in entries(root)]) == ("sound", [1, 2, 3])


def test_nothing_is_put_into_a_hole(root):
    for _ in range(3):
        Ledger(root).append(LedgerEntry(kind="heartbeat", time=DAY))
    path_of(root, 2).unlink()
    Ledger(root).append(LedgerEntry(kind="heartbeat", time=DAY))
    assert ([entry.seq for entry in entries(root)], kinds(root)) == ([1, 3, 4], [("altered", "hole")])


# --- an attacker with the whole folder --------------------------------------------------------------------------------


async def test_a_record_that_was_deleted_is_missed_by_its_name(three):
    shutil.rmtree(three / NEXT)
    found = examine_ledger(str(three), NOTHING)
    assert (found.grade, found.missing, found.grade.status) == ("incomplete", (NEXT,), 2)
    assert found.checks[0].detail == f"1 run has no record here: {NEXT}"
    assert finding(three / RUN, "ledger") == ("note", "missing-record")


async def test_a_record_that_was_destroyed_lawfully_is_not_missed(three):
    shutil.rmtree(three / NEXT)
    Ledger(three).append(LedgerEntry(kind="destroyed", time=DAY, run=NEXT, by=ANNA))
    assert grade(three) == "sound"


@pytest.mark.parametrize("number", [1, 3])
async def test_an_entry_that_was_deleted_leaves_a_hole(three, number):
    path_of(three, number).unlink()
    assert grade(three) == "altered"
    assert ("altered", "hole") in kinds(three)
    assert finding(three / LATER, "ledger")[0] == "altered"


async def test_an_entry_that_was_changed_does_not_fit_the_next_one(three):
    path = path_of(three, 2)
    path.write_bytes(path.read_bytes().replace(b'"name":"anna"', b'"name":"bert"'))
    assert ("altered", "rewritten") in kinds(three)


async def test_a_ledger_made_anew_without_a_run_contradicts_the_records_that_are_left(three):
    """Deleting a run and all that speaks of it needs every record that began after it to be made anew as well."""
    shutil.rmtree(three / NEXT)
    rewritten(three, lambda entry: entry.run != NEXT)
    assert grade(three) == "sound"  # the chain alone cannot know
    assert finding(three / LATER, "ledger") == ("altered", "rewritten")
    assert finding(three / RUN, "ledger") == ("ok", "")


async def test_a_checkpoint_kept_elsewhere_knows_a_ledger_that_was_made_anew(three, tmp_path):
    known = kept_elsewhere(three, tmp_path)
    shutil.rmtree(three / LATER)
    rewritten(three, lambda entry: entry.run != LATER)
    Ledger(three).append(LedgerEntry(kind="heartbeat", time=SEALED_AT))
    assert kinds(three, known) == [("altered", "fork")]
    assert finding(three / RUN, "ledger", known) == ("altered", "fork")


async def test_a_tail_that_was_cut_off_is_known_from_a_checkpoint_alone(three, tmp_path):
    known = kept_elsewhere(three, tmp_path)
    shutil.rmtree(three / LATER)
    shutil.rmtree(three / "ledger/checkpoints")
    path_of(three, 5).unlink()
    assert (grade(three), kinds(three, known)) == ("sound", [("altered", "tail-cut")])


async def test_the_first_seal_of_a_day_signs_a_checkpoint_and_no_later_one(root, key):
    await run_to_its_end(root, sealer(key))
    await run_to_its_end(root, sealer(key), NEXT)
    tomorrow = "2026-11-24T00:30:00.000Z"
    await run_to_its_end(root, sealer(key, wall=tomorrow), LATER)
    place = root / "ledger/checkpoints"
    assert sorted(path.name for path in place.iterdir()) == ["2.txt", "2.txt.sig", "6.txt", "6.txt.sig"]
    words = ["ssh-keygen", "-Y", "check-novalidate", "-n", "checkpoint@runbook", "-s", place / "6.txt.sig"]
    assert subprocess.run(words, stdin=(place / "6.txt").open("rb"), capture_output=True, check=False).returncode == 0
    assert kinds(root) == []


async def test_a_ledger_that_goes_on_is_the_one_of_an_older_checkpoint(three, tmp_path):
    known = kept_elsewhere(three, tmp_path)
    Ledger(three).append(LedgerEntry(kind="heartbeat", time=SEALED_AT))
    assert kinds(three, known) == []


async def test_another_ledger_is_not_the_one_of_the_checkpoint(three, tmp_path):
    known = kept_elsewhere(three, tmp_path)
    shutil.rmtree(three / "ledger")
    for number in range(9):
        Ledger(three).append(LedgerEntry(kind="heartbeat", time=DAY, text=str(number)))
    assert ("altered", "fork") in kinds(three, known)


async def test_a_checkpoint_that_was_changed_is_not_what_was_signed(three, tmp_path, key):
    known = kept_elsewhere(three, tmp_path, str(key))
    assert kinds(three, known) == []
    path = Path(known.checkpoint)
    path.write_text(path.read_text().replace("\n5\n", "\n4\n"))
    assert ("altered", "false-checkpoint") in kinds(three, known)


async def test_a_ledger_that_was_taken_away_altogether_is_missed_by_its_records(three, tmp_path):
    known = kept_elsewhere(three, tmp_path)
    shutil.rmtree(three / "ledger")
    assert finding(three / RUN, "ledger") == ("note", "no-ledger")
    assert finding(three / RUN, "ledger", known) == ("missing", "no-ledger")
    assert grade(three, known) == "altered"


async def test_a_seal_that_was_stripped_off_is_known_to_the_ledger(three):
    open_up(three / RUN)
    for name in ("SHA256SUMS", "OUTPUT.SHA256SUMS", "SEAL.json", "VERIFY.txt"):
        (three / RUN / name).unlink()
    assert finding(three / RUN, "ledger") == ("altered", "sealed-otherwise")
    assert kinds(three) == [("altered", "sealed-otherwise")]


async def test_a_record_that_nobody_told_the_ledger_of_is_noted(three):
    shutil.copytree(three / RUN, three / "20261125T041200Z-orders-restart-0009")
    assert kinds(three) == [("note", "unregistered")]


async def test_what_is_no_entry_is_named(three):
    (three / "ledger" / "notes.txt").write_text("mine")
    path_of(three, 6).write_bytes(b"not json\n")
    assert kinds(three) == [("note", "foreign-entry"), ("altered", "foreign-entry")]


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("2026-11-22T00:00:00.000Z", [("note", "clock")]),
        ("2026-11-27T00:00:00.000Z", [("note", "quiet")]),
        ("2026-11-24T00:00:00.000Z", []),
        ("yesterday", [("altered", "foreign-entry")]),
    ],
)
def test_clocks_that_go_back_and_days_without_a_word_are_noted(root, time, expected):
    Ledger(root).append(LedgerEntry(kind="heartbeat", time=DAY))
    Ledger(root).append(LedgerEntry(kind="heartbeat", time=time))
    assert kinds(root) == expected


# --- the tree ---------------------------------------------------------------------------------------------------------


def test_the_root_is_that_of_rfc_6962():
    """Against the roots of the reference implementation (certificate-transparency, merkle_tree_test)."""
    leaves = [bytes.fromhex(text) for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )]  # fmt: skip
    roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]
    assert [root_of([leaf(each) for each in leaves[: size + 1]]).hex() for size in range(8)] == roots


def test_a_checkpoint_is_read_as_it_was_written_and_with_the_lines_of_a_signed_note():
    point = LedgerCheckpoint(origin="runbook.ledger/0123456789abcdef", size=7, root=bytes(range(32)))
    assert read_ledger_checkpoint(point.text) == point
    assert read_ledger_checkpoint(point.text + "\n— witness AAAA\n".encode()) == point


@pytest.mark.parametrize("data", [b"", b"x\n01\n" + b"A" * 44 + b"\n", b"x\n1\nshort\n", b"\n1\n" + b"A" * 44 + b"\n"])
def test_what_is_no_checkpoint_is_none(data):
    with pytest.raises(ValueError, match=r"form of a checkpoint|root"):
        read_ledger_checkpoint(data)
