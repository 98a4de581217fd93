"""What is wanted of whoever looks: open gates, a pause, a stop, a runner that is gone.

It stands right below the run's name, also above an open question, at every size and in every layout; it is never hidden
and never scrolled away. It takes no keys; the footer says which key opens a gate.
"""

from __future__ import annotations

from runbook.core.actor import Actor
from runbook.core.fold.verdict import verdicts
from runbook.core.gate import gates
from runbook.core.run import GateState, Run
from runbook.core.turns import name_of
from runbook.problem import Problem
from runbook.tui.widgets.plain import Plain
from runbook.tui.widgets.rows import Part, Row
from runbook.view.closing import beside_the_run
from runbook.view.failure import failure_summary
from runbook.view.words import duration

_SHOWN = 2
"""Gates named one by one; more are counted."""

KINDS = {
    "before": "before it runs",
    "approval": "approval before it runs",
    "failure": "what now?",
    "host_key": "changed host key",
}
"""Kinds of gates that need other words than their own."""


class GateBar(Plain):
    """One row for each thing that waits."""

    def show(self, run: Run, now: float, *, me: Actor | None, gone: Problem | None) -> None:
        """The run at `now`, in seconds since it was opened; `gone` says why nothing more will come.

        `me` is who looks; nobody in particular at what is past.
        """
        rows = waiting_rows(run, now, me=me, gone=gone)
        self.display = bool(rows)
        self.say(*rows)


def _ended(run: Run) -> Row:
    said = verdicts(run)
    facts = f" {', '.join(f'{name} {word}' for name, word in beside_the_run(said))}"
    return Part(f" {said.run.upper()} ", "green" if said.is_green else "vermillion", ("reverse", "bold")), Part(facts)


def _asked(run: Run, gate: GateState, now: float, me: Actor | None) -> Row:
    """Who is wanted, for what, and for how long they have been."""
    state = run.steps[gate.opened.step]
    name, ago = name_of(run, state.planned), duration(max(0.0, now - gate.opened_at))
    if gate.opened.kind == "failure":
        pill, said = "DECIDE", f"{failure_summary(run, state)} in {state.id} {name}, asked {ago} ago"
    else:
        kind = KINDS.get(gate.opened.kind, gate.opened.kind)
        pill, said = "ANSWER", f"GATE {state.id} {name}  {kind}, asked {ago} ago"
    if me is not None and gates.may_answer(run, gate, gates.asked_for(run, gate), me):
        return Part(f" OTHERS {pill} ", "yellow", ("bold",)), Part(f" {said}", "yellow")
    return Part(f" {'YOU ' if me else ''}{pill} ", "yellow", ("reverse", "bold")), Part(f" {said}", "yellow")


def waiting_rows(run: Run, now: float, *, me: Actor | None, gone: Problem | None) -> tuple[Row, ...]:
    """A row for each thing a person should know before anything else."""
    rows = [_asked(run, run.gates[gate], now, me) for gate in run.open_gates[:_SHOWN]]
    more = len(run.open_gates) - _SHOWN
    if more > 0:
        rows.append((Part(f" and {more} more", "yellow"),))
    if run.paused and not run.has_ended:
        rows.append(
            (Part(" PAUSED ", "orange", ("reverse", "bold")), Part(" no new step is entered  p goes on", "orange"))
        )
    if run.stop is not None and not run.has_ended:
        rows.append((Part(" STOPPING ", "blue", ("reverse", "bold")), Part(f" {run.stop.reason}", "blue")))
    if run.has_ended:
        rows.append(_ended(run))
    if gone is not None:
        rows.append(
            (Part(" NOT FOLLOWED ", "vermillion", ("reverse", "bold")), Part(f" {gone.what}: {gone.why}. {gone.fix}"))
        )
    return tuple(rows)
