"""The ledger by itself: one chain without a hole, that still begins as everybody who kept a piece of it knows it.

Every entry is read, because a hole anywhere is a record that somebody may have taken away. What is found is a list of
flaws, each with what it is called; whoever checks one record, or all of them, decides what they come to.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from runbook.record.checking.roots import Roots
from runbook.record.checking.soundness import Soundness
from runbook.record.ledger.entry import FIRST, LedgerEntry, hash_of_entry, read_entry
from runbook.record.ledger.ledger import NAME, POINTS, Ledger
from runbook.record.ledger.tree import LedgerCheckpoint, leaf, read_ledger_checkpoint, root_of
from runbook.record.sealing.signing import CHECKPOINT, LEDGER, Standing, Trust, judge

QUIET = timedelta(hours=26)
"""Longer than this between two entries nobody wrote down that nothing happened: a day, and some for a late timer."""


class Flaw(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a ledger."""

    finding: Soundness
    detail: str
    kind: str
    """As `Examined.kind`."""


class LedgerReading(msgspec.Struct, frozen=True, kw_only=True):
    """A ledger as it lies there."""

    entries: Mapping[int, LedgerEntry]
    """By number; those that can be read."""
    digests: Mapping[int, str]
    """SHA-256 of each file, by number."""
    flaws: tuple[Flaw, ...]
    points: tuple[LedgerCheckpoint, ...] = ()
    """Checkpoints that lie beside the entries and hold."""

    @property
    def gravest(self) -> Flaw | None:
        """The worst flaw, the first of its kind."""
        return max(self.flaws, key=lambda flaw: flaw.finding, default=None)

    def of(self, run: str) -> tuple[tuple[str, LedgerEntry], ...]:
        """The entries about a run, each with the hash of its file."""
        return tuple((self.digests[number], entry) for number, entry in self.entries.items() if entry.run == run)

    def runs(self, *kinds: str) -> dict[str, LedgerEntry]:
        """By run, its last entry of one of those kinds."""
        return {entry.run: entry for entry in self.entries.values() if entry.run and entry.kind in kinds}


def read_ledger(ledger: Ledger, roots: Roots) -> LedgerReading:
    """Read all of it; what cannot be read, or does not fit, is a flaw."""
    numbers, flaws = ledger.numbers(), [*_strangers(ledger)]
    entries, digests, leaves = dict[int, LedgerEntry](), dict[int, str](), list[bytes]()
    prev = FIRST
    for number in numbers:
        due = len(leaves) + 1
        if number != due and (number - 1) not in digests:
            flaws.append(_hole(due if not digests else max(digests) + 1, number - 1))
            prev = ""
        data = _data(ledger, number)
        digests[number] = hash_of_entry(data)
        leaves.append(leaf(data))
        try:
            entry = read_entry(data)
        except ValueError:
            flaws.append(_altered(f"Entry {number} is none", "foreign-entry"))
        else:
            flaws += _chained(entry, number, prev)
            entries[number] = entry
        prev = digests[number]
    points, wrong = _points(ledger, leaves, roots)
    flaws += [*wrong, *_clocks(entries)]
    return LedgerReading(entries=entries, digests=digests, flaws=tuple(flaws), points=points)


def signature_flaws(ledger: Ledger, reading: LedgerReading, trust: Trust, run: str = "") -> Iterator[Flaw]:
    """Signatures that are not over their entries, of one run or of all. An entry may be without: the chain holds it."""
    for number, entry in reading.entries.items():
        armoured = ledger.signature(number) if run in {"", entry.run} else b""
        if not armoured:
            continue
        judged = judge(armoured, _data(ledger, number), LEDGER, trust)
        if judged.standing is Standing.FALSE:
            yield _altered(f"Entry {number} is not what was signed: {judged.why}", "false-signature")
        elif judged.standing is Standing.FOREIGN:
            yield Flaw(
                finding=Soundness.NOTE,
                detail=f"Entry {number} was signed with {judged.fingerprint}: {judged.why}",
                kind="foreign-signer",
            )


def _chained(entry: LedgerEntry, number: int, prev: str) -> Iterator[Flaw]:
    if entry.seq != number:
        yield _altered(f"Entry {number} says that it is {entry.seq}", "foreign-entry")
    if prev and entry.prev != prev:
        yield _altered(f"Entry {number} does not follow the one before it", "rewritten")


def _hole(first: int, last: int) -> Flaw:
    which = f"Entry {first} is" if first == last else f"Entries {first} to {last} are"
    return _altered(f"{which} missing", "hole")


def _strangers(ledger: Ledger) -> Iterator[Flaw]:
    try:
        names = sorted(os.listdir(ledger.folder))  # noqa: PTH208 - the names alone
    except OSError:
        return
    odd = [
        name for name in names if name != POINTS and not NAME.fullmatch(name.removesuffix(".sig")) and name[0] != "."
    ]
    if odd:
        yield Flaw(
            finding=Soundness.NOTE, detail=f"{odd[0]} lies in it, which no entry is called", kind="foreign-entry"
        )


def _points(ledger: Ledger, leaves: list[bytes], roots: Roots) -> tuple[tuple[LedgerCheckpoint, ...], list[Flaw]]:
    """The checkpoints beside the entries and the one from elsewhere, against the entries."""
    good, flaws = list[LedgerCheckpoint](), list[Flaw]()
    kept = [(text, signature, "A checkpoint that was kept here") for text, signature in ledger.points()]
    for text, signature, what in (*kept, *_known(roots)):
        try:
            point = read_ledger_checkpoint(text)
        except (ValueError, UnicodeDecodeError) as error:
            flaws.append(_altered(f"{what} cannot be read: {error}", "false-checkpoint"))
            continue
        told = [*_signed(point, signature, what, roots.trust), *_held(point, leaves, what, ledger.origin())]
        flaws += told
        good += [] if told else [point]
    return tuple(good), flaws


def _known(roots: Roots) -> Iterator[tuple[bytes, bytes, str]]:
    if roots.checkpoint:
        path = Path(roots.checkpoint)
        beside = path.with_name(f"{path.name}.sig")
        yield path.read_bytes(), beside.read_bytes() if beside.is_file() else b"", "The checkpoint that you know"


def _signed(point: LedgerCheckpoint, signature: bytes, what: str, trust: Trust) -> Iterator[Flaw]:
    if signature and judge(signature, point.text, CHECKPOINT, trust).standing is Standing.FALSE:
        yield _altered(f"{what}, of {point.size} entries, is not what was signed", "false-checkpoint")


def _held(point: LedgerCheckpoint, leaves: list[bytes], what: str, origin: str) -> Iterator[Flaw]:
    if point.size > len(leaves):
        yield _altered(f"{what} has {point.size} entries, and {len(leaves)} are here", "tail-cut")
    elif root_of(leaves[: point.size]) != point.root:
        yield _altered(f"{what} has another root over the first {point.size} entries", "fork")
    elif point.origin != origin:
        yield _altered(f"{what} is of {point.origin}, and this is {origin}", "fork")


def _clocks(entries: Mapping[int, LedgerEntry]) -> Iterator[Flaw]:
    """Times that go backwards, and long silence, by the words of those who wrote."""
    before: datetime | None = None
    for number, entry in entries.items():
        try:
            now = datetime.fromisoformat(entry.time)
            gap = now - before if before else timedelta()
        except (ValueError, TypeError):
            yield _altered(f'Entry {number} has no time: "{entry.time}"', "foreign-entry")
            continue
        if gap < timedelta():
            detail = f"Entry {number} is of {entry.time}, before the one in front of it"
            yield Flaw(finding=Soundness.NOTE, detail=detail, kind="clock")
        if gap > QUIET:
            detail = (
                f"Nothing was written down for {gap.days} days and {gap.seconds // 3600} hours before entry {number}"
            )
            yield Flaw(finding=Soundness.NOTE, detail=detail, kind="quiet")
        before = max(now, before) if before else now


def _data(ledger: Ledger, number: int) -> bytes:
    try:
        return ledger.data(number)
    except OSError:
        return b""


def _altered(detail: str, kind: str) -> Flaw:
    return Flaw(finding=Soundness.ALTERED, detail=detail, kind=kind)
