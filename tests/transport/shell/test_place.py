"""No trace of a job proves that it never began only in the very place where it was announced; everything else is doubt."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import time
import uuid
from pathlib import Path

import pytest

from runbook.core.host import Host
from runbook.core.outcome import Exited, Expired, Lost, NeverSent, Stopped, Withheld
from runbook.core.planned.command import Command
from runbook.transport.local.connector import LocalConnector
from runbook.transport.session import Job
from runbook.transport.shell.claim import file_name
from runbook.transport.shell.framed import FRAME_CAP
from runbook.transport.shell.worker import _LIBRARY
from tests.transport.contract import is_alive
from tests.transport.recorder import Recorder, sh

SHELLS = [("dash",), ("bash", "--posix"), ("busybox", "ash"), ("mksh",), ("ksh",)]


@pytest.fixture
def job():
    return Job(id=f"run-{uuid.uuid4()}/1.1/here/1", grace=0.5)


@pytest.fixture
def base(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "runbook"


@pytest.fixture
async def reach(base):
    """Opens this machine again and again, as runners do that come and go."""
    opened = []

    async def open_again():
        opened.append(await LocalConnector(wall=time.time).connect(Host(name="here", connection="local")))
        return opened[-1]

    yield open_again
    for session in opened:
        await session.close()


def with_(job, **parts):
    return Job(**{name: getattr(job, name) for name in ("id", "grace")} | parts)


async def asked(reach, job, **parts):
    """What a later runner learns of a job."""
    return await (await reach()).reattach(sh("x"), with_(job, **parts), Recorder())


async def began_and_was_forgotten(reach, job, **parts):
    """A job ran to its end, and the record holds everything."""
    session = await reach()
    assert await session.run(sh("echo out; exit 3", **parts), job, Recorder()) == Exited(3)
    await session.forget(job)
    await session.close()
    return session.facts.place


# --- the identity -----------------------------------------------------------------------------------------------------


async def test_a_place_is_known_by_a_random_id_that_stays_and_each_visit_by_its_own(reach, base):
    first, second = [(await reach()).facts.place.split(".") for _ in range(2)]
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert (first[0], first[2]) == (second[0], second[2]) == ((base / ".place").read_text().strip(), boot)
    assert first[1] != second[1]
    assert {path.stat().st_mode & 0o077 for path in base.iterdir()} == {0}


async def test_shells_that_come_to_a_new_folder_together_agree_on_one_id(reach):
    places = [session.facts.place for session in await asyncio.gather(*(reach() for _ in range(6)))]
    assert len({place.partition(".")[0] for place in places}) == 1


async def test_an_id_that_found_no_room_is_made_anew(reach, base):
    base.mkdir()
    (base / ".place").write_text("")
    assert (await reach()).facts.place.partition(".")[0] == (base / ".place").read_text().strip() != ""


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_every_shell_makes_a_place_and_knows_it_again(base, shell):
    if not shutil.which(shell[0]):
        pytest.skip(f"{shell[0]} is not installed")
    text = "rb_mark=M\nrb_ready v1\nrb_expect=$rb_place\nrb_boot=${rb_boot}\n"
    text += "rb_attach j1 0 0\nrb_note 'g j2'; rb_attach j2 0 0\nrb_expect=other.v1.$rb_boot\nrb_attach j3 0 0\n"
    done = subprocess.run(shell, input=_LIBRARY + text.encode(), capture_output=True, timeout=20, check=False)
    assert [line.split()[1:] for line in done.stdout.splitlines()[1:]] == [
        [b"unsent"],
        [b"traceless", b"1"],
        [b"traceless", b"0"],
    ]


# --- what no trace proves ---------------------------------------------------------------------------------------------


async def test_no_trace_in_the_place_where_it_was_announced_is_proof(reach, job):
    place = (await reach()).facts.place
    assert isinstance(await asked(reach, job, place=place), NeverSent)


@pytest.mark.parametrize("place", ["", "{id}.{visit}.another-boot", "{id}.another.{boot}", "another.{visit}.{boot}"])
async def test_no_trace_proves_nothing_after_a_restart_or_where_the_place_is_not_known(reach, job, place):
    known = dict(zip(("id", "visit", "boot"), (await reach()).facts.place.split("."), strict=True))
    ending = await asked(reach, job, place=place.format(**known))
    assert type(ending) is Lost


def is_removed(place, base):
    shutil.rmtree(base)
    return place


def loses_its_files(place, base):
    for path in base.glob("[!.]*"):
        path.unlink()
    return place


def loses_its_claim(place, base):
    for path in base.glob("*.job"):
        path.unlink()
    return place


def loses_all_but_its_claim(place, base):
    for path in base.glob("[!.]*"):
        if path.suffix != ".job":
            path.unlink()
    return place


def loses_its_id(place, base):
    (base / ".place").unlink()
    loses_its_files(place, base)
    return place


def loses_its_ledger(place, base):
    (base / ".ledger").unlink()
    loses_its_files(place, base)
    return place


def is_set_back_to_before_the_visit(place, base):
    """As a container's layer that is thrown away: the files are the same, and older."""
    ledger = base / ".ledger"
    ledger.write_text("".join(line for line in ledger.read_text().splitlines(True) if line.startswith("place ")))
    loses_its_files(place, base)
    return place


def is_replaced_by_a_copy(place, base):
    """Taken before the job began, and put where the folder was."""
    loses_its_files(place, base)
    ledger = base / ".ledger"
    ledger.write_text(
        "".join(line for line in ledger.read_text().splitlines(True) if "visit" in line or "place" in line)
    )
    copy = base.with_name("copy")
    shutil.copytree(base, copy)
    base.rename(base.with_name("away"))
    copy.rename(base)
    return place


HARMS = (
    is_removed,
    loses_its_files,
    loses_its_claim,
    loses_all_but_its_claim,
    loses_its_id,
    loses_its_ledger,
    is_set_back_to_before_the_visit,
    is_replaced_by_a_copy,
)


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
@pytest.mark.parametrize("durable", [True, False], ids=["durable", "attached"])
async def test_no_trace_proves_nothing_in_a_place_that(reach, base, job, harm, durable):
    session = await reach()
    assert await session.run(sh("true"), with_(job, durable=durable), Recorder()) == Exited(0)
    place = harm(session.facts.place, base)
    ending = await asked(reach, job, place=place, durable=durable)
    assert not isinstance(ending, NeverSent)
    # Also for whoever asks a second time: a fence is no proof of what came before it.
    assert not isinstance(await asked(reach, job, place=place, durable=durable), NeverSent)


async def test_a_fence_in_another_place_is_no_proof(reach, job, base):
    """The runner in between asked where the job never was, and left its fence there."""
    place = (await reach()).facts.place
    shutil.rmtree(base)
    assert isinstance(await asked(reach, job, place=place), Lost)
    assert isinstance(await asked(reach, job, place=place), Lost)


# --- what is over does not look as if it never was ----------------------------------------------------------------------


@pytest.mark.parametrize("place", ["known", "unknown"])
async def test_a_job_that_was_forgotten_is_known_to_have_ended(reach, job, place):
    known = await began_and_was_forgotten(reach, job)
    gone = Lost("it ended with exit code 3, and what it printed is not there any more", is_over=True)
    assert await asked(reach, job, place=known if place == "known" else "") == gone


@pytest.mark.parametrize("stdin", [b"", b"x" * (FRAME_CAP + 1)], ids=["in a frame", "on a channel of its own"])
@pytest.mark.parametrize("durable", [True, False], ids=["durable", "attached"])
async def test_what_was_forgotten_does_not_begin_again_whoever_sends_it(reach, job, base, durable, stdin):
    """The record was cut, or is a copy: for it this is a new attempt."""
    job = with_(job, durable=durable)
    await began_and_was_forgotten(reach, job, stdin=stdin)
    again = Command(shell="echo out; exit 3", stdin=stdin)
    session = await reach()
    for parts in ({}, {"is_resumed": True, "place": session.facts.place}):
        assert isinstance(await session.run(again, with_(job, durable=durable, **parts), Recorder()), Withheld)


async def test_a_runner_that_took_over_asks_what_a_cleaner_has_left(reach, job, base):
    place = await began_and_was_forgotten(reach, job)
    loses_its_files(place, base)
    sink = Recorder()
    ending = await (await reach()).run(sh("echo again"), with_(job, is_resumed=True, place=place), sink)
    assert (type(ending), sink.out) == (Withheld, b"")


async def test_a_runner_that_took_over_begins_nothing_in_another_place(reach, job, base):
    place = (await reach()).facts.place
    shutil.rmtree(base)
    sink = Recorder()
    ending = await (await reach()).run(sh("echo again"), with_(job, is_resumed=True, place=place), sink)
    assert (type(ending), sink.out) == (Withheld, b"")


async def test_a_runner_that_took_over_goes_on_where_nothing_has_changed(reach, job):
    place = (await reach()).facts.place
    session = await reach()
    for number in range(3):
        fresh = Job(id=f"{job.id}/{number}", is_resumed=True, place=place)
        assert await session.run(sh("exit 7"), fresh, Recorder()) == Exited(7)


async def test_an_attempt_after_one_that_is_on_record_as_unsent_does_not_begin_if_that_one_did(reach, job):
    await began_and_was_forgotten(reach, job)
    second = Job(id=f"{job.id}/2", unsent=(job.id,))
    assert isinstance(await (await reach()).run(sh("true"), second, Recorder()), Withheld)


async def test_an_attempt_after_one_that_was_fenced_begins(reach, job):
    session = await reach()
    assert isinstance(await asked(reach, job, place=session.facts.place), NeverSent)
    second = Job(id=f"{job.id}/2", unsent=(job.id,))
    assert await session.run(sh("true"), second, Recorder()) == Exited(0)


async def test_another_command_under_the_name_of_one_that_began_is_not_taken_for_it(reach, job):
    session = await reach()
    assert await session.run(sh("exit 3"), job, Recorder()) == Exited(3)
    ending = await (await reach()).run(sh("exit 4"), job, Recorder())
    assert ending == Withheld("another command was begun under its name")


# --- what ran attached and lost its link ------------------------------------------------------------------------------


async def lost(session, job, text):
    """A command that runs attached while its link goes."""
    sink = Recorder(wanted=b"begun")
    running = asyncio.create_task(session.run(sh(text), job, sink))
    await asyncio.wait_for(sink.seen.wait(), 10)
    await session.close()
    assert isinstance(await running, Lost)


async def test_what_ran_attached_is_waited_for_and_its_exit_code_known(reach, job, tmp_path):
    session, job = await reach(), with_(job, durable=False)
    await lost(session, job, f"echo begun; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done; exit 5")
    asking = asyncio.create_task(asked(reach, job, durable=False, place=session.facts.place))
    await asyncio.sleep(0.3)
    assert not asking.done()
    (tmp_path / "go").touch()
    assert await asking == Lost("it ended with exit code 5, and what it printed is not there any more", is_over=True)


async def test_what_runs_attached_is_ended_at_its_limit(reach, job, tmp_path):
    session, job = await reach(), with_(job, durable=False)
    await lost(session, job, f"setsid sh -c 'echo $$ >{tmp_path}/deep; echo begun; exec sleep 600'")
    ending = await asked(reach, job, durable=False, place=session.facts.place, limit=0.3)
    assert (ending, is_alive(int((tmp_path / "deep").read_text()))) == (Expired(0.3), False)
    ending = await asked(reach, job, durable=False, place=session.facts.place)
    assert (type(ending), ending.is_over) == (Lost, True)


async def test_what_runs_attached_is_ended_when_it_is_no_longer_wanted(reach, job, tmp_path):
    session, job = await reach(), with_(job, durable=False)
    await lost(session, job, f"echo $$ >{tmp_path}/pid; echo begun; exec sleep 600")
    asking = asyncio.create_task(asked(reach, job, durable=False, place=session.facts.place))
    await asyncio.sleep(0.3)
    asking.cancel()
    assert await asking == Stopped()
    assert not is_alive(int((tmp_path / "pid").read_text()))


async def test_somebody_who_is_there_is_told_that_it_still_runs(reach, job, tmp_path):
    session, job = await reach(), with_(job, durable=False)
    await lost(session, job, f"echo $$ >{tmp_path}/pid; echo begun; exec sleep 600")
    ending = await asked(reach, job, durable=False, place=session.facts.place, outlast=0.0)
    assert ending == Lost("it still runs on its host")
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


async def test_in_another_place_nobody_knows_whether_it_still_runs(reach, job, base):
    session, job = await reach(), with_(job, durable=False)
    await lost(session, job, "echo begun; sleep 0.2")
    shutil.rmtree(base)
    ending = await asked(reach, job, durable=False, place=session.facts.place)
    assert (type(ending), ending.is_over) == (Lost, False)


async def test_a_durable_command_whose_shell_was_killed_is_waited_for(reach, job, base, tmp_path):
    session = await reach()
    text = f"echo begun; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done"
    running = asyncio.create_task(session.run(sh(text), job, Recorder()))
    claim = base / f"{file_name(job.id)}.job"
    while not claim.exists() or claim.read_text().count("\n") < 3:
        await asyncio.sleep(0.02)
    os.kill(int(claim.read_text().split()[0]), signal.SIGKILL)
    assert isinstance(await running, Lost)
    asking = asyncio.create_task(asked(reach, job, place=session.facts.place))
    await asyncio.sleep(0.5)
    assert not asking.done()
    (tmp_path / "go").touch()
    ending = await asking
    assert (type(ending), ending.is_over) == (Lost, True)


async def test_a_look_leaves_nothing(reach, job, base):
    session = await reach()
    before = {path.name for path in base.iterdir()}
    await session.run(sh("true"), with_(job, durable=False, leaves_trace=False), Recorder())
    assert ({path.name for path in base.iterdir()}, file_name(job.id) in (base / ".ledger").read_text()) == (
        before,
        False,
    )


# --- room -------------------------------------------------------------------------------------------------------------


def filled(path):
    """Until nothing more fits."""
    fill = os.open(path, os.O_WRONLY | os.O_CREAT)
    with contextlib.suppress(OSError):
        while True:
            os.write(fill, b"x" * 4096)
    os.close(fill)


@pytest.mark.skipif(os.getuid() != 0, reason="mounting a small disk needs root")
@pytest.mark.parametrize(
    ("durable", "pages"),
    [(True, 0), (False, 0), (True, 1)],
    ids=["durable", "attached", "for the claim alone"],
)
async def test_a_host_without_room_says_so_and_the_next_try_finds_another_place(reach, base, job, durable, pages):
    base.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", str(base)], check=True)
    try:
        session = await reach()
        filled(base / "fill")
        os.truncate(base / "fill", (base / "fill").stat().st_size - pages * os.sysconf("SC_PAGE_SIZE"))
        ending = await session.run(sh("true"), with_(job, durable=durable), Recorder())
        assert ending == NeverSent(f"nothing can be written in {base}: No space left on device")
        second = Job(id=f"{job.id}/2", durable=durable, unsent=(job.id,))
        assert await session.run(sh("exit 7"), second, Recorder()) == Exited(7)
        await session.close()
    finally:
        subprocess.run(["umount", "-l", str(base)], check=True)


# --- ageing -----------------------------------------------------------------------------------------------------------

OLD = 40 * 86_400


def aged(base, *names):
    for name in names:
        for path in base.glob(f"{file_name(name)}.*"):
            os.utime(path, (time.time() - OLD,) * 2)


def age(visit="0"):
    text = f"rb_mark=M\nrb_ready {visit}\nrb_age\n"
    subprocess.run(["/bin/sh"], input=_LIBRARY + text.encode(), check=True, timeout=20, capture_output=True)


async def test_what_is_over_is_forgotten_for_good_after_a_month_and_nothing_else_is(reach, base):
    names = ["forgotten", "fenced", "attached", "ended", "young"]
    jobs = {name: Job(id=f"run/1.1/here/{name}", durable=name != "attached") for name in names}
    await began_and_was_forgotten(reach, jobs["forgotten"])
    await began_and_was_forgotten(reach, jobs["young"])
    session = await reach()
    await session.reattach(sh("x"), jobs["fenced"], Recorder())
    for name in ("attached", "ended"):
        await session.run(sh("true"), jobs[name], Recorder())
    aged(base, *(jobs[name].id for name in names if name != "young"))
    age(visit="1")
    assert {name for name in names if (base / f"{file_name(jobs[name].id)}.job").exists()} == set(names)
    age()
    assert {name for name in names if list(base.glob(f"{file_name(jobs[name].id)}.*"))} == {"ended", "young"}


async def test_what_still_runs_is_never_too_old(reach, base, job, tmp_path):
    session, job = await reach(), with_(job, durable=False)
    await lost(session, job, f"echo $$ >{tmp_path}/pid; echo begun; exec sleep 600")
    aged(base, job.id)
    age()
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert (base / f"{file_name(job.id)}.job").exists()


async def test_a_long_ledger_begins_a_new_place(reach, base):
    before = (await reach()).facts.place
    with (base / ".ledger").open("a") as ledger:
        ledger.write("visit x\n" * 200_000)
    age()
    assert (await reach()).facts.place.partition(".")[0] != before.partition(".")[0]
    assert (base / ".ledger").stat().st_size < 1000
