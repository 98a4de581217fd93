"""The floor: asyncssh and nothing else. One connection a host, every step on all hosts, a channel for each command.

No record, no output kept, no durability, no plan: what is above this is the price of those.
"""

from __future__ import annotations

import asyncio
import json
import sys

import asyncssh


async def main() -> None:
    order = json.load(sys.stdin)
    key = asyncssh.read_private_key(order["key"])
    known = asyncssh.read_known_hosts(order["known_hosts"])
    turns = asyncio.Semaphore(32)

    async def connect(host: str) -> asyncssh.SSHClientConnection:
        async with turns:
            return await asyncssh.connect(
                host,
                port=order["port"],
                username=order["user"],
                client_keys=[key],
                known_hosts=known,
                agent_path=None,
                config=None,
            )

    connections = await asyncio.gather(*(connect(host) for host in order["hosts"]))
    for command in order["commands"]:
        for result in await asyncio.gather(*(one.run(command) for one in connections)):
            assert result.returncode == 0, result
    for connection in connections:
        connection.close()


asyncio.run(main())
