"""`upload` and `download`: files, each checked by the session by size and SHA-256 and renamed into its place.

A session writes as the login user. When the step becomes somebody else, the file goes to a staging name that only the
login user can touch and is put in place from there by a command, again beside the destination and renamed, so that a
reader sees the old file or the new one. An owner is a command of its own, run before the rename where we become, after
it where we do not. Many files are put one after the other, after all of them were found to be what was shown; each is
there whole or not at all, and what a folder held besides stays.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
from collections.abc import Coroutine
from pathlib import Path, PurePosixPath

import msgspec

from runbook.core.events.fact import Staged
from runbook.core.host import Json
from runbook.core.outcome import Grade, Outcome
from runbook.core.planned.action import DownloadAction, SentFile, UploadAction
from runbook.core.planned.command import Command
from runbook.core.result import Result
from runbook.problem import Exit, Problems, problem
from runbook.steps.command import followed
from runbook.steps.ending import granted, not_repeated, refused, settled, unopened
from runbook.steps.kind import Bench, Finding
from runbook.transport.local import files
from runbook.transport.local.measuring import measure_at
from runbook.transport.local.trees import base_of
from runbook.transport.session import Session, Stream, Transferred
from runbook.transport.shell.quoting import quote

_MODE_MAX = 0o7777


class UploadKind:
    """Copies a file to a host."""

    async def attempt(self, action: UploadAction, bench: Bench) -> Finding:
        """Send, set owner and mode. An upload that a dead runner began is in doubt: its rename may have happened."""
        if bench.reattach:
            return not_repeated(f"{action.dest} was written{_by_way_of(bench)}", is_over=True)
        try:
            mode = _mode(action.mode)
            session = await bench.open_session()
        except Problems as problems:
            return unopened(problems, bench) if problems.exit is Exit.UNREACHABLE else refused(problems)
        if (withheld := await granted(session.claim(bench.job), bench)) is not None:
            return withheld
        put = _many(session, action, bench) if action.files else _one(session, action, bench, mode=mode)
        return await _timely(put, bench)


class DownloadKind:
    """Copies a file from a host."""

    async def attempt(self, action: DownloadAction, bench: Bench) -> Finding:
        """Fetch as the login user; only our side changes, so one that a dead runner began is simply done again."""
        if bench.become:
            return refused(_cannot_become(action))
        try:
            session = await bench.open_session()
        except Problems as problems:
            # Whoever it was that began it, nothing has happened that could be in doubt.
            return unopened(problems, dataclasses.replace(bench, reattach=False))
        return await _timely(_fetched(session, action, bench), bench)


async def _timely(work: Coroutine[None, None, Finding], bench: Bench) -> Finding:
    """The step's limit; a transfer that is cut off leaves its destination as it was."""
    too_late = Finding(outcome=Outcome.TIMED_OUT, detail=f"not finished at its limit of {bench.job.limit or 0:g} s")
    try:
        async with asyncio.timeout(bench.job.limit) as limit:
            finding = await work
    except TimeoutError:
        return too_late
    except Problems as problems:
        return refused(problems)
    # A command that is cancelled answers instead of raising; here it was the time that cancelled it.
    return too_late if limit.expired() and finding.outcome is Outcome.CANCELLED else finding


async def _one(session: Session, action: UploadAction, bench: Bench, *, mode: int | None) -> Finding:
    arrived = await _put(session, action, bench, mode=mode)
    return arrived if isinstance(arrived, Finding) else await _done(arrived, action.dest, bench)


async def _many(session: Session, action: UploadAction, bench: Bench) -> Finding:
    """One after the other; a change that is found before the first of them leaves nothing at the destination."""
    base = base_of(_local(action.src, bench), action.src)
    parts = [_part(action, file, base) for file in action.files]
    for file in parts:
        await _require_shown(file)
    folders = Command(shell=making(action), become=bench.become)
    if (made := await _aside(session, folders, bench)).outcome is not Outcome.SUCCEEDED:
        return made
    for number, file in enumerate(parts):
        try:
            arrived = await _put(session, file, bench, mode=_mode(file.mode), name=file.dest)
        except Problems as problems:
            raise _in_part(problems, number, len(parts)) from problems
        if isinstance(arrived, Finding):
            return arrived
    said = f"{action.dest}: {len(parts)} files, {action.size} bytes, SHA-256 of their list {action.sha256}"
    value: dict[str, Json] = {
        "path": action.dest, "files": len(parts), "size": action.size, "sha256": action.sha256
    }  # fmt: skip
    return await _told(said, value, bench)


def _part(action: UploadAction, file: SentFile, base: Path) -> UploadAction:
    """The upload of one of its files."""
    return UploadAction(
        src=str(base / file.path),
        dest=f"{action.dest.rstrip('/')}/{file.path}",
        mode=action.mode or file.mode,
        owner=action.owner,
        size=file.size,
        sha256=file.sha256,
    )


async def _require_shown(file: UploadAction) -> None:
    found = (await measure_at(Path(file.src))).content
    if found != _shown(file):
        raise files.changed(file.src, str(_shown(file)), str(found))


def _in_part(problems: Problems, there: int, total: int) -> Problems:
    """Where not all of it is as it was."""
    fix = f"{there} of {total} files are in place, each of them whole. Retry, or look at what is there now."
    return Problems(msgspec.structs.replace(one, fix=fix) for one in problems.problems)


def making(action: UploadAction) -> str:
    """Shell text that makes the folders which are not there yet; the others are left as they are."""
    top = action.dest.rstrip("/") or "/"
    inner = {str(above) for file in action.files for above in PurePosixPath(file.path).parents} - {"."}
    lines = [_made(top, action.owner, parents=True), *(_made(f"{top}/{each}", action.owner) for each in sorted(inner))]
    return "umask 022\n" + " &&\n".join(lines) + "\n"


def _made(folder: str, owner: str, *, parents: bool = False) -> str:
    path = quote(folder)
    owned = f" && chown -- {quote(owner)} {path}" if owner else ""
    return f"{{ [ -d {path} ] || {{ mkdir {'-p ' if parents else ''}-- {path}{owned}; }}; }}"


async def _put(
    session: Session, action: UploadAction, bench: Bench, *, mode: int | None, name: str = ""
) -> Transferred | Finding:
    """What is there now, or why it is not; `name` tells one of many files from the others."""
    return await (
        _staged(session, action, bench, name=name) if bench.become else _direct(session, action, bench, mode=mode)
    )


async def _direct(session: Session, action: UploadAction, bench: Bench, *, mode: int | None) -> Transferred | Finding:
    arrived = await session.upload(_local(action.src, bench), action.dest, mode=mode, shown=_shown(action))
    if action.owner:
        owned = await _aside(session, Command(argv=("chown", "--", action.owner, action.dest)), bench)
        if owned.outcome is not Outcome.SUCCEEDED:
            return owned
    return arrived


async def _staged(session: Session, action: UploadAction, bench: Bench, *, name: str) -> Transferred | Finding:
    # Hidden, private and renamed over whatever stands there: another user of /tmp can neither read nor replace it.
    stage = "/tmp/.runbook-" + hashlib.sha256(f"{bench.job.id}{name}".encode()).hexdigest()[:24]  # noqa: S108 - see above
    # On record first: were this attempt cut off, somebody has to know what lies there.
    await bench.state(Staged(path=stage))
    arrived = await session.upload(_local(action.src, bench), stage, mode=0o600, shown=_shown(action))
    placed = await _aside(session, Command(shell=placing(stage, action), become=bench.become), bench)
    return arrived if placed.outcome is Outcome.SUCCEEDED else placed


def _by_way_of(bench: Bench) -> str:
    return "".join(f" by way of {fact.path}" for fact in bench.stated if isinstance(fact, Staged))


def placing(stage: str, action: UploadAction) -> str:
    """Shell text that puts the staged file in place; what was staged goes in any case."""
    source, dest, part = (quote(path) for path in (stage, action.dest, f"{action.dest}.runbook-part"))
    steps = [f"[ ! -d {dest} ]", f"rm -f -- {part}"]
    # With noclobber the shell creates the file or fails: nobody can have laid a link there for us to write through.
    steps += ["set -C", f"cat <{source} >{part}", f"cmp -- {source} {part}"]
    steps += [f"chown -- {quote(action.owner)} {part}"] if action.owner else []
    steps += [f"chmod -- {quote(action.mode or '0644')} {part}", f"mv -f -- {part} {dest}"]
    return "umask 077\n" + " &&\n".join(steps) + f"\ncode=$?\nrm -f -- {source} {part}\nexit $code\n"


async def _aside(session: Session, command: Command, bench: Bench) -> Finding:
    """A command that serves the transfer: what was written about the step's result does not speak of it."""
    plain = msgspec.structs.replace(bench.planned, expect=None, failed_when="", until="")
    job = dataclasses.replace(bench.job, durable=False, leaves_trace=False)
    return await followed(session, command, dataclasses.replace(bench, planned=plain, job=job))


def _local(path: str, bench: Bench) -> Path:
    return files.here(bench.folder, path)


def _shown(action: UploadAction) -> Transferred | None:
    """What the file has to be; None in a plan that was made before files were looked at."""
    return Transferred(size=action.size, sha256=action.sha256) if action.sha256 else None


async def _fetched(session: Session, action: DownloadAction, bench: Bench) -> Finding:
    destination = landing(action, bench)
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = f"{destination.parent} cannot be made"
        raise problem(what, why=error.strerror or "", fix="Name another place.", exit=Exit.FAILED) from error
    arrived = await session.download(action.src, destination)
    await bench.sink.reached(Grade.ATTACHED)
    return await _done(arrived, str(destination), bench)


def landing(action: DownloadAction, bench: Bench) -> Path:
    """Where a download lands: `dest`, or below it in a directory of the host's name when there are several hosts.

    Raises:
        Problems: The source names no file, or the host's name would lead out of `dest`.
    """
    dest = _local(action.dest, bench)
    name = action.src.rstrip("/").rpartition("/")[2]
    if name in {"", ".", ".."} or bench.host in {"", ".", ".."} or "/" in bench.host:
        raise problem(f"{action.src} on {bench.host} cannot be given a place", fix="Name a file.", exit=Exit.FAILED)
    if len(bench.planned.hosts) > 1:
        return dest / bench.host / name
    return dest / name if action.dest.endswith("/") or dest.is_dir() else dest


async def _done(arrived: Transferred, place: str, bench: Bench) -> Finding:
    said = f"{place}: {arrived.size} bytes, SHA-256 {arrived.sha256}"
    return await _told(said, {"path": place, "size": arrived.size, "sha256": arrived.sha256}, bench)


async def _told(said: str, value: dict[str, Json], bench: Bench) -> Finding:
    await bench.sink.receive(Stream.OUT, f"{said}\n".encode())
    return settled(Finding(outcome=Outcome.SUCCEEDED, detail=said, result=Result(stdout=said, value=value)), bench)


def _mode(text: str) -> int | None:
    """Octal digits as chmod takes them; None keeps the source's mode.

    Raises:
        Problems: They are not that.
    """
    if not text:
        return None
    try:
        mode = int(text, 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= _MODE_MAX:
        raise problem(f'"{text}" is not a mode', fix='Write octal digits: "0644".', exit=Exit.FAILED)
    return mode


def _cannot_become(action: DownloadAction) -> Problems:
    return problem(
        f"{action.src} would be fetched as the login user, not as whom the step becomes",
        why="file transfer knows no sudo",
        fix="Let a command with `become` copy it to where the login user may read it, or print it.",
        exit=Exit.FAILED,
    )
