"""Renewing leases, holding faults and lifting them: what stands beside the run while something is broken.

Everything here speaks to the lease on the host and believes nothing but its answers. No answer is no answer: it is
tried again for as long as the effect is named, and what is told then is that nobody could tell. Renewals come from here
and never from a loop on the host, which would go on when the link is cut. What was gone before anybody lifted it is
told with who did it, as the host's own log says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType

from runbook.core.effect import Hold, Renew, Revert
from runbook.core.events.fault_event import FaultEvent, FaultPresent, FaultReverted, LeaseHeld, LeaseRenewed, Lifter
from runbook.core.fault import FaultKey, FaultState, named
from runbook.core.planned.command import MASK, Become
from runbook.engine.masked import masked
from runbook.engine.tools import Tools
from runbook.problem import Problems
from runbook.steps.lease_hand import LeaseHand
from runbook.transport.shell.lease import Answer, Verb

SHARE = 4
"""A lease is renewed so often in its time, so that one slow answer is no lapse."""

TOLD_EVERY = 30.0
"""Seconds of renewals that are one event."""

AGAIN = 1.0
"""Seconds before a host that gave no answer is asked again: its lease is running."""

CLEANING_LIMIT = 10.0
"""Seconds that the end of a run waits for leases to be taken from hosts; a sweep finds those that stay."""

_LIFTERS: Mapping[str, Lifter] = MappingProxyType(
    {"runner": "runner", "inject": "runner", "operator": "operator", "sweep": "sweep"}
)
"""Who lifted it, in the words of the lease; everything else is the lease itself."""


class Faulting:
    """The faults of one run."""

    def __init__(self, tools: Tools) -> None:
        """Work with these tools."""
        self._tools = tools
        self._disarming: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Let leases whose faults are on record as gone be taken from their hosts."""
        if self._disarming:
            await asyncio.wait(self._disarming, timeout=CLEANING_LIMIT)

    async def tell(self, event: FaultEvent) -> None:
        """Put it on record, masked. Durable when it returns.

        Raises:
            Problems: It is not; then what was to follow must not be done.
        """
        await self._tools.executor.state(masked(event, self._tools.masker.mask_text))

    async def renew(self, effect: Renew) -> None:
        """Renew until no longer named, or until the host says that there is nothing to renew."""
        clock = self._tools.clock
        fault = self._fault(effect.fault)
        count, told_at = 0, -TOLD_EVERY
        try:
            while (answer := await self._ask(fault, "renew")).word not in {"refused", "failed", "gone"}:
                count += answer.word in {"renewed", "held"}
                if count and clock.monotonic() - told_at >= TOLD_EVERY:
                    self._say(LeaseRenewed(**named(effect.fault), count=count))
                    count, told_at = 0, clock.monotonic()
                await clock.sleep(fault.lease / SHARE if answer.word else AGAIN)
        finally:
            if count:
                self._say(LeaseRenewed(**named(effect.fault), count=count))
        await self._tell_gone(fault)

    async def hold(self, effect: Hold) -> None:
        """Tell the host once."""
        answer = await self._ask(self._fault(effect.fault), "hold")
        ok = answer.word == "held"
        detail = "" if ok else f"{answer.word} {answer.rest}".strip() or "the host does not answer"
        self._say(LeaseHeld(**named(effect.fault), ok=ok, detail=detail))

    async def revert(self, effect: Revert) -> None:
        """Lift it, look, and log in anew before it is called gone."""
        clock, fault = self._tools.clock, self._fault(effect.fault)
        began = clock.monotonic()
        answer = await self._ask(fault, "revert", "operator" if fault.asked else "runner")
        match answer.word:
            case "reverted":
                await self._tell_reverted(fault, answer, began)
            case "gone":
                await self._look_without_lease(fault, answer, began)
            case "failed":
                is_there = answer.rest.startswith("there")
                self._say(FaultPresent(**named(fault.key), known=is_there, detail=answer.rest))
            case _:
                self._say_unknown(fault, f"{answer.word} {answer.rest}".strip())

    # --- telling ------------------------------------------------------------------------------------------------------

    async def _tell_gone(self, fault: FaultState) -> None:
        """Nothing could be renewed: who has lifted it, or why not."""
        began = self._tools.clock.monotonic()
        state = await self._ask(fault, "state")
        word, *rest = state.rest.split()[:3] or ["", "", ""]
        if state.word == "state" and word == "reverted":
            await self._tell_reverted(fault, Answer("reverted", " ".join(rest)), began)
        elif state.word == "gone":
            await self._look_without_lease(fault, state, began)
        else:
            # It stands, and is not to be renewed any more: whatever can be lifted is lifted now.
            await self.revert(Revert(fault.key))

    async def _tell_reverted(self, fault: FaultState, answer: Answer, began: float) -> None:
        try:
            await self._tools.fleet.new_login(fault.host)
        except Problems as refused:
            self._say_unknown(fault, f"its lease says reverted, and nobody can log in anew: {refused}")
            return
        who = answer.rest.partition(" ")[0]
        by = _LIFTERS.get(who, "lease")
        detail = "" if by == "runner" else f"{who}, as the host says"
        took = self._tools.clock.monotonic() - began
        self._say(FaultReverted(**named(fault.key), by=by, took=took, detail=detail))
        disarming = asyncio.create_task(self._disarm(fault), name=f"disarm {fault.lease_id}")
        self._disarming.add(disarming)
        disarming.add_done_callback(self._disarming.discard)

    async def _disarm(self, fault: FaultState) -> None:
        """Take the lease from its host, not before the record holds what it knows."""
        if await self._tools.executor.wait_durable():
            await self._ask(fault, "disarm")

    async def _look_without_lease(self, fault: FaultState, gone: Answer, began: float) -> None:
        """Its lease is not on the host any more: a restart took it, or somebody did. The record knows how to look."""
        if MASK in fault.present + fault.revert:
            self._say_unknown(fault, "its lease is gone from the host, and what looks for it held a secret")
            return
        look = await self._hand(fault).script(fault.present)
        if look == "there":
            await self._hand(fault).script(fault.revert)
            look = await self._hand(fault).script(fault.present)
        if look != "absent":
            self._say(FaultPresent(**named(fault.key), known=look == "there", detail="its lease is gone from the host"))
            return
        has_restarted = bool(fault.boot_id) and gone.rest.strip() not in {"", fault.boot_id}
        took = self._tools.clock.monotonic() - began
        if fault.injected_at is None and not has_restarted:
            self._say(FaultReverted(**named(fault.key), by="runner", took=took, detail="it is not on its host"))
            return
        by: Lifter = "reboot" if has_restarted else "sweep"
        self._say(FaultReverted(**named(fault.key), by=by, took=took))

    def _say_unknown(self, fault: FaultState, why: str) -> None:
        self._say(FaultPresent(**named(fault.key), known=False, detail=why or "the host does not answer"))

    def _say(self, event: FaultEvent) -> None:
        if not self._tools.executor.is_stopping:
            self._tools.executor.tell(masked(event, self._tools.masker.mask_text))

    # --- asking -------------------------------------------------------------------------------------------------------

    def _fault(self, key: FaultKey) -> FaultState:
        return self._tools.recorder.run.faults[key]

    async def _ask(self, fault: FaultState, verb: Verb, *words: str) -> Answer:
        """What the lease says; an answer without a word where the host could not be reached."""
        try:
            return await self._hand(fault).ask(verb, *words)
        except Problems:
            return Answer()

    def _hand(self, fault: FaultState) -> LeaseHand:
        return LeaseHand(
            open_session=lambda: self._tools.fleet.session(fault.host),
            directory=fault.directory,
            own=fault.lease_id,
            become=Become(user=fault.user) if fault.user else None,
            secrets=self._tools.secrets,
        )
