"""What the screen can do besides watching, as a protocol: it never learns where runbooks and records lie.

`local.py` is the workspace on this machine; the tests of the screen have one of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from runbook.core.actor import Actor
from runbook.core.planned.plan import Plan
from runbook.feed.feed import Feed, Replay
from runbook.view.situation.past import PastRun
from runbook.workspace.rows import BookRow, ParameterField, ProofRow, RunRow


class Workspace(Protocol):
    """What the screen can do besides watching. Any method may raise Problems."""

    def books(self) -> tuple[BookRow, ...]:
        """All runbooks under `drills/`, unreadable ones too."""

    def runs(self) -> tuple[RunRow, ...]:
        """All records, newest first."""

    def parameters(self, path: str) -> tuple[ParameterField, ...]:
        """What a runbook asks for; hosts can be picked where that runs no program."""

    def plan(
        self, path: str, given: dict[str, str], *, inventory: str = "", agree: Callable[[Path], bool] | None = None
    ) -> Plan:
        """Compile it; connects to nothing. `agree` is asked before a program is run as its inventory."""

    async def start(
        self,
        path: str,
        given: dict[str, str],
        *,
        step_mode: bool = False,
        digest: str = "",
        agree: Callable[[Path], bool] | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> Feed:
        """Start a runner for it and watch it. Refused when what was shown, by its `digest`, is not what it is now.

        `secrets` are those that were typed, by parameter; the others come from where the runbook says.
        """

    async def attach(self, run: str) -> Feed:
        """Watch a live run."""

    def replay(self, run: str) -> Replay:
        """Open a record."""

    def verified(self, run: str) -> ProofRow:
        """Check a record."""

    def history(self, runbook: str, *, but: str) -> tuple[PastRun, ...]:
        """What the latest runs of a runbook teach, without one of them; the newest first."""

    def whoami(self) -> Actor:
        """Who the runner will take this process for."""
