"""Ending a command that has run long enough or is no longer wanted; the same for every way of running one.

The caller of a cancelled task learns of it by what is returned: who survived is worth more than an exception.
A second cancellation gives up at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from runbook.core.outcome import Ending, Expired, Lost, Stopped
from runbook.transport.shell.channel import ChannelRefused

SETTLE = 10.0
"""Seconds that ending may take beyond its grace, with round trips and the listing of many processes."""

LAST_WORDS = 2.0
"""Seconds for the last output and the status of what has just been ended."""


class Ender(Protocol):
    """Ends one command."""

    async def end(self) -> tuple[str, ...]:
        """End it and everything that belongs to it; what is left, as `pid name`.

        Raises:
            ChannelRefused: It could not be asked for, or no answer came.
            Overtaken: It had come to an end of its own, or never started.
        """


class Overtaken(Exception):  # noqa: N818 - no error: there was nothing left to end
    """What was to be ended had ended by itself, or it is certain that it never started."""


async def bounded(following: asyncio.Task[Ending], limit: float | None, ender: Ender) -> Ending:
    """Wait for a command; end it at its limit or when this task is cancelled.

    Args:
        following: Reads the command's output to its ending.
        limit: Seconds; None for no limit.
        ender: Ends it on the host.
    """
    try:
        await asyncio.wait({following}, timeout=limit)
    except asyncio.CancelledError:
        if task := asyncio.current_task():
            task.uncancel()
        return following.result() if following.done() else await _ended(following, ender, Stopped)
    if following.done():
        return following.result()
    return await _ended(following, ender, lambda survivors: Expired(limit or 0.0, survivors))


async def _ended(following: asyncio.Task[Ending], ender: Ender, verdict: Callable[[tuple[str, ...]], Ending]) -> Ending:
    try:
        survivors = await ender.end()
    except Overtaken:
        return await _own_ending(following)
    except ChannelRefused as refused:
        # Without an answer nobody knows; unless the link that is gone has said so already.
        return following.result() if following.done() else Lost(f"it could not be ended: {refused.reason}")
    await asyncio.wait({following}, timeout=LAST_WORDS)
    return verdict(survivors)


async def _own_ending(following: asyncio.Task[Ending]) -> Ending:
    done: Awaitable[object] = asyncio.wait({following}, timeout=SETTLE)
    await done
    return following.result() if following.done() else Lost("it has ended, but not said how")
