"""The child process of a Fabric task: it can be ended, it floods nobody, and it does not outlive its run."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from runbook.core.outcome import Outcome
from runbook.core.planned.action import FabricAction
from runbook.steps.fabric.kind import FabricKind, orders_for
from runbook.steps.fabric.process import start
from runbook.steps.fabric.talk import Told
from runbook.transport.session import Job
from tests.steps.desk import Page
from tests.steps.fabric.fabfiles import Place
from tests.transport import server

HANGS = """
    import os, signal, subprocess

    @task
    def patient(c):
        begin()

    @task
    def stubborn(c):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        begin("trap '' TERM; ")

    def begin(first=""):
        loop = first + "echo up; while :; do sleep 0.1; done"
        sleeper = subprocess.Popen(["sh", "-c", loop], stdout=subprocess.PIPE)
        sleeper.stdout.readline()
        print(f"{os.getpid()} {sleeper.pid}")
        sleeper.wait()
"""


@pytest.fixture
async def place(tmp_path):
    started = await server.start(tmp_path)
    yield Place(tmp_path, started)
    await started.stop()


async def nobody() -> Told:
    """In place of who knows a password."""
    return Told(why="nobody is asked here")


async def eventually(holds) -> None:
    """A killed process that is not our child goes a moment after the signal: nobody can wait for it but by looking."""
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Zombies of somebody else's are gone for our purposes."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def pids(said: bytes) -> list[int]:
    return [int(word) for word in said.split() if word.isdigit()]


# --- ending it --------------------------------------------------------------------------------------------------------


async def test_a_task_is_ended_at_its_limit_and_a_remote_command_that_hangs_does_not_hang_the_step(place):
    place.write("@task\ndef work(c):\n    c.run('sleep 600')")
    finding = await place.run("work", job=Job(id="j", limit=2.0))
    assert finding.outcome is Outcome.TIMED_OUT
    assert finding.detail.startswith("ended at its limit of 2 s")


@pytest.mark.parametrize("task", ["patient", "stubborn"])
async def test_a_task_that_is_no_longer_wanted_is_ended_in_the_same_way(place, task):
    place.write(HANGS)
    running = asyncio.create_task(place.run(task, job=Job(id="j", grace=0.3)))
    await eventually(lambda: len(pids(place.out)) == 2)
    running.cancel()
    finding = await running
    assert (finding.outcome, finding.detail) == (
        Outcome.CANCELLED,
        "ended because it was no longer wanted; what it had started on box may still run",
    )
    await eventually(lambda: not any(is_alive(pid) for pid in pids(place.out)))


async def test_a_child_whose_run_is_gone_ends_itself_and_what_it_started(place):
    place.write(HANGS)
    child = await start(orders_for(FabricAction(task="stubborn"), place.bench()), grace=0.3, tell=nobody)
    page = Page()
    following = asyncio.create_task(child.follow(page))
    await eventually(lambda: len(pids(page.out)) == 2)
    await child._line.close()
    await eventually(lambda: not any(is_alive(pid) for pid in pids(page.out)))
    await following
    await child.close()


async def test_what_a_task_leaves_running_here_does_not_keep_the_step(place):
    place.write("""
        import subprocess

        @task
        def work(c):
            print(subprocess.Popen(["sleep", "600"]).pid)
    """)
    finding = await asyncio.wait_for(place.run("work"), 20)
    assert finding.outcome is Outcome.SUCCEEDED
    os.kill(pids(place.out)[0], 9)


async def test_a_thread_that_does_not_end_does_not_keep_the_step(place, monkeypatch):
    monkeypatch.setattr("runbook.steps.fabric.process.LINGER", 0.3)
    place.write("""
        import threading

        @task
        def work(c):
            threading.Thread(target=threading.Event().wait).start()
            print("done")
    """)
    finding = await asyncio.wait_for(place.run("work"), 20)
    assert (finding.outcome, place.out) == (Outcome.SUCCEEDED, b"done\n")


# --- what it prints ---------------------------------------------------------------------------------------------------


async def test_output_is_on_record_while_the_task_runs(place):
    place.write(f"@task\ndef work(c):\n    c.run('echo begun; until [ -e {place.folder}/go ]; do sleep 0.05; done')")
    running = asyncio.create_task(place.run("work"))
    await eventually(lambda: place.out == b"begun\n")
    assert not running.done()
    (place.folder / "go").touch()
    assert (await running).outcome is Outcome.SUCCEEDED


async def test_five_megabytes_arrive_whole_and_the_result_keeps_their_head(place):
    line = "0123456789abcde"
    place.write(f"@task\ndef flood(c):\n    print(len(c.run('yes {line} | head -c 5000000').stdout))")
    finding = await FabricKind().attempt(FabricAction(task="flood"), place.bench(job=Job(id="j", limit=60.0)))
    assert finding.outcome is Outcome.SUCCEEDED
    assert (len(place.out), place.out[-8:]) == (5_000_008, b"5000000\n")
    assert place.out[:5_000_000] == (f"{line}\n".encode() * 312_501)[:5_000_000]
    assert len(finding.result.stdout) <= 64 * 1024


async def test_a_sink_that_can_take_no_more_ends_the_child(place):
    class Full(Page):
        async def receive(self, stream, data):
            await super().receive(stream, data)
            if len(pids(self.out)) == 2:
                raise OSError(28, "No space left on device")

    place.write(HANGS)
    place.desk.page = Full()
    with pytest.raises(OSError, match="No space left"):
        await place.run("stubborn")
    await eventually(lambda: not any(is_alive(pid) for pid in pids(place.out)))
