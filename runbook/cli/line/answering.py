"""The commands that answer an open gate, spelled out for copying, and what is asked of the runner when one is typed.

Pure, made from the table of answers. Every kind of gate has a yes that is complete as it stands, so that nobody
has to look up at night which option a typed word or a value needs; what a person must fill in is written in capitals.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runbook.core.answers import Answer, offered
from runbook.core.events.event import GateOpened
from runbook.core.gate.gates import giving
from runbook.core.host import Json
from runbook.core.intent import Intent
from runbook.core.run import GateState
from runbook.problem import problem
from runbook.view.sanitize import safe

_WHY = ' -m "WHY"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An answer as it was typed; what it means depends on the gate."""

    gate: str
    answer: str
    reject: bool
    value: str | None
    reason: str
    typed: str


def answer_commands(run: str, gate: GateState, options: Sequence[str] = ()) -> tuple[str, ...]:
    """What may be typed to answer the gate, the yes first; safe to show.

    `options` are those without which the run is not found from where the reader stands.
    """
    opened = gate.opened
    start = shlex.join(("runbook", "approve", run, *options, "--gate", opened.gate))
    every = offered(opened.kind, opened.choices)
    return tuple(safe(f"{start} {words}".rstrip()) for answer in every for words in _words(gate, answer))


def answering_intent(opened: GateOpened, draft: Draft) -> Intent:
    """What is asked of the runner for what was typed.

    Raises:
        Problems: The gate takes no such answer, or the answer lacks its value.
    """
    answer = _meant(opened, refusing_answer(opened) if draft.reject else draft.answer)
    value: Json = draft.value
    if answer.takes != "nothing" and value is None:
        fix = f"Add --value VALUE. {values(opened)}".rstrip()
        raise problem(f"gate {opened.gate} needs a value", fix=fix, code="no-value")
    if answer.takes == "item":
        value = item_number(opened, str(value))
    if answer.takes == "label":
        value = label_of(opened, str(value))
    return giving(opened, answer, value=value, reason=draft.reason, typed=draft.typed)


def _meant(opened: GateOpened, word: str) -> Answer:
    """The answer of that word; without one the yes, which the menu of a failure does not have."""
    every = offered(opened.kind, opened.choices)
    found = next((one for one in every if (one.word == word if word else one.is_yes)), None)
    if found is None:
        what = f'"{word}" is not offered' if word else "what follows the failure is not said"
        raise problem(what, fix=f"Add --answer with one of: {', '.join(one.word for one in every)}.", code="no-answer")
    return found


def refusing_answer(opened: GateOpened) -> str:
    """The answer that `--reject` stands for at this gate; empty where nothing says no."""
    return next((answer.word for answer in offered(opened.kind, opened.choices) if answer.is_no), "")


def values(opened: GateOpened) -> str:
    """What may be given as a value, as a sentence; empty where anything may."""
    numbered = ", ".join(f"{number} {text}" for number, text in enumerate(opened.choices, start=1))
    if opened.kind == "checklist":
        return f"Items: {numbered}."
    return f"Offered: {numbered}." if opened.kind == "choose" else ""


def item_number(opened: GateOpened, text: str) -> int:
    """The item of a checklist that is meant, from 0, by its number, from 1, or by its words.

    Raises:
        Problems: It has no such item, or several of these words.
    """
    found = _place(opened, text)
    if found is None:
        raise problem(f'there is no item "{text}"', fix=values(opened), code="no-item")
    return found


def label_of(opened: GateOpened, text: str) -> str:
    """The label that is chosen, by its words or by its number, from 1.

    Raises:
        Problems: Neither is offered, or the words are those of several labels.
    """
    found = _place(opened, text)
    if found is None:
        raise problem(f'"{text}" is not offered', fix=values(opened), code="no-label")
    return opened.choices[found]


def _place(opened: GateOpened, text: str) -> int | None:
    """Which of the choices is meant, from 0. Words count before numbers: a label may be a number itself."""
    same = [place for place, words in enumerate(opened.choices) if words == text]
    if len(same) == 1:
        return same[0]
    return int(text) - 1 if text.isdecimal() and 1 <= int(text) <= len(opened.choices) else None


def next_item(gate: GateState) -> int | None:
    """The first item of a checklist that has no answer yet, from 0; None when all have one."""
    done = {answer.given.value for answer in gate.answers}
    return next((index for index in range(len(gate.opened.choices)) if index not in done), None)


def _words(gate: GateState, answer: Answer) -> Iterator[str]:
    """The options that give an answer; several for one that takes a label, one for each."""
    opened, why = gate.opened, _WHY if answer.needs_reason else ""
    named = "" if answer.is_yes else f"--answer {answer.word} "
    match answer.takes:
        case "text":
            yield f"{named}--value VALUE{why}"
        case "label":
            yield from (f"{named}--value {shlex.quote(label)}{why}" for label in opened.choices)
        case "item":
            yield f"{named}--value {(next_item(gate) or 0) + 1}{why}"
        case _ if answer.is_yes:
            yield f"--type {shlex.quote(opened.word)}" if opened.word else ""
        case _:
            # The menu of a failure has no yes, so that there each is called by its name.
            is_plain_no = answer.is_no and opened.kind != "failure"
            yield f"{'--reject' if is_plain_no else named.strip()}{why}"
