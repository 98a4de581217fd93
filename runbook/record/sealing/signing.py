"""Making and judging signatures with `ssh-keygen -Y`: the one tool that every auditor has, so the only one that counts.

It knows key files, agents, certificates and security keys, who may sign for whom and until when; what it accepts is
what a stranger's `ssh-keygen` will accept. So nothing of that is done again here. Where it is asked to sign it may have
to wait for somebody's touch, so it is given a minute and never asked where anything else waits.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

import msgspec

from runbook.problem import Exit, Problems, Where, problem
from runbook.record.sealing.sshsig import PublicKey, Signature, read_key_line, read_signature

SEAL = "seal@runbook"
CHECKPOINT = "checkpoint@runbook"
LEDGER = "ledger@runbook"
APPROVE = "approve@runbook"
REDACT = "redact@runbook"
REVIEW = "review@runbook"
PROBE = "probe@runbook"
"""What a signature is for. It counts for nothing else, whoever made it."""

TOOL = "ssh-keygen"
SIGN_LIMIT = 60.0
"""Seconds that signing may take: somebody may have to touch a token or to say yes to an agent."""
_JUDGE_LIMIT = 30.0


class Trust(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a verifier believes: files that came from somewhere else than the record."""

    signers: str = ""
    """A file as `ALLOWED SIGNERS` of ssh-keygen(1) describes it; empty believes nobody in particular."""
    revoked: str = ""
    """Keys that count no more, as ssh-keygen(1) `-r` takes them."""


class Standing(StrEnum):
    """What a signature turned out to be."""

    GOOD = "good"
    """Made over these bytes by a key that may sign here."""
    UNKNOWN = "unknown"
    """Made over these bytes; nobody said whose key it is, because no signers were given."""
    FOREIGN = "foreign"
    """Made over these bytes by a key that may not sign here, or could not at that time."""
    FALSE = "false"
    """Not made over these bytes, or for something else, or no signature at all."""
    UNCHECKED = "unchecked"
    """There is no ssh-keygen to ask."""


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A signature, and what came of asking."""

    standing: Standing
    principal: str = ""
    """Who it was, by the signers' file."""
    signature: Signature | None = None
    """None where it could not be read."""
    why: str = ""
    """In the tool's own words, where it said no."""

    @property
    def fingerprint(self) -> str:
        """Of the key; empty where it could not be read."""
        return self.signature.key.fingerprint if self.signature else ""


def sign(key: str, namespace: str, data: bytes) -> bytes:
    """A signature over the bytes, armoured.

    Args:
        key: What `ssh-keygen -f` takes: a private key, or a `.pub` whose other half an agent or a token has.
        namespace: What it is for.
        data: What is signed.

    Raises:
        Problems: `key-unusable`.
    """
    path = os.path.expanduser(key)  # noqa: PTH111 - what is not a path stays as it is
    try:
        done = subprocess.run(
            [TOOL, "-q", "-Y", "sign", "-f", path, "-n", namespace],
            input=data,
            capture_output=True,
            timeout=SIGN_LIMIT,
            check=False,
        )
    except FileNotFoundError:
        raise _unusable(key, f"{TOOL} is not on this machine") from None
    except subprocess.TimeoutExpired:
        raise _unusable(key, f"nothing was signed within {SIGN_LIMIT:.0f} s") from None
    if done.returncode or not done.stdout.startswith(b"-----BEGIN"):
        raise _unusable(key, _last_words(done.stderr) or f"{TOOL} ended with {done.returncode}")
    return done.stdout


def public_key(key: str) -> PublicKey:
    """Whose key it is, without using it.

    Raises:
        Problems: `key-unusable`.
    """
    path = Path(key).expanduser()
    beside = path if path.suffix == ".pub" else path.with_name(f"{path.name}.pub")
    try:
        return read_key_line(beside.read_bytes() if beside.exists() else _public_half(path))
    except OSError as error:
        raise _unusable(key, error.strerror or str(error)) from error
    except ValueError as error:
        raise _unusable(key, str(error)) from error


def judge(armoured: bytes, data: bytes, namespace: str, trust: Trust, at: str = "") -> Judged:
    """What a signature over those bytes is worth.

    Args:
        armoured: The signature.
        data: What it should be over.
        namespace: What it should be for.
        trust: Whom to believe.
        at: When it was made, `YYYYMMDDHHMMSS` in UTC, as far as somebody else vouches for that; empty is now.
    """
    try:
        signature = read_signature(armoured)
    except ValueError as error:
        return Judged(standing=Standing.FALSE, why=str(error))
    if signature.namespace != namespace:
        return Judged(standing=Standing.FALSE, signature=signature, why=f'it was made for "{signature.namespace}"')
    with tempfile.NamedTemporaryFile(suffix=".sig") as file:
        file.write(armoured)
        file.flush()
        asked = _Asked(file.name, data, namespace, trust, at)
        try:
            return msgspec.structs.replace(_judged(asked), signature=signature)
        except (FileNotFoundError, subprocess.TimeoutExpired):
            why = f"{TOOL} is not on this machine, or does not answer"
            return Judged(standing=Standing.UNCHECKED, signature=signature, why=why)


class _Asked(msgspec.Struct, frozen=True):
    file: str
    data: bytes
    namespace: str
    trust: Trust
    at: str

    def ask(self, action: str, *words: str) -> subprocess.CompletedProcess[bytes]:
        """Whatever it answers, in UTC: the times of signers without a zone are this machine's."""
        when = (f"-Overify-time={self.at}",) if self.at and action != "check-novalidate" else ()
        return subprocess.run(
            [TOOL, "-Y", action, *when, "-s", self.file, *words],
            input=self.data,
            capture_output=True,
            timeout=_JUDGE_LIMIT,
            check=False,
            env={**os.environ, "TZ": "UTC", "LC_ALL": "C"},
        )


def _judged(asked: _Asked) -> Judged:
    if not asked.trust.signers:
        return _holds(asked) or Judged(standing=Standing.UNKNOWN)
    revoked = ("-r", asked.trust.revoked) if asked.trust.revoked else ()
    why = "its key is not among the signers"
    for principal in _principals(asked):
        found = asked.ask("verify", "-n", asked.namespace, "-f", asked.trust.signers, "-I", principal, *revoked)
        if found.returncode == 0:
            return Judged(standing=Standing.GOOD, principal=principal)
        why = _last_words(found.stderr, found.stdout) or why
    return _holds(asked) or Judged(standing=Standing.FOREIGN, why=why)


def _holds(asked: _Asked) -> Judged | None:
    """None where the signature is one over these bytes, whoever made it."""
    found = asked.ask("check-novalidate", "-n", asked.namespace)
    if found.returncode == 0:
        return None
    return Judged(standing=Standing.FALSE, why=_last_words(found.stderr, found.stdout))


def _principals(asked: _Asked) -> Sequence[str]:
    """Who might have made it; ssh-keygen(1) splits a line of several principals at commas."""
    found = asked.ask("find-principals", "-f", asked.trust.signers)
    if found.returncode:
        return ()
    said = found.stdout.decode("utf-8", "replace").splitlines()
    return tuple(dict.fromkeys(one for line in said for one in line.split(",") if one))


def _public_half(path: Path) -> bytes:
    if not path.exists():
        raise FileNotFoundError(2, os.strerror(2))
    try:
        done = subprocess.run(
            [TOOL, "-y", "-P", "", "-f", str(path)], capture_output=True, timeout=_JUDGE_LIMIT, check=False
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        raise ValueError(f"{TOOL} is not on this machine, or does not answer") from None
    if done.returncode:
        raise ValueError(_last_words(done.stderr))
    return done.stdout


def _last_words(*said: bytes) -> str:
    lines = [line.strip() for each in said for line in each.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[0] if lines else ""


def _unusable(key: str, why: str) -> Problems:
    return problem(
        f"Nothing can be signed with {key}",
        why=why,
        fix="Put the key into the agent (ssh-add), or name another one under [seal] in runbook.toml.",
        where=Where(key),
        code="key-unusable",
        exit=Exit.REFUSED,
    )
