"""Putting a gate to a person in lines: what is asked, what it lets through, and which words answer it.

An empty line answers nothing and is asked again. What a typed word has to be is shown and never offered as a default.
This file turns words into intents and nothing else; whether they count is decided in the runner.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from runbook.cli.diagnostics import say
from runbook.cli.line.answering import next_item
from runbook.cli.line.failure import Heed, decision
from runbook.cli.line.keyboard import REASON, Keyboard
from runbook.cli.line.steering import HELP
from runbook.core.answers import Answer, offered
from runbook.core.events.event import GateOpened
from runbook.core.gate.gates import giving
from runbook.core.intent import Intent
from runbook.core.run import GateState, Run
from runbook.view.asking.failure import Said, failure_menu
from runbook.view.asking.gates import GateView, gate_view
from runbook.view.sanitize import safe
from runbook.view.words import plural


async def deaf(_line: str) -> bool:
    """The `Heed` of whoever only reads answers."""
    return False


async def question(
    run: Run, gate: str, keyboard: Keyboard, *, is_told: bool = True, heed: Heed = deaf, said: Said | None = None
) -> Intent | None:
    """Show a gate and read its answer; None when nobody is there to give one.

    Args:
        run: As it stands.
        gate: The gate's id.
        keyboard: Where answers come from.
        is_told: The person has the question before their eyes already, from the story.
        heed: What is done about a line that is no answer to it.
        said: What the hosts of a failed step said last.
    """
    state = run.gates[gate]
    if state.opened.kind == "failure":
        return await decision(state, failure_menu(run, state, run.now, said), keyboard, heed)
    view = gate_view(run, gate, run.now)
    for line in (*(() if is_told else _question(view)), *_shown(view)):
        say(line)
    given = await _given(state, keyboard, heed)
    if given is None:
        return None
    reason = await keyboard.ask(REASON) if given.answer.needs_reason else ""
    if reason is None:
        return None
    return giving(state.opened, given.answer, value=given.value, reason=reason, typed=given.typed)


@dataclass(frozen=True, slots=True)
class Given:
    """What was typed, understood as one of the answers."""

    answer: Answer
    value: str | int | None = None
    typed: str = ""


def _question(view: GateView) -> tuple[str, ...]:
    first, *others = view.message or ("",)
    return ("", f"{safe(view.gate)} {view.title}: {first}", *(f"  {line}" for line in others))


_ROLES = {"rescue": "after a failure: ", "always": "at the end of its block: "}
"""What stands before a step that is not on the straight way."""


def _shown(view: GateView) -> tuple[str, ...]:
    """What a yes lets through."""
    rows = [
        f"    {row.id} {_ROLES.get(row.role, '')}{row.name}"
        + (f" on {text.folded}" if text.folded else "")
        + "".join(f"\n        {line}" for line in text.lines)
        for row in view.follows
        for text in row.texts
    ]
    undo = f"{plural(view.without_undo, 'of these has', 'of these have')} no undo." if view.without_undo else ""
    given = [f"  {answer.who}: {answer.answer} {answer.reason}" for answer in view.answers]
    return (
        "",
        *(["  This lets through:", *rows] if rows else []),
        *([f"  {undo}"] if undo else []),
        *given,
        f"  Needs: {view.policy}.",
    )


async def _given(state: GateState, keyboard: Keyboard, heed: Heed) -> Given | None:
    """The answer, with the value that it takes; None when nobody is there, or nothing is left to answer."""
    opened, every = state.opened, offered(state.opened.kind, state.opened.choices)
    match every[0].takes:
        case "text":
            value = await keyboard.ask("Value: ")
            return None if value is None else Given(every[0], value)
        case "label":
            for place, label in enumerate(opened.choices, start=1):
                say(f"  {place}  {safe(label)}")
            chosen = await _picked(opened.choices, keyboard, heed)
            return None if chosen is None else Given(every[0], chosen)
        case "item":
            number = next_item(state)
            if number is None:
                return None
            say(f"  {number + 1} of {len(opened.choices)}: {safe(opened.choices[number])}")
            answer = await _one_of(every, keyboard, heed)
            return None if answer is None else Given(answer, number)
        case _ if opened.word:
            return await _typed(opened, every, keyboard, heed)
        case _:
            answer = await _one_of(every, keyboard, heed)
            return None if answer is None else Given(answer)


async def _typed(opened: GateOpened, every: tuple[Answer, ...], keyboard: Keyboard, heed: Heed) -> Given | None:
    """The gate's word goes on, and so does everything that is no other answer: whether it is the word is the run's."""
    yes, *others = every
    answers = (opened.word, *(one.word for one in others))
    typed = await keyboard.ask(f'Type "{safe(opened.word)}" to go on, or "{others[0].word}": ')
    while typed is not None and typed not in answers and await heed(typed):
        typed = await keyboard.ask(f'Type "{safe(opened.word)}" to go on, or "{others[0].word}": ')
    if typed is None:
        return None
    return next((Given(one) for one in others if one.word == typed), Given(yes, typed=typed))


async def _one_of(answers: tuple[Answer, ...], keyboard: Keyboard, heed: Heed) -> Answer | None:
    """The answer of a word, or of its beginning where that is enough to tell; `y` and `n` where there is a yes."""
    words = tuple(one.word for one in answers)

    async def heeded(line: str) -> bool:
        if line in HELP:
            _explain(answers)
        return await heed(line)

    def understood(typed: str) -> str:
        return _matching(typed, words) or _yes_or_no(typed, answers)

    typed = await _until(keyboard, f"[{'/'.join(words)}] ", understood, heeded)
    return next((one for one in answers if one.word == typed), None)


def _yes_or_no(typed: str, answers: tuple[Answer, ...]) -> str:
    """The word that a plain yes or no stands for."""
    yes = next((one.word for one in answers if one.is_yes), "")
    no = next((one.word for one in answers if one.is_no), "")
    return {"y": yes, "yes": yes, "n": no, "no": no}.get(typed.casefold(), "")


def _explain(answers: tuple[Answer, ...]) -> None:
    """What each answer leads to."""
    say("Answers:")
    for one in answers:
        key = " (y)" if one.is_yes else " (n)" if one.is_no and _yes_or_no("n", answers) else ""
        say(f"  {one.word}{key}  {one.label}{f': {one.follows}' if one.follows else ''}.")


async def _picked(labels: tuple[str, ...], keyboard: Keyboard, heed: Heed) -> str | None:
    def chosen(typed: str) -> str:
        if typed.isdigit() and 1 <= int(typed) <= len(labels):
            return labels[int(typed) - 1]
        return _matching(typed, labels)

    return await _until(keyboard, "Number: ", chosen, heed)


async def _until(keyboard: Keyboard, prompt: str, understood: Callable[[str], str], heed: Heed) -> str | None:
    while True:
        typed = await keyboard.ask(prompt)
        if typed is None:
            return None
        word = understood(typed)
        if word:
            return word
        if not await heed(typed):
            say("  Please answer with one of these.")


def _matching(typed: str, words: tuple[str, ...]) -> str:
    found = [word for word in words if typed and word.startswith(typed)]
    return typed if typed in words else found[0] if len(found) == 1 else ""
