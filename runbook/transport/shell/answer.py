"""A frame that prints no output: sent, and its control lines read up to the last word."""

from __future__ import annotations

import asyncio

from runbook.transport.shell import last_words
from runbook.transport.shell.channel import ChannelRefused, Gone
from runbook.transport.shell.worker import Said, Worker

MOST = 4096
"""Control lines that an answer may have: as many processes as anybody could read the names of."""

_LAST_WORDS = last_words.WORDS | {"ended", "over", "unknown", "forgot", "facts", "claimed"}


async def answered(worker: Worker, text: str, *, within: float) -> list[Said]:
    """Send a frame that prints no output and read its control lines up to its last word.

    Args:
        worker: The shell.
        text: The frame; empty for one that was sent ahead.
        within: Seconds for all of it.

    Raises:
        ChannelRefused: No last word came in time or far too many others.
    """
    said: list[Said] = []
    try:
        async with asyncio.timeout(within):
            await worker.send(text)
            while len(said) < MOST:
                match await worker.next():
                    case Said() as line:
                        said.append(line)
                        if line.word in _LAST_WORDS:
                            worker.done()
                            return said
                    case Gone(reason):
                        raise ChannelRefused(reason)
                    case _:
                        pass
    except TimeoutError:
        raise ChannelRefused(f"the host gave no answer within {within:g} s") from None
    raise ChannelRefused("the host answered without end")


def survivors(said: list[Said]) -> tuple[str, ...]:
    """Who is left, as `pid name`."""
    return tuple(line.rest for line in said if line.word == "left")
