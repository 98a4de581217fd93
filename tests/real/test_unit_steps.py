"""Durable steps that a host's systemd runs: they outlive their login, and what belongs to them is known for certain."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from runbook.core.events.event import AttemptGraded
from runbook.core.host import Host
from runbook.core.outcome import Exited, Expired, Grade, Lost, NeverSent, Outcome, Stopped
from runbook.core.planned.command import Command, Secret
from runbook.core.planned.plan import Plan
from runbook.transport.session import Job, Session
from runbook.transport.shell.claim import file_name
from runbook.transport.ssh.connector import SshConnector, SshOptions
from tests.hosts.network import Network
from tests.hosts.systemd_host import LOGINS, SystemdHost, wait_until
from tests.hosts.systemd_host import host as systemd_host
from tests.place import Place, command, eventually, gone, plan, until
from tests.real.faults.conftest import folder, network
from tests.real.openssh import kill
from tests.transport.recorder import Recorder, sh

__all__ = ["folder", "network"]

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(600)]

STUBBORN = "trap : TERM; touch /var/tmp/begun; while :; do sleep 0.2; done"
HIDDEN = f"trap '' TERM; (env -i setsid setsid sh -c '{STUBBORN}' >/dev/null 2>&1 &); sleep 1000"
"""Ignores TERM, and has a process that has forgotten its environment, its parents and its session."""


@pytest.fixture(scope="module")
def host(network: Network, folder: Path) -> Iterator[SystemdHost]:
    with systemd_host(network, "l", folder, LOGINS) as made:
        # sudo asks for the name of its own host, and nobody would answer.
        made.said("echo 127.0.1.1 $(hostname) >>/etc/hosts")
        yield made


@pytest.fixture
def clean(host: SystemdHost) -> Iterator[SystemdHost]:
    yield host
    host.run("rm -rf /var/tmp/begun /var/tmp/effects /var/tmp/go; systemctl kill -s KILL 'rbjob-*.service'")


def reached(host: SystemdHost, tmp_path: Path, user: str = "root", name: str = "here") -> Host:
    return Host(
        name=name,
        address=host.address,
        user=user,
        key_files=(str(host.key),),
        known_hosts=(str(tmp_path / "known"),),
        host_keys="accept-new",
        ssh_config="none",
    )


class Way:
    """Opens the host again and again, as runners that come and go do."""

    def __init__(self, host: SystemdHost, tmp_path: Path) -> None:
        self._host, self._at = host, tmp_path
        self._connector = SshConnector(SshOptions(wall=time.time, agent=""))
        self._opened: list[Session] = []

    async def __call__(self, user: str = "root") -> Session:
        self._opened.append(await self._connector.connect(reached(self._host, self._at, user)))
        return self._opened[-1]

    async def close(self) -> None:
        for session in self._opened:
            await session.close()
        await self._connector.close()


@pytest.fixture
async def way(clean: SystemdHost, tmp_path: Path) -> AsyncIterator[Way]:
    made = Way(clean, tmp_path)
    yield made
    await made.close()


def a_job(**parts: object) -> Job:
    return Job(id=f"run/step/host/{uuid.uuid4()}", **{"as_unit": True, "grace": 1.0, **parts})


def unit(job: Job) -> str:
    return f"rbjob-{file_name(job.id)}.service"


async def ran(
    session: Session, text: str | Command, job: Job | None = None
) -> tuple[object, bytes, bytes, list[Grade]]:
    sink = Recorder()
    ending = await session.run(sh(text) if isinstance(text, str) else text, job or a_job(), sink)
    return ending, sink.out, sink.err, sink.grades


async def begun(host: SystemdHost) -> None:
    await asyncio.to_thread(wait_until, lambda: host.run("test -e /var/tmp/begun").returncode == 0, 20, "begun")


async def is_idle(host: SystemdHost, text: str) -> None:
    """No process with such a command line is there any more."""
    await asyncio.to_thread(wait_until, lambda: host.run(f"pgrep -f '{text}'").stdout == "", 20, "ended")


def processes(host: SystemdHost, text: str) -> list[str]:
    return host.run(f"pgrep -f '{text}'").stdout.split()


# --- what a step finds ------------------------------------------------------------------------------------------------


async def test_it_runs_in_a_unit_of_its_own_and_its_codes_and_output_come_back(clean: SystemdHost, way: Way) -> None:
    job = a_job()
    ending, out, err, grades = await ran(await way(), "cat /proc/self/cgroup; printf 'e\\377' >&2; exit 3", job)
    assert (ending, err, grades) == (Exited(3), b"e\xff", [Grade.UNIT])
    assert f"/system.slice/{unit(job)}".encode() in out
    assert clean.run(f"systemctl is-active {unit(job)}").stdout.strip() == "inactive"


async def test_it_finds_what_it_would_have_found_in_its_login(way: Way) -> None:
    text = "env | grep -vE '^(RUNBOOK_JOB|_|OLDPWD|SHLVL)=' | sort; id; pwd; umask; ulimit -a"
    session = await way()
    command = sh(text, env=(("X", "a  'b' \"c\" $d é\nf"),), cwd="/var/log")
    as_unit = await ran(session, command)
    in_login = await ran(session, command, a_job(as_unit=False))
    assert as_unit[1].decode().splitlines() == in_login[1].decode().splitlines()
    assert (as_unit[0], as_unit[2:], in_login[2:]) == (in_login[0], (b"", [Grade.UNIT]), (b"", [Grade.SESSION]))


@pytest.mark.parametrize("shell", ["bash", "busybox"])
async def test_it_speaks_every_shell(clean: SystemdHost, way: Way, shell: str) -> None:
    clean.said(f"cp /usr/bin/{shell} /var/tmp/other; mount --bind /var/tmp/other /usr/bin/dash")
    try:
        command = sh("echo $X; (setsid sleep 1234 &) >/dev/null 2>&1; exit 4", env=(("X", "a 'b' $c"),))
        said = await ran(await way(), command)
    finally:
        clean.run("umount -l /usr/bin/dash; rm -f /var/tmp/other; pkill -fx 'sleep 1234'", shell="/bin/bash")
    assert said == (Exited(4, late_output=True), b"a 'b' $c\n", b"", [Grade.UNIT])


async def test_a_secret_stands_in_no_property_and_in_no_argument(clean: SystemdHost, way: Way) -> None:
    secret, job = Secret("pass", "sesame-opens"), a_job()
    shown = f"systemctl show {unit(job)}; systemctl cat {unit(job)}; ps -eo args; journalctl -u {unit(job)}"
    command = sh(f"({shown}) >/var/tmp/effects 2>&1; echo $P", env=(("P", secret),), secrets=(secret,))
    ending, out, _, grades = await ran(await way(), command, job)
    assert (ending, out, grades) == (Exited(0), b"sesame-opens\n", [Grade.UNIT])
    said = clean.said("cat /var/tmp/effects")
    assert unit(job) in said
    assert "sesame" not in said


async def test_what_is_quick_stays_with_the_shell_that_is_open(way: Way) -> None:
    assert (await ran(await way(), "true", a_job(as_unit=False)))[3] == [Grade.SESSION]


async def test_where_systemd_starts_nothing_the_shell_runs_it_and_the_grade_is_told_again(
    clean: SystemdHost, way: Way
) -> None:
    clean.said("printf '#!/bin/sh\\nexit 1\\n' >/usr/local/bin/systemd-run; chmod +x /usr/local/bin/systemd-run")
    try:
        said = await ran(await way(), "echo effect >>/var/tmp/effects; cat /var/tmp/effects")
    finally:
        clean.said("rm /usr/local/bin/systemd-run")
    assert said == (Exited(0), b"effect\n", b"", [Grade.UNIT, Grade.SESSION])


async def test_a_unit_that_starts_late_finds_the_commit_taken_and_runs_nothing(clean: SystemdHost, way: Way) -> None:
    """Its launcher has been given up, and somebody has ruled the job out."""
    late = '#!/bin/sh\nwhile [ ! -e /var/tmp/go ]; do sleep 0.1; done\nexec /usr/bin/systemd-run "$@"\n'
    clean.said(f"cat >/usr/local/bin/systemd-run <<'END'\n{late}END\nchmod +x /usr/local/bin/systemd-run")
    job, first = a_job(), await way()
    try:
        place = first.facts.place
        running = asyncio.create_task(ran(first, "echo effect >>/var/tmp/effects", job))
        await asyncio.to_thread(wait_until, lambda: processes(clean, "bin/systemd-run"), 10, "launched")
        second = await way()
        followed = await second.reattach(sh("x"), Job(id=job.id, place=place, as_unit=True), Recorder())
        clean.said("touch /var/tmp/go")
        await running
    finally:
        clean.said("rm /usr/local/bin/systemd-run; touch /var/tmp/go")
    assert isinstance(followed, NeverSent)
    assert clean.run("cat /var/tmp/effects").stdout == ""


async def test_two_runners_that_begin_the_same_step_together_have_one_effect(way: Way) -> None:
    job, text = a_job(), "echo effect >>/var/tmp/effects; sleep 1; cat /var/tmp/effects"
    sessions = [await way(), await way()]
    both = await asyncio.gather(*(ran(session, text, job) for session in sessions))
    assert [said[:2] for said in both] == [(Exited(0), b"effect\n")] * 2


# --- what is left, and what ends it -----------------------------------------------------------------------------------


async def test_a_limit_ends_what_ignores_it_and_what_has_hidden_from_everything_but_its_group(
    clean: SystemdHost, way: Way
) -> None:
    ending, *_ = await ran(await way(), HIDDEN, a_job(limit=2.0))
    assert ending == Expired(2.0)
    assert clean.run("test -e /var/tmp/begun").returncode == 0
    await is_idle(clean, "touch /var/tmp/begun")


async def test_what_cannot_be_ended_is_named(clean: SystemdHost, way: Way) -> None:
    clean.said("loginctl enable-linger ann")
    user = await way("ann")
    # It became somebody else, whom ann may not signal, and carries nothing of hers but the group.
    text = "sudo -n sh -c '(env -i setsid sleep 9999 >/dev/null 2>&1 &)'; touch /var/tmp/begun; sleep 1000"
    running = asyncio.create_task(user.run(sh(text), a_job(), Recorder()))
    await begun(clean)
    running.cancel()
    ending = await running
    clean.said("pkill -9 -fx 'sleep 9999'")
    assert isinstance(ending, Stopped)
    assert [name.split()[1] for name in ending.survivors] == ["sleep"]


async def test_a_process_that_a_step_leaves_behind_runs_on_and_is_told(clean: SystemdHost, way: Way) -> None:
    text = "(env -i setsid setsid sleep 1234 >/dev/null 2>&1 &); sleep 0.3; echo done"
    ending, out, *_ = await ran(await way(), text)
    assert (ending, out) == (Exited(0, late_output=True), b"done\n")
    assert len(processes(clean, "sleep 1234")) == 1
    clean.said("pkill -9 -fx 'sleep 1234'")


async def test_stopped_by_its_systemd_it_ends_with_the_code_of_its_signal(clean: SystemdHost, way: Way) -> None:
    job = a_job()
    running = asyncio.create_task(ran(await way(), "touch /var/tmp/begun; sleep 1000", job))
    await begun(clean)
    clean.said(f"systemctl stop {unit(job)}")
    assert (await running)[0] == Exited(143)
    await is_idle(clean, "sleep 1000")


# --- logins that end --------------------------------------------------------------------------------------------------


@pytest.fixture
def strict(clean: SystemdHost) -> Iterator[SystemdHost]:
    """A host that ends what a login leaves."""
    clean.said("mkdir -p /etc/systemd/logind.conf.d; loginctl enable-linger ann")
    clean.said("printf '[Login]\\nKillUserProcesses=yes\\n' >/etc/systemd/logind.conf.d/kill.conf")
    clean.said("systemctl restart systemd-logind")
    wait_until(lambda: clean.run("test -S /run/user/$(id -u ann)/bus").returncode == 0, 20, "ann has a systemd")
    yield clean
    clean.said("rm -r /etc/systemd/logind.conf.d; loginctl enable-linger ann; systemctl restart systemd-logind")


def log_out(host: SystemdHost) -> None:
    """All of ann's sessions end."""
    host.run(
        "for s in $(loginctl list-sessions --no-legend | awk '$3 == \"ann\" {print $1}'); do loginctl kill-session -s KILL $s; loginctl terminate-session $s; done"
    )


@pytest.mark.parametrize("lingers", [True, False], ids=["lingering", "not lingering"])
async def test_a_login_that_logind_ends_takes_only_what_no_unit_runs(
    strict: SystemdHost, way: Way, lingers: bool
) -> None:
    if not lingers:
        strict.said("loginctl disable-linger ann")
    session, job = await way("ann"), a_job(as_unit=False)
    assert (session.facts.grade, session.facts.ends_with_login) == (Grade.UNIT if lingers else Grade.SESSION, True)
    sink, place = Recorder(wanted=b"begun"), session.facts.place
    text = "echo begun; while [ ! -e /var/tmp/go ]; do sleep 0.1; done; echo done"
    running = asyncio.create_task(session.run(sh(text), job, sink))
    await asyncio.wait_for(sink.seen.wait(), 20)
    await asyncio.to_thread(log_out, strict)
    assert isinstance(await running, Lost)
    strict.said("touch /var/tmp/go")
    again, whole = await way("ann"), Recorder()
    ending = await again.reattach(sh(text), Job(id=job.id, place=place, as_unit=lingers), whole)
    if lingers:
        assert (ending, whole.out, sink.grades) == (Exited(0), b"begun\ndone\n", [Grade.UNIT])
    else:
        assert (ending, sink.grades) == (
            Lost("the shell that ran it is gone and has left no exit code", is_over=True),
            [Grade.SESSION],
        )


# --- runs -------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    made = Place(tmp_path)
    yield made
    await made.close()


def of(host: SystemdHost, tmp_path: Path, text: str) -> Plan:
    step = command("1.1", text, timeout=900.0)
    return plan(step, command("1.2", "true", durable="unit"), command("1.3", "true"), hosts=(reached(host, tmp_path),))


WAITS = "echo effect >>/var/tmp/effects; touch /var/tmp/begun; while [ ! -e /var/tmp/go ]; do sleep 0.1; done"


async def test_long_steps_and_those_that_ask_for_it_are_units_and_stand_so_on_the_record(
    clean: SystemdHost, place: Place, tmp_path: Path
) -> None:
    feed = await place.start(of(clean, tmp_path, "true"), attended=False)
    run = await until(feed, lambda run: run.has_ended)
    grades = [e.event.grade for e in place.entries(run.id) if isinstance(e.event, AttemptGraded)]
    assert grades == [Grade.UNIT, Grade.UNIT, Grade.SESSION]


async def test_a_runner_that_takes_over_follows_the_unit_to_its_end_and_it_happened_once(
    clean: SystemdHost, place: Place, tmp_path: Path
) -> None:
    feed = await place.start(of(clean, tmp_path, WAITS), attended=False)
    await begun(clean)
    runner = place.runners(feed.run.id)[-1]
    kill(runner)
    await eventually(lambda: gone(runner) and not feed.is_live)
    await place.workspace.resume(feed.run.id)
    feed = await place.watch(feed.run.id)
    clean.said("touch /var/tmp/go")
    run = await until(feed, lambda run: run.has_ended)
    attempt = run.steps["1.1"].attempts["here"]
    assert (run.steps["1.1"].outcome, attempt.grade, attempt.number) == (Outcome.SUCCEEDED, Grade.UNIT, 1)
    assert clean.said("cat /var/tmp/effects") == "effect"


async def test_a_host_that_restarts_in_the_middle_leaves_it_in_doubt_and_over(
    clean: SystemdHost, place: Place, tmp_path: Path
) -> None:
    feed = await place.start(of(clean, tmp_path, WAITS), attended=False)
    await begun(clean)
    await until(feed, lambda run: "here" in run.steps["1.1"].attempts)
    await asyncio.to_thread(clean.crash)
    async with asyncio.timeout(120):
        while not feed.run.steps["1.1"].attempts["here"].outcome:
            await feed.wait_changed()
    attempt = feed.run.steps["1.1"].attempts["here"]
    assert (attempt.outcome, attempt.is_over) == (Outcome.IN_DOUBT, True)
    assert clean.run("cat /var/tmp/effects").stdout in {"effect\n", ""}
