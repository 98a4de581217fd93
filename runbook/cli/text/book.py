"""A runbook as its author wrote it, as lines to read: nothing is resolved, so templates stand as they were written.

Pure. `runbook plan` shows what would run; this page shows what was meant, and needs no inventory.
"""

from __future__ import annotations

from collections.abc import Iterator

from runbook.core.written.runbook import (
    BlockStep,
    FaultStep,
    ParallelStep,
    Probe,
    ProbeStep,
    RevertStep,
    Runbook,
    Step,
    WaitForStep,
)
from runbook.core.written.runbook import WrittenAction as Written
from runbook.planning.faults import to_fault, to_revert
from runbook.view.describe import full_text
from runbook.view.sanitize import safe, safe_lines
from runbook.view.words import duration, plural, value_words

_DAY = 86400


def book_lines(book: Runbook) -> Iterator[str]:
    """The whole runbook; every line is safe to show."""
    yield f"{safe(book.title)} ({book.kind} {safe(book.name)})"
    yield from (f"  {name:<13}{safe(text)}" for name, text in _facts(book) if text)
    if book.description:
        yield ""
        yield from safe_lines(book.description)
    yield from _parameters(book)
    for number, section in enumerate(book.sections, start=1):
        yield ""
        yield f"{number}  {safe(section.name)}{f'  ({duration(section.expected)})' if section.expected else ''}"
        yield from (f"   {line}" for line in safe_lines(section.description))
        yield from _steps(section.steps, f"{number}", 1)
    for head, steps in (("Rollback", book.rollback), ("Always", book.always)):
        if steps:
            yield ""
            yield head
            yield from _steps(steps, head[0], 1)


def _facts(book: Runbook) -> tuple[tuple[str, str], ...]:
    rto = f"recovery within {duration(book.objectives.rto)}" if book.objectives.rto is not None else ""
    rpo = f"at most {duration(book.objectives.rpo)} of data lost" if book.objectives.rpo is not None else ""
    again = f", again every {_span(book.review_every)}" if book.review_every else ""
    return (
        ("file", book.source),
        ("service", book.service),
        ("owner", book.owner),
        ("reviewed", f"{book.reviewed or 'never'}{again}"),
        ("inventory", book.inventory),
        ("objectives", ", ".join(part for part in (rto, rpo) if part)),
        ("references", ", ".join(book.references)),
        ("controls", ", ".join(book.controls)),
        ("tags", ", ".join(book.tags)),
        *(("steady state", _probe(probe)) for probe in book.steady_state),
    )


def _span(seconds: float) -> str:
    """Days where it is whole days: nobody thinks of a quarter in hours."""
    days, rest = divmod(seconds, _DAY)
    return plural(round(days), "day") if days and not rest else duration(seconds)


def _probe(probe: Probe) -> str:
    often = f" (every {duration(probe.every)})" if probe.every else ""
    return f"{probe.name}{often}: {' '.join(full_text(probe.action))}"


def _parameters(book: Runbook) -> Iterator[str]:
    if book.parameters:
        yield ""
        yield "Parameters"
    for name, one in book.parameters.items():
        default = f" = {safe(value_words(one.default))}" if isinstance(one.default, str | tuple) else ""
        yield f"  {safe(name)} ({one.type}){default}{f'  {safe(one.help)}' if one.help else ''}"


def _steps(steps: tuple[Step, ...], number: str, depth: int) -> Iterator[str]:
    for index, step in enumerate(steps, start=1):
        yield from _step(step, f"{number}.{index}", depth)


def _step(step: Step, number: str, depth: int) -> Iterator[str]:
    indent = "   " * depth
    kind = str(step.action.__struct_config__.tag)
    target = f" on {safe(step.on)}" if step.on else ""
    each = f" for each of {safe(value_words(step.loop.items))}" if step.loop else ""
    yield f"{indent}{number}  {safe(step.name or kind)}  [{kind}{target}{each}]"
    yield from (f"{indent}     {line}" for line in safe_lines(step.description))
    yield from (f"{indent}     | {line}" for line in _text(step.action))
    if isinstance(step.action, BlockStep | ParallelStep):
        yield from _steps(step.action.steps, number, depth + 1)
    if isinstance(step.action, BlockStep):
        yield from _steps(step.action.rescue, f"{number}.rescue", depth + 1)
        yield from _steps(step.action.always, f"{number}.always", depth + 1)
    if step.rollback is not None:
        yield from _step(step.rollback, f"{number}.undo", depth + 1)


def _text(action: Written) -> tuple[str, ...]:
    match action:
        case BlockStep() | ParallelStep():
            return ()
        case ProbeStep():
            return (f"ask {_named(action.probe)}",)
        case WaitForStep():
            subject = safe(action.command) if action.command else _named(action.probe)
            return (f"every {duration(action.interval)} until good, at most {duration(action.timeout)}: {subject}",)
        case FaultStep():
            return full_text(to_fault(action))
        case RevertStep():
            return full_text(to_revert(action))
        case _:
            return full_text(action)


def _named(probe: str | Probe) -> str:
    return safe(_probe(probe) if isinstance(probe, Probe) else f"probe {probe}")
