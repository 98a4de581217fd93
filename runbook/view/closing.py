"""The last lines that an operator sees: the four verdicts, what was measured, and where the record lies.

Printed by the line mode at the end of a run and by `make demo`; the screen shows the same words. What went on
although something failed is named too: green words above hide nothing.
"""

from __future__ import annotations

from runbook.core.book_end import why_early
from runbook.core.fold.verdict import deviations, verdicts
from runbook.core.run import Run
from runbook.view.actuals import loss_words, recovery_words
from runbook.view.reasons import brief
from runbook.view.sanitize import safe
from runbook.view.words import plural


def closing(run: Run, folder: str) -> tuple[str, ...]:
    """Words for the end of a run, one fact a line."""
    said = verdicts(run)
    odd, why = deviations(run), why_early(run)
    return (
        "",
        f"{safe(run.plan.title)}: {said.run}" + (f" ({safe(brief(why))})" if why else ""),
        f"  steady state   {said.steady_state}" + ("" if said.steady_declared else " (none declared)"),
        f"  objectives     {said.objectives.replace('_', ' ')}"
        + ("" if said.objectives_declared else " (none declared)"),
        f"  revert         {said.revert}",
        *(
            (f"  deviations     {plural(len(odd), 'step')}: {', '.join(safe(state.id) for state in odd)}",)
            if odd
            else ()
        ),
        *_measured(run),
        f"  record         {safe(folder)}",
    )


def _measured(run: Run) -> tuple[str, ...]:
    facts = (("recovery time", recovery_words(run)), ("data loss", loss_words(run)))
    return tuple(f"  {name:<13}  {words}" for name, words in facts if words)
