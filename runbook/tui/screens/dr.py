"""The state of recovery: what can be recovered, whether it was tried, how long it took against its promise, who can.

From records and runbooks alone, and nothing else is claimed.
"""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal

from runbook.tui.actions import bindings
from runbook.tui.screens.opening import opened_run
from runbook.tui.screens.tab import TabScreen
from runbook.tui.widgets.bars import Bar
from runbook.tui.widgets.booklist import Listing, seconds_since
from runbook.tui.widgets.keybar import KeyBar
from runbook.tui.widgets.rows import Part, Row, Rows
from runbook.view.estate import Recoverable, Tried, bars, people_words, standing, year_rows
from runbook.view.look.digits import big
from runbook.view.look.numbers import lasting
from runbook.view.look.table import Column
from runbook.view.sanitize import safe
from runbook.view.trend import trend_parts, verdict_parts
from runbook.workspace.rows import BookRow, RunRow

_RECOVERS = frozenset({"drill", "failover", "restore", "incident", "rollback"})


def estate(books: tuple[BookRow, ...], runs: tuple[RunRow, ...]) -> tuple[Recoverable, ...]:
    """The runbooks that recover something, with their runs."""
    ended = [run for run in runs if not run.live and run.problem is None]
    return tuple(
        Recoverable(
            name=book.name,
            service=book.service,
            tier=next((tag.removeprefix("tier-") for tag in book.tags if tag.startswith("tier-")), ""),
            promised=book.promised,
            every=book.every,
            tries=tuple(_tried(run) for run in ended if run.runbook == book.name),
        )
        for book in books
        if book.problem is None and (book.kind in _RECOVERS or book.promised)
    )


def _tried(run: RunRow) -> Tried:
    at = seconds_since(run.started, 0.0)
    return Tried(
        at=-(at or 0.0), day=run.started[:10], seconds=run.rta, promised=run.promised, verdict=run.verdict,
        objective=run.objective if run.promised else "", led_by=run.operator,
    )  # fmt: skip


class EstateList(Listing):
    """What can be recovered."""

    key = "1"
    COLUMNS = (
        Column("RUNBOOK", 18, grows=True), Column("SERVICE", 10, 2), Column("T", 1, 5), Column("RTO", 7, 1, right=True),
        Column("LAST RTA", 8, right=True), Column("VERDICT", 8), Column("TREND", 8, 4, right=True),
        Column("NEXT DUE", 10, right=True), Column("LED BY", 18, 3),
    )  # fmt: skip

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's own parameter
        """Begin empty."""
        super().__init__(id=id)
        self._all: tuple[Recoverable, ...] = ()

    def fill(self, found: tuple[Recoverable, ...]) -> None:
        """Show these, what is late first."""
        self._all = tuple(sorted(found, key=lambda one: (one.days_left(self.now), bool(one.tries), one.name)))
        self.heading("Recoveries", f"  {len(self._all)}", aside=(Part("sort: due", "dim"),))
        self.changed()

    @property
    def count(self) -> int:
        """How many."""
        return len(self._all)

    @property
    def here(self) -> Recoverable | None:
        """The one under the cursor; None in an empty list."""
        return self._all[self.cursor] if self._all else None

    def row(self, index: int, width: int) -> Row:
        """What, its promise, how it went last, how it goes, when it is due, who can."""
        one = self._all[index]
        last = one.tries[0] if one.tries else None
        took = "-" if last is None or last.seconds is None else lasting(last.seconds)
        verdict = verdict_parts(last.verdict, last.objective, None) if last else (Part("NEVER", "unk", ("bold",)),)
        return self.table(width).row(
            {
                "RUNBOOK": Part(safe(one.name), "strong", ("bold",)),
                "SERVICE": Part(safe(one.service)),
                "T": Part(safe(one.tier)),
                "RTO": Part(lasting(one.promised)) if one.promised else Part("-", "dim"),
                "LAST RTA": Part(took, "bad" if last and last.objective == "missed" else "strong", ("bold",)),
                "VERDICT": verdict,
                "TREND": trend_parts(((each.seconds, each.promised) for each in reversed(one.tries)), self.glyphs),
                "NEXT DUE": _due(one, self.now),
                "LED BY": _led(one, self.now),
            }
        )


def _due(one: Recoverable, now: float) -> Part:
    days = one.days_left(now)
    if days == float("inf"):
        return Part("-", "dim")
    if days < 0:
        return Part(f"LATE {-days:.0f} d" if one.tries else "LATE", "slip", ("bold",))
    return Part(f"DUE {days:.0f} d", "slip") if days <= 30 else Part(f"{days:.0f} d", "dim")  # noqa: PLR2004 - a month


def _led(one: Recoverable, now: float) -> Part:
    led = one.led(now)
    if not led:
        return Part("nobody", "slip", ("bold",))
    text = ", ".join(f"{safe(name)} {count}" for name, count in led)
    return Part(f"{text} only", "slip", ("bold",)) if len(led) == 1 else Part(text)


class DrScreen(TabScreen):
    """The tab."""

    NAME = "DR"
    BINDINGS: ClassVar[list[BindingType]] = bindings("tabs")

    def compose(self) -> ComposeResult:
        """Figures, the list, what one took and who can, keys."""
        yield Bar(id="place")
        yield Bar(id="wanted")
        yield Bar(id="figures")
        yield EstateList(id="estate")
        with Horizontal(id="below"):
            yield Bar(id="bars")
            yield Bar(id="people")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """The list has the keys."""
        self.query_one(EstateList).focus()

    def refill(self) -> None:
        """Show what was read."""
        found = self.query_one(EstateList)
        found.now = self.wall
        found.fill(estate(self.loaded.books, self.loaded.runs))
        self._figures()
        self._below()

    def on_resize(self) -> None:
        """Other sizes show more or less of it."""
        if self.is_read:
            self.call_after_refresh(self.refill)

    def _figures(self) -> None:
        """Five numbers, and the year."""
        found = estate(self.loaded.books, self.loaded.runs)
        now, glyphs = self.wall, self.around.glyphs
        count = standing(found, now)
        numbers = (
            ("RECOVERIES", count.all, "strong"), ("IN DATE", count.in_date, "ok"), ("DUE", count.due, "slip"),
            ("LATE", count.late, "slip"), ("NEVER", count.never, "unk"),
        )  # fmt: skip
        year = (*year_rows(found, now, glyphs), ())
        rows: list[list[Part]] = [[Part(" ")] for _ in range(4)]
        for name, number, role in numbers:
            for row, text in zip(rows, (*big(str(number), glyphs), name), strict=True):
                row.append(Part(f"{text:<12}", role if text != name else "dim", ("bold",)))
        for row, said in zip(rows, year, strict=True):
            row += [Part("  "), *said]
        self.query_one("#figures", Bar).say(*(tuple(row) for row in rows))

    @on(Rows.Moved, "#estate")
    def _below(self) -> None:
        here = self.query_one(EstateList).here
        left, right = self.query_one("#bars", Bar), self.query_one("#people", Bar)
        if here is None:
            left.say(
                (Part(" No runbook here recovers anything yet. One that does has objectives, or is a drill.", "dim"),)
            )
            right.say()
            return
        promise = f"  recovery time against RTO {lasting(here.promised)}" if here.promised else "  recovery time"
        left.heading(here.name, promise)
        left.say(*bars(here, left.size.width, max(0, left.size.height - 1), self.around.glyphs))
        right.heading("Who can", "  led within twelve months")
        right.say(*self._people(here))

    def _people(self, here: Recoverable) -> tuple[Row, ...]:
        now, dot = self.wall, self.around.glyphs.tally
        led = [
            (Part(f" {safe(name):<12}", "strong", ("bold",)), Part(dot * count, "live"))
            for name, count in here.led(now)
        ]
        risk = here.risk(now)
        role = {"NOBODY": "bad", "ONE PERSON": "slip"}.get(risk, "ok")
        said = (Part(f" {risk} people" if risk.isdigit() else f" {risk}", role, ("bold",)),)
        found = estate(self.loaded.books, self.loaded.runs)
        return (said, *led, (), *((Part(f" {text}", "slip"),) for text in people_words(found, now)))

    def summary(self) -> str:
        """What it is from."""
        return "From the records that are here, and what the runbooks promise."

    @on(Rows.Opened, "#estate")
    def _open(self) -> None:
        here = self.query_one(EstateList).here
        last = next((run for run in self.loaded.runs if here and run.runbook == here.name), None)
        if last is not None:
            self.work(partial(self.enter, last), group="open")
        else:
            self.tell("It has never been run.")

    async def enter(self, run: RunRow) -> None:
        """Open a run: live, or its record."""
        self.app.push_screen(await opened_run(self.workspace, run))
