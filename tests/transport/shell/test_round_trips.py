"""What leaves together, so that a host far away is waited for as seldom as can be."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.core.outcome import Exited, Expired
from runbook.core.planned.command import Become, Command
from runbook.transport.local.channel import LocalChannel, LocalDialer
from runbook.transport.session import HostFacts, Job, Stream
from runbook.transport.shell.channel import Arrival, Chunk, Gone
from runbook.transport.shell.claim import file_name
from runbook.transport.shell.durable import FORGET_AT, Jobs
from runbook.transport.shell.facts import measured
from runbook.transport.shell.quoting import fresh_nonce
from runbook.transport.shell.shells import Shells
from runbook.transport.shell.sudo import Sudos
from tests.transport.recorder import Recorder, sh
from tests.transport.shell.test_hostile_host import READY, Liar

LOOK = sh("echo looked; echo $$")


class Wire:
    """Channels to this machine, and what was asked over them: a question begins when an answer has been heard."""

    def __init__(self) -> None:
        self.channels = self.questions = 0
        self._has_heard = True

    async def open(self, *, urgent: bool = False) -> Counted:
        self.channels += 1
        return Counted(self, await LocalDialer().open(urgent=urgent))

    def heard(self) -> None:
        self._has_heard = True

    def asked(self) -> None:
        self.questions += self._has_heard
        self._has_heard = False


class Counted:
    def __init__(self, wire: Wire, channel: LocalChannel) -> None:
        self._wire, self._channel = wire, channel

    def __getattr__(self, name: str) -> object:
        return getattr(self._channel, name)

    async def write(self, data: bytes) -> None:
        self._wire.asked()
        await self._channel.write(data)

    async def next(self) -> Arrival:
        arrival = await self._channel.next()
        self._wire.heard()
        return arrival


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    return tmp_path / ".local/state/runbook"


@pytest.fixture
def wire(home: Path) -> Wire:
    del home
    return Wire()


@pytest.fixture
async def shells(wire: Wire):
    made = Shells(wire, Sudos().on("box"), fresh_nonce)
    yield made
    await made.close()


def look(limit: float | None = None) -> Job:
    return Job(id="run/0.1/here/1", durable=False, leaves_trace=False, limit=limit, grace=0.5)


def job(number: int) -> Job:
    return Job(id=f"run/1.{number}/here/1")


async def opened(shells: Shells, ahead=LOOK) -> Jobs:
    facts = await measured(shells, HostFacts(address="here"), wall=lambda: 0.0, look=ahead)
    assert facts.place
    return Jobs(shells, fresh_nonce)


async def test_the_facts_of_a_host_and_the_first_look_leave_with_the_opening_of_its_shell(wire: Wire, shells: Shells):
    jobs, sink = await opened(shells), Recorder()
    assert (await jobs.run(LOOK, look(), sink), sink.out.splitlines()[0]) == (Exited(0), b"looked")
    assert (wire.channels, wire.questions) == (1, 1)


async def test_the_first_look_starts_no_shell_and_the_first_step_takes_the_one_that_looked(wire: Wire, shells: Shells):
    jobs, looked, step = await opened(shells), Recorder(), Recorder()
    await jobs.run(LOOK, look(), looked)
    await jobs.run(sh("echo $PPID"), job(1), step)
    assert looked.out.split()[1:] == step.out.split()
    assert (wire.channels, wire.questions) == (1, 2)


async def test_a_quick_step_is_one_question_and_so_is_each_later_look(wire: Wire, shells: Shells):
    jobs = await opened(shells)
    await jobs.run(LOOK, look(), Recorder())
    for number in range(3):
        assert await jobs.run(sh("echo out; echo err >&2"), job(number), Recorder()) == Exited(0)
    assert await jobs.run(LOOK, look(), Recorder()) == Exited(0)
    assert (wire.channels, wire.questions) == (1, 5)


async def test_the_answer_to_a_look_is_for_that_look_alone_and_once(wire: Wire, shells: Shells):
    jobs, other, first, again = await opened(shells), Recorder(), Recorder(), Recorder()
    assert await jobs.run(sh("echo other"), look(), other) == Exited(0)
    assert await jobs.run(LOOK, look(), first) == Exited(0)
    assert await jobs.run(LOOK, look(), again) == Exited(0)
    assert (other.out, first.out[:7], again.out[:7]) == (b"other\n", b"looked\n", b"looked\n")


async def test_a_look_that_hangs_is_ended_at_its_limit_and_its_shell_serves_on(wire: Wire, shells: Shells):
    hanging = sh("sleep 600")
    jobs = await opened(shells, hanging)
    assert await jobs.run(hanging, look(limit=0.3), Recorder()) == Expired(0.3)
    assert await jobs.run(sh("true"), job(1), Recorder()) == Exited(0)


async def test_a_look_that_nobody_asks_for_holds_nobody_up(wire: Wire, shells: Shells):
    jobs = await opened(shells, sh("sleep 600"))
    assert await jobs.run(sh("true"), job(1), Recorder()) == Exited(0)
    assert wire.channels == 2


async def test_facts_are_kept_that_come_before_the_shell_is_ready_on_both_streams():
    numbers = iter(range(9))
    early = Liar(b"", ready=READY + b"MARK facts 1800000000.0 boot Linux x\n")
    made = Shells(early, Sudos().on("box"), lambda: f"nonce{next(numbers)}")
    facts = await measured(made, HostFacts(address="a"), wall=lambda: 1.8e9)
    assert (facts.boot_id, facts.system, facts.clock_offset) == ("boot", "Linux x", 0.0)


class HalfReady(Liar):
    """Ready on one stream, where it then talks without end."""

    def __init__(self, talk: bytes) -> None:
        super().__init__(b"")
        self.talk = talk

    def _say(self, stream: Stream, text: bytes) -> None:
        if stream is Stream.OUT:
            super()._say(stream, text)

    async def next(self) -> Chunk | Gone:
        if not self.waiting.qsize():
            self._say(Stream.OUT, self.talk)
        return await super().next()


@pytest.mark.parametrize("talk", [b"x" * 4096, b"MARK facts " + b"x" * 4096 + b"\n"])
async def test_a_host_that_is_ready_on_one_stream_alone_is_not_listened_to_for_ever(talk: bytes):
    made = Shells(HalfReady(talk), Sudos().on("box"), fresh_nonce)
    assert await measured(made, HostFacts(address="a"), wall=lambda: 1.8e9) == HostFacts(address="a")


async def test_a_look_as_somebody_else_does_not_leave_with_the_opening(wire: Wire, shells: Shells):
    facts = await measured(
        shells, HostFacts(address="here"), wall=lambda: 0.0, look=Command(shell="id", become=Become(user="root"))
    )
    async with shells.worker(None) as worker:
        assert (facts.place, wire.channels) == (worker.ready.place, 1)


async def test_what_is_over_is_forgotten_behind_the_answer_to_a_later_step(wire: Wire, shells: Shells, home: Path):
    jobs = await opened(shells)
    await jobs.run(LOOK, look(), Recorder())
    for number in range(FORGET_AT + 1):
        assert await jobs.run(sh("true"), job(number), Recorder()) == Exited(0)
        await jobs.forget(job(number))
    assert (wire.channels, wire.questions) == (1, 1 + FORGET_AT + 1)
    await jobs.run(sh("true"), job(99), Recorder())
    left = {f"{file_name(job(number).id)}.run" for number in (FORGET_AT, 99)}
    assert {path.name for path in home.glob("*.run")} == left
    assert len(list(home.glob("*.job"))) == FORGET_AT + 2


async def test_the_rest_is_forgotten_at_the_end_with_one_question(wire: Wire, shells: Shells, home: Path):
    jobs = await opened(shells)
    for number in range(3):
        await jobs.run(sh("true"), job(number), Recorder())
        await jobs.forget(job(number))
    before = wire.questions
    await jobs.close()
    assert (wire.questions - before, list(home.glob("*.run"))) == (1, [])
