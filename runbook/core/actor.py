"""Who did something: the person, or the machine, that an event names, and who counts as whom.

Here because every rule about people rests on it (two must approve, nobody approves their own run), and events, intents
and states all carry one. A name says whom to talk to and proves nothing; a uid means somebody else on every machine. So
an actor has an identity that stays what it is when a record travels. This file compares them; where they come from is
the business of whoever asked the kernel, or checked a key.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec


class Actor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who did it, as the socket's peer credentials say, not as a client claims."""

    name: str
    uid: int
    machine: bool = False
    """True when `--auto` answered for a person; the record never passes a machine off as one."""
    via: str = ""
    """Where from: `run`, `attach`, `approve`, a terminal's name."""
    identity: str = ""
    """The same for one person whatever they are called, and for no other: a scheme, a colon and what is unique in it
    (`uid:1000@<machine>`, `policy:auto`). Empty in records from before there were identities.
    """

    def is_same_as(self, other: Actor) -> bool:
        """True when both are one person. An old record knows only uids, and they are compared where it is one side."""
        if self.identity and other.identity:
            return self.identity == other.identity
        return self.uid == other.uid


def distinct(actors: Iterable[Actor]) -> tuple[Actor, ...]:
    """Each person once, as they first appear."""
    found: list[Actor] = []
    for actor in actors:
        if not any(actor.is_same_as(other) for other in found):
            found.append(actor)
    return tuple(found)
