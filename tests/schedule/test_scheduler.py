"""The scheduler: what it begins, what it tells, what it writes down, and that nothing kills its accounting."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from itertools import count

import pytest
from msgspec.structs import replace

from runbook.calendar.cron import moments
from runbook.calendar.window import read_window
from runbook.problem import problem
from runbook.schedule.agenda import Agenda, Item
from runbook.schedule.deciding import jitter
from runbook.schedule.duty import Duty
from runbook.schedule.entry import ClockJumped, Known, Missed, Postponed, Started, Told, instant
from tests.schedule.duties import BOOK, at, hours, live, nightly, quarterly, ran
from tests.schedule.world import Killed, Stage

START = at("2026-01-10T12:00")
DAY = timedelta(days=1)


def told(stage: Stage) -> list[tuple[str, str]]:
    """What became of moments, in the order in which it was written."""
    words = []
    for entry in stage.book.entries:
        match entry:
            case Started(slot=slot):
                words.append(("started", slot))
            case Missed(first=first, last=last, count=number, why=why):
                words.append((f"missed {number}, {why}", first if first == last else f"{first} {last}"))
            case Postponed(slot=slot, until=until):
                words.append((f"postponed until {until}", slot))
            case Told(slot=slot):
                words.append(("told", slot))
            case _:
                pass
    return words


async def test_each_night_one_run_is_begun_and_the_ledger_names_it() -> None:
    stage = Stage(START, nightly())
    await stage.until(START + 3 * DAY)
    assert told(stage) == [
        ("started", "2026-01-11T02:00:00Z"),
        ("started", "2026-01-12T02:00:00Z"),
        ("started", "2026-01-13T02:00:00Z"),
    ]
    assert stage.world.begun == [entry.run for entry in stage.book.of(Started)]


async def test_what_lies_before_the_first_look_is_nobodys_omission() -> None:
    stage = Stage(START, nightly())
    await stage.look()
    assert [type(entry) for entry in stage.book.entries] == [Known]


async def test_after_a_week_without_a_scheduler_one_run_is_begun_and_the_rest_is_counted() -> None:
    stage = Stage(START, nightly(late=timedelta(hours=12)))
    await stage.look()
    stage.clock.go(timedelta(days=7))
    stage.again()
    await stage.look()
    assert told(stage) == [
        ("missed 6, scheduler down", "2026-01-11T02:00:00Z 2026-01-16T02:00:00Z"),
        ("started", "2026-01-17T02:00:00Z"),
    ]


async def test_what_may_not_be_late_is_missed() -> None:
    stage = Stage(START, nightly(late=None))
    await stage.look()
    stage.clock.go(timedelta(hours=20))
    stage.again()
    await stage.look()
    assert told(stage) == [("missed 1, scheduler down", "2026-01-11T02:00:00Z")]


async def test_a_machine_that_cannot_begin_a_run_just_now_keeps_no_other_from_beginning() -> None:
    other = replace(nightly(late=timedelta(hours=2)), runbook="other")
    stage = Stage(START, nightly(late=timedelta(hours=2)), other)
    await stage.look()
    stage.clock.go(timedelta(hours=14))

    def full(item: Item) -> None:
        if item.duty.runbook == BOOK:
            raise OSError(28, "No space left on device")

    stage.world.refuse = full
    wake = await stage.look()
    assert stage.world.begun == ["other-2"]
    assert stage.said[-2].endswith("2026-01-11T02:00:00Z not begun yet: [Errno 28] No space left on device")
    assert wake is not None
    stage.world.refuse = lambda _item: None
    stage.clock.go(wake - stage.clock.now)
    await stage.look()
    assert stage.world.begun == ["other-2", f"{BOOK}-1"], "under the name that it was claimed with"


async def test_what_cannot_be_read_just_now_ends_no_scheduler() -> None:
    stage = Stage(START, nightly())
    read = stage.world.agenda

    def unreadable(_now: datetime) -> Agenda:
        raise problem("the records cannot be listed")

    stage.world.agenda = unreadable
    assert await stage.look() is None
    assert "the records cannot be listed" in stage.said[-1]
    stage.world.agenda = read
    await stage.until(START + DAY)
    assert told(stage) == [("started", "2026-01-11T02:00:00Z")]


async def test_what_a_window_holds_is_postponed_and_then_started() -> None:
    stage = Stage(START, nightly(window=read_window("daily 04:00-05:00 UTC"), late=None))
    await stage.until(START + DAY)
    assert told(stage) == [
        ("postponed until 2026-01-11T04:00:00Z", "2026-01-11T02:00:00Z"),
        ("started", "2026-01-11T02:00:00Z"),
    ]
    assert stage.world.runs[BOOK][0].started == "2026-01-11T04:00:00Z"


async def test_what_a_freeze_holds_for_too_long_is_missed_and_says_so() -> None:
    stage = Stage(START, nightly(hours=hours(freeze=("2026-01-11/2026-01-12",))))
    await stage.until(START + 3 * DAY)
    assert [word for word in told(stage) if word[0].startswith(("missed", "started"))] == [
        ("missed 1, freeze", "2026-01-11T02:00:00Z"),
        ("missed 1, freeze", "2026-01-12T02:00:00Z"),
        ("started", "2026-01-13T02:00:00Z"),
    ]


async def test_two_runs_of_one_runbook_never_overlap() -> None:
    stage = Stage(START, nightly())
    stage.world.runs[BOOK] = [live(ran("2026-01-10T11:00"))]
    await stage.until(START + DAY)
    assert told(stage) == [("missed 1, overlap", "2026-01-11T02:00:00Z")]


async def test_people_are_told_once_of_what_they_have_to_begin() -> None:
    stage = Stage(START, nightly("0 9 * * 1", attended=True, late=None))
    await stage.until(START + 10 * DAY)
    assert told(stage) == [("told", "2026-01-12T09:00:00Z"), ("told", "2026-01-19T09:00:00Z")]
    assert stage.world.begun == []
    assert "orders-failover.lab.schedule: 2026-01-12T09:00:00Z is due, and somebody has to start it" in stage.said


async def test_a_run_that_a_rule_or_a_check_refuses_is_missed_with_its_reason() -> None:
    stage = Stage(START, nightly())

    def refuse(_item: object) -> None:
        raise problem("production is frozen", code="freeze")

    stage.world.refuse = refuse
    await stage.until(START + DAY)
    assert told(stage) == [("missed 1, policy: freeze", "2026-01-11T02:00:00Z")]


async def test_what_is_owed_every_so_often_goes_on_after_a_run_that_failed() -> None:
    daily = quarterly(every=DAY, attended=False, late=timedelta(hours=1))
    stage = Stage(START, daily)
    await stage.look()

    def refuse(_item: object) -> None:
        raise problem("no such host", code="unknown-host")

    stage.world.refuse = refuse
    await stage.until(START + 2 * DAY + timedelta(hours=1))
    assert [word for word, _ in told(stage)] == ["missed 1, check failed: unknown-host"] * 2


def test_a_run_is_put_off_by_its_own_name_and_never_past_its_window() -> None:
    duty, slot = nightly(jitter=timedelta(minutes=10)), at("2026-01-11T02:00")
    drawn = {jitter(duty, slot + n * DAY, 3600.0) for n in range(50)}
    assert len(drawn) > 30
    assert all(0 <= seconds < 600 for seconds in drawn)
    assert jitter(duty, slot, 3600.0) == jitter(replace(duty, grace=DAY), slot, 3600.0)
    assert jitter(duty, slot, 30.0) < 30
    assert jitter(nightly(), slot, 3600.0) == 0


async def test_after_a_jump_of_the_clock_nothing_begins_until_it_was_steady_for_a_while() -> None:
    stage = Stage(at("2026-01-11T00:30"), nightly())
    await stage.look()
    stage.clock.jump(timedelta(hours=1, minutes=40))
    await stage.look()
    assert [entry.seconds for entry in stage.book.of(ClockJumped)] == [6000.0]
    assert told(stage) == []
    stage.clock.go(timedelta(minutes=5, seconds=1))
    await stage.look()
    assert told(stage) == [("started", "2026-01-11T02:00:00Z")]


async def test_a_clock_that_goes_back_opens_nothing_again() -> None:
    stage = Stage(START, nightly())
    await stage.until(START + DAY)
    stage.clock.jump(-timedelta(hours=20))
    await stage.until(START + DAY + timedelta(hours=5))
    assert [slot for word, slot in told(stage) if word == "started"] == [
        "2026-01-11T02:00:00Z",
        "2026-01-12T02:00:00Z",
    ] or [slot for word, slot in told(stage) if word == "started"] == ["2026-01-11T02:00:00Z"]
    assert len(set(stage.world.begun)) == len(stage.world.begun)


@pytest.mark.parametrize("seed", range(200))
async def test_killed_at_any_step_of_a_start_no_run_is_doubled_and_none_is_lost(seed: int) -> None:
    chance = random.Random(seed)
    stage = Stage(at("2026-01-11T01:59"), nightly())
    await stage.look()
    deaths = count()

    def fate(_act: str) -> None:
        if chance.random() < 0.4 and next(deaths) < 6:
            raise Killed

    stage.book.fate = stage.world.fate = fate
    stage.clock.go(timedelta(minutes=1))
    await stage.look()
    stage.book.fate = stage.world.fate = lambda _act: None
    await stage.look()
    assert told(stage) == [("started", "2026-01-11T02:00:00Z")]
    assert stage.world.begun == [entry.run for entry in stage.book.of(Started)]


def many() -> list[Duty]:
    """Twelve runbooks in four places."""
    freeze = hours(freeze=("2026-04-01/2026-04-10", "2026-12-20/2027-01-03"))
    night = hours("Sat-Sun 01:00-05:00 Europe/Berlin")
    made = [
        nightly("30 2 * * *", "Europe/Berlin", late=None),
        nightly("0 3 * * *", "America/New_York", hours=freeze),
        nightly("15 1 * * 1", hours=night, late=timedelta(days=3)),
        nightly("0 2,3 * * 0", "Europe/Berlin", jitter=timedelta(minutes=20)),
        nightly("45 1 1 * *", "Australia/Lord_Howe", window=read_window("daily 02:00-04:00 Australia/Lord_Howe")),
        nightly("0 */12 * * *", "Europe/Berlin"),
        nightly("0 9 * * 1", attended=True, late=None),
        nightly("0 6 1 */3 *", attended=True, late=None, hours=freeze),
        nightly("0 0 * * *", "Pacific/Apia"),
        nightly("0 4 * * 2", hours=hours("Mon 00:00-01:00 UTC")),
        nightly("20 4 29 2 *", late=DAY),
        nightly("59 23 31 * *", late=timedelta(hours=2), hours=freeze),
    ]
    places = ("lab", "staging", "production", "archive")
    return [replace(duty, runbook=f"book-{n}", environment=places[n % 4]) for n, duty in enumerate(made)]


@pytest.mark.parametrize("seed", range(3))
async def test_in_a_year_of_sleeps_crashes_and_set_clocks_every_moment_has_exactly_one_end(seed: int) -> None:
    chance = random.Random(seed)
    begin, end = at("2026-01-01T00:00"), at("2027-01-01T00:00")
    stage = Stage(begin, *many())
    await stage.look()

    def fate(_act: str) -> None:
        if chance.random() < 0.02:
            raise Killed

    stage.book.fate = stage.world.fate = fate
    while stage.clock.now < end:
        await stage.until(min(end, stage.clock.now + timedelta(days=chance.randint(1, 20))), step=DAY)
        stage.clock.go(timedelta(days=chance.choice((0, 0, 0, 1, 9))))
        stage.again() if chance.random() < 0.5 else None
    stage.book.fate = stage.world.fate = lambda _act: None
    await stage.look()
    for duty in stage.world.duties:
        known = next(instant(one.at) for one in stage.book.of(Known) if one.duty == duty.key)
        owed = until(duty, known, stage.clock.now)
        assert ends(stage, duty, owed) == dict.fromkeys(owed, 1), duty.key
    assert len(set(stage.world.begun)) == len(stage.world.begun) == len(stage.book.of(Started))


def until(duty: Duty, begin: datetime, end: datetime) -> list[datetime]:
    """Its moments between two instants; the last may still be waiting."""
    found = []
    for slot in moments(duty.cron, begin):
        if slot > end - timedelta(days=8):
            return found
        found.append(slot)
    return found


def ends(stage: Stage, duty: Duty, owed: list[datetime]) -> dict[datetime, int]:
    """How many ends each of them has; a stretch counts for all that lie in it, and must say how many."""
    found = dict.fromkeys(owed, 0)
    for entry in stage.book.entries:
        if entry.duty != duty.key:
            continue
        if isinstance(entry, Started | Told) and instant(entry.slot) in found:
            found[instant(entry.slot)] += 1
        if isinstance(entry, Missed):
            inside = [slot for slot in owed if instant(entry.first) <= slot <= instant(entry.last)]
            for slot in inside:
                found[slot] += 1
            if inside and instant(entry.last) <= owed[-1]:
                assert len(inside) == entry.count
    return found
