"""`fabric`: a task of an existing fabfile on one host, in a child process under our host-key policy.

People bring fabfiles that work; they should go on working, unchanged. What does not come along is Fabric's trust in
any host key, its waiting without limit and its taste for the terminal. The grade is *attached*: there is nothing on
the host to follow a task by, so a task whose runner died is in doubt, and of a task that is ended here only our side
is certain to have ended. A task becomes somebody else by its own `sudo`, without a password; `become`, `env` and
`cwd` belong to commands and are refused rather than passed over.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
from pathlib import Path
from typing import assert_never

import msgspec

from runbook.core.action import FabricAction
from runbook.core.outcome import Ending, Grade, Outcome
from runbook.masking.masker import Masker
from runbook.problem import Exit, Problem, Problems, problem
from runbook.steps.capture import Capture
from runbook.steps.ending import concluded, granted, not_repeated, refused
from runbook.steps.fabric.process import Child, start
from runbook.steps.fabric.project import Project
from runbook.steps.fabric.talk import CommandFailed, Done, End, LinkLost, NotOpened, Orders, Raised, Shown, TaskRefused
from runbook.steps.kind import Bench, Finding
from runbook.steps.tolerance import Observed
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
            child = await start(orders, grace=bench.job.grace)
        except OSError as error:
            return refused(_no_process(error))
        await bench.sink.reached(Grade.ATTACHED)
        ending = await _followed(child, capture, bench)
        out, err = capture.ended()
        observed = Observed(stdout=out, stderr=err, latency=bench.clock.monotonic() - began)
        return _told(await concluded(ending, observed, bench), child, bench)


def orders_for(action: FabricAction, bench: Bench) -> Orders:
    """What the child is told. Reads ssh_config, so it may block.

    Raises:
        Problems: The step says what a Fabric task cannot do, there is no such fabfile, or no way to the host.
    """
    host = bench.address
    if host is None or host.connection != "ssh":
        raise _wrong(f"a Fabric task needs a host to log in to, and {bench.host} is none", "Use a command for it.")
    refusals = {"become": bench.become, "env": bench.env, "cwd": bench.planned.cwd}
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
        task=action.task, file=str(file), shown=shown, args=action.args, route=route, connect_limit=CONNECT_LIMIT
    )


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
        case Done():
            engine = child.opened.engine if child.opened else ""
            return msgspec.structs.replace(finding, detail=finding.detail or engine)
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
