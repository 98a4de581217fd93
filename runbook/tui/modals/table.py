"""Which box asks which gate."""

from __future__ import annotations

from typing import assert_never

from runbook.core.actor import Actor
from runbook.core.run import Run
from runbook.feed.feed import Output
from runbook.tui.modals.failure import FailureGate
from runbook.tui.modals.gate import Asking, GateModal
from runbook.tui.modals.gate_confirm import YesNoGate
from runbook.tui.modals.gate_manual import ChecklistGate, ManualGate
from runbook.tui.modals.gate_value import AskGate, ChooseGate


def modal_for(run: Run, gate: str, me: Actor, ask: Asking, output: Output) -> GateModal:
    """The box for a gate of this run; that of a failed step shows what hosts said."""
    kind = run.gates[gate].opened.kind
    match kind:
        case "failure":
            return FailureGate(run, gate, me, ask, output)
        case "confirm" | "before" | "approve" | "approval" | "host_key":
            box: type[GateModal] = YesNoGate
        case "ask":
            box = AskGate
        case "choose":
            box = ChooseGate
        case "manual":
            box = ManualGate
        case "checklist":
            box = ChecklistGate
        case _:
            assert_never(kind)
    return box(run, gate, me, ask)
