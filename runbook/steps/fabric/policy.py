"""The host-key policy that every connection of a fabfile is under, whether it wants to be or not.

Fabric takes any key (it sets AutoAddPolicy on each client and never loads known_hosts), so a fabfile would quietly
undo what the rest of a run insists on. Here the client class itself is replaced before the fabfile is read: by one that
knows the run's known_hosts files, matches them with the transport's own reader (hashed names, patterns, revoked keys),
refuses every other key before a login is tried, and lets nobody choose another policy. Stricter than the transport in
one point: names are checked and IP addresses are not, and host certificates are not known to paramiko.

This guards against slips and against the network. It is no wall against the fabfile, which is code and runs as us.
"""

from __future__ import annotations

import dataclasses
import logging
import socket
import sys
from collections.abc import Callable
from typing import Any

import fabric.connection
import msgspec
import paramiko

from runbook.core.host_key import HostKey
from runbook.problem import Problem
from runbook.transport.ssh.knownhosts import KnownHosts, algorithms_of
from runbook.transport.ssh.own_config import SSH_PORT
from runbook.transport.ssh.refusal import Seen, key_refused, key_unacceptable
from runbook.transport.ssh.resolve import ResolvedHost

KEEPALIVE = 3
"""Seconds between signs of life on a quiet connection."""

UNANSWERED = 11_000
"""Milliseconds after which unanswered bytes end a connection (TCP_USER_TIMEOUT).

A cut that nobody tells of is noticed in 14 s, as on every other connection, and ten seconds of silence are forgiven.
"""


class KeyRefused(paramiko.SSHException):  # type: ignore[misc]
    """A host showed a key that is not known for it. Nothing was sent to it."""

    def __init__(self, problem: Problem) -> None:
        """Keep the words for the operator."""
        self.problem = problem
        super().__init__(str(problem))


class Trust:
    """Which keys the hosts of one task may show."""

    def __init__(self, route: tuple[ResolvedHost, ...]) -> None:
        """Take the way to the target; hosts that are not on it are looked up in the target's files."""
        self._target = route[-1]
        self._route = {(hop.address, hop.port): hop for hop in route}
        self._files: dict[tuple[str, ...], KnownHosts] = {}

    def host_at(self, address: str, port: int) -> ResolvedHost:
        """The host of the route at this place, or one of the fabfile's own under the target's policy."""
        own = dataclasses.replace(
            self._target, name=address, address=address, port=port, host_key_alias="", accepted=None
        )
        return self._route.get((address, port), own)

    def types(self, host: ResolvedHost) -> tuple[str, ...]:
        """Algorithms of its known keys: asked for first, so that it shows a key that can be checked."""
        known = [key.get_algorithm() for key in self._known(host).trusted(host).keys]
        return tuple(name for each in dict.fromkeys(known) for name in algorithms_of(each))

    def check(self, host: ResolvedHost, shown: paramiko.PKey) -> None:
        """Return when the key is known.

        Raises:
            KeyRefused: It is revoked, another one is known, or none is.
        """
        trusted, own = self._known(host).trusted(host), self._known(host).of(host)
        if any(key.public_data == shown.asbytes() for key in trusted.revoked):
            raise KeyRefused(key_unacceptable(host, "it is marked as revoked"))
        if any(key.public_data == shown.asbytes() for key in trusted.keys):
            return
        known = tuple(HostKey(key.get_algorithm(), key.get_fingerprint()) for key in own.keys)
        offered = HostKey(shown.get_name(), shown.fingerprint)
        if offered == host.accepted:
            return
        refused = key_refused(host, Seen(offered=str(offered), shown=offered, known=known, files=own.files))
        if trusted.authorities and not trusted.keys:
            why = "it is known by its authority alone, and Fabric checks no host certificates"
            refused = msgspec.structs.replace(refused, why=why)
        raise KeyRefused(refused)

    def _known(self, host: ResolvedHost) -> KnownHosts:
        files = (*host.known_hosts, host.revoked_keys)
        if files not in self._files:
            self._files[files] = KnownHosts(host.known_hosts, host.revoked_keys)
        if self._files[files].why_none:
            raise KeyRefused(key_unacceptable(host, self._files[files].why_none))
        return self._files[files]


def put_under(trust: Trust) -> None:
    """Give Fabric, and whoever uses paramiko beside it, clients that check keys. Call before the fabfile is read."""
    client = checked_client(trust)
    for module in (fabric.connection, paramiko, paramiko.client):
        module.SSHClient = client
    fabric.connection.AgentRequestHandler = NoForwarding
    # What goes wrong is raised and told; paramiko's log of it, traces included, would stand in the step's output.
    logging.getLogger("paramiko").addHandler(logging.NullHandler())


def checked_client(trust: Trust) -> type[paramiko.SSHClient]:
    """A client class with this trust and no other."""

    class CheckedClient(paramiko.SSHClient):  # type: ignore[misc]
        """Connects to known hosts."""

        def connect(self, hostname: str, port: int = SSH_PORT, *args: Any, **options: Any) -> None:
            """As paramiko's, and checked."""
            host = trust.host_at(hostname, port)
            super().set_missing_host_key_policy(_Doorman(trust, host))
            options["transport_factory"] = _transports(trust.types(host), options.get("transport_factory"))
            super().connect(hostname, port, *args, **options)
            self.get_transport().set_keepalive(KEEPALIVE)

        def set_missing_host_key_policy(self, policy: object) -> None:
            """Ours stands."""

        def load_system_host_keys(self, filename: object = None) -> None:
            """Keys come from the run's files alone: what is loaded here would be believed before ours is asked."""

        def load_host_keys(self, filename: object) -> None:
            """See `load_system_host_keys`."""

        def get_host_keys(self) -> paramiko.HostKeys:
            """An empty copy: nothing is added by this door."""
            return paramiko.HostKeys()

    return CheckedClient


class NoForwarding:
    """In the place of Fabric's agent forwarding, which would lend our keys to whoever is root on the host."""

    def __init__(self, channel: object) -> None:
        """Say that it is off, and go on: most commands do not need it."""
        del channel
        print("runbook: agent forwarding is off for Fabric steps", file=sys.stderr)  # noqa: T201 - the step's output

    def close(self) -> None:
        """Nothing was opened."""


class _Doorman(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
    """Asked by paramiko after the key exchange and before authentication, as its own list of keys is empty."""

    def __init__(self, trust: Trust, host: ResolvedHost) -> None:
        self._trust, self._host = trust, host

    def missing_host_key(self, client: object, hostname: str, key: paramiko.PKey) -> None:
        """See `Trust.check`."""
        del client, hostname
        self._trust.check(self._host, key)


def _transports(known: tuple[str, ...], wanted: Callable[..., paramiko.Transport] | None) -> Callable[..., Any]:
    """Makes transports that ask for known key types first and notice a dead link."""

    def made(sock: Any, **options: Any) -> paramiko.Transport:
        if isinstance(sock, socket.socket) and hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNANSWERED)
        transport = (wanted or paramiko.Transport)(sock, **options)
        security = transport.get_security_options()
        others = [name for name in security.key_types if name not in known]
        security.key_types = [name for name in known if name in security.key_types] + others
        return transport

    return made
