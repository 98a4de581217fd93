"""What a screen needs of the program around it, as a protocol.

The app knows its screens; were they to know the app, seven files would be one. `app.py` keeps this promise.
"""

from __future__ import annotations

from typing import Protocol, cast

from textual.dom import DOMNode

from runbook.tui.moment import Clock
from runbook.view.look.glyphs import Glyphs
from runbook.view.situation.past import PastRun


class Around(Protocol):
    """The app, as far as a screen may use it."""

    @property
    def clock(self) -> Clock:
        """Where the time of day comes from."""

    @property
    def lock_seconds(self) -> float:
        """Seconds that a new question takes no keys."""

    async def past_of(self, runbook: str, run: str) -> tuple[PastRun, ...]:
        """What the latest runs of a runbook teach, without this one; nothing where they cannot be read."""

    @property
    def glyphs(self) -> Glyphs:
        """The shapes that this terminal can show."""


def around(node: DOMNode) -> Around:
    """The program around a widget."""
    return cast("Around", node.app)
