"""What follows a failure is decided with its hosts and their words before one's eyes, in two acts, at every size."""

from __future__ import annotations

import pytest
from textual import events
from textual.pilot import Pilot

from runbook.core.events.event import FailureResolved, MilestoneMarked
from runbook.core.intent import ResolveFailure
from runbook.core.milestone_name import Milestone
from runbook.core.outcome import Outcome
from runbook.core.planned.action import BlockAction, CommandAction
from runbook.core.planned.plan import Objectives, PlannedStep
from runbook.core.result import Result
from runbook.tui.app import RunbookApp
from runbook.tui.modals.failure import FailureGate
from runbook.tui.modals.failure_box import FailureBox
from runbook.tui.modals.keylock import KeyLock
from tests.builders import ANNA, BEN, Story, plan, step
from tests.core.driving import Drive
from tests.tui.fakes import FakeFeed, Lines, refusal
from tests.tui.showing import asked, opened, painted, shown, until, until_shown

APPS = tuple(f"app{number:02}" for number in range(1, 9))
FULL = ("retry_failed", "exclude", "skip", "retry", "rollback", "abort")
SIZES = pytest.mark.parametrize(
    "size", [(160, 48), (120, 40), (80, 24), (59, 15)], ids=["160x48", "120x40", "80x24", "59x15"]
)


def pools(**fields: object) -> PlannedStep:
    undo = step("1.2.undo.1", CommandAction(shell="payctl pool stop"), hosts=APPS)
    action = CommandAction(shell="payctl pool restart")
    return step("1.2", action, name="Restart payment pools", hosts=APPS, undo=(undo,), expected=12.0, **fields)


def failed(choices: tuple[str, ...] = FULL) -> tuple[Story, Lines]:
    """Three of eight hosts failed, each in its own way; the service has been gone for a while."""
    objectives = Objectives(rto=1800.0, rto_starts_at="declared")
    tale = Story(plan(step("1.1", expected=30.0), pools(), step("1.3", expected=60.0), objectives=objectives)).start()
    tale.add(MilestoneMarked(milestone=Milestone.DECLARED, source="operator", by=ANNA)).wait(600)
    tale.ran("1.1").enter("1.2")
    for host in APPS:
        tale.attempt("1.2", host)
    tale.wait(3)
    for host in APPS[3:]:
        tale.answer("1.2", host)
    for host in APPS[:2]:
        tale.answer("1.2", host, Outcome.FAILED, result=Result(rc=1), detail="exit code 1")
    tale.answer("1.2", APPS[2], Outcome.TIMED_OUT, detail="ended at its limit of 12 s")
    tale.end("1.2", Outcome.FAILED, "3 of 8 hosts failed")
    tale.ask("1.2", "failure", message="Restart payment pools: 3 of 8 hosts failed", choices=choices)
    return tale, Spoken()


class Spoken(Lines):
    """What the hosts said in the step."""

    def __init__(self) -> None:
        bind = b"nginx: [emerg] bind() to 0.0.0.0:443 failed (98: Address already in use)"
        super().__init__({APPS[0]: [b"starting nginx", bind], APPS[1]: [bind], APPS[2]: [b"draining, 214 left"]})

    def _line(self, number: int, data: bytes) -> object:
        stream = "err" if b"emerg" in data else "out"
        return type(super()._line(number, data))(number=number, data=data, stream=stream, step="1.2", at=603.0)


async def boxed(pilot: Pilot[None]) -> FailureBox:
    box = await asked(pilot, FailureGate)
    return box.query_one(FailureBox)


async def chosen(pilot: Pilot[None], number: int) -> FailureBox:
    """A choice that is unfolded, and has been read."""
    box = await boxed(pilot)
    await pilot.press(str(number), "enter")
    await until(pilot, lambda: box.takes_enter)
    return box


def feed() -> FakeFeed:
    return FakeFeed(*failed())


# --- what is seen -----------------------------------------------------------------------------------------------------


@SIZES
async def test_the_failed_hosts_their_words_every_choice_and_the_clock_are_seen_at_every_size(screen, size):
    async with opened(feed=feed(), start_on="run", size=size) as pilot:
        await boxed(pilot)
        assert await painted(pilot) == screen


@SIZES
async def test_a_choice_unfolds_where_it_stands_and_names_its_hosts(screen, size):
    async with opened(feed=feed(), start_on="run", size=size) as pilot:
        await chosen(pilot, 4)
        assert await painted(pilot) == screen


@SIZES
@pytest.mark.parametrize("theme", ["dark", "mono"])
async def test_what_is_wanted_and_the_time_left_stand_above_the_menu_also_without_colours(monkeypatch, size, theme):
    monkeypatch.setenv("RUNBOOK_THEME", theme)
    async with opened(feed=feed(), start_on="run", size=size) as pilot:
        await boxed(pilot)
        rows = (await painted(pilot)).splitlines()
        assert "HELD" in rows[0]
        assert rows[1].startswith(" YOU DECIDE  3 of 8 hosts failed in step 1.2")
        assert any("LEFT of" in row and "30:00" in row for row in rows[2:7])


async def test_in_the_smallest_window_the_chosen_one_is_in_sight():
    async with opened(feed=feed(), start_on="run", size=(40, 10)) as pilot:
        await boxed(pilot)
        await pilot.press("6")
        await until_shown(pilot, "> 6 Abort the run")


async def test_what_another_host_said_comes_by_tab_and_what_was_sent_by_v():
    async with opened(feed=feed(), start_on="run", size=(120, 40)) as pilot:
        await boxed(pilot)
        await until_shown(pilot, "WHAT app01 SAID LAST")
        await pilot.press("tab")
        await until_shown(pilot, "WHAT app03 SAID LAST")
        await pilot.press("v")
        await until_shown(pilot, "payctl pool restart")


async def test_keys_of_other_lists_do_nothing_here_and_help_tells_those_that_do():
    of = feed()
    async with opened(feed=of, start_on="run", size=(80, 40)) as pilot:
        box = await boxed(pilot)
        await pilot.press("y", "pagedown", "ctrl+d", "q", "x", "p", "9")
        assert (box.stand.cursor, of.sent) == (0, [])
        await pilot.press("f1")
        await until_shown(pilot, "Show by name whom the choice reaches")
        assert "Copy the row" not in shown(pilot.app)


# --- two acts ---------------------------------------------------------------------------------------------------------


async def test_it_opens_on_not_now_and_enter_there_answers_nothing():
    of = feed()
    async with opened(feed=of, start_on="run") as pilot:
        await boxed(pilot)
        assert "> Not now" in " ".join(shown(pilot.app).split())
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(pilot.app.screen, KeyLock))
        assert (of.sent, of.run.open_gates) == ([], ("1.2#1",))


async def test_the_first_choice_is_to_retry_the_failed_hosts_alone_and_takes_two_enters():
    of = feed()
    async with opened(feed=of, start_on="run") as pilot:
        await boxed(pilot)
        await pilot.press("down", "enter")
        await until_shown(pilot, "Again on app01 app02 app03: payctl pool restart")
        assert (of.sent, "The other 5 are not touched." in shown(pilot.app)) == ([], True)
        await pilot.press("enter")
        await until(pilot, lambda: of.sent)
        assert of.sent == [ResolveFailure(step="1.2", choice="retry_failed")]


@pytest.mark.parametrize(
    ("number", "word", "choice"), [(4, "8", "retry"), (5, "roll back", "rollback"), (6, "abort", "abort")]
)
async def test_what_reaches_healthy_hosts_or_ends_the_way_forward_takes_a_typed_word(number, word, choice):
    of = feed()
    async with opened(feed=of, start_on="run") as pilot:
        await chosen(pilot, number)
        await pilot.press("enter", *word[:-1], "enter")
        await until_shown(pilot, f'Type "{word}" letter for letter.')
        assert of.sent == []
        await pilot.press(word[-1], *" all is lost", "enter")
        await until(pilot, lambda: of.sent)
        assert of.sent == [ResolveFailure(step="1.2", choice=choice, reason="all is lost")]


@pytest.mark.parametrize(("number", "choice"), [(2, "exclude"), (3, "skip")])
async def test_what_leaves_something_undone_takes_a_reason(number, choice):
    of = feed()
    async with opened(feed=of, start_on="run") as pilot:
        await chosen(pilot, number)
        await pilot.press("enter")
        await until_shown(pilot, "It goes on record with a reason")
        await pilot.press(*"a fan?", "backspace", "enter")
        await until(pilot, lambda: of.sent)
        assert of.sent == [ResolveFailure(step="1.2", choice=choice, reason="a fan")]


async def test_escape_folds_the_choice_first_and_then_closes_the_menu():
    of = feed()
    async with opened(feed=of, start_on="run") as pilot:
        box = await chosen(pilot, 4)
        await pilot.press("escape")
        assert (box.stand.is_open, box.stand.cursor) == (False, 4)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, KeyLock))
        assert of.sent == []


async def test_a_refusal_stands_at_the_choice_and_the_menu_stays_open():
    of = feed()

    async def refuse(intent):
        of.sent.append(intent)
        return refusal("somebody has excluded it meanwhile")

    of.send = refuse
    async with opened(feed=of, start_on="run") as pilot:
        await chosen(pilot, 1)
        await pilot.press("enter")
        await until_shown(pilot, "somebody has excluded it meanwhile")
        assert isinstance(pilot.app.screen, FailureGate)


async def test_a_failure_decided_elsewhere_closes_the_menu():
    of = feed()
    async with opened(feed=of, start_on="run") as pilot:
        await boxed(pilot)
        of.happens(FailureResolved(step="1.2", choice="retry", by=BEN))
        await until(pilot, lambda: not isinstance(pilot.app.screen, KeyLock))


async def test_a_click_moves_and_never_answers():
    of = feed()
    async with opened(feed=of, start_on="run") as pilot:
        box = await boxed(pilot)
        row = next(y for y, line in enumerate(box._laid) if line.way == 1)
        for _ in range(3):
            await pilot.click(box, offset=(5, row))
        assert (box.stand.cursor, box.stand.is_open, of.sent) == (1, False, [])


# --- a burst of keys --------------------------------------------------------------------------------------------------


def burst(pilot: Pilot[None], *keys: str, at: float) -> None:
    """Keys that come in one read, as from somebody who types fast, or through a link that stalled."""
    for key in keys:
        event = events.Key(key, key if len(key) == 1 else None)
        event.time = at
        pilot.app.post_message(event)


async def test_of_a_burst_nothing_is_lost_or_misread_and_only_the_last_enter_is_asked_for_again():
    of = feed()
    async with opened(feed=of, start_on="run", lock_seconds=1.0) as pilot:
        box = await boxed(pilot)
        burst(pilot, "2", "enter", *"a fan is dead", "enter", at=pilot.app.screen.unlocks_at)
        await until_shown(pilot, "REASON, on record: a fan is dead_")
        await until_shown(pilot, "That Enter came before this could be read: press it again.")
        assert of.sent == []
        await until(pilot, lambda: box.takes_enter)
        burst(pilot, "enter", at=max(box._takes_enter_at, pilot.app.screen.unlocks_at))
        await until(pilot, lambda: of.sent)
        assert of.sent == [ResolveFailure(step="1.2", choice="exclude", reason="a fan is dead")]


async def test_a_double_enter_in_one_breath_does_nothing_but_unfold():
    of = feed()
    async with opened(feed=of, start_on="run", lock_seconds=1.0) as pilot:
        await boxed(pilot)
        burst(pilot, "down", "down", "down", "down", "enter", "8", "enter", "enter", at=pilot.app.screen.unlocks_at)
        await until_shown(pilot, "press it again")
        assert of.sent == []


async def test_what_was_typed_before_the_menu_could_be_read_does_nothing_and_that_is_said():
    of = feed()
    async with opened(feed=of, start_on="run", lock_seconds=1.0) as pilot:
        box = await boxed(pilot)
        burst(pilot, "1", "enter", "enter", at=pilot.app.screen.unlocks_at - 0.01)
        await until_shown(pilot, "what you typed before was not taken")
        assert (box.stand.cursor, of.sent) == (0, [])


async def test_a_menu_waits_until_whoever_types_has_paused():
    tale, output = failed()
    ahead = Story(tale.run.plan).start().ran("1.1")
    of = FakeFeed(ahead, output)
    async with opened(feed=of, start_on="run", lock_seconds=60.0) as pilot:
        screen = pilot.app.screen
        await pilot.press("slash", "b", "i")
        of.happens(*(entry.event for entry in tale.entries[len(ahead.entries) :]))
        await until_shown(pilot, "YOU DECIDE")
        await pilot.press("n", "d")
        await until_shown(pilot, "bind")
        assert pilot.app.screen is screen
        screen.stopped_typing()
        await asked(pilot, FailureGate)


async def test_the_bell_rings_once_for_a_question(monkeypatch):
    rung = []
    monkeypatch.setattr(RunbookApp, "bell", lambda _: rung.append(True))
    async with opened(feed=feed(), start_on="run") as pilot:
        await boxed(pilot)
        await pilot.press("escape", "a")
        await boxed(pilot)
    assert rung == [True]


# --- what kinds of failures there are ---------------------------------------------------------------------------------


async def test_a_step_of_one_host_is_retried_there_first():
    drive = Drive(plan(step("1.1")), outcomes={"1.1": Outcome.FAILED}).go()
    async with opened(feed=FakeFeed(drive.story), start_on="run") as pilot:
        box = await boxed(pilot)
        assert [(way.label, way.word) for way in box.menu.ways] == [
            ("Retry on db1", ""),
            ("Go on without it", ""),
            ("Roll back", "roll back"),
            ("Abort the run", "abort"),
        ]


async def test_a_block_whose_retry_reaches_healthy_hosts_says_so_and_takes_a_word():
    inside = (step("1.1.1", hosts=("a", "b")), step("1.1.2", hosts=("b",)))
    tale = Story(plan(step("1.1", BlockAction(), name="Move", steps=inside))).start().enter("1.1")
    tale.ran("1.1.1").ran("1.1.2", Outcome.FAILED).add(FailureResolved(step="1.1.2", choice="propagate"))
    tale.end("1.1", Outcome.FAILED, "1.1.2 failed").ask("1.1", "failure", choices=("skip", "retry", "abort"))
    async with opened(feed=FakeFeed(tale), start_on="run") as pilot:
        box = await boxed(pilot)
        assert [(way.label, way.word) for way in box.menu.ways] == [
            ("Go on without it", ""),
            ("Retry all 2 hosts", "2"),
            ("Abort the run", "abort"),
        ]
        await until_shown(pilot, "1.1.2 exit 1")
