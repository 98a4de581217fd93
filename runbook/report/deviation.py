"""What did not go as planned, as a closed union: each kind with the facts that a reviewer asks about it.

As in `model`, values and no sentences, and nothing made safe. A renderer that forgets a kind does not type-check.
"""

from __future__ import annotations

import msgspec

from runbook.core.actor import Actor
from runbook.core.events.event import FailureResolved
from runbook.core.host_key import ChangedKey
from runbook.core.outcome import Outcome
from runbook.core.planned.plan import StepId


class _Deviation(msgspec.Struct, frozen=True, kw_only=True, tag_field="deviation"):
    """What deviations share."""


class Resumed(_Deviation, frozen=True, kw_only=True, tag="resumed"):
    """The runner was gone, and another one went on."""

    at: float
    torn_bytes: int
    by: Actor | None


class Stopped(_Deviation, frozen=True, kw_only=True, tag="stopped"):
    """The run did not go forward to its end."""

    halted: bool
    """By a person or an abort rule, and not by a step's failure."""
    reason: str
    by: Actor | None


class HostOut(_Deviation, frozen=True, kw_only=True, tag="host_excluded"):
    """A host was taken out."""

    host: str
    reason: str


class KeyChanged(_Deviation, frozen=True, kw_only=True, tag="key_changed"):
    """A host showed another key than was known, and somebody vouched for it."""

    changed: ChangedKey
    by: Actor


class RuleBroken(_Deviation, frozen=True, kw_only=True, tag="rule_overridden"):
    """A rule of the environment refused the run, and somebody overrode it."""

    rule: str
    sentence: str
    """What it said."""
    reason: str
    by: Actor


class LinkLost(_Deviation, frozen=True, kw_only=True, tag="link_lost"):
    """The link to a host went away."""

    host: str
    times: int


class HostReason(msgspec.Struct, frozen=True, kw_only=True):
    """How it went wrong on one host."""

    host: str
    detail: str


class FailedTry(msgspec.Struct, frozen=True, kw_only=True):
    """A try that was not the last one."""

    host: str
    number: int
    outcome: Outcome
    detail: str


class StepOdd(_Deviation, frozen=True, kw_only=True, tag="step"):
    """A step did not simply succeed at once."""

    step: StepId
    name: str
    outcome: Outcome | None
    detail: str
    failed: tuple[HostReason, ...]
    """Hosts on which it ended badly."""
    visits: int
    tries: tuple[FailedTry, ...]
    wait_cut: str
    decisions: tuple[FailureResolved, ...]


class StepLate(_Deviation, frozen=True, kw_only=True, tag="late"):
    """A step took longer than planned."""

    step: StepId
    name: str
    took: float
    """Seconds of work; waiting for people does not count against a plan."""
    planned: float


Deviation = Resumed | Stopped | HostOut | KeyChanged | RuleBroken | LinkLost | StepOdd | StepLate
"""Something that did not go as planned."""
