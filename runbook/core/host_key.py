"""Host keys by their fingerprints, and the one question about them that a person may be asked: a key that has changed.

A changed key is an attack until somebody who knows better says otherwise. Where the place allows it (`changed: ask`),
the question is a gate with both fingerprints, and the answer is bound to the very key that was shown: it holds for this
run, for that machine and for nothing else, and no file of known hosts ever learns of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Literal

import msgspec

from runbook.problem import Problem


class HostKey(msgspec.Struct, frozen=True):
    """One public key."""

    algorithm: str
    """As in known_hosts: `ssh-ed25519`."""
    fingerprint: str
    """`SHA256:...` as OpenSSH prints it."""

    def __str__(self) -> str:
        """As `ssh-keygen -l` and the console of a host show it."""
        return f"{self.algorithm} {self.fingerprint}"


class ChangedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A machine proved to be somebody, but not whom we know."""

    machine: str
    """Name of the host, or of the bastion on the way to it."""
    known: tuple[HostKey, ...]
    """Under which it is known; never empty."""
    shown: HostKey

    @property
    def question(self) -> str:
        """What a person is asked, in lines; it stands on record with the gate."""
        known = "\n".join(f"known  {key}" for key in self.known)
        return (
            f"The key of {self.machine} has changed, and nothing was sent to it.\n"
            f"{known}\nshown  {self.shown}\n"
            "Accept only what you have compared with the host's own console. It holds for this run alone."
        )

    @property
    def digest(self) -> str:
        """SHA-256 of the question: what an answer is bound to."""
        return hashlib.sha256(self.question.encode()).hexdigest()


class AcceptedKey(msgspec.Struct, frozen=True):
    """A changed key that somebody vouched for, for one run."""

    key: HostKey
    at: float
    """Seconds since the run was opened."""


class KeyChanged(Problem, frozen=True, kw_only=True):
    """The refusal of a host, with what it takes to ask about it."""

    changed: ChangedKey


def changed_key(problems: Iterable[Problem]) -> ChangedKey | None:
    """The changed key among the reasons of a refusal; None when it was refused for other reasons."""
    return next((problem.changed for problem in problems if isinstance(problem, KeyChanged)), None)


class HostKeys(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which keys the hosts of a place may show; there is no way to say "any"."""

    mode: Literal["strict", "accept-new", "pinned"] = "strict"
    """`accept-new` takes and writes down the key of a host that nobody knows; `pinned` believes `known_hosts` alone."""
    known_hosts: str = "known_hosts"
    """Of `pinned`: the file with the keys, relative to this one. Nobody's own files are read then."""
    changed: Literal["refuse", "ask"] = "refuse"
    """`ask` puts a changed key to a person, with both fingerprints, before the step counts as unreachable."""
