"""`command`: shell text or an argument list on one host, and the one road that every command of a step takes.

The session decides how the command is carried and how durable it is; the tolerances decide what its ending means.
Between the two this file only joins: it opens the host, tees the output and hands the ending over. An attempt that an
earlier runner started is followed and never started, and it is followed from its first byte, because its result is
judged by all of its output and not by what came after the runner died.
"""

from __future__ import annotations

import dataclasses

from runbook.core.action import CommandAction
from runbook.core.command import Command
from runbook.problem import Problems
from runbook.steps.capture import Capture
from runbook.steps.ending import concluded, refused, unopened
from runbook.steps.kind import Bench, Finding
from runbook.steps.tolerance import Observed
from runbook.transport.masking import Masker
from runbook.transport.session import Session


class CommandKind:
    """Runs a command."""

    async def attempt(self, action: CommandAction, bench: Bench) -> Finding:
        """Once, to its end."""
        return await carried_out(prepared(Command(shell=action.shell, argv=action.argv), bench), bench)


def prepared(command: Command, bench: Bench) -> Command:
    """The same words with the step's environment, folder, user and secrets."""
    return dataclasses.replace(
        command, env=bench.env, cwd=bench.planned.cwd, become=bench.become, secrets=bench.secrets
    )


async def carried_out(command: Command, bench: Bench) -> Finding:
    """Open the host, run the command to its end and judge it."""
    try:
        session = await bench.open_session()
    except Problems as problems:
        return unopened(problems, bench)
    return await followed(session, command, bench)


async def followed(session: Session, command: Command, bench: Bench) -> Finding:
    """Run a command on an open host, or follow the one that runs there already."""
    masker, began = Masker.for_secrets(bench.secrets), bench.clock.monotonic()
    try:
        if bench.reattach:
            capture = Capture(bench.sink, masker, recorded=bench.job)
            whole = dataclasses.replace(bench.job, out_offset=0, err_offset=0)
            ending = await session.reattach(command, whole, capture)
        else:
            capture = Capture(bench.sink, masker)
            ending = await session.run(command, bench.job, capture)
    except Problems as problems:
        return refused(problems)
    out, err = capture.ended()
    took = bench.clock.monotonic() - began
    return concluded(ending, Observed(stdout=out, stderr=err, latency=took), bench)
