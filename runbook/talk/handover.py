"""What a launcher hands to a new runner, over the runner's standard input: the opening of the record, and the secrets.

Secrets travel through a pipe and live in two processes' memory; they are in no file, no argument and no environment.
The runner answers on its standard output with one line, so that the launcher can tell an operator why it did not start.
"""

from __future__ import annotations

import msgspec

from runbook.core.actor import Actor
from runbook.core.events.policy_event import RuleOverridden
from runbook.core.planned.earlier import Earlier
from runbook.core.planned.plan import Plan
from runbook.problem import Problem
from runbook.record.sealing.sealer import Sealing


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is about to begin."""

    plan: Plan
    operator: Actor
    attended: bool
    auto: bool
    step_mode: bool
    files: dict[str, bytes]
    """Name in the record to the exact bytes of what the run was made from."""
    notes: tuple[str, ...] = ()
    """What is to be noted at its beginning."""
    earlier: Earlier | None = None
    """The ended run that it follows."""
    overrides: tuple[RuleOverridden, ...] = ()
    """Rules that somebody overrode so that it could begin."""


class Handover(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a runner needs."""

    recordings: str
    """The folder of all records."""
    run: str
    """The run's id, and its folder's name."""
    doors: tuple[str, ...]
    """Folders in which its socket may be made, the best place first."""
    allowed: tuple[int, ...]
    """Uids that get through the socket."""
    book_folder: str
    """Relative paths of uploads are relative to this."""
    opening: Opening | None = None
    """None resumes a record."""
    by: Actor | None = None
    """Who resumes it."""
    secrets: dict[str, str] = {}
    sudo_passwords: dict[str, str] = {}
    """Host name to what its sudo asks for; "" is every other one. Each distinct one is tried once for the fleet."""
    sealing: Sealing = Sealing()
    """How its record is closed when the run has ended."""
    keys: dict[str, str] = {}
    """Path of a key file to the key itself, where its passphrase was given before the run began."""


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """The runner's one line: it runs, or why not."""

    pid: int = 0
    problems: tuple[Problem, ...] = ()
