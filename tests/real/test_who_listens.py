"""A client asks the kernel who listens: other accounts lay sockets where a run's runner should be, for real.

The folder that everybody may write to is one of the test's own. A stranger here is a process with another uid that
listens, writes down what it is told, and answers as a runner would; one that relays passes every byte on besides.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from runbook.cli.calling import call
from runbook.core.events.event import HaltRequested
from runbook.core.intent import HaltRun
from runbook.core.planned.action import ConfirmAction
from runbook.core.planned.plan import PlannedStep
from runbook.feed.live import LiveFeed
from runbook.problem import Exit, Problem, Problems
from runbook.record.file_record import FileRecord
from runbook.record.files.holder import Holder
from runbook.talk import door
from runbook.talk.door import Doorway, doorways, socket_name, sweep
from runbook.talk.line import reach
from tests.place import Place, ended, eventually, plan, until

pytestmark = [
    pytest.mark.real,
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]
STRANGER, FRIEND = 65532, 65531
QUESTION = PlannedStep(id="1.1", name="Go on?", action=ConfirmAction(message="Go on?"))
RUN = "20261123T041200Z-orders-failover-8329"
HALT = HaltRun(reason="stop it now")


class Strangers:
    """Processes of other users that listen."""

    def __init__(self, notes: Path) -> None:
        self._notes = notes
        self._pids: list[int] = []

    def listen(self, path: Path, uid: int = STRANGER, *, folder: int = 0o755, to: Path | None = None) -> int:
        """Make the folder where it is missing, and listen there; `to` is where every byte is passed on to."""
        ready, told = os.pipe()
        pid = os.fork()
        if pid == 0:
            with contextlib.suppress(BaseException):
                os.setgid(uid)
                os.setuid(uid)
                if not path.parent.exists():
                    path.parent.mkdir()
                    path.parent.chmod(folder)
                listening = socket.socket(socket.AF_UNIX)
                listening.bind(str(path))
                path.chmod(0o777)
                listening.listen(5)
                os.write(told, b"listening")
                _answer_for_ever(listening, self._notes, to)
            os._exit(0)
        os.close(told)
        self._pids.append(pid)
        with os.fdopen(ready, "rb") as pipe:
            assert pipe.read(9) == b"listening"
        return pid

    def make(self, folder: Path, uid: int = STRANGER, mode: int = 0o755) -> None:
        """A folder of theirs."""
        folder.mkdir()
        folder.chmod(mode)
        os.chown(folder, uid, uid)

    @property
    def heard(self) -> str:
        """Everything that any of them was told."""
        return self._notes.read_text()

    def leave(self) -> None:
        for pid in self._pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _answer_for_ever(listening: socket.socket, notes: Path, to: Path | None) -> None:
    while True:
        caller, _ = listening.accept()
        real = socket.socket(socket.AF_UNIX) if to else None
        if real is not None:
            real.connect(str(to))
        with caller, notes.open("ab") as file:
            while said := caller.recv(65536):
                file.write(said)
                file.flush()
                caller.sendall(b'{"seq":1}\n' if real is None else _relayed(real, said))


def _relayed(real: socket.socket, said: bytes) -> bytes:
    real.sendall(said)
    return real.recv(65536)


@pytest.fixture
def commons(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that everybody may write to, as /tmp is, and nobody has a runtime folder of their own."""
    if os.getuid() != 0:
        if os.environ.get("RUNBOOK_REQUIRE_REAL"):
            pytest.fail("only root can be somebody else")
        pytest.skip("only root can be somebody else")
    folder = Path(tempfile.mkdtemp(prefix="rb-"))
    folder.chmod(0o1777)
    monkeypatch.setattr(door, "SHARED_BY_ALL", folder)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def strangers(commons: Path) -> Iterator[Strangers]:
    notes = commons / "heard"
    notes.touch()
    notes.chmod(0o666)
    them = Strangers(notes)
    yield them
    them.leave()


@pytest.fixture
async def place(tmp_path: Path, commons: Path) -> AsyncIterator[Place]:
    made = Place(tmp_path)
    yield made
    await made.close()


async def refused(places: tuple[Doorway, ...]) -> Problem:
    with pytest.raises(Problems) as wrong:
        await reach(places, via="test")
    return wrong.value.problems[0]


def forget_the_door(monkeypatch: pytest.MonkeyPatch) -> None:
    """Records that do not say where their runner listens, as they were before they did."""

    def older(record: FileRecord) -> Holder | None:
        found = told(record)
        return found and replace(found, door="")

    told = FileRecord.holder
    monkeypatch.setattr(FileRecord, "holder", older)


async def halted(place: Place, feed: LiveFeed) -> list[HaltRequested]:
    await ended(feed)
    return [entry.event for entry in place.entries(feed.run.id) if isinstance(entry.event, HaltRequested)]


# --- the record says where --------------------------------------------------------------------------------------------


async def test_what_somebody_else_laid_in_the_usual_place_neither_wins_nor_blocks(
    place: Place, strangers: Strangers, commons: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    private = Path(tempfile.mkdtemp(prefix="rb-", dir=commons))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(private))
    run = (await place.start(plan(QUESTION))).run.id
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    strangers.listen(commons / "runbook-0" / socket_name(run))
    feed = await place.watch(run)
    line = await call(place.workspace, run, via="halt")
    assert (feed.is_live, await line.send(HALT)) == (True, None)
    await line.close()
    assert [halt.reason for halt in await halted(place, feed)] == ["stop it now"]
    assert strangers.heard == ""


@pytest.mark.parametrize("take", [0o755, 0o777], ids=["closed", "open to all"])
async def test_a_runner_whose_folder_was_taken_finds_another_and_leaves_nothing(
    place: Place, strangers: Strangers, commons: Path, take: int
) -> None:
    strangers.make(commons / "runbook-0", mode=take)
    feed = await place.start(plan(QUESTION))
    path = place.door(feed.run.id).path
    assert path.parent.name.startswith("runbook-0-")
    assert await feed.send(HALT) is None
    await ended(feed)
    await eventually(lambda: not path.parent.exists())


async def test_a_runner_that_is_killed_leaves_a_socket_that_is_swept_away(
    place: Place, strangers: Strangers, commons: Path
) -> None:
    strangers.make(commons / "runbook-0")
    feed = await place.start(plan(QUESTION))
    path = place.door(feed.run.id).path
    sweep()
    assert path.is_socket()
    os.kill(place.runners(feed.run.id)[-1], signal.SIGKILL)
    await eventually(lambda: not feed.is_live)
    said = await refused((place.door(feed.run.id),))
    assert (said.code, said.why) == ("no-runner", "its runner is gone")
    sweep()
    assert not path.parent.exists()


async def test_no_door_is_made_where_everybody_may_rename_what_lies_there(
    place: Place, strangers: Strangers, commons: Path
) -> None:
    commons.chmod(0o777)
    with pytest.raises(Problems) as wrong:
        await place.start(plan(QUESTION))
    [said] = wrong.value.problems
    assert (said.what, said.exit) == ("the run's socket cannot be made", Exit.REFUSED)
    assert said.why.startswith(f"others may rename what lies in {commons}")
    assert said.fix.startswith("Set XDG_RUNTIME_DIR to a folder")
    assert list(place.root.glob("recordings/[!.]*")) == []


# --- the record does not say ------------------------------------------------------------------------------------------

OLD = Holder(uid=0, pid=4711, door="")


def _their_folder(strangers: Strangers, commons: Path) -> None:
    strangers.listen(commons / "runbook-0" / socket_name(RUN))


def _their_folder_open_to_all(strangers: Strangers, commons: Path) -> None:
    strangers.listen(commons / "runbook-0" / socket_name(RUN), folder=0o777)


def _their_empty_folder(strangers: Strangers, commons: Path) -> None:
    strangers.make(commons / "runbook-0")


def _their_link(strangers: Strangers, commons: Path) -> None:
    strangers.listen(commons / "elsewhere" / socket_name(RUN))
    (commons / "runbook-0").symlink_to(commons / "elsewhere")
    os.chown(commons / "runbook-0", STRANGER, STRANGER, follow_symlinks=False)


def _our_link_to_their_folder(strangers: Strangers, commons: Path) -> None:
    strangers.listen(commons / "elsewhere" / socket_name(RUN))
    (commons / "runbook-0").symlink_to(commons / "elsewhere")


def _our_folder_without_a_sticky_bit(strangers: Strangers, commons: Path) -> None:
    strangers.make(commons / "runbook-0", uid=0, mode=0o777)
    strangers.listen(commons / "runbook-0" / socket_name(RUN))


def _a_socket_that_looks_like_ours(strangers: Strangers, commons: Path) -> None:
    _our_folder_without_a_sticky_bit(strangers, commons)
    os.chown(commons / "runbook-0" / socket_name(RUN), 0, 0)


def _their_folder_in_the_name_of_the_shared_one(strangers: Strangers, commons: Path) -> None:
    strangers.listen(commons / "runbook-0-shared" / socket_name(RUN))


@pytest.mark.parametrize(
    "lay",
    [
        _their_folder,
        _their_folder_open_to_all,
        _their_empty_folder,
        _their_link,
        _our_link_to_their_folder,
        _our_folder_without_a_sticky_bit,
        _a_socket_that_looks_like_ours,
        _their_folder_in_the_name_of_the_shared_one,
    ],
)
async def test_somebody_elses_socket_is_told_as_theirs_and_hears_nothing(
    strangers: Strangers, commons: Path, lay: object
) -> None:
    lay(strangers, commons)  # type: ignore[operator]  # one of the functions above
    said = await refused(doorways(RUN, OLD, uid=0))
    assert said.what.startswith(f"somebody else (uid {STRANGER}")
    assert said.what.endswith(f"is where the runner of {RUN} should be")
    assert (said.code, said.exit) == ("not-its-runner", Exit.REFUSED)
    assert "`kill 4711`" in said.fix
    assert strangers.heard == ""


async def test_whoever_relays_to_the_right_runner_is_seen_as_who_they_are(
    place: Place, strangers: Strangers, commons: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = await place.start(plan(QUESTION))
    await until(feed, lambda run: run.open_gates)
    path = place.door(feed.run.id).path
    elsewhere = path.with_name("moved.sock")
    path.rename(elsewhere)
    elsewhere.chmod(0o666)
    path.parent.chmod(0o777)
    pid = strangers.listen(path, to=elsewhere)
    os.chown(path, 0, 0)
    with pytest.raises(Problems) as wrong:
        await call(place.workspace, feed.run.id, via="halt")
    assert wrong.value.problems[0].what.startswith(f"somebody else (uid {STRANGER}, process {pid})")
    assert strangers.heard == ""
    other = await place.watch(feed.run.id)
    assert (other.is_live, other.damage) == (False, wrong.value.problems[0])
    assert await other.send(HALT) == other.damage
    assert await feed.send(HALT) is None


async def test_whoever_watches_is_told_who_is_there_and_reads_the_record_all_the_same(
    place: Place, strangers: Strangers, commons: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = Path(tempfile.mkdtemp(prefix="rb-", dir=commons))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(private))
    feed = await place.start(plan(QUESTION))
    await until(feed, lambda run: run.open_gates)
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    forget_the_door(monkeypatch)
    strangers.listen(commons / "runbook-0" / socket_name(feed.run.id))
    other = await place.watch(feed.run.id)
    assert (other.is_live, other.run.open_gates) == (False, ("1.1#1",))
    assert other.damage is not None
    assert other.damage.code == "not-its-runner"
    assert await feed.send(HALT) is None
    await ended(feed)
    again = await place.watch(feed.run.id)
    assert (again.run.has_ended, again.damage) == (True, None), "of a run that is over nobody has to be warned"
    with pytest.raises(Problems, match="has ended"):
        await call(place.workspace, feed.run.id, via="halt")


# --- the record is not ours to read -----------------------------------------------------------------------------------


async def test_of_two_who_claim_a_run_neither_is_asked_until_it_is_said_whose_is_meant(
    strangers: Strangers, commons: Path
) -> None:
    for uid in (FRIEND, STRANGER):
        strangers.listen(commons / f"runbook-{uid}-shared" / socket_name(RUN), uid)
    said = await refused(doorways(RUN, None, uid=0))
    assert (said.code, said.fix) == ("whose-run", "Say whose you mean: --operator NAME")
    assert f"uid {FRIEND}" in said.what
    assert f"uid {STRANGER}" in said.what
    assert strangers.heard == ""
    line = await reach(doorways(RUN, None, uid=0, owner=FRIEND), via="test")
    assert (line.peer.uid, line.is_certain) == (FRIEND, True)
    await line.close()


async def test_the_only_one_who_claims_a_run_is_called_and_named(strangers: Strangers, commons: Path) -> None:
    pid = strangers.listen(commons / f"runbook-{FRIEND}-shared" / socket_name(RUN), FRIEND)
    strangers.listen(commons / f"runbook-{FRIEND}-shared-0123abcd" / socket_name(RUN), STRANGER)
    line = await reach(doorways(RUN, None, uid=0), via="test")
    assert (str(line.peer), line.is_certain) == (f"uid {FRIEND}, process {pid}", False)
    await line.close()


@pytest.mark.parametrize("run", ["../../../tmp/x", "*", "", "a/b"])
def test_what_is_no_run_has_no_doorway(run: str) -> None:
    assert doorways(run, None, uid=0) == ()
