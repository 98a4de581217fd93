"""One line of the journal."""

from __future__ import annotations

import hashlib
import json
import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from runbook.core.events.entry import Entry
from runbook.core.events.event import AttemptEnded, NoteAdded, RunEnded, StepEntered, Unknown
from runbook.core.outcome import Outcome
from runbook.core.result import Result
from runbook.problem import Problems
from runbook.record.form.codec import DEEPEST, ZERO, Tip, decode, encode, follow, holds_more, is_whole, plan_in
from tests import strategies
from tests.record.samples import PLAN, numbered, opened

NOTE = Entry(seq=17, at=12.5, wall="2026-11-23T04:12:00.000Z", event=NoteAdded(text="disk is slow"))


def code_of(line: bytes, tip: Tip | None = None) -> str:
    with pytest.raises(Problems) as caught:
        decode(line) if tip is None else follow(tip, line)
    return caught.value.problems[0].code


@given(entry=strategies.entries, prev=st.binary(min_size=32, max_size=32).map(bytes.hex))
@settings(deadline=None)
def test_every_event_comes_back_as_it_was_written(entry: Entry, prev: str):
    assert decode(encode(entry, prev)) == (entry, prev)


def test_a_line_reads_as_documented():
    covered = (
        f'{{"prev":"{ZERO}","seq":17,"at":12.5,"wall":"2026-11-23T04:12:00.000Z",'
        '"event":{"type":"NoteAdded","text":"disk is slow"}'
    ).encode()
    assert encode(NOTE, ZERO) == covered + b',"sum":"' + hashlib.sha256(covered).hexdigest().encode() + b'"}\n'


@given(entry=strategies.entries)
@settings(deadline=None)
def test_a_line_is_one_line_of_ordinary_json(entry: Entry):
    line = encode(entry, ZERO)
    assert line.count(b"\n") == 1
    assert list(json.loads(line)) == ["prev", "seq", "at", "wall", "event", "sum"]


def test_any_flipped_bit_is_found_in_the_line_itself():
    line = encode(NOTE, ZERO)
    flipped = [
        line[:place] + bytes([line[place] ^ 1 << bit]) + line[place + 1 :]
        for place in range(len(line))
        for bit in range(8)
    ]
    assert {code_of(bad) for bad in flipped} == {"journal-hash", "journal-json", "journal-torn"}


@pytest.mark.parametrize("cut", range(1, len(encode(NOTE, ZERO))))
def test_a_line_cut_anywhere_is_torn(cut: int):
    assert code_of(encode(NOTE, ZERO)[:-cut]) == "journal-torn"


def test_an_event_of_a_newer_version_is_kept_as_it_was_written():
    line = resealed(encode(NOTE, ZERO).replace(b'"NoteAdded","text"', b'"SealAdded","by": "anna","text"'))
    entry, prev = decode(line)
    raw = b'{"type":"SealAdded","by": "anna","text":"disk is slow"}'
    assert entry == msgspec.structs.replace(NOTE, event=Unknown(name="SealAdded", raw=raw))
    assert encode(entry, prev) == line


def test_an_event_may_be_called_as_we_call_what_we_do_not_know():
    line = resealed(encode(NOTE, ZERO).replace(b'"NoteAdded","text"', b'"Unknown","name":"x","raw":"","text"'))
    raw = b'{"type":"Unknown","name":"x","raw":"","text":"disk is slow"}'
    assert decode(line)[0].event == Unknown(name="Unknown", raw=raw)
    assert encode(*decode(line)) == line


def test_a_field_of_a_newer_version_is_passed_over():
    line = resealed(encode(NOTE, ZERO).replace(b'"text"', b'"colour":"red","text"'))
    assert decode(line) == (NOTE, ZERO)


def test_text_that_is_not_unicode_is_written_with_replacement_characters():
    entry = Entry(seq=0, at=0.0, wall="", event=NoteAdded(text="backup-\udcff.tar 😀"))
    assert decode(encode(entry, ZERO))[0].event == NoteAdded(text="backup-\ufffd.tar 😀")
    listed = Entry(
        seq=0, at=0.0, wall="", event=StepEntered(step="1.1", hosts=("db-\udcff",), left_out={"\udcff": "x"})
    )
    assert decode(encode(listed, ZERO))[0].event == StepEntered(
        step="1.1", hosts=("db-\ufffd",), left_out={"\ufffd": "x"}
    )


def nested(levels: int) -> list:
    value: list = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "result",
    [Result(value=nested(100)), Result(value=nested(100_000)), Result(duration=math.nan), Result(duration=math.inf)],
)
def test_a_value_that_could_not_be_read_back_is_refused_before_it_is_written(result: Result):
    event = AttemptEnded(step="1.1", host="db1", number=1, outcome=Outcome.SUCCEEDED, result=result)
    with pytest.raises(Problems) as caught:
        encode(Entry(seq=0, at=0.0, wall="", event=event), ZERO)
    assert caught.value.problems[0].code == "record-unreadable"
    assert str(caught.value).startswith("A value cannot be recorded: It could not be read back (")


def test_a_value_that_is_nested_as_deeply_as_is_allowed_comes_back():
    event = NoteAdded(text="[" * 1000)
    assert decode(encode(Entry(seq=0, at=0.0, wall="", event=event), ZERO))[0].event == event
    ended = AttemptEnded(
        step="1.1", host="db1", number=1, outcome=Outcome.SUCCEEDED, result=Result(value=nested(DEEPEST - 4))
    )
    assert decode(encode(Entry(seq=0, at=0.0, wall="", event=ended), ZERO))[0].event == ended
    wide = replace(ended, result=Result(value=[nested(60), nested(60)]))
    assert decode(encode(Entry(seq=0, at=0.0, wall="", event=wide), ZERO))[0].event == wide


def test_a_line_is_whole_until_a_byte_of_it_changes():
    line = encode(NOTE, ZERO)
    assert [is_whole(line), is_whole(line[:-1]), is_whole(line.replace(b"slow", b"fast"))] == [True, False, False]


def test_a_line_is_followed_only_by_the_line_that_names_its_hash():
    first = encode(Entry(seq=0, at=1.0, wall="", event=NoteAdded(text="a")), ZERO)
    _, tip = follow(Tip(), first)
    end = Entry(seq=1, at=1.0, wall="", event=RunEnded(reason="done"))
    assert tip == Tip(1, hashlib.sha256(first).hexdigest(), 1.0)
    assert follow(tip, encode(end, tip.prev))[0] == end
    assert code_of(encode(end, ZERO), tip) == "journal-hash"


@pytest.mark.parametrize(
    ("seq", "at", "code"), [(2, 1.0, "journal-seq"), (0, 1.0, "journal-seq"), (1, 0.5, "journal-time")]
)
def test_numbers_have_no_gaps_and_time_never_falls(seq: int, at: float, code: str):
    tip = Tip(1, "a" * 64, 1.0)
    assert code_of(encode(Entry(seq=seq, at=at, wall="", event=RunEnded(reason="")), tip.prev), tip) == code


def resealed(line: bytes) -> bytes:
    """The line with a `sum` that fits it again, as a newer version would have written it."""
    covered = line[:-75]
    return covered + b',"sum":"' + hashlib.sha256(covered).hexdigest().encode() + b'"}\n'


def test_an_event_with_a_value_of_a_newer_version_is_kept_as_it_was_written():
    line = resealed(encode(NOTE, ZERO).replace(b'"text":"disk is slow"', b'"text":["disk","is","slow"]'))
    raw = b'{"type":"NoteAdded","text":["disk","is","slow"]}'
    assert decode(line)[0].event == Unknown(name="NoteAdded", raw=raw)
    assert encode(*decode(line)) == line


def test_a_frame_of_a_newer_version_is_named_as_such():
    line = resealed(encode(NOTE, ZERO).replace(b'"at":12.5', b'"at":"12.5"'))
    with pytest.raises(Problems) as caught:
        decode(line)
    assert (caught.value.problems[0].code, caught.value.problems[0].what) == (
        "journal-unknown",
        "This version cannot read the line",
    )


@pytest.mark.parametrize(
    ("change", "more"),
    [
        ((b'"text"', b'"text"'), False),
        ((b'"text"', b'"colour":"red","text"'), True),
        ((b'"text":"disk is slow"', b'"text":"disk \\u0069s slow"'), False),
        ((b'"text":"disk is slow"', b'"text":"x","by":{"name":"anna","uid":1,"via":"run","badge":7}'), True),
        ((b'"wall"', b'"zone":"UTC","wall"'), True),
    ],
)
def test_a_line_that_says_more_than_this_version_knows_is_told_from_one_that_is_only_spelled_otherwise(
    change: tuple[bytes, bytes], more: bool
):
    line = resealed(encode(NOTE, ZERO).replace(*change))
    assert holds_more(line, decode(line)[0]) is more


def test_what_stands_in_a_list_is_looked_at_as_well():
    line = encode(numbered(opened())[0], ZERO)
    more = resealed(line.replace(b'"hosts":[{"name":"db1"', b'"hosts":[{"rack":"r1","name":"db1"'))
    assert [holds_more(each, decode(each)[0]) for each in (line, more)] == [False, True]


@given(entry=strategies.entries)
@settings(deadline=None)
def test_no_line_of_ours_says_more_than_we_know(entry: Entry):
    line = encode(entry, ZERO)
    assert isinstance(entry.event, Unknown) or not holds_more(line, decode(line)[0])


def test_the_plan_is_found_in_its_line_as_it_was_written():
    first = numbered(opened())[0]
    spaced = resealed(encode(first, ZERO).replace(b'"title":"Restart', b'"mood": "calm","title":"Restart'))
    assert plan_in(encode(first, ZERO)) == PLAN.encoded
    assert plan_in(spaced) == PLAN.encoded.replace(b'"title":"Restart', b'"mood": "calm","title":"Restart')
    assert plan_in(encode(NOTE, ZERO)) == plan_in(b"no line of ours\n") == b""
