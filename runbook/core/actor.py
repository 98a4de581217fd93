"""Who did something: the person, or the machine, that an event names.

A value of its own because events, intents and states all carry one, and none of them may decide who counts as whom.
"""

from __future__ import annotations

import msgspec


class Actor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who did it, as the socket's peer credentials say, not as a client claims."""

    name: str
    uid: int
    machine: bool = False
    """True when `--auto` answered for a person; the record never passes a machine off as one."""
    via: str = ""
    """Where from: `run`, `attach`, `approve`, a terminal's name."""
