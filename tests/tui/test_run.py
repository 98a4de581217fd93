"""A run on the screen: it follows, it stays where one looks, and leaving it stops nothing."""

from __future__ import annotations

import pytest

from runbook.core.events.event import GateOpened, NoteAdded, ProbeSampled, StepEntered
from runbook.core.outcome import Outcome
from runbook.problem import Problem
from runbook.tui.screens.run import RunScreen
from runbook.tui.widgets.hostgrid import HostGrid
from runbook.tui.widgets.outputview import OutputView
from runbook.tui.widgets.scrubber import Scrubber
from runbook.tui.widgets.steplist import StepList
from tests.builders import Story, plan, step
from tests.payments import failing, seconds
from tests.stories import failover
from tests.tui.fakes import FakeFeed, FakeReplay, Lines, StillClock
from tests.tui.showing import asked, opened, shown, until, until_shown

TWO = ("db1", "db2")


def running() -> FakeFeed:
    """Two steps are done on two hosts, a third runs."""
    tale = Story(plan(*(step(f"1.{number}", hosts=TWO) for number in range(1, 6)))).start()
    tale.ran("1.1").ran("1.2").enter("1.3").attempt("1.3", "db1").attempt("1.3", "db2")
    return FakeFeed(tale, Lines({"db1": [b"from db1"], "db2": [b"from db2"]}))


async def test_the_cursor_stays_with_the_step_that_is_being_done():
    feed = running()
    async with opened(feed=feed, start_on="run") as pilot:
        steps = pilot.app.screen.query_one(StepList)
        before = steps.here.id
        feed.story.answer("1.3", "db1").answer("1.3", "db2").end("1.3").enter("1.4")
        feed.news()
        await until(pilot, lambda: steps.here.id == "1.4")
        assert before == "1.3"


async def test_a_cursor_that_was_moved_away_stays_where_it_was_put():
    feed = running()
    async with opened(feed=feed, start_on="run") as pilot:
        steps = pilot.app.screen.query_one(StepList)
        await pilot.press("k", "k")
        feed.story.answer("1.3", "db1").answer("1.3", "db2").end("1.3").enter("1.4")
        feed.news()
        await until_shown(pilot, "QUE     1.4")
        assert steps.here.id == "1.1"


async def test_the_output_shown_does_not_jump_when_another_host_becomes_graver():
    feed = running()
    async with opened(feed=feed, start_on="run") as pilot:
        output = pilot.app.screen.query_one(OutputView)
        await until(pilot, lambda: output.host == "db1")
        feed.story.answer("1.3", "db2", Outcome.FAILED)
        feed.news()
        await until_shown(pilot, "FAIL")
        assert output.host == "db1"


async def test_the_host_under_the_cursor_decides_whose_output_is_shown():
    feed = running()
    async with opened(feed=feed, start_on="run") as pilot:
        await pilot.press("2", "f", "j")
        await until_shown(pilot, "from db2")
        assert pilot.app.screen.query_one(HostGrid).here == "db2"


async def test_folding_puts_hosts_in_the_same_state_on_one_row():
    async with opened(feed=running(), start_on="run") as pilot:
        hosts = pilot.app.screen.query_one(HostGrid)
        await until_shown(pilot, "db[1-2]")
        folded = hosts.entries
        await pilot.press("f")
        await until(pilot, lambda: hosts.entries == 2)
        assert folded == 1


async def test_only_faults_hides_hosts_that_are_well():
    feed = running()
    feed.story.answer("1.3", "db1").answer("1.3", "db2", Outcome.FAILED)
    async with opened(feed=feed, start_on="run") as pilot:
        hosts = pilot.app.screen.query_one(HostGrid)
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: (hosts.entries, hosts.here) == (1, "db2"))


async def test_zoom_leaves_one_pane_and_the_gate_bar():
    feed = running()
    feed.story.ask("1.4", message="Go on?")
    async with opened(feed=feed, start_on="run") as pilot:
        await asked(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: type(pilot.app.screen) is RunScreen)
        await pilot.press("3", "z")
        await until(
            pilot, lambda: [pane.id for pane in pilot.app.screen.query("#panes Rows") if pane.display] == ["output"]
        )
        assert "gate 1.4" in shown(pilot.app)


@pytest.mark.parametrize("key", ["q", "escape", "ctrl+q"])
async def test_leaving_closes_the_view_and_sends_nothing(key):
    feed = running()
    async with opened(feed=feed, start_on="run") as pilot:
        await pilot.press(key)
        await until(pilot, lambda: key == "escape" or not pilot.app.is_running)
        assert feed.sent == []


async def test_ctrl_c_stops_nothing_and_says_what_would():
    feed = running()
    async with opened(feed=feed, start_on="run") as pilot:
        await pilot.press("ctrl+c")
        await until_shown(pilot, "Ctrl+C stops nothing here")
        assert (pilot.app.is_running, feed.sent) == (True, [])


async def test_a_runner_that_is_gone_is_said_with_the_way_to_go_on():
    feed = running()
    async with opened(feed=feed, start_on="run") as pilot:
        feed.dies()
        await until_shown(pilot, "RUNNER LOST")
        await until_shown(pilot, "runbook resume")
        assert pilot.app.screen.check_action("halt", ()) is None


async def test_a_damaged_record_is_said():
    feed = running()
    async with opened(feed=feed, start_on="run", size=(120, 24)) as pilot:
        feed.damage = Problem(what="line 7 does not continue the chain", why="it was changed", fix="Look at it.")
        feed.dies()
        await until_shown(pilot, "line 7 does not continue the chain")


async def test_a_feed_that_fails_is_told_and_does_not_take_the_screen_down():
    feed = running()

    async def broken():
        raise RuntimeError("socket [red]odd")

    feed.wait_changed = broken
    async with opened(feed=feed, start_on="run") as pilot:
        await until_shown(pilot, "RuntimeError: socket [red]odd")
        assert pilot.app.is_running


async def test_a_thousand_states_in_a_row_are_few_drawings():
    feed = running()
    async with opened(feed=feed, start_on="run") as pilot:
        screen = pilot.app.screen
        drawn = []
        redraw = screen.redraw
        screen.redraw = lambda: (drawn.append(screen.run_now.seq), redraw())
        for number in range(1000):
            feed.happens(NoteAdded(text=str(number)))
        await until(pilot, lambda: screen.run_now.seq == feed.run.seq and drawn and drawn[-1] == feed.run.seq)
        assert len(drawn) < 20


async def test_the_clock_moves_between_events_and_stands_still_after_the_end():
    clock = StillClock()
    feed = running()
    async with opened(feed=feed, start_on="run", clock=clock) as pilot:
        screen = pilot.app.screen
        first = screen.now
        clock.seconds += 7
        running_now = screen.now
        feed.story.finish()
        feed.news()
        await until(pilot, lambda: screen.run_now.has_ended)
        clock.seconds += 60
        assert (running_now - first, screen.now) == (7.0, feed.run.now)


async def test_a_run_that_ended_shows_its_verdicts():
    feed = FakeFeed(failover(), live=False)
    async with opened(feed=feed, start_on="run") as pilot:
        await until_shown(pilot, "objectives met")


# --- finding ----------------------------------------------------------------------------------------------------------


async def test_slash_asks_what_to_look_for_and_escape_ends_the_search():
    async with opened(feed=running(), start_on="run") as pilot:
        output = pilot.app.screen.query_one(OutputView)
        await until(pilot, lambda: output.host == "db1")
        await pilot.press("slash", *"db1", "enter")
        await until_shown(pilot, "/db1 1 of 1 lines")
        await pilot.press("escape")
        await until(pilot, lambda: output.search is None)
        assert pilot.app.is_running


async def test_escape_closes_what_asks_and_leaves_things_as_they_are():
    async with opened(feed=running(), start_on="run") as pilot:
        screen = pilot.app.screen
        before = screen.focused
        await pilot.press("slash", *"x", "escape")
        await until(pilot, lambda: screen.focused is before)
        assert (screen.query_one(OutputView).search, screen.query_one("#prompt").display) == (None, False)


async def test_only_hosts_named_like_what_was_typed_are_shown():
    async with opened(feed=running(), start_on="run") as pilot:
        hosts = pilot.app.screen.query_one(HostGrid)
        await pilot.press("backslash", *"db2", "enter")
        await until(pilot, lambda: (hosts.entries, hosts.here) == (1, "db2"))
        await until_shown(pilot, "from db2")
        await pilot.press("backslash", "backspace", "enter")
        await until_shown(pilot, "db[1-2]")


async def test_b_goes_to_the_step_that_went_badly_and_to_what_its_host_said_then():
    feed = running()
    feed.story.answer("1.3", "db1").wait(10).answer("1.3", "db2", Outcome.FAILED).end("1.3", Outcome.FAILED)
    feed.output.write("db2", *(b"later" for _ in range(30)))
    async with opened(feed=feed, start_on="run") as pilot:
        screen = pilot.app.screen
        await pilot.press("g", "b")
        await until(pilot, lambda: screen.query_one(StepList).here.id == "1.3")
        output = screen.query_one(OutputView)
        await until(pilot, lambda: (output.host, output.follow) == ("db2", False))


async def test_where_nothing_went_badly_b_says_so():
    async with opened(feed=running(), start_on="run") as pilot:
        await pilot.press("b")
        await until_shown(pilot, "No step went badly.")


async def test_what_was_copied_is_said_above_the_keys_and_went_through_the_sanitiser():
    feed = running()
    feed.output.write("db1", b"evil\x1b]52;c;aGk=\x07 \xe2\x80\xaetext")
    async with opened(feed=feed, start_on="run", size=(120, 30)) as pilot:
        await until_shown(pilot, "evil")
        await pilot.press("3", "y")
        await until_shown(pilot, "Copied 1 line of db1, 17 characters: evil <U+202E>text")
        assert pilot.app.clipboard == "evil <U+202E>text"


@pytest.mark.parametrize("of", ["run", "replay"])
async def test_the_help_tells_every_key_that_works_there_and_none_that_does_not(of):
    feed = FakeReplay(failover()) if of == "replay" else running()
    async with opened(feed=feed, start_on=of, size=(100, 90)) as pilot:
        await pilot.press("question_mark")
        await until_shown(pilot, "Esc closes")
        page = shown(pilot.app)
        is_replay = of == "replay"
        assert ("Stop the run; typed" in page, "0 ... 9" in page, "Go to the steps" in page) == (
            not is_replay,
            is_replay,
            not is_replay,
        )
        assert [said in page for said in ("Search the output.", "Break long lines", "Begin a selection")] == [True] * 3


# --- replay -----------------------------------------------------------------------------------------------------------


async def test_a_replay_begins_at_the_beginning_and_goes_from_gate_or_failure_to_the_next():
    replay = FakeReplay(failover())
    async with opened(feed=replay, start_on="replay") as pilot:
        gates = [entry.at for entry in replay.entries if isinstance(entry.event, GateOpened)]
        outage = next(
            entry.at for entry in replay.entries if isinstance(entry.event, ProbeSampled) and not entry.event.ok
        )
        positions = [replay.position]
        for _ in range(3):
            await pilot.press("right_curly_bracket")
            positions.append(replay.position)
        await pilot.press("left_curly_bracket")
        assert (positions, replay.position) == ([0.0, gates[0], outage, gates[1]], outage)


async def test_a_failure_that_one_goes_to_is_shown_with_its_host_and_what_that_said_last():
    lines = Lines({"app34": [b"starting", b"ERR bind failed", b"gave up"], "app01": [b"fine"]})
    replay = FakeReplay(failing(), lines)
    async with opened(feed=replay, start_on="replay", size=(120, 40)) as pilot:
        screen = pilot.app.screen
        replay.seek(seconds("03:13:10"))
        await pilot.press("right_curly_bracket")
        output = screen.query_one(OutputView)
        await until(pilot, lambda: (screen.query_one(StepList).here.id, output.host[:3]) == ("4.5", "app"))
        assert output.host in {"app34", "app36", "app39", "app40"}


async def test_brackets_go_from_step_to_step():
    replay = FakeReplay(failover())
    entered = [entry.at for entry in replay.entries if isinstance(entry.event, StepEntered)]
    async with opened(feed=replay, start_on="replay") as pilot:
        await pilot.press("right_square_bracket", "right_square_bracket")
        second = replay.position
        await pilot.press("left_square_bracket")
        assert (second, replay.position) == (entered[2], entered[1])


async def test_a_mark_that_is_not_there_is_said():
    replay = FakeReplay(failover())
    async with opened(feed=replay, start_on="replay") as pilot:
        await pilot.press("left_curly_bracket")
        await until_shown(pilot, "No gate or failure stands before.")


@pytest.mark.parametrize(
    ("keys", "moved"),
    [
        (("right",), 5.0),
        (("right", "right", "left"), 5.0),
        (("3",), failover().run.now * 3 / 10),
        (("9", "0"), 0.0),
        (("right", "left", "left"), 0.0),
    ],
)
async def test_keys_move_in_time(keys, moved):
    replay = FakeReplay(failover())
    async with opened(feed=replay, start_on="replay") as pilot:
        await pilot.press(*keys)
        assert replay.position == pytest.approx(moved)


async def test_one_event_on_is_one_entry_of_the_record():
    replay = FakeReplay(failover())
    async with opened(feed=replay, start_on="replay") as pilot:
        before = replay.run.seq
        await pilot.press("full_stop", "full_stop", "comma")
        assert replay.run.seq == before + 1


async def test_space_plays_and_pauses_and_the_speed_doubles():
    replay = FakeReplay(failover())
    async with opened(feed=replay, start_on="replay") as pilot:
        await pilot.press("greater_than_sign", "greater_than_sign", "space")
        playing = (replay.playing, replay.speed)
        await pilot.press("space")
        assert (playing, replay.playing) == ((True, 4.0), False)


async def test_a_click_on_the_bar_goes_there():
    replay = FakeReplay(failover())
    async with opened(feed=replay, start_on="replay") as pilot:
        await pilot.click("#scrubber", offset=(40, 0))
        assert replay.position == pytest.approx(replay.length / 2, rel=0.05)


async def test_the_scrubber_takes_keys_of_its_own():
    replay = FakeReplay(failover())
    async with opened(feed=replay, start_on="replay") as pilot:
        pilot.app.screen.query_one(Scrubber).focus()
        await pilot.press("end")
        await until(pilot, lambda: replay.position == replay.length)
        await pilot.press("pageup")
        await until(pilot, lambda: replay.position == pytest.approx(replay.length * 0.9))
        await pilot.press("home")
        await until(pilot, lambda: replay.position == 0.0)


async def test_dragging_the_mouse_takes_the_moment_along():
    replay = FakeReplay(failover())
    async with opened(feed=replay, start_on="replay") as pilot:
        await pilot.mouse_down("#scrubber", offset=(10, 0))
        await pilot.hover("#scrubber", offset=(70, 0))
        await until(pilot, lambda: replay.position > replay.length * 0.8)
        await pilot.mouse_up("#scrubber", offset=(70, 0))
        await pilot.hover("#scrubber", offset=(20, 0))
        assert replay.position > replay.length * 0.8


async def test_a_time_can_be_typed():
    replay = FakeReplay(failover())
    async with opened(feed=replay, start_on="replay") as pilot:
        await pilot.press("at", *"0:12.5", "enter")
        await until(pilot, lambda: replay.position == 12.5)
        await pilot.press("at", *"noon", "enter")
        await until_shown(pilot, '"noon" is no time')


async def test_the_past_asks_nothing_and_can_be_asked_nothing():
    tale = Story(plan(step("1.1"))).start().ask("1.1")
    replay = FakeReplay(tale.wait(1).add(StepEntered(step="1.1")))
    async with opened(feed=replay, start_on="replay") as pilot:
        await pilot.press("right", "a", "x", "p")
        await pilot.pause()
        assert type(pilot.app.screen).__name__ == "ReplayScreen"
        assert replay.sent == []
