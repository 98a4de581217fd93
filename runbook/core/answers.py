"""The one table of answers: what each kind of gate takes, and what every answer asks for and leads to.

The rules (`gates`, `decide`, `evolve`), the screen, the line mode and `approve` all read this and keep no list of their
own, so that a person gets the same choices, and is asked for a reason in the same cases, wherever they answer. The
words are those on record and never change their meaning. Whether somebody may answer is not said here: `gates` knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from runbook.core.outcome import Outcome

GateKind = Literal[
    "confirm", "approve", "ask", "choose", "manual", "checklist", "before", "approval", "failure", "host_key"
]
Choice = Literal["accept", "retry", "retry_failed", "skip", "exclude", "rollback", "abort"]
"""What may be chosen from the menu of a failed step."""
Word = (
    Choice
    | Literal["proceed", "stop", "approve", "reject", "value", "choose", "done", "failed", "tick", "waive", "refuse"]
)
"""Everything that a person may answer."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer to one kind of gate."""

    word: Word
    """As it goes on record."""
    label: str
    """What a button or a menu calls it."""
    follows: str = ""
    """What follows from it, as it stands behind the label and a colon, without its full stop."""
    takes: Literal["nothing", "text", "label", "item"] = "nothing"
    """The value that comes with it: what was asked for, a label that is offered, or an item's number from 0."""
    is_yes: bool = False
    """It lets through what the gate guards; where a gate has a word, the word must be typed for it."""
    is_no: bool = False
    """A plain no at this gate, as `approve --reject` says it."""
    needs_reason: bool = False
    """It goes on record only with a reason."""
    is_grave: bool = False
    """It ends the way forward: whoever has only to press a button is asked once more."""
    halts: bool = False
    """It ends the run as a decision of a person: no failure, so no rollback."""
    leaves_undone: bool = False
    """The run goes on without what the step was for, so a `required` step does not take it."""
    for_several: bool = False
    """It tells hosts of one step apart, so with a single host it is not offered."""
    by_machine: bool = False
    """`--auto` may give it, where the environment lets a machine answer this kind of gate."""
    ends: Outcome | None = None
    """How the asking step ends by it; None where it takes more than this answer to say."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of gate."""

    kind: GateKind
    answers: tuple[Answer, ...]
    """In the order in which they are offered: the yes first."""
    is_beside: bool = False
    """It stands beside a step and is not what the step itself asks; one answer settles it."""
    auto: str = ""
    """What an environment's `auto` calls it; empty where no environment lets a machine answer."""


_DONE, _STOPPED = Outcome.SUCCEEDED, Outcome.CANCELLED
_STOPS = "what runs is cancelled and the closing steps follow. It is not rolled back by itself"
_GO_ON = (
    Answer(word="proceed", label="Go on", is_yes=True, by_machine=True, ends=_DONE),
    Answer(
        word="stop",
        label="Stop the run",
        follows=_STOPS,
        is_no=True,
        needs_reason=True,
        is_grave=True,
        halts=True,
        ends=_STOPPED,
    ),
)  # fmt: skip - what it says, then its rules
_APPROVAL = (
    Answer(word="approve", label="Approve", is_yes=True, by_machine=True),
    Answer(
        word="reject", label="Reject", follows=_STOPS,
        is_no=True, needs_reason=True, is_grave=True, halts=True, ends=_STOPPED,
    ),
)  # fmt: skip
_VALUE = (
    Answer(word="value", label="Give this value", takes="text", is_yes=True, by_machine=True, ends=_DONE),
)  # fmt: skip
_WAY = (Answer(word="choose", label="Choose", takes="label", is_yes=True, by_machine=True, ends=_DONE),)
_BY_HAND = (
    Answer(word="done", label="Done", is_yes=True, by_machine=True, ends=_DONE),
    Answer(
        word="failed", label="It failed",
        follows="the step counts as failed, and what its runbook says about failure follows",
        is_no=True, needs_reason=True, ends=Outcome.FAILED,
    ),
    Answer(
        word="skip", label="Skip", follows="the step counts as skipped: nobody did it",
        needs_reason=True, leaves_undone=True, ends=Outcome.SKIPPED,
    ),
)  # fmt: skip
_ITEM = (
    Answer(word="tick", label="Tick item", takes="item", is_yes=True, by_machine=True),
    Answer(
        word="waive", label="Waive item", takes="item",
        follows="the item is not done and the run goes on without it. The waiver goes on record in your name",
        needs_reason=True,
    ),
)  # fmt: skip
_MENU = (
    # The least that helps comes first, and what reaches hosts that are well comes last.
    # Accepting says "it happened", which nobody can say of a host where it is known to have failed.
    Answer(word="accept", label="Accept as done", follows="you looked: it did happen", needs_reason=True),
    Answer(
        word="retry_failed", label="Retry the failed hosts", follows="run it again only where it did not succeed",
        for_several=True,
    ),
    Answer(
        word="exclude", label="Exclude the failed hosts", follows="they take no further part",
        needs_reason=True, leaves_undone=True, for_several=True,
    ),
    Answer(
        word="skip", label="Go on without it", follows="it stays failed, the run goes on",
        needs_reason=True, leaves_undone=True,
    ),
    Answer(word="retry", label="Retry", follows="run the step again on all of its hosts"),
    Answer(word="rollback", label="Roll back", follows="undo what ran, in reverse order", is_grave=True),
    Answer(word="abort", label="Abort the run", follows="only the closing steps follow", is_no=True, is_grave=True),
)  # fmt: skip
_HOST_KEY = (
    Answer(word="accept", label="Accept for this run", is_yes=True),
    Answer(word="refuse", label="Refuse", is_no=True),
)

QUESTIONS = (
    Question(kind="confirm", answers=_GO_ON, auto="confirm"),
    Question(kind="approve", answers=_APPROVAL, auto="approve"),
    Question(kind="ask", answers=_VALUE, auto="ask"),
    Question(kind="choose", answers=_WAY, auto="choose"),
    Question(kind="manual", answers=_BY_HAND, auto="manual"),
    Question(kind="checklist", answers=_ITEM, auto="checklist"),
    Question(kind="before", answers=_GO_ON, auto="confirm", is_beside=True),
    Question(kind="approval", answers=_APPROVAL, auto="approve", is_beside=True),
    Question(kind="failure", answers=_MENU, is_beside=True),
    Question(kind="host_key", answers=_HOST_KEY, is_beside=True),
)
"""Every kind of gate. No machine decides about a failure, or about who a host is."""


def question(kind: GateKind) -> Question:
    """What is to be known about a kind of gate."""
    return next(one for one in QUESTIONS if one.kind == kind)


def answer_of(kind: GateKind, word: str) -> Answer | None:
    """The answer that a word is at a gate of that kind; None for a word that it does not take."""
    return next((one for one in question(kind).answers if one.word == word), None)


def offered(kind: GateKind, choices: Sequence[str]) -> tuple[Answer, ...]:
    """What a gate that was opened with these choices takes, in their order; labels and items are no answers."""
    every = question(kind).answers
    words = () if any(one.takes in {"label", "item"} for one in every) else choices
    return tuple(one for word in words if (one := answer_of(kind, word)) is not None) or every


def gate_kinds() -> tuple[str, ...]:
    """What an environment's `auto` may name."""
    return tuple(dict.fromkeys(one.auto for one in QUESTIONS if one.auto))
