"""What a person may ask of a live run: a closed union in the imperative. `rules/decide.py` grants or refuses each."""

from __future__ import annotations

import msgspec

from runbook.core.answers import Choice, Word
from runbook.core.fault import FaultKey
from runbook.core.host import Json
from runbook.core.milestone_name import Milestone
from runbook.core.planned.plan import StepId
from runbook.core.proof import Proof


class _Intent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """What intents share."""


class AnswerGate(_Intent, frozen=True, kw_only=True, tag="AnswerGate"):
    """Answer an open gate; which answers a gate takes is in `answers.QUESTIONS`."""

    gate: str
    answer: Word
    value: Json = None
    reason: str = ""
    typed: str = ""
    """What the person typed, where the gate asks for a word."""
    digest: str = ""
    """Of what the person was shown; a gate whose subject has changed since refuses. Empty is not checked."""
    proof: Proof | None = None
    """A signature, where the gate asks for one; of a client no more than its text and signature is believed."""


class ResolveFailure(_Intent, frozen=True, kw_only=True, tag="ResolveFailure"):
    """Choose from the menu of a failed step."""

    step: StepId
    choice: Choice
    reason: str = ""


class PauseRun(_Intent, frozen=True, kw_only=True, tag="PauseRun"):
    """Enter no new step."""


class ContinueRun(_Intent, frozen=True, kw_only=True, tag="ContinueRun"):
    """Go on after a pause."""


class HaltRun(_Intent, frozen=True, kw_only=True, tag="HaltRun"):
    """Stop the run, or its rollback: cancel what runs, then the closing steps. Those are cancelled one at a time."""

    reason: str


class RollBack(_Intent, frozen=True, kw_only=True, tag="RollBack"):
    """Stop going forward and undo what ran."""

    reason: str


class SkipStep(_Intent, frozen=True, kw_only=True, tag="SkipStep"):
    """Do not enter a step that is still ahead."""

    step: StepId
    reason: str


class ExcludeHost(_Intent, frozen=True, kw_only=True, tag="ExcludeHost"):
    """Take a host out of all steps still ahead."""

    host: str
    reason: str


class CutWait(_Intent, frozen=True, kw_only=True, tag="CutWait"):
    """End a countdown now."""

    step: StepId
    reason: str


class MarkMilestone(_Intent, frozen=True, kw_only=True, tag="MarkMilestone"):
    """Say that a moment of the recovery is now."""

    milestone: Milestone


class AddNote(_Intent, frozen=True, kw_only=True, tag="AddNote"):
    """Write a remark into the record."""

    text: str


class LiftFaults(_Intent, frozen=True, kw_only=True, tag="LiftFaults"):
    """Lift faults now, held ones too."""

    reason: str
    faults: tuple[FaultKey, ...] = ()
    """Empty means all that may be live."""


Intent = (
    AnswerGate
    | ResolveFailure
    | PauseRun
    | ContinueRun
    | HaltRun
    | RollBack
    | SkipStep
    | ExcludeHost
    | CutWait
    | MarkMilestone
    | AddNote
    | LiftFaults
)
"""The closed union."""
