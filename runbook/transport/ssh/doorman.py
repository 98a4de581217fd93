"""What stands at one connection while it is opened: whose key is taken, what we offer, and how far it came.

A refusal is only useful when it says what was tried. asyncssh keeps that to itself, so the keys are handed to it one by
one here, and the methods that it asks about are those that the server has named.
"""

from __future__ import annotations

import asyncio

from runbook.core.host_key import HostKey
from runbook.transport.ssh import refusal
from runbook.transport.ssh.identity import Offers
from runbook.transport.ssh.knownhosts import Known, KnownHosts
from runbook.transport.ssh.library import asyncssh
from runbook.transport.ssh.resolve import ResolvedHost
from runbook.transport.ssh.session import why


class Doorman(asyncssh.SSHClient):
    """Stands at one connection: decides on keys that are not known, offers ours, and notes how it ends."""

    def __init__(
        self, host: ResolvedHost, known: KnownHosts, offers: Offers, *, accepted: HostKey | None, accepts_new: bool
    ) -> None:
        """Serve one try of one connection."""
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.shown_by_a_stranger = False
        """True once the host has shown a certificate of an authority that is not known."""
        self._host, self._known, self._accepted, self._accepts_new = host, known, accepted, accepts_new
        self._offered = ""
        self._shown: HostKey | None = None
        self._connection: asyncssh.SSHClientConnection | None = None
        self._waiting, self._remarks = list(offers.offers), offers.remarks
        self._tried: list[str] = []
        self._accepts: list[str] = []

    def known_hosts(self, host: str, addr: str, port: int | None) -> tuple[list[asyncssh.SSHKey], ...]:
        """What asyncssh asks instead of reading files: trusted keys, authorities, revoked keys, and no X.509."""
        del host, addr, port
        trusted: Known = self._known.trusted(self._host)
        return list(trusted.keys), list(trusted.authorities), list(trusted.revoked), [], [], [], []

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        """Keep it, to see later how far it came."""
        self._connection = conn

    def connection_lost(self, exc: Exception | None) -> None:
        """Say why, once."""
        if not self.lost.done():
            self.lost.set_result("the session was closed" if exc is None else why(exc))

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Decide on a key that no file trusts."""
        del host, addr, port
        self._shown = host_key(key)
        self._offered = str(self._shown)
        if self._shown == self._accepted:
            return True
        known = self._known.of(self._host).keys
        if self._accepts_new and self._shown in map(host_key, known):
            return True  # Another connection to this host took it while this one was under way.
        if not self._accepts_new or known:
            return False
        try:
            self._known.add(self._host, key)
        except OSError:
            return False  # What cannot be written down cannot be checked next time.
        return True

    def validate_host_ca_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Note an authority that no file trusts; no authority is taken on its own word."""
        del host, addr, port
        self._offered = f"a certificate signed by {host_key(key)}"
        self.shown_by_a_stranger = True
        return False

    def public_key_auth_requested(self) -> list[asyncssh.SSHKeyPair] | None:
        """The next key, when the server lets us try one."""
        if "publickey" not in self._accepts:
            self._accepts.append("publickey")
        if not self._waiting:
            return None
        offer = self._waiting.pop(0)
        self._tried.append(offer.label)
        return [offer.pair]

    def kbdint_auth_requested(self) -> str | None:
        """Asked where the server would take it; we never do."""
        self._accepts.append("keyboard-interactive")
        return None

    def password_auth_requested(self) -> str | None:
        """Asked where the server would take it; we never do."""
        self._accepts.append("password")
        return None

    def seen(self, *, through: str, limit: float, proxy: str = "") -> refusal.Seen:
        """How far it came."""
        known = self._known.of(self._host)
        return refusal.Seen(
            offered=self._offered,
            shown=self._shown,
            known=tuple(host_key(key) for key in known.keys),
            files=known.files,
            spoke=bool(self._connection and self._connection.get_extra_info("server_version")),
            through=through,
            limit=limit,
            tried=tuple(self._tried),
            accepts=tuple(self._accepts),
            remarks=self._remarks,
            proxy=proxy,
        )


def host_key(key: asyncssh.SSHKey) -> HostKey:
    """A key by its fingerprint."""
    return HostKey(key.get_algorithm(), key.get_fingerprint())
