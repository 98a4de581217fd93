"""Approvals that are signatures, against what they were given for: the gate, the plan, and the line that opened it.

Everything is taken from the journal: what a runner said of who signed is found out again, with the signers whom the
verifier believes, as of the moment at which the answer came.
"""

from __future__ import annotations

from runbook.core.actor import Actor
from runbook.core.events.entry import Entry
from runbook.core.events.event import GateAnswered, GateOpened, RunOpened
from runbook.core.planned.action import ApproveAction
from runbook.core.planned.plan import StepId
from runbook.core.proof import Approval, Demand, Proof, read_approval
from runbook.record.checking.roots import Roots
from runbook.record.checking.soundness import Examined, JournalEnd, Soundness, line_of
from runbook.record.form.codec import Tip
from runbook.record.sealing.signing import APPROVE, Standing, judge

_YES = {"approve", "proceed"}


class ApprovalsCheck:
    """Every yes that had to be signed was, by somebody who may, over this question and no other."""

    def __init__(self, roots: Roots) -> None:
        """Believe those."""
        self._roots = roots
        self._run, self._plan = "", ""
        self._operator: Actor | None = None
        self._demands: dict[StepId, Demand] = {}
        self._own: set[StepId] = set()
        """Steps that whoever started the run may approve."""
        self._opened: dict[str, tuple[GateOpened, Tip]] = {}
        self._keys: dict[str, set[str]] = {}
        self._said: list[str] = []
        self._wrong: Examined | None = None

    def see_tip(self, entry: Entry, tip: Tip) -> None:
        """Look at the next good entry, after which the chain stands at `tip`."""
        match entry.event:
            case RunOpened() as opened:
                self._open(opened)
            case GateOpened() as gate:
                self._opened[gate.gate] = (gate, tip)
            case GateAnswered(proof=proof) as answered:
                if proof is not None:
                    self._hold(entry, answered, proof)
                elif answered.answer in _YES and self._demands.get(answered.step):
                    self._blame(entry, f"The yes to gate {answered.gate} had to be signed, and was not")
            case _:
                pass

    def check(self, ending: JournalEnd) -> Examined:  # noqa: ARG002 - as the others
        """As found."""
        if self._wrong is not None:
            return self._wrong
        told = f"{len(self._said)} signed approvals hold: {'; '.join(self._said[:3])}"
        none = "No approval had to be signed"
        return Examined(name="approvals", finding=Soundness.OK, detail=told if self._said else none)

    def _open(self, opened: RunOpened) -> None:
        self._run, self._plan, self._operator = opened.run, opened.plan_digest, opened.operator
        for step in opened.plan.walk():
            self._demands[step.id] = getattr(step.action, "signed", "")
            if not isinstance(step.action, ApproveAction) or step.action.allow_self:
                self._own.add(step.id)

    def _hold(self, entry: Entry, answered: GateAnswered, proof: Proof) -> None:
        gate, tip = self._opened.get(answered.gate, (None, Tip()))
        try:
            said = read_approval(proof.text)
        except ValueError:
            return self._blame(entry, f"What was signed for gate {answered.gate} is no approval")
        due = Approval(
            run=self._run,
            gate=answered.gate,
            plan=self._plan,
            shown=(gate.digest if gate else "") or "-",
            line=tip.seq,
            head=tip.prev,
            answer=answered.answer,
            expires=said.expires,
            nonce=said.nonce,
        )
        if said != due:
            return self._blame(entry, f"What was signed for gate {answered.gate} is about something else")
        return self._judge(entry, answered, proof)

    def _judge(self, entry: Entry, answered: GateAnswered, proof: Proof) -> None:
        at = "".join(char for char in entry.wall[:19] if char.isdigit())
        judged = judge(proof.signature.encode(), proof.text.encode(), APPROVE, self._roots.trust, at)
        believed = judged.standing is Standing.UNKNOWN or judged.principal == proof.principal
        if judged.standing in {Standing.FALSE, Standing.FOREIGN} or not believed:
            why = judged.why or f"it is of {judged.principal}"
            return self._blame(entry, f"The signature for gate {answered.gate} does not hold: {why}")
        if judged.fingerprint != proof.key or answered.by.name != proof.principal:
            return self._blame(entry, f"Gate {answered.gate} was signed with {judged.fingerprint} and tells another")
        keys = self._keys.setdefault(answered.gate, set())
        if judged.fingerprint in keys:
            return self._blame(entry, f"{judged.fingerprint} signed for gate {answered.gate} twice")
        operator = self._operator.name if self._operator else ""
        if answered.step not in self._own and operator in {proof.principal, proof.principal.partition("@")[0]}:
            return self._blame(entry, f"Gate {answered.gate} was signed by whoever started the run")
        if self._demands.get(answered.step) == "fido" and not (judged.signature and judged.signature.touched):
            return self._blame(entry, f"Nobody touched a token for gate {answered.gate}")
        keys.add(judged.fingerprint)
        self._said.append(f"{proof.principal} with {judged.fingerprint} for gate {answered.gate}")
        return None

    def _blame(self, entry: Entry, detail: str) -> None:
        if self._wrong is None:
            line = line_of(entry)
            self._wrong = Examined(
                name="approvals", finding=Soundness.ALTERED, detail=detail, line=line, kind="approved-falsely"
            )
