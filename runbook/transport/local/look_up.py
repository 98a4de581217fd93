"""Names to addresses, as this machine finds them: what a fault of the network is given for a peer's name.

Looked up once, when the step is entered, and shown; a host that finds the name elsewhere is given the address all the
same, because what was shown is what is done.
"""

from __future__ import annotations

import asyncio
import socket

from runbook.problem import problem


async def addresses_of(name: str) -> tuple[str, ...]:
    """All of them, of both families, each once; an address is its own.

    Raises:
        Problems: There is none.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise problem(
            f"no address is known for {name}",
            why=str(error),
            fix="Write its address, or give it one in the inventory: ansible_host.",
            code="unknown-peer",
        ) from None
    return tuple(dict.fromkeys(str(address[0]).partition("%")[0] for *_, address in found))
