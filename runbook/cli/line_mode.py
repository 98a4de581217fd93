"""Watching a run in lines, and answering its gates by typing: for pipes, dumb terminals, screen readers, and CI.

The line mode reaches everything that the screen reaches. It is a client like any other: Ctrl-C leaves the watching and
not the run. Narration goes to standard error; standard output stays free for data.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from runbook.cli import line_gates
from runbook.cli.diagnostics import problem_text, say
from runbook.cli.keyboard import Keyboard
from runbook.core.entry import Entry
from runbook.core.event import OutputArrived
from runbook.core.run import Run
from runbook.engine.client import LiveFeed
from runbook.engine.feed import MAX_LINE
from runbook.engine.output_view import OutputView
from runbook.engine.workspace import LocalWorkspace
from runbook.view.lines import narrate, output_line

MAX_LINES_AT_ONCE = 400
"""Lines of one host that are printed for one chunk; the rest is in the record, and the reader is told so."""


@dataclass(slots=True)
class Narrator:
    """Tells each entry once, in order, and the output that came with it; live runs and records alike."""

    output: OutputView
    """Its own, so that every line is told with the entry that brought it, also while a feed is still being opened."""
    quiet: bool = False
    tell: Callable[[str], None] = say
    shown: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Host to lines of its output already told, and bytes of the last of them: it may not have been whole yet."""

    def each(self, before: Run | None, after: Run, entry: Entry) -> None:
        """Tell one entry."""
        if self.quiet:
            return
        self.output.take(entry)
        if isinstance(entry.event, OutputArrived):
            self._output(after, entry, entry.event)
        for text in narrate(before, after, entry):
            self.tell(text)

    def _output(self, run: Run, entry: Entry, event: OutputArrived) -> None:
        told, length = self.shown.get(event.host, (0, 0))
        count = self.output.count(event.host)
        # The last line told may have grown since; what is new of it stands on a line of its own.
        start = max(0, told - 1)
        for one in self.output.lines(event.host, start, min(count - start, MAX_LINES_AT_ONCE)):
            data = one.data[length:] if one.number < told else one.data
            if data or one.number >= told:
                self.tell(output_line(run, entry.wall, host=event.host, step=one.step, data=data))
            length = len(one.data)
        if count - start > MAX_LINES_AT_ONCE:
            more = f"({count - start - MAX_LINES_AT_ONCE} more lines are in the record)"
            self.tell(output_line(run, entry.wall, host=event.host, step=event.step, data=more.encode()))
            length = MAX_LINE
        self.shown[event.host] = (count, length)


async def follow(workspace: LocalWorkspace, run: str, *, answer: bool, quiet: bool = False) -> Run:
    """Watch a run to its end, asking the gates on standard input where `answer` says that somebody is there.

    Raises:
        Problems: There is no such record.
    """
    narrator = Narrator(OutputView(workspace.library.find(run)), quiet=quiet)
    feed = await workspace.attach(run, narrator.each)
    keyboard = Keyboard() if answer else None
    asked: set[str] = set()
    asking: asyncio.Task[None] | None = None
    try:
        while not feed.run.has_ended:
            fresh = [gate for gate in feed.run.open_gates if gate not in asked]
            if fresh and feed.is_live and (asking is None or asking.done()):
                asked.add(fresh[0])
                asking = asyncio.create_task(_ask(feed, fresh[0], keyboard))
            if not feed.is_live:
                break
            await feed.wait_changed()
    except asyncio.CancelledError:
        # A bare ^C would leave the operator guessing whether the servers are still being worked on.
        _say_left(feed.run)
        raise
    finally:
        if asking is not None:
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asking
        await feed.close()
    if not feed.run.has_ended:
        say("The runner has gone before the run ended." + (f" {problem_text(feed.damage)}" if feed.damage else ""))
        say(f"Continue it with: runbook resume {feed.run.id}")
    return feed.run


def _say_left(run: Run) -> None:
    if not run.has_ended:
        say(f"\nYou left; run {run.id} goes on. Back to it: runbook attach {run.id}")
        say(f'Stop it: runbook halt {run.id} -m "why"')


async def _ask(feed: LiveFeed, gate: str, keyboard: Keyboard | None) -> None:
    """Put one gate to the person at the terminal, until it is answered here or elsewhere."""
    if keyboard is None:
        say(f"Gate {gate} waits for a person: runbook approve {feed.run.id} --gate '{gate}'")
        return
    while gate in feed.run.open_gates and feed.is_live:
        intent = await line_gates.question(feed.run, gate, keyboard)
        if intent is None:
            say("Nobody answers here any more; the run goes on and waits. Answer with: runbook approve " + feed.run.id)
            return
        refused = await feed.send(intent)
        if refused is not None:
            say(problem_text(refused))
        elif gate in feed.run.open_gates:
            await asyncio.wait([asyncio.create_task(feed.wait_changed())], timeout=1)
