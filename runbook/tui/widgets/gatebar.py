"""What the run waits for, at every size and in every layout: open gates, a pause, a stop, a runner that is gone.

It is never hidden and never scrolled away. It takes no keys; the footer says which key opens a gate.
"""

from __future__ import annotations

from runbook.core.fold.verdict import verdicts
from runbook.core.run import Run
from runbook.core.turns import name_of
from runbook.problem import Problem
from runbook.tui.widgets.plain import Plain
from runbook.tui.widgets.rows import Part, Row
from runbook.view.words import duration

_SHOWN = 2
"""Gates named one by one; more are counted."""

KINDS = {"before": "before it runs", "failure": "what now?", "host_key": "changed host key"}
"""Kinds of gates that need other words than their own."""


class GateBar(Plain):
    """One row for each thing that waits."""

    def show(self, run: Run, now: float, *, live: bool, gone: Problem | None) -> None:
        """The run at `now`, in seconds since it was opened; `gone` says why nothing more will come."""
        rows = waiting_rows(run, now, live=live, gone=gone)
        self.display = bool(rows)
        self.say(*rows)


def _ended(run: Run) -> Row:
    said = verdicts(run)
    facts = f" steady state {said.steady_state}, objectives {said.objectives.replace('_', ' ')}, revert {said.revert}"
    return Part(f" {said.run.upper()} ", "green" if said.is_green else "vermillion", ("reverse", "bold")), Part(facts)


def waiting_rows(run: Run, now: float, *, live: bool, gone: Problem | None) -> tuple[Row, ...]:
    """A row for each thing a person should know before anything else."""
    rows: list[Row] = []
    for gate_id in run.open_gates[:_SHOWN]:
        gate = run.gates[gate_id]
        name = name_of(run, run.steps[gate.opened.step].planned)
        waits = duration(max(0.0, now - gate.opened_at))
        kind = KINDS.get(gate.opened.kind, gate.opened.kind)
        verb = "DECIDE" if gate.opened.kind == "failure" else "GATE"
        how = "  a answers" if live else ""
        rows.append(
            (
                Part(f" {verb} {gate_id.partition('#')[0]} {name} ", "yellow", ("reverse", "bold")),
                Part(f" {kind}  waits {waits}{how}", "yellow"),
            )
        )  # fmt: skip - one row, two parts
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
