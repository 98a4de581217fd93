"""Closing the folder of a run for good: listed, signed, explained, and read-only.

A folder is sealed when it has a file `SHA256SUMS`, and that name is given last, in one step: a crash, a full disk or a
key that refuses leaves a record that is not sealed and can be sealed later. What was left half-done is done anew. A
configured key that does not sign leaves the record open, so that it can be signed when the key is back; without any key
it is sealed all the same, and says that nobody signed it. Nothing that goes wrong here touches what the run wrote.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

import msgspec
from msgspec.structs import replace

from runbook.problem import Exit, Problems, Where, problem
from runbook.record.files.disk import sync_folder, write_new_file
from runbook.record.sealing.journal_end import End, end_of
from runbook.record.sealing.manifest import (
    ASIDE,
    MANIFEST,
    OUTPUTS,
    PROCEDURE,
    SEAL,
    SIGNATURE,
    STAMP,
    digest_of_file,
    is_beside,
    is_listable,
    is_output,
    listing,
    names_in,
)
from runbook.record.sealing.procedure import procedure
from runbook.record.sealing.sealer import Sealer
from runbook.record.sealing.signing import SEAL as AS_SEAL
from runbook.record.sealing.signing import public_key, sign
from runbook.record.sealing.sshsig import read_signature
from runbook.record.sealing.stamp import ask
from runbook.record.sealing.statement import Statement, written

_MADE = (SEAL, PROCEDURE, OUTPUTS, SIGNATURE, ASIDE)
"""What a seal adds before it is one."""
_CLOSED_FILE, _CLOSED_FOLDER = 0o400, 0o500
UNSIGNED = "no key was given: nobody vouches for this record, and its listing shows damage and no forgery"


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """A record that was closed."""

    statement: Statement
    manifest: str
    """SHA-256 of the listing that was signed."""
    remarks: tuple[str, ...] = ()
    """What did not come about beside it: a stamp, read-only modes, an entry of the ledger."""

    def with_remark(self, remark: str) -> Sealed:
        """The same, with one thing more that did not come about."""
        return replace(self, remarks=(*self.remarks, remark))


def is_sealed(folder: Path) -> bool:
    """True when nothing may be written into the record any more."""
    return os.path.lexists(folder / MANIFEST)


def seal(folder: Path, run: str, sealer: Sealer, reason: str = "") -> Sealed:
    """Close the folder of a run. Whoever calls holds the journal, so that nobody writes meanwhile.

    Args:
        folder: Of the record.
        run: Its id.
        sealer: Who does it.
        reason: Why a run that did not end never will; without one only a run that ended is sealed.

    Raises:
        Problems: `record-sealed`, `not-ended`, `key-unusable`, `seal-demand`, `seal-failed`; `record-not-plain` and
            the codes of a damaged last line. The record is then not sealed, and as it was.
    """
    if is_sealed(folder):
        raise already_sealed(folder)
    try:
        _clear(folder)
        end = end_of(folder)
        if not (end.has_ended or reason):
            raise _not_ended(folder)
        sealed = _sealed(folder, _statement(run, end, sealer, reason), sealer)
    except OSError as error:
        _clear(folder)
        raise _failed(folder, error.strerror or str(error)) from error
    except Problems:
        _clear(folder)
        raise
    remarks = (*_stamped(folder, sealer.sealing.stamp), *_closed(folder))
    return replace(sealed, remarks=remarks)


def _statement(run: str, end: End, sealer: Sealer, reason: str) -> Statement:
    """What will be signed, with the key that is to sign it.

    Raises:
        Problems: `key-unusable`, `seal-demand`.
    """
    sealing = sealer.sealing
    key = public_key(sealing.key) if sealing.key else None
    if sealing.demand and key is None:
        raise demanded(sealing.demand, "no key is named under [seal] in runbook.toml")
    if sealing.demand == "fido" and key is not None and not key.is_security_key:
        raise demanded(sealing.demand, f"{key.fingerprint} is a key of the kind {key.kind}")
    return Statement(
        run=run,
        state="ended" if end.has_ended else "interrupted",
        lines=end.lines,
        head=end.head,
        torn=end.torn,
        sealed=sealer.wall(),
        by=sealing.by,
        reason="" if end.has_ended else reason,
        key=key.fingerprint if key else "",
        certificate=key.certificate.identity if key and key.certificate else "",
        unsigned="" if key else UNSIGNED,
        stamp=sealing.stamp if key else "",
        program=sealer.program,
    )


def _sealed(folder: Path, statement: Statement, sealer: Sealer) -> Sealed:
    """Hash what is there, sign the listing, and write both; the listing gets its name last."""
    found = {name: digest_of_file(folder, name) for name in _listable(folder)}
    outputs = {name: digest for name, digest in found.items() if is_output(name)}
    made = {
        SEAL: written(statement),
        PROCEDURE: procedure(statement).encode(),
        OUTPUTS: listing(outputs),
    }
    permanent = {name: digest for name, digest in found.items() if not is_output(name)}
    permanent.update({name: hashlib.sha256(data).hexdigest() for name, data in made.items()})
    manifest = listing(permanent)
    if statement.key:
        made[SIGNATURE] = _signed(manifest, statement, sealer)
    for name, data in (*made.items(), (ASIDE, manifest)):
        write_new_file(folder / name, data, sync_name=False)
    sync_folder(folder)
    (folder / ASIDE).rename(folder / MANIFEST)
    sync_folder(folder)
    return Sealed(statement=statement, manifest=hashlib.sha256(manifest).hexdigest())


def _signed(manifest: bytes, statement: Statement, sealer: Sealer) -> bytes:
    made = sign(sealer.sealing.key, AS_SEAL, manifest)
    signature = read_signature(made)
    if signature.key.fingerprint != statement.key:
        raise demanded("required", f"{sealer.sealing.key} signed with {signature.key.fingerprint}")
    if sealer.sealing.demand == "fido" and not signature.touched:
        raise demanded("fido", "nobody touched the token")
    return made


def _listable(folder: Path) -> list[str]:
    """What is put under the seal.

    Raises:
        Problems: `seal-failed` for a name that not every tool reads as we do; `record-not-plain`.
    """
    names = [name for name in names_in(folder) if not is_beside(name)]
    odd = next((name for name in names if not is_listable(name)), None)
    if odd is not None:
        raise _failed(folder, f"{odd!r} lies in it, which no run puts there")
    return names


def _clear(folder: Path) -> None:
    """Take away what an earlier try left; a record that is sealed is left alone."""
    if is_sealed(folder):
        return
    for name in _MADE:
        with contextlib.suppress(OSError):
            (folder / name).unlink(missing_ok=True)


def _stamped(folder: Path, url: str) -> tuple[str, ...]:
    """Put a time stamp over the signature beside it; gives what did not come about."""
    if not url or not (folder / SIGNATURE).exists():
        return ()
    try:
        write_new_file(folder / STAMP, ask(url, (folder / SIGNATURE).read_bytes()))
    except (ValueError, OSError) as error:
        return (f"There is no time stamp: {error}",)
    return ()


def _closed(folder: Path) -> tuple[str, ...]:
    """Take the right to write from everybody, the owner too: who wants to change it has to mean it."""
    try:
        for path, folders, files in os.walk(folder, topdown=False):
            for name in files:
                (Path(path) / name).chmod(_CLOSED_FILE)
            for name in folders:
                (Path(path) / name).chmod(_CLOSED_FOLDER)
        folder.chmod(_CLOSED_FOLDER)
    except OSError as error:
        return (f"It could not be made read-only: {error.strerror}",)
    return ()


def already_sealed(folder: Path) -> Problems:
    """Said to whoever would write into a sealed record."""
    return problem(
        "The record is sealed",
        why="It was closed for good, and what is in it was signed or listed as it is",
        fix=f"Go on in a run of its own: runbook run --from {folder.name} --at STEP. "
        f"Read it: runbook verify {folder.name}",
        where=Where(str(folder)),
        code="record-sealed",
        exit=Exit.REFUSED,
    )


def demanded(demand: str, why: str) -> Problems:
    """Said where a place demands a seal that cannot be had."""
    wanted = "a seal whose key is a security token that somebody touches" if demand == "fido" else "a signed seal"
    return problem(
        f"The environment demands {wanted}",
        why=why,
        fix='Name a key that can sign: [seal] with key = "~/.ssh/id_ed25519" in runbook.toml (docs/sealing.md).',
        code="seal-demand",
        exit=Exit.REFUSED,
    )


def _not_ended(folder: Path) -> Problems:
    return problem(
        "The run has not ended",
        why="Whoever seals it says that it never will",
        fix='Resume it, or say why it never goes on: runbook seal RUN --interrupted -m "WHY"',
        where=Where(str(folder)),
        code="not-ended",
        exit=Exit.REFUSED,
    )


def _failed(folder: Path, why: str) -> Problems:
    return problem(
        "The record could not be sealed",
        why=why,
        fix="Nothing of it was changed. Mend that, then: runbook seal RUN",
        where=Where(str(folder)),
        code="seal-failed",
        exit=Exit.REFUSED,
    )
