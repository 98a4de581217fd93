"""Time stamps of RFC 3161: somebody else's clock says that a signature was there by then.

What goes out is a hash and nothing else. What comes back is kept as it came, because a stranger checks it with
`openssl ts`; here it is only looked at whether it answers this question at all, and a verifier who names the
authority's certificate has openssl judge it. An authority that is away or lies costs the stamp and never the seal.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import tempfile

import msgspec

LIMIT = 15.0
"""Seconds that an authority may take."""
LARGEST = 64 * 1024
"""Bytes of an answer; a real one has some five thousand."""
_SHA256 = bytes.fromhex("300d06096086480165030402010500")
"""AlgorithmIdentifier of SHA-256 (RFC 5754)."""
_TYPES = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}


class Stamped(msgspec.Struct, frozen=True, kw_only=True):
    """What openssl says of a stamp."""

    ok: bool
    moment: str = ""
    """`YYYYMMDDHHMMSS` in UTC, by the authority's clock."""
    why: str = ""


def query(data: bytes, nonce: bytes) -> bytes:
    """A request for a stamp over those bytes, which asks for the authority's certificate too (TimeStampReq, DER)."""
    imprint = _der(0x30, _SHA256 + _der(0x04, hashlib.sha256(data).digest()))
    number = _der(0x02, nonce)
    return _der(0x30, _der(0x02, b"\1") + imprint + number + _der(0x01, b"\xff"))


def ask(url: str, data: bytes) -> bytes:
    """The answer of an authority.

    Raises:
        ValueError: It did not answer, or not to this; its text says which.
    """
    import httpx  # noqa: PLC0415 - few seals ask for a stamp, and every list of runs would pay for it

    nonce = b"\1" + os.urandom(7)
    try:
        said = httpx.post(url, content=query(data, nonce), headers=_TYPES, timeout=LIMIT)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ValueError(f"{url} did not answer ({type(error).__name__})") from error
    if said.status_code != httpx.codes.OK or len(said.content) > LARGEST:
        raise ValueError(f"{url} answered {said.status_code} and no stamp")
    if hashlib.sha256(data).digest() not in said.content or nonce not in said.content:
        raise ValueError(f"{url} answered something else than what it was asked")
    return said.content


def judge_stamp(answer: bytes, data: bytes, authority: str) -> Stamped:
    """Whether a stamp is one over those bytes by an authority that is believed.

    Args:
        answer: As it came.
        data: What it should be over.
        authority: Path of the certificates that are believed, in PEM.
    """
    with tempfile.TemporaryDirectory() as folder:
        names = [f"{folder}/{name}" for name in ("answer", "data")]
        for name, part in zip(names, (answer, data), strict=True):
            with open(name, "wb") as file:  # noqa: PTH123 - two names in a folder that is gone in a moment
                file.write(part)
        try:
            return _judged(names[0], names[1], authority)
        except (FileNotFoundError, subprocess.TimeoutExpired):
            return Stamped(ok=False, why="openssl is not on this machine, or does not answer")


def _judged(answer: str, data: str, authority: str) -> Stamped:
    done = _openssl("-verify", "-data", data, "-in", answer, "-CAfile", authority)
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        return Stamped(ok=False, why=said[-1].rpartition(":")[2] or said[-1] if said else "openssl refuses it")
    return Stamped(ok=True, moment=moment_of(_openssl("-reply", "-in", answer, "-text").stdout))


def moment_of(text: bytes) -> str:
    """The time in what `openssl ts -reply -text` prints, as `Nov 23 04:12:00.5 2026 GMT`; empty where there is none."""
    pattern = rb"Time stamp: ([A-Z][a-z]{2}) +(\d+) (\d\d):(\d\d):(\d\d)(?:\.\d+)? (\d{4}) GMT"
    found = re.search(pattern, text)
    if found is None:
        return ""
    month, day, hour, minute, second, year = (part.decode() for part in found.groups())
    return f"{year}{_MONTHS.index(month) // 3 + 1:02d}{int(day):02d}{hour}{minute}{second}"


_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"


def _openssl(*words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["openssl", "ts", *words], capture_output=True, timeout=LIMIT, check=False)


def _der(tag: int, inside: bytes) -> bytes:
    """One value; nothing here is longer than 127 bytes."""
    return bytes((tag, len(inside))) + inside
