"""The scheduler's world on this machine: the workspace's runbooks and records, and runners that are begun here."""

from __future__ import annotations

import asyncio
from datetime import datetime

from runbook.core.clock import Clock
from runbook.engine.clock import new_run_id
from runbook.planning.policy import gates_a_machine_may_not_answer
from runbook.problem import Problems
from runbook.schedule.agenda import Agenda, Item, agenda
from runbook.workspace.local import HowToRun, LocalWorkspace
from runbook.workspace.prepare import Wish, prepare


class Place:
    """Implements `scheduler.World`."""

    def __init__(self, workspace: LocalWorkspace, clock: Clock) -> None:
        """The workspace's secret source must ask nobody: there is nobody."""
        self._workspace = workspace
        self._clock = clock

    def agenda(self, now: datetime) -> Agenda:
        """What is owed, by runbooks and records as they are now."""
        return agenda(self._workspace.settings, self._workspace.store, now)

    def exists(self, run: str) -> bool:
        """Whether a record of that name was begun."""
        try:
            return self._workspace.store.find(run).run == run
        except Problems:
            return False

    def new_name(self, runbook: str) -> str:
        """As any run is named."""
        return new_run_id(self._clock.wall(), runbook)

    async def begin(self, item: Item, run: str) -> None:
        """Prepare and hand over; when it returns the run is on record.

        Raises:
            Problems: A rule, a check or a gate keeps it from beginning, or the record is there already.
        """
        wish = Wish(book=item.book.source, inventory=item.inventory, given=item.duty.parameters, source="schedule")
        prepared = await asyncio.to_thread(prepare, self._workspace.settings, wish, self._workspace.secret)
        refused = gates_a_machine_may_not_answer(prepared.plan)
        if refused:
            raise Problems(refused)
        await self._workspace.launch(prepared, HowToRun(attended=False, auto=True), run=run)
