"""Deciding in lines what follows a failed step: by number or by word, and a word that is typed before grave deeds.

The same menu as on the screen, with the same second act: what reaches hosts that are well, rolls back or aborts asks
for a word. A choice that is that word already, typed in full, is the act itself. An empty line answers nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from runbook.cli.diagnostics import say
from runbook.cli.line.keyboard import REASON, Keyboard
from runbook.cli.line.steering import HELP
from runbook.core.answers import Answer, offered
from runbook.core.gate.gates import giving
from runbook.core.intent import Intent
from runbook.core.run import GateState
from runbook.view.asking.failure import FailureMenu
from runbook.view.asking.failure_lines import failed_lines, way_lines

Heed = Callable[[str], Awaitable[bool]]
"""Does what a line says that is no answer; False when it says nothing."""


async def decision(state: GateState, menu: FailureMenu, keyboard: Keyboard, heed: Heed) -> Intent | None:
    """What the person at the line decides; None when nobody is there to say."""
    for line in ("", *failed_lines(menu), *way_lines(menu)):
        say(line)
    every: dict[str, Answer] = {one.word: one for one in offered("failure", state.opened.choices)}
    while True:
        typed = await keyboard.ask(f"[1-{len(menu.ways)}, or a word] ")
        if typed is None:
            return None
        word = _meant(typed, menu, tuple(every))
        if word:
            act = await _second_act(menu, word, typed, keyboard)
            if act is None:
                return None
            if act.is_done:
                return giving(state.opened, every[word], reason=act.reason)
        elif not await _heeded(typed, menu, heed):
            say("  Please answer with one of these.")


class _Act(NamedTuple):
    """What came of the second act."""

    is_done: bool
    reason: str = ""


async def _second_act(menu: FailureMenu, word: str, typed: str, keyboard: Keyboard) -> _Act | None:
    """Done with a reason, or not done after all; None when nobody is there any more."""
    way = next((one for one in menu.ways if one.answer == word), None)
    if way is None or typed == way.word or not (way.needs_reason or way.word):
        return _Act(is_done=True)
    if way.needs_reason:
        reason = await keyboard.ask(REASON)
        return None if reason is None else _Act(is_done=True, reason=reason)
    for line in way.more:
        say(f"  {line}")
    given = await keyboard.ask(f'Type "{way.word}" and it {way.act}: ')
    if given is None:
        return None
    if given != way.word and not given.startswith(f"{way.word} "):
        say("  Not done.")
        return _Act(is_done=False)
    return _Act(is_done=True, reason=given.removeprefix(way.word).strip())


def _meant(typed: str, menu: FailureMenu, words: tuple[str, ...]) -> str:
    """The answer of a number, a word, or of its beginning where that is enough to tell; empty for none."""
    if typed.isdecimal():
        return menu.ways[int(typed) - 1].answer if 1 <= int(typed) <= len(menu.ways) else ""
    found = [word for word in words if typed and word.startswith(typed)]
    return typed if typed in words else found[0] if len(found) == 1 else ""


async def _heeded(typed: str, menu: FailureMenu, heed: Heed) -> bool:
    if typed in HELP:
        for line in way_lines(menu):
            say(line)
    return await heed(typed)
