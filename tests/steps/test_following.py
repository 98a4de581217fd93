"""A durable job outlives its link and its runner; what is asked about it is asked of its host and not of a person."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from runbook.core.events.event import Result
from runbook.core.outcome import Ending, Expired, Grade, Lost, Outcome
from runbook.core.planned.action import CommandAction
from runbook.problem import Problem, Problems
from runbook.steps.command import CommandKind
from runbook.steps.following import PAUSE, SETTLE, TO_END, may_come_back
from runbook.steps.kind import LEAST_TIME, PATIENCE, Bench, Finding
from runbook.transport.scripted import Dies, Hangs, LosesLink, Reply, Says, ScriptedConnector, Vanishes, unreachable
from runbook.transport.session import Job, Sink
from tests.steps.desk import Desk, FakeClock

LAG = CommandAction(shell="orders lag")
ID = "run/1.1/db1/1"
UNENDED = "no longer wanted, and it could not be reached to be ended"
AWAY = "host db1: db1 cannot be reached: scripted. Change the script."


@dataclass
class Events(FakeClock):
    """Time that moves when somebody sleeps, and what happens meanwhile."""

    later: list[tuple[float, Callable[[], object]]] = field(default_factory=list)
    """Seconds from the beginning, and what happens then."""

    def __post_init__(self) -> None:
        super().__init__()

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        while self.later and self.now >= 1000.0 + self.later[0][0]:
            self.later.pop(0)[1]()


class World(ScriptedConnector):
    """One host, one job, and the desk from which it is followed."""

    def __init__(self, reply: Reply, *later: tuple[float, Callable[[World], object]]) -> None:
        super().__init__({"orders lag": reply})
        self.clock = Events(later=[(at, lambda what=what: what(self)) for at, what in later])
        self.desk = Desk(connector=self, clock=self.clock)

    async def attempt(self, **parts: object) -> Finding:
        """The job, followed to its end."""
        return await CommandKind().attempt(LAG, self.desk.bench(**parts))

    @property
    def took(self) -> float:
        return self.clock.now - 1000.0


def away(world: World, code: str = "refused") -> None:
    world.unreachable["db1"] = unreachable("db1", code)


def back(world: World) -> None:
    world.unreachable.clear()


def found(outcome: Outcome, detail: str = "", **result: object) -> Finding:
    return Finding(outcome=outcome, detail=detail, result=Result(**result))


class Leaving(World):
    """Its host is away from the moment when the link goes."""

    def start(self, *how: object) -> Reply:
        away(self)
        return super().start(*how)


# --- the link goes and the host is there ------------------------------------------------------------------------------


async def test_a_lost_link_is_opened_again_and_the_job_is_followed_to_its_own_end():
    world = World(LosesLink(b"3\n", then=Says(b"3\n4\n", b"note\n", code=5)))
    finding = await world.attempt()
    assert finding == found(
        Outcome.FAILED,
        "exit code is 5, expected 0; stderr ends: note",
        rc=5,
        stdout="3\n4",
        stderr="note",
        duration=PAUSE,
    )
    assert (world.desk.page.out, world.desk.page.err) == (b"3\n4\n", b"note\n")
    assert (len(world.sent), len(world.sessions)) == (1, 2)


async def test_however_often_the_link_goes_every_byte_arrives_once():
    world = World(LosesLink(b"one ", LosesLink(b"one two ", LosesLink(b"one two ", Says(b"one two three\n")))))
    assert await world.attempt() == found(Outcome.SUCCEEDED, rc=0, stdout="one two three", duration=3 * PAUSE)
    assert (world.desk.page.out, len(world.sent)) == (b"one two three\n", 1)


async def test_what_an_earlier_runner_recorded_is_judged_and_not_recorded_again_however_often_the_link_goes():
    world = World(Says())
    world.settle(ID, LosesLink(b"on", LosesLink(b"one two ", Says(b"one two three\n"))))
    finding = await world.attempt(job=Job(id=ID, out_offset=5), reattach=True)
    assert finding == found(Outcome.SUCCEEDED, rc=0, stdout="one two three", duration=2 * PAUSE)
    assert (world.desk.page.out, world.sent) == (b"wo three\n", [])


async def test_the_limit_goes_on_while_nobody_follows_and_is_told_whole():
    world = World(LosesLink(b"", then=Hangs()))
    finding = await world.attempt(job=Job(id=ID, limit=0.05), timeout=30.0)
    assert finding == found(Outcome.TIMED_OUT, "ended at its limit of 30 s", duration=PAUSE)


class Asked(World):
    """Keeps the limits with which it is asked about its job."""

    async def connect(self, host):
        session = await super().connect(host)
        reattach = session.reattach

        async def asked(command: object, job: Job, sink: Sink) -> Ending:
            self.limits.append(job.limit)
            return await reattach(command, job, sink)

        session.reattach = asked
        return session

    @property
    def limits(self) -> list[float | None]:
        return self.__dict__.setdefault("limits of questions", [])


async def test_a_job_that_is_found_again_has_what_is_left_of_its_limit_and_a_moment_at_least():
    reply = LosesLink(b"", LosesLink(b"", then=Says()))
    world = Asked(reply, (PAUSE, away), (10.0, back), (10.0 + PAUSE, away), (28.0, back))
    await world.attempt(job=Job(id=ID, limit=30.0))
    assert world.limits == [20.0, LEAST_TIME]


async def test_a_job_that_is_ended_with_what_was_left_of_its_limit_is_told_with_all_of_it():
    class Ends(Asked):
        async def connect(self, host):
            session = await super().connect(host)

            async def ended(command: object, job: Job, sink: Sink) -> Expired:
                await sink.reached(Grade.SESSION)
                return Expired(job.limit)

            session.reattach = ended
            return session

    world = Ends(LosesLink(b""), (PAUSE, away), (28.0, back))
    finding = await world.attempt(job=Job(id=ID, limit=30.0))
    assert finding == found(Outcome.TIMED_OUT, "ended at its limit of 30 s", duration=28.0)


async def test_a_job_without_a_limit_is_found_again_without_one():
    world = Asked(LosesLink(b"", then=Says()))
    await world.attempt()
    assert world.limits == [None]


# --- what the host says is believed -----------------------------------------------------------------------------------


async def test_a_job_that_never_began_is_known_not_to_have():
    """The place is the very one where it was sent, and there is no trace of it."""
    world = World(LosesLink(), (PAUSE, lambda world: world.lose_trace(ID)))
    finding = await world.attempt()
    assert finding == found(Outcome.UNREACHABLE, "not sent: orders lag never started", duration=PAUSE)


async def test_no_trace_of_what_has_printed_something_proves_nothing():
    world = World(LosesLink(b"3\n"), (PAUSE, lambda world: world.lose_trace(ID)))
    detail = "sent, and no answer came: the host has no trace of it any more, and yet it has begun"
    assert await world.attempt() == found(Outcome.IN_DOUBT, detail, stdout="3", duration=PAUSE + 2 * SETTLE)


async def test_no_trace_of_what_is_on_record_as_having_printed_something_proves_nothing():
    world = World(Says())
    finding = await world.attempt(job=Job(id=ID, place=world.place), reattach=True, has_printed=True)
    detail = "begun, and no end is known: the host has no trace of it any more, and yet it has begun"
    assert finding == found(Outcome.IN_DOUBT, detail, duration=2 * SETTLE)


NO_TRACE = "the host has no trace of it, though it may have begun"


async def test_no_trace_in_another_place_than_where_it_was_sent_proves_nothing():
    def move(world: World) -> None:
        world.place = "another.1.scripted"
        world.lose_trace(ID)

    world = World(LosesLink(), (PAUSE, move))
    detail = f"sent, and no answer came: {NO_TRACE}"
    assert await world.attempt() == found(Outcome.IN_DOUBT, detail, duration=PAUSE + 2 * SETTLE)


@pytest.mark.parametrize("place", ["", "the one before.1.scripted"])
async def test_no_trace_in_another_place_than_was_announced_or_where_none_was_proves_nothing(place):
    finding = await World(Says()).attempt(job=Job(id=ID, place=place), reattach=True)
    detail = f"announced, and it may have run: {NO_TRACE}"
    assert finding == found(Outcome.IN_DOUBT, detail, duration=2 * SETTLE)


async def test_no_trace_in_the_place_where_it_was_announced_proves_that_it_was_not_sent():
    world = World(Says())
    finding = await world.attempt(job=Job(id=ID, place=world.place), reattach=True)
    assert finding == found(Outcome.UNREACHABLE, "not sent: orders lag never started", duration=0.0)


async def test_what_an_earlier_runner_had_running_attached_is_never_called_unsent():
    """It had reached its host, and its claim is all that it would have left there."""
    world = World(Says())
    finding = await world.attempt(job=Job(id=ID, place=world.place, durable=False), reattach=True)
    assert finding.outcome is Outcome.IN_DOUBT
    assert "the host has no trace of it, and what runs attached leaves hardly any" in finding.detail


async def test_a_later_runner_sends_nothing_to_a_place_that_is_not_the_one_of_this_run():
    world = World(Says())
    finding = await world.attempt(job=Job(id=ID, place="another.1.scripted", is_resumed=True))
    detail = "not sent now, because it may have happened before: jobs are kept in another place there than before"
    assert (finding, world.sent) == (found(Outcome.IN_DOUBT, detail, duration=0.0), [])


async def test_a_host_that_has_no_answer_is_believed_when_it_says_so_twice():
    world = World(Vanishes(b"3\n"))
    detail = "sent, and no answer came: the shell that ran it is gone"
    assert await world.attempt() == found(Outcome.IN_DOUBT, detail, stdout="3", duration=3 * SETTLE)
    assert len(world.sessions) == 1


async def test_an_answer_that_a_dying_link_seems_to_give_is_asked_for_again():
    world = World(Vanishes(b"3\n"), (1.5 * SETTLE, lambda world: world.settle(ID, Says(b"3\n"))))
    assert await world.attempt() == found(Outcome.SUCCEEDED, rc=0, stdout="3", duration=2 * SETTLE)


async def test_of_a_job_that_left_nothing_on_its_host_nothing_can_be_learned():
    world = World(LosesLink(b"3\n"))
    world.grade = Grade.ATTACHED
    detail = f"sent, and no answer came: {NO_TRACE}"
    assert await world.attempt() == found(Outcome.IN_DOUBT, detail, stdout="3", duration=PAUSE + 2 * SETTLE)


async def test_what_runs_attached_is_waited_for_on_its_host_and_stays_in_doubt():
    world = World(LosesLink(b"3\n", then=Says(b"3\n", code=4)))
    detail = "sent, and no answer came: it ended with exit code 4, and what it printed is not there"
    finding = await world.attempt(job=Job(id=ID, durable=False))
    assert finding == Finding(
        outcome=Outcome.IN_DOUBT, detail=detail, result=Result(stdout="3", duration=PAUSE), is_over=True
    )


async def test_what_runs_attached_is_ended_at_its_limit_though_nobody_hears_of_it():
    world = World(LosesLink(b"", then=Hangs()))
    finding = await world.attempt(job=Job(id=ID, durable=False, limit=0.05), timeout=30.0)
    assert finding == found(Outcome.TIMED_OUT, "ended at its limit of 30 s", duration=PAUSE)


async def test_of_a_look_that_lost_its_link_nothing_is_asked():
    world = Leaving(LosesLink(b"3\n", then=Says(b"3\n")))
    finding = await world.attempt(job=Job(id=ID, durable=False, leaves_trace=False))
    assert finding == found(Outcome.IN_DOUBT, "sent, and no answer came: connection lost", stdout="3")
    assert world.clock.slept == []


# --- the host is away -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["refused", "reset", "no-route", "forbidden", "timeout", "dns", "protocol", "jump"])
async def test_an_absent_host_is_waited_for(code):
    def start(world: World) -> None:
        away(world, code)

    world = World(LosesLink(b"3\n", then=Says(b"3\n")), (PAUSE, start), (60.0, back))
    assert await world.attempt() == found(Outcome.SUCCEEDED, rc=0, stdout="3", duration=60.0)
    assert set(world.clock.slept) == {PAUSE}


async def test_a_host_that_stays_away_leaves_the_job_in_doubt_after_our_patience():
    finding = await (world := Leaving(LosesLink(b"3\n"))).attempt()
    detail = f"sent, and no answer came: connection lost; the host was tried for 600 s: {AWAY}"
    assert finding == found(Outcome.IN_DOUBT, detail, stdout="3", duration=PATIENCE)
    assert world.took == PATIENCE


@pytest.mark.parametrize("code", ["host-key-changed", "host-key-unknown", "auth", ""])
async def test_a_host_that_must_not_be_trusted_is_not_asked_again(code):
    world = World(LosesLink(), (PAUSE, lambda world: away(world, code)))
    detail = f"sent, and no answer came: connection lost; then it could not be asked: {AWAY}"
    assert await world.attempt() == found(Outcome.IN_DOUBT, detail, duration=PAUSE)


def test_what_a_bastion_refuses_counts_as_if_the_host_had_refused_it():
    def through(code: str) -> Problems:
        problems = Problems([unreachable("db1", "jump")])
        problems.__cause__ = Problems([unreachable("bastion", code)])
        return problems

    assert (may_come_back(through("timeout")), may_come_back(through("auth"))) == (True, False)


async def test_a_limit_that_runs_out_meanwhile_is_the_end_of_our_patience():
    world = Leaving(LosesLink())
    finding = await world.attempt(job=Job(id=ID, limit=20.0), timeout=20.0)
    away_then = "connection lost; at its limit of 20 s it could not be reached to be ended"
    assert finding == found(Outcome.IN_DOUBT, f"sent, and no answer came: {away_then}: {AWAY}", duration=20.0)


async def test_a_host_that_stays_away_though_the_limit_is_far_is_given_up_for_its_absence_alone():
    finding = await Leaving(LosesLink()).attempt(job=Job(id=ID, limit=3600.0), timeout=3600.0)
    detail = f"sent, and no answer came: connection lost; the host was tried for 600 s: {AWAY}"
    assert finding == found(Outcome.IN_DOUBT, detail, duration=PATIENCE)


async def test_a_link_that_always_goes_before_it_comes_to_the_job_uses_up_our_patience():
    class Flapping(World):
        async def connect(self, host):
            session = await super().connect(host)
            if len(self.sessions) > 1:
                session.lose("hung up")
            return session

    world = Flapping(LosesLink())
    assert await world.attempt() == found(
        Outcome.IN_DOUBT, "sent, and no answer came: hung up; the host was tried for 600 s", duration=PATIENCE
    )
    assert len(world.sessions) == 1 + PATIENCE / PAUSE


async def test_a_link_that_is_given_again_though_it_is_gone_is_no_link():
    world = World(LosesLink(b"3\n", then=Says(b"3\n")))
    bench = world.desk.bench()
    first = await bench.open_session()
    given = [first, first, first]
    later = bench.open_session

    async def stale() -> object:
        return given.pop() if given else await later()

    object.__setattr__(bench, "open_session", stale)
    assert await CommandKind().attempt(LAG, bench) == found(Outcome.SUCCEEDED, rc=0, stdout="3", duration=3 * PAUSE)


# --- a runner takes over while the host is away -----------------------------------------------------------------------


async def test_a_runner_that_takes_over_waits_for_the_host_just_the_same():
    world = World(Says(), (60.0, back))
    world.settle(ID, Says(b"3\n"))
    away(world)
    assert await world.attempt(reattach=True) == found(Outcome.SUCCEEDED, rc=0, stdout="3", duration=60.0)
    assert world.sent == []


async def test_a_runner_that_takes_over_gives_up_after_the_same_patience():
    world = World(Says())
    away(world)
    why = "the runner that followed it is gone; the host was tried for 600 s"
    assert await world.attempt(reattach=True) == found(
        Outcome.IN_DOUBT, f"announced, and it may have run: {why}: {AWAY}", duration=PATIENCE
    )


async def test_for_what_is_only_to_be_ended_nobody_waits():
    world = World(Says())
    away(world)
    why = "the runner that followed it is gone; the host was tried for 0 s"
    finding = await world.attempt(reattach=True, patience=0.0)
    assert finding == found(Outcome.IN_DOUBT, f"announced, and it may have run: {why}: {AWAY}")


# --- no longer wanted -------------------------------------------------------------------------------------------------


async def cancelled(world: World, bench: Bench) -> Finding:
    """Followed, and cancelled once the host is known to be away."""
    task = asyncio.create_task(CommandKind().attempt(LAG, bench))
    while not world.clock.slept:
        await asyncio.sleep(0)
    task.cancel()
    return await task


async def test_what_is_cancelled_while_its_host_is_away_may_still_run_there():
    world = Leaving(LosesLink(b"3\n"))
    finding = await cancelled(world, world.desk.bench())
    assert (finding.outcome, finding.detail) == (
        Outcome.IN_DOUBT,
        f"sent, and no answer came: connection lost; the host was tried for {TO_END:.0f} s: {AWAY}; {UNENDED}",
    )


async def test_what_is_cancelled_before_its_runner_has_found_it_again_may_still_run_there():
    world = World(Says())
    away(world)
    assert (await cancelled(world, world.desk.bench(reattach=True))).outcome is Outcome.IN_DOUBT


async def test_what_was_lost_while_it_was_being_ended_is_sought_for_a_moment():
    world = World(Says())
    bench = world.desk.bench()
    session = await bench.open_session()
    running = asyncio.Event()

    async def run(command: object, job: Job, sink: Sink) -> Ending:
        await sink.reached(Grade.SESSION)
        running.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            asyncio.current_task().uncancel()
        session.lose("connection lost")
        return Lost("it could not be ended: connection lost")

    async def same() -> object:
        return session

    session.run = run
    object.__setattr__(bench, "open_session", same)
    task = asyncio.create_task(CommandKind().attempt(LAG, bench))
    await running.wait()
    task.cancel()
    finding = await task
    assert (finding.outcome, finding.detail.endswith("it could not be reached to be ended")) == (Outcome.IN_DOUBT, True)
    assert (sum(world.clock.slept), task.cancelling()) == (TO_END, 0)


class LeavingAsked(Leaving, Asked):
    """Is away from the moment when the link goes, and keeps the limits with which it is asked."""


async def test_what_was_lost_while_it_was_being_ended_is_ended_when_its_host_is_back():
    world = LeavingAsked(LosesLink(b"3\n", then=Hangs()), (PAUSE, back))
    finding = await cancelled(world, world.desk.bench(job=Job(id=ID, limit=30.0)))
    assert (finding.outcome, finding.survivors, world.started(ID)) == (Outcome.CANCELLED, (), Dies("TERM"))
    assert world.limits == [0.0], "it gets no time of its own any more"


def test_every_refusal_that_is_not_known_to_pass_is_final():
    assert not may_come_back(Problems([Problem(what="the runner hangs up")]))
