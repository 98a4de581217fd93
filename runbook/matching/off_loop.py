"""Asking from a loop that must not wait: the questions of a run are answered while it answers its people."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

T = TypeVar("T")


async def off_loop(work: Callable[[], T]) -> T:
    """Do work that asks, in a thread that has no other work, while the loop goes on.

    What is asked about has happened: whoever is cancelled meanwhile still gets the answer, which is never far.
    """
    answer = asyncio.get_running_loop().run_in_executor(_thread(), work)
    try:
        return await asyncio.shield(answer)
    except asyncio.CancelledError:
        return await answer


@cache
def _thread() -> ThreadPoolExecutor:
    # One, because one question is answered at a time; and its own, because a queue of questions must not stand before
    # the writing of records, which uses the loop's threads.
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="matching")
