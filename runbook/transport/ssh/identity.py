"""Who we are to a host: private keys and agents, each read once per run and never asked for again.

Loading a key costs file reads, a key derivation and, for RSA, a slow validation; listing an agent costs a
round trip. A thousand hosts share the results. A key that is encrypted is used through the agent; this
program asks for no passphrase, because a run must be able to go on when nobody sits there.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from runbook.problem import Exit, Problem, Problems, Where
from runbook.transport.ssh.resolve import ResolvedHost

Identity = asyncssh.SSHKeyPair | asyncssh.SSHKey | tuple[asyncssh.SSHKey, asyncssh.SSHCertificate]
"""What asyncssh takes as one way to log in."""


@dataclass(frozen=True, slots=True)
class _File:
    """What a key file gave."""

    identities: tuple[Identity, ...] = ()
    public: bytes = b""
    """The public half where it is known, by which the agent may hold the private one."""
    trouble: str = ""


class Identities:
    """Keys and agents of one connector."""

    def __init__(self) -> None:
        """Read nothing yet."""
        self._files: dict[tuple[str, tuple[str, ...]], _File] = {}
        self._agents: dict[str, tuple[asyncssh.SSHAgentClient, list[asyncssh.SSHKeyPair]]] = {}
        self._reading = asyncio.Lock()

    async def of(self, host: ResolvedHost) -> list[Identity]:
        """The identities to offer to a host, in order.

        Raises:
            Problems: A key that somebody named is missing or encrypted and not in the agent, or there is none at all.
        """
        async with self._reading:
            held = await self._held_by_agent(host.agent)
            files = [await self._file(path, host.certificates) for path in host.key_files]
        offered: list[Identity] = []
        for path, file in zip(host.key_files, files, strict=True):
            same = [pair for pair in held if file.public and pair.public_data == file.public]
            offered += same or file.identities
            if file.trouble and not same and host.keys_required:
                raise _unusable(host, path, file.trouble)
        if not host.identities_only:
            # Named keys first: servers allow about six tries, and an agent may hold more than that.
            offered += [pair for pair in held if pair not in offered]
        if not offered:
            raise _unusable(host, ", ".join(host.key_files), "no usable key and none in the agent")
        return offered

    async def close(self) -> None:
        """Hang up on the agents."""
        for agent, _ in self._agents.values():
            agent.close()
            await agent.wait_closed()
        self._agents.clear()

    async def _held_by_agent(self, path: str) -> list[asyncssh.SSHKeyPair]:
        if not path:
            return []
        if path not in self._agents:
            try:
                agent = await asyncssh.connect_agent(path)
                self._agents[path] = agent, list(await agent.get_keys())
            except (OSError, ValueError, asyncssh.Error):
                return []  # As ssh does: without an agent there are still files.
        return self._agents[path][1]

    async def _file(self, path: str, certificates: tuple[str, ...]) -> _File:
        key = path, certificates
        if key not in self._files:
            self._files[key] = await asyncio.to_thread(_load, Path(path), certificates)
        return self._files[key]


def _load(path: Path, certificates: tuple[str, ...]) -> _File:
    public = _public_half(path)
    try:
        key = asyncssh.read_private_key(path)
    except OSError as error:
        return _File(public=public, trouble=error.strerror or str(error))
    except asyncssh.KeyEncryptionError:
        return _File(public=public, trouble="it is encrypted, and the agent does not hold it")
    except asyncssh.KeyImportError as error:
        return _File(public=public, trouble=str(error))
    found = [_certificate(Path(name)) for name in (f"{path}-cert.pub", *certificates)]
    fitting = [(key, cert) for cert in found if cert is not None and cert.key == key.convert_to_public()]
    return _File(identities=(*fitting, key), public=key.public_data)


def _public_half(path: Path) -> bytes:
    try:
        return asyncssh.read_public_key(f"{path}.pub").public_data
    except (OSError, asyncssh.KeyImportError):
        return b""


def _certificate(path: Path) -> asyncssh.SSHCertificate | None:
    """None when there is no certificate, which is the ordinary case."""
    try:
        return asyncssh.read_certificate(path)
    except (OSError, asyncssh.KeyImportError):
        return None


def _unusable(host: ResolvedHost, path: str, why: str) -> Problems:
    return Problems(
        [
            Problem(
                what=f"there is no key to log in to {host.name} with",
                why=f"{path}: {why}" if path else why,
                fix="Add the key to your agent (ssh-add), or name one with ansible_ssh_private_key_file.",
                where=Where(f"host {host.name}"),
                code="auth",
                exit=Exit.UNREACHABLE,
            )
        ]
    )
