"""What a gate's box says above its question: the author's words, what a yes lets run where, the way back, the answers.

A layout of `view/asking/gates.py`: whether something is shown is decided there, so that the line mode shows the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from runbook.core.host_key import ChangedKey, HostKey
from runbook.core.run import GateState, Run
from runbook.tui.widgets.prose_rows import prose_rows
from runbook.tui.widgets.rows import Part, Row
from runbook.view.asking.gates import GateView, gate_view
from runbook.view.plan import PlanRow
from runbook.view.sanitize import safe
from runbook.view.situation.wanted import KINDS
from runbook.view.words import duration, plural

COLUMN = 9
"""Cells of the words at the left, `FOLLOWS` and a space or two."""
_LINES = 6
"""Lines of one script that a gate shows; the plan shows all."""


_AUTHORED = frozenset({"confirm", "approve", "ask", "choose", "manual", "checklist"})
"""Gates whose message somebody wrote in the runbook; the words of the others are the program's and hold no marks."""


def gate_title(run: Run, gate: GateState) -> str:
    """Its place, its step, its kind and where it would take effect."""
    step = run.steps[gate.opened.step].planned
    kind = KINDS.get(gate.opened.kind, gate.opened.kind)
    return f"GATE {step.id}  {safe(step.name)}  {kind}  {safe(run.plan.environment.name).upper()}"


def message_rows(run: Run, gate: str, now: float) -> tuple[Row, ...]:
    """What is asked, in its author's words and looks."""
    view = gate_view(run, gate, now)
    if view.kind in _AUTHORED:
        return prose_rows(view.message)
    changed = run.gates[gate].opened.changed_key
    if changed is not None:
        return key_rows(changed)
    return tuple((Part(line, attributes=("bold",)),) for line in view.message)


def key_rows(changed: ChangedKey) -> tuple[Row, ...]:
    """A changed key under those that are known, letter under letter, with every letter that differs standing out."""
    wide = max(len(key.algorithm) for key in (*changed.known, changed.shown))

    def key(label: str, one: HostKey) -> str:
        return f"{label:<{COLUMN}}{safe(one.algorithm):<{wide}} {safe(one.fingerprint)}"

    known = [key("KNOWN", one) for one in changed.known]
    shown = key("SHOWN", changed.shown)
    like = known[-1].replace("KNOWN", "SHOWN")
    return (
        (Part(f"The key of {changed.machine} has changed, and nothing was sent to it.", attributes=("bold",)),),
        *((Part(line),) for line in known),
        _differing(shown, like),
        (Part("Accept only what you have compared with the host's own console. It holds for this run alone."),),
    )


def _differing(text: str, like: str) -> Row:
    """Letters that stand elsewhere in `like`, or not at all, are reversed."""
    parts: list[Part] = []
    for is_same, letters in groupby(enumerate(text), key=lambda at: like[at[0] : at[0] + 1] == at[1]):
        piece = "".join(letter for _, letter in letters)
        parts.append(Part(piece) if is_same else Part(piece, "bad", ("reverse", "bold")))
    return tuple(parts)


def gate_rows(run: Run, gate: str, now: float) -> tuple[Row, ...]:
    """What follows from an answer, a row each."""
    view = gate_view(run, gate, now)
    return (
        *_follows(view),
        *_labelled("ON", view.hosts or "no host"),
        *_labelled("UNDO", *_undo(view)),
        *_labelled("POLICY", f"{view.policy}{_lapse(view)}"),
        *(
            row
            for answer in view.answers
            for row in _labelled(answer.answer.upper(), _given(answer.who, answer.reason))
        ),
    )


def _labelled(label: str, *lines: str) -> Iterator[Row]:
    for number, line in enumerate(lines):
        yield Part(f"{'' if number else label:<{COLUMN}}", "live", ("bold",)), Part(line)


def _follows(view: GateView) -> Iterator[Row]:
    label = {"before": "RUNS", "approval": "RUNS", "failure": "FAILED", "host_key": "RUNS"}.get(view.kind, "FOLLOWS")
    lines = [line for row in view.follows for line in _plan_lines(row)]
    yield from _labelled(label, *(lines or ["nothing that runs on a host"]))


def _plan_lines(row: PlanRow) -> Iterator[str]:
    head = f"{row.id} {row.name}"
    for text in row.texts:
        where = f"on {text.folded}: " if text.folded else ""
        yield f"{head}  {where}{text.lines[0]}"
        yield from (f"    {line}" for line in text.lines[1:_LINES])
        if len(text.lines) > _LINES:
            yield f"    ... {plural(len(text.lines) - _LINES, 'more line')}; the plan shows all"
        head = " " * len(head)


def _undo(view: GateView) -> Iterator[str]:
    undone = [f"{row.id}: {row.undo[0]}" for row in view.follows if row.undo]
    yield from undone
    if view.without_undo:
        yield f"{plural(view.without_undo, 'step')} of these cannot be taken back"
    elif not undone:
        yield "nothing of this changes a host"


def _lapse(view: GateView) -> str:
    return "" if view.lapses_in is None else f"; lapses in {duration(view.lapses_in)}"


def _given(who: str, reason: str) -> str:
    return f"{who}  {reason}" if reason else who
