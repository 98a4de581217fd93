"""Where a live run's socket is, and who may have put it there.

The name of a socket is how people find a run, so its folder must belong to the runner's owner and be closed to writing
by others. The path is short, because the system limits it to about 100 bytes. Nothing is listened to or said here.
"""

from __future__ import annotations

import os
import pwd
import socket
import stat
from dataclasses import dataclass
from pathlib import Path

from runbook.problem import Exit, Where, problem


def login_name(uid: int) -> str:
    """The name that belongs to a uid; the number itself where there is none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def socket_folder(*, shared: bool) -> Path:
    """The folder of this user's sockets: private, unless other people were named who must reach it.

    A shared one lies where others can come in; the socket's own check of who is calling then is the only door.
    """
    private = os.environ.get("XDG_RUNTIME_DIR", "")
    if private and not shared and Path(private).is_dir():
        return Path(private) / "runbook"
    return Path("/tmp") / f"runbook-{os.getuid()}{'-shared' if shared else ''}"  # noqa: S108 - owner and mode are checked


def socket_path(run: str, *, shared: bool) -> Path:
    """Where a run's socket is, or would be."""
    return socket_folder(shared=shared) / f"{run[-40:]}.sock"


@dataclass(frozen=True, slots=True)
class Door:
    """A bound socket and its name. Made before a record is, so that a run without a door leaves nothing behind."""

    path: Path
    socket: socket.socket

    def shut(self) -> None:
        """Take the name away; harmless when it is gone already."""
        self.socket.close()
        self.path.unlink(missing_ok=True)


def make_door(path: Path, allowed: frozenset[int]) -> Door:
    """A door for the people allowed. Its folder must be ours and closed to writing, or others could replace it.

    Raises:
        Problems: The socket cannot be made.
    """
    shared = allowed != {os.getuid()}
    folder = path.parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = folder.lstat()
        if state.st_uid != os.getuid() or state.st_mode & 0o022 or folder.is_symlink():
            raise problem(
                f"{folder} is not safe for a socket",
                why="it belongs to somebody else, or others may write to it",
                fix=f"Remove it, or run: chmod go-w {folder}",
                where=Where(str(folder)),
                exit=Exit.REFUSED,
            )
        # Explicitly, because the runner's umask would keep the others out who were let in.
        folder.chmod(0o711 if shared else 0o700)
        path.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            listening.bind(str(path))
        finally:
            os.umask(before)
        if shared:
            path.chmod(0o666)
    except OSError as wrong:
        raise problem(
            "the run's socket cannot be made",
            why=str(wrong),
            fix="Set XDG_RUNTIME_DIR to a short path that you may write to.",
            where=Where(str(path)),
            exit=Exit.REFUSED,
        ) from wrong
    return Door(path, listening)


def find_socket(run: str) -> Path | None:
    """The socket of a live run of ours or of somebody who shares one with us; None when there is none."""
    ours = [socket_path(run, shared=shared) for shared in (False, True)]
    others = sorted(Path("/tmp").glob(f"runbook-*-shared/{run[-40:]}.sock"))  # noqa: S108 - see _is_theirs
    return next((path for path in (*ours, *filter(_is_theirs, others)) if _is_socket(path)), None)


def _is_theirs(path: Path) -> bool:
    """True when the folder belongs to the uid in its name and only that uid can have put a socket there."""
    try:
        state = path.parent.lstat()
    except OSError:
        return False
    is_own = path.parent.name == f"runbook-{state.st_uid}-shared"
    return is_own and stat.S_ISDIR(state.st_mode) and not state.st_mode & 0o022


def _is_socket(path: Path) -> bool:
    try:
        return path.is_socket()
    except OSError:
        return False
