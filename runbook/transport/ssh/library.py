"""The SSH library, imported without a program being started for it.

While it is imported it looks for two libraries that it can do without (liboqs for one more key exchange, nettle for one
more MAC). Python answers such a question with `ldconfig`, and where that knows nothing with a compiler and a linker:
programs at each start, and for nothing. The dynamic linker's own cache holds the same answer and is a file. Where there
is none (musl, macOS), or somebody has named folders of their own, Python is asked as ever.

Everybody who needs the library imports it from here, so that whoever comes first does not pay.
"""

from __future__ import annotations

import contextlib
import ctypes.util
import os
import re
from collections.abc import Iterator
from pathlib import Path

CACHE = Path("/etc/ld.so.cache")
"""What `ldconfig` writes and `ldconfig -p` prints: names of files between NULs (ld.so(8))."""


def found_in(cache: bytes, name: str) -> str | None:
    """The file name of a shared library; None where the linker would find none.

    Args:
        cache: Of the dynamic linker.
        name: As after `-l`.
    """
    found = re.findall(rb"(?<=[\0/])lib" + re.escape(name).encode() + rb"\.so[^\0/]*(?=\0)", cache)
    # The newest, as `ldconfig` has it: a name without a version is for those who compile.
    return os.fsdecode(max(found)) if found else None


@contextlib.contextmanager
def answered_from_the_cache() -> Iterator[None]:
    """Let `ctypes.util.find_library` start no program for as long as the block lasts."""
    asked, cache = ctypes.util.find_library, _cache()

    def found(name: str) -> str | None:
        return found_in(cache, name) if cache else asked(name)

    ctypes.util.find_library = found
    try:
        yield
    finally:
        ctypes.util.find_library = asked


def _cache() -> bytes:
    """Empty where it does not say everything."""
    try:
        return b"" if "LD_LIBRARY_PATH" in os.environ else CACHE.read_bytes()
    except OSError:
        return b""


with answered_from_the_cache():
    import asyncssh
    from asyncssh.agent import SSHAgentKeyPair
    from asyncssh.public_key import SSHOpenSSHCertificate

__all__ = ["SSHAgentKeyPair", "SSHOpenSSHCertificate", "asyncssh"]
