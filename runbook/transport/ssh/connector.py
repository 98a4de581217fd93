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
import functools
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import tenacity

from runbook.core.host import Host, at_port
from runbook.core.host_key import HostKey
from runbook.core.planned.command import Command
from runbook.problem import Problems
from runbook.transport.session import HostFacts, Session
from runbook.transport.shell.durable import Jobs
from runbook.transport.shell.facts import measured
from runbook.transport.shell.quoting import fresh_nonce
from runbook.transport.shell.shells import Shells
from runbook.transport.shell.sudo import Sudos
from runbook.transport.ssh import refusal
from runbook.transport.ssh.attention import CLOSELY, SELDOM, UNANSWERED, Attention
from runbook.transport.ssh.doorman import Doorman
from runbook.transport.ssh.identity import Identities
from runbook.transport.ssh.jump import Bastion, Bastions, hops
from runbook.transport.ssh.knownhosts import KnownHosts
from runbook.transport.ssh.library import asyncssh
from runbook.transport.ssh.locked import Unlocked
from runbook.transport.ssh.openssh import AT_A_TIME, LIMIT, SshConfig
from runbook.transport.ssh.proxy import ProxyProgram
from runbook.transport.ssh.resolve import ResolvedHost, question_about, resolve
from runbook.transport.ssh.session import WINDOW, Link, SshDialer, SshSession

_CIPHERS = "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes256-ctr,aes128-ctr"
"""GCM first: one cipher object and one call a packet in asyncssh, where ChaCha needs three and a Poly1305."""

_SUPPORTED = frozenset(
    name.decode() for name in (*asyncssh.public_key.get_certificate_algs(), *asyncssh.public_key.get_public_key_algs())
)


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
    sudos: Sudos = field(default_factory=Sudos)
    """How hosts become somebody else."""
    unlocked: Unlocked = field(default_factory=dict)
    """Keys behind a passphrase that was given before the run began."""
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
    keepalive: float = CLOSELY
    """Seconds between signs of life on a quiet connection while something is waited for (`attention.py`)."""
    idle_keepalive: float = SELDOM
    """The same while nothing is."""
    config_limit: float = LIMIT
    """Seconds that ssh may take to say how a host is reached; a `Match exec` is part of it."""
    ssh: str | None = None
    """The ssh that is asked what ssh_config means; None looks for one, and empty does without."""


class SshConnector:
    """Opens hosts over SSH. Make one per run and close it at its end."""

    def __init__(self, options: SshOptions) -> None:
        """Read nothing yet: keys, agents and known hosts are read when the first host needs them."""
        # At INFO asyncssh logs every command in full, secrets included.
        logging.getLogger("asyncssh").setLevel(logging.WARNING)
        self._options = options
        self._identities = Identities(unlocked=options.unlocked)
        self._known: dict[tuple[str, ...], KnownHosts] = {}
        self._turns = asyncio.Semaphore(options.handshakes)
        self._config = SshConfig(options.ssh, options.config_limit)
        # Threads of their own: those of the loop are also for names, and a `Match exec` may keep one for long.
        self._asking = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="ssh-config")
        self._bastions = Bastions(self._link, self.resolved)

    async def connect(self, host: Host, look: Command | None = None) -> Session:
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
        shells = Shells(dialer, options.sudos.on(host.name, resolved.user), options.nonce)
        try:
            facts = await measured(shells, _shown(link, resolved), wall=options.wall, look=look)
        except BaseException:
            link.connection.abort()
            raise
        if link.lost.done():
            raise Problems([refusal.hung_up(resolved, link.lost.result())])
        attention = Attention(link.connection, closely=options.keepalive, seldom=options.idle_keepalive)
        return SshSession(dialer, Jobs(shells, options.nonce), facts, options.nonce, attention)

    async def resolved(self, host: Host) -> ResolvedHost:
        """How a host would be reached, without reaching it.

        Raises:
            Problems: See `resolve.resolve`.
        """
        found = functools.partial(resolve, host, agent=self._options.agent, config=self._config)
        return await asyncio.get_running_loop().run_in_executor(self._asking, found)

    async def locked(self, host: Host) -> tuple[str, ...]:
        """Keys whose passphrase would have to be given to reach a host, those of its bastions included.

        Raises:
            Problems: It is not known how it would be reached.
        """
        target = await self.resolved(host)
        way = functools.partial(hops, host, target, agent=self._options.agent, config=self._config)
        route = (*await asyncio.get_running_loop().run_in_executor(self._asking, way), target)
        return tuple(dict.fromkeys([path for hop in route for path in await self._identities.locked(hop)]))

    async def unsupported(self, host: Host) -> tuple[str, ...]:
        """Lines of ssh_config that have no effect on this machine, because there is no ssh to ask."""
        question = question_about(host)
        return await asyncio.get_running_loop().run_in_executor(self._asking, self._config.unsupported, question)

    async def close(self) -> None:
        """Close bastions and agents. Sessions are closed before, by whoever opened them."""
        self._config.close()
        self._asking.shutdown(wait=False, cancel_futures=True)
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
        algorithms = known.algorithms(resolved)
        doorman = await self._doorman(host, resolved, known)
        try:
            return await self._dialled(resolved, bastion, doorman, algorithms)
        except Problems:
            plain = tuple(name for name in algorithms if "-cert-" not in name)
            if not doorman.shown_by_a_stranger or plain == algorithms:
                raise
        # As ssh does: an authority that nobody knows vouches for nothing, and the host may still be known by its key.
        return await self._dialled(resolved, bastion, await self._doorman(host, resolved, known), plain)

    async def _doorman(self, host: Host, resolved: ResolvedHost, known: KnownHosts) -> Doorman:
        offers = await self._identities.of(resolved)
        accepted = self._options.accepted(resolved.name)
        return Doorman(resolved, known, offers, accepted=accepted, accepts_new=host.host_keys == "accept-new")

    async def _dialled(
        self, resolved: ResolvedHost, bastion: Bastion, doorman: Doorman, algorithms: tuple[str, ...]
    ) -> Link:
        async with bastion.turn, self._turns:
            with ProxyProgram(resolved.proxy_command) as proxy:
                try:
                    connection = await asyncssh.connect(
                        resolved.address,
                        resolved.port,
                        config=None,
                        options=self._settings(resolved, doorman, algorithms),
                        tunnel=bastion.connection or (),
                        proxy_command=proxy.words,
                    )
                except (OSError, ValueError, asyncssh.Error) as error:
                    # ValueError: a packet that cannot be decoded comes out of asyncssh as one.
                    through = bastion.link.name if bastion.link else ""
                    seen = doorman.seen(through=through, limit=self._options.connect_limit, proxy=proxy.said())
                    raise Problems([refusal.explained(error, resolved, seen)]) from error
        return Link(resolved.name, connection, doorman.lost)

    def _known_hosts(self, resolved: ResolvedHost) -> KnownHosts:
        files = (*resolved.known_hosts, resolved.revoked_keys)
        if files not in self._known:
            self._known[files] = KnownHosts(resolved.known_hosts, resolved.revoked_keys)
        if self._known[files].why_none:
            raise Problems([refusal.key_unacceptable(resolved, self._known[files].why_none)])
        return self._known[files]

    def _settings(
        self, resolved: ResolvedHost, doorman: Doorman, algorithms: tuple[str, ...]
    ) -> asyncssh.SSHClientConnectionOptions:
        """Everything as ready objects, so that a connection reads no file and asks no agent."""
        return asyncssh.SSHClientConnectionOptions(
            config=None,
            host=resolved.address,
            client_factory=lambda: doorman,
            username=resolved.user,
            known_hosts=doorman.known_hosts,
            host_key_alias=resolved.checked_name,
            server_host_key_algs=[name for name in algorithms if name in _SUPPORTED],
            client_keys=None,
            agent_path=None,
            agent_forwarding=False,
            # The others are never tried; that they are asked for tells what the server would take.
            preferred_auth="publickey,keyboard-interactive,password",
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
            keepalive_count_max=UNANSWERED,
            utf8_decode_errors="replace",
            request_pty=False,
            window=WINDOW,
        )


def _shown(link: Link, resolved: ResolvedHost) -> HostFacts:
    """What the handshake has shown.

    Through a bastion the peer's address is the bastion's business, so ours is named.
    """
    peer: tuple[str, int] = link.connection.get_extra_info("peername", ("", 0))[:2]
    address, port = peer if peer[0] else (resolved.address, resolved.port)
    key = link.connection.get_server_host_key()
    return HostFacts(
        address=at_port(address, port),
        host_key=key.get_fingerprint() if key else "",
        server=str(link.connection.get_extra_info("server_version") or ""),
        user=resolved.user,
    )
