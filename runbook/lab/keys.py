"""The keys of one lab: one for the operator, one for each host, made once and kept until the lab is deleted.

They are made per lab so that a key found in one place opens nothing in another, and so that strict host-key
checking works here exactly as it must on real hosts.
"""

from __future__ import annotations

import os
from pathlib import Path

from runbook.lab.layout import HOSTS, Layout
from runbook.transport.ssh.library import asyncssh


def make_keys(layout: Layout) -> None:
    """Make whatever key is not there yet. Private keys are 0600 from their first byte on."""
    layout.operator_key.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in (layout.operator_key, *(layout.host_key(host.name) for host in HOSTS)):
        if not path.exists():
            _write_pair(path, comment=f"runbook lab {path.name}")


def write_known_hosts(layout: Layout, base: int) -> None:
    """Say which key each address has; rewritten whenever the ports are chosen anew."""
    lines = []
    for host in HOSTS:
        public = asyncssh.read_public_key(f"{layout.host_key(host.name)}.pub").export_public_key().decode()
        lines.append(f"[127.0.0.1]:{base + host.offset},{host.name} {public}")
    _write(layout.known_hosts, "".join(lines).encode())


def _write_pair(path: Path, *, comment: str) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519", comment=comment)
    _write(Path(f"{path}.pub"), key.export_public_key())
    _write(path, key.export_private_key())


def _write(path: Path, data: bytes) -> None:
    beside = path.with_name(f".{path.name}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    beside.rename(path)
