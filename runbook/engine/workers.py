"""The seam between the loop that decides what is in flight and whatever does the work.

The executor knows when something starts and ends and nothing of hosts; workers know hosts and nothing of when. Tests
put hands of their own here.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Protocol

from runbook.core.effect import Attempt, Enter, Watch
from runbook.core.event import AttemptStarted, Event
from runbook.core.run import Run


class Workers(Protocol):
    """What does the work that effects name. Each is one coroutine that tells events and returns."""

    def attempt(self, effect: Attempt, *, reattach: bool) -> Coroutine[None, None, None]:
        """Run a step on a host and tell how it ended."""

    def stop(self, effect: Attempt) -> Coroutine[None, None, None]:
        """End what an earlier runner left running and nobody wants any more, and tell how it ended."""

    def started(self, run: Run, effect: Attempt) -> AttemptStarted:
        """The event that must be durable before `attempt` sends anything."""

    def enter(self, run: Run, effect: Enter) -> tuple[Event, ...]:
        """Evaluate a step's condition and render what waits for values. At once: it touches nothing outside."""

    def watch(self, effect: Watch) -> Coroutine[None, None, None]:
        """Ask a probe at its interval, for ever."""

    def write_marks(self) -> Coroutine[None, None, None]:
        """Write canary marks, for ever; read one back after each interruption."""

    async def close(self) -> None:
        """Hang up everywhere."""
