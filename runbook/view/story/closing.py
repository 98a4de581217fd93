"""The last lines that an operator sees: the four verdicts, what was measured, and where the record lies.

Printed by the line mode at the end of a run and by `make demo`; the screen shows the same words. What went on
although something failed is named too: green words above hide nothing.
"""

from __future__ import annotations

import shlex

from runbook.core.fold.shortfall import shortfalls
from runbook.core.fold.verdict import Verdicts, not_as_planned, verdicts
from runbook.core.planned.book_end import why_early
from runbook.core.run import Run
from runbook.view.actuals import loss_words, parts_words, recovery_words
from runbook.view.asking.undoing import rollback_words
from runbook.view.faults import live_line
from runbook.view.reasons import brief
from runbook.view.sanitize import safe
from runbook.view.words import plural

_LIVE = ("unverified", "failed")
"""Verdicts on the revert that leave something broken, or may."""


def closing(run: Run, folder: str) -> tuple[str, ...]:
    """Words for the end of a run, one fact a line."""
    said = verdicts(run)
    why = why_early(run)
    return (
        "",
        f"{safe(run.plan.title)}: {said.run}" + (f" ({safe(brief(why))})" if why else ""),
        *(f"  {name:<13}  {word}" for name, word in beside_the_run(said)),
        *_broken(run),
        *((f"  rollback       {undone}",) if (undone := rollback_words(run)) else ()),
        *_deviations(run),
        *_measured(run),
        f"  record         {safe(folder)}",
    )


def beside_the_run(said: Verdicts) -> tuple[tuple[str, str], ...]:
    """The three verdicts that are not about the run itself, by name, in the words that every place uses."""
    undeclared = " (none declared)"
    return (
        ("steady state", f"{said.steady_state}{'' if said.steady_declared else undeclared}"),
        ("objectives", f"{said.objectives.replace('_', ' ')}{'' if said.objectives_declared else undeclared}"),
        ("revert", said.revert),
    )


def _broken(run: Run) -> tuple[str, ...]:
    line = live_line(run, run.now) if verdicts(run).revert in _LIVE else ""
    place = f" -i {safe(shlex.quote(run.plan.inventory))}" if run.plan.inventory else ""
    return (f"  MAY BE LIVE    {line}", f"                 Lift it with: runbook sweep{place}") if line else ()


def _deviations(run: Run) -> tuple[str, ...]:
    """What stayed undone in a run that went to its end all the same, then what else was not as planned."""
    short = shortfalls(run) if verdicts(run).run == "completed with deviations" else ()
    steps = [found.step for found in short if found.step]
    others = [state.id for state in not_as_planned(run) if state.id not in steps]
    hosts = [found.host for found in short if found.host]
    fell_short = ", ".join(_counted(names, noun) for names, noun in ((steps, "step"), (hosts, "host")) if names)
    return (
        *((f"  deviations     {fell_short}",) if fell_short else ()),
        *((f"  not as planned {_counted(others, 'step')}",) if others else ()),
    )


def _counted(names: list[str], noun: str) -> str:
    return f"{plural(len(names), noun)}: {', '.join(safe(name) for name in names)}"


def _measured(run: Run) -> tuple[str, ...]:
    facts = (("recovery time", recovery_words(run)), ("parts", parts_words(run)), ("data loss", loss_words(run)))
    return tuple(f"  {name:<13}  {words}" for name, words in facts if words)
