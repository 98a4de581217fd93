"""Private keys that a passphrase protects: known by their files alone, and opened in memory.

Nothing of SSH is loaded to find out that there is none, which is the ordinary case and must cost a run nothing. What is
opened goes to the runner as text over its pipe; it is in no file, no argument and no environment.
Sources: PROTOCOL.key of OpenSSH; RFC 1421 and RFC 5958 for the older forms.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from runbook.core.host import Host
from runbook.problem import Problems
from runbook.transport.ssh.config_text import read_outline
from runbook.transport.ssh.openssh import sources_of
from runbook.transport.ssh.resolve import DEFAULT_KEYS, question_about

_LARGEST = 64 * 1024
"""Bytes of a key file."""
_BEGIN = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_MAGIC = b"openssh-key-v1\0"
_OLDER = (b"Proc-Type: 4,ENCRYPTED", b"-----BEGIN ENCRYPTED PRIVATE KEY-----")

Unlocked = Mapping[str, str]
"""Path of a key file to the key itself, as OpenSSH writes one without a passphrase."""


def is_locked(path: str) -> bool:
    """Whether that file is a private key behind a passphrase; False for what cannot be read."""
    data = _content(path)
    if any(mark in data for mark in _OLDER):
        return True
    return bool(fields := _fields(data)) and fields[0] != b"none"


def public_half(path: str) -> bytes:
    """The public key that stands in a private one, also behind a passphrase; empty in the older forms."""
    fields = _fields(_content(path))
    return fields[3] if len(fields) > 3 else b""  # noqa: PLR2004 - cipher, its parameters twice, then the key


def any_locked(hosts: Iterable[Host]) -> bool:
    """Whether a login to any of them might need a passphrase. Asks nobody, and errs on the side of yes."""
    return any("%" in path or "$" in path or is_locked(path) for path in dict.fromkeys(_candidates(hosts)))


def _candidates(hosts: Iterable[Host]) -> Iterator[str]:
    yield from DEFAULT_KEYS
    configs: set[str] = set()
    for host in hosts:
        yield from host.key_files
        yield from (option.partition("=")[2].strip('"') for option in host.jump_options or ())
        if host.ssh_config not in configs:
            configs.add(host.ssh_config)
            yield from _in_configuration(host)


def _in_configuration(host: Host) -> Iterator[str]:
    try:
        sources = sources_of(question_about(host))
    except Problems:  # whoever dials says what is wrong with it
        return
    for block in read_outline(sources.user, sources.system, Path.home()).blocks:
        yield from (word for line in block.lines if line.keyword == "identityfile" for word in line.words)


def _content(path: str) -> bytes:
    try:
        file = Path(path).expanduser()
        return file.read_bytes() if file.is_file() and file.stat().st_size <= _LARGEST else b""
    except (OSError, RuntimeError):
        return b""


def _fields(data: bytes) -> list[bytes]:
    """Cipher, key derivation, its options, and the public key of OpenSSH's own form; none for any other."""
    text = data.partition(_BEGIN)[2].partition(b"-----END")[0]
    try:
        packed = base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error:
        return []
    if not packed.startswith(_MAGIC):
        return []
    fields: list[bytes] = []
    rest = packed.removeprefix(_MAGIC)
    for number in range(4):
        rest = rest[4:] if number == 3 else rest  # noqa: PLR2004 - in front of the public key stands how many there are
        length = int.from_bytes(rest[:4], "big")
        fields.append(rest[4 : 4 + length])
        rest = rest[4 + length :]
    return fields
