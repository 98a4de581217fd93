"""Words that are typed while a run is watched in lines: between its questions, and in the middle of one.

A question's own answers come first, so that `skip` at the menu of a failure is what the menu says. What is asked for as
a text of its own (a value, a reason) is never taken for a word. What a run refuses is said in its words, and the same
from another terminal stands with it where something is missing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from runbook.cli.diagnostics import explain, problem_text, say
from runbook.cli.line.keyboard import REASON, Keyboard
from runbook.cli.line.steering import HELP, Told, help_lines, intent_of, is_word, understood
from runbook.cli.line.watched import Watched, first
from runbook.problem import Problems


@dataclass(frozen=True, slots=True)
class Listener:
    """Whoever types, and the run that is meant."""

    watched: Watched
    keyboard: Keyboard

    async def until_news(self) -> None:
        """Return when the run has moved, or when one line was heard and done."""
        _, typed = await first(self._news(), self.keyboard.offered(self._is_whole))
        line = "" if typed.cancelled() else typed.result()
        if line and not await self.heed(line):
            explain(_unknown(line))

    def _is_whole(self, line: str) -> bool:
        """Whether a line that came ahead of its time can mean nothing else: `skip` alone answers a failure's menu."""
        try:
            return line in HELP or not understood(line, self.watched.run).lacks_reason
        except Problems:
            return False

    async def _news(self) -> str:
        await self.watched.news()
        return ""

    async def heed(self, line: str) -> bool:
        """Do what a line says; False when it begins with no word."""
        if not is_word(line):
            return False
        if line.strip() in HELP:
            _explain()
            return True
        try:
            told = await self._with_reason(understood(line, self.watched.run))
            refused = await self.watched.feed.send(intent_of(told, self.watched.run))
        except Problems as wrong:
            explain(wrong)
            return True
        if refused is not None:
            say(problem_text(refused))
        return True

    async def _with_reason(self, told: Told) -> Told:
        if not told.lacks_reason:
            return told
        given = await self.keyboard.ask(REASON)
        return replace(told, reason=given or "")


def _unknown(line: str) -> Problems:
    try:
        understood(line, None)
    except Problems as wrong:
        return wrong
    raise AssertionError(line)


def _explain() -> None:
    say("Words that may be typed at any time; WHY is the reason, and goes on record:")
    for line in help_lines():
        say(line)
    say("^C leaves the watching, and the run goes on.")
