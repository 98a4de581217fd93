"""A run on the screen: it follows, it stays where one looks, and leaving it stops nothing."""

from __future__ import annotations

import pytest

from runbook.core.event import NoteAdded, StepEntered
from runbook.core.outcome import Outcome
from runbook.problem import Problem
from runbook.tui.screens.run import RunScreen
from runbook.tui.widgets.hostgrid import HostGrid
from runbook.tui.widgets.outputview import OutputView
from runbook.tui.widgets.scrubber import Scrubber
from runbook.tui.widgets.steplist import StepList
from tests.builders import Story, plan, step
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
        await until_shown(pilot, "QUE   1.4")
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
        folded = hosts.count
        await pilot.press("f")
        await until(pilot, lambda: hosts.count == 2)
        assert folded == 1


async def test_only_faults_hides_hosts_that_are_well():
    feed = running()
    feed.story.answer("1.3", "db1").answer("1.3", "db2", Outcome.FAILED)
    async with opened(feed=feed, start_on="run") as pilot:
        hosts = pilot.app.screen.query_one(HostGrid)
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: (hosts.count, hosts.here) == (1, "db2"))


async def test_zoom_leaves_one_pane_and_the_gate_bar():
    feed = running()
    feed.story.ask("1.4", message="Go on?")
    async with opened(feed=feed, start_on="run") as pilot:
        await asked(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: type(pilot.app.screen) is RunScreen)
        await pilot.press("3", "z")
        await until(
            pilot, lambda: [pane.id for pane in pilot.app.screen.query("Rows") if pane.size.height > 2] == ["output"]
        )
        assert "GATE 1.4" in shown(pilot.app)


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
    async with opened(feed=feed, start_on="run", size=(120, 24)) as pilot:
        feed.dies()
        await until_shown(pilot, "NOT FOLLOWED")
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


# --- replay -----------------------------------------------------------------------------------------------------------


async def test_a_replay_begins_at_the_beginning_and_goes_from_mark_to_mark():
    replay = FakeReplay(failover())
    async with opened(feed=replay, start_on="replay") as pilot:
        began = replay.position
        await pilot.press("right_square_bracket")
        first = replay.position
        await pilot.press("right_square_bracket", "left_square_bracket")
        marks = pilot.app.screen.query_one(Scrubber)
        assert (began, first, replay.position) == (0.0, marks.mark_from(0.0, 1), first)


@pytest.mark.parametrize(
    ("keys", "moved"),
    [
        (("right",), 5.0),
        (("right", "right", "left"), 5.0),
        (("right_curly_bracket",), failover().run.now / 10),
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
        await pilot.click("#scrubber", offset=(40, 1))
        assert replay.position == pytest.approx(replay.length / 2, rel=0.05)


async def test_the_past_asks_nothing_and_can_be_asked_nothing():
    tale = Story(plan(step("1.1"))).start().ask("1.1")
    replay = FakeReplay(tale.wait(1).add(StepEntered(step="1.1")))
    async with opened(feed=replay, start_on="replay") as pilot:
        await pilot.press("right", "a", "x", "p")
        await pilot.pause()
        assert type(pilot.app.screen).__name__ == "ReplayScreen"
        assert replay.sent == []
