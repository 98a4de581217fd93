"""What a client and a runner owe each other when one of them misbehaves, floods, gives up or goes away."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from pathlib import Path

import msgspec
import pytest

from runbook.core.fold.verdict import verdicts
from runbook.core.intent import AddNote, AnswerGate, HaltRun, ResolveFailure
from runbook.core.planned.action import ConfirmAction, ParallelAction
from runbook.core.planned.plan import PlannedStep
from runbook.problem import Problems
from runbook.talk.door import Doorway
from runbook.talk.line import Line, reach
from runbook.talk.messages import Look, Reply
from tests.place import Place, answered, command, ended, eventually, gone, plan, until

QUESTION = PlannedStep(id="1.1", name="Go on?", action=ConfirmAction(message="Go on?"))


async def called(place: Place, run: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A bare connection to a run's socket."""
    return await asyncio.open_unix_connection(str(place.door(run).path))


async def test_a_request_of_ten_megabytes_is_refused_in_words_and_costs_the_run_nothing(place: Place) -> None:
    feed = await place.start(plan(QUESTION))
    reader, writer = await called(place, feed.run.id)
    line = b'{"ask":"intent","intent":{"type":"AddNote","text":"' + b"x" * 10 * 2**20 + b'"}}\n'
    try:
        writer.write(line)
        await writer.drain()
    except ConnectionError:
        pass  # hung up on before all of it was said
    said = await asyncio.wait_for(reader.readline(), 10)
    assert msgspec.json.decode(said, type=Reply).problem.code == "too-long"
    writer.close()
    await answered(feed, lambda gate: AnswerGate(gate=gate, answer="proceed"))
    assert verdicts(await ended(feed)).run == "completed"


@pytest.mark.parametrize("nested", [b"[" * 60_000, b'{"ask":"intent","intent":' + b"[" * 60_000])
async def test_a_request_that_is_nested_without_end_is_not_understood(place: Place, nested: bytes) -> None:
    feed = await place.start(plan(QUESTION))
    reader, writer = await called(place, feed.run.id)
    writer.write(nested + b"\n")
    said = msgspec.json.decode(await asyncio.wait_for(reader.readline(), 10), type=Reply)
    assert said.problem.what == "the runner did not understand"
    writer.close()
    assert await feed.send(AddNote(text="still there")) is None


async def test_a_flood_of_intents_is_answered_in_order_and_each_is_on_record(place: Place) -> None:
    feed = await place.start(plan(QUESTION))
    reader, writer = await called(place, feed.run.id)
    texts = [f"note {count}" for count in range(500)]
    for text in texts:
        writer.write(b'{"ask":"intent","intent":{"type":"AddNote","text":"%b"}}\n' % text.encode())
    replies = [msgspec.json.decode(await asyncio.wait_for(reader.readline(), 10), type=Reply) for _ in texts]
    writer.close()
    assert [reply.problem for reply in replies] == [None] * len(texts)
    assert [reply.seq for reply in replies] == sorted(reply.seq for reply in replies)
    run = await until(feed, lambda run: len(run.notes) == len(texts))
    assert [note.text for note in run.notes] == texts


async def test_a_reply_that_nobody_waits_for_any_more_is_not_taken_for_the_next_one(place: Place) -> None:
    feed = await place.start(plan(QUESTION))
    line = await Line.open(place.door(feed.run.id), via="test")
    impatient = asyncio.create_task(line.send(HaltRun(reason="")))
    await asyncio.sleep(0)
    impatient.cancel()
    granted, refused = await asyncio.gather(line.send(AddNote(text="kept")), line.send(HaltRun(reason=" ")))
    assert granted is None
    assert refused is not None
    assert refused.code == "no-reason"
    await line.close()


async def test_everybody_who_waits_is_told_when_the_runner_goes(place: Place) -> None:
    feed = await place.start(plan(QUESTION))
    line = await Line.open(place.door(feed.run.id), via="test")
    await line.close()
    told = await asyncio.wait_for(asyncio.gather(line.send(AddNote(text="a")), line.send(AddNote(text="b"))), 10)
    assert [problem.code for problem in told] == ["no-runner", "no-runner"]


async def test_a_client_that_is_behind_learns_all_the_same_why_the_runner_goes(place: Place) -> None:
    """It is busy showing what was printed, and thousands of numbers wait in its socket."""
    feed = await place.start(plan(QUESTION))
    with socket.socket(socket.AF_UNIX) as busy:
        busy.connect(str(place.door(feed.run.id).path))
        busy.sendall(b'{"ask":"watch"}\n')
        for count in range(1500):
            await feed.send(AddNote(text=str(count)))
        pid, folder = place.runners(feed.run.id)[-1], place.folder(feed.run.id)
        folder.rename(place.root / "kept")
        await feed.send(AddNote(text="one more"))
        said = await asyncio.to_thread(lambda: b"".join(iter(lambda: busy.recv(65536), b"")))
    await eventually(lambda: gone(pid))
    (place.root / "kept").rename(folder)
    assert msgspec.json.decode(said.splitlines()[-1], type=Reply).problem.what == "The record has vanished"


async def test_a_run_whose_record_vanishes_stops_and_every_client_learns_why(place: Place) -> None:
    feed = await place.start(plan(QUESTION, command("1.2", f"touch {place.root / 'sent'}")))
    other = await place.watch(feed.run.id)
    await until(feed, lambda run: run.open_gates)
    pid = place.runners(feed.run.id)[-1]
    folder = place.folder(feed.run.id)
    folder.rename(place.root / "kept")
    refused = await feed.send(AnswerGate(gate="1.1#1", answer="proceed"))
    assert refused is not None
    assert refused.what == "The record has vanished"
    await eventually(lambda: gone(pid))
    (place.root / "kept").rename(folder)
    await eventually(lambda: not other.is_live)
    assert other.damage is not None
    assert other.damage.what == "The record has vanished"
    assert not (place.root / "sent").exists()
    await place.workspace.resume(feed.run.id)
    again = await place.watch(feed.run.id)
    run = await until(again, lambda run: run.open_gates or run.has_ended)
    if run.open_gates:  # 1.2 was announced, and it is known that it never began
        assert run.steps["1.2"].outcome == "unreachable"
        assert await again.send(ResolveFailure(step="1.2", choice="retry")) is None
    assert verdicts(await ended(again)).run == "completed"
    assert (place.root / "sent").exists()


async def test_a_thousand_gates_are_looked_at_and_answered(place: Place) -> None:
    gates = tuple(
        PlannedStep(id=f"1.1.{n}", name="?", action=ConfirmAction(message=f"gate {n} " + "x" * 500))
        for n in range(1000)
    )
    both = PlannedStep(id="1.1", name="Many", action=ParallelAction(), steps=gates)
    feed = await place.start(plan(both))
    await until(feed, lambda run: len(run.open_gates) == 1000)
    line = await Line.open(place.door(feed.run.id), via="test")
    look = await line.look()
    assert isinstance(look, Look)
    assert len(look.gates) == 1000
    await line.close()
    assert await feed.send(HaltRun(reason="enough")) is None
    assert verdicts(await ended(feed)).run == "aborted"


async def test_a_runner_that_takes_no_more_calls_is_not_taken_for_somebody_else(runtime: Path) -> None:
    path = runtime / "busy.sock"
    with contextlib.ExitStack() as held, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen(0)
        with contextlib.suppress(BlockingIOError):  # the queue is full
            while True:
                waiting = held.enter_context(socket.socket(socket.AF_UNIX))
                waiting.setblocking(False)
                waiting.connect(str(path))
        with pytest.raises(Problems) as wrong:
            await reach((Doorway(path, os.getuid()),), via="test")
    [said] = wrong.value.problems
    assert (said.code, said.why) == ("no-answer", "whoever listens there takes no more calls now")


async def test_a_run_that_gets_no_socket_leaves_nothing_behind(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    long = place.root / ("x" * 100)
    long.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(long))
    with pytest.raises(Problems, match="the run's socket cannot be made"):
        await place.start(plan(QUESTION))
    assert list(place.root.glob("recordings/[!.]*")) == []


async def test_a_run_that_ends_before_the_first_word_to_its_runner_is_over_and_no_mistake(runtime: Path) -> None:
    path = runtime / "short.sock"
    server = await asyncio.start_unix_server(lambda _, writer: writer.close(), path)
    line = await Line.open(Doorway(path=path, uid=os.getuid(), is_certain=True), via="test")

    async def watched() -> None:
        while True:  # the first words to a closed socket go to the kernel
            await line.watch()

    with pytest.raises(Problems, match="the runner has gone"):
        await watched()
    await line.close()
    server.close()
