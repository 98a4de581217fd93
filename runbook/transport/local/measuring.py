"""Measuring a file beside the loop: a backup of a terabyte must keep neither a gate nor a probe waiting.

Apart from `files.py`, so that whoever only plans need not load a loop.
"""

from __future__ import annotations

import asyncio

from runbook.transport.local.files import BLOCK, Source
from runbook.transport.session import Transferred

STRETCH = 64 * BLOCK
"""Bytes read in one go by a thread; between two of them whoever waits can give up."""


async def measure(source: Source) -> Transferred:
    """Size and SHA-256 of all of it.

    Raises:
        Problems: The disk does not give it.
    """
    source.rewind()
    while await asyncio.to_thread(source.skip, STRETCH):
        pass
    return source.found
