"""Measuring a file beside the loop: a backup of a terabyte must keep neither a gate nor a probe waiting.

Apart from `files.py`, so that whoever only plans need not load a loop.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from runbook.core.planned.action import SentFile
from runbook.transport.local.files import BLOCK, Measured, Source
from runbook.transport.local.trees import sent_files, tree_at
from runbook.transport.session import Transferred

STRETCH = 64 * BLOCK
"""Bytes read in one go by a thread; between two of them whoever waits can give up."""


async def measure_at(path: Path) -> Measured:
    """Look at a file.

    Raises:
        Problems: It is missing, unreadable or not a regular file.
    """
    with await asyncio.to_thread(Source, path) as source:
        return Measured(await measure(source), source.mode)


async def measure_files_at(path: Path, src: str) -> tuple[SentFile, ...]:
    """Look at a folder, or at what a pattern names.

    Raises:
        Problems: There is something that cannot be sent, or nothing.
    """
    tree = await asyncio.to_thread(tree_at, path, src)
    return sent_files(src, {name: await measure_at(tree.base / name) for name in tree.names})


async def measure(source: Source) -> Transferred:
    """Size and SHA-256 of all of it.

    Raises:
        Problems: The disk does not give it.
    """
    source.rewind()
    while await asyncio.to_thread(source.skip, STRETCH):
        pass
    return source.found
