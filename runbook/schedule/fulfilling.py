"""What counts as a run that fulfils a schedule: one function, clause by clause, so that anybody can be shown why.

A run that was about something else (another place, other parameters, only some hosts, a part of another run) says
nothing about a schedule. One that was about it and did not hold says that it is *invalid*: it was tried, and it was not
good enough. One that held, and whose grounds have changed since, is *stale*.
"""

from __future__ import annotations

import msgspec

from runbook.core.host import Json
from runbook.record.proof import Proof
from runbook.record.summary import RunSummary
from runbook.schedule.duty import Duty, Fingerprint


class Clause(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that must hold of a run."""

    asks: str
    holds: bool
    seen: str = ""
    """What was found, where it does not hold."""
    otherwise: str = ""
    """The contrary of what it asks, as a sentence about the run; empty where nobody tells it without its yes or no."""


def is_about(duty: Duty, run: RunSummary) -> bool:
    """Whether a run, once it has ended, says anything about a schedule."""
    if run.proof is None or is_going_on(run):
        return False
    return all(one.holds for one in subject(duty, run, run.proof))


def is_going_on(run: RunSummary) -> bool:
    """Whether a runner has it and its end is not on record; a runner takes a moment to go when it has written that."""
    return run.live and not (run.proof and run.proof.has_ended)


def fulfils(duty: Duty, run: RunSummary) -> bool:
    """Whether it is what the schedule wants."""
    return run.proof is not None and is_about(duty, run) and all(one.holds for one in quality(duty, run, run.proof))


def subject(duty: Duty, run: RunSummary, proof: Proof) -> tuple[Clause, ...]:
    """Whether it was about this at all."""
    other = _other_parameters(duty, proof)
    whole = not (proof.limit or proof.follows)
    part = f"only {proof.limit}" if proof.limit else proof.follows.replace("_", " ")
    return (
        Clause(asks=f"of {duty.runbook}", holds=run.runbook == duty.runbook, seen=run.runbook),
        Clause(asks=f"in {duty.environment}", holds=proof.environment == duty.environment, seen=proof.environment),
        Clause(asks="whole, on every host", holds=whole, seen=part),
        Clause(asks="with the parameters of the schedule", holds=not other, seen=other),
    )


def quality(duty: Duty, run: RunSummary, proof: Proof) -> tuple[Clause, ...]:
    """Whether it was good enough."""
    is_allowed = duty.counts_overridden or not proof.overridden
    skipped, overridden = ", ".join(proof.skipped), ", ".join(proof.overridden)
    rows = (
        ("its record is sound", "its record is not sound", run.verdict != "damaged", run.verdict),
        ("it came to its end", "it did not come to its end", proof.has_ended, run.verdict),
        ("every verdict is green", "not every verdict is green", proof.is_green, _verdicts(proof)),
        ("every required step was done", "not every required step was done", not proof.skipped, skipped),
        ("no rule was overridden", "a rule was overridden", is_allowed, overridden),
    )
    return tuple(Clause(asks=asks, otherwise=no, holds=holds, seen=seen) for asks, no, holds, seen in rows)


def stale(duty: Duty, proof: Proof) -> tuple[Clause, ...]:
    """Whether what it rested on is as it was; what nobody knows has not changed."""
    now = duty.now
    kept = {digest for name, digest in proof.files.items() if name.startswith("inventory-")}
    before, after = _release(proof.version), _release(now.version)
    return (
        Clause(asks="the runbook is as it was", holds=now.runbook in {"", proof.source_sha256}, seen="it has changed"),
        Clause(asks="the inventory is as it was", holds=_is_same(now, kept), seen="it has changed"),
        Clause(asks="the program is as it was", holds=not after or before == after, seen=f"it was {proof.version}"),
    )


def _is_same(now: Fingerprint, kept: set[str]) -> bool:
    return not now.inventory or not kept or kept == now.inventory


def _release(version: str) -> tuple[str, ...]:
    """Major and minor: what a patch release changes is no reason to test again."""
    return tuple(version.split(".")[:2]) if version else ()


def _other_parameters(duty: Duty, proof: Proof) -> str:
    wrong = [
        f"{name} was {_spelled(proof.parameters.get(name))}"
        for name, value in duty.parameters.items()
        if _spelled(proof.parameters.get(name)) != value
    ]
    return ", ".join(wrong)


def _spelled(value: Json) -> str:
    """A value as it is written in a schedule."""
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _verdicts(proof: Proof) -> str:
    said = f"run {proof.run}, steady state {proof.steady_state}, objectives {proof.objectives}, revert {proof.revert}"
    return said.replace("_", " ")
