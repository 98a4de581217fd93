"""Two rows on top of a run: which run this is and how far, and how much of the recovery time is left.

Further facts stand in one column when the window is too small for panes, so that state, step, time left, what waits and
the last error are complete at any size.
"""

from __future__ import annotations

from textual.reactive import reactive
from textual.strip import Strip

from runbook.core.fold.verdict import verdicts
from runbook.core.plan import Environment
from runbook.core.run import Run
from runbook.tui.widgets.rows import Part, Row, Rows
from runbook.view.clock import RecoveryClock as Clock
from runbook.view.clock import clock_line, recovery_clock
from runbook.view.faults import live_line
from runbook.view.sanitize import safe
from runbook.view.steps import step_rows
from runbook.view.words import VERDICT_COLOURS, Status, duration, plural

_COLOURS = {"red": "vermillion", "orange": "orange", "yellow": "yellow", "green": "green", "blue": "blue"}
"""An environment's colour as one of ours; its name always stands beside it."""
_SLIM = 60
"""Cells below which a state comes before the name, which may be cut."""
_GAPS = 6
"""Cells between the parts of the title."""
_BROKEN = "FAULT MAY BE LIVE"
"""What is left of a live fault where the title has no room for its name: the facts and the list of faults have it."""
_NEAR = 0.1
"""Share of the objective below which what is left is shown as a warning."""


class _OneRow(Rows, can_focus=False):
    """A row that is made anew from a run and a moment."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's own parameter
        """Begin with nothing to show."""
        super().__init__(id=id)
        self._run: Run | None = None
        self._now = 0.0

    def show(self, run: Run, now: float) -> None:
        """The run at `now`, in seconds since it was opened."""
        self._run = run
        self._now = now
        self.refresh()

    @property
    def count(self) -> int:
        """One."""
        return 1

    @property
    def has_cursor(self) -> bool:
        """It is no list."""
        return False

    def render_line(self, y: int) -> Strip:
        """One line of the window (Line API)."""
        if self._run is None or y >= self.count:
            return Strip.blank(self.size.width, self.rich_style)
        return self.strip(self.drawn(self._run, self._now, self.size.width), self.size.width)

    def drawn(self, run: Run, now: float, width: int) -> Row:
        """The row for so many cells."""
        raise NotImplementedError


class PlaceRow(_OneRow, can_focus=False):
    """Where, what, how far."""

    prefix: reactive[str] = reactive("")
    """A word in front of the title: `REPLAY`."""

    def drawn(self, run: Run, now: float, width: int) -> Row:
        """The title."""
        return title_row(run, now, width, prefix=self.prefix)


class RecoveryClock(_OneRow, can_focus=False):
    """The bar and the time left."""

    def drawn(self, run: Run, now: float, width: int) -> Row:
        """The clock."""
        return clock_row(recovery_clock(run, now), width)


def title_row(run: Run, now: float, width: int, *, prefix: str = "") -> Row:
    """Where, what, how far: environment, runbook, state, step, time. The run's id where there is room."""
    rows = step_rows(run, now)
    done = sum(row.outcome is not None for row in rows)
    place = place_part(run.plan.environment)
    word, colour = state_of(run)
    tail = f"  step {done}/{len(rows)}  {duration(now)}"
    name = safe(run.plan.runbook)
    left = width - sum(map(len, (place.text, name, word, tail, prefix))) - _GAPS
    broken = live_line(run, now)
    fault = next((text for text in (broken, _BROKEN) if broken and len(text) + 2 <= left), "")
    ident = f"  {safe(run.id)}" if left - len(fault) - 2 > len(run.id) + 2 else ""
    head = (
        place,
        *((Part(f" {fault} ", "vermillion", ("reverse", "bold")),) if fault else ()),
        Part(f" {prefix} " if prefix else " ", "sky", ("bold",)),
    )
    called = Part(f"{name}{ident} ", attributes=("bold",))
    state = Part(f" {word} ", colour, ("reverse", "bold"))
    if width < _SLIM:
        return (*head[:-1], *((head[-1],) if prefix else ()), state, Part(" "), called, Part(tail, "grey"))
    return (*head, called, state, Part(tail, "grey"))


def place_part(environment: Environment) -> Part:
    """Where a run is, in the colour that its environment asks for."""
    return Part(f" {safe(environment.name).upper()} ", _COLOURS.get(environment.colour, "sky"), ("reverse", "bold"))


def state_of(run: Run) -> tuple[str, str]:
    """A run's state as a word and a colour."""
    if run.has_ended:
        said = verdicts(run)
        return said.run.upper(), VERDICT_COLOURS[said.worst]
    if run.open_gates:
        return "HELD", "yellow"
    if run.paused:
        return "PAUSED", "orange"
    words = {"rollback": ("ROLLING BACK", "orange"), "always": ("CLOSING", "sky"), "opened": ("OPENED", "grey")}
    return ("STOPPING", "blue") if run.stop is not None else words.get(run.phase.value, ("RUNNING", "sky"))


def clock_row(clock: Clock, width: int) -> Row:
    """A bar and the clock in words; the words where there is no room for both."""
    said = clock_line(clock)
    colour = clock_colour(clock)
    while len(said) >= width and ", " in said:
        said = said.rpartition(", ")[0]  # what is left of the time stands first
    cells = width - len(said) - 4
    if clock.state == "idle" or cells < 12 or not clock.objective:  # noqa: PLR2004 - a shorter bar says nothing
        return (Part(f" {said}", colour),)
    return (Part(f" {bar(clock, cells)} ", colour), Part(said, colour, ("bold",)))


def clock_colour(clock: Clock) -> str:
    """How urgent it is."""
    if clock.state == "idle":
        return "grey"
    if clock.is_over:
        return "vermillion"
    if clock.state == "stopped":
        return "green"
    left = clock.left or 0.0
    return "orange" if clock.objective and left < clock.objective * _NEAR else "sky"


def bar(clock: Clock, cells: int) -> str:
    """`[=====>....  !  ]`: used, still planned, slack, and where the objective ends."""
    objective = clock.objective or 1.0
    inner = cells - 2
    scale = max(objective, clock.used, clock.eta) * 1.1
    used, ahead, limit = (int(seconds / scale * inner) for seconds in (clock.used, clock.eta, objective))
    drawn = ["=" if cell < used else "." if cell < ahead else " " for cell in range(inner)]
    if clock.state == "running":
        drawn[min(used, inner - 1)] = ">"
    drawn[min(limit, inner - 1)] = "!"
    return f"[{''.join(drawn)}]"


def fact_rows(run: Run, now: float) -> tuple[Row, ...]:
    """One column of facts for a window that has room for nothing else."""
    rows = step_rows(run, now)
    live = next((row for row in rows if row.status in {Status.WAITING, Status.RUNNING}), None)
    failed = [row for row in rows if row.status in {Status.FAILED, Status.IN_DOUBT, Status.UNREACHABLE}]
    error = f"{failed[-1].id} {failed[-1].name}: {failed[-1].detail}" if failed else "none"
    return (
        (Part(f"step {sum(row.outcome is not None for row in rows)}/{len(rows)} {live.name if live else ''}"),),
        (Part(f"waits: {plural(len(run.open_gates), 'gate')}", "yellow" if run.open_gates else "grey"),),
        *(((Part(broken, "vermillion", ("bold",)),),) if (broken := live_line(run, now)) else ()),
        (Part(f"last error: {error}", "vermillion" if failed else "grey"),),
    )
