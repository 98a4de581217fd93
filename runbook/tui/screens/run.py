"""A run, as it goes: steps, hosts, output, the recovery clock, and the gates.

The screen holds the newest folded run and hands it to its widgets at most ten times a second; none of them keeps a
truth of its own. It asks for things by sending intents and waits for the run to change, so what it shows has happened.
Leaving it stops nothing. The replay is this same screen over a feed of the past.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.timer import Timer

from runbook.core.actor import Actor
from runbook.core.planned.action import CONTROLLER
from runbook.feed.feed import Feed
from runbook.problem import Problem
from runbook.tui.actions import bindings
from runbook.tui.messages import FeedStopped, RunAdvanced
from runbook.tui.modals.gate import GateModal
from runbook.tui.modals.table import modal_for
from runbook.tui.moment import Moment, seconds_of
from runbook.tui.screens.watching import Watching
from runbook.tui.widgets.hostgrid import HostGrid
from runbook.tui.widgets.outputview import OutputView
from runbook.tui.widgets.promptline import PromptLine
from runbook.tui.widgets.rows import Rows
from runbook.tui.widgets.steplist import StepList
from runbook.view.situation.facts import Facts, facts_of
from runbook.view.situation.past import Past
from runbook.view.situation.top import tail_of

FRAME = 0.1
"""Seconds between two drawings while a run advances: faster drawing was measured to make keys slower."""

AGES = 10.0
"""Seconds by which ages of a minute and more go on: what waits is not sent anew every second."""

TICK = 1.0
"""Seconds between two drawings of the clocks while nothing happens."""


class RunScreen(Watching):
    """One run."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("run")

    def __init__(self, feed: Feed, me: Actor) -> None:
        """Watch this feed; `me` is who the runner takes this person for."""
        super().__init__(feed, me)
        self._presented: set[str] = set()
        self._called: set[str] = set()
        """Gates for which the bell has rung."""
        self._is_typing = False
        self._pausing: Timer | None = None
        """Runs while somebody types; None when nobody does."""
        self._stale = False
        self._gone: Problem | None = None
        self.past: Past = ()
        """What earlier runs of the runbook teach; comes after the first drawing."""

    def on_mount(self) -> None:
        """Begin to follow."""
        self._moment = Moment(self.around.clock)
        self._moment.saw(self.run_now)
        self.query_one(StepList).focus()
        self.redraw()
        self.set_interval(TICK, self._tick)
        self.work(self.follow, group="feed")
        self.work(self._learn, group="past")

    async def _learn(self) -> None:
        """Read what earlier runs teach; the screen does not wait for it."""
        self.past = await self.around.past_of(self.run_now.plan.runbook, self.run_now.id) or self.past
        self._soon()

    # --- following ----------------------------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        """The moment shown, in seconds since the run was opened."""
        return self._moment.now

    async def follow(self) -> None:
        """Pass on every newer state until there is no more; many at once count as one."""
        before = -1
        while True:
            run = await self.feed.wait_changed()
            self.post_message(RunAdvanced(run))
            if run.has_ended or (not self.feed.is_live and run.seq == before):
                self.post_message(FeedStopped(self.feed.damage))
                return
            before = run.seq
            await asyncio.sleep(FRAME)

    def on_run_advanced(self, message: RunAdvanced) -> None:
        """Keep it for the next frame; gates do not wait for that."""
        self.run_now = message.run
        self._moment.saw(message.run)
        self._soon()
        self.attend()

    def on_feed_stopped(self, message: FeedStopped) -> None:
        """Say so when the run had not ended."""
        if message.problem is not None:
            self._gone = message.problem
        elif not self.run_now.has_ended:
            self._gone = Problem(
                what="the runner has gone",
                why="this run has not ended",
                fix=f"Continue it with: runbook resume {tail_of(self.run_now.id)}",
            )
        self._soon()
        self.refresh_bindings()

    def _soon(self) -> None:
        """Draw once within a frame, however much changes meanwhile."""
        if not self._stale:
            self._stale = True
            self.set_timer(FRAME, self._frame)

    def _frame(self) -> None:
        if self._stale and self.is_attached:
            self.redraw()

    def _tick(self) -> None:
        if self.feed.is_live:
            self.attend()
            self.redraw()

    def redraw(self) -> None:
        """Draw everything that the newest state and the moment decide."""
        self._stale = False
        with self.app.batch_update():
            self.show(self.facts())
            self._show_hosts()

    def facts(self) -> Facts:
        """The run at the moment shown."""
        gone = f"{self._gone.what}. {self._gone.fix}" if self._gone else ""
        me = self.me if self.feed.is_live else None
        return facts_of(self.run_now, self.now, me=me, past=self.past, gone=gone, step=AGES)

    @on(Rows.Moved, "#steps")
    def _show_hosts(self) -> None:
        step = self.query_one(StepList).here
        hosts = self.query_one(HostGrid)
        hosts.show(self.run_now, step.id if step else "", self.now)
        self.put_panes()
        output = self.query_one(OutputView)
        output.starts_at(self.run_now.started)
        planned = self.run_now.steps[step.id].planned.hosts if step else ()
        host = output.host if output.host in planned else self._speaker(self._heard(hosts)) or output.host
        if host != output.host:
            output.show(self.feed.output, host)
        else:
            output.refresh_count()

    def _heard(self, hosts: HostGrid) -> str:
        """Of the hosts under the cursor the first that has said anything, else the first."""
        return next((host for host in hosts.hosts_here if self.feed.output.count(host)), hosts.here)

    def _speaker(self, host: str) -> str:
        """Whose output to show for a step: its host's; for gates and silent work of the controller, the last one's."""
        spoken = self.feed.output.hosts()
        if host and (host != CONTROLLER or host in spoken):
            return host
        return "" if self.query_one(OutputView).host else next(reversed(spoken), "")

    @on(Rows.Moved, "#hosts")
    def _show_output(self) -> None:
        host = self.query_one(HostGrid).here
        if host and host != self.query_one(OutputView).host:
            self.query_one(OutputView).show(self.feed.output, host)

    @on(Rows.Opened, "#hosts")
    def _to_output_of_step(self) -> None:
        """What the host under the cursor said in the step under the cursor, from its first line on."""
        self._show_output()
        output, step = self.query_one(OutputView), self.query_one(StepList).here
        attempt = self.run_now.steps[step.id].attempts.get(output.host) if step else None
        if attempt is not None:
            output.go_to_time(attempt.started_at)
        if output.display:
            output.focus()

    @on(Rows.Opened, "#steps")
    def _to_hosts(self) -> None:
        self.query_one(HostGrid).focus()

    # --- gates --------------------------------------------------------------------------------------------------------

    def attend(self) -> None:
        """Keep an open box true, or open one for a gate that has not been shown yet."""
        boxes = [screen for screen in self.app.screen_stack if isinstance(screen, GateModal)]
        for box in boxes:
            if box.gate_id in self.run_now.gates:
                box.show(self.run_now, self.now)
        new = [gate for gate in self.run_now.open_gates if gate not in self._presented]
        if new and self.feed.is_live:
            self._summon(new[0])

    def _summon(self, gate: str) -> None:
        """Put a new gate before whoever looks; whoever is typing is not interrupted, or their keys would be lost."""
        if gate not in self._called:
            self._called.add(gate)
            self.app.bell()
        if self.app.screen is self and not self._is_typing:
            self._present(gate)

    def typed(self) -> None:
        """Somebody has pressed a key here: questions wait until they have paused."""
        if self._pausing is not None:
            self._pausing.stop()
        self._is_typing = self.around.lock_seconds > 0
        self._pausing = self.set_timer(self.around.lock_seconds, self.stopped_typing) if self._is_typing else None

    def stopped_typing(self) -> None:
        """They have paused: what waits may be asked now."""
        self._is_typing = False
        self.attend()

    def _present(self, gate: str) -> None:
        self._presented.add(gate)
        box = modal_for(self.run_now, gate, self.me, self.ask, self.feed.output)
        box.past = self.past
        box.lock_seconds = self.around.lock_seconds
        self.app.push_screen(box, lambda _: self.attend())

    def action_gate(self) -> None:
        """Open what waits; answers nothing."""
        if self.run_now.open_gates:
            self._present(self.run_now.open_gates[0])
        else:
            self.notify("Nothing waits for an answer.", markup=False)

    # --- finding ------------------------------------------------------------------------------------------------------

    def action_search(self) -> None:
        """Ask what to look for."""
        search = self.query_one(OutputView).search
        label = f"Search the output of {self.query_one(OutputView).host}:"
        self.query_one(PromptLine).ask("search", label, search.wanted if search else "")

    def action_hit(self, direction: int) -> None:
        """To the next line found, or the one before."""
        output = self.query_one(OutputView)
        if output.search is None:
            self.tell("Nothing has been searched for: / asks what to look for.")
        elif direction > 0:
            output.action_next_hit()
        else:
            output.action_hit_before()

    def action_hosts_named(self) -> None:
        """Ask which hosts to show."""
        self.query_one(PromptLine).ask("hosts", "Hosts named (empty shows all):", self.query_one(HostGrid).named)

    def action_time(self) -> None:
        """Ask for a time."""
        self.query_one(PromptLine).ask("time", "Go to the time, as 1:02:03 from the start of the run:")

    @on(PromptLine.Given)
    def _given(self, message: PromptLine.Given) -> None:
        match message.about:
            case "search":
                self._to_pane("output")
                self.query_one(OutputView).look_for(message.text)
            case "hosts":
                self.query_one(HostGrid).named = message.text
                self._show_output()
            case _:
                at = seconds_of(message.text)
                if at is None:
                    self.tell(f'"{message.text}" is no time: write it as 1:02:03, 1:02 or 62.')
                else:
                    self.watch_from(at)

    def watch_from(self, at: float) -> None:
        """Show the output of the moment `at`, in seconds since the run was opened."""
        self._to_pane("output")
        self.query_one(OutputView).go_to_time(at)

    def action_failed(self, direction: int) -> None:
        """To the next step that went badly (or the one before), its gravest host, and what that said."""
        steps, hosts = self.query_one(StepList), self.query_one(HostGrid)
        if not steps.go_to_bad(direction):
            self.tell("No step went badly." if direction > 0 else "No step before went badly.")
            return
        self._show_hosts()
        hosts.cursor = 0
        if hosts.here:
            self._to_output_of_step()

    def tell(self, text: str) -> None:
        """In the row above the keys."""
        self.query_one(PromptLine).tell(text)

    # --- panes --------------------------------------------------------------------------------------------------------

    def action_pane(self, pane: str) -> None:
        """Go to a pane; one that has no place at this size gets all of it."""
        self.to_pane(pane)

    def _to_pane(self, pane: str) -> None:
        self.to_pane(pane)

    def action_timeline(self) -> None:
        """Show the steps on the time axis in place of the steps, or the steps again."""
        self.toggle_timeline()

    def action_zoom(self) -> None:
        """The focused pane alone, or all panes again."""
        focused = self.focused.id if self.focused else None
        self.zoom_on("" if self.zoomed else focused or "")

    def action_fold(self) -> None:
        """Fold hosts, or show each."""
        hosts = self.query_one(HostGrid)
        hosts.folded = not hosts.folded

    def action_faults(self) -> None:
        """Only hosts that are not well, or all."""
        hosts = self.query_one(HostGrid)
        hosts.faults = not hosts.faults

    def action_back(self) -> None:
        """Out of a selection, a search, the zoom; then out of the screen when there is one below."""
        if self.query_one(OutputView).clear():
            return
        if self.zoomed:
            self.zoom_on("")
        else:
            super().action_back()

    def action_leave(self) -> None:
        """Leave; the run goes on."""
        self.outlive(self.feed.close, group="close")
        if self.feed.is_live:
            self.app.notify(f"The run goes on. Back to it: runbook attach {self.run_now.id}", markup=False, timeout=8)
        super().action_leave()
