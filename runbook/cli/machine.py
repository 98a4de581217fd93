"""What this machine and this terminal offer, looked at one by one, for `doctor`.

Each function looks at one thing and says how it is and what to do about it; the table at the end is the order. Nothing
is changed, nothing is connected to but the local agent, and a thing that is missing is only a failure when a run could
not do without it.
"""

from __future__ import annotations

import locale
import os
import resource
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import msgspec

from runbook.core.planned.plan import Environment
from runbook.document.environment_file import find_environment, parse_environment
from runbook.problem import Problems
from runbook.record.address import open_store
from runbook.record.files.disk import FLOOR
from runbook.record.sealing.signing import PROBE, public_key, sign
from runbook.talk.door import door_folders, socket_name, why_unfit
from runbook.talk.peer import login_name
from runbook.transport.ssh.openssh import SshConfig
from runbook.transport.ssh.own_config import Question
from runbook.workspace.people import shut_out
from runbook.workspace.settings import Settings

PYTHON = (3, 11)
LONGEST_SOCKET = 103
"""Bytes of a Unix socket's path that every system takes; macOS has the least."""
FILES = 1024
"""Open files for a run on a hundred hosts: a connection, a journal and output files for each, with room."""
LIST_KEYS = b"\0\0\0\1\x0b"
"""SSH_AGENTC_REQUEST_IDENTITIES: an agent that is alive answers it."""
SMALLEST = (80, 24)
"""Columns and rows that the screen is drawn for; below it shows facts in one column."""


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """How one thing is."""

    name: str
    state: Literal["ok", "warn", "fail"]
    """`fail` only where a run could not do without it."""
    detail: str
    fix: str = ""
    """Empty when there is nothing to do."""


def look(settings: Settings) -> tuple[Look, ...]:
    """Everything, in the order in which a reader would mend it."""
    return tuple(each(settings) for each in _LOOKS)


def _ok(name: str, detail: str) -> Look:
    return Look(name=name, state="ok", detail=detail)


def _warn(name: str, detail: str, fix: str) -> Look:
    return Look(name=name, state="warn", detail=detail, fix=fix)


def _fail(name: str, detail: str, fix: str) -> Look:
    return Look(name=name, state="fail", detail=detail, fix=fix)


def _python(_: Settings) -> Look:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] >= PYTHON:
        return _ok("python", f"{version}, {sys.executable}")
    return _fail("python", version, "Install Python 3.11 or later.")


def _workspace(settings: Settings) -> Look:
    if settings.drills.is_dir():
        return _ok("workspace", str(settings.root))
    return _warn("workspace", f"{settings.drills} is not there", "Make a workspace: runbook init")


def _recordings(settings: Settings) -> Look:
    place = next(path for path in (settings.recordings, *settings.recordings.parents) if path.exists())
    if not os.access(place, os.W_OK | os.X_OK):
        return _fail("recordings", f"{place} cannot be written", "Choose another place: recordings in runbook.toml.")
    free = shutil.disk_usage(place).free
    if free < FLOOR:
        return _fail("recordings", f"{free >> 20} MiB are free at {place}", f"Free {FLOOR >> 20} MiB or more.")
    concerns = open_store(str(settings.recordings)).concerns()
    for found in sorted(concerns, key=lambda found: found.warning):
        say = _warn if found.warning else _fail
        return say("recordings", f"{found.what}: {found.why}", found.fix)
    return _ok("recordings", f"{settings.recordings}, {free >> 20} MiB free")


def _seals(settings: Settings) -> Look:
    """Whether the key can sign now, when there is still somebody to mend it. A token is not asked: it wants a touch."""
    if not settings.seal.key:
        return _ok("seals", "nobody signs them; a key is named under [seal] in runbook.toml")
    try:
        key = public_key(settings.seal.key)
        if not key.is_security_key:
            sign(settings.seal.key, PROBE, b"can this key sign?\n")
    except Problems as wrong:
        found = wrong.problems[0]
        return _warn("seals", f"{found.what}: {found.why}", found.fix)
    return _ok("seals", f"{key.fingerprint} signs them{', when it is touched' if key.is_security_key else ''}")


def _runtime(settings: Settings) -> Look:
    """The first folder that a run's socket may lie in; one that somebody else took is only told, for there are more."""
    folders = door_folders(os.getuid(), shared=settings.is_shared, fresh="0" * 8)
    troubles = [why_unfit(folder, os.getuid()) for folder in folders]
    place = next((folder for folder, trouble in zip(folders, troubles, strict=True) if not trouble), None)
    advice = "Set XDG_RUNTIME_DIR to a short path of your own."
    if place is None:
        return _fail("runtime folder", "; ".join(troubles), advice)
    if _longest(place) > LONGEST_SOCKET:
        detail = f"sockets in {place} would need {_longest(place)} bytes of {LONGEST_SOCKET}"
        return _fail("runtime folder", detail, advice)
    if place is not folders[0]:
        return _warn("runtime folder", f"{troubles[0]}; a run makes another", advice)
    return _ok("runtime folder", f"{place}, {_longest(place)} of {LONGEST_SOCKET} bytes")


def _longest(folder: Path) -> int:
    return len(os.fsencode(folder / socket_name("x" * 40)))


def _people(settings: Settings) -> Look:
    """Who else gets through to a run, and whether everybody does who holds a role somewhere here."""
    others = sorted(login_name(uid) for uid in settings.allowed - {os.getuid()})
    roles = {name: shut_out(place, settings) for name, place in _environments(settings) if place.roles}
    out = {name: people for name, people in roles.items() if people}
    if out:
        said = "; ".join(f"{', '.join(people)} (roles of {name})" for name, people in out.items())
        named = ", ".join(f'"{one}"' for one in dict.fromkeys(one for people in out.values() for one in people))
        fix = f"Write into runbook.toml: [control] allow = [{named}], or take them out of roles."
        return _warn("people", f"no run lets these in: {said}", fix)
    if not others:
        return _ok("people", "nobody but you; others are named under [control] allow in runbook.toml")
    return _ok("people", f"you and {', '.join(others)}")


def _environments(settings: Settings) -> Iterator[tuple[str, Environment]]:
    """Those that can be read; the others are what `check` is for."""
    for folder in sorted(settings.inventories.iterdir()) if settings.inventories.is_dir() else ():
        path = find_environment(folder) if folder.is_dir() else None
        try:
            if path is not None:
                yield folder.name, parse_environment(path.read_bytes(), str(path), name=folder.name, folder=folder)
        except (OSError, Problems):
            continue


def _files(_: Settings) -> Look:
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= FILES:
        return _ok("open files", str(soft))
    return _warn("open files", f"{soft} are few for many hosts", f"Raise the limit: ulimit -n {FILES}")


def _ssh(_: Settings) -> Look:
    config = SshConfig()
    found = shutil.which("ssh")
    if found:
        return _ok("ssh", f"{found}, which says what ssh_config means")
    lines = config.unsupported(Question(name="any host", target="localhost"))
    without = f"; without effect: {'; '.join(lines)}" if lines else ""
    fix = "Install OpenSSH's client: it is asked what a configuration means."
    return _warn("ssh", f"not found, so ssh_config is read without it{without}", fix)


def _agent(_: Settings) -> Look:
    path = os.environ.get("SSH_AUTH_SOCK", "")
    if not path:
        return _warn("ssh agent", "none is running here", "Start one and add your key: eval $(ssh-agent); ssh-add")
    try:
        with socket.socket(socket.AF_UNIX) as agent:
            agent.settimeout(2)
            agent.connect(path)
            agent.sendall(LIST_KEYS)
            agent.recv(1)
    except OSError as wrong:
        return _warn("ssh agent", f"{path}: {wrong.strerror or wrong}", "Start it again, or unset SSH_AUTH_SOCK.")
    return _ok("ssh agent", path)


def _known_hosts(_: Settings) -> Look:
    known = (Path("~/.ssh/known_hosts").expanduser(), Path("/etc/ssh/ssh_known_hosts"))
    found = [str(path) for path in known if path.is_file()]
    if found:
        return _ok("known hosts", ", ".join(found))
    fix = "Log in once with ssh and compare the fingerprint, or write the keys to ~/.ssh/known_hosts."
    return _warn("known hosts", "no file; hosts whose key nobody knows are refused", fix)


def _program(name: str, fix: str) -> Callable[[Settings], Look]:
    def looked(_: Settings) -> Look:
        found = shutil.which(name)
        return _ok(name, found) if found else _warn(name, "not found", fix)

    return looked


def _terminal(_: Settings) -> Look:
    term = os.environ.get("TERM", "")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return _warn("terminal", "input or output is no terminal", "In a pipe runs are told in lines, which is fine.")
    if term in {"", "dumb"}:
        return _warn("terminal", f'TERM is "{term}"', "Set TERM, say to xterm-256color, to get the screen.")
    return _ok("terminal", term)


def _size(_: Settings) -> Look:
    columns, rows = shutil.get_terminal_size()
    if columns < SMALLEST[0] or rows < SMALLEST[1]:
        return _warn("size", f"{columns} x {rows}", f"Make it {SMALLEST[0]} x {SMALLEST[1]} or larger.")
    return _ok("size", f"{columns} x {rows}")


def _colours(_: Settings) -> Look:
    if "NO_COLOR" in os.environ:
        return _ok("colours", "none, because NO_COLOR is set; words and shapes say the same")
    if os.environ.get("COLORTERM") in {"truecolor", "24bit"}:
        return _ok("colours", "16 million")
    many = "256" in os.environ.get("TERM", "")
    return _ok("colours", "256" if many else "16, or none; words and shapes say the same")


def _locale(_: Settings) -> Look:
    encoding = locale.getpreferredencoding(do_setlocale=False)
    if encoding.lower().replace("-", "") == "utf8":
        return _ok("locale", encoding)
    return _warn("locale", f"{encoding} cannot show every name", "Set LANG, say to C.UTF-8.")


_LOOKS: tuple[Callable[[Settings], Look], ...] = (
    _python,
    _workspace,
    _recordings,
    _seals,
    _runtime,
    _people,
    _files,
    _ssh,
    _agent,
    _known_hosts,
    _program("tmux", "Nothing needs it: a run outlives its terminal by itself."),
    _terminal,
    _size,
    _colours,
    _locale,
)
