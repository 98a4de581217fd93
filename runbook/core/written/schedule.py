"""A schedule as written: when a runbook should happen, and happen again.

A promise that the runbook makes about itself, as an objective is one: what it comes to is computed from it and from
records (`schedule/`), and kept nowhere. Nothing here knows a clock.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from runbook.core.milestone_name import Seconds

ScheduleName = Annotated[
    str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]*$", description="Lower-case letters, digits and hyphens.")
]

RunLate = Annotated[
    str, msgspec.Meta(pattern=r"^(skip|within \S+)$", description="How late it may begin: skip, or within 2h.")
]


class Schedule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When it should have happened again. Exactly one of `every` and `cron` is set."""

    name: ScheduleName = "schedule"
    """Unique in its runbook."""
    every: Seconds = 0.0
    """Counted from the end of the last run that fulfils it."""
    cron: str = ""
    """Five fields, or a word such as `@daily`."""
    zone: str = ""
    """Where days and times of day are meant; empty is the environment's, else UTC."""
    window: str = ""
    """Where an unattended run may begin; the environment's windows and freezes hold as well."""
    grace: Seconds = 0.0
    """How long due is not overdue; 0 takes a tenth of the period, at most a week."""
    run_late: RunLate = "skip"
    """How long after its moment an unattended start still counts for it."""
    jitter: Seconds = 0.0
    """Up to so much later an unattended run begins, always the same for one moment."""
    attended: bool = True
    """A person starts it; False leaves it to the scheduler."""
    inventory: str = ""
    """Empty takes the runbook's, then the workspace's."""
    parameters: dict[str, str] = {}
    """As they are spelled. Only a run with these fulfils it."""
    counts_overridden: bool = False
    """A run counts although a rule of its environment was overridden in it."""
