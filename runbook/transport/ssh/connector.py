"""Opening hosts over SSH: who is trusted, how many at a time, by which way, and what to say when it fails.

One connection per host for a whole run. What asyncssh would do again for every host (reading ssh_config,
known_hosts, keys, asking the agent) is done once here and handed over as objects. Handshakes are bounded
because they are computed on our one loop, and because servers drop or ban those that come in crowds; a
bastion is one connection of ours that many hosts share. Only what may pass by itself (refused, timed out,
dropped before a word was said) is tried again, with growing pauses. A wrong key and a refused login are never
tried twice: the one may be an attack, the other locks accounts.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import asyncssh
import tenacity

from runbook.core.command import Secret
from runbook.core.host import Host
from runbook.core.host_key import HostKey
from runbook.problem import Problems
from runbook.transport.session import HostFacts, Session
from runbook.transport.shell.durable import Jobs
from runbook.transport.shell.facts import measured
from runbook.transport.shell.quoting import fresh_nonce
from runbook.transport.shell.shells import Shells
from runbook.transport.shell.sudo import Sudo
from runbook.transport.ssh import refusal
from runbook.transport.ssh.identity import Identities, Identity
from runbook.transport.ssh.jump import Bastion, Bastions
from runbook.transport.ssh.knownhosts import KEY_TYPES, KnownHosts
from runbook.transport.ssh.resolve import ResolvedHost, resolve
from runbook.transport.ssh.session import WINDOW, Link, SshDialer, SshSession, why

_CIPHERS = "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes256-ctr,aes128-ctr"
"""GCM first: one cipher object and one call a packet in asyncssh, where ChaCha needs three and a Poly1305."""


def _nobody(_machine: str) -> HostKey | None:
    """Nobody vouched for anything."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class SshOptions:
    """What holds for every host of a run."""

    wall: Callable[[], float]
    """Seconds since the epoch; only for the clock offset of hosts."""
    nonce: Callable[[], str] = fresh_nonce
    accepted: Callable[[str], HostKey | None] = _nobody
    """Machine to the changed key that somebody vouched for. Asked at each login, because it may be given meanwhile."""
    sudo_passwords: Mapping[str, Secret] = field(default_factory=dict)
    """Host name to what sudo asks for where `-n` does not do; "" is for every other host. Each distinct one is tried
    once for the whole fleet."""
    agent: str = field(default_factory=lambda: os.environ.get("SSH_AUTH_SOCK", ""))
    """Path of the agent's socket; empty uses none unless ssh_config names one."""
    handshakes: int = 32
    """Logins under way at a time, on all hosts."""
    connect_limit: float = 15.0
    """Seconds for TCP, handshake and authentication, counted from when its turn has come."""
    attempts: int = 3
    """Tries of one connection, the first included."""
    pause: float = 0.5
    """Seconds before the second try; doubled each time, with jitter."""
    keepalive: float = 15.0
    """Seconds between signs of life on a quiet connection; three unanswered ones end it."""


class SshConnector:
    """Opens hosts over SSH. Make one per run and close it at its end."""

    def __init__(self, options: SshOptions) -> None:
        """Read nothing yet: keys, agents and known hosts are read when the first host needs them."""
        # At INFO asyncssh logs every command in full, secrets included.
        logging.getLogger("asyncssh").setLevel(logging.WARNING)
        self._options = options
        self._identities = Identities()
        self._known: dict[tuple[str, ...], KnownHosts] = {}
        self._turns = asyncio.Semaphore(options.handshakes)
        self._sudos: dict[str, Sudo] = {}
        self._bastions = Bastions(self._link, options.agent)

    async def connect(self, host: Host) -> Session:
        """See `Connector.connect`."""
        resolved = await self.resolved(host)
        bastion = await self._bastions.towards(host, resolved)
        try:
            link = await self._link(host, resolved, bastion)
        except BaseException:
            bastion.leave()
            raise
        link.lost.add_done_callback(lambda _: bastion.leave())
        dialer = SshDialer(link)
        options = self._options
        shells = Shells(dialer, self._sudo(host), options.nonce)
        try:
            facts = await measured(shells, _shown(link, resolved), wall=options.wall)
        except BaseException:
            link.connection.abort()
            raise
        if link.lost.done():
            raise Problems([refusal.hung_up(resolved, link.lost.result())])
        return SshSession(link, dialer, Jobs(shells, options.nonce), facts, options.nonce)

    async def resolved(self, host: Host) -> ResolvedHost:
        """How a host would be reached, without reaching it.

        Raises:
            Problems: See `resolve.resolve`.
        """
        return await asyncio.to_thread(resolve, host, agent=self._options.agent)

    async def close(self) -> None:
        """Close bastions and agents. Sessions are closed before, by whoever opened them."""
        await self._bastions.close()
        await self._identities.close()

    async def _link(self, host: Host, resolved: ResolvedHost, bastion: Bastion) -> Link:
        """Open one connection, again if the failure may pass.

        Raises:
            Problems: See `Connector.connect`.
        """
        pause = self._options.pause
        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception(refusal.may_pass),
            stop=tenacity.stop_after_attempt(self._options.attempts),
            wait=tenacity.wait_exponential(multiplier=pause, max=8.0) + tenacity.wait_random(0, pause),
            reraise=True,
        )
        return await retrying(self._attempt, host, resolved, bastion)

    async def _attempt(self, host: Host, resolved: ResolvedHost, bastion: Bastion) -> Link:
        known = self._known_hosts(resolved)
        identities = await self._identities.of(resolved)
        accepted = self._options.accepted(resolved.name)
        doorman = _Doorman(resolved, known, accepted=accepted, accepts_new=host.host_keys == "accept-new")
        async with bastion.turn, self._turns:
            try:
                connection = await asyncssh.connect(
                    resolved.address,
                    resolved.port,
                    config=None,
                    options=self._settings(resolved, known, identities, doorman),
                    tunnel=bastion.connection or (),
                    proxy_command=resolved.proxy_command or (),
                )
            except (OSError, ValueError, asyncssh.Error) as error:
                # ValueError: a packet that cannot be decoded comes out of asyncssh as one.
                through = bastion.link.name if bastion.link else ""
                seen = doorman.seen(through=through, limit=self._options.connect_limit)
                raise Problems([refusal.explained(error, resolved, seen)]) from error
        return Link(resolved.name, connection, doorman.lost)

    def _sudo(self, host: Host) -> Sudo:
        """Hosts with the same password share its one try."""
        passwords = self._options.sudo_passwords
        password = passwords.get(host.name, passwords.get(""))
        key = password.reveal() if password else ""
        return self._sudos.setdefault(key, Sudo(password, self._options.nonce))

    def _known_hosts(self, resolved: ResolvedHost) -> KnownHosts:
        if resolved.known_hosts not in self._known:
            self._known[resolved.known_hosts] = KnownHosts(resolved.known_hosts)
        return self._known[resolved.known_hosts]

    def _settings(
        self, resolved: ResolvedHost, known: KnownHosts, identities: list[Identity], doorman: _Doorman
    ) -> asyncssh.SSHClientConnectionOptions:
        """Everything as ready objects, so that a connection reads no file and asks no agent."""
        return asyncssh.SSHClientConnectionOptions(
            config=None,
            host=resolved.address,
            client_factory=lambda: doorman,
            username=resolved.user,
            known_hosts=known.entries,
            host_key_alias=resolved.host_key_alias or None,
            server_host_key_algs=f"+{KEY_TYPES}" if known.has_any(resolved) else "default",
            client_keys=identities,
            agent_path=None,
            agent_forwarding=False,
            preferred_auth="publickey",
            gss_host=None,
            gss_kex=False,
            gss_auth=False,
            pkcs11_provider=None,
            x509_trusted_certs=None,
            encryption_algs=_CIPHERS,
            compression_algs=None,
            connect_timeout=self._options.connect_limit,
            login_timeout=0,
            keepalive_interval=self._options.keepalive,
            keepalive_count_max=3,
            utf8_decode_errors="replace",
            request_pty=False,
            window=WINDOW,
        )


class _Doorman(asyncssh.SSHClient):
    """Stands at one connection: decides on keys that are not known, and notes how it ends."""

    def __init__(self, host: ResolvedHost, known: KnownHosts, *, accepted: HostKey | None, accepts_new: bool) -> None:
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._host, self._known, self._accepted, self._accepts_new = host, known, accepted, accepts_new
        self._offered = ""
        self._shown: HostKey | None = None
        self._address = ""
        self._connection: asyncssh.SSHClientConnection | None = None

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        self._connection = conn

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.lost.done():
            self.lost.set_result("the session was closed" if exc is None else why(exc))

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        del host, port
        self._shown, self._address = host_key(key), addr
        self._offered = str(self._shown)
        if self._shown == self._accepted:
            return True
        if not self._accepts_new or self._known.has_any(self._host, addr):
            return False
        try:
            self._known.add(self._host, key)
        except OSError:
            return False  # What cannot be written down cannot be checked next time.
        return True

    def validate_host_ca_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        del host, port
        self._offered, self._address = f"a certificate signed by {host_key(key)}", addr
        return False

    def seen(self, *, through: str, limit: float) -> refusal.Seen:
        """How far it came."""
        return refusal.Seen(
            offered=self._offered,
            shown=self._shown,
            known=tuple(host_key(key) for key in self._known.known_keys(self._host, self._address)),
            spoke=bool(self._connection and self._connection.get_extra_info("server_version")),
            through=through,
            limit=limit,
        )


def host_key(key: asyncssh.SSHKey) -> HostKey:
    """A key by its fingerprint."""
    return HostKey(key.get_algorithm(), key.get_fingerprint())


def _shown(link: Link, resolved: ResolvedHost) -> HostFacts:
    """What the handshake has shown.

    Through a bastion the peer's address is the bastion's business, so ours is named.
    """
    peer: tuple[str, int] = link.connection.get_extra_info("peername", ("", 0))[:2]
    address, port = peer if peer[0] else (resolved.address, resolved.port)
    key = link.connection.get_server_host_key()
    return HostFacts(
        address=f"{address}:{port}",
        host_key=key.get_fingerprint() if key else "",
        server=str(link.connection.get_extra_info("server_version") or ""),
        user=resolved.user,
    )
