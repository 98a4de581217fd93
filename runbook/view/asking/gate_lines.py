"""An open gate in lines, whole: what is asked of whom, what a yes lets run on which hosts, what takes it back.

For somebody who answers from another terminal and may not be able to read the record: nothing is to be approved that
was not shown. Pure, made from a `GateView`, so it tells what the screen tells.
"""

from __future__ import annotations

from collections.abc import Iterator

from runbook.core.planned.role import Role
from runbook.view.asking.failure import FailureMenu
from runbook.view.asking.failure_lines import failed_lines, way_lines
from runbook.view.asking.gates import GateView, ItemView
from runbook.view.plan import PlanRow, PlanText
from runbook.view.sanitize import safe
from runbook.view.words import duration, plural

_ROLES = {Role.RESCUE: "after a failure: ", Role.ALWAYS: "at the end of its block: "}
_BOXES = {"open": "[ ]", "ticked": "[x]", "waived": "[-]"}
_SHELL = frozenset({"command", "script"})


def gate_lines(view: GateView) -> Iterator[str]:
    """Every line is safe to show."""
    yield f"gate {safe(view.gate)}  {view.kind.replace('_', ' ')}  {view.title}"
    yield from (f"  {line}" for line in view.message if not view.items)
    lapses = f"; lapses in {duration(view.lapses_in)}" if view.lapses_in is not None else ""
    yield f"  needs: {view.policy}{lapses}"
    for number, item in enumerate(view.items, start=1):
        yield f"  {number:>3} {_item(item)}"
    if view.kind == "choose":
        yield from (f"  {number:>3} {safe(label)}" for number, label in enumerate(view.choices, start=1))
    for answer in view.answers:
        words = " ".join(word for word in (answer.answer, answer.value, answer.reason) if word)
        yield f"  {answer.who}: {words}"
    yield from _decides(view.failure) if view.failure else _follows(view)
    if view.digest:
        yield f"  digest {safe(view.digest)}"


def _decides(menu: FailureMenu) -> Iterator[str]:
    yield from (f"  {line}" for line in (*failed_lines(menu), "then what:", *way_lines(menu)))


def _item(item: ItemView) -> str:
    owner = f"  ({item.owner})" if item.owner else ""
    return f"{_BOXES[item.state]} {item.text}{owner}{'  waived' if item.state == 'waived' else ''}"


def _follows(view: GateView) -> Iterator[str]:
    if not view.follows:
        return
    yield "  a yes lets through, up to the next question:"
    for row in view.follows:
        yield f"    {safe(row.id)} {_ROLES.get(row.role, '')}{row.name}"
        for text in row.texts:
            yield from (f"        {line}" for line in _text(row, text))
        yield from (f"        undo: {line}" for line in row.undo)
        if row.is_without_undo:
            yield "        undo: none"
    if view.without_undo:
        yield f"  {plural(view.without_undo, 'of these has', 'of these have')} no undo"


def _text(row: PlanRow, text: PlanText) -> Iterator[str]:
    """Commands behind a `$` and their hosts; what holds around them below."""
    first, *others = text.lines
    mark = "$ " if row.kind in _SHELL else ""
    yield f"{f'{text.folded}: ' if text.folded else ''}{mark}{first}"
    yield from (f"    {line}" for line in others)
