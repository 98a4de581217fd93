"""`fault`: the lease protocol from preflight to the proved effect, on one host, in one attempt.

    ask the host -> a new login, timed -> FaultArming on record -> arm -> prove -> inject -> a new login -> effect
    (carrying.py)

Each step on this road may fail, and then nothing is broken or what was broken is lifted: nothing is injected whose
revert is not armed and seen to be watched, and what cuts us off is lifted at once. From `FaultArming` on the fault is
the engine's to hold and to lift (`engine/faulting.py`); this file only lays it. An attempt that an earlier runner began
is never begun again: whatever stands on the host is either live and watched, and then the attempt has succeeded, or it
is not, and then it is lifted.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable
from dataclasses import dataclass

from runbook.core.events.fault_event import FaultArmed, FaultArming, FaultEffect, FaultInjected
from runbook.core.fault import Named
from runbook.core.outcome import Outcome
from runbook.core.planned.fault_action import ExpectedEffect, FaultAction
from runbook.faults.fault import Scripts
from runbook.faults.ground import PROBE, Ground, parsed
from runbook.faults.table import fault_named
from runbook.problem import Exit, Problems, problem
from runbook.steps.carrying import carried, check_login
from runbook.steps.kind import Bench, Finding
from runbook.steps.lease_hand import LeaseHand
from runbook.steps.left_behind import about, check_whole
from runbook.transport.shell.lease import Answer, Lease, owned

MARGIN = 60.0
"""Seconds that the hard maximum is longer than the fault is wanted, for lifting it in order."""

GOES_WITHIN = 120.0
"""Seconds that a host may take to stop what runs on it before it goes away."""

_LOOK = 0.2
"""Seconds between two looks for an effect."""


class FaultKind:
    """Breaks something, with its way back laid before."""

    async def attempt(self, action: FaultAction, bench: Bench) -> Finding:
        """Once, to its proved effect."""
        try:
            laid = None if bench.reattach else await _prepared(action, bench)
        except Problems as wrong:
            unreachable = wrong.exit is Exit.UNREACHABLE
            return _failed(wrong, Outcome.UNREACHABLE if unreachable else Outcome.FAILED)
        try:
            return await (_found_again(bench) if laid is None else _broken(action, bench, laid))
        except Problems as wrong:
            return _failed(wrong, Outcome.FAILED)


def _failed(wrong: Problems, outcome: Outcome) -> Finding:
    return Finding(outcome=outcome, detail="; ".join(str(each) for each in wrong.problems))


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What is about to be laid; until here nothing of it is on the host."""

    ground: Ground
    scripts: Scripts
    lease: Lease


async def _prepared(action: FaultAction, bench: Bench) -> _Prepared:
    hand = _hand(bench, "")
    found = await carried(action, hand, host=bench.host)
    await check_whole(hand, found.ground, run=bench.run, host=bench.host)
    check_login(action, await bench.new_login())
    ground = found.ground
    lease = Lease(
        own=lease_name(bench),
        directory=ground.directory,
        scripts=(*found.scripts.files, about(action.fault, bench.run, ground.control)),
        seconds=math.ceil(action.lease),
        most=math.ceil(action.duration + MARGIN),
        watch=ground.watch,
        mode=action.on_link_loss,
    )
    return _Prepared(ground, found.scripts, lease)


async def _broken(action: FaultAction, bench: Bench, laid: _Prepared) -> Finding:
    hand = _hand(bench, laid.lease.directory)
    await bench.tell(_arming(action, bench, laid))
    armed = await _wanted(hand.arm(laid.lease), "armed", "its revert could not be armed, and nothing was broken")
    proved = await _wanted(hand.ask("prove"), "proved", "nobody watches over its revert, and nothing was broken")
    await bench.tell(FaultArmed(**_where(bench), detail=f"{armed.rest} {proved.rest}".strip()))
    began = bench.clock.monotonic()
    await _wanted(hand.ask("inject"), "injected", "it could not be injected")
    await bench.tell(FaultInjected(**_where(bench)))
    if fault_named(action.fault).goes_away:
        return await _has_gone(bench, hand, laid.ground.boot_id)
    await _prove_way_in(bench)
    return await _effect(action, bench, hand, began)


def lease_name(bench: Bench) -> str:
    """The name on its host of everything that this attempt makes."""
    return owned(f"{bench.run}-{bench.planned.id}-{bench.host}", bench.number)


def _where(bench: Bench) -> Named:
    return Named(step=bench.planned.id, host=bench.host, number=bench.number)


def _hand(bench: Bench, directory: str) -> LeaseHand:
    return LeaseHand(
        open_session=bench.open_session,
        directory=directory,
        own=lease_name(bench),
        become=bench.become,
        secrets=bench.secrets,
    )


def _arming(action: FaultAction, bench: Bench, laid: _Prepared) -> FaultArming:
    return FaultArming(
        **_where(bench),
        fault=action.fault,
        lease_id=laid.lease.own,
        lease=float(laid.lease.seconds),
        limit=float(laid.lease.most),
        duration=action.duration,
        on_link_loss=action.on_link_loss,
        guarantees=tuple(each.value for each in laid.scripts.guarantees),
        directory=laid.lease.directory,
        user=bench.become.user if bench.become else "",
        boot_id=laid.ground.boot_id,
        inject=laid.scripts.inject,
        revert=laid.scripts.revert,
        present=laid.scripts.present,
    )


async def _wanted(asking: Awaitable[Answer], word: str, otherwise: str) -> Answer:
    said = await asking
    if said.word != word:
        why = f"{said.word} {said.rest}".strip() or "the host did not answer"
        raise problem(otherwise, why=why, code="not-armed")
    return said


async def _prove_way_in(bench: Bench) -> None:
    """An open link may live on where no new one is let in; then the fault has cut off whoever is to lift it."""
    try:
        await bench.new_login()
    except Problems as refused:
        what = "it cut us off from its host, so it is lifted"
        raise problem(what, why=str(refused), fix="Leave the way of the control connection out of it.") from None


async def _has_gone(bench: Bench, hand: LeaseHand, boot_id: str) -> Finding:
    """A host that was told to go is looked at until nobody gets in, or another boot answers; no other effect counts."""
    began = bench.clock.monotonic()
    seen = ""
    while not seen and bench.clock.monotonic() - began <= GOES_WITHIN:
        try:
            await bench.new_login()
            said = await hand.ask("state")
            if said.word == "gone" and said.rest.strip() not in {"", boot_id}:
                seen = "another boot answers"
        except Problems as away:
            seen = f"nobody gets in any more: {away}"
        await bench.clock.sleep(_LOOK)
    detail = seen or f"it is still there after {GOES_WITHIN:g} s"
    await bench.tell(FaultEffect(**_where(bench), ok=bool(seen), detail=detail))
    if not seen:
        return Finding(outcome=Outcome.FAILED, detail=f"it has no effect: {detail}")
    return Finding(outcome=Outcome.SUCCEEDED, good_since=bench.clock.monotonic())


async def _effect(action: FaultAction, bench: Bench, hand: LeaseHand, began: float) -> Finding:
    """What it is to cause is seen, or the attempt has failed: a fault that does nothing measures nothing."""
    expected = action.expect_effect
    if expected is not None:
        return await _expected(expected, bench, began)
    said = await hand.ask("effect")
    word, _, detail = said.rest.partition(" ")
    if word not in {"seen", "unseen"}:
        return Finding(outcome=Outcome.SUCCEEDED, detail="injected; whether it has an effect is not known")
    await bench.tell(FaultEffect(**_where(bench), ok=word == "seen", detail=detail))
    if word == "unseen":
        return Finding(outcome=Outcome.FAILED, detail=f"it has no effect: {detail}")
    return Finding(outcome=Outcome.SUCCEEDED, good_since=bench.clock.monotonic())


async def _expected(effect: ExpectedEffect, bench: Bench, began: float) -> Finding:
    """Ask the probe until it fails; its time runs from before the injection, and it is asked once in any case."""
    probe, within, asked = effect.probe, effect.fails_within, began
    while asked - began <= within:
        asked = bench.clock.monotonic()
        sample = await bench.ask_probe(probe)
        if not sample.ok:
            seen = f"{probe} fails after {asked - began:.1f} s: {sample.detail}"
            await bench.tell(FaultEffect(**_where(bench), ok=True, detail=seen))
            return Finding(outcome=Outcome.SUCCEEDED, good_since=asked)
        await bench.clock.sleep(_LOOK)
    detail = f"{probe} did not fail within {within:g} s"
    await bench.tell(FaultEffect(**_where(bench), ok=False, detail=detail))
    return Finding(outcome=Outcome.FAILED, detail=f"it has no effect: {detail}")


async def _found_again(bench: Bench) -> Finding:
    """What an earlier runner began: live and watched, or to be lifted."""
    ground = parsed(await _hand(bench, "").say(PROBE))
    hand = _hand(bench, ground.directory)
    renewed = await hand.ask("renew")
    state = await hand.ask("state")
    if renewed.word in {"renewed", "held"} and state.rest.startswith("injected"):
        await bench.tell(FaultInjected(**_where(bench), detail="found live by the runner that took over"))
        return Finding(outcome=Outcome.SUCCEEDED, detail="found live; its effect was not looked for again")
    said = f"{state.word} {state.rest}".strip() or "no answer"
    return Finding(outcome=Outcome.FAILED, detail=f"the runner that began it is gone, and the host says: {said}")
