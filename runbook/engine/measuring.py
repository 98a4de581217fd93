"""Reading what tells of data loss without a canary: positions of both sides, and the age of a restored set.

Everything read is on record, also that nobody answered; what it comes to is folded from there. A restored set tells a
time by the clock of the host that stamped it, so that clock's distance to ours, as far as it is known, goes on record
with the answer: nobody can find it out afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import math
import re

from runbook.core.events.event import Event
from runbook.core.events.point_event import BackupRead, PositionRead, Side
from runbook.core.host import Host
from runbook.core.outcome import Outcome
from runbook.core.planned.action import Work
from runbook.core.planned.plan import PlannedBackup, PlannedWatermark
from runbook.engine.masked import masked
from runbook.engine.sampling import Sampling
from runbook.engine.tools import Tools
from runbook.problem import Problems

_POSITION = re.compile(r"[0-9]{1,18}")
_SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")


class Measuring:
    """The positions, or the restored set, of one run."""

    def __init__(self, tools: Tools, sampling: Sampling) -> None:
        """Ask as the probes are asked."""
        self._tools, self._sampling = tools, sampling

    async def read(self) -> None:
        """Until nobody wants it any more."""
        plan = self._tools.recorder.run.plan
        if plan.watermark is not None:
            await self._watermark(plan.watermark)
        elif plan.backup is not None:
            await self._backup(plan.backup)

    async def _watermark(self, mark: PlannedWatermark) -> None:
        """Both sides on a fixed grid, each by itself: one that hangs must not hide the other."""
        clock = self._tools.clock
        due = clock.monotonic()
        while True:
            await asyncio.gather(
                self._position("source", mark.source, mark.source_on, mark.timeout),
                self._position("recovered", mark.recovered, mark.recovered_on, mark.timeout),
            )
            due = max(due + mark.every, clock.monotonic())
            await clock.sleep(due - clock.monotonic())

    async def _position(self, side: Side, action: Work, host: str, limit: float) -> None:
        finding, took = await self._sampling.answer(f"watermark {side}", action, host, limit)
        said = finding.result.stdout.strip()
        if finding.outcome is Outcome.SUCCEEDED and _POSITION.fullmatch(said):
            self._tell(PositionRead(side=side, ok=True, took=took, position=int(said)))
        else:
            self._tell(PositionRead(side=side, ok=False, took=took, detail=finding.detail or f'no position: "{said}"'))

    async def _backup(self, backup: PlannedBackup) -> None:
        """Until it has answered; nobody asks again for what is known."""
        while True:
            finding, took = await self._sampling.answer("backup", backup.read, backup.read_on, backup.timeout)
            await self._reach(backup.clock)
            answer = self._age(backup, finding.result.stdout.strip(), finding.detail, took)
            self._tell(answer)
            if answer.ok:
                return
            await self._tools.clock.sleep(backup.every)

    async def _reach(self, host: str) -> None:
        """See its clock, where nobody has; without it there is no answer, and that is told."""
        with contextlib.suppress(Problems):
            await self._tools.fleet.session(host)

    def _age(self, backup: PlannedBackup, said: str, detail: str, took: float) -> BackupRead:
        written, clock = moment(said), self._clock_of(backup.clock)
        if written is None:
            return BackupRead(ok=False, took=took, detail=detail or f'no time: "{said}"')
        if clock is None:
            return BackupRead(ok=False, took=took, detail=f"nobody has seen the clock of {backup.clock}")
        ahead, error = clock
        return BackupRead(
            ok=True, took=took, age=self._tools.clock.wall() - (written - ahead), error=error, detail=said
        )

    def _clock_of(self, name: str) -> tuple[float, float] | None:
        """Seconds that a host's clock is ahead of ours, and how sure that is; our own is exact."""
        run = self._tools.recorder.run
        if run.hosts.get(name, Host(name=name)).connection == "local":
            return 0.0, 0.0
        session = run.sessions.get(name)
        is_known = session is not None and math.isfinite(session.clock_error)
        return (session.clock_offset, session.clock_error) if session and is_known else None

    def _tell(self, event: Event) -> None:
        if not self._tools.executor.is_stopping:
            self._tools.executor.tell(masked(event, self._tools.masker.mask_text))


def moment(said: str) -> float | None:
    """Seconds since 1970 of a time as a host prints it; None for what is none, or does not say its zone."""
    if _SECONDS.fullmatch(said):
        return float(said)
    try:
        found = dt.datetime.fromisoformat(said)
    except ValueError:
        return None
    return found.timestamp() if found.tzinfo else None
