"""`script`: text for an interpreter, as the plan showed it.

The text travels in the plan, so what was confirmed is what is sent and no file of the runner's is read at run time.
The interpreter reads it from a numbered descriptor: nothing is left on the host, nothing shows in a process list, and
standard input stays free. Arguments do show in a process list; a secret belongs in `env`.
"""

from __future__ import annotations

import hashlib

from runbook.core.planned.action import ScriptAction
from runbook.core.planned.command import SH, Command
from runbook.steps.command import carried_out, prepared
from runbook.steps.kind import Bench, Finding
from runbook.transport.shell.quoting import quote


class ScriptKind:
    """Runs a script."""

    async def attempt(self, action: ScriptAction, bench: Bench) -> Finding:
        """Once, to its end."""
        return await carried_out(script_command(action, bench), bench)


def script_command(action: ScriptAction, bench: Bench) -> Command:
    """The command that hands the text and its arguments to the interpreter."""
    if not action.args:
        return prepared(Command(shell=action.text, interpreter=action.interpreter or SH), bench)
    program = " ".join(quote(word) for word in action.interpreter or SH)
    args = " ".join(quote(word) for word in action.args)
    end = _end_mark(action.text)
    text = f"exec {program} /dev/fd/9 {args} 9<<'{end}'\n{action.text}\n{end}"
    return prepared(Command(shell=text), bench)


def _end_mark(text: str) -> str:
    """A line that the text cannot hold: it would have to hold its own hash. The same text gives the same command."""
    return "END_" + hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]
