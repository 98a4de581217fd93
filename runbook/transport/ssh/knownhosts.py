"""Which keys a host may show. Strict always: there is no way to say "any".

Files are read once and shared by every host that names the same ones. A line that cannot be read is passed
over as OpenSSH does; it can only make the check stricter. `accept-new` writes a key down when a name has none
at all, under a lock, so that two runs cannot interleave lines; a key that differs from a known one is refused
in every mode.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import asyncssh

from runbook.transport.ssh.resolve import SSH_PORT, ResolvedHost

# Known types first, so that a host with several keys is asked for the one we can check; the others after
# them, so that a host whose key was replaced by another type still shows it and the operator sees both
# fingerprints.
KEY_TYPES = "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256"


class KnownHosts:
    """The keys of one list of files."""

    def __init__(self, files: tuple[str, ...]) -> None:
        """Read them; those that do not exist are passed over."""
        self.files = files
        self.entries = asyncssh.import_known_hosts("")
        for path in files:
            self._read(Path(path))

    def known_keys(self, host: ResolvedHost, address: str = "") -> list[asyncssh.SSHKey]:
        """Plain keys under which a host is known, by its name and, if given, its IP address."""
        return list(self.entries.match(host.checked_name, address, _port(host))[0])

    def has_any(self, host: ResolvedHost, address: str = "") -> bool:
        """True when something is known of it: a key, a revoked key or an authority."""
        return any(self.entries.match(host.checked_name, address, _port(host)))

    def add(self, host: ResolvedHost, key: asyncssh.SSHKey) -> None:
        """Write a new host's key to the first file, and know it from now on.

        Raises:
            OSError: The file cannot be written; then the key is not accepted either.
        """
        name = host.checked_name if host.port == SSH_PORT else f"[{host.checked_name}]:{host.port}"
        line = f"{name} {key.export_public_key('openssh').decode().strip()}\n"
        _append(Path(self.files[0]), line)
        self.entries.load(line)

    def _read(self, path: Path) -> None:
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return
        for line in text.splitlines():
            try:
                self.entries.load(line)
            except ValueError:
                continue  # OpenSSH passes over such lines too; see the header.


def _port(host: ResolvedHost) -> int | None:
    return None if host.port == SSH_PORT else host.port


def _append(path: Path, line: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        size = file.seek(0, os.SEEK_END)
        # A file whose last line lacks its end would swallow ours.
        missing = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        file.write(b"\n" * missing + line.encode())
        file.flush()
        os.fsync(descriptor)
