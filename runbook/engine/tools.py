"""What the workers of one run share: the record to read, the loop to tell, the hosts, and what hides secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runbook.core.clock import Clock
from runbook.core.events.event import Checked
from runbook.core.planned.command import Secret
from runbook.engine.entering import Entering
from runbook.engine.executor import Executor
from runbook.engine.fleet import Fleet
from runbook.engine.recorder import Recorder
from runbook.masking.masker import Masker
from runbook.steps.kind import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What the workers of one run share."""

    recorder: Recorder
    executor: Executor
    fleet: Fleet
    masker: Masker
    entering: Entering
    clock: Clock
    secrets: tuple[Secret, ...]
    keys: Mapping[str, str]
    """Key files that were opened with a passphrase; see `Bench.keys`."""
    folder: Path
    """Relative paths in steps are relative to this."""

    def reporter(self, host: str) -> Report:
        """Puts the checks of one host on record."""

        async def report(check: str, ok: bool, detail: str) -> None:  # noqa: FBT001 - the seam's shape
            self.executor.tell(Checked(host=host, check=check, ok=ok, detail=self.masker.mask_text(detail)))

        return report
