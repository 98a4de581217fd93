"""Which keys a host may show. Strict always: there is no way to say "any".

Read and written as ssh does it. A name is an alias as it stands, or an address with its port; an address that is known
without its port counts only where that very key is the one shown. IP addresses are no second name (CheckHostIP is off
by default since OpenSSH 8.5): whoever gets an old host's address would inherit its trust. Files are read once and
shared by every host that names the same ones; keys are decoded when a name asks for them. A line that cannot be read is
passed over as ssh does; it can only make the check stricter. `accept-new` writes a key down when a name has none at
all, under a lock, so that two runs cannot interleave lines; a key that differs from a known one is refused in every
mode.
Source: sshd(8), SSH_KNOWN_HOSTS FILE FORMAT.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import hmac
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runbook.transport.ssh.config_text import matches
from runbook.transport.ssh.library import asyncssh
from runbook.transport.ssh.resolve import ResolvedHost

KEY_TYPES = (
    *("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    *("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com", "rsa-sha2-512", "rsa-sha2-256"),
)
"""Kinds of host keys in the order in which ssh asks for them."""

_CERTIFICATE = "-cert-v01@openssh.com"
_SIGNATURES = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}
"""Kind of key to the algorithms that are negotiated for it, where they differ (RFC 8332)."""
_MARKERS = frozenset(("", "@cert-authority", "@revoked"))
_SALT = 20
"""Bytes, as many as the hash has."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line that names a host."""

    file: str
    marker: str
    """`@cert-authority`, `@revoked`, or empty."""
    names: str
    """As written: patterns behind commas, or a hash."""
    data: str
    """Type, key and comment."""

    def names_host(self, name: str) -> bool:
        """Whether it is about a host; `name` in lower case, with its port in brackets where it has one."""
        if self.names.startswith("|"):
            return _is_hash_of(self.names, name)
        return matches([pattern.lower() for pattern in self.names.split(",") if pattern], name)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one host under one name."""

    keys: tuple[asyncssh.SSHKey, ...] = ()
    authorities: tuple[asyncssh.SSHKey, ...] = ()
    revoked: tuple[asyncssh.SSHKey, ...] = ()
    files: tuple[str, ...] = ()
    """Where its plain keys stand."""

    @property
    def any(self) -> bool:
        """True when something is known: a key, a revoked key or an authority."""
        return bool(self.keys or self.authorities or self.revoked)


class KnownHosts:
    """The keys of one list of files."""

    def __init__(self, files: tuple[str, ...], revoked: str = "") -> None:
        """Read them, and a file of revoked keys; files of known hosts that do not exist are passed over."""
        self.files = files
        self.why_none = ""
        """Why no key at all may be taken; empty where some may."""
        self._plain: dict[str, list[Line]] = {}
        self._others: list[Line] = []
        self._found: dict[str, Known] = {}
        for path in files:
            for line in _read(Path(path)):
                self._take(line)
        try:
            self._others += _revoked(Path(revoked)) if revoked else ()
        except ValueError as error:
            self.why_none = f"RevokedHostKeys {revoked}: {error}"

    def of(self, host: ResolvedHost) -> Known:
        """What is known of a host under its own name."""
        return self._under(host.known_as.lower())

    def trusted(self, host: ResolvedHost) -> Known:
        """What it may show: its own, and what is known of its address whatever the port, which ssh takes as well."""
        own, bare = self.of(host), self._under(host.checked_name.lower())
        keys, authorities = (*own.keys, *bare.keys), (*own.authorities, *bare.authorities)
        return Known(keys, authorities, (*own.revoked, *bare.revoked), (*own.files, *bare.files))

    def algorithms(self, host: ResolvedHost) -> tuple[str, ...]:
        """What to ask a host for: what can be checked first, each in ssh's order.

        The others come after them, so that a host whose key was replaced by another type still shows it and the
        operator sees both fingerprints.
        """
        known = self.trusted(host)
        usual = host.host_key_algorithms or KEY_TYPES
        plain = [name for name in usual if not name.endswith(_CERTIFICATE)]
        of_keys = {key.get_algorithm() for key in known.keys}
        types = of_keys | {name for each in of_keys for name in algorithms_of(each)}
        first = [name for name in plain if name in types]
        # Certificates are asked for where an authority could vouch for them, and nowhere else: they hide the plain key.
        signed = [f"{name.removesuffix('@openssh.com')}{_CERTIFICATE}" for name in plain] if known.authorities else []
        return tuple(dict.fromkeys((*signed, *first, *plain)))

    def add(self, host: ResolvedHost, key: asyncssh.SSHKey) -> None:
        """Write a new host's key to the user's first file as ssh would, and know it from now on.

        Raises:
            OSError: The file cannot be written, or there is none; then the key is not accepted either.
        """
        if not host.new_keys:
            raise FileNotFoundError("there is no file for new keys")
        name = _hashed(host.known_as) if host.hashes_names else host.known_as
        data = " ".join(key.export_public_key("openssh").decode().split()[:2])
        _append(Path(host.new_keys), f"{name} {data}\n")
        self._take(Line(host.new_keys, "", name, data))
        self._found.clear()

    def _take(self, line: Line) -> None:
        if any(sign in line.names for sign in "*?|!"):
            self._others.append(line)
        else:
            for name in filter(None, line.names.lower().split(",")):
                self._plain.setdefault(name, []).append(line)

    def _under(self, name: str) -> Known:
        if name not in self._found:
            lines = [*self._plain.get(name, ()), *(line for line in self._others if line.names_host(name))]
            self._found[name] = _known(lines)
        return self._found[name]


def algorithms_of(key_type: str) -> tuple[str, ...]:
    """What is negotiated for a kind of key."""
    return _SIGNATURES.get(key_type, (key_type,))


def _known(lines: list[Line]) -> Known:
    found: dict[str, list[asyncssh.SSHKey]] = {"": [], "@cert-authority": [], "@revoked": []}
    files: list[str] = []
    for line in lines:
        try:
            key = asyncssh.import_public_key(line.data)
        except (asyncssh.KeyImportError, ValueError):
            continue  # A kind of key that is not known here, or no key at all.
        found[line.marker].append(key)
        files += [] if line.marker else [line.file]
    keys, authorities, revoked = (tuple(found[marker]) for marker in ("", "@cert-authority", "@revoked"))
    return Known(keys, authorities, revoked, tuple(dict.fromkeys(files)))


def _read(path: Path) -> Iterator[Line]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return
    for written in text.split("\n"):
        words = written.split()
        marker = words.pop(0) if words and words[0].startswith("@") else ""
        if marker in _MARKERS and words[2:] and not words[0].startswith("#"):
            yield Line(str(path), marker, words[0], " ".join(words[1:]))


def _revoked(path: Path) -> list[Line]:
    """A list of keys that count for nobody.

    Raises:
        ValueError: It cannot be read. As with ssh, every key might stand in it then.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(error.strerror or str(error)) from error
    if data.startswith(b"SSHKRL\n"):
        raise ValueError("it is a binary list, which cannot be read here; write the keys themselves, one a line")
    lines = data.decode("utf-8", "replace").split("\n")
    return [Line(str(path), "@revoked", "*", line) for line in lines if line.strip() and not line.startswith("#")]


def _is_hash_of(names: str, name: str) -> bool:
    try:
        _, kind, salt, wanted = names.split("|")
        made = hmac.digest(base64.b64decode(salt), name.encode("utf-8", "surrogateescape"), "sha1")
        return kind == "1" and hmac.compare_digest(made, base64.b64decode(wanted))
    except (ValueError, binascii.Error):
        return False


def _hashed(name: str) -> str:
    salt = os.urandom(_SALT)
    made = hmac.digest(salt, name.encode("utf-8", "surrogateescape"), "sha1")
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(made).decode()}"


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
