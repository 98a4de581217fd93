"""The link is cut at many moments of a durable job's life, and each time the effect happens exactly once."""

import asyncio
import time
import uuid

import pytest

from runbook.core.outcome import Exited, Lost, NeverSent
from runbook.problem import Problems
from runbook.transport.session import Job
from runbook.transport.ssh.connector import SshConnector, SshOptions
from tests.real.openssh import RealServer
from tests.transport.recorder import Recorder, sh

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture
async def sshd(tmp_path_factory):
    running = RealServer(tmp_path_factory.mktemp("sshd"))
    await running.start()
    yield running
    await running.stop()


async def brought_to_its_end(sshd, connector, text: str, cut_after: float) -> tuple[bytes, int]:
    """What a runner does: start, lose the link, open again, follow, and start a new attempt only when none has begun."""
    name, sink, attempt = str(uuid.uuid4()), Recorder(), 1
    session = await connector.connect(sshd.host)
    place = session.facts.place
    asyncio.get_running_loop().call_later(cut_after, sshd.cut)
    ending = await session.run(sh(text), Job(id=f"{name}/{attempt}"), sink)
    while not isinstance(ending, Exited):
        try:
            session = await connector.connect(sshd.host)
        except Problems:
            continue
        if isinstance(ending, NeverSent):
            attempt += 1
            ending = await session.run(sh(text), Job(id=f"{name}/{attempt}"), sink)
        else:
            assert isinstance(ending, Lost)
            offsets = {"out_offset": len(sink.out), "err_offset": len(sink.err)}
            job = Job(id=f"{name}/{attempt}", place=place, **offsets)
            ending = await session.reattach(sh(text), job, sink)
    for number in range(1, attempt + 1):
        await session.forget(Job(id=f"{name}/{number}"))
    await asyncio.sleep(max(0.0, cut_after - 1.5))
    await session.close()
    return sink.out, ending.code


@pytest.mark.parametrize("cut_after", [0.001, 0.003, 0.006, 0.01, 0.02, 0.04, 0.1, 0.3, 0.7, 0.9, 1.2])
async def test_wherever_the_link_is_cut_the_effect_happens_once_and_the_output_is_whole(sshd, tmp_path, cut_after):
    connector = SshConnector(SshOptions(wall=time.time, agent="", pause=0.02))
    text = f"echo effect >> {tmp_path}/effects; for i in $(seq 20); do seq 200; sleep 0.05; done; exit 7"
    out, code = await brought_to_its_end(sshd, connector, text, cut_after)
    await connector.close()
    assert (tmp_path / "effects").read_text() == "effect\n"
    assert (out, code) == (b"".join(b"%d\n" % n for n in range(1, 201)) * 20, 7)
