"""Where a host keeps its jobs: a word that the host says of itself, and the one question that the core asks of it.

The word is `ID.VISIT.BOOT` (`transport/shell/place.sh`): the folder's random id, which of its visitors we are, and the
machine's boot. What it proves is the host's to say, because only the host can see whether its folder is a copy; here it
is only put on record and compared, so that another place is known for another.
"""

from __future__ import annotations


def is_same_place(one: str, other: str) -> bool:
    """True when both words name the same folder, in whatever visit; an unknown place is the same as no other."""
    return bool(one) and one.partition(".")[0] == other.partition(".")[0]
