"""Who signed an answer: the one place where a signature becomes a person.

It stands between the socket and the rules. What a client says of who signed is thrown away and found out here, with
the signers that the runner was told to believe when it started; the rules then judge a principal as they judge anybody.
Nothing is kept but which line opened a gate, and that is read from the record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

from msgspec.structs import replace

from runbook.core.actor import Actor
from runbook.core.events.event import GateOpened, RunOpened
from runbook.core.gate.gates import demand_of, is_for_others
from runbook.core.intent import AnswerGate, Intent
from runbook.core.proof import Approval, Proof, read_approval
from runbook.core.run import Run
from runbook.problem import Exit, Problem
from runbook.record.form.reading import Reading
from runbook.record.sealing.signing import APPROVE, Standing, Trust, judge

SCHEME = "signer:"
"""Before a principal, in the identity of somebody who is known by a signature."""
_BLANK = {"answer": "", "expires": "", "nonce": ""}


class Witness:
    """Of one run."""

    def __init__(self, reading: Reading, trust: Trust, own_key: str, wall: Callable[[], str]) -> None:
        """Believe those signers, and never the key with which this run's own operator seals (its fingerprint)."""
        self._reading = reading
        self._trust = trust
        self._own_key = own_key
        self._wall = wall
        self._plan = ""
        self._opened: dict[str, tuple[int, str]] = {}
        self._turn = asyncio.Lock()

    async def asks(self, run: Run) -> Mapping[str, Approval]:
        """By gate that waits for signatures, what is to be signed; answer, expiry and nonce are the signer's."""
        gates = [gate for gate in run.open_gates if demand_of(run, run.gates[gate])]
        return {gate: await self._about(run, gate) for gate in gates}

    async def heard(self, intent: Intent, by: Actor, run: Run) -> tuple[Intent, Actor] | Problem:
        """What was asked for, by whom: by whoever signed, where it is a signed answer that holds."""
        if not isinstance(intent, AnswerGate) or intent.proof is None:
            return intent, by
        gate = run.gates.get(intent.gate)
        if gate is None or not demand_of(run, gate):
            return _refused(f"gate {intent.gate} takes no signature", "Answer it without one.")
        try:
            said = read_approval(intent.proof.text)
        except ValueError as error:
            return _refused("what was signed is no approval", str(error))
        wrong = self._unfit(said, await self._about(run, intent.gate), intent)
        own = self._own_key if is_for_others(run, gate) else ""
        return wrong or await self._judged(intent, by, intent.proof, own)

    async def _judged(self, intent: AnswerGate, by: Actor, proof: Proof, own: str) -> tuple[Intent, Actor] | Problem:
        text, signature = proof.text.encode(), proof.signature.encode()
        judged = await asyncio.to_thread(judge, signature, text, APPROVE, self._trust)
        if judged.standing is not Standing.GOOD or judged.signature is None:
            return _refused("the signature does not count here", judged.why or "no signers are named under [trust]")
        if judged.fingerprint == own:
            return _refused("nobody approves their own run", f"{judged.fingerprint} is the key that seals this run")
        known = Proof(
            text=proof.text,
            signature=proof.signature,
            principal=judged.principal,
            key=judged.fingerprint,
            touched=judged.signature.touched,
            pin_given=judged.signature.pin_given,
        )
        who = Actor(name=judged.principal, uid=by.uid, via=by.via, identity=f"{SCHEME}{judged.principal}")
        return replace(intent, proof=known), who

    def _unfit(self, said: Approval, due: Approval, intent: AnswerGate) -> Problem | None:
        if not said.is_about(due):
            return _refused(
                "it was signed for another question", "the run, the gate, what it lets through, or the line"
            )
        if said.answer != intent.answer:
            return _refused(f'"{said.answer}" was signed, and "{intent.answer}" is sent', "they have to be the same")
        try:
            late = datetime.fromisoformat(said.expires) < datetime.fromisoformat(self._wall())
        except (ValueError, TypeError):
            late = True
        return _refused("the approval has expired", f"it counted until {said.expires}") if late else None

    async def _about(self, run: Run, gate: str) -> Approval:
        async with self._turn:
            if gate not in self._opened:
                await asyncio.to_thread(self._read_on)
        line, head = self._opened[gate]
        shown = run.gates[gate].opened.digest or "-"
        return Approval(run=run.id, gate=gate, plan=self._plan, shown=shown, line=line, head=head, **_BLANK)

    def _read_on(self) -> None:
        for entry in self._reading.entries():
            if isinstance(entry.event, RunOpened):
                self._plan = entry.event.plan_digest
            if isinstance(entry.event, GateOpened):
                self._opened[entry.event.gate] = (self._reading.tip.seq, self._reading.tip.prev)


def _refused(what: str, why: str) -> Problem:
    fix = "Make the text again and sign it: runbook approve RUN -g GATE --sign (docs/people.md)"
    return Problem(what=what, why=why, fix=fix, code="bad-signature", exit=Exit.REFUSED)
