"""Opening a key with its passphrase, into memory and nowhere else."""

from __future__ import annotations

from pathlib import Path

from runbook.transport.ssh.library import asyncssh


def unlocked(path: str, passphrase: str) -> str:
    """The key as OpenSSH writes one without a passphrase; empty when that is not its passphrase.

    Raises:
        OSError: The file cannot be read.
    """
    try:
        key = asyncssh.import_private_key(Path(path).read_bytes(), passphrase)
    except (asyncssh.KeyEncryptionError, asyncssh.KeyImportError):
        return ""
    return key.export_private_key("openssh").decode()
