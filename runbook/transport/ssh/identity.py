"""Who we are to a host: private keys, certificates and agents, each read once per run and never asked for again.

What ssh offers is offered: the keys that are named, with the agent signing where it holds them (a `.pub` file names a
key that only the agent has: security keys, smart cards, password managers), a certificate beside each, then the agent's
other keys unless IdentitiesOnly holds. In one point the order differs: named keys come first even where they are files,
because servers allow about six tries and an agent may hold more than that.

Loading a key costs file reads, a key derivation and, for RSA, a slow validation; listing an agent costs a round trip. A
thousand hosts share the results. A key that is encrypted is used through the agent, or was opened before the run began
(`locked.py`): nobody is asked later, because a run must be able to go on when nobody sits there. An agent that does not
answer is waited for once.
"""

from __future__ import annotations

import asyncio
import binascii
import copy
import hashlib
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field

from runbook.problem import Exit, Problem, Problems, Where
from runbook.transport.ssh.library import SSHAgentKeyPair, SSHOpenSSHCertificate, asyncssh
from runbook.transport.ssh.locked import Unlocked, public_half
from runbook.transport.ssh.resolve import ResolvedHost

AGENT_LIMIT = 5.0
"""Seconds that an agent may take to list its keys."""

SIGN_LIMIT = 60.0
"""Seconds that an agent may take to sign: somebody may have to touch a key or to say yes."""

_ENCRYPTED = "it is encrypted, and the agent does not hold it"
_USER_CERTIFICATE = 1
"""PROTOCOL.certkeys: SSH_CERT_TYPE_USER."""


@dataclass(slots=True)
class Offer:
    """One way to log in, for one login."""

    label: str
    """Which key, for people."""
    pair: asyncssh.SSHKeyPair


@dataclass(frozen=True, slots=True)
class Offers:
    """What a host is offered, in order, and what has to be said if none of it is taken."""

    offers: tuple[Offer, ...]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Held:
    """A key, or a certificate with its key, in an agent."""

    pair: asyncssh.SSHKeyPair
    public: bytes
    """The plain public key, also of a certificate."""
    certificate: SSHOpenSSHCertificate | None
    label: str


@dataclass(frozen=True, slots=True)
class _Agent:
    """What one socket gave."""

    client: asyncssh.SSHAgentClient | None = None
    held: tuple[_Held, ...] = ()
    trouble: str = ""

    def holding(self, public: bytes) -> _Held | None:
        """The plain key, where it is held."""
        return next((one for one in self.held if one.public == public and one.certificate is None), None)


@dataclass(frozen=True, slots=True)
class _File:
    """What a key file gave."""

    path: str
    key: asyncssh.SSHKey | None = None
    public: bytes = b""
    """The public half where it is known, by which the agent may hold the private one."""
    certificate: SSHOpenSSHCertificate | None = None
    trouble: str = ""
    missing: bool = False


@dataclass(slots=True)
class _Choice:
    """The offers to one host while they are being put in order."""

    host: ResolvedHost
    agent: _Agent
    offers: list[Offer] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    seen: set[bytes] = field(default_factory=set)

    def add(self, pair: asyncssh.SSHKeyPair, label: str, certificate: SSHOpenSSHCertificate | None = None) -> None:
        """Offer a key, or its certificate; each once. A pair keeps state of its login, so each login has its own."""
        fresh = copy.copy(pair)
        if certificate is not None:
            fresh.set_certificate(certificate)
        if fresh.public_data not in self.seen:
            self.seen.add(fresh.public_data)
            self.offers.append(Offer(f"{label} as a certificate" if certificate else label, fresh))

    def remark_on(self, certificate: SSHOpenSSHCertificate, name: str) -> None:
        """Say what is wrong with a certificate that can be seen from here."""
        try:
            certificate.validate(_USER_CERTIFICATE, self.host.user)
        except ValueError as error:
            self.remarks.append(f"{name}: {str(error)[:1].lower()}{str(error)[1:]}")


class Identities:
    """Keys and agents of one connector."""

    def __init__(self, agent_limit: float = AGENT_LIMIT, unlocked: Unlocked | None = None) -> None:
        """Read nothing yet. `unlocked` are keys that were opened before."""
        self._unlocked = unlocked or {}
        self._files: dict[str, _File] = {}
        self._certificates: dict[str, SSHOpenSSHCertificate | None] = {}
        self._agents: dict[str, _Agent] = {}
        self._agent_limit = agent_limit
        self._reading = asyncio.Lock()

    async def of(self, host: ResolvedHost) -> Offers:
        """What to offer to a host, in order; for one login.

        Raises:
            Problems: A key that the inventory names cannot be used, or there is none at all.
        """
        async with self._reading:
            agent = await self._agent(host.agent)
            files = [await self._file(path) for path in host.key_files]
            given = [(path, await self._certificate(path)) for path in host.certificates]
        choice = _Choice(host, agent, remarks=[agent.trouble] if agent.trouble else [])
        certificates = [(path, certificate) for path, certificate in given if certificate is not None]
        for file in files:
            _offer_file(choice, file, certificates)
        for path, certificate in certificates:
            choice.remark_on(certificate, path)
            signer = agent.holding(certificate.key.public_data)
            if signer:
                choice.add(signer.pair, signer.label, certificate)
        if not host.identities_only:
            for one in agent.held:
                choice.add(one.pair, one.label)
        if not choice.offers:
            raise _nothing(host, files, choice.remarks)
        return Offers(tuple(choice.offers), tuple(dict.fromkeys(choice.remarks)))

    async def locked(self, host: ResolvedHost) -> tuple[str, ...]:
        """Keys for a host whose passphrase nobody has given yet, and that no agent holds.

        One that is only a default is left out where there is another to log in with.
        """
        async with self._reading:
            agent = await self._agent(host.agent)
            files = [await self._file(path) for path in host.key_files]
        has_other = any(file.key for file in files) or (bool(agent.held) and not host.identities_only)
        is_named = host.origins.get("key_files") != "default"
        if has_other and not is_named:
            return ()
        held = {one.public for one in agent.held}
        return tuple(file.path for file in files if file.trouble == _ENCRYPTED and file.public not in held)

    async def close(self) -> None:
        """Hang up on the agents."""
        for agent in self._agents.values():
            if agent.client is not None:
                agent.client.close()
                await agent.client.wait_closed()
        self._agents.clear()

    async def _agent(self, path: str) -> _Agent:
        if not path:
            return _Agent()
        if path not in self._agents:
            self._agents[path] = await self._listed(path)
        return self._agents[path]

    async def _listed(self, path: str) -> _Agent:
        """As with ssh, there are still files where there is no agent; that it was asked in vain is remembered."""
        client = asyncssh.SSHAgentClient(path)
        try:
            async with asyncio.timeout(self._agent_limit):
                keys = await client.get_keys()
        except TimeoutError:
            client.close()
            return _Agent(trouble=f"the agent at {path} does not answer")
        except (OSError, ValueError, asyncssh.Error) as error:
            client.close()
            return _Agent(trouble=f"there is no agent at {path}: {getattr(error, 'strerror', '') or error}")
        return _Agent(client, tuple(_held(client, key) for key in keys))

    async def _file(self, path: str) -> _File:
        if path not in self._files:
            self._files[path] = await asyncio.to_thread(_load, path, self._unlocked.get(path, ""))
        return self._files[path]

    async def _certificate(self, path: str) -> SSHOpenSSHCertificate | None:
        if path not in self._certificates:
            self._certificates[path] = await asyncio.to_thread(_read_certificate, path)
        return self._certificates[path]


class _AgentPair(SSHAgentKeyPair):
    """A key in an agent that gives up on an agent which has stopped answering."""

    async def sign_async(self, data: bytes) -> bytes:
        try:
            async with asyncio.timeout(SIGN_LIMIT):
                return await super().sign_async(data)
        except TimeoutError as error:
            # Its late answer would be taken for that of the next question.
            self._agent.close()
            raise ValueError("the agent did not sign") from error


def _held(client: asyncssh.SSHAgentClient, listed: asyncssh.SSHKeyPair) -> _Held:
    comment = listed.get_comment(errors="replace") or ""
    pair = _AgentPair(client, listed.algorithm, listed.public_data, comment.encode())
    certificate = _certificate_of(listed)
    public = certificate.key.public_data if certificate else listed.public_data
    label = _label(public, f"{comment}, in the agent" if comment else "in the agent")
    return _Held(pair, public, certificate, label)


def _certificate_of(listed: asyncssh.SSHKeyPair) -> SSHOpenSSHCertificate | None:
    if not listed.has_cert:
        return None
    try:
        found = asyncssh.import_certificate(_line(listed.algorithm, listed.public_data))
    except asyncssh.KeyImportError:
        return None
    return found if isinstance(found, SSHOpenSSHCertificate) else None


def _offer_file(choice: _Choice, file: _File, given: Iterable[tuple[str, SSHOpenSSHCertificate]]) -> None:
    """A named key: its certificates, then the key itself; signed by the agent where that holds it.

    Raises:
        Problems: The inventory names it, and it cannot be used.
    """
    signer = choice.agent.holding(file.public)
    in_agent = [one for one in choice.agent.held if one.certificate is not None and one.public == file.public]
    if signer is None and file.key is None and not in_agent:
        if file.path in choice.host.required_keys:
            raise _unusable(choice.host, f"{file.path}: {file.trouble}", _remedy([file]))
        choice.remarks += [] if file.missing else [f"{file.path}: {file.trouble}"]
        return
    own = [] if file.certificate is None else [(file.path, file.certificate)]
    fitting = [(name, it) for name, it in (*own, *given) if it.key.public_data == file.public]
    pair = signer.pair if signer else file.key and asyncssh.load_keypairs(file.key)[0]
    label = signer.label if signer else _label(file.public, file.path)
    for name, certificate in fitting:
        choice.remark_on(certificate, f"the certificate of {name}")
        if pair:
            choice.add(pair, label, certificate)
    for one in in_agent:
        if one.certificate is not None:
            choice.remark_on(one.certificate, f"the certificate {one.label}")
        choice.add(one.pair, one.label)
    if pair:
        choice.add(pair, label)


def _load(path: str, unlocked: str = "") -> _File:
    """A private key, or the public half of one that an agent may hold, with the certificate beside it."""
    certificate = next(filter(None, (_read_certificate(name) for name in _beside(path))), None)
    public = next(filter(None, (_public_half(name) for name in (f"{path}.pub", path))), b"")
    public = public or (certificate.key.public_data if certificate else b"") or public_half(path)
    trouble, missing = "", False
    try:
        key = asyncssh.import_private_key(unlocked) if unlocked else asyncssh.read_private_key(path)
    except OSError as error:
        trouble, missing = error.strerror or str(error), isinstance(error, FileNotFoundError)
    except asyncssh.KeyEncryptionError:
        trouble = _ENCRYPTED
    except asyncssh.KeyImportError as error:
        # So it says for OpenSSH's own format, though nothing is wrong with the file.
        locked = "passphrase" in str(error).lower()
        trouble = _ENCRYPTED if locked else "the agent does not hold its private key" if public else str(error)
    else:
        return _File(path, key, key.public_data, certificate)
    return _File(path, None, public, certificate, trouble, missing and not public)


def _beside(path: str) -> tuple[str, ...]:
    """Where a certificate may stand beside a key; a `.pub` is the key's own name with an ending."""
    return (f"{path}-cert.pub", f"{path.removesuffix('.pub')}-cert.pub")


def _public_half(path: str) -> bytes:
    try:
        return asyncssh.read_public_key(path).public_data
    except (OSError, asyncssh.KeyImportError):
        return b""


def _read_certificate(path: str) -> SSHOpenSSHCertificate | None:
    """None when there is no certificate of OpenSSH's kind, which is the ordinary case."""
    try:
        found = asyncssh.read_certificate(path)
    except (OSError, asyncssh.KeyImportError):
        return None
    return found if isinstance(found, SSHOpenSSHCertificate) else None


def _line(algorithm: bytes, data: bytes) -> bytes:
    return algorithm + b" " + binascii.b2a_base64(data, newline=False)


def _label(public: bytes, name: str) -> str:
    """A key as `ssh-add -l` shows it, and where it comes from."""
    digest = binascii.b2a_base64(hashlib.sha256(public).digest(), newline=False).decode().rstrip("=")
    return f"SHA256:{digest} ({name})"


def _nothing(host: ResolvedHost, files: list[_File], remarks: list[str]) -> Problems:
    tried = [f"{file.path}: {file.trouble}" for file in files]
    why = "; ".join(dict.fromkeys((*remarks, *tried))) or "no key is named and there is none in the agent"
    return _unusable(host, why, _remedy(files))


def _remedy(files: list[_File]) -> str:
    locked = [file.path for file in files if file.trouble == _ENCRYPTED]
    if locked:
        return f"Give the key to your agent, which asks for the passphrase once: ssh-add {shlex.quote(locked[0])}"
    return "Add the key to your agent (ssh-add), or name one with ansible_ssh_private_key_file."


def _unusable(host: ResolvedHost, why: str, fix: str) -> Problems:
    return Problems(
        [
            Problem(
                what=f"there is no key to log in to {host.name} with",
                why=why,
                fix=fix,
                where=Where(f"host {host.name}"),
                code="auth",
                exit=Exit.UNREACHABLE,
            )
        ]
    )
