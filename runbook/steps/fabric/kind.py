"""`fabric`: a task of an existing fabfile on one host, in a child process under our host-key policy.

People bring fabfiles that work; they should go on working, unchanged. What does not come along is Fabric's trust in
any host key, its waiting without limit and its taste for the terminal. The grade is *attached*: there is nothing on
the host to follow a task by, so a task whose runner died is in doubt, and of a task that is ended here only our side
is certain to have ended. A task becomes somebody else by its own `sudo`, which is told the run's password where it
asks; `become` and `cwd` belong to commands and are refused rather than passed over. What it returns is its result, next
to what it printed.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import assert_never

import msgspec

from runbook.core.host import Json
from runbook.core.outcome import Ending, Outcome
from runbook.core.planned.action import FabricAction
from runbook.core.planned.command import Secret
from runbook.masking.masker import Masker
from runbook.problem import Exit, Problem, Problems, problem
from runbook.steps.capture import Capture
from runbook.steps.ending import concluded, granted, not_repeated, refused
from runbook.steps.fabric.interpreter import program
from runbook.steps.fabric.process import Child, start
from runbook.steps.fabric.project import Project
from runbook.steps.fabric.talk import (
    LARGEST_VALUE,
    CommandFailed,
    Done,
    End,
    LinkLost,
    NotOpened,
    Orders,
    Raised,
    Shown,
    TaskRefused,
    Told,
)
from runbook.steps.kind import Bench, Finding
from runbook.steps.tolerance import Kept, Observed
from runbook.transport.shell.limits import bounded
from runbook.transport.ssh.jump import hops
from runbook.transport.ssh.openssh import SshConfig
from runbook.transport.ssh.resolve import resolve

CONNECT_LIMIT = 15.0
"""Seconds for each stage of a login, as for every other connection of a run."""


class FabricKind:
    """Runs a Fabric task."""

    async def attempt(self, action: FabricAction, bench: Bench) -> Finding:
        """Once, to its end. A task that a dead runner began is in doubt: nothing can say how far it came."""
        if bench.reattach:
            return not_repeated(f"task {action.task} was run", is_over=False)
        try:
            orders = await asyncio.to_thread(orders_for, action, bench)
        except Problems as problems:
            return _not_dialled(problems)
        if (withheld := await granted(bench.claim(), bench)) is not None:
            return withheld
        began = bench.clock.monotonic()
        capture = Capture(bench.sink, Masker.for_secrets(bench.secrets))
        try:
            child = await start(orders, grace=bench.job.grace, tell=lambda: _sudo_password(bench))
        except OSError as error:
            return refused(_no_process(error))
        ending = await _followed(child, capture, bench)
        out, err = capture.ended()
        took = bench.clock.monotonic() - began
        observed = Observed(stdout=out, stderr=err, latency=took, value=_returned(child.ended, bench))
        return _told(await concluded(ending, observed, bench), child, bench)


def orders_for(action: FabricAction, bench: Bench) -> Orders:
    """What the child is told. Reads ssh_config, so it may block.

    Raises:
        Problems: The step says what a Fabric task cannot do, there is no such fabfile, or no way to the host.
    """
    host = bench.address
    if host is None or host.connection != "ssh":
        raise _wrong(f"a Fabric task needs a host to log in to, and {bench.host} is none", "Use a command for it.")
    refusals = {"become": bench.become, "cwd": bench.planned.cwd}
    for word, value in refusals.items():
        if value:
            raise _wrong(f"a Fabric task takes no {word}", "Take it out, and let the task do it or give it args.")
    file = (bench.folder / Path(action.file).expanduser()).resolve()
    if not file.is_file() and not (file / "__init__.py").is_file():
        raise _wrong(f"there is no fabfile at {file}", "Correct file; it is relative to the runbook.")
    agent = os.environ.get("SSH_AUTH_SOCK", "")
    config = SshConfig()
    target = resolve(host, agent=agent, config=config)
    way = (*hops(host, target, agent=agent, config=config), target)
    route = tuple(dataclasses.replace(hop, accepted=bench.accepted(hop.name)) for hop in way)
    shown = Shown(sha256=action.sha256, beside=action.beside)
    Project(file, shown).look()
    return Orders(
        python=program(action.python, bench.folder),
        is_guest=bool(action.python),
        task=action.task,
        file=str(file),
        shown=shown,
        args=action.args,
        route=route,
        env=_environment(bench),
        keys=dict(bench.keys),
        connect_limit=CONNECT_LIMIT,
    )


def _environment(bench: Bench) -> dict[str, str]:
    env = {name: value.reveal() if isinstance(value, Secret) else value for name, value in bench.env}
    for name, value in env.items():
        if not _NAME.fullmatch(name) or "\0" in value:
            raise _wrong(f'"{name}" cannot stand in an environment', "Use letters, digits and _, and no NUL.")
    return env


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


async def _sudo_password(bench: Bench) -> Told:
    """For a sudo of the task that asks. It has been taken by a sudo of ours there, or the task is told why not."""
    try:
        session = await bench.open_session()
        return Told(word=(await session.sudo_password()).reveal())
    except Problems as problems:
        return Told(why=problems.problems[0].what)


async def _followed(child: Child, capture: Capture, bench: Bench) -> Ending:
    following = asyncio.create_task(child.follow(capture), name=f"fabric {bench.job.id}")
    try:
        return await bounded(following, bench.job.limit, child)
    finally:
        following.cancel()
        await child.close()


def _told(finding: Finding, child: Child, bench: Bench) -> Finding:
    """The finding in the child's words."""
    if finding.outcome in {Outcome.TIMED_OUT, Outcome.CANCELLED}:
        if child.opened is None:
            return finding
        detail = f"{finding.detail}; what it had started on {bench.host} may still run"
        return msgspec.structs.replace(finding, detail=detail, survivors=("? what the task had started",))
    if child.ended is None:
        return finding
    return _worded(finding, child.ended, child, bench)


def _worded(finding: Finding, ended: End, child: Child, bench: Bench) -> Finding:
    quoting = not bench.planned.no_log
    match ended:
        case Done(unkept=unkept):
            engine = child.opened.engine if child.opened else ""
            said = "; ".join(filter(None, (finding.detail or engine, unkept)))
            return msgspec.structs.replace(finding, detail=said)
        case CommandFailed(command, code, place):
            said = f'"{command}"' if quoting else "a command"
            last = finding.result.stderr.rstrip().rpartition("\n")[2].strip()
            words = f"; stderr ends: {last[:200]}" if last and quoting else ""
            return _failed(finding, f"{said} ended with exit code {code}{_at(place)}{words}")
        case Raised(kind, message, place):
            return _failed(finding, f"{kind}: {message}{_at(place)}" if message and quoting else f"{kind}{_at(place)}")
        case TaskRefused(wrong, place):
            return _failed(finding, f"{wrong}{_at(place)}")
        case NotOpened(wrong):
            return msgspec.structs.replace(finding, detail=str(wrong))
        case LinkLost():
            return finding
        case _:
            assert_never(ended)


def _returned(ended: End | None, bench: Bench) -> Kept | None:
    """What the task returned, masked as all that goes on record; None where it returned nothing."""
    if not isinstance(ended, Done):
        return None
    if ended.unkept:
        return Kept("", cut=LARGEST_VALUE)
    mask = Masker.for_secrets(bench.secrets).mask_text
    return Kept(json.dumps(_hidden(json.loads(ended.value), mask))) if ended.value else None


def _hidden(value: Json, mask: Callable[[str], str]) -> Json:
    """Every text in it masked, keys too; a number that is a secret becomes the mask."""
    match value:
        case str():
            return mask(value)
        case dict():
            return {mask(key): _hidden(each, mask) for key, each in value.items()}
        case list():
            return [_hidden(each, mask) for each in value]
        case int() | float() if not isinstance(value, bool) and (hidden := mask(str(value))) != str(value):
            return hidden
        case _:
            return value


def _failed(finding: Finding, detail: str) -> Finding:
    """A task that did not return has failed, whatever `expect` or `failed_when` would make of its output."""
    return msgspec.structs.replace(finding, outcome=Outcome.FAILED, detail=detail)


def _at(place: str) -> str:
    return f" ({place})" if place else ""


def _not_dialled(problems: Problems) -> Finding:
    unreachable = problems.exit is Exit.UNREACHABLE
    finding = refused(problems)
    return msgspec.structs.replace(finding, outcome=Outcome.UNREACHABLE) if unreachable else finding


def _wrong(what: str, fix: str) -> Problems:
    return problem(what, fix=fix, code="fabric-step", exit=Exit.FAILED)


def _no_process(error: OSError) -> Problems:
    return Problems([Problem(what="no process could be started for a Fabric task", why=str(error), exit=Exit.FAILED)])
