"""The double keeps the contract, and the promises that tests of the engine rest on."""

import pytest

from runbook.core.host import Host
from runbook.core.outcome import Exited, Grade, Lost, NeverSent
from runbook.problem import Problems
from runbook.transport.scripted import Dies, Hangs, LosesLink, Says, ScriptedConnector, Sent, Vanishes, unreachable
from runbook.transport.session import Job
from tests.transport.contract import LinkContract, SessionContract
from tests.transport.recorder import Recorder, ran, sh

ANSWERS = {
    **{f"exit {code}": Says(code=code) for code in (0, 1, 3, 255)},
    "printf 'out\\377\\000\\303'; printf 'err\\376' >&2": Says(b"out\xff\x00\xc3", b"err\xfe"),
    "echo hello": Says(b"hello\n"),
    "kill -KILL $$": Dies("KILL"),
    "echo begun; sleep 600": Hangs(b"begun\n"),
    "echo before; echo @@drop@@; sleep 5": LosesLink(b"before\n"),
}
BOX = Host(name="box")


class TestScripted(SessionContract, LinkContract):
    @pytest.fixture
    async def session(self):
        return await ScriptedConnector(ANSWERS).connect(BOX)


async def test_a_job_that_is_sent_twice_starts_once():
    world = ScriptedConnector({"effect": Says(b"done\n")})
    session = await world.connect(BOX)
    job = Job(id="run/step/box/1")
    for _ in range(2):
        assert await session.run(sh("effect"), job, Recorder()) == Exited(0)
    assert world.sent == [Sent("box", "run/step/box/1", "effect")]


async def test_a_durable_job_is_followed_from_where_the_record_ends_after_a_lost_link():
    world = ScriptedConnector({"effect": LosesLink(b"half", then=Says(b"half and half\n", code=2))})
    first = await world.connect(BOX)
    sink = Recorder()
    assert await first.run(sh("effect"), Job(id="j"), sink) == Lost("connection lost")
    second = await world.connect(BOX)
    assert await second.reattach(sh("effect"), Job(id="j", out_offset=len(sink.out)), sink) == Exited(2)
    assert (sink.out, sink.grades, len(world.sent)) == (b"half and half\n", [Grade.SESSION, Grade.SESSION], 1)


async def test_a_link_may_go_again_and_again_under_one_job():
    world = ScriptedConnector({"effect": LosesLink(b"a", then=LosesLink(b"ab", then=Says(b"abc")))})
    sink, endings = Recorder(), []
    for _ in range(3):
        session = await world.connect(BOX)
        endings.append(await session.run(sh("effect"), Job(id="j", out_offset=len(sink.out)), sink))
    assert (endings, sink.out, len(world.sent)) == ([Lost("connection lost")] * 2 + [Exited(0)], b"abc", 1)


async def test_a_job_that_vanishes_leaves_the_link_and_no_answer():
    session = await ScriptedConnector({"effect": Vanishes(b"a")}).connect(BOX)
    gone = Lost("the shell that ran it is gone")
    assert await session.run(sh("effect"), Job(id="j"), Recorder()) == gone
    assert await session.reattach(sh("effect"), Job(id="j"), Recorder()) == gone


async def test_a_job_whose_trace_is_lost_looks_as_if_it_had_never_started():
    world = ScriptedConnector({"effect": Says()})
    session = await world.connect(BOX)
    await session.run(sh("effect"), Job(id="j"), Recorder())
    world.lose_trace("j")
    assert isinstance(await session.reattach(sh("effect"), Job(id="j", place=world.place), Recorder()), NeverSent)


@pytest.mark.parametrize(
    ("place", "known"), [("scripted.1.scripted", NeverSent), ("another.1.scripted", Lost), ("", Lost)]
)
async def test_a_job_that_never_started_is_known_not_to_have_only_in_the_place_where_it_was_announced(place, known):
    session = await ScriptedConnector({}).connect(BOX)
    assert type(await session.reattach(sh("effect"), Job(id="j", place=place), Recorder())) is known


async def test_a_cut_link_ends_what_waits_on_it():
    world = ScriptedConnector({})
    session = await world.connect(BOX)
    world.cut("box", "cable pulled")
    assert await session.wait_lost() == "cable pulled"
    assert await session.run(sh("effect"), Job(id="j"), Recorder()) == NeverSent("cable pulled")
    assert world.sent == []


async def test_a_host_can_be_unreachable():
    world = ScriptedConnector({}, unreachable={"box": unreachable("box", "timeout")})
    with pytest.raises(Problems) as raised:
        await world.connect(BOX)
    assert [p.code for p in raised.value.problems] == ["timeout"]


async def test_a_command_without_an_answer_says_which():
    session = await ScriptedConnector({}).connect(BOX)
    assert await ran(session, sh("surprise")) == (Exited(127), b"", b"no answer is scripted for: surprise\n")


async def test_answers_may_depend_on_the_host_and_the_whole_command():
    session = await ScriptedConnector(lambda host, command: Says(host.name.encode() + command.stdin)).connect(BOX)
    assert await ran(session, sh("cat", stdin=b"-in")) == (Exited(0), b"box-in", b"")
