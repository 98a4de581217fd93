"""The head is kept and masked, everything is passed on."""

from __future__ import annotations

import pytest

from runbook.core.outcome import Grade
from runbook.core.planned.command import MASK, Secret
from runbook.masking.masker import Masker
from runbook.steps.capture import KEEP, Capture, Head
from runbook.steps.tolerance import Kept
from runbook.transport.session import Job, Stream
from tests.steps.desk import Page

NOTHING = Masker.for_secrets(())
SECRET = Masker.for_secrets((Secret("password", "correct-horse"),))


def kept(*pieces: bytes, masker: Masker = NOTHING, limit: int = KEEP) -> Kept:
    head = Head(masker.fresh(), limit)
    for piece in pieces:
        head.take(piece)
    return head.ended()


async def test_every_byte_is_passed_on_and_the_head_of_each_stream_is_kept():
    page = Page()
    capture = Capture(page, NOTHING)
    await capture.reached(Grade.SESSION)
    await capture.receive(Stream.OUT, b"a" * KEEP)
    await capture.receive(Stream.OUT, b"b" * KEEP)
    await capture.receive(Stream.ERR, b"oops\n")
    assert (page.out, page.err, page.grades) == (b"a" * KEEP + b"b" * KEEP, b"oops\n", [Grade.SESSION])
    assert capture.ended() == (Kept("a" * KEEP, cut=KEEP), Kept("oops"))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"one\n", "one"),
        (b"one\r\n\n", "one"),
        (b"\none \n", "\none "),
        (b"nXX\n", "nXX"),
        (b"a\xffb", "a\ufffdb"),
        (b"\xe2\x82", "\ufffd"),
    ],
)
def test_text_loses_its_last_newlines_and_broken_bytes_are_replaced(data, text):
    assert kept(data) == Kept(text)


def test_exactly_the_limit_is_whole_and_one_byte_more_is_cut():
    assert kept(b"abcd", limit=4) == Kept("abcd")
    assert kept(b"abcd", b"e", limit=4) == Kept("abcd", cut=4)


def test_a_character_cut_by_the_limit_is_left_out():
    assert kept("ab€".encode(), b"x", limit=4) == Kept("ab", cut=4)


@pytest.mark.parametrize("at", range(1, 13))
def test_a_secret_is_masked_wherever_it_is_split(at):
    whole = b"correct-horse"
    assert kept(b"pw=", whole[:at], whole[at:], b"\n", masker=SECRET) == Kept(f"pw={MASK}")


@pytest.mark.parametrize("limit", range(4, 24))
def test_a_cut_head_never_ends_in_a_piece_of_a_secret(limit):
    text = kept(b"pw=correct-horse and more and more", masker=SECRET, limit=limit).text
    assert text == f"pw={MASK} and more and more"[:limit].rstrip("\n")


async def test_where_a_job_is_kept_is_passed_on_and_stays_known_while_the_host_is_asked_anew():
    class Places(Page):
        async def reached(self, grade: Grade, place: str = "") -> None:
            self.grades.append((grade, place))

    page = Places()
    capture = Capture(page, NOTHING)
    assert (capture.grade, capture.place) == (None, "")
    await capture.reached(Grade.SESSION, "id.visit.boot")
    capture.expect_grade()
    assert (page.grades, capture.grade, capture.place) == ([(Grade.SESSION, "id.visit.boot")], None, "id.visit.boot")


async def test_a_job_followed_again_is_kept_whole_and_only_its_new_bytes_are_passed_on():
    page = Page()
    capture = Capture(page, NOTHING, recorded=Job(id="j", out_offset=5, err_offset=1))
    await capture.receive(Stream.OUT, b"one ")
    await capture.receive(Stream.OUT, b"two ")
    await capture.receive(Stream.OUT, b"three")
    await capture.receive(Stream.ERR, b"e")
    assert (page.out, page.err) == (b"wo three", b"")
    assert capture.ended() == (Kept("one two three"), Kept("e"))
