"""A real server that gets another key in the middle of a run: nothing is sent until somebody has vouched for it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from runbook.core.events.event import HostKeyAccepted, SessionOpened
from runbook.core.host_key import HostKeys
from runbook.core.intent import AnswerGate
from runbook.core.outcome import Outcome
from runbook.core.planned.action import ConfirmAction
from runbook.core.planned.plan import Environment, Plan, PlannedStep
from runbook.record.checking.verify import verify
from runbook.record.files.reader import RecordReader
from runbook.report.build import report
from runbook.report.render import render
from tests.place import Place, command, ended, plan, until
from tests.real.openssh import RealServer

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    runtime = tempfile.mkdtemp(prefix="rb-")
    monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
    made = Place(tmp_path)
    yield made
    await made.close()
    shutil.rmtree(runtime, ignore_errors=True)


@pytest.fixture
async def sshd(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RealServer]:
    server = RealServer(tmp_path_factory.mktemp("sshd"))
    await server.start()
    yield server
    await server.stop()


async def reinstalled(server: RealServer) -> str:
    """Give the server another key, as a new installation has it; gives its fingerprint."""
    await server.leave()
    for name in ("host_key", "host_key.pub"):
        (server.folder / name).unlink()
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(server.folder / "host_key")], check=True, timeout=20
    )
    await server.come_back()
    return fingerprint(server)


def fingerprint(server: RealServer) -> str:
    said = subprocess.run(
        ["ssh-keygen", "-l", "-f", str(server.folder / "host_key.pub")], check=True, capture_output=True, timeout=20
    )
    return said.stdout.decode().split()[1]


def asking(server: RealServer, effects: Path) -> Plan:
    steps = (
        command("1.1", f"echo first >> {effects}"),
        PlannedStep(id="1.2", name="Go on?", action=ConfirmAction(message="Go on?")),
        command("1.3", f"echo second >> {effects}"),
    )
    environment = Environment(name="test", host_keys=HostKeys(changed="ask"))
    return plan(*steps, hosts=(msgspec.structs.replace(server.host, name="here"),), environment=environment)


async def test_a_key_replaced_between_two_steps_is_asked_about_and_accepted_for_this_run(
    place: Place, sshd: RealServer, tmp_path: Path
) -> None:
    effects, old = tmp_path / "effects", fingerprint(sshd)
    known = (sshd.folder / "known_hosts").read_bytes()
    feed = await place.start(asking(sshd, effects))
    await until(feed, lambda run: run.open_gates == ("1.2#1",))
    new = await reinstalled(sshd)
    assert await feed.send(AnswerGate(gate="1.2#1", answer="proceed")) is None
    run = await until(feed, lambda run: run.open_gates == ("1.3#1",))
    asked = run.gates["1.3#1"].opened
    assert (asked.kind, asked.word) == ("host_key", "here")
    assert old in asked.message
    assert new in asked.message
    assert effects.read_text() == "first\n"
    assert await feed.send(AnswerGate(gate="1.3#1", answer="accept", typed="here", digest=asked.digest)) is None
    run = await ended(feed)

    assert (run.steps["1.3"].outcome, effects.read_text()) == (Outcome.SUCCEEDED, "first\nsecond\n")
    assert (sshd.folder / "known_hosts").read_bytes() == known
    events = [entry.event for entry in place.entries(run.id)]
    assert [event.host_key for event in events if isinstance(event, SessionOpened)] == [old, new]
    assert [event.changed.shown.fingerprint for event in events if isinstance(event, HostKeyAccepted)] == [new]
    assert verify(place.folder(run.id)).grade == "sound"
    entries = list(RecordReader(place.folder(run.id)).entries())
    for form in ("md", "html", "json"):
        told = render(report(run, entries), form)
        assert old in told.replace("\\", "")
        assert new in told.replace("\\", "")


async def test_a_key_replaced_before_the_run_and_refused_leaves_the_host_as_it_was(
    place: Place, sshd: RealServer, tmp_path: Path
) -> None:
    effects = tmp_path / "effects"
    await reinstalled(sshd)
    feed = await place.start(asking(sshd, effects))
    await until(feed, lambda run: run.open_gates == ("1.1#1",))
    assert await feed.send(AnswerGate(gate="1.1#1", answer="refuse")) is None
    run = await until(feed, lambda run: run.open_gates == ("1.1#2",))
    assert (run.gates["1.1#2"].opened.kind, run.steps["1.1"].outcome) == ("failure", Outcome.UNREACHABLE)
    assert not effects.exists()
