"""What a host's shell says last about a job (`follow.sh`), and what that proves.

The one place where words of a host become an ending. A host may be broken or hostile: a word with other parts than it
has to have proves nothing, so the job is lost. The same word means less to whoever has just tried to begin a job than
to whoever follows one: there, somebody else has begun it or ruled it out, so our record is not the newest.
"""

from __future__ import annotations

import re

from runbook.core.outcome import Ending, Exited, Lost, NeverSent, Withheld

BEGUN_BEFORE = "it was begun before, and the record does not say so: the record was cut, or is a copy"
BLIND = "it may have been begun before: the record was cut, or is a copy, and nothing tells where jobs were kept there"
MOVED = "jobs are kept in another place there than before: what was begun in that one cannot be known"

WORDS = frozenset(
    {
        "exit",
        "gone",
        "mute",
        "unsent",
        "fenced",
        "refused",
        "lost",
        "traceless",
        "running",
        "before",
        "moved",
        "blind",
        "other",
    }
)
"""After one of these the shell waits for its next frame."""

_WHY: tuple[list[str], ...] = ([], ["memory"])
_CODE = re.compile(r"[0-9]{1,5}")
"""An exit code as any shell has it: ksh adds 256 for a signal."""


def followed(word: str, rest: str, *, has_output: bool = True) -> Ending:
    """How a job ended that was begun before, by us or by another runner.

    Args:
        word: One of `WORDS`.
        rest: What stood behind it.
        has_output: False where an exit code alone does not tell what was printed.
    """
    parts = rest.split(" ")
    match word, parts:
        case "exit", [code, "0" | "1" as late, "0" | "1", *why] if _CODE.fullmatch(code) and has_output and why in _WHY:
            return Exited(int(code), late_output=late == "1", out_of_memory=bool(why))
        case ("exit", [code, "0" | "1", "0" | "1"] | [code, "0" | "1", "0" | "1", "memory"]) | (
            "gone" | "mute",
            [code],
        ) if _CODE.fullmatch(code):
            return Lost(f"it ended with exit code {int(code)}, and what it printed is not there any more", is_over=True)
        case "unsent", _:
            return NeverSent("it was fenced before it started, and never will start")
        case "lost", ["0" | "1" as over]:
            return Lost("the shell that ran it is gone and has left no exit code", is_over=over == "1")
        case "traceless", ["0" | "1" as over]:
            return Lost("the host has no trace of it, though it may have begun", is_over=over == "1")
        case "running", _:
            return Lost("it still runs on its host")
        case "over", _:
            return Lost("it has ended, but not said how")
        case _:
            return Lost(f'the host said "{word} {rest[:80]}", which no shell of ours says')


def begun(word: str, rest: str, *, has_output: bool = True) -> Ending:
    """How a job stands that we have tried to begin, when the shell's word is not that it began it."""
    match word:
        case "refused":
            return NeverSent(rest)
        case "moved":
            return Withheld(MOVED)
        case "blind":
            return Withheld(BLIND)
        case "before":
            return Withheld(BEGUN_BEFORE)
        case "other":
            return Withheld("another command was begun under its name")
        case "fenced" | "unsent":
            return Withheld("another runner has ruled it out: the record is not the newest", is_over=True)
        case _:
            pass
    ending = followed(word, rest, has_output=has_output)
    if word == "mute":
        return ending
    return Withheld(f"{BEGUN_BEFORE}; {ending.reason}", is_over=ending.is_over) if isinstance(ending, Lost) else ending
