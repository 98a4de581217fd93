"""The first row: where this is, what runs, how it stands, how far. It is never covered and never scrolled away."""

from __future__ import annotations

from runbook.core.fold.verdict import verdicts
from runbook.core.planned.plan import Environment
from runbook.core.run import Run
from runbook.view.look.canvas import Canvas
from runbook.view.look.cells import cells, clipped, fitted
from runbook.view.look.glyphs import Glyphs
from runbook.view.look.part import PLACES, Part, Row, pill, strong
from runbook.view.sanitize import safe
from runbook.view.situation.facts import Facts
from runbook.view.situation.geometry import MIDDLE, WIDE
from runbook.view.words import verdict_role

_SHORT = 6
"""Letters of an environment's name beyond which it is cut to four where columns are few."""
_LONGEST = 20
"""Cells of it that are ever shown in front of what runs there."""


def place_of(environment: Environment) -> str:
    """The colour of an environment."""
    return environment.colour if environment.colour in PLACES else "blue"


def place_part(environment: Environment, *, width: int = WIDE) -> Part:
    """An environment's word on its colour."""
    name = safe(environment.name).upper()
    short = name[:4] if width < MIDDLE and len(name) > _SHORT else clipped(name, _LONGEST)
    return Part(f" {short} ", f"place--{place_of(environment)}", ("pill", "bold"))


def state_of(run: Run, *, is_lost: bool = False) -> tuple[str, str]:
    """A run's state as a word and the role that it plays."""
    if run.has_ended:
        said = verdicts(run)
        return said.run.upper(), verdict_role(said.worst, said.objectives if said.objectives_declared else "")
    if is_lost:
        return "LOST", "bad"
    if run.open_gates:
        return "HELD", "you"
    if run.paused:
        return "PAUSED", "slip"
    words = {"rollback": ("ROLLING BACK", "slip"), "always": ("CLOSING", "live"), "opened": ("OPENED", "dim")}
    return ("STOPPING", "slip") if run.stop is not None else words.get(run.phase.value, ("RUNNING", "live"))


def state_part(run: Run, *, is_lost: bool = False) -> Part:
    """The same as a block; a run that ended without a promise is plain."""
    word, role = state_of(run, is_lost=is_lost)
    return Part(f" {word} ", "strong", ("bold",)) if role == "text" else pill(word, role)


def tail_of(run: str) -> str:
    """The letters by which a run is called: those behind the last dash of its id."""
    return safe(run.rpartition("-")[2])


def place_row(facts: Facts, width: int, glyphs: Glyphs, *, prefix: str = "") -> Row:
    """` PRODUCTION  payments-failover drill  run 4ca6   RUNNING   step 18 of 28  4.5 Restart   03:12:44Z`."""
    run, is_short = facts.run, width < MIDDLE
    canvas = Canvas(width)
    clock = strong(f"{facts.wall.seconds(facts.now)}Z")
    canvas.right(width - 1, clock)
    room = width - cells(clock.text) - 3
    kind = "" if is_short else f" {run.plan.kind}"
    ident = f"  run {tail_of(run.id)}" if width >= WIDE else f" {tail_of(run.id)}"
    state = state_part(run, is_lost=bool(facts.gone))
    place = place_part(run.plan.environment, width=width)
    before = (Part(" "), pill(prefix, "strong")) if prefix else ()
    fixed = cells(place.text) + cells(state.text) + 2 + sum(cells(part.text) for part in before)
    name = fitted(run.plan.runbook, max(4, min(cells(safe(run.plan.runbook)), room - fixed)), glyphs.cut)
    parts = [place, *before, Part(" "), strong(name)]
    spare = room - fixed - cells(name)
    for text in (kind, ident):
        if text.strip() and cells(text) + 2 <= spare:
            parts.append(Part(text, "dim"))
            spare -= cells(text)
    gap = "  " if spare >= 2 else " "  # noqa: PLR2004 - two cells
    parts += [Part(gap), state]
    canvas.lay(0, *parts, *_how_far(facts, spare - 2, glyphs, is_short=is_short))
    canvas.right(width - 1, clock)
    return canvas.row()


def _how_far(facts: Facts, room: int, glyphs: Glyphs, *, is_short: bool) -> Row:
    """How many steps of how many; the step that runs, where there is room."""
    leaves, current = facts.leaves, facts.current
    begun = sum(row.elapsed is not None or row.outcome is not None for row in leaves)
    number, of = str(begun), f"/{len(leaves)}" if is_short else f" of {len(leaves)}"
    used = 7 + cells(number + of)
    if facts.run.has_ended or used > room:
        return ()
    parts = (Part("  step ", "dim"), strong(f"{number}{of}"))
    left = room - used - 2
    if current is None or is_short or left < 12:  # noqa: PLR2004 - a name in less says nothing
        return parts
    return (*parts, Part(f"  {fitted(f'{safe(current.id)} {current.name}', left, glyphs.cut).rstrip()}"))
