"""Samples folded into stretches: answers in a row that are alike become one, so that hours of asking stay a handful.

Shared by probes and the canary, which are two ways of asking whether a service is there and are looked at side by side.
Bounded: of a service that goes up and down for days, the middle is dropped and both ends are kept.
"""

from __future__ import annotations

from msgspec.structs import replace

from runbook.core.run import Stretch

MAX_STRETCHES = 4096


def sampled(
    stretches: tuple[Stretch, ...], at: float, took: float, *, ok: bool, detail: str = "", goes_on: bool = True
) -> tuple[Stretch, ...]:
    """The stretches after one more answer, known at `at` and asked `took` seconds before.

    `goes_on` is False where nobody has asked for a while: an unseen time is not good time.
    """
    asked = max(0.0, at - took)
    last = stretches[-1] if stretches else None
    if last is not None and last.ok == ok and goes_on:
        grown = replace(last, last_asked=asked, last_known=at, count=last.count + 1, detail=detail)
        return (*stretches[:-1], grown)
    fresh = Stretch(ok=ok, first_asked=asked, first_known=at, last_asked=asked, last_known=at, count=1, detail=detail)
    longer = (*stretches, fresh)
    half = MAX_STRETCHES // 2
    return longer if len(longer) <= MAX_STRETCHES else (*longer[:half], *longer[half + 2 :])
