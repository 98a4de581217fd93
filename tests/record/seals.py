"""Keys as people have them, and records that were sealed with them, for every test about seals."""

from __future__ import annotations

import subprocess
from pathlib import Path

from runbook.record.checking.roots import Roots
from runbook.record.checking.verify import Verification, verify
from runbook.record.file_store import FileStore
from runbook.record.files.output import Source
from runbook.record.form.formats import PLAN as PLAN_FILE
from runbook.record.sealing import manifest as at
from runbook.record.sealing.seal import Sealed
from runbook.record.sealing.sealer import Sealer, Sealing
from runbook.record.sealing.signing import Trust
from tests.record.samples import ANNA, FILES, PLAN, numbered, story

RUN = "20261123T041200Z-orders-restart-0001"
NEXT = "20261123T051200Z-orders-restart-0002"
LATER = "20261124T041200Z-orders-restart-0003"
SEALED_AT = "2026-11-23T04:13:00.000Z"
SOURCE = Source(step="1.2", host="db1", number=1, stream="out")


def keygen(*words: str | Path, data: bytes = b"") -> bytes:
    """`ssh-keygen`, as it is on this machine."""
    return subprocess.run(["ssh-keygen", *map(str, words)], input=data, capture_output=True, check=True).stdout


def make_key(folder: Path, name: str = "anna", kind: str = "ed25519") -> Path:
    """A key file without a passphrase."""
    folder.mkdir(exist_ok=True)
    bits = ("-b", "2048") if kind == "rsa" else ()
    keygen("-q", "-t", kind, *bits, "-N", "", "-C", name, "-f", folder / name)
    return folder / name


def signers(path: Path, *lines: tuple[str, Path] | str) -> Path:
    """An allowed_signers file: of principals with their keys, or of lines as they are."""
    said = [line if isinstance(line, str) else f"{line[0]} {public(line[1])}" for line in lines]
    path.write_text("".join(f"{line}\n" for line in said))
    return path


def public(key: Path) -> str:
    """The kind and the key, without the comment."""
    return " ".join(key.with_name(f"{key.name}.pub").read_text().split()[:2])


def sealer(key: Path | str = "", *, wall: str = SEALED_AT, **said: object) -> Sealer:
    """Who seals, at a time that stands still."""
    return Sealer(Sealing(key=str(key), by=ANNA, **said), lambda: wall, "0.1.0")


def trusting(path: Path, **said: str) -> Roots:
    """Whoever stands in that file is believed."""
    return Roots(trust=Trust(signers=str(path)), **said)


async def run_to_its_end(root: Path, by: Sealer | None, run: str = RUN, **how: object) -> Path:
    """A record that a store kept from its opening to its end, sealed by its writer; gives its folder."""
    return await recorded(root, by, run, cut=0, **how)


async def interrupted(root: Path, by: Sealer | None = None, run: str = RUN) -> Path:
    """A record whose runner died before the last two lines."""
    return await recorded(root, by, run, cut=2)


async def recorded(
    root: Path, by: Sealer | None, run: str, *, cut: int, text: bytes = b"restarting\ndone\n", pause: int = 0
) -> Path:
    """As a runner does it; what was said in the first lines is durable after a `pause` before the rest comes."""
    created = FileStore(root).create(run, runbook="orders-restart", files={PLAN_FILE: PLAN.encoded, **FILES}, sealer=by)
    writer = created.writer
    chunks = (*writer.output.write(SOURCE, text), *writer.output.flush())
    entries = numbered(*story(chunks, run=run, files=created.digests, ledger=created.ledger))
    for entry in entries[: len(entries) - cut]:
        writer.append(writer.tip, entry)
        if writer.tip.seq == pause:
            await writer.commit()
    await writer.commit_output()
    await writer.commit()
    await writer.close()
    return root / run


def by_hand(root: Path, by: Sealer, run: str = RUN, reason: str = "") -> Sealed:
    """What `runbook seal` does."""
    return FileStore(root).seal(run, by, reason)


def found(folder: Path, roots: Roots | None = None) -> Verification:
    """Verified, with or without trust from elsewhere."""
    return verify(folder, roots) if roots else verify(folder)


def finding(folder: Path, name: str, roots: Roots | None = None) -> tuple[str, str]:
    """How one check came out: its finding and its kind."""
    check = next(each for each in found(folder, roots).checks if each.name == name)
    return check.finding.name.lower(), check.kind


def open_up(folder: Path) -> None:
    """What somebody does first who wants to change a sealed record."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)


def unseal(folder: Path) -> None:
    """The record of a run that has not come to its end: nothing of a seal, and the ledger has heard of none."""
    open_up(folder)
    for name in (at.MANIFEST, at.OUTPUTS, at.SEAL, at.PROCEDURE):
        (folder / name).unlink(missing_ok=True)
    for entry in (folder.parent / "ledger").glob("*.json"):
        if b'"kind":"sealed"' in entry.read_bytes() and folder.name.encode() in entry.read_bytes():
            entry.unlink()


def relisted(folder: Path) -> None:
    """Make the listings anew over what lies there, as an attacker can; signatures stay what they were."""
    names = [name for name in at.names_in(folder) if not at.is_beside(name)]
    digests = {name: at.digest_of_file(folder, name) for name in names}
    outputs = at.listing({name: digest for name, digest in digests.items() if at.is_output(name)})
    (folder / at.OUTPUTS).write_bytes(outputs)
    permanent = {name: digest for name, digest in digests.items() if not at.is_output(name)}
    permanent[at.OUTPUTS] = at.digest_of_file(folder, at.OUTPUTS)
    (folder / at.MANIFEST).write_bytes(at.listing(permanent))
