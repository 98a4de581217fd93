"""What a host is sent, as people see it: the one value behind every digest that a gate confirms.

A command is not its text alone. The same words in another folder, under another user or with another environment are
another effect, so all of these stand under one hash: in `StepEntered` over every host, in `AttemptStarted` for one.
It is made twice, when a step is entered and right before an attempt leaves, and must come out the same.

Secrets stand in it as the mask that everybody is shown, and no hash of their values is kept anywhere, not even a keyed
one: its key would have to lie beside the record for a resume to find it, and whoever holds both can guess a password at
leisure. So a resume that is given another value goes unnoticed here. That is also what it should do, where a password
was changed while a run lay still; who resumed is on record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec

from runbook.core.action import Action
from runbook.core.host import Host
from runbook.core.plan import PlannedStep


class Surroundings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What holds around a command on one host, rendered and masked."""

    env: dict[str, str] = {}
    cwd: str = ""
    user: str = ""
    """Who it becomes; empty is whoever logs in."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What is done on one host, and in what surroundings."""

    action: Action
    around: Surroundings

    @property
    def digest(self) -> str:
        """SHA-256 of its canonical encoding."""
        return _sha256(self)


def digest_of(shown: Mapping[str, Shown]) -> str:
    """SHA-256 over what every host is sent, hosts included; their order does not matter."""
    return _sha256(dict(shown))


def becomes(planned: PlannedStep, host: Host | None) -> str:
    """Who a step becomes on a host: its own word, the inventory's, else root; empty when it becomes nobody."""
    return (planned.become_user or (host.become_user if host else "") or "root") if planned.become else ""


def as_planned(planned: PlannedStep, host: Host | None) -> Surroundings:
    """The surroundings of a step that waits for nothing: the plan has them already."""
    return Surroundings(env=planned.env, cwd=planned.cwd, user=becomes(planned, host))


def _sha256(value: object) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()
