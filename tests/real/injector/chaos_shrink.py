"""Makes a drawing that goes wrong smaller: `python -m tests.real.injector.chaos_shrink SEED`.

Takes away one thing after the other (a round, a harm, a step, a host) and keeps what is left as long as something of the
same kind still goes wrong. What it prints is a drawing as Python writes it, so it can become a test as it stands. A race
may need several tries to show, so each smaller drawing gets a few.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from tests.real.injector.chaos_check import findings
from tests.real.injector.chaos_ordeal import Ordeal
from tests.real.injector.chaos_plan import ALL, CONTROLLER, Act, Block, Drawing, draw
from tests.real.injector.chaos_world import world

TRIES = 3


def kinds(drawing: Drawing) -> frozenset[str]:
    """What goes wrong with it this time; that a record is called sound follows from other things."""
    with world(drawing) as made:
        story = Ordeal(made).go()
    return frozenset(text.partition(":")[0] for text in findings(story)) - {"called sound"}


def smaller(drawing: Drawing) -> Iterator[Drawing]:
    """Every drawing that has one thing less."""
    rounds, steps = drawing.rounds, drawing.steps
    for number, part in enumerate(rounds):
        if len(rounds) > 1:
            last = number == len(rounds) - 1
            rest = (*rounds[:number], *rounds[number + 1 :])
            yield replace(drawing, rounds=(*rest[:-1], replace(rest[-1], death=None, losses=())) if last else rest)
        for fault in range(len(part.faults)):
            less = replace(part, faults=(*part.faults[:fault], *part.faults[fault + 1 :]))
            yield replace(drawing, rounds=(*rounds[:number], less, *rounds[number + 1 :]))
        for loss in range(len(part.losses)):
            less = replace(part, losses=(*part.losses[:loss], *part.losses[loss + 1 :]))
            yield replace(drawing, rounds=(*rounds[:number], less, *rounds[number + 1 :]))
    for number, step in enumerate(steps):
        if len(steps) > 1:
            yield replace(drawing, steps=(*steps[:number], *steps[number + 1 :]))
        for simpler in _simpler(step):
            yield replace(drawing, steps=(*steps[:number], simpler, *steps[number + 1 :]))
    if drawing.closing:
        yield replace(drawing, closing=False)
    yield from _fewer_hosts(drawing)


def _simpler(step: Act | Block) -> Iterator[Act | Block]:
    if isinstance(step, Block):
        yield from chain(step.inside, step.rescue, step.always)
        return
    plain = Act(name=step.name, kind="command", on=step.on)
    for field in ("kind", "codes", "retries", "timeout", "on_failure", "undone", "seconds"):
        if getattr(step, field) != getattr(plain, field):
            yield replace(step, **{field: getattr(plain, field)})


def _fewer_hosts(drawing: Drawing) -> Iterator[Drawing]:
    used = {act.on for act in drawing.acts} - {ALL, CONTROLLER}
    if len(drawing.hosts) > 1 and drawing.hosts[-1] not in used:
        harmed = [fault.host for part in drawing.rounds for fault in part.faults]
        lost = [loss.where for part in drawing.rounds for loss in part.losses]
        deaths = [part.death.host for part in drawing.rounds if part.death is not None]
        if drawing.hosts[-1] not in {*harmed, *lost, *deaths}:
            yield replace(drawing, hosts=drawing.hosts[:-1])


def shrunk(drawing: Drawing) -> tuple[Drawing, frozenset[str]]:
    """The smallest that was found, and what goes wrong with it."""
    wrong = kinds(drawing)
    going = bool(wrong)
    while going:
        going = False
        for less in smaller(drawing):
            if found := next((k for k in (kinds(less) for _ in range(TRIES)) if k & wrong), None):
                drawing, wrong, going = less, found, True
                print(f"smaller: {sorted(wrong)}", file=sys.stderr)
                break
    return drawing, wrong


if __name__ == "__main__":
    small, left = shrunk(draw(int(sys.argv[1])))
    print(small)
    print(sorted(left))
