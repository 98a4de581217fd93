"""One feed for several who wait on it: the lines, the questions, the words, the countdowns of one watching.

Apart from all of these because none of them owns it; it keeps nothing but the bell that wakes them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from runbook.core.run import Run
from runbook.feed.live import LiveFeed

T = TypeVar("T")


class Watched:
    """A feed that one task advances and others wait on: two that both took its news would each lose the other's."""

    def __init__(self, feed: LiveFeed) -> None:
        """Nothing has moved yet."""
        self.feed = feed
        self._moved = asyncio.Event()

    @property
    def run(self) -> Run:
        """The newest folded run."""
        return self.feed.run

    async def advance(self) -> None:
        """Wait for news, and wake everybody who waits for some; for one task alone."""
        await self.feed.wait_changed()
        self._moved.set()
        self._moved = asyncio.Event()

    async def news(self) -> None:
        """Return after the next advance."""
        await self._moved.wait()

    async def until(self, holds: Callable[[Run], bool]) -> None:
        """Return when it holds, or when nothing more will come."""
        while self.feed.is_live and not holds(self.run):
            await self.news()


async def first(*waits: Coroutine[Any, Any, T]) -> tuple[asyncio.Task[T], ...]:
    """Wait for one of several and end the others, which are then cancelled; what one raises is raised."""
    tasks = tuple(asyncio.create_task(wait) for wait in waits)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
    return tasks
