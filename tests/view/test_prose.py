"""The part of Markdown that is understood, and all the rest, which stands there as it was written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.view.prose import Piece, prose
from runbook.view.sanitize import safe_lines, safe_text


def plain(text: str) -> str:
    return "\n".join("".join(piece.text for piece in line) for line in prose(text.split("\n")))


@pytest.mark.parametrize(
    ("written", "pieces"),
    [
        ("nothing special", (Piece("nothing special"),)),
        ("a **b c** d", (Piece("a "), Piece("b c", "strong"), Piece(" d"))),
        ("run `ls -l` now", (Piece("run "), Piece("ls -l", "code"), Piece(" now"))),
        ("`**not bold**`", (Piece("**not bold**", "code"),)),
        ("**see `x`**", (Piece("see x", "strong"),)),
        ("## A heading ##", (Piece("A heading", "heading"),)),
        ("* item **one**", (Piece("- "), Piece("item "), Piece("one", "strong"))),
        ("  - nested", (Piece("  - "), Piece("nested"))),
        ("1. first", (Piece("1. first"),)),
        ("[wiki](https://x.example/a)", (Piece("wiki"), Piece(" (https://x.example/a)", "address"))),
        ("[https://a](https://a)", (Piece("https://a"),)),
        ("[bank](https://evil)", (Piece("bank"), Piece(" (https://evil)", "address"))),
    ],
)
def test_marks_become_looks(written, pieces):
    assert prose([written]) == (pieces,)


@pytest.mark.parametrize(
    "written",
    [
        "2 * 3 * 4",
        "rm *.log",
        "** not bold **",
        "a ** b",
        "snake_case_name",
        "[red]db1[/red]",
        "![img](a b)",
        "<b>html</b>",
        "`unfinished",
        "**unfinished",
        "#hashtag",
        "-not an item",
        "a ![x] (y)",
        "&amp;",
        "``` rm -rf /",
        "\\*x\\*",
    ],
)  # fmt: skip - a list of words
def test_what_is_no_mark_stands_as_it_was_written(written):
    assert plain(written) == written


def test_a_block_of_code_is_code_without_its_fence():
    assert prose(["look:", "```sh", "rm **x**", "```", "done"]) == (
        (Piece("look:"),),
        (Piece("  rm **x**", "code"),),
        (Piece("done"),),
    )


def test_a_block_that_never_ends_hides_nothing():
    assert plain("```\nall\nof it") == "  all\n  of it"


@given(st.text(alphabet=st.sampled_from("ab *`[]()#-_\n\x1b\u202e"), max_size=60))
def test_no_look_brings_back_what_the_sanitiser_took_out(text):
    shown = [piece.text for line in prose(safe_lines(text)) for piece in line]
    assert [piece for piece in shown if safe_text(piece) != piece] == []


@given(st.text(alphabet=st.sampled_from("ab *`[]()#-"), max_size=60))
def test_only_marks_are_taken_away(text):
    def letters(words: str) -> str:
        return "".join(char for char in words if char.isalpha())

    assert letters(plain(text)) == letters(text) or "```" in text
