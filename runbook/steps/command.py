"""`command`: shell text or an argument list on one host, and the one road that every command of a step takes.

The session decides how the command is carried and how durable it is; the tolerances decide what its ending means.
Between the two this file only joins: it opens the host, tees the output and hands the ending over. An attempt that an
earlier runner started is followed (`following.py`) and never started, and it is followed from its first byte, because
its result is judged by all of its output and not by what came after the runner died.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Coroutine

from runbook.core.outcome import Ending
from runbook.core.planned.action import CommandAction
from runbook.core.planned.command import SH, Command
from runbook.masking.masker import Masker
from runbook.problem import Problems
from runbook.steps.capture import Capture
from runbook.steps.ending import concluded, refused, unopened
from runbook.steps.following import Following
from runbook.steps.kind import Bench, Finding
from runbook.steps.tolerance import Observed
from runbook.transport.session import Session


class CommandKind:
    """Runs a command."""

    async def attempt(self, action: CommandAction, bench: Bench) -> Finding:
        """Once, to its end."""
        return await carried_out(
            prepared(Command(shell=action.shell, argv=action.argv, interpreter=action.interpreter or SH), bench), bench
        )


def prepared(command: Command, bench: Bench) -> Command:
    """The same words with the step's environment, folder, user and secrets."""
    return dataclasses.replace(
        command, env=bench.env, cwd=bench.planned.cwd, become=bench.become, secrets=bench.secrets
    )


async def carried_out(command: Command, bench: Bench) -> Finding:
    """Open the host, run the command to its end and judge it; what leaves a trace also through the loss of its link."""
    try:
        session = None if bench.reattach else await bench.open_session()
    except Problems as problems:
        return unopened(problems, bench)
    if session is not None and not bench.job.leaves_trace:
        return await followed(session, command, bench)
    capture = _capture(bench)
    return await _found(Following(command, bench, capture).to_its_end(session), capture, bench)


async def followed(session: Session, command: Command, bench: Bench) -> Finding:
    """Run a command that leaves no trace on an open host."""
    capture = _capture(bench)
    return await _found(session.run(command, bench.job, capture), capture, bench)


def _capture(bench: Bench) -> Capture:
    masker = Masker.for_secrets(bench.secrets)
    return Capture(bench.sink, masker, recorded=bench.job if bench.reattach else None)


async def _found(work: Coroutine[None, None, Ending], capture: Capture, bench: Bench) -> Finding:
    """Wait for the ending and say what it means."""
    began = bench.clock.monotonic()
    try:
        ending = await work
    except Problems as problems:
        return refused(problems)
    out, err = capture.ended()
    took = bench.clock.monotonic() - began
    return await concluded(ending, Observed(stdout=out, stderr=err, latency=took), bench)
