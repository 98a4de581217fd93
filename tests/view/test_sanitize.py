"""What may reach a terminal of what others wrote."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.view.sanitize import CUT, LONGEST_SEQUENCE, Sanitizer, safe, safe_lines, safe_row, safe_text

ATTACKS = [
    ("plain", "uptime: 3 days\n", "uptime: 3 days\n"),
    ("colour", "\x1b[1;31mred\x1b[0m", "red"),
    ("cursor", "ok\x1b[2A\x1b[2KFAILED", "okFAILED"),
    ("cursor query", "\x1b[6n", ""),
    ("title, ended by BEL", "a\x1b]0;root@prod\x07b", "ab"),
    ("clipboard, ended by ST", "a\x1b]52;c;cm0gLXJmIC8=\x1b\\b", "ab"),
    ("device control", "a\x1bP+q544e\x1b\\b", "ab"),
    ("start of string, privacy, application", "\x1bXhidden\x1b\\\x1b^x\x1b\\\x1b_y\x1b\\seen", "seen"),
    ("8-bit introducers", "a\x9b31mb\x9d0;t\x9cc\x90q\x9cd", "abcd"),
    ("character set", "\x1b(0lqk\x1b(B", "lqk"),
    ("full reset", "\x1bctext", "text"),
    ("a sequence left open", "text\x1b]0;never ends", f"text{CUT}"),
    ("one that would hide the next line", "\x1b]0;x\nrm -rf /\n", f"{CUT}\nrm -rf /\n"),
    ("escape at the very end", "text\x1b", f"text{CUT}"),
    ("a sequence broken by another", "\x1b[3\x1b[1mbold", "bold"),
    ("cancelled", "\x1b[31\x18text \x1b]0;x\x1atext", "text text"),
    ("bell, backspace, delete", "a\x07b\x08c\x7f", "a^Gb^Hc^?"),
    ("null and shift out", "\x00\x0e", "^@^N"),
    ("next line control", "a\x85b", "a<U+0085>b"),
    ("reversed order", "rm \u202etxt.exe\u202c", "rm <U+202E>txt.exe<U+202C>"),
    ("isolates", "\u2066a\u2069", "<U+2066>a<U+2069>"),
    ("invisible", "db\u200b1\ufeff\u00ad", "db<U+200B>1<U+FEFF><U+00AD>"),
    ("line separators", "a\u2028b\u2029c", "a<U+2028>b<U+2029>c"),
    ("tags", "a\U000e0041", "a<U+E0041>"),
    ("variation selector", "\u2714\ufe0f ok", "\u2714 ok"),
    ("carriage returns", "10%\r20%\r\ndone\r", "10%\n20%\ndone"),
    ("lone surrogate", "a\udcffb", "a<U+DCFF>b"),
    ("other scripts stay", "Grüße, 日本語, עברית", "Grüße, 日本語, עברית"),
]


@pytest.mark.parametrize(("raw", "shown"), [case[1:] for case in ATTACKS], ids=[case[0] for case in ATTACKS])
def test_what_is_shown_of(raw: str, shown: str) -> None:
    assert safe_text(raw) == shown


def pieces(data: bytes, *cuts: int) -> str:
    sanitizer = Sanitizer()
    ends = sorted(min(cut, len(data)) for cut in cuts)
    starts = [0, *ends]
    shown = "".join(sanitizer.feed(data[start:end]) for start, end in zip(starts, [*ends, len(data)], strict=True))
    return shown + sanitizer.finish()


@pytest.mark.parametrize("raw", [case[1] for case in ATTACKS], ids=[case[0] for case in ATTACKS])
def test_a_cut_at_any_offset_changes_nothing(raw: str) -> None:
    data = raw.encode("utf-8", "surrogatepass")
    whole = pieces(data)
    assert {pieces(data, offset) for offset in range(len(data) + 1)} == {whole}


hostile = st.lists(
    st.sampled_from(
        [b"\x1b", b"[", b"]", b"\\", b"P", b"\x07", b"\r", b"\n", b"\x9b", b"\xc2\x9b", b"\xe2\x80\xae", b"0;"]
    )
    | st.binary(max_size=4),
    max_size=40,
).map(b"".join)


@given(hostile, st.lists(st.integers(0, 80), max_size=5))
def test_pieces_of_any_bytes_join_to_the_whole(data: bytes, cuts: list[int]) -> None:
    assert pieces(data, *cuts) == pieces(data) == safe_text(data)


@given(hostile | st.binary())
def test_nothing_that_drives_a_terminal_is_left_in_any_bytes(data: bytes) -> None:
    assert_harmless(safe_text(data), allowed="\n\t")
    assert_harmless(safe(data), allowed="")
    assert_harmless("".join(safe_lines(data)), allowed="")
    assert_harmless(safe_row(data), allowed="")


@given(st.text(st.characters(exclude_categories=())))
def test_nothing_that_drives_a_terminal_is_left_in_any_text(text: str) -> None:
    assert_harmless(safe_text(text), allowed="\n\t")


def assert_harmless(shown: str, allowed: str) -> None:
    bad = {
        f"U+{ord(char):04X}"
        for char in shown
        if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and char not in allowed
    }
    assert bad == set()


def test_every_character_of_a_dangerous_category_is_written_out_or_dropped() -> None:
    dangerous = (
        chr(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    )
    assert [char for char in dangerous if char not in "\n\t" and char in safe_text(f"a{char}b")] == []


def test_a_sequence_that_grows_too_long_is_given_up_and_what_follows_is_shown() -> None:
    shown = safe_text("\x1b]0;" + "x" * (LONGEST_SEQUENCE + 10))
    assert shown == CUT + "x" * 12


def test_making_safe_twice_changes_nothing_more() -> None:
    for _, raw, _ in ATTACKS:
        assert safe_text(safe_text(raw)) == safe_text(raw)


def test_a_value_for_one_line_has_no_line_feed_and_no_outer_space() -> None:
    assert safe("  exit code 3:\n\tno such file\n") == "exit code 3: no such file"
    assert safe(b"db1\xff") == "db1\ufffd"


def test_text_of_several_lines_comes_without_line_feeds_and_trailing_blanks() -> None:
    assert safe_lines("one\n\n\ttwo  \n\n") == ("one", "", "        two")
    assert safe_lines("") == safe_lines("\n\n") == ()


def test_a_row_shows_the_last_state_of_a_progress_bar_and_says_so() -> None:
    assert safe_row(b" 10%\r 55%\r100%") == "^M100%"
    assert safe_row(b"100%\r") == "100%"
    assert safe_row(b"") == ""
