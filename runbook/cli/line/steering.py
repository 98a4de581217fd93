"""What a person may tell a run in words: the one table that the line mode, `runbook tell` and their help read.

A word is followed by what it is about and then by the reason, as it would be said aloud: `skip 1.3 the disk is fine`.
This file turns words into intents and nothing else: whether a run does what it is told is decided in its runner, which
is asked as the screen asks it. What is no word here is refused with the word that is near, never guessed.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from runbook.core.intent import (
    AddNote,
    ContinueRun,
    CutWait,
    ExcludeHost,
    HaltRun,
    Intent,
    LiftFaults,
    MarkMilestone,
    PauseRun,
    RollBack,
    SkipStep,
)
from runbook.core.milestone_name import Milestone
from runbook.core.planned.action import WaitAction
from runbook.core.run import Run
from runbook.problem import Problems, meant_by, near, nearest, problem

About = Literal["", "STEP", "HOST", "MILESTONE", "TEXT"]

HELP = ("help", "?")
"""What asks for the table itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word and what it takes."""

    word: str
    line: str
    """What it does, as a sentence without its full stop."""
    about: About = ""
    """What follows it; a text takes all of the line, everything else one word."""
    needs_reason: bool = False
    """It goes on record only with a reason, which is the rest of the line."""


WORDS = (
    Word(word="pause", line="Enter no new step; what runs goes on"),
    Word(word="continue", line="Go on after a pause"),
    Word(word="skip", about="STEP", needs_reason=True, line="Do not enter a step that is ahead, or end its wait now"),
    Word(word="cut", about="STEP", needs_reason=True, line="End a wait now; the only one needs no step"),
    Word(word="note", about="TEXT", line="Write a remark into the record"),
    Word(word="mark", about="MILESTONE", line="Say that a moment of the recovery is now"),
    Word(word="exclude", about="HOST", needs_reason=True, line="Take a host out of all steps ahead"),
    Word(word="lift", needs_reason=True, line="Lift every fault that may be live, held ones too"),
    Word(word="undo", needs_reason=True, line="Stop going forward and roll back what ran"),
    Word(word="halt", needs_reason=True, line="Cancel what runs, then take the closing steps"),
)
"""Every word, in the order of how much it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A line that was understood; a reason that is missing is empty."""

    word: Word
    subject: str = ""
    reason: str = ""

    @property
    def lacks_reason(self) -> bool:
        """Whether the run would only ask for one."""
        return self.word.needs_reason and not self.reason.strip()


def is_word(line: str) -> bool:
    """Whether a line begins as one of ours does."""
    first = line.partition(" ")[0]
    return first in HELP or any(word.word == first for word in WORDS)


def understood(line: str, run: Run | None, *, start: str = "") -> Told:
    """What a line says.

    Args:
        line: As it was typed.
        run: As it stands; None where its record is not ours to read, so that a wait has to be named.
        start: What stands before the words where they are typed, for advice that can be copied.

    Raises:
        Problems: It begins with no word of ours, or lacks what the word is about.
    """
    first, _, rest = line.strip().partition(" ")
    word = next((one for one in WORDS if one.word == first), None)
    if word is None:
        raise _no_word(first, rest, start)
    told = _told(word, rest.strip(), run, start)
    if word.about and not told.subject:
        raise problem(
            f'"{first}" lacks its {word.about}',
            why=_there_is(word.about, run),
            fix=f"Write: {start}{usage(word)}",
            code="no-subject",
        )
    return told


def usage(word: Word) -> str:
    """How a word is written."""
    return " ".join(filter(None, (word.word, word.about, "WHY" if word.needs_reason else "")))


def tell_command(run: str, told: Told, options: Iterable[str] = ()) -> str:
    """The same from any terminal; a reason that is missing stands in capitals."""
    about = (told.subject,) if told.subject else ()
    said = shlex.join(("runbook", "tell", run, told.word.word, *about, *options))
    return f'{said} -m "WHY"' if told.lacks_reason else said


def intent_of(told: Told, run: Run | None) -> Intent:
    """What is asked of the runner.

    Raises:
        Problems: There is no such milestone.
    """
    fitting = _fitting(told, run)
    return _INTENTS[fitting.word.word](fitting)


def live_waits(run: Run | None) -> tuple[str, ...]:
    """Steps whose countdown runs, by id."""
    states = run.steps.values() if run is not None else ()
    return tuple(
        state.id
        for state in states
        if state.is_live and isinstance(state.planned.action, WaitAction) and not state.wait_cut
    )


def _fitting(told: Told, run: Run | None) -> Told:
    """To skip a wait that runs is to cut it short: nobody has to know which of both it is called."""
    if told.word.word == "skip" and told.subject in live_waits(run):
        return replace(told, word=next(word for word in WORDS if word.word == "cut"))
    return told


def _told(word: Word, rest: str, run: Run | None, start: str) -> Told:
    if word.about == "TEXT":
        return Told(word=word, subject=rest)
    if not word.about:
        if rest and not word.needs_reason:
            raise problem(f'"{word.word}" stands alone', fix=f"Write: {start}{word.word}", code="too-much")
        return Told(word=word, reason=rest)
    waits = live_waits(run)
    subject, _, reason = rest.partition(" ")
    if word.word == "cut" and len(waits) == 1 and run is not None and subject not in run.steps:
        return Told(word=word, subject=waits[0], reason=rest)
    return Told(word=word, subject=subject, reason=reason.strip())


def _milestone(text: str) -> Milestone:
    known = [each.value for each in Milestone]
    word = text.replace("-", "_")
    meant = [word] if word in known else meant_by(word, known)
    if len(meant) != 1:
        raise problem(f'there is no milestone "{text}"', fix=nearest(word, known), code="no-milestone")
    return Milestone(meant[0])


_INTENTS: dict[str, Callable[[Told], Intent]] = {
    "pause": lambda _: PauseRun(),
    "continue": lambda _: ContinueRun(),
    "skip": lambda told: SkipStep(step=told.subject, reason=told.reason),
    "cut": lambda told: CutWait(step=told.subject, reason=told.reason),
    "note": lambda told: AddNote(text=told.subject),
    "mark": lambda told: MarkMilestone(milestone=_milestone(told.subject)),
    "exclude": lambda told: ExcludeHost(host=told.subject, reason=told.reason),
    "lift": lambda told: LiftFaults(reason=told.reason),
    "undo": lambda told: RollBack(reason=told.reason),
    "halt": lambda told: HaltRun(reason=told.reason),
}


def _no_word(first: str, rest: str, start: str) -> Problems:
    known = [word.word for word in WORDS]
    meant = near(first, known)
    fix = f"Did you mean: {start}{f'{meant} {rest}'.strip()}" if meant else f"What each does is told by: {start}help"
    return problem(f'no run knows the word "{first}"', why=f"its words are {', '.join(known)}", fix=fix, code="no-word")


def _there_is(about: About, run: Run | None) -> str:
    """What could be meant, where that is known and can be told in a line."""
    match about:
        case "MILESTONE":
            return f"there are: {', '.join(Milestone)}"
        case "HOST" if run is not None:
            return f"hosts of this run: {', '.join(host.name for host in run.plan.hosts[:6])}"
        case "STEP" if live_waits(run):
            return f"waiting now: {', '.join(live_waits(run))}"
        case _:
            return ""


def help_lines() -> tuple[str, ...]:
    """The table, for somebody who reads it at night."""
    width = max(len(usage(word)) for word in WORDS)
    return tuple(f"  {usage(word):<{width}}  {word.line}." for word in WORDS)
