"""The two listings of a sealed record, in the form of `sha256sum`, and what there is to be listed.

`OUTPUT.SHA256SUMS` has what hosts printed and people attached, which a court may order to be taken away;
`SHA256SUMS` has all the rest, the first listing with it, and is what is signed. So output can be redacted and the rest
still verifies. What no listing can name lies beside them: themselves, what signs them, what came after the seal, and
the runner's own complaints, which are no evidence.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from runbook.record.files.journal_file import RUNNER_LOG
from runbook.record.files.output import OUT
from runbook.record.files.plain import not_plain, open_plain

MANIFEST = "SHA256SUMS"
OUTPUTS = "OUTPUT.SHA256SUMS"
SIGNATURE = f"{MANIFEST}.sig"
STAMP = f"{SIGNATURE}.tsr"
SEAL = "SEAL.json"
PROCEDURE = "VERIFY.txt"
CHECKPOINTS = "checkpoints"
ADDENDA = "addenda"
ATTACHED = "attach"
APPROVALS = "approvals"
OF_THE_SEAL = {SEAL, PROCEDURE, OUTPUTS, CHECKPOINTS, ADDENDA, ATTACHED, APPROVALS}
"""What no line of the journal names and has its place all the same."""
ASIDE = f".{MANIFEST}"
"""The listing before it gets its name, by which a record is sealed; what a crash leaves of it is not one."""

LARGEST = 64 * 1024 * 1024
"""Bytes of a listing that are read: half a million files."""
_SIGNATURES = re.compile(re.escape(SIGNATURE) + r"(\.tsr|\.[0-9])?")
"""Of the one who sealed, and of those who signed the same listing after."""
_ADDED = f"{ADDENDA}/"
_LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9._~/-]+)")
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]*")
_BLOCK = 1024 * 1024


def is_beside(name: str) -> bool:
    """True for what no listing names."""
    return name in {MANIFEST, RUNNER_LOG, ASIDE} or _SIGNATURES.fullmatch(name) is not None or name.startswith(_ADDED)


def is_output(name: str) -> bool:
    """True for what stands in the listing whose files may be redacted."""
    return name.startswith((f"{OUT}/", f"{ATTACHED}/"))


def is_listable(name: str) -> bool:
    """True for a name that every tool reads as we do: no blanks, no backslashes, nothing hidden, no way out."""
    return all(_SAFE.fullmatch(part) for part in name.split("/"))


def listing(digests: Mapping[str, str]) -> bytes:
    """Names to SHA-256, as `LC_ALL=C sort -k2` and `sha256sum -c` want them."""
    return "".join(f"{digests[name]}  {name}\n" for name in sorted(digests)).encode()


def read_listing(data: bytes) -> dict[str, str]:
    """Name to SHA-256.

    Raises:
        ValueError: It is no listing, or one that other tools would read otherwise.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(data.decode("ascii").split("\n")[:-1], start=1):
        match = _LINE.fullmatch(line)
        if match is None or not is_listable(match[2]) or match[2] in found:
            raise ValueError(f"line {number} is none of a listing")
        found[match[2]] = match[1]
    if listing(found) != data:
        raise ValueError("its lines are not in order, or the last one has no end")
    return found


def names_in(folder: Path) -> Iterator[str]:
    """Every plain file of a record, in order of their names.

    Raises:
        OSError: What the system said.
        Problems: `record-not-plain` for a link, a pipe or a device.
    """
    return iter(sorted(_below(folder, "")))


def _below(folder: Path, prefix: str) -> Iterator[str]:
    for entry in os.scandir(folder / prefix):
        name, mode = f"{prefix}{entry.name}", entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode):
            yield from _below(folder, f"{name}/")
        elif stat.S_ISREG(mode):
            yield name
        else:
            raise not_plain(folder / name, mode)


def digest_of_file(folder: Path, name: str) -> str:
    """SHA-256 of a file of any size.

    Raises:
        FileNotFoundError: It is not there.
        OSError: What the system said.
        Problems: `record-not-plain`, `record-closed`.
    """
    digest, block = hashlib.sha256(), bytearray(_BLOCK)
    number = open_plain(folder, name)
    try:
        while length := os.readv(number, [block]):
            digest.update(memoryview(block)[:length])
    finally:
        os.close(number)
    return digest.hexdigest()


def content(folder: Path, name: str, limit: int = LARGEST) -> bytes | None:
    """The bytes of a small file of a record; None where it is not there.

    Raises:
        Problems: `record-not-plain`, `record-closed`.
    """
    try:
        number = open_plain(folder, name)
    except FileNotFoundError:
        return None
    try:
        return os.pread(number, limit, 0)
    finally:
        os.close(number)
