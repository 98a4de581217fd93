"""The library's two lists: runbooks as written, runs as recorded."""

from __future__ import annotations

from runbook.tui.widgets.problem_rows import problem_rows
from runbook.tui.widgets.prose_rows import prose_rows
from runbook.tui.widgets.rows import Part, Row, Rows, fit
from runbook.view.reasons import brief
from runbook.view.sanitize import safe, safe_lines
from runbook.view.undoing import short_words
from runbook.view.words import VERDICT_COLOURS, duration
from runbook.workspace.rows import BookRow, RunRow

_NARROWEST = 11
"""Cells of the column of verdicts, which grows with the longest word in it."""
_WIDE = 92
"""Cells from which a row has room for the service and the owner."""


class BookList(Rows):
    """Runbooks."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's own parameter
        """Begin empty."""
        super().__init__(id=id)
        self._books: tuple[BookRow, ...] = ()

    def fill(self, books: tuple[BookRow, ...]) -> None:
        """Show these."""
        self._books = books
        self.heading(f"1 Runbooks {len(books)} - Enter opens")
        self.changed()

    @property
    def count(self) -> int:
        """How many."""
        return len(self._books)

    @property
    def here(self) -> BookRow | None:
        """The one under the cursor; None in an empty list."""
        return self._books[self.cursor] if self._books else None

    def row(self, index: int, width: int) -> Row:
        """Kind, name, owner, review, last run."""
        book = self._books[index]
        if book.problem is not None:
            return (
                Part(" BROKEN     ", "vermillion", ("bold",)),
                Part(fit(book.name or book.path, max(8, width - 12))),
            )
        wide = width >= _WIDE
        name = fit(book.name, max(12, width - (68 if wide else 45)))
        owner = (Part(f" {fit(book.owner, 12)} {fit(book.service, 9)}", "grey"),) if wide else ()
        return (Part(f" {fit(book.kind, 9)}  "), Part(name, attributes=("bold",)), *owner, Part(" "), *_state(book))


def _state(book: BookRow) -> Row:
    review = {
        "ok": Part("reviewed ", "green"),
        "overdue": Part("OVERDUE  ", "orange", ("bold",)),
        "never": Part("UNREVIEWD", "orange"),
    }[book.review]
    last = fit(f"{book.last_run[:10]} {book.last_verdict}".strip() or "never run", 22)
    return (review, Part(" "), Part(last, VERDICT_COLOURS.get(book.last_worst, "grey")))


def book_details(book: BookRow) -> tuple[Row, ...]:
    """What the details pane says of a runbook."""
    if book.problem is not None:
        return problem_rows(book.problem)
    about = (
        f"{book.kind}  owner {book.owner or 'nobody'}  service {book.service or '-'}  inventory {book.inventory or '-'}"
    )
    reviewed = f"reviewed {book.reviewed or 'never'}{', overdue' if book.review == 'overdue' else ''}"
    tags = f"  tags {', '.join(book.tags)}" if book.tags else ""
    return (
        (Part(book.title, "sky", ("bold",)),),
        (Part(about, "grey"),),
        (Part(f"{reviewed}  {book.path}{tags}", "grey"),),
        *prose_rows(safe_lines(book.description)),
    )


class RunList(Rows):
    """Records."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's own parameter
        """Begin empty."""
        super().__init__(id=id)
        self._runs: tuple[RunRow, ...] = ()
        self._verdict = _NARROWEST
        """Cells of the widest verdict in the list."""

    def fill(self, runs: tuple[RunRow, ...]) -> None:
        """Show these."""
        self._runs = runs
        self._verdict = max([_NARROWEST, *(len(run.verdict) for run in runs)])
        self.heading(f"2 Runs {len(runs)} - Enter replays, or attaches to a live one")
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
        """Verdict, when, runbook, recovery time."""
        run = self._runs[index]
        rta = "-" if run.rta is None else duration(run.rta)
        wide = width >= _WIDE
        tail = f" {duration(run.duration):>8}  {rta:>8} {fit(run.objective, 12)}" if wide else f" {rta:>8}"
        when = run.started[:16].replace("T", " ")
        return (
            Part(
                f" {fit(run.verdict.upper(), self._verdict)} ",
                VERDICT_COLOURS.get(run.worst, "grey"),
                ("bold",) if run.live else (),
            ),
            Part(f"{fit(when, 16)} ", "grey"),
            Part(fit(run.runbook, max(12, width - self._verdict - (52 if wide else 28)))),
            Part(tail),
        )


def run_details(run: RunRow) -> tuple[Row, ...]:
    """What the details pane says of a run."""
    rta = "not measured" if run.rta is None else f"{duration(run.rta)}, objective {run.objective}"
    return (
        (Part(run.id, "sky", ("bold",)), Part(f"  {run.kind}")),
        (Part(f"{run.verdict}, took {duration(run.duration)}, started by {run.operator} at {run.started}", "grey"),),
        (Part(f"recovery time {rta}"),),
        *(((Part(safe(brief(run.reason))),),) if run.reason else ()),
        *(((Part(f"rollback {short_words(run.rollback)}"),),) if run.is_rolled_back else ()),
    )


def matches(row: BookRow | RunRow, wanted: str) -> bool:
    """True when every word of the filter occurs in the row; a word after `!` must not."""
    if isinstance(row, BookRow):
        texts = (row.name, row.title, row.kind, row.owner, row.service, row.review, row.last_verdict, *row.tags)
    else:
        texts = (row.id, row.runbook, row.kind, row.operator, row.verdict, row.objective)
    text = " ".join(texts).casefold()
    for word in wanted.casefold().split():
        if word.startswith("!") and len(word) > 1:
            if word[1:] in text:
                return False
        elif word not in text:
            return False
    return True
