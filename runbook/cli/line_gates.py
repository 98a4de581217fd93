"""Putting a gate to a person in lines: what is asked, what it lets through, and which words answer it.

The safe answer is always the one that an empty line gives. What a typed word has to be is shown and never offered as a
default. This file turns words into intents and nothing else; whether they count is decided in the runner.
"""

from __future__ import annotations

from collections.abc import Callable

from runbook.cli.answering import REASONED_CHOICES
from runbook.cli.diagnostics import say
from runbook.cli.keyboard import Keyboard
from runbook.core.event import GateOpened
from runbook.core.gates import ANSWERS, NEEDS_REASON
from runbook.core.intent import AnswerGate, Intent, ResolveFailure
from runbook.core.run import GateState, Run
from runbook.view.gates import GateView, gate_view
from runbook.view.sanitize import safe
from runbook.view.words import plural


async def question(run: Run, gate: str, keyboard: Keyboard, *, is_told: bool = True) -> Intent | None:
    """Show a gate and read its answer; None when nobody is there to give one.

    `is_told` when the person has the question before their eyes already, from the story.
    """
    state = run.gates[gate]
    view = gate_view(run, gate, run.now)
    for line in (*(() if is_told else _question(view)), *_shown(view)):
        say(line)
    match state.opened.kind:
        case "failure":
            return await _failure(state.opened, keyboard)
        case "ask":
            value = await keyboard.ask("Value: ")
            return None if value is None else _answer(state.opened, "value", value=value)
        case "choose":
            return await _choose(state.opened, keyboard)
        case "checklist":
            return await _tick(state, keyboard)
        case _:
            return await _decide(state.opened, keyboard)


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


def _answer(opened: GateOpened, answer: str, *, value: str | int | None = None, reason: str = "") -> AnswerGate:
    return AnswerGate(gate=opened.gate, answer=answer, value=value, reason=reason, digest=opened.digest)


async def _decide(opened: GateOpened, keyboard: Keyboard) -> Intent | None:
    """Confirm, approve, manual, before: the first answer goes on, the others do not."""
    answers = ANSWERS[opened.kind]
    if opened.word:
        typed = await keyboard.ask(f'Type "{safe(opened.word)}" to go on, or "{answers[1]}": ')
        if typed is None:
            return None
        if typed != answers[1]:
            return AnswerGate(gate=opened.gate, answer=answers[0], typed=typed, digest=opened.digest)
        answer: str | None = answers[1]
    else:
        answer = await _one_of(answers, keyboard)
    if answer is None:
        return None
    reason = await keyboard.ask("Reason, goes on record: ") if answer in NEEDS_REASON else ""
    return None if reason is None else _answer(opened, answer, reason=reason)


async def _failure(opened: GateOpened, keyboard: Keyboard) -> Intent | None:
    choice = await _one_of(opened.choices, keyboard)
    if choice is None:
        return None
    reason = await keyboard.ask("Reason, goes on record: ") if choice in REASONED_CHOICES else ""
    if reason is None:
        return None
    return ResolveFailure(step=opened.step, choice=choice, reason=reason)  # type: ignore[arg-type]  # offered by the gate


async def _choose(opened: GateOpened, keyboard: Keyboard) -> Intent | None:
    for number, offered in enumerate(opened.choices, start=1):
        say(f"  {number}  {safe(offered)}")
    label = await _picked(opened.choices, keyboard)
    return None if label is None else _answer(opened, "choose", value=label)


async def _tick(state: GateState, keyboard: Keyboard) -> Intent | None:
    """The next item that nobody has ticked or waived."""
    opened = state.opened
    done = {answer.given.value for answer in state.answers}
    number = next((index for index in range(len(opened.choices)) if index not in done), None)
    if number is None:
        return None
    say(f"  {number + 1} of {len(opened.choices)}: {safe(opened.choices[number])}")
    answer = await _one_of(ANSWERS["checklist"], keyboard)
    if answer is None:
        return None
    reason = await keyboard.ask("Reason, goes on record: ") if answer == "waive" else ""
    return None if reason is None else _answer(opened, answer, value=number, reason=reason)


async def _one_of(words: tuple[str, ...], keyboard: Keyboard) -> str | None:
    """One of the words, or its beginning where that is enough to tell."""
    return await _until(keyboard, f"[{'/'.join(words)}] ", lambda typed: _matching(typed, words))


async def _picked(labels: tuple[str, ...], keyboard: Keyboard) -> str | None:
    def chosen(typed: str) -> str:
        if typed.isdigit() and 1 <= int(typed) <= len(labels):
            return labels[int(typed) - 1]
        return _matching(typed, labels)

    return await _until(keyboard, "Number: ", chosen)


async def _until(keyboard: Keyboard, prompt: str, understood: Callable[[str], str]) -> str | None:
    while True:
        typed = await keyboard.ask(prompt)
        if typed is None:
            return None
        word = understood(typed)
        if word:
            return word
        say("  Please answer with one of these.")


def _matching(typed: str, words: tuple[str, ...]) -> str:
    found = [word for word in words if typed and word.startswith(typed)]
    return typed if typed in words else found[0] if len(found) == 1 else ""
