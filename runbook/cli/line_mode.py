"""Watching a run in lines, and answering its gates by typing: for pipes, dumb terminals, screen readers, and CI.

The line mode reaches everything that the screen reaches. It is a client like any other: Ctrl-C leaves the watching and
not the run. The story is what was asked for, so it goes where `diagnostics.story` says; what is asked of the person who
watches, and what they are advised to type, stays on standard error and is not part of it. So a run and its replay tell
the same lines.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable
from functools import partial

from runbook.cli import line_gates
from runbook.cli.answering import answer_commands
from runbook.cli.diagnostics import Tell, problem_text, say
from runbook.cli.keyboard import Keyboard
from runbook.cli.narrator import Narrator
from runbook.core.gate.gates import is_decided
from runbook.core.run import Run
from runbook.feed.live import LiveFeed
from runbook.feed.output_view import OutputView
from runbook.problem import Problems
from runbook.talk.door import NOT_ITS_RUNNER
from runbook.workspace.local import LocalWorkspace


class Watched:
    """A feed that one task advances and others wait on: two that both took its news would each lose the other's."""

    def __init__(self, feed: LiveFeed) -> None:
        """Nothing has moved yet."""
        self.feed = feed
        self._moved = asyncio.Event()

    @property
    def run(self) -> Run:
        """The newest folded run."""
        return self.feed.run

    async def advance(self) -> None:
        """Wait for news, and wake everybody who waits for some; for one task alone."""
        await self.feed.wait_changed()
        self._moved.set()
        self._moved = asyncio.Event()

    async def news(self) -> None:
        """Return after the next advance."""
        await self._moved.wait()

    async def until(self, holds: Callable[[Run], bool]) -> None:
        """Return when it holds, or when nothing more will come."""
        while self.feed.is_live and not holds(self.run):
            await self.news()


async def follow(workspace: LocalWorkspace, run: str, tell: Tell, *, answer: bool) -> Run:
    """Tell a run to its end, asking the gates on standard input where `answer` says that somebody is there.

    Raises:
        Problems: There is no such record, or somebody else is where its runner should be.
    """
    aloud = tell is say or sys.stdout.isatty()
    narrator = Narrator(OutputView(workspace.store.find(run)), tell)
    feed = await workspace.attach(run, narrator.each)
    watched = Watched(feed)
    keyboard = Keyboard() if answer else None
    asking = asyncio.create_task(_ask_all(watched, keyboard, is_told=aloud))
    try:
        while feed.is_live:
            await watched.advance()
    except asyncio.CancelledError:
        # A bare ^C would leave the operator guessing whether the servers are still being worked on.
        _say_left(feed.run)
        raise
    finally:
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking
        await feed.close()
    if feed.damage is not None and feed.damage.code == NOT_ITS_RUNNER:
        raise Problems([feed.damage])
    if not feed.run.has_ended:
        say("The runner has gone before the run ended." + (f" {problem_text(feed.damage)}" if feed.damage else ""))
        say(f"Continue it with: runbook resume {feed.run.id}")
    return feed.run


def _say_left(run: Run) -> None:
    if not run.has_ended:
        say(f"\nYou left; run {run.id} goes on. Back to it: runbook attach {run.id}")
        say(f'Stop it: runbook halt {run.id} -m "why"')


def _say_how(run: Run, gate: str, head: str) -> None:
    say(head)
    for command in answer_commands(run.id, run.gates[gate]):
        say(f"  {command}")


async def _ask_all(watched: Watched, keyboard: Keyboard | None, *, is_told: bool) -> None:
    """Put every gate to the person, one after the other."""
    asked: set[str] = set()
    while watched.feed.is_live:
        fresh = [gate for gate in watched.run.open_gates if gate not in asked]
        for gate in fresh[:1]:
            asked.add(gate)
            await _ask(watched, gate, keyboard, is_told=is_told)
        if not fresh:
            await watched.news()


async def _ask(watched: Watched, gate: str, keyboard: Keyboard | None, *, is_told: bool) -> None:
    """Put one gate to the person at the terminal, until it is answered here or elsewhere.

    `is_told` when the story, which has the question, has gone to the same person's eyes.
    """
    if keyboard is None:
        _say_how(watched.run, gate, f"Gate {gate} waits for a person. Answer it from another terminal:")
        return
    while gate in watched.run.open_gates and watched.feed.is_live:
        intent = await line_gates.question(watched.run, gate, keyboard, is_told=is_told)
        if intent is None:
            _say_how(watched.run, gate, "Nobody answers here any more; the run waits. Answer it from another terminal:")
            return
        before = watched.run
        refused = await watched.feed.send(intent)
        if refused is not None:
            say(problem_text(refused))
        else:
            await watched.until(partial(_needs_more_or_is_over, gate=gate, before=before))


def _needs_more_or_is_over(run: Run, *, gate: str, before: Run) -> bool:
    """Whether an answer given after `before` has done all it does: asked again any sooner, it would be asked twice."""
    state = run.gates[gate]
    if gate not in run.open_gates:
        return True
    step = run.step(state.opened.step)
    is_there = len(state.answers) > len(before.gates[gate].answers)
    return is_there and (step is None or not is_decided(state, step.action_on("*")))
