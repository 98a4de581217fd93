"""What people and the run itself have said and done, the newest first: the diary beside the machines' output."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from runbook.core.planned.turns import name_of
from runbook.core.run import Run
from runbook.view.sanitize import safe


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One entry."""

    at: float
    who: str
    """Safe to show; `run` for what nobody did by hand."""
    text: str
    """Safe to show, one line."""

    @property
    def is_person(self) -> bool:
        """Somebody did or said it."""
        return self.who != "run"


def told(run: Run) -> tuple[Told, ...]:
    """Notes, answers, milestones, faults and hosts that were taken out."""
    entries = [*_notes(run), *_answers(run), *_milestones(run), *_faults(run)]
    return tuple(sorted(entries, key=lambda entry: -entry.at))


def _notes(run: Run) -> Iterator[Told]:
    for note in run.notes:
        yield Told(at=note.at, who=safe(note.by.name) if note.by else "run", text=safe(note.text))


def _answers(run: Run) -> Iterator[Told]:
    for gate in run.gates.values():
        name = safe(name_of(run, run.steps[gate.opened.step].planned)) if gate.opened.step in run.steps else ""
        for answer in gate.answers:
            given = answer.given
            why = f": {safe(given.reason)}" if given.reason else ""
            text = f"{safe(given.answer)} at {safe(gate.opened.step)} {name}{why}"
            yield Told(at=answer.at, who=safe(given.by.name), text=text)


def _milestones(run: Run) -> Iterator[Told]:
    for name, mark in run.milestones.items():
        yield Told(at=mark.at, who=safe(mark.by.name) if mark.by else "run", text=name.value.replace("_", " "))


def _faults(run: Run) -> Iterator[Told]:
    for fault in run.faults.values():
        what = safe(f"FAULT {fault.fault} on {fault.host}")
        if fault.injected_at is not None:
            yield Told(at=fault.injected_at, who="run", text=f"{what} began")
        if fault.reverted_at is not None:
            yield Told(at=fault.reverted_at, who="run", text=f"{what} is gone, by {fault.reverted_by}")
