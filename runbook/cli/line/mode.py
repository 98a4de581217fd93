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
from functools import partial

from runbook.cli.diagnostics import Tell, problem_text, say
from runbook.cli.line import gates
from runbook.cli.line.answering import answer_commands
from runbook.cli.line.countdown import count_down
from runbook.cli.line.keyboard import Keyboard
from runbook.cli.line.listening import Listener
from runbook.cli.line.narrator import Narrator
from runbook.cli.line.watched import Watched, first
from runbook.core.gate.gates import is_decided
from runbook.core.intent import Intent
from runbook.core.run import GateState, Run
from runbook.feed.last_words import heard
from runbook.feed.output_view import OutputView
from runbook.problem import Problems
from runbook.talk.door import NOT_ITS_RUNNER
from runbook.view.sanitize import safe
from runbook.view.story.telling import by
from runbook.workspace.local import LocalWorkspace


async def follow(workspace: LocalWorkspace, run: str, tell: Tell, *, answer: bool) -> Run:
    """Tell a run to its end, asking the gates on standard input where `answer` says that somebody is there.

    Raises:
        Problems: There is no such record, or somebody else is where its runner should be.
    """
    if answer and sys.stdin.isatty():
        say("Words may be typed at any time: help lists them.")
    aloud = tell is say or sys.stdout.isatty()
    narrator = Narrator(OutputView(workspace.store.find(run)), tell)
    feed = await workspace.attach(run, narrator.each)
    watched = Watched(feed)
    listener = Listener(watched, Keyboard()) if answer else None
    beside = (
        asyncio.create_task(_ask_all(watched, listener, is_told=aloud)),
        asyncio.create_task(count_down(watched, typed=answer)),
    )
    try:
        while feed.is_live:
            await watched.advance()
    except asyncio.CancelledError:
        # A bare ^C would leave the operator guessing whether the servers are still being worked on.
        _say_left(feed.run)
        raise
    finally:
        for task in beside:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
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


async def _ask_all(watched: Watched, listener: Listener | None, *, is_told: bool) -> None:
    """Put every gate to the person, one after the other, and listen to them in between."""
    asked: set[str] = set()
    while watched.feed.is_live:
        fresh = [gate for gate in watched.run.open_gates if gate not in asked]
        for gate in fresh[:1]:
            asked.add(gate)
            await _ask(watched, gate, listener, is_told=is_told)
        if not fresh:
            await (listener.until_news() if listener else watched.news())


async def _ask(watched: Watched, gate: str, listener: Listener | None, *, is_told: bool) -> None:
    """Put one gate to the person at the terminal, until it is answered here or elsewhere.

    `is_told` when the story, which has the question, has gone to the same person's eyes.
    """
    if listener is None:
        _say_how(watched.run, gate, f"Gate {gate} waits for a person. Answer it from another terminal:")
        return
    while gate in watched.run.open_gates and watched.feed.is_live:
        intent = await _answered(watched, gate, listener, is_told=is_told)
        if intent is None:
            return
        before = watched.run
        refused = await watched.feed.send(intent)
        if refused is not None:
            say(problem_text(refused))
        else:
            await watched.until(partial(_needs_more_or_is_over, gate=gate, before=before))


async def _answered(watched: Watched, gate: str, listener: Listener, *, is_told: bool) -> Intent | None:
    """The answer that is given here; None when nobody is here to give one, or none is needed any more."""

    async def closed() -> None:
        # Somebody else may answer it, or a word may end it, while this one still thinks.
        await watched.until(lambda run: gate not in run.open_gates)

    state = watched.run.gates[gate]
    said = heard(watched.feed.output, watched.run, state) if state.opened.kind == "failure" else None
    asked = gates.question(watched.run, gate, listener.keyboard, is_told=is_told, heed=listener.heed, said=said)
    reading, _ = await first(asked, closed())
    if reading.cancelled():
        say(f"\nGate {gate} waits no more{_by_whom(watched.run.gates[gate])}.")
        return None
    if reading.result() is None and gate in watched.run.open_gates:
        _say_how(watched.run, gate, "Nobody answers here any more; the run waits. Answer it from another terminal:")
    return reading.result()


def _by_whom(gate: GateState) -> str:
    """Who has answered it meanwhile, and how; empty where nobody has."""
    last = gate.answers[-1].given if gate.answers else None
    return f": {safe(last.answer)}{by(last.by)}" if last else ""


def _needs_more_or_is_over(run: Run, *, gate: str, before: Run) -> bool:
    """Whether an answer given after `before` has done all it does: asked again any sooner, it would be asked twice."""
    state = run.gates[gate]
    if gate not in run.open_gates:
        return True
    step = run.step(state.opened.step)
    is_there = len(state.answers) > len(before.gates[gate].answers)
    return is_there and (step is None or not is_decided(state, step))
