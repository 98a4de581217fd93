"""Which box asks which gate."""

from __future__ import annotations

from typing import assert_never

from runbook.core.actor import Actor
from runbook.core.run import Run
from runbook.tui.modals.failure import FailureGate
from runbook.tui.modals.gate import Asking, GateModal
from runbook.tui.modals.gate_confirm import YesNoGate
from runbook.tui.modals.gate_manual import ChecklistGate, ManualGate
from runbook.tui.modals.gate_value import AskGate, ChooseGate


def modal_for(run: Run, gate: str, me: Actor, ask: Asking) -> GateModal:
    """The box for a gate of this run."""
    return _kind(run, gate)(run, gate, me, ask)


def _kind(run: Run, gate: str) -> type[GateModal]:
    kind = run.gates[gate].opened.kind
    match kind:
        case "confirm" | "before" | "approve" | "host_key":
            return YesNoGate
        case "ask":
            return AskGate
        case "choose":
            return ChooseGate
        case "manual":
            return ManualGate
        case "checklist":
            return ChecklistGate
        case "failure":
            return FailureGate
        case _:
            assert_never(kind)
