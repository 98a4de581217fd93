"""The commands that answer an open gate, spelled out for copying: what a person without a screen types elsewhere.

Pure text. Every kind of gate has a yes that is complete as it stands, so that nobody has to look up at night which
option a typed word or a value needs; what a person must fill in is written in capitals. A kind that this file has
never heard of is answered by the words that the gate itself offers.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from runbook.core.event import GateOpened
from runbook.core.gates import ANSWERS, NEEDS_REASON, REFUSALS
from runbook.core.run import GateState
from runbook.problem import problem
from runbook.view.sanitize import safe

REASONED_CHOICES = frozenset({"skip", "accept", "exclude"})
"""What is chosen after a failure only with a reason."""

_WHY = '-m "WHY"'


def answer_commands(run: str, gate: GateState) -> tuple[str, ...]:
    """What may be typed to answer the gate, the yes first; safe to show."""
    opened = gate.opened
    start = f"runbook approve {shlex.quote(run)} --gate {shlex.quote(opened.gate)}"
    return tuple(safe(f"{start} {words}".rstrip()) for words in _words(gate))


def refusing_answer(opened: GateOpened) -> str:
    """The answer that `--reject` stands for at this gate; empty where nothing says no."""
    offered = ANSWERS.get(opened.kind) or opened.choices
    refusals = (*REFUSALS, "failed", "abort", "refuse")
    return next((answer for answer in offered if answer in refusals), "")


def offered(opened: GateOpened) -> str:
    """What may be given as a value, as a sentence; empty where anything may."""
    if opened.kind == "checklist":
        return f"Items are numbered 1 to {len(opened.choices)}."
    return f"Offered: {', '.join(opened.choices)}." if opened.kind == "choose" else ""


def item_number(opened: GateOpened, text: str) -> int:
    """The item of a checklist that is meant, from 0; people count from 1.

    Raises:
        Problems: It has no such item.
    """
    if not text.isdecimal() or not 1 <= int(text) <= len(opened.choices):
        raise problem(f'there is no item "{text}"', fix=offered(opened), code="no-item")
    return int(text) - 1


def _words(gate: GateState) -> Iterator[str]:
    opened = gate.opened
    match opened.kind:
        case "ask":
            yield "--value VALUE"
        case "choose":
            yield from (f"--value {shlex.quote(label)}" for label in opened.choices)
        case "checklist":
            done = {answer.given.value for answer in gate.answers}
            number = next((index for index in range(len(opened.choices)) if index not in done), 0) + 1
            yield f"--value {number}"
            yield f"--answer waive --value {number} {_WHY}"
        case "failure":
            yield from (f"--answer {word}{f' {_WHY}' if word in REASONED_CHOICES else ''}" for word in opened.choices)
        case _:
            yield from _yes_or_no(opened)


def _yes_or_no(opened: GateOpened) -> Iterator[str]:
    yes, *others = ANSWERS.get(opened.kind) or opened.choices or ("",)
    yield f"--type {shlex.quote(opened.word)}" if opened.word else ""
    no = refusing_answer(opened)
    for word in others:
        option = "--reject" if word == no and yes != no else f"--answer {word}"
        yield f"{option}{f' {_WHY}' if word in NEEDS_REASON else ''}"
