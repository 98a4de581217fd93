"""`notify`: the message on the record.

It succeeds by being recorded; nobody's mail server can fail a run. Nothing is sent from here, as `check` says: whoever
is to be told by a machine is told by a step that does that, or by something that reads the record.
"""

from __future__ import annotations

from runbook.core.outcome import Grade, Outcome
from runbook.core.planned.action import NotifyAction
from runbook.steps.kind import Bench, Finding
from runbook.transport.session import Stream


class NotifyKind:
    """Puts a message on record."""

    async def attempt(self, action: NotifyAction, bench: Bench) -> Finding:
        """Write it as output, with whom it is for."""
        await bench.sink.reached(Grade.ATTACHED)
        await bench.sink.receive(Stream.OUT, f"{action.message}\n".encode())
        to = ", ".join(action.to)
        return Finding(outcome=Outcome.SUCCEEDED, detail=f"for {to}" if to else "")
