"""What a step kind can put on record in the middle of an attempt: a closed set of facts about that attempt alone.

A kind knows nothing of runs and events, so it states a fact and the engine says of which attempt it is. A fact is
durable before the kind goes on; that is what it is for. What is true of every attempt (its grade, its output, its end)
has events of its own. A new fact is a class here and a member of the union; who has no use for it passes it over.
"""

from __future__ import annotations

import msgspec


class Staged(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="Staged"):
    """A file is kept under this name on the host until it is put in its place, which removes it."""

    path: str


class Rebooting(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="Rebooting"):
    """The host is about to be told to restart; under another boot id it has."""

    boot_id: str
    """Of the host until then."""


Fact = Staged | Rebooting
"""The closed union."""
