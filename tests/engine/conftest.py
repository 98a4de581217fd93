"""What every test of the engine is watched for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest


@pytest.fixture(autouse=True)
async def loud_loop() -> AsyncIterator[None]:
    """A callback that fails fails the test: the loop itself would only log it, and go on without what it was to do."""
    failed: list[object] = []

    def heard(_loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        if "handle" in context:
            failed.append(context.get("exception"))

    asyncio.get_running_loop().set_exception_handler(heard)
    yield
    assert failed == []
