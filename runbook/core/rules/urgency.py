"""Reverts before anything: the one rule of what may begin while something is still to be given back.

It asks nothing about why, so it holds after a resume, a halt, an abort and a failure alike. What has begun goes on: it
is on its host already, and no longer naming it would end it. What stands beside the run goes on too, because how long
something was not there is measured while it is being brought back.
"""

from __future__ import annotations

from runbook.core.effect import Attempt, Effect, Enter, Revert, Urgency
from runbook.core.run import Run


def pressing(run: Run, effects: tuple[Effect, ...]) -> tuple[Effect, ...]:
    """The effects as they should be begun; without those that have to wait while something is to be reverted."""
    ranks = [urgency_of(run, effect) for effect in effects]
    top = min(ranks, default=Urgency.ACT)
    if top >= Urgency.STANDING:
        return effects
    ranked = sorted(zip(ranks, effects, strict=True), key=lambda pair: pair[0])
    return tuple(effect for rank, effect in ranked if rank in {top, Urgency.STANDING} or _has_begun(run, effect))


def urgency_of(run: Run, effect: Effect) -> Urgency:
    """Its kind's, except that whatever a step does that takes back is a revert, and one that failed holds up nobody."""
    match effect:
        case Enter() | Attempt() if run.steps[effect.step].planned.role.takes_back:
            return Urgency.REVERT
        case Revert() if effect.again:
            return Urgency.STANDING
        case _:
            return effect.urgency


def _has_begun(run: Run, effect: Effect) -> bool:
    return isinstance(effect, Attempt) and run.steps[effect.step].running.get(effect.host) == effect.number
