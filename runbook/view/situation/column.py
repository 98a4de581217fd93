"""A run as one column of facts, for a window that has room for nothing else: complete, in a fixed order."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.view.hosts import host_rows
from runbook.view.look.cells import clipped
from runbook.view.look.glyphs import Glyphs
from runbook.view.look.numbers import lasting
from runbook.view.look.part import Part, Row, strong
from runbook.view.sanitize import safe
from runbook.view.situation.clock_drawn import eta_text, figure_parts, spread_text, word_parts
from runbook.view.situation.facts import Facts
from runbook.view.situation.leases import fault_facts
from runbook.view.situation.service import strip_facts
from runbook.view.words import MARKS, Status, fold_hosts

_LABEL = 10
_BAD = frozenset({Status.FAILED, Status.IN_DOUBT, Status.UNREACHABLE})


def column_rows(facts: Facts, width: int, glyphs: Glyphs) -> tuple[Row, ...]:
    """The facts that are there, a row each."""
    rows = [
        *_clock(facts, glyphs),
        *_steps(facts),
        *_service(facts),
        *_faults(facts),
        *_hosts(facts),
        *_last_bad(facts),
    ]
    return tuple(_fitted(row, width, glyphs) for row in rows)


def _fact(name: str, *parts: Part) -> Row:
    return (Part(f"{name:<{_LABEL}}", "dim"), *parts)


def _fitted(row: Row, width: int, glyphs: Glyphs) -> Row:
    """As much as fits, with a mark where it was cut."""
    room, kept = width, []
    for part in row:
        if len(part.text) > room:
            kept.append(part._replace(text=f"{clipped(part.text, max(0, room - 1))}{glyphs.cut}"))
            break
        kept.append(part)
        room -= len(part.text)
    return tuple(kept)


def _clock(facts: Facts, glyphs: Glyphs) -> Iterator[Row]:
    used = f"  used {lasting(facts.clock.used)}" if facts.clock.state == "running" else ""
    yield _fact("RTO", *figure_parts(facts), Part(used, "dim"))
    if facts.forecast.eta is not None:
        spread = spread_text(facts, glyphs.to)
        behind = Part(f" ({spread})  " if spread else f" {facts.forecast.source}  ", "dim")
        words = tuple(part for part in word_parts(facts) if "ETA" not in part.text)
        yield _fact("ETA", strong(eta_text(facts).removeprefix("ETA ")), behind, *words)


def _steps(facts: Facts) -> Iterator[Row]:
    leaves, current = facts.leaves, facts.current
    begun = sum(row.elapsed is not None or row.outcome is not None for row in leaves)
    name = f"  {safe(current.id)} {current.name}" if current else ""
    yield _fact("STEP", strong(f"{begun} of {len(leaves)}"), Part(name))
    ahead = next((row for row in leaves if row.status is Status.PENDING), None)
    if ahead is not None and not facts.run.has_ended:
        plan = f", {lasting(ahead.expected)}" if ahead.expected else ""
        yield _fact("NEXT", Part(f"{safe(ahead.id)} {ahead.name}{plan}"))


def _service(facts: Facts) -> Iterator[Row]:
    ranked = sorted(facts.strips, key=lambda strip: ("DOWN", "UNK", "OK").index(strip.word))
    for number, strip in enumerate(ranked):
        remark = Part(f"  {strip.remark}" if strip.is_canary else "", "dim")
        yield _fact(
            "" if number else "SERVICE",
            *strip_facts(strip, facts.now, remark=False, step=facts.step),
            Part(f" {strip.name}"),
            remark,
        )


def _hosts(facts: Facts) -> Iterator[Row]:
    if facts.current is None:
        return
    rows = host_rows(facts.run, facts.current.id, facts.now)
    counts = [(status, [row.host for row in rows if row.status is status]) for status in Status]
    parts: list[Part] = []
    for status, hosts in counts:
        if hosts:
            look = MARKS[status]
            word = "AHEAD" if status is Status.PENDING else look.word
            parts.append(Part(f"{word} {len(hosts)}", look.role, tuple(a for a in look.attributes if a != "pill")))
            parts.append(Part("  "))
    bad = [host for status, hosts in counts if status in _BAD for host in hosts]
    if parts:
        yield _fact("HOSTS", *parts, Part(safe(fold_hosts(bad)), "dim"))


def _last_bad(facts: Facts) -> Iterator[Row]:
    failed = [row for row in facts.steps if row.status in _BAD]
    if failed:
        yield _fact("LAST BAD", Part(f"{safe(failed[-1].id)} {failed[-1].name}: {failed[-1].detail}"))


def _faults(facts: Facts) -> Iterator[Row]:
    live = [fault for fault in facts.faults if fault.is_live]
    for number, fault in enumerate(live):
        yield _fact("" if number else "FAULT", *fault_facts(fault, facts.now, facts.step)[:2], Part(f"  {fault.name}"))
