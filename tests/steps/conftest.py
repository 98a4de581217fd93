"""What every test of a step kind leaves behind is taken away: sessions, and the shells that they keep."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.steps.desk import OPENED


@pytest.fixture(autouse=True)
async def _sessions_closed() -> AsyncIterator[None]:
    yield
    while OPENED:
        await OPENED.pop().close()
    # A closed pipe leaves the loop at its next turns, not at once.
    for _ in range(3):
        await asyncio.sleep(0)
