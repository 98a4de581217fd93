"""parallel-ssh, its native client, as its manual shows it: one client, every step on all hosts, output read."""

from __future__ import annotations

import json
import sys

from pssh.clients import ParallelSSHClient

order = json.load(sys.stdin)
client = ParallelSSHClient(
    order["hosts"], user=order["user"], port=order["port"], pkey=order["key"], pool_size=100, allow_agent=False
)
for command in order["commands"]:
    for host in client.run_command(command):
        list(host.stdout)
        assert host.exit_code == 0, host
    client.join()
