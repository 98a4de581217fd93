"""The library's lists: what runs and waits, runbooks as written, runs as recorded.

Sorted by what is owed: what waits for you stands first, then what went badly or was never tried; a review is a detail.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

from runbook.tui.widgets.problem_rows import problem_rows
from runbook.tui.widgets.prose_rows import prose_rows
from runbook.tui.widgets.rows import Part, Row, Rows
from runbook.view.asking.undoing import short_words
from runbook.view.look.numbers import lasting
from runbook.view.look.table import Column, Table, table
from runbook.view.reasons import brief
from runbook.view.sanitize import safe, safe_lines
from runbook.view.situation.top import tail_of
from runbook.view.trend import trend_parts, verdict_parts
from runbook.view.words import duration, verdict_role
from runbook.workspace.rows import BookRow, RunRow

_NEVER = "0000"
_LATE_SOON = 30
"""Days before a date in which something is called due."""
SORTS = ("owed", "name", "last run", "kind")
"""In the order in which the key that changes them goes round."""


def seconds_since(label: str, now: float) -> float | None:
    """Seconds from a wall time to `now` (since the epoch); None where the label cannot be read."""
    try:
        read = datetime.fromisoformat(label)
    except ValueError:
        return None
    return now - (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


class Listing(Rows):
    """Rows in columns."""

    COLUMNS: ClassVar[tuple[Column, ...]] = ()
    now = 0.0
    """Seconds since the epoch, of the moment shown."""

    def table(self, width: int) -> Table:
        """The columns for so many cells, the last of which stays free."""
        return table(self.COLUMNS, width - 1, self.glyphs.cut)

    def columns(self, width: int) -> Row:
        """Their names."""
        return (Part(" "), *self.table(width - 1).titles())


class LiveList(Listing):
    """Runs that go on, or should."""

    key = "1"
    COLUMNS = (
        Column("STATE", 5), Column("SINCE", 6, right=True), Column("RUN", 20), Column("ENV", 10, 1),
        Column("WAITS FOR", 20, grows=True), Column("RTO LEFT", 8, right=True),
    )  # fmt: skip

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's own parameter
        """Begin empty."""
        super().__init__(id=id)
        self._runs: tuple[RunRow, ...] = ()
        self.me = ""

    def fill(self, runs: tuple[RunRow, ...]) -> None:
        """Show those that need somebody: what waits for you first, then by how long."""
        wanted = [run for run in runs if run.live or run.faults_live or run.verdict == "interrupted"]
        order = sorted(wanted, key=lambda run: (not run.waiting.is_for(self.me), not run.waiting.what, run.started))
        self._runs = tuple(order)
        self.heading("Running and waiting", f"  {len(self._runs)}")
        self.changed()

    @property
    def count(self) -> int:
        """How many."""
        return len(self._runs)

    @property
    def here(self) -> RunRow | None:
        """The one under the cursor; None in an empty list."""
        return self._runs[self.cursor] if self._runs else None

    def row(self, index: int, width: int) -> Row:
        """State, since when, which, where, whom it waits for, what is left of its promise."""
        run = self._runs[index]
        since = seconds_since(run.waiting.since or run.started, self.now)
        name = (Part(safe(run.runbook), "strong", ("bold",)), Part(f" {tail_of(run.id)}", "dim"))
        return self.table(width).row(
            {
                "STATE": _state(run, self.me),
                "SINCE": Part("" if since is None else lasting(since)),
                "RUN": name,
                "ENV": Part(safe(run.environment).upper()),
                "WAITS FOR": _whom(run, self.me),
                "RTO LEFT": _left(run, self.now),
            }
        )


def _state(run: RunRow, me: str) -> Part:
    if not run.live:
        return Part("LOST", "bad", ("bold", "pill"))
    if run.waiting.what:
        return Part("WAIT", "you", ("bold", "pill") if run.waiting.is_for(me) else ("bold",))
    return Part("RUN", "live", ("bold",))


def _whom(run: RunRow, me: str) -> Row:
    faults = tuple(Part(f"  FAULT {fault}", "slip", ("bold",)) for fault in run.waiting.faults[:1])
    if not run.live:
        return (Part("its runner is gone: resume it"), *faults)
    if not run.waiting.what:
        return (Part(f"nobody; step {run.waiting.step} of {run.waiting.steps}"), *faults)
    whom = "you" if run.waiting.is_for(me) else run.waiting.whom
    return (Part(f"{safe(whom)}: {run.waiting.what}"), *faults)


def _left(run: RunRow, now: float) -> Part:
    over = seconds_since(run.waiting.limit, now) if run.waiting.limit else None
    if over is None:
        return Part("-", "dim")
    near = run.promised is not None and -over < run.promised / 2
    return (
        Part(lasting(-over), "slip" if near else "text", ("bold",))
        if over < 0
        else Part(f"+{lasting(over)}", "bad", ("bold",))
    )


class BookList(Listing):
    """Runbooks."""

    key = "2"
    COLUMNS = (
        Column("NAME", 20, grows=True), Column("SERVICE", 9, 2), Column("KIND", 9, 1), Column("T", 1, 5),
        Column("STEPS", 5, 6, right=True), Column("RTO", 7, 3, right=True), Column("LAST RUN", 10, 7),
        Column("VERDICT", 13), Column("TREND", 8, 4, right=True), Column("OWNER", 10, 8),
        Column("NEXT DUE", 10, 0, right=True),
    )  # fmt: skip

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's own parameter
        """Begin empty."""
        super().__init__(id=id)
        self._books: tuple[BookRow, ...] = ()
        self._runs: dict[str, list[RunRow]] = {}
        self.sort = SORTS[0]

    def fill(self, books: tuple[BookRow, ...], runs: tuple[RunRow, ...] = ()) -> None:
        """Show these; `runs` are all there are, the newest first."""
        self._runs = {}
        for run in runs:
            self._runs.setdefault(run.runbook, []).append(run)
        self._books = tuple(sorted(books, key=self._order))
        late = sum(self.due(book) < 0 for book in books)
        never = sum(not book.last_run and book.kind == "drill" and book.problem is None for book in books)
        said = [Part(f"  {len(books)}", "strong", ("bold",))]
        said += [Part(f"  {late} LATE", "slip", ("bold",))] if late else []
        said += [Part(f"  {never} never drilled", "unk")] if never else []
        self.heading("Runbooks", *said, aside=(Part(f"/ filter   s sort: {self.sort}", "dim"),))
        self.changed()

    def runs_of(self, book: BookRow) -> tuple[RunRow, ...]:
        """Its runs, the newest first."""
        return tuple(self._runs.get(book.name, ()))

    def due(self, book: BookRow) -> float:
        """Days until it should run again, negative when it is late; endless where nothing says so."""
        if not book.every:
            return float("inf")
        since = seconds_since(book.last_run, self.now) if book.last_run else None
        return -1.0 if since is None else (book.every - since) / 86400

    def _order(self, book: BookRow) -> tuple[object, ...]:
        if self.sort == "name":
            return (book.name,)
        if self.sort == "kind":
            return (book.kind, book.name)
        if self.sort == "last run":
            return (*(-ord(char) for char in book.last_run[:19] or _NEVER), book.name)
        bad = {"bad": 1, "unk": 2}.get(verdict_role(book.last_worst), 3)
        return (0 if book.problem else 1, min(self.due(book), _LATE_SOON + 1), bad, book.name)

    @property
    def count(self) -> int:
        """How many."""
        return len(self._books)

    @property
    def here(self) -> BookRow | None:
        """The one under the cursor; None in an empty list."""
        return self._books[self.cursor] if self._books else None

    def row(self, index: int, width: int) -> Row:
        """Name, service, kind, tier, promise, last run, how it came out, trend, who has it, when it is due."""
        book = self._books[index]
        if book.problem is not None:
            return Part("BROKEN  ", "bad", ("bold",)), Part(safe(book.name or book.path), "strong", ("bold",))
        runs = self.runs_of(book)
        tier = next((tag.removeprefix("tier-") for tag in book.tags if tag.startswith("tier-")), "")
        return self.table(width).row(
            {
                "NAME": Part(safe(book.name), "strong", ("bold",)),
                "SERVICE": Part(safe(book.service)),
                "KIND": Part(safe(book.kind), "dim"),
                "T": Part(safe(tier)),
                "STEPS": Part(str(book.steps or ""), "dim"),
                "RTO": Part(lasting(book.promised)) if book.promised else Part("-", "dim"),
                "LAST RUN": Part(safe(book.last_run[:10])) if book.last_run else Part("never", "unk"),
                "VERDICT": _verdict(book, runs),
                "TREND": trend_parts(((run.rta, run.promised) for run in reversed(runs) if run.promised), self.glyphs),
                "OWNER": Part(safe(book.owner), "dim"),
                "NEXT DUE": self._due(book),
            }
        )

    def _due(self, book: BookRow) -> Part:
        days = self.due(book)
        if days == float("inf"):
            return Part("-", "dim")
        if days < 0:
            return Part(f"LATE {-days:.0f} d" if book.last_run else "LATE", "slip", ("bold",))
        return Part(f"DUE {days:.0f} d", "slip") if days <= _LATE_SOON else Part(f"{days:.0f} d", "dim")


def _verdict(book: BookRow, runs: tuple[RunRow, ...]) -> Row:
    if runs:
        return verdict_parts(runs[0].verdict, runs[0].objective if runs[0].promised else "", runs[0].rta)
    if not book.last_run:
        return (Part("NEVER", "unk", ("bold",)),) if book.kind == "drill" else ()
    return (Part(safe(book.last_verdict).upper(), verdict_role(book.last_worst)),)


def book_details(book: BookRow, runs: tuple[RunRow, ...] = ()) -> tuple[Row, ...]:
    """What the details pane says of a runbook."""
    if book.problem is not None:
        return problem_rows(book.problem)
    reviewed = f"reviewed {safe(book.reviewed or 'never')}"
    tags = f"  tags {safe(', '.join(book.tags))}" if book.tags else ""
    review = Part(
        f"{reviewed}, overdue" if book.review == "overdue" else reviewed, "slip" if book.review == "overdue" else "dim"
    )
    return (
        (Part("WHAT       ", "dim"), Part(safe(book.title), "strong", ("bold",)), Part("  "), review),
        (
            Part("WHO        ", "dim"),
            Part(
                f"{safe(book.owner or 'nobody')}  service {safe(book.service or '-')}"
                f"  inventory {safe(book.inventory or '-')}"
            ),
        ),
        *_last_runs(runs),
        *_people(runs),
        (Part("FILE       ", "dim"), Part(f"{safe(book.path)}{tags}", "dim")),
        *prose_rows(safe_lines(book.description)),
    )


def _last_runs(runs: tuple[RunRow, ...]) -> tuple[Row, ...]:
    if not runs:
        return ()
    parts: list[Part] = [Part("LAST RUNS  ", "dim")]
    for run in runs[:4]:
        parts += [
            Part(f"{safe(run.started[:10])} ", "dim"),
            *verdict_parts(run.verdict, run.objective if run.promised else "", run.rta),
            Part("   "),
        ]
    return (tuple(parts),)


def _people(runs: tuple[RunRow, ...]) -> tuple[Row, ...]:
    """Who has done it: one person alone is a risk, and is said to be."""
    led = [safe(run.operator) for run in runs]
    if len(led) < 2:  # noqa: PLR2004 - one run says nothing about people
        return ()
    names = sorted(set(led), key=led.count, reverse=True)
    if len(names) == 1:
        return (
            (
                Part("PEOPLE     ", "dim"),
                Part(names[0], "strong", ("bold",)),
                Part(f" led {len(led)} of {len(led)} runs.  "),
                Part("Nobody else has done this.", "slip", ("bold",)),
            ),
        )
    return ((Part("PEOPLE     ", "dim"), Part(", ".join(f"{name} {led.count(name)}" for name in names))),)


class RunList(Listing):
    """Records."""

    key = "3"
    COLUMNS = (
        Column("VERDICT", 11), Column("STARTED", 16), Column("RUNBOOK", 12, grows=True), Column("ENV", 10, 3),
        Column("LED BY", 8, 2), Column("TOOK", 8, 1, right=True), Column("RTA", 8, right=True),
        Column("OBJECTIVE", 12, 4),
    )  # fmt: skip

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's own parameter
        """Begin empty."""
        super().__init__(id=id)
        self._runs: tuple[RunRow, ...] = ()
        self._verdict = 11
        """Cells of the widest verdict in the list."""

    def fill(self, runs: tuple[RunRow, ...]) -> None:
        """Show these."""
        self._runs = runs
        self._verdict = max([11, *(len(run.verdict) for run in runs)])
        self.heading("Records", f"  {len(runs)}", aside=(Part("Enter replays, or attaches to a live one", "dim"),))
        self.changed()

    def table(self, width: int) -> Table:
        """A verdict is said whole."""
        columns = (Column("VERDICT", self._verdict), *self.COLUMNS[1:])
        return table(columns, width - 1, self.glyphs.cut)

    @property
    def count(self) -> int:
        """How many."""
        return len(self._runs)

    @property
    def here(self) -> RunRow | None:
        """The one under the cursor; None in an empty list."""
        return self._runs[self.cursor] if self._runs else None

    def row(self, index: int, width: int) -> Row:
        """Verdict, when, runbook, where, who, how long, recovery time."""
        run = self._runs[index]
        return self.table(width).row(
            {
                "VERDICT": Part(
                    safe(run.verdict).upper(), verdict_role(run.worst, run.objective), ("bold",) if run.live else ()
                ),
                "STARTED": Part(safe(run.started[:16].replace("T", " ")), "dim"),
                "RUNBOOK": (Part(safe(run.runbook)), Part(f" {tail_of(run.id)}", "dim")),
                "ENV": Part(safe(run.environment).upper(), "dim"),
                "LED BY": Part(safe(run.operator), "dim"),
                "TOOK": Part(lasting(run.duration), "dim"),
                "RTA": Part("-" if run.rta is None else lasting(run.rta)),
                "OBJECTIVE": Part(safe(run.objective.replace("_", " ")), "dim"),
            }
        )


def run_details(run: RunRow) -> tuple[Row, ...]:
    """What the details pane says of a run."""
    rta = (
        "not measured" if run.rta is None else f"{duration(run.rta)}, objective {safe(run.objective.replace('_', ' '))}"
    )
    return (
        (Part("RUN        ", "dim"), Part(safe(run.id), "strong", ("bold",)), Part(f"  {safe(run.kind)}", "dim")),
        (
            Part("CAME OUT   ", "dim"),
            Part(
                f"{safe(run.verdict)}, took {duration(run.duration)},"
                f" started by {safe(run.operator)} at {safe(run.started)}"
            ),
        ),
        (Part("RECOVERY   ", "dim"), Part(f"recovery time {rta}")),
        *(((Part("WHY        ", "dim"), Part(safe(brief(run.reason)))),) if run.reason else ()),
        *(((Part("ROLLBACK   ", "dim"), Part(f"rollback {short_words(run.rollback)}")),) if run.is_rolled_back else ()),
    )


def matches(row: BookRow | RunRow, wanted: str) -> bool:
    """True when every word of the filter occurs in the row; a word after `!` must not."""
    if isinstance(row, BookRow):
        texts = (row.name, row.title, row.kind, row.owner, row.service, row.review, row.last_verdict, *row.tags)
    else:
        texts = (row.id, row.runbook, row.kind, row.operator, row.verdict, row.objective, row.environment)
    text = " ".join(texts).casefold()
    for word in wanted.casefold().split():
        if word.startswith("!") and len(word) > 1:
            if word[1:] in text:
                return False
        elif word not in text:
            return False
    return True
