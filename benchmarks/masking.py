"""How fast secrets are hidden: megabytes of processor time's second, by what flows and in how large pieces.

    python benchmarks/masking.py

Every byte that a host prints goes through a masker twice, once for the record and once for what is judged.
"""

from __future__ import annotations

import argparse
import base64
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.table import publish, rows
from runbook.core.planned.command import Secret
from runbook.masking.masker import Masker

SIZE = 1 << 20
PIECES = (64 * 1024, 4096, 100)


def texts() -> dict[str, bytes]:
    """What hosts print: words, the same in colour, and lines of JSON full of escapes."""
    chance = random.Random(1)
    words = ["".join(chance.choices("etaoinshrdlucmfwypvbgk", k=chance.randint(2, 9))) for _ in range(3000)]
    lines = [" ".join(chance.choices(words, k=12)) for _ in range(SIZE // 60)]
    escaped = [f'{{"level": "info", "msg": "GET \\"/x\\" %20a&b=1", "t": {number}}}' for number in range(SIZE // 40)]
    return {
        "plain": "\n".join(lines).encode()[:SIZE],
        "coloured": "\n".join(f"\x1b[32mINFO\x1b[0m {line}" for line in lines).encode()[:SIZE],
        "escaped": "\n".join(escaped).encode()[:SIZE],
    }


def secrets() -> dict[str, list[Secret]]:
    """A password, five of them, and a private key."""
    chance = random.Random(2)
    tokens = [base64.b64encode(chance.randbytes(15)).decode() for _ in range(5)]
    lines = [base64.b64encode(chance.randbytes(48)).decode() for _ in range(26)]
    key = "\n".join(["-----BEGIN KEY-----", *lines, "-----END KEY-----"])
    several = [Secret(str(number), token) for number, token in enumerate(tokens)]
    return {"a password": [Secret("a", "hunter22SuperSecret")], "five tokens": several, "a key": [Secret("k", key)]}


def speed(masker: Masker, data: bytes, piece: int) -> float:
    """The best of three, in megabytes a second."""
    best = float("inf")
    for _ in range(3):
        stream = masker.fresh()
        began = time.process_time()
        for at in range(0, len(data), piece):
            stream.feed(data[at : at + piece])
        stream.flush()
        best = min(best, time.process_time() - began)
    return len(data) / best / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/README.md")
    options = parser.parse_args()
    body = []
    for hidden, values in secrets().items():
        masker = Masker.for_secrets(values)
        for text, data in texts().items():
            body.append((f"{hidden}, {text}", *(f"{speed(masker, data, piece):.0f}" for piece in PIECES)))
    heads = ("MB/s", *(f"pieces of {piece:,} bytes" for piece in PIECES))
    publish("masking", rows(heads, body), write=options.write)


if __name__ == "__main__":
    main()
