"""Damage as disks and people do it to records and their ledger, drawn from a seed: for verifiers to agree upon.

An attacker here has the whole folder, may make the chain, the listings and the ledger anew, and has a key of their own;
what they have not is the key of whoever sealed, and the files that the auditor keeps elsewhere.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

from runbook.problem import Problems
from runbook.record.ledger.entry import read_entry
from runbook.record.ledger.ledger import Ledger
from runbook.record.sealing.signing import CHECKPOINT, SEAL, sign
from tests.record.samples import rechain
from tests.record.seals import NEXT, RUN, relisted

Draw = random.Random


def files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())


def record_files(root: Path) -> list[Path]:
    return files(root / RUN)


def flip(root: Path, draw: Draw, key: str) -> None:
    path = draw.choice([path for path in files(root) if path.stat().st_size])
    data = bytearray(path.read_bytes())
    data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    path.write_bytes(data)


def cut(root: Path, draw: Draw, key: str) -> None:
    path = draw.choice(record_files(root))
    path.write_bytes(path.read_bytes()[: draw.randrange(path.stat().st_size + 1)])


def grow(root: Path, draw: Draw, key: str) -> None:
    path = draw.choice(record_files(root))
    path.write_bytes(path.read_bytes() + draw.choice([b"\0", b"\n", b"more\n", b'{"prev":"']))


def remove(root: Path, draw: Draw, key: str) -> None:
    draw.choice([path for path in record_files(root) if path.name != "journal.jsonl"]).unlink()


def add(root: Path, draw: Draw, key: str) -> None:
    name = draw.choice(["notes.txt", "out/db2.log", "torn-7", "attach/x", "checkpoints/3.txt", "runner.log"])
    (root / RUN / name).parent.mkdir(exist_ok=True)
    (root / RUN / name).write_bytes(draw.choice([b"", b"something\n"]))


def link(root: Path, draw: Draw, key: str) -> None:
    path = draw.choice([path for path in record_files(root) if path.name != "journal.jsonl"])
    path.rename(path.with_name(f"{path.name}.real"))
    path.symlink_to(f"{path.name}.real")


def swap(root: Path, draw: Draw, key: str) -> None:
    """What is one run's becomes the other's."""
    name = draw.choice(["out/db1.log", "SHA256SUMS", "SHA256SUMS.sig", "SEAL.json", "plan.json", "journal.jsonl"])
    one, other = root / RUN / name, root / NEXT / name
    if one.exists() and other.exists():
        kept = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(kept)


def shuffle_lines(root: Path, draw: Draw, key: str) -> None:
    path = root / RUN / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    place = draw.randrange(max(1, len(lines)))
    match draw.choice(["twice", "gone", "other order"]):
        case "twice":
            lines.insert(place, lines[place])
        case "gone":
            del lines[place]
        case _:
            lines.insert(draw.randrange(len(lines)), lines.pop(place))
    path.write_bytes(b"".join(lines))


EDITS = (
    (b'"reason":"all steps done"', b'"reason":"nothing was done"'),
    (b'"outcome":"succeeded"', b'"outcome":"failed"'),
    (b'"pid":4711', b'"pid":4712'),
    (b'"name":"anna"', b'"name":"bert"'),
    (b'"title":"Restart orders"', b'"title":"Destroy orders"'),
    (b'"digest":"', b'"digest":"0'),
    (b'"offset":0', b'"offset":1'),
    (b'"length":', b'"length":1'),
    (b'"number":1', b'"number":2'),
    (b'"ledger":"', b'"ledger":"0'),
)


def make_anew(root: Path, draw: Draw, key: str) -> None:
    """Edit a line and rebuild the chain behind it."""
    said, forged = draw.choice(EDITS)
    rechain(root / RUN, lambda line: line.replace(said, forged, 1))


def drop_and_rechain(root: Path, draw: Draw, key: str) -> None:
    path = root / RUN / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: draw.randrange(1, max(2, len(lines)))]))
    rechain(root / RUN, lambda line: line)


def relist(root: Path, draw: Draw, key: str) -> None:
    if (root / RUN / "SHA256SUMS").exists():
        relisted(root / RUN)


def reseal(root: Path, draw: Draw, key: str) -> None:
    """List it anew, sign it with a key of one's own, and say so."""
    folder = root / RUN
    if not (folder / "SHA256SUMS").exists():
        return
    relisted(folder)
    (folder / "SHA256SUMS.sig").write_bytes(sign(key, SEAL, (folder / "SHA256SUMS").read_bytes()))


def strip(root: Path, draw: Draw, key: str) -> None:
    for name in ("SHA256SUMS", "SHA256SUMS.sig", "OUTPUT.SHA256SUMS", "SEAL.json", "VERIFY.txt"):
        (root / RUN / name).unlink(missing_ok=True)


def unsign(root: Path, draw: Draw, key: str) -> None:
    (root / RUN / "SHA256SUMS.sig").unlink(missing_ok=True)


def forge_checkpoint(root: Path, draw: Draw, key: str) -> None:
    path = root / RUN / "checkpoints" / "9.txt"
    if path.exists():
        path.write_text(path.read_text().replace("\n9\n", "\n8\n"))
        path.with_name("9.txt.sig").write_bytes(sign(key, CHECKPOINT, path.read_bytes()))


def ledger_hole(root: Path, draw: Draw, key: str) -> None:
    draw.choice(sorted((root / "ledger").glob("*.json"))).unlink()


def ledger_edit(root: Path, draw: Draw, key: str) -> None:
    path = draw.choice(sorted((root / "ledger").glob("*.json")))
    said, forged = draw.choice(
        [(b'"anna"', b'"bert"'), (b"2026", b"2025"), (b'"manifest":"', b'"manifest":"0'), (b"-0001", b"-0009")]
    )
    path.write_bytes(path.read_bytes().replace(said, forged, 1))


def ledger_anew(root: Path, draw: Draw, key: str) -> None:
    """Take some entries out and make the rest one chain."""
    ledger = Ledger(root)
    told = [read_entry(ledger.data(number)) for number in ledger.numbers()]
    gone = draw.randrange(len(told))
    shutil.rmtree(root / "ledger")
    for number, entry in enumerate(told):
        if number != gone:
            ledger.append(entry)


def ledger_tail(root: Path, draw: Draw, key: str) -> None:
    newest = max((root / "ledger").glob("*.json"))
    newest.unlink()
    newest.with_name(f"{newest.name}.sig").unlink(missing_ok=True)


def ledger_gone(root: Path, draw: Draw, key: str) -> None:
    shutil.rmtree(root / "ledger")


def delete_other(root: Path, draw: Draw, key: str) -> None:
    shutil.rmtree(root / NEXT)


def nothing(root: Path, draw: Draw, key: str) -> None:
    """Also a verifier that calls everything altered is wrong."""


KINDS: tuple[Callable[[Path, Draw, str], None], ...] = (
    flip, flip, flip, cut, grow, remove, add, link, swap, shuffle_lines, make_anew, drop_and_rechain, relist, reseal,
    strip, unsign, forge_checkpoint, ledger_hole, ledger_edit, ledger_anew, ledger_tail, ledger_gone, delete_other,
    nothing,
)  # fmt: skip
LAST = (relist, reseal, strip, unsign)
"""What an attacker does at the end, to cover what they did before."""


def damaged(root: Path, draw: Draw, key: str) -> str:
    """Do one to three things to it; gives their names."""
    kinds = [draw.choice(KINDS) for _ in range(draw.choice([1, 1, 1, 2]))]
    kinds += [draw.choice(LAST)] if draw.random() < 0.3 else []
    done = []
    for kind in kinds:
        try:
            kind(root, draw, key)
        except (OSError, ValueError, IndexError, Problems):
            continue  # what an earlier damage has made impossible
        done.append(kind.__name__)
    return " then ".join(done)
