"""Verifying a record: sound, incomplete or altered, and where it shows first."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from runbook.core.events.event import (
    AttemptEnded,
    AttemptStarted,
    Event,
    FailureResolved,
    GateAnswered,
    GateLapsed,
    GateOpened,
    HaltRequested,
    NoteAdded,
    RunEnded,
    RunnerStarted,
    RunOpened,
    StepEnded,
    StepEntered,
    Unknown,
)
from runbook.core.host import Host
from runbook.core.host_key import ChangedKey, HostKey
from runbook.core.outcome import Outcome
from runbook.core.planned.action import Action, BlockAction, CommandAction, ConfirmAction, ParallelAction
from runbook.core.planned.plan import Plan, PlannedSection, PlannedStep
from runbook.core.planned.shown import digest_of
from runbook.record.checking.judgement import Judgement, Status
from runbook.record.checking.soundness import Examined, Soundness
from runbook.record.checking.verify import verify
from runbook.record.files.journal import Journal
from runbook.record.files.output import OutputStore, Source
from runbook.record.files.reader import RecordReader
from runbook.record.form.formats import rules_of
from tests.record.samples import (
    ANNA,
    FILES,
    PLAN,
    announced,
    entered,
    numbered,
    opened,
    read_lines,
    rechain,
    story,
    write_journal,
    write_record,
)  # fmt: skip

CHECKS = (
    "chain", "version", "plan", "ending", "attempts", "shown", "gates", "faults", "copies", "output", "torn",
    "listing", "files", "seal", "approvals", "checkpoints", "ledger", "access",
)  # fmt: skip
RESTART = CommandAction(shell="true")
ASKED, RESTARTED = entered("1.1"), entered("1.2")
ASKS = GateOpened(gate="1.1#1", step="1.1", kind="confirm", digest=ASKED.digest)
OTHER = "0" * 64
KEY = ChangedKey(machine="db1", known=(HostKey("rsa", "old"),), shown=HostKey("rsa", "new"))
OTHER_PLAN = replace(
    PLAN,
    sections=(
        replace(PLAN.sections[0], steps=(PLAN.sections[0].steps[0], replace(PLAN.sections[0].steps[1], cwd="/srv"))),
    ),
)


@pytest.fixture
def record(tmp_path: Path) -> Path:
    write_record(tmp_path / "r1")
    return tmp_path / "r1"


def failed(folder: Path) -> dict[str, Examined]:
    return {check.name: check for check in verify(folder).checks if not check.ok}


def rewrite(folder: Path, edit) -> None:
    (folder / "journal.jsonl").write_bytes(b"".join(edit(read_lines(folder))))


def gate_about_key(digest: str) -> GateOpened:
    return GateOpened(gate="1.2#1", step="1.2", kind="host_key", message=KEY.question, changed_key=KEY, digest=digest)


def test_an_untouched_record_is_sound(record: Path):
    found = verify(record)
    said = {name: Soundness.NOTE if name == "seal" else Soundness.OK for name in CHECKS}
    assert {check.name: check.finding for check in found.checks} == said
    assert tuple(check.name for check in found.checks) == CHECKS
    assert (found.grade, found.first_bad_line, found.lines, found.run) == (Judgement.SOUND, 0, 11, "r1")
    assert found.grade.status is Status.SOUND


def test_the_head_is_the_hash_of_the_last_line(record: Path):
    assert verify(record).head == hashlib.sha256(read_lines(record)[-1]).hexdigest()


def places(whole: bytes) -> list[int]:
    """Around every end of a line, and every thirteenth byte: no line and no kind of field is left out."""
    ends = [place for place, byte in enumerate(whole) if byte == ord("\n")]
    around = {end + beside for end in ends for beside in (-1, 0, 1)}
    return sorted({*range(0, len(whole), 13), *(place for place in around if place < len(whole))})


def test_a_flip_of_any_byte_of_the_journal_names_the_line_it_is_in(tmp_path: Path):
    write_journal(tmp_path, *story())
    path = tmp_path / "journal.jsonl"
    whole = path.read_bytes()
    for place in places(whole):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        found = verify(tmp_path)
        line = whole[:place].count(b"\n") + 1
        assert (found.first_bad_line, found.lines) == (line, line - 1), place
        last_feed = place == len(whole) - 1
        assert found.grade is (Judgement.INCOMPLETE if last_feed else Judgement.ALTERED), place


def test_a_journal_cut_at_any_byte_is_incomplete_from_the_first_line_that_is_not_whole(tmp_path: Path):
    write_journal(tmp_path, *story())
    path = tmp_path / "journal.jsonl"
    whole = path.read_bytes()
    for cut in places(whole):
        path.write_bytes(whole[:cut])
        found = verify(tmp_path)
        lines = whole[:cut].count(b"\n")
        assert (found.grade, found.lines, found.first_bad_line) == (Judgement.INCOMPLETE, lines, lines + 1)


def test_any_changed_byte_of_output_is_found_with_the_line_that_names_it(record: Path):
    path = record / "out/db1.log"
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + b"\xff" + whole[place + 1 :])
        assert failed(record) == {
            "output": Examined(
                name="output",
                finding=Soundness.ALTERED,
                detail="out/db1.log: the bytes from 0 on were changed",
                line=8,
            )
        }


def test_output_that_was_cut_or_lost_makes_the_record_incomplete(record: Path):
    path = record / "out/db1.log"
    path.write_bytes(path.read_bytes()[:-5])
    assert failed(record)["output"].detail == "out/db1.log: 5 bytes from 11 on are lost"
    path.unlink()
    assert failed(record)["output"].detail == "out/db1.log: 16 bytes from 0 on are lost"
    assert verify(record).grade is Judgement.INCOMPLETE


@pytest.mark.parametrize("name", ["db1.log", "web1.log"])
def test_output_that_was_added_is_found(record: Path, name: str):
    with (record / "out" / name).open("ab") as file:
        file.write(b"all good\n")
    assert failed(record)["output"].detail == f"out/{name}: 9 bytes were added that no line names"


def test_output_from_before_a_crash_is_a_note_and_not_an_alteration(tmp_path: Path):
    store = OutputStore(tmp_path)
    first, second = (Source(step="1.2", host="db1", number=number, stream="out") for number in (1, 2))
    known = (*store.write(first, b"known\n"), *store.flush())
    store.write(first, b"unknown\n")
    store.flush()
    after = (*store.write(second, b"after\n"), *store.flush())
    resumed = (*story(known)[:-3], RunnerStarted(pid=2, resumed=True), *after, *story()[-3:])
    write_journal(tmp_path, *resumed)
    found = verify(tmp_path)
    assert found.grade is Judgement.SOUND
    assert [check.detail for check in found.checks if check.finding is Soundness.NOTE and check.name == "output"] == [
        "12 bytes of output are as they were journalled; 8 more are covered by no good line, as after a crash"
    ]


def test_a_crash_explains_a_gap_only_in_files_that_it_was_written_to_before(tmp_path: Path):
    """What was written after a crash and is not in a line was taken out of the journal."""
    store = OutputStore(tmp_path)
    source = Source(step="1.2", host="db1", number=2, stream="out")
    after = [event for text in (b"1\n", b"22\n", b"3\n") for event in (*store.write(source, text), *store.flush())]
    crashed = (*story()[:-3], RunnerStarted(pid=2, resumed=True))
    write_journal(tmp_path, *crashed, after[0], after[2], *story()[-3:])
    assert failed(tmp_path)["output"].detail == "out/db1.log: a chunk begins at 5 where 2 is due"


def test_bytes_at_the_end_of_a_run_that_has_not_ended_are_counted(tmp_path: Path):
    store = OutputStore(tmp_path)
    source = Source(step="1.2", host="db1", number=1, stream="out")
    known = (*store.write(source, b"known\n"), *store.flush())
    store.write(source, b"unknown\n")
    store.flush()
    write_journal(tmp_path, *story(known)[:-3])
    check = next(check for check in verify(tmp_path).checks if check.name == "output")
    assert (check.finding, check.detail) == (
        Soundness.NOTE,
        "6 bytes of output are as they were journalled; 8 more are covered by no good line, as after a crash",
    )


def test_a_gap_in_output_without_a_crash_is_an_alteration(tmp_path: Path):
    store = OutputStore(tmp_path)
    source = Source(step="1.2", host="db1", number=1, stream="out")
    chunks = [
        event for text in (b"one\n", b"two\n", b"three\n") for event in (*store.write(source, text), *store.flush())
    ]
    write_journal(tmp_path, *story((chunks[0], chunks[2])))
    assert failed(tmp_path)["output"].detail == "out/db1.log: a chunk begins at 8 where 4 is due"


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "out/../../secret", "out/..log/x", "journal.jsonl"])
def test_a_journal_cannot_lead_the_verifier_out_of_the_record(tmp_path: Path, name: str):
    store = OutputStore(tmp_path)
    events = (*store.write(Source(step="1.2", host="db1", number=1, stream="out"), b"x"), *store.flush())
    forged = replace(events[0], file=name)
    write_journal(tmp_path, *story((forged,)))
    assert f'"{name}" cannot be a file of output' in failed(tmp_path)["output"].detail


def test_a_link_or_a_pipe_in_the_place_of_output_is_not_read(record: Path):
    path = record / "out/db1.log"
    kept = path.read_bytes()
    path.unlink()
    (record / "elsewhere").write_bytes(kept)
    path.symlink_to(record / "elsewhere")
    assert failed(record)["output"].detail == "out/db1.log is not a plain file"
    path.unlink()
    os.mkfifo(path)
    assert failed(record)["output"].detail == "out/db1.log is not a plain file"


@pytest.mark.parametrize("name", list(FILES))
def test_a_changed_or_missing_copy_is_found(record: Path, name: str):
    (record / name).write_bytes(b"other")
    assert failed(record)["copies"].detail == f"{name} is not what the run was made from"
    (record / name).unlink()
    assert failed(record)["copies"].detail == f"{name} is not there"


def test_a_plan_that_was_not_the_confirmed_one_is_found(tmp_path: Path):
    first = replace(opened(), plan_digest="0" * 64)
    write_journal(tmp_path, first, *story()[1:])
    assert (failed(tmp_path)["plan"].finding, verify(tmp_path).first_bad_line) == (Soundness.ALTERED, 1)


def test_a_run_is_opened_first_and_once(tmp_path: Path):
    write_journal(tmp_path / "a", *story()[1:])
    assert failed(tmp_path / "a")["plan"].detail == "The first line does not open a run"
    write_journal(tmp_path / "b", *story()[:2], opened(), *story()[2:])
    assert (failed(tmp_path / "b")["plan"].detail, verify(tmp_path / "b").first_bad_line) == (
        "The run is opened a second time",
        3,
    )


def test_nothing_may_follow_the_end(tmp_path: Path):
    write_journal(tmp_path, *story(), NoteAdded(text="and one more thing"))
    assert failed(tmp_path) == {
        "ending": Examined(
            name="ending",
            finding=Soundness.ALTERED,
            detail="The run ended in line 10 and yet the journal goes on",
            line=11,
        )
    }


@pytest.mark.parametrize(
    ("events", "line", "detail"),
    [
        ((ASKED, ASKS, RESTARTED, announced(RESTARTED)), 0, "has the digest of what was shown, 4 times"),
        ((replace(ASKED, digest=OTHER),), 2, "Step 1.1 was entered with the digest"),
        ((ASKED, replace(ASKS, digest=OTHER)), 3, "Gate 1.1#1 was opened with the digest"),
        ((ASKED, replace(ASKS, step="1.2")), 3, "Gate 1.1#1 was opened with the digest"),
        ((RESTARTED, replace(announced(RESTARTED), digest=OTHER)), 3, "Step 1.2 on db1 was started with the digest"),
        ((RESTARTED, replace(announced(RESTARTED), host="db2")), 3, "Step 1.2 on db2 was started with the digest"),
        ((announced(RESTARTED),), 2, "Step 1.2 on db1 was started with the digest"),
        ((RESTARTED, replace(announced(RESTARTED), digest="")), 3, "Step 1.2 on db1 was started with the digest"),
        ((entered("1.2", OTHER_PLAN),), 2, "Step 1.2 was entered with something else for db1 than its plan shows"),
        ((StepEntered(step="1.2"),), 0, ""),
        ((StepEntered(step="1.2"), announced(RESTARTED)), 3, "Step 1.2 on db1 was started with the digest"),
        ((gate_about_key(KEY.digest),), 0, ""),
        ((gate_about_key(OTHER),), 2, "Gate 1.2#1 was opened with the digest"),
    ],
)
def test_what_was_entered_asked_about_and_sent_is_what_was_shown(tmp_path: Path, events, line: int, detail: str):
    write_journal(tmp_path, opened(), *events)
    check = next(check for check in verify(tmp_path).checks if check.name == "shown")
    assert (check.finding, check.line) == (Soundness.ALTERED if line else Soundness.OK, line)
    assert detail in check.detail


def becoming(user: str) -> Plan:
    """The plan with a step that becomes whoever the inventory says."""
    ask, restart = PLAN.sections[0].steps
    section = replace(PLAN.sections[0], steps=(ask, replace(restart, become=True)))
    return replace(PLAN, hosts=(Host(name="db1", become_user=user),), sections=(section,))


@pytest.mark.parametrize(("user", "line"), [("postgres", 0), ("deploy", 2)])
def test_who_a_step_becomes_is_part_of_what_was_shown(tmp_path: Path, user: str, line: int):
    write_journal(tmp_path, opened(plan=becoming("postgres")), entered("1.2", becoming(user)))
    check = next(check for check in verify(tmp_path).checks if check.name == "shown")
    assert (check.finding, check.line) == (Soundness.ALTERED if line else Soundness.OK, line)


def test_the_digests_of_a_record_count_as_its_bytes_say_whatever_else_stands_in_them(record: Path):
    """A newer version may say more in a plan and in what it shows: that is no alteration."""

    def say_more(line: bytes) -> bytes:
        return line.replace(b'"title":"Restart orders"', b'"mood":"calm","title":"Restart orders"')

    plan = say_more(PLAN.encoded)
    text = say_more(RESTARTED.shown["*"].replace('"kind"', '"care":9,"kind"').encode()).decode()
    later = replace(RESTARTED, shown={"*": text}, digest=digest_of({"*": text}, ("db1",)))
    started = announced(later)
    told = [each for each in story() if not isinstance(each, RunOpened | StepEntered | AttemptStarted)]
    first = replace(opened(version="9.0.0"), plan_digest=hashlib.sha256(plan).hexdigest())
    write_journal(record.parent / "r2", first, *told[:4], later, started, *told[4:])
    rechain(record.parent / "r2", say_more)
    found = verify(record.parent / "r2")
    assert {check.name: check.finding for check in found.checks if not check.ok} == {"version": Soundness.NEWER}
    assert (found.grade, found.grade.status) == (Judgement.NEWER, Status.NEWER)


SEAL = Unknown(name="SealAdded", raw=b'{"type":"SealAdded","by":{"name":"anna"}}')


@pytest.mark.parametrize(
    "events",
    [
        (*story(), SEAL),
        (*story()[:3], SEAL, *story()[4:]),
        (opened(format=9), *story()[1:-1]),
        (opened(format=9, plan_digest=OTHER), *story()[1:]),
        (opened(version="9.0.0"), replace(ASKED, digest=OTHER), *story()[2:]),
        (Unknown(name="RunOpened", raw=b'{"type":"RunOpened","format":9,"version":"9.0.0"}'), *story()[1:]),
        (opened(version="9.0.0"), *story()[1:-1], opened(version="9.0.0"), story()[-1]),
    ],
    ids=[
        "sealed",
        "answered otherwise",
        "ended otherwise",
        "hashed otherwise",
        "entered otherwise",
        "opened otherwise",
        "opened again",
    ],
)
def test_a_record_of_a_newer_version_is_newer_and_never_altered(tmp_path: Path, events: tuple[Event, ...]):
    write_journal(tmp_path, *events)
    assert verify(tmp_path).grade is Judgement.NEWER
    assert verify(tmp_path).lines == len(events)


def test_a_field_that_this_version_does_not_know_is_a_sign_of_a_newer_one(record: Path):
    rechain(record, lambda line: line.replace(b'"answer":"proceed"', b'"mood":"calm","answer":"proceed"'))
    assert failed(record) == {
        "version": Examined(
            name="version",
            finding=Soundness.NEWER,
            detail="A newer version wrote it: it says things that this version does not know",
            line=4,
        )
    }


def test_what_is_missed_in_a_record_of_a_newer_version_is_told_with_that_reserve(tmp_path: Path):
    write_journal(tmp_path, opened(version="9.0.0"), *story()[1:], NoteAdded(text="and one more thing"))
    assert failed(tmp_path)["ending"] == Examined(
        name="ending",
        finding=Soundness.NEWER,
        detail="The run ended in line 10 and yet the journal goes on; "
        "whether that is wrong, only a version that knows this record can say",
        line=11,
    )


def test_gates_and_steps_of_a_record_without_its_first_line_are_looked_at_all_the_same(tmp_path: Path):
    write_journal(tmp_path, ASKS, RESTARTED, announced(RESTARTED))
    assert verify(tmp_path).grade is Judgement.ALTERED


def test_a_journal_without_a_line_holds_no_plan(tmp_path: Path):
    Journal.create(tmp_path).close()
    missing = Examined(name="plan", finding=Soundness.MISSING, detail="The journal holds no plan", line=1)
    assert failed(tmp_path)["plan"] == missing


def test_a_record_of_a_newer_version_whose_chain_is_broken_is_altered_all_the_same(tmp_path: Path):
    write_journal(tmp_path, *story(), SEAL)
    rewrite(tmp_path, lambda lines: [*lines[:2], lines[2].replace(b"Now?", b"Now!"), *lines[3:]])
    assert (verify(tmp_path).grade, verify(tmp_path).first_bad_line) == (Judgement.ALTERED, 3)


@pytest.mark.parametrize("name", list(FILES))
def test_copies_beside_an_unknown_event_are_still_held_to_their_hashes(record: Path, name: str):
    rewrite(record, lambda lines: lines[:-1])
    journal = Journal.reopen(record).journal
    journal.append(*numbered(SEAL, story()[-1], start=10))
    journal.close()
    assert verify(record).grade is Judgement.NEWER
    (record / name).write_bytes(b"other")
    assert verify(record).grade is Judgement.ALTERED


def test_the_copy_of_the_plan_is_the_plan_of_the_first_line(tmp_path: Path):
    write_journal(tmp_path, opened(files={"plan.json": OTHER}), *story()[1:])
    assert failed(tmp_path)["plan"].detail == "plan.json is another plan than that of the first line"


def attempt(step: str = "1.2", number: int = 1) -> AttemptStarted:
    return AttemptStarted(step=step, host="db1", number=number)


def end(step: str = "1.2", number: int = 1, outcome: Outcome = Outcome.SUCCEEDED) -> AttemptEnded:
    return AttemptEnded(step=step, host="db1", number=number, outcome=outcome)


@pytest.mark.parametrize(
    ("events", "finding", "detail"),
    [
        ((attempt(),), Soundness.MISSING, "1 attempts have no end, the first is 1 of step 1.2 on db1"),
        ((attempt(), attempt(), end()), Soundness.ALTERED, "Attempt 1 of step 1.2 on db1 is started a second time"),
        ((end(),), Soundness.ALTERED, "Attempt 1 of step 1.2 on db1 ends and was never started"),
        (
            (attempt(), end(outcome=Outcome.IN_DOUBT)),
            Soundness.OK,
            "Each of 1 attempts started once and came to an end",
        ),
        ((end(outcome=Outcome.UNREACHABLE),), Soundness.OK, "Each of 0 attempts started once and came to an end"),
        (
            (attempt(), end(), attempt(number=2), end(number=2)),
            Soundness.OK,
            "Each of 2 attempts started once and came to an end",
        ),
    ],
)
def test_every_attempt_starts_once_and_ends_if_only_in_doubt(tmp_path: Path, events, finding: Soundness, detail: str):
    write_journal(tmp_path, opened(), *events, RunEnded(reason=""))
    check = next(check for check in verify(tmp_path).checks if check.name == "attempts")
    assert (check.finding, check.detail) == (finding, detail)


def step(number: str, action: Action = RESTART, *children: PlannedStep) -> PlannedStep:
    return PlannedStep(id=number, name=number, action=action, steps=children)


def gate(of: str = "1.1", kind: str = "confirm") -> GateOpened:
    return GateOpened(gate=f"{of}#1", step=of, kind=kind)


def answer(of: str = "1.1") -> GateAnswered:
    return GateAnswered(gate=f"{of}#1", step=of, by=ANNA, answer="proceed")


GUARDED = PLAN.__class__(
    runbook="guarded",
    title="Guarded",
    kind="operation",
    environment=PLAN.environment,
    hosts=PLAN.hosts,
    sections=(
        PlannedSection(
            id="1",
            name="One",
            steps=(
                step("1.1", ConfirmAction(message="?")),
                step("1.2"),
                step(
                    "1.3",
                    ParallelAction(),
                    step("1.3.1", BlockAction(), step("1.3.1.1"), step("1.3.1.2")),
                    step("1.3.2"),
                ),
            ),
        ),
        PlannedSection(id="2", name="Two", steps=(step("2.1"),)),
    ),
    always=(step("A.1"),),
)


@pytest.mark.parametrize(
    ("events", "line"),
    [
        ((gate(), attempt("1.2")), 3),
        ((gate(), attempt("2.1")), 3),
        ((gate(), attempt("1.3.1.2")), 3),
        ((gate("1.2", "before"), attempt("1.2")), 3),
        ((gate("1.3", "before"), attempt("1.3.2")), 3),
        ((gate("1.3.1.1", "before"), attempt("1.3.1.2")), 3),
        ((gate("1.1", "approve"), answer(), attempt("1.2")), 4),
        ((answer(),), 2),
        ((gate(), answer(), answer()), 4),
        ((gate(), answer(), attempt("1.2")), 0),
        ((gate(), GateLapsed(gate="1.1#1", step="1.1"), attempt("1.2")), 0),
        ((gate("1.1", "approve"), answer(), answer(), StepEnded(step="1.1", outcome=Outcome.SUCCEEDED), attempt()), 0),
        ((gate("1.2", "before"), answer("1.2"), attempt("1.2")), 0),
        ((gate("1.3.1.1", "before"), attempt("1.3.2")), 0),
        ((gate("2.1", "before"), attempt("1.2")), 0),
        ((gate(), HaltRequested(by=ANNA, reason="enough"), attempt("1.2")), 0),
        ((gate(), attempt("A.1")), 0),
        ((gate("1.2", "failure"), attempt("1.2", 2)), 0),
        ((gate("1.2", "failure"), attempt("2.1")), 3),
        ((gate("1.2", "failure"), FailureResolved(step="1.2", choice="accept", by=ANNA), attempt("2.1")), 0),
    ],
)
def test_nothing_starts_while_a_gate_before_it_waits(tmp_path: Path, events, line: int):
    write_journal(tmp_path, opened(plan=GUARDED), *events)
    check = next(check for check in verify(tmp_path).checks if check.name == "gates")
    assert (check.finding, check.line) == (Soundness.ALTERED if line else Soundness.OK, line)


def test_a_torn_end_that_a_resume_declared_is_a_note(tmp_path: Path):
    entries = write_journal(tmp_path, *story()[:-2])
    with (tmp_path / "journal.jsonl").open("ab") as file:
        file.write(b'{"prev":')
    reopened = Journal.reopen(tmp_path)
    rest = (RunnerStarted(pid=2, resumed=True, torn_bytes=reopened.torn_bytes), *story()[-2:])
    reopened.journal.append(*numbered(*rest, start=len(entries)))
    reopened.journal.close()
    torn = next(check for check in verify(tmp_path).checks if check.name == "torn")
    assert (verify(tmp_path).grade, torn.finding, torn.detail) == (
        Judgement.SOUND,
        Soundness.NOTE,
        "8 bytes of unfinished lines were cut off after a crash, declared and kept",
    )
    (tmp_path / "torn-1").unlink()
    assert failed(tmp_path)["torn"] == Examined(
        name="torn",
        finding=Soundness.ALTERED,
        detail="8 bytes of unfinished lines are declared and 0 are kept",
        line=len(entries) + 1,
    )


def test_a_record_that_others_could_read_is_noted_but_sound(record: Path):
    (record / "runbook.yaml").chmod(0o644)
    access = verify(record).checks[-1]
    assert (access.finding, access.detail) == (
        Soundness.NOTE,
        "1 files are open to others than the owner: r1/runbook.yaml",
    )
    assert verify(record).grade is Judgement.SOUND


def test_what_was_verified_is_what_is_read(record: Path):
    reader = RecordReader(record)
    assert (len(reader.more()), reader.tip.prev) == (verify(record).lines, verify(record).head)


def test_a_record_that_was_begun_in_an_older_format_is_held_to_each_by_its_own_lines(tmp_path: Path):
    """Format 1 hashed what it encoded; the runner that went on says that it hashes what it wrote."""
    canonical = hashlib.sha256(msgspec.json.encode(PLAN, order="deterministic")).hexdigest()
    [usual, early] = rules_of(1)
    planned = PLAN.sections[0].steps[0]
    for rules in (usual, early):
        bare = StepEntered(step="1.1")
        due = rules.step_digest(rules.texts(bare, planned, {}), planned)
        old = (opened(format=1, plan_digest=canonical), replace(bare, digest=due), replace(ASKS, digest=due))
        new = (RunnerStarted(pid=2, resumed=True, format=2), RESTARTED, announced(RESTARTED))
        folder = tmp_path / type(rules).__name__
        write_journal(folder, *old, *new)
        assert [check.finding for check in verify(folder).checks if check.name in {"plan", "shown"}] == [
            Soundness.OK
        ] * 2
        write_journal(folder / "forged", *old, *new[1:])
        assert failed(folder / "forged")["shown"].line == 4
