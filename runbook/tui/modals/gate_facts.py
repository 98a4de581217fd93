"""What a gate's box says above its question: the author's words, what a yes lets run where, the way back, the answers.

Only a layout of `view/gates.py`: whether something is shown is decided there, so that the line mode shows the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from runbook.core.run import GateState, Run
from runbook.tui.widgets.rows import Part, Row
from runbook.view.gates import GateView, gate_view
from runbook.view.plan import PlanRow
from runbook.view.sanitize import safe
from runbook.view.words import duration, plural

COLUMN = 9
"""Cells of the words at the left, `FOLLOWS` and a space or two."""
_LINES = 6
"""Lines of one script that a gate shows; the plan shows all."""


def gate_title(run: Run, gate: GateState) -> str:
    """Its place, its step, its kind and where it would take effect."""
    step = run.steps[gate.opened.step].planned
    return f"GATE {step.id}  {safe(step.name)}  {gate.opened.kind}  {safe(run.plan.environment.name).upper()}"


def gate_rows(run: Run, gate: str, now: float) -> tuple[Row, ...]:
    """The facts, a row each."""
    view = gate_view(run, gate, now)
    return (
        *((Part(line, attributes=("bold",)),) for line in view.message),
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
        yield Part(f"{'' if number else label:<{COLUMN}}", "sky", ("bold",)), Part(line)


def _follows(view: GateView) -> Iterator[Row]:
    label = {"before": "RUNS", "failure": "FAILED"}.get(view.kind, "FOLLOWS")
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
