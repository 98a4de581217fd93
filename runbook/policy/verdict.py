"""What a rule says about a run: allowed, allowed with a word, or refused, with the sentence that an operator reads.

Every rule gives one, also where it allows: who is refused sees all that stands in the way at once, and `can` shows what
was looked at. A verdict is data and is never recorded; it can be computed again from the facts.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

RuleName = Literal["run-role", "freeze", "window", "window-end", "approvers-exist", "parallel"]
"""What a person may name to break the glass, and what a refusal is called."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """One rule's word."""

    rule: RuleName
    outcome: Literal["allow", "warn", "refuse"] = "allow"
    sentence: str = ""
    """What holds now, with its day, zone and distance where time matters; empty where there is nothing to say."""
    until: datetime | None = None
    """When the rule will say something else by itself; None where it will not, or not within a year."""
    who: tuple[str, ...] = ()
    """Whom it would not refuse, or who may break the glass, as the environment names them."""
    overridable: bool = False
    """Somebody may break the glass. False for what no word of a person makes right."""


def refusals(verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """Those that refuse."""
    return tuple(one for one in verdicts if one.outcome == "refuse")


def listed(names: tuple[str, ...]) -> str:
    """`ada`, `ada or grace`, `ada, grace or the group dba`."""
    said = [f"the group {name.removeprefix('group:')}" if name.startswith("group:") else name for name in names]
    return " or ".join(part for part in (", ".join(said[:-1]), *said[-1:]) if part)
