"""The output of a host: only what is in sight is read, following never fights the reader, and nothing gets out."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult

from runbook.tui.search import Search
from runbook.tui.widgets.outputline import run_time, shown
from runbook.tui.widgets.outputview import OutputView
from runbook.tui.widgets.rows import Rows
from runbook.view.look.glyphs import UNICODE
from runbook.view.look.part import text_of
from tests.tui.fakes import Lines, Million
from tests.tui.showing import until


class Window(App[None]):
    """One output view on a screen of its own; what it copies is kept."""

    copied = ""
    glyphs = UNICODE

    def on_rows_copied(self, message: Rows.Copied) -> None:
        self.copied = message.text

    def compose(self) -> ComposeResult:
        yield OutputView(id="output")

    @property
    def view(self) -> OutputView:
        return self.query_one(OutputView)


def drawn(view: OutputView) -> list[str]:
    """The lines below the title, without the cell of the cursor."""
    return [view.render_line(y).text[1:].rstrip() for y in range(view.front, view.size.height)]


def heading(view: OutputView) -> str:
    return text_of((*view._title, *view._aside))


@pytest.fixture
async def window():
    app = Window()
    async with app.run_test(size=(60, 12)) as pilot:
        await pilot.pause()
        app.view.focus()
        app.view.shows_wall = False
        app.pilot = pilot
        yield app


def numbered(count: int) -> Lines:
    return Lines({"db1": [f"line {number}".encode() for number in range(count)]})


async def test_a_million_lines_cost_one_window_of_reading(window):
    story = Million()
    window.view.show(story, "db1")
    await until(window.pilot, lambda: "line 999999 of" in drawn(window.view)[-1])
    story.reads = 0
    drawn(window.view)
    await window.pilot.press("g")
    await until(window.pilot, lambda: "line 0 of" in drawn(window.view)[0])
    assert story.reads <= 20 * window.view.size.height
    assert sum(len(lines) for _, lines in [window.view._window]) <= window.view.size.height


async def test_an_empty_host_says_so(window):
    window.view.show(Lines({"db1": []}), "db1")
    assert drawn(window.view)[0] == " nothing from db1 yet"


async def test_new_lines_are_followed_until_somebody_moves_up(window):
    lines = numbered(30)
    window.view.show(lines, "db1")
    await window.pilot.press("k")
    lines.write("db1", b"new 1", b"new 2")
    window.view.refresh_count()
    assert (window.view.follow, window.view.unseen, heading(window.view)) == (
        False,
        2,
        "3 Output db1  2 new below32 lines  FOLLOW off",
    )


@pytest.mark.parametrize("key", ["k", "up", "pageup", "ctrl+u", "g", "home"])
async def test_every_move_upwards_ends_following(window, key):
    window.view.show(numbered(50), "db1")
    await window.pilot.press(key)
    assert not window.view.follow


@pytest.mark.parametrize("key", ["F", "G", "end"])
async def test_a_key_takes_following_up_again_and_shows_the_newest_line(window, key):
    lines = numbered(50)
    window.view.show(lines, "db1")
    await window.pilot.press("g", key)
    lines.write("db1", b"the newest")
    window.view.refresh_count()
    await until(window.pilot, lambda: "the newest" in drawn(window.view)[-1])
    assert window.view.unseen == 0


async def test_the_lines_one_reads_stay_where_they_are_while_others_come(window):
    lines = numbered(50)
    window.view.show(lines, "db1")
    await window.pilot.press("g")
    await until(window.pilot, lambda: "line 0" in drawn(window.view)[0])
    before = drawn(window.view)
    lines.write("db1", *(b"flood" for _ in range(1000)))
    window.view.refresh_count()
    await window.pilot.pause()
    assert drawn(window.view) == before


async def test_e_goes_to_the_next_line_of_standard_error(window):
    lines = numbered(20)
    lines.write("db1", b"ERR it broke")
    lines.write("db1", *(b"after" for _ in range(50)))
    window.view.show(lines, "db1")
    await window.pilot.press("g", "e")
    await until(window.pilot, lambda: any("ERR it broke" in row for row in drawn(window.view)))
    assert window.view.cursor == 20


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        (b"plain", "   0:00.0 out plain"),
        (b"ERR broken", "   0:00.0 ERR broken"),
        (b"\x1b[31mred\x1b[0m", "   0:00.0 out red"),
        (b"\x1b]52;c;aGk=\x07stolen", "   0:00.0 out stolen"),
        (b"\x9b2Jgone", "   0:00.0 out \ufffd2Jgone"),
        ("a\u202eb".encode(), "   0:00.0 out a<U+202E>b"),
        (b"\xff\xfe", "   0:00.0 out \ufffd\ufffd"),
        ("数据库".encode(), "   0:00.0 out 数据库"),
    ],
)
async def test_a_line_is_shown_harmless(window, written, seen):
    window.view.show(Lines({"db1": [written]}), "db1")
    assert " ".join(drawn(window.view)[0].split()) == " ".join(seen.split())


async def test_wide_characters_are_cut_on_cells_and_never_spill(window):
    window.view.show(Lines({"db1": ["数".encode() * 200]}), "db1")
    for _ in range(3):
        await window.pilot.press("l")
        assert [window.view.render_line(y).cell_length for y in range(3)] == [60, 60, 60]


async def test_going_sideways_shows_the_rest_of_a_long_line(window):
    window.view.show(Lines({"db1": [b"0123456789" * 20 + b"end"]}), "db1")
    await window.pilot.press(*["l"] * 21)
    assert drawn(window.view)[0].endswith("end")


def test_no_byte_gets_through_as_a_control():
    every = bytes(range(256)) + "".join(chr(code) for code in (0x202E, 0x200B, 0x2066, 0xFEFF)).encode()
    assert [
        char for char in shown(every) if ord(char) < 32 or 0x7F <= ord(char) <= 0x9F or char in "\u202e\u200b"
    ] == []


# --- searching --------------------------------------------------------------------------------------------------------


def searched(lines: Lines, wanted: str, origin: int = 0) -> Search:
    search = Search(lines, "db1", wanted, origin)
    while not search.is_done:
        search.look()
    return search


def hits(search: Search) -> list[int]:
    return [search.at(index) for index in range(search.count)]


@pytest.mark.parametrize("origin", [0, 1, 7, 49, 50])
def test_a_search_finds_the_same_lines_wherever_it_begins(origin):
    assert hits(searched(numbered(50), "line 1", origin)) == [1, *range(10, 20)]


@pytest.mark.parametrize(
    ("wanted", "found"), [("slot", [0, 1]), ("Slot", [0]), ("SLOT", []), ("a.b", [2]), ("(", [3]), ("$", [])]
)
def test_a_search_is_for_plain_text_and_capitals_make_case_count(wanted, found):
    lines = Lines({"db1": [b"Slot s1", b"slot s2", b"a.b", b"( [red]"]})
    assert hits(searched(lines, wanted)) == found


def test_what_is_searched_is_what_is_shown():
    lines = Lines({"db1": [b"re\x1b[31mplica\x1b[0mtion", b"one\rtwo", b"tab\there", b"repl\x00ication"]})
    assert [hits(searched(lines, wanted)) for wanted in ("replication", "one", "two", "31m")] == [[0], [], [1], []]


def test_lines_that_come_after_a_search_are_searched_as_well():
    lines = numbered(5)
    search = searched(lines, "new")
    lines.write("db1", b"new")
    was_done = search.is_done
    search.look()
    assert (was_done, search.is_done, hits(search)) == (False, True, [5])


def test_going_round_the_hits():
    search = searched(numbered(30), "9")
    assert [search.following(line) for line in (0, 9, 20, 29)] == [9, 19, 29, 9]
    assert [search.preceding(line) for line in (0, 9, 20, 29)] == [29, 29, 19, 19]
    assert [search.rank(line) for line in (9, 10, 29)] == [1, None, 3]


async def test_a_search_goes_to_the_first_line_found_marks_it_and_counts(window):
    window.view.show(numbered(200), "db1")
    window.view.go(0)
    window.view.look_for("line 15")
    await until(window.pilot, lambda: "/line 15 1 of 11 lines" in heading(window.view))
    await window.pilot.press("end")
    strip = window.view.render_line(window.view.cursor - window.view.scroll_offset.y + window.view.front)
    assert window.view.cursor in {15, 199}
    window.view.action_next_hit()
    strip = window.view.render_line(window.view.cursor - window.view.scroll_offset.y + window.view.front)
    assert [segment.text for segment in strip if segment.style.underline] == ["line 15"]


async def test_a_search_for_nothing_that_is_there_says_so(window):
    window.view.show(numbered(20), "db1")
    window.view.look_for("[red]")
    await until(window.pilot, lambda: "/[red] nothing found" in heading(window.view))


async def test_a_search_through_a_million_lines_can_be_stopped_and_keeps_no_text(window):
    window.view.show(Million(), "db1")
    window.view.go(0)
    window.view.look_for("line 777777")
    await until(window.pilot, lambda: "Esc stops" in heading(window.view))
    stopped = window.view.clear()
    await window.pilot.pause()
    assert (stopped, window.view.search, heading(window.view)) == (
        True,
        None,
        "3 Output db11,000,000 lines  FOLLOW off",
    )


async def test_a_match_at_the_end_of_a_long_line_is_brought_into_sight(window):
    window.view.show(Lines({"db1": [b"first", b"x" * 300 + b" needle"]}), "db1")
    window.view.go(0)
    window.view.look_for("needle")
    await until(window.pilot, lambda: any("needle" in row for row in drawn(window.view)))


async def test_another_host_is_searched_for_the_same_text_without_a_jump(window):
    lines = Lines({"db1": [b"slot"], "db2": [b"a", b"slot", b"b"]})
    window.view.show(lines, "db1")
    window.view.look_for("slot")
    window.view.show(lines, "db2")
    await until(window.pilot, lambda: "/slot 1 lines" in heading(window.view))
    assert window.view.follow


# --- breaking long lines ----------------------------------------------------------------------------------------------


async def test_broken_lines_show_all_of_a_long_line(window):
    window.view.show(Lines({"db1": [b"0123456789" * 12 + b"end", b"next"]}), "db1")
    await window.pilot.press("w")
    await until(window.pilot, lambda: any(row.endswith("end") for row in drawn(window.view)))
    assert [row[:16].split() for row in drawn(window.view)[:4]] == [["0:00.0", "out"], [], [], ["0:00.1", "out"]]


async def test_broken_lines_are_followed_to_the_last_row(window):
    lines = Lines({"db1": [b"word " * 40 for _ in range(30)]})
    window.view.show(lines, "db1")
    await window.pilot.press("w")
    lines.write("db1", b"the newest")
    window.view.refresh_count()
    await until(window.pilot, lambda: any("the newest" in row for row in drawn(window.view)))


async def test_every_broken_line_can_be_reached_by_going_down(window):
    window.view.show(Lines({"db1": [f"{number} ".encode() + b"x" * 150 for number in range(20)]}), "db1")
    await window.pilot.press("w", "g")
    for number in range(20):
        window.view.go(number)
        await until(window.pilot, lambda number=number: any(f"out {number} x" in row for row in drawn(window.view)))


# --- copying, times ---------------------------------------------------------------------------------------------------


async def test_what_is_copied_is_what_is_shown(window):
    window.view.show(Lines({"db1": [b"a\x1b]52;c;aGk=\x07b", b"second", b"third"]}), "db1")
    await window.pilot.press("g", "v", "j", "y")
    await until(window.pilot, lambda: window.copied)
    assert (window.copied, window.view.marked) == ("ab\nsecond", None)


async def test_a_single_line_is_copied_without_a_selection(window):
    window.view.show(numbered(3), "db1")
    await window.pilot.press("y")
    await until(window.pilot, lambda: window.copied == "line 2")


async def test_going_to_a_time_puts_its_first_line_on_top(window):
    window.view.show(Million(), "db1")
    window.view.go_to_time(12345.0)
    await until(window.pilot, lambda: "line 123450 of" in drawn(window.view)[0])
    assert not window.view.follow


def test_a_stamp_never_shows_sixty_seconds():
    assert [run_time(at) for at in (0.0, 59.99, 60.0, 3661.25)] == ["0:00.0", "0:59.9", "1:00.0", "61:01.2"]
