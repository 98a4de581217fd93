"""A host that lies: whatever it says where a shell of ours would speak, it costs its own step and nothing else."""

from __future__ import annotations

import asyncio
import re

import pytest

from runbook.core.outcome import Exited, Grade, Lost, NeverSent
from runbook.transport.session import HostFacts, Job, Stream
from runbook.transport.shell import answer, last_words
from runbook.transport.shell.channel import HIGH_WATER, Chunk, Gone
from runbook.transport.shell.durable import Jobs
from runbook.transport.shell.facts import measured
from runbook.transport.shell.shells import Shells
from runbook.transport.shell.sudo import Sudos
from runbook.transport.shell.worker import LINE_CAP
from tests.transport.recorder import Recorder, sh

READY = b"MARK ready 1 session setsid id.visit.boot /tmp\n"


class Liar:
    """A host whose shell is no shell of ours. It knows the mark, as every host does."""

    def __init__(self, said: bytes, *, ready: bytes = READY) -> None:
        self.said, self.ready, self.mark = said, ready, b""
        self.waiting: asyncio.Queue = asyncio.Queue()
        self.is_gone = False
        self.taken = 0
        """Bytes that were read of what it says without end."""

    async def open(self, *, urgent: bool = False) -> Liar:
        del urgent
        return self

    async def write(self, data: bytes) -> None:
        if found := re.search(rb"^rb_mark=(\w+)$", data, re.MULTILINE):
            self.mark = found[1]
            self._say(Stream.OUT, self.ready)
            self._say(Stream.ERR, b"MARK ready\n")
        # Behind its functions a first shell is sent the frame that asks for facts.
        if self.said and (found is None or data.endswith(b"\nrb_facts\n")):
            self._say(Stream.OUT, self.said)

    def _say(self, stream: Stream, text: bytes) -> None:
        self.waiting.put_nowait(Chunk(stream, text.replace(b"MARK", self.mark)))

    async def next(self) -> Chunk | Gone:
        if self.is_gone:
            return Gone("closed")
        arrival = await self.waiting.get()
        if arrival.data.startswith(b"endless"):
            self.waiting.put_nowait(arrival)
            self.taken += len(arrival.data)
        return arrival

    def close(self) -> None:
        self.is_gone = True

    def write_eof(self) -> None: ...

    def signal(self, name: str) -> None: ...


def shells(host: Liar) -> Shells:
    numbers = iter(range(1000))

    def nonce() -> str:
        return f"nonce{next(numbers)}"

    return Shells(host, Sudos(nonce=nonce).on("box"), nonce)


async def told(said: bytes, *, durable: bool = True, ready: bytes = READY):
    jobs = Jobs(shells(Liar(said, ready=ready)), lambda: "nonce")
    async with asyncio.timeout(10):
        return await jobs.run(sh("true"), Job(id="run/1.1/box/1", durable=durable), Recorder())


@pytest.mark.parametrize("durable", [True, False], ids=["durable", "attached"])
@pytest.mark.parametrize(
    "words",
    [
        b"exit",
        b"exit ",
        b"exit 0",
        b"exit 0 0",
        b"exit 0 0 0 0",
        b"exit zero 0 1",
        b"exit -1 0 1",
        b"exit 1e3 0 1",
        b"exit \xc2\xb2 0 1",
        b"exit " + b"9" * 5000 + b" 0 1",
        b"exit 0 9 1",
        b"exit 0 0 \xff",
        b"lost",
        b"lost maybe",
        b"traceless 1 2",
        b"gone",
        b"gone " + b"9" * 5000,
        b"exit 0 0 1 perhaps",
        b"exit 0 0 1 memory memory",
        b"running",
    ],
)
async def test_a_last_word_that_is_not_understood_leaves_the_job_in_doubt(words, durable):
    ending = await told(b"MARK out\nx\nMARK " + words + b"\n", durable=durable)
    assert not isinstance(ending, Exited | NeverSent)
    assert (ending.is_over, len(ending.reason) < 400) == (False, True)


@pytest.mark.parametrize("status", [b"", b"0", b"0 0 0", b"zero 0", b"9" * 5000 + b" 0", b"0 maybe", b"-5 0"])
async def test_a_status_that_is_not_understood_leaves_what_ran_attached_in_doubt(status):
    host = Liar(b"")
    jobs = Jobs(shells(host), lambda: "nonce")
    running = asyncio.create_task(jobs.run(sh("true"), Job(id="j", durable=False), Recorder()))
    while not host.mark:
        await asyncio.sleep(0)
    host._say(Stream.OUT, b"MARK start\nMARK end " + status + b"\n")
    host._say(Stream.ERR, b"MARK end\n")
    assert isinstance(await asyncio.wait_for(running, 10), Lost)


@pytest.mark.parametrize("durable", [True, False], ids=["durable", "attached"])
async def test_a_control_line_without_an_end_is_given_up_and_not_kept(durable):
    ending = await told(b"MARK exit " + b"0" * (LINE_CAP + 1), durable=durable)
    assert ending == Lost(f"it sent a control line of more than {LINE_CAP // 1024} KiB")


async def test_a_process_that_the_kernel_ended_for_want_of_memory_is_told_with_the_code():
    assert await told(b"MARK exit 137 0 1 memory\n") == Exited(137, out_of_memory=True)


async def test_an_echo_of_what_was_sent_is_not_taken_for_an_answer():
    assert await told(b"rb_mark=MARK\nMARK\nMARKexit 0 0 1\nMARK exit 7 0 1\n") == Exited(7)


@pytest.mark.parametrize(
    "ready",
    [
        b"MARK ready\n",
        b"MARK ready one session setsid p /tmp\n",
        b"MARK ready " + b"9" * 5000 + b" session setsid p /tmp\n",
        b"MARK ready 1 eternal setsid p /tmp\n",
        b"MARK ready 1 session perhaps p /tmp\n",
        b"MARK ready 1 session setsid,perhaps p /tmp\n",
        b"MARK ready " + b"x" * (LINE_CAP + 1),
    ],
)
async def test_a_shell_that_introduces_itself_in_other_words_is_not_used(ready):
    assert isinstance(await told(b"", ready=ready), NeverSent)


async def test_an_answer_without_end_is_given_up():
    host = Liar(b"endless\nMARK left 1 x\n" * 100)
    async with shells(host).worker(None) as worker:
        with pytest.raises(answer.ChannelRefused, match="without end"):
            await answer.answered(worker, "rb_facts\n", within=10)
    assert host.taken < HIGH_WATER


@pytest.mark.parametrize(
    ("said", "known"),
    [
        (b"1800000000.5 boot Linux x", (0.5, 0.0)),
        (b"1800000000.%N boot Linux x", (0.5, 0.5)),
        (b"1800000000 boot Linux x", (0.0, 0.0)),
        (b"nan boot Linux x", (0.0, float("inf"))),
        (b"1e999 boot Linux x", (0.0, float("inf"))),
        (b"-5 boot Linux x", (0.0, float("inf"))),
        (b"9" * 5000 + b" boot Linux x", (0.0, float("inf"))),
        (b"\xc2\xb2 boot Linux x", (0.0, float("inf"))),
    ],
)
async def test_a_clock_that_says_no_seconds_is_not_known(said, known):
    facts = await measured(shells(Liar(b"MARK facts " + said + b"\n")), HostFacts(address="a"), wall=lambda: 1.8e9)
    assert (facts.clock_offset, facts.clock_error) == known
    assert (facts.boot_id, facts.place) == ("boot", "id.visit.boot")


async def test_a_host_that_says_too_few_facts_is_used_without_them():
    facts = await measured(shells(Liar(b"MARK facts 1\n")), HostFacts(address="a"), wall=lambda: 1.8e9)
    assert facts == HostFacts(address="a", place="id.visit.boot", grade=Grade.SESSION)


async def test_what_a_host_can_keep_is_known_from_its_first_word():
    ready = b"MARK ready 1 unit setsid,login id.visit.boot /tmp\n"
    facts = await measured(shells(Liar(b"MARK facts 1\n", ready=ready)), HostFacts(address="a"), wall=lambda: 1.8e9)
    assert (facts.grade, facts.ends_with_login) == (Grade.UNIT, True)


def test_every_last_word_is_understood_by_those_who_follow_and_by_those_who_begin():
    rest = {"exit": "3 0 1", "gone": "3", "mute": "3", "lost": "1", "traceless": "0"}
    for word in last_words.WORDS:
        for meaning in (last_words.begun, last_words.followed):
            said = meaning(word, rest.get(word, "why"))
            assert "no shell of ours says" not in getattr(said, "reason", "") or (
                meaning is last_words.followed and word in {"refused", "before", "moved", "blind", "other", "fenced"}
            )
