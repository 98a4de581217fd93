"""Who takes a job's files away while it runs takes nothing of what it prints; what cannot be read any more is said."""

import asyncio
import os
import shutil
import subprocess
import time
import uuid

import pytest

from runbook.core.host import Host
from runbook.core.outcome import Exited, Lost
from runbook.transport.local.connector import LocalConnector
from runbook.transport.session import Job
from runbook.transport.shell.claim import file_name
from runbook.transport.shell.worker import _LIBRARY
from tests.transport.recorder import Recorder, sh

SHELLS = [("dash",), ("bash", "--posix"), ("busybox", "ash"), ("mksh",), ("ksh",)]
LINE = "0123456789" * 10
MUCH = f"i=0; while [ $i -lt 40 ]; do echo {LINE}; i=$((i + 1)); done"
"""More than a shell reads by itself."""


def files(base):
    """As a cleaner does that looks for what is old."""
    for path in base.glob("[!.]*"):
        path.unlink()


def hidden_ones_too(base):
    for path in base.iterdir():
        path.unlink()


def the_folder(base):
    shutil.rmtree(base)


def the_folder_by_its_name(base):
    base.rename(base.with_name("away"))
    base.mkdir()


HARMS = [files, hidden_ones_too, the_folder, the_folder_by_its_name]
by_name = {"ids": lambda harm: harm.__name__}


@pytest.fixture
def base(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "runbook"


@pytest.fixture
async def session(base):
    opened = await LocalConnector(wall=time.time).connect(Host(name="here", connection="local"))
    yield opened
    await opened.close()


@pytest.fixture
def job():
    return Job(id=f"run-{uuid.uuid4()}/1.1/here/1", grace=0.5)


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("harm", HARMS, **by_name)
@pytest.mark.parametrize("text", ["echo more", MUCH], ids=["a little", "much"])
async def test_the_output_of_a_quick_job_is_whole(session, base, job, tmp_path, harm, text):
    waits = f"echo out; echo err >&2; touch {tmp_path}/begun; until [ -e {tmp_path}/go ]; do :; done; {text}; exit 3"
    sink = Recorder()
    running = asyncio.create_task(session.run(sh(waits), job, sink))
    await until((tmp_path / "begun").exists)
    harm(base)
    (tmp_path / "go").touch()
    expected = f"out\n{LINE}\n".replace(f"{LINE}\n", "more\n" if text == "echo more" else f"{LINE}\n" * 40)
    assert (await running, sink.out.decode(), sink.err) == (Exited(3), expected, b"err\n")


@pytest.mark.parametrize("harm", HARMS, **by_name)
async def test_the_output_of_a_job_that_is_shown_while_it_runs_is_whole_and_comes_once(
    session, base, job, tmp_path, harm
):
    sink = Recorder(wanted=b"first\n")
    text = f"echo first; until [ -e {tmp_path}/go ]; do sleep 0.05; done; {MUCH}; exit 3"
    running = asyncio.create_task(session.run(sh(text), job, sink))
    await asyncio.wait_for(sink.seen.wait(), 10)
    harm(base)
    (tmp_path / "go").touch()
    assert (await running, sink.out.decode()) == (Exited(3), "first\n" + f"{LINE}\n" * 40)


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize(("numbers", "said"), [(True, [b"M start", b"M out", b"out", b"M exit 0 0 1"]), (False, [])])
def test_a_shell_says_so_where_it_cannot_read_it_any_more(tmp_path, shell, numbers, said):
    """Without numbers that lead to open files, as on systems without /proc."""
    if not shutil.which(shell[0]):
        pytest.skip(f"{shell[0]} is not installed")
    library = _LIBRARY if numbers else _LIBRARY.replace(b"/proc/$$/fd/", b"/nowhere/")
    text = f"rb_mark=M\nrb_ready v1\nrb_script='echo out; rm {tmp_path}/runbook/j1.*'\nrb_spec=test\nrb_group=g\nrb_run j1\n"
    done = subprocess.run(
        shell,
        input=library + text.encode(),
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
        capture_output=True,
        timeout=20,
        check=False,
    )
    assert done.stdout.splitlines()[1:] == (said or [b"M start", b"M mute 0"])


async def test_a_job_whose_output_cannot_be_read_any_more_is_in_doubt_and_over(session, base, job, monkeypatch):
    monkeypatch.setattr(
        "runbook.transport.shell.worker._LIBRARY", _LIBRARY.replace(b"/proc/$$/fd/", b"/nowhere/"), raising=True
    )
    opened = await LocalConnector(wall=time.time).connect(Host(name="here", connection="local"))
    ending = await opened.run(sh(f"echo out; rm {base}/{file_name(job.id)}.*"), job, Recorder())
    await opened.close()
    assert ending == Lost("it ended with exit code 0, and what it printed is not there any more", is_over=True)
