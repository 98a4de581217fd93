"""Where a run's socket is and whose it must be: the runner makes its door, and a client looks whose it is.

A name in a folder that everybody may write to proves nothing. So a door is made only where nobody else can replace it,
somewhere else when the usual place was taken by somebody first, and the record says where. A client goes to that very
place, or for a record that it may not read to the folders of the one person meant, and asks the kernel who listens
before it says a word (`line.Line`). No folder is searched in the order of its name. The path is short, because the
system limits it to about 100 bytes.
"""

from __future__ import annotations

import os
import re
import socket
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from runbook.problem import Exit, Problems, Where, problem
from runbook.record.files.disk import is_safe_name
from runbook.record.files.holder import Holder
from runbook.talk.peer import known_as

SHARED_BY_ALL = Path("/tmp")  # noqa: S108 - owners and modes are checked
SOCKETS = Path("/proc/net/unix")
"""The kernel's list, on Linux: one line a socket, the name it was bound to last (proc_net(5))."""

NO_RUNNER = "no-runner"
"""The code of: nobody listens for the run."""
NOT_ITS_RUNNER = "not-its-runner"
"""The code of: somebody listens who is not the run's runner, or keeps the place where it should be."""

_WAYS = (
    "Ask again with the XDG_RUNTIME_DIR that the run was started with. If `runbook runs` shows it as live, "
    "end its runner with `{kill}` and go on with `runbook resume`, which finds another place. "
    "And tell whoever looks after this machine."
)
_OTHERS_MAY_WRITE = 0o022
_FOLDER = re.compile(r"runbook-(?P<uid>\d{1,10})(?P<shared>-shared)?(?P<fresh>-[0-9a-f]{8})?")


# --- the runner's side ------------------------------------------------------------------------------------------------


def door_folders(uid: int, *, shared: bool, fresh: str) -> tuple[Path, ...]:
    """Where a user's socket may be made, the best place first: private, unless other people must reach it.

    A shared one lies where others can come in; the socket's own check of who is calling then is the only door.

    Args:
        uid: Whose.
        shared: Other people were named who may answer.
        fresh: Eight hexadecimal digits that nobody can foresee, for when every usual name is taken.
    """
    usual = SHARED_BY_ALL / f"runbook-{uid}{'-shared' if shared else ''}"
    own = os.environ.get("XDG_RUNTIME_DIR", "")
    private = (Path(own) / "runbook",) if own.startswith("/") and not shared else ()
    return (*private, usual, usual.with_name(f"{usual.name}-{fresh}"))


def socket_name(run: str) -> str:
    """The name of a run's socket in its folder."""
    return f"{run[-40:]}.sock"


def why_unfit(folder: Path, uid: int) -> str:
    """Why a door in that folder would not be that user's alone to make; empty when it would be."""
    around = _seen(folder.parent, follow=True)
    if around is None:
        return f"{folder.parent} is not there"
    is_guarded = around.st_mode & stat.S_ISVTX or (around.st_uid in {0, uid} and not around.st_mode & _OTHERS_MAY_WRITE)
    if not is_guarded:
        return f"others may rename what lies in {folder.parent}"
    seen = _seen(folder)
    if seen is None:
        return "" if os.access(folder.parent, os.W_OK | os.X_OK) else f"{folder.parent} cannot be written"
    if seen.st_uid != uid:
        return f"{folder} belongs to somebody else ({known_as(seen.st_uid)})"
    if not stat.S_ISDIR(seen.st_mode):
        return f"{folder} is no folder"
    return f"others may write to {folder}" if seen.st_mode & _OTHERS_MAY_WRITE else ""


@dataclass(frozen=True, slots=True)
class Door:
    """A bound socket and its name. Made before a record is, so that a run without a door leaves nothing behind."""

    path: Path
    socket: socket.socket

    def shut(self) -> None:
        """Take the name away, and the folder that was made for it alone; harmless when they are gone already."""
        self.socket.close()
        _take_away(self.path)


def make_door(run: str, folders: Iterable[Path], *, shared: bool) -> Door:
    """A door in the first folder that is ours and closed to writing by others, who could replace it there.

    Raises:
        Problems: None of them is, or the system refuses a socket in the first that is.
    """
    unfit: list[str] = []
    for folder in folders:
        why = why_unfit(folder, os.getuid())
        if why:
            unfit.append(why)
            continue
        try:
            return _made(folder / socket_name(run), shared=shared)
        except OSError as wrong:
            raise _no_door(folder, str(wrong)) from wrong
    raise _no_door(SHARED_BY_ALL, "; ".join(unfit))


def _made(path: Path, *, shared: bool) -> Door:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    # Explicitly, because the runner's umask would keep the others out who were let in.
    path.parent.chmod(0o711 if shared else 0o700)
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listening.bind(str(path))
    finally:
        os.umask(before)
    if shared:
        path.chmod(0o666)
    return Door(path, listening)


def _no_door(folder: Path, why: str) -> Problems:
    return problem(
        "the run's socket cannot be made",
        why=why,
        fix="Set XDG_RUNTIME_DIR to a folder with a short path that is yours alone (mkdir -m 700).",
        where=Where(str(folder)),
        code="no-door",
        exit=Exit.REFUSED,
    )


# --- the client's side ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Doorway:
    """A place where a run's runner may listen, and the one uid whose runner it may be."""

    path: Path
    uid: int
    is_certain: bool = True
    """Whose it is is known, from the record or from a person, and not only claimed by the folder's name."""
    pid: int = 0
    """Of the runner, by the record, for advice alone; 0 where it does not say."""


def doorways(run: str, holder: Holder | None, *, uid: int, owner: int | None = None) -> tuple[Doorway, ...]:
    """Where to look for a run's runner, in that order.

    Args:
        run: Its id.
        holder: Who has it, by the record; None for a record that we may not read.
        uid: Ours.
        owner: Whose run is meant, where the record does not say.
    """
    if not is_safe_name(run):
        return ()
    if holder is not None and holder.door:
        return (Doorway(Path(holder.door), holder.uid, pid=holder.pid),)
    whose = owner if holder is None else holder.uid
    if whose is not None:
        pid = holder.pid if holder else 0
        return tuple(Doorway(folder / socket_name(run), whose, pid=pid) for folder in _folders_of(whose, uid))
    own = tuple(Doorway(folder / socket_name(run), uid) for folder in _folders_of(uid, uid))
    others = ((folder, other) for folder, other, is_shared in _named() if is_shared and other != uid)
    claimed = (Doorway(folder / socket_name(run), other, is_certain=False) for folder, other in others)
    return (*own, *claimed)


def doors_of_others(uid: int) -> tuple[Doorway, ...]:
    """Sockets of other people's live runs in the folders that are open to everybody, as the kernel lists them.

    Their folders cannot be listed, so on systems without that list there are none. Whose each is, is only claimed.
    """
    try:
        lines = SOCKETS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    paths = {Path(rest[0]) for line in lines if (rest := line.split(maxsplit=7)[7:])}
    called = {path: _FOLDER.fullmatch(path.parent.name) for path in paths if path.parent.parent == SHARED_BY_ALL}
    return tuple(
        Doorway(path, int(found["uid"]), is_certain=False)
        for path, found in sorted(called.items())
        if found and found["shared"] and int(found["uid"]) != uid and path.suffix == ".sock"
    )


def is_there(doorway: Doorway) -> bool:
    """True when a socket of the right owner stands there; who listens at it is asked when it is called.

    Raises:
        Problems: The place is somebody else's.
    """
    folder, found = _seen(doorway.path.parent), _seen(doorway.path)
    seen = [state for state in (folder, found) if state is not None]
    stranger = next((state.st_uid for state in seen if state.st_uid != doorway.uid), None)
    if stranger is not None and (found is not None or doorway.is_certain):
        raise not_its_runner(doorway, known_as(stranger))
    return found is not None and stat.S_ISSOCK(found.st_mode)


def not_its_runner(doorway: Doorway, who: str) -> Problems:
    """Say who is where a run's runner should be."""
    return problem(
        f"somebody else ({who}) is where the runner of {doorway.path.stem} should be",
        why=f"its runner belongs to {known_as(doorway.uid)}; nothing was said to them, and the run is as it was",
        fix=_WAYS.format(kill=f"kill {doorway.pid}" if doorway.pid else "kill"),
        where=Where(str(doorway.path)),
        code=NOT_ITS_RUNNER,
        exit=Exit.REFUSED,
    )


def sweep() -> None:
    """Take away what killed runners of ours left behind, where it is certain that nobody listens."""
    for folder in _folders_of(os.getuid(), os.getuid()):
        if not why_unfit(folder, os.getuid()):
            for path in folder.glob("*.sock"):
                clear(path)


def clear(path: Path) -> None:
    """Take the file of a socket of ours away that nobody holds; leave it where that is not certain.

    A call that is refused alone would not do: a runner that starts has its name before it listens.
    """
    try:
        names = [line.split(maxsplit=7)[7:] for line in SOCKETS.read_text(encoding="utf-8").splitlines()]
        # By its last part, which names the run: the folder may have been reached on another way.
        is_held = any(Path(name).name == path.name for rest in names for name in rest)
        if not is_held and not why_unfit(path.parent, os.getuid()) and _is_refused(path):
            _take_away(path)
    except OSError:
        return


def _is_refused(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as call:
        call.setblocking(False)
        try:
            call.connect(str(path))
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return False


def _take_away(path: Path) -> None:
    path.unlink(missing_ok=True)
    called = _FOLDER.fullmatch(path.parent.name)
    if called and called["fresh"]:
        try:
            path.parent.rmdir()
        except OSError:
            return  # another run's door is in it, or it is gone


def _folders_of(whose: int, uid: int) -> tuple[Path, ...]:
    """Folders in which somebody's sockets may lie; their private ones only when they are ours."""
    shared = SHARED_BY_ALL / f"runbook-{whose}-shared"
    usual = (*door_folders(uid, shared=False, fresh="")[:-1], shared) if whose == uid else (shared,)
    named = (folder for folder, other, is_shared in _named() if other == whose and (is_shared or whose == uid))
    return tuple(dict.fromkeys((*usual, *named)))


def _named() -> Iterator[tuple[Path, int, bool]]:
    """Folders that say by their name whose they are, with that uid, and whether others may come in."""
    try:
        folders = tuple(SHARED_BY_ALL.iterdir())
    except OSError:
        return  # nobody can look there, so nobody lies in wait there either
    for folder in folders:
        called = _FOLDER.fullmatch(folder.name)
        if called:
            yield folder, int(called["uid"]), bool(called["shared"])


def _seen(path: Path, *, follow: bool = False) -> os.stat_result | None:
    """What stands there, a link as itself unless followed; None for nothing, or where we may not look."""
    try:
        return path.stat() if follow else path.lstat()
    except OSError:
        return None
