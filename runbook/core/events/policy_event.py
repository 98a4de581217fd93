"""What policy had to do with a run: a part of the closed union of events.

What may be done is computed by `policy/` from facts and never recorded. What is recorded is a decision against it (a
person overrode a rule, by its name and with a reason) and an observation (when a step was entered, a rule held it),
so that a fold needs neither a clock nor a zone to know why a run waited or went on.
"""

from __future__ import annotations

import msgspec

from runbook.core.actor import Actor


class _PolicyEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """Which rule it is about; tagged as every event is."""

    rule: str
    """Its name: `freeze`, `window`."""


class RuleOverridden(_PolicyEvent, frozen=True, kw_only=True, tag="RuleOverridden"):
    """A person broke the glass: for this run, and for a while, the rule does not hold."""

    by: Actor
    reason: str
    sentence: str = ""
    """What the rule said when it was overridden."""


class StepHeld(_PolicyEvent, frozen=True, kw_only=True, tag="StepHeld"):
    """A step was entered that the rule would not let begin now: somebody has to say whether it may."""

    step: str
    sentence: str = ""
    """What the rule said."""


PolicyEvent = RuleOverridden | StepHeld
"""The closed union of these; a part of `event.Event`."""
