"""Probes and canaries of a live run: a host that is gone, answers that are no answers, and a runner that was replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.core.events.event import CanarySampled, ProbeSampled, SessionLost
from runbook.core.fold.recovery_point import recovery_point
from runbook.core.host import Host
from runbook.core.planned.action import CommandAction, ConfirmAction
from runbook.core.planned.plan import PlannedCanary, PlannedProbe
from runbook.transport.scripted import Hangs, Reply, Says, ScriptedConnector, unreachable
from tests.builders import plan, step
from tests.engine.stage import Stage
from tests.place import eventually

QUESTION = step("1.1", ConfirmAction(message="Go on?"))
HOSTS = (Host(name="db1"),)
PROBE = PlannedProbe(name="login", action=CommandAction(shell="check"), hosts=("db1",), every=0.02, timeout=0.2)
CANARY = PlannedCanary(
    write=CommandAction(shell="put {seq}"),
    write_on="db1",
    read=CommandAction(shell="last"),
    read_on="db1",
    every=0.01,
    timeout=1.0,
)


class Service:
    """Something that keeps marks, loses some, and goes away, as a test says."""

    def __init__(self) -> None:
        self.marks: list[int] = []
        self.up = True
        self.says: bytes | None = None
        self.reads = 0

    def __call__(self, _host: object, command: object) -> Reply:
        verb, _, mark = command.shell.partition(" ")
        if not self.up:
            return Says(err=b"refused\n", code=1)
        if verb == "put":
            self.marks.append(int(mark))
            return Says()
        self.reads += 1
        return Says(self.says if self.says is not None else b"%d\n" % (self.marks[-1] if self.marks else 0))


def samples(stage: Stage, kind: str) -> list[CanarySampled]:
    return [event for event in stage.events(CanarySampled) if event.kind == kind]


async def test_a_probe_of_a_host_that_goes_is_bad_at_every_interval_and_good_when_it_is_back(tmp_path: Path) -> None:
    world = ScriptedConnector({"check": Says()})
    stage = Stage(tmp_path, world)
    live = stage.open(plan(QUESTION, probes=(PROBE,), hosts=HOSTS))
    await live.until(lambda run: run.probes["login"].last and run.probes["login"].last.ok)
    world.unreachable["db1"] = unreachable("db1")
    world.cut("db1")
    run = await live.until(lambda run: not run.probes["login"].last.ok and run.probes["login"].last.count >= 5)
    assert "db1 cannot be reached" in run.probes["login"].last.detail
    assert dict(run.lost) == {"db1": "connection lost"}
    del world.unreachable["db1"]
    await live.until(lambda run: run.probes["login"].last.ok)
    await live.stop()
    assert [event.reason for event in stage.events(SessionLost)] == ["connection lost"]


async def test_a_probe_that_hangs_is_bad_after_its_timeout_and_is_asked_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ScriptedConnector({"check": Hangs()}))
    live = stage.open(plan(QUESTION, probes=(PROBE,), hosts=HOSTS))
    run = await live.until(lambda run: run.probes["login"].last and run.probes["login"].last.count >= 2)
    assert run.probes["login"].last.ok is False
    assert run.probes["login"].last.detail in {"no answer within 0.2 s", "ended at its limit of 0.2 s"}
    await live.stop()


async def test_a_probe_that_we_cannot_ask_is_bad_and_is_asked_again(tmp_path: Path) -> None:
    def answer(_host: object, _command: object) -> Reply:
        raise RuntimeError("the words of a crash may hold anything")

    stage = Stage(tmp_path, ScriptedConnector(answer))
    live = stage.open(plan(QUESTION, probes=(PROBE,), hosts=HOSTS))
    run = await live.until(lambda run: run.probes["login"].last and run.probes["login"].last.count >= 3)
    assert (run.probes["login"].last.ok, run.probes["login"].last.detail) == (
        False,
        "runbook itself failed (RuntimeError)",
    )
    await live.stop()


async def test_nothing_is_sampled_by_a_runner_that_has_stopped(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ScriptedConnector({"check": Says()}))
    live = stage.open(plan(QUESTION, probes=(PROBE,), hosts=HOSTS))
    await live.until(lambda run: run.probes["login"].last)
    run = await live.stop()
    assert live.executor._in_flight == {}
    assert len(stage.events(ProbeSampled)) == sum(stretch.count for stretch in run.probes["login"].stretches)
    assert run.probes["login"].last.ok


async def test_marks_of_a_resumed_run_go_on_above_those_on_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service()
    stage = Stage(tmp_path, ScriptedConnector(service))
    live = stage.open(plan(QUESTION, canary=CANARY, hosts=HOSTS))
    await live.until(lambda run: len(run.canary.acknowledged) >= 3)
    await live.crash()
    # Somebody sets the clock of the controller back by a day while no runner is there.
    wall = stage.clock.wall
    monkeypatch.setattr(stage.clock, "wall", lambda: wall() - 86_400)
    later = stage.resume()
    known = len(later.run.canary.acknowledged)
    await later.until(lambda run: len(run.canary.acknowledged) >= known + 3)
    await later.stop()
    assert service.marks == sorted(set(service.marks))


async def test_a_loss_is_measured_by_the_next_runner_when_the_one_that_met_it_was_killed(tmp_path: Path) -> None:
    service = Service()
    stage = Stage(tmp_path, ScriptedConnector(service))
    live = stage.open(plan(QUESTION, canary=CANARY, hosts=HOSTS))
    await live.until(lambda run: len(run.canary.acknowledged) >= 5)
    service.up = False
    await live.until(lambda run: run.canary.failed_at is not None)
    await live.crash()
    lost = [service.marks.pop(), service.marks.pop()]
    service.up = True
    later = stage.resume()
    run = await later.until(lambda run: run.canary.losses)
    assert recovery_point(run).lost == len(lost)
    await later.stop()


@pytest.mark.parametrize("printed", [b"", "²\n".encode(), b"9" * 5000 + b"\n", b"-1\n", b"soon\n"])
async def test_what_is_no_mark_is_not_taken_for_one(tmp_path: Path, printed: bytes) -> None:
    service = Service()
    stage = Stage(tmp_path, ScriptedConnector(service))
    live = stage.open(plan(QUESTION, canary=CANARY, hosts=HOSTS))
    await live.until(lambda run: run.canary.acknowledged)
    service.up, service.says = False, printed
    await live.until(lambda run: run.canary.failed_at is not None)
    service.up = True
    await eventually(lambda: service.reads >= 3)
    assert samples(stage, "read") == []
    service.says = None
    await live.until(lambda run: run.canary.losses)
    assert recovery_point(live.run).lost == 0
    await live.stop()


async def test_a_probe_of_several_hosts_names_those_that_are_not_good_and_asks_each_its_own(tmp_path: Path) -> None:
    hosts = tuple(Host(name=name) for name in ("web1", "web2", "web3"))
    probe = PlannedProbe(
        name="up",
        action=CommandAction(shell="check web1"),
        by_host={"web2": CommandAction(shell="check web2"), "web3": CommandAction(shell="check web3")},
        hosts=("web1", "web2", "web3"),
        every=0.02,
        timeout=5.0,
    )
    down = Says(err=b"refused\n", code=1)
    world = ScriptedConnector({"check web1": Says(), "check web2": down, "check web3": down})
    live = Stage(tmp_path, world).open(plan(QUESTION, probes=(probe,), hosts=hosts))
    run = await live.until(lambda run: run.probes["up"].last)
    assert run.probes["up"].last.ok is False
    assert run.probes["up"].last.detail == "web[2-3]: exit code is 1, expected 0; stderr ends: refused"
    await live.stop()


async def test_a_host_that_hangs_is_late_by_itself(tmp_path: Path) -> None:
    hosts = tuple(Host(name=name) for name in ("web1", "web2"))
    probe = PlannedProbe(
        name="up",
        action=CommandAction(shell="check web1"),
        by_host={"web2": CommandAction(shell="check web2")},
        hosts=("web1", "web2"),
        every=0.02,
        timeout=0.2,
    )
    world = ScriptedConnector({"check web1": Says(), "check web2": Hangs()})
    live = Stage(tmp_path, world).open(plan(QUESTION, probes=(probe,), hosts=hosts))
    run = await live.until(lambda run: run.probes["up"].last)
    assert run.probes["up"].last.detail.startswith("web2: ")
    await live.stop()
