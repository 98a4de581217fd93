"""The output of a host: only what is in sight is read, following never fights the reader, and nothing gets out."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult

from runbook.tui.widgets.outputview import OutputView, shown
from tests.tui.fakes import Lines, Million
from tests.tui.showing import until


class Window(App[None]):
    """One output view on a screen of its own."""

    def compose(self) -> ComposeResult:
        yield OutputView(id="output")

    @property
    def view(self) -> OutputView:
        return self.query_one(OutputView)


def drawn(view: OutputView) -> list[str]:
    return [view.render_line(y).text.rstrip() for y in range(view.size.height)]


@pytest.fixture
async def window():
    app = Window()
    async with app.run_test(size=(60, 12)) as pilot:
        await pilot.pause()
        app.view.focus()
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
    assert drawn(window.view)[0] == "  nothing from db1 yet"


async def test_new_lines_are_followed_until_somebody_moves_up(window):
    lines = numbered(30)
    window.view.show(lines, "db1")
    await window.pilot.press("k")
    lines.write("db1", b"new 1", b"new 2")
    window.view.refresh_count()
    assert (window.view.follow, window.view.unseen, str(window.view.border_title)) == (
        False,
        2,
        "3 Output db1 - 32 lines - FOLLOW off - 2 new below",
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
    await until(window.pilot, lambda: any("ERR  it broke" in row for row in drawn(window.view)))
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
    await window.pilot.press(*["l"] * 20)
    assert drawn(window.view)[0].endswith("end")


def test_no_byte_gets_through_as_a_control():
    every = bytes(range(256)) + "".join(chr(code) for code in (0x202E, 0x200B, 0x2066, 0xFEFF)).encode()
    assert [
        char for char in shown(every) if ord(char) < 32 or 0x7F <= ord(char) <= 0x9F or char in "\u202e\u200b"
    ] == []
