"""Whether records can be believed: each with its grade, and for one of them every check with what it found and proves.

Records are checked one after the other beside the keys, the newest first, and their rows fill as they are done.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from runbook.problem import Problems
from runbook.tui.actions import bindings
from runbook.tui.screens.opening import opened_run
from runbook.tui.screens.tab import TabScreen
from runbook.tui.widgets.bars import Bar
from runbook.tui.widgets.booklist import Listing
from runbook.tui.widgets.keybar import KeyBar
from runbook.tui.widgets.rows import Part, Row, Rows, fit, wrap
from runbook.view.look.glyphs import Glyphs
from runbook.view.look.table import Column
from runbook.view.sanitize import safe
from runbook.view.situation.top import tail_of
from runbook.workspace.rows import CheckRow, ProofRow, RunRow

_JOURNAL = 36
"""Cells of the strip that stands for a journal."""
_GRADES = {
    "ALTERED": "bad",
    "INCOMPLETE": "slip",
    "NEWER": "unk",
    "EXCEPTED": "slip",
    "": "dim",
    "LIVE": "live",
    "SOUND": "ok",
}
"""The roles of grades, the gravest first; empty: not looked at yet."""
_WELL = {"", "LIVE", "SOUND"}
_STATES = {
    "ok": ("OK", "ok"),
    "note": ("NOTE", "slip"),
    "excepted": ("EXC", "slip"),
    "newer": ("UNK", "unk"),
    "missing": ("MISS", "slip"),
    "altered": ("FAIL", "bad"),
}


class ProofList(Listing):
    """Records with their grades."""

    key = "1"
    COLUMNS = (
        Column("GRADE", 10), Column("RUN", 22, grows=True), Column("STARTED", 17, 2), Column("LINES", 9, 3, right=True),
        Column("JOURNAL, first line to last", _JOURNAL, 1), Column("FIRST BAD", 14, right=True),
    )  # fmt: skip

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's own parameter
        """Begin empty."""
        super().__init__(id=id)
        self._runs: tuple[RunRow, ...] = ()
        self.proofs: dict[str, ProofRow] = {}
        self.only_bad = False

    def fill(self, runs: tuple[RunRow, ...]) -> None:
        """Show these; what is not sound first, then the newest."""
        shown = [run for run in runs if not self.only_bad or self._grade(run) not in _WELL]
        self._runs = tuple(sorted(shown, key=lambda run: list(_GRADES).index(self._grade(run))))
        self.heading("Records", f"  {len(runs)}", aside=(Part("! only those that are not sound", "dim"),))
        self.changed()

    def _grade(self, run: RunRow) -> str:
        proof = self.proofs.get(run.id)
        return proof.grade if proof else ""

    @property
    def count(self) -> int:
        """How many."""
        return len(self._runs)

    @property
    def here(self) -> RunRow | None:
        """The one under the cursor; None in an empty list."""
        return self._runs[self.cursor] if self._runs else None

    def row(self, index: int, width: int) -> Row:
        """Grade, which, when, how long, how far it speaks, where it breaks."""
        run = self._runs[index]
        proof = self.proofs.get(run.id)
        grade = self._grade(run)
        pill = ("pill", "bold") if grade == "ALTERED" else ("bold",) if grade not in _WELL else ()
        return self.table(width).row(
            {
                "GRADE": Part(grade or "not yet", _GRADES[grade], pill),
                "RUN": (Part(safe(run.runbook), "strong", ("bold",)), Part(f" {tail_of(run.id)}", "dim")),
                "STARTED": Part(f"{safe(run.started[:16].replace('T', ' '))}Z"),
                "LINES": Part(f"{proof.lines:,}" if proof else ""),
                "JOURNAL, first line to last": journal_cells(proof, self.glyphs) if proof else (),
                "FIRST BAD": _first_bad(proof) if proof else Part(""),
            }
        )


def journal_cells(proof: ProofRow, glyphs: Glyphs) -> Row:
    """How far a record speaks: what holds, the line that does not, and what nobody can vouch for behind it."""
    good, bad, unknown = glyphs.good, glyphs.bad, glyphs.unknown
    if proof.first_bad and proof.lines:
        place = min(_JOURNAL - 1, int(_JOURNAL * proof.first_bad / max(proof.lines, proof.first_bad)))
        return Part(good * place, "ok"), Part(bad, "bad"), Part(unknown * (_JOURNAL - place - 1), "unk")
    if proof.grade == "INCOMPLETE":
        return Part(good * (_JOURNAL - 1), "ok"), Part(unknown, "unk")
    return (Part(good * _JOURNAL, "ok"),)


def _first_bad(proof: ProofRow) -> Part:
    if proof.first_bad:
        return Part(f"line {proof.first_bad:,}", "bad", ("bold",))
    bad = next((check for check in proof.checks if check.state in {"altered", "missing"}), None)
    return Part(safe(bad.name), "slip") if bad else Part("-", "dim")


_NOT = "Nobody learns from it who wrote this, or whether a host told the truth: only that nothing was changed since."


def check_row(check: CheckRow) -> Row:
    """How a check came out, and what it says."""
    word, role = _STATES[check.state]
    is_bad, is_ok = role == "bad", check.state == "ok"
    where = f"  line {check.line:,}" if check.line and not is_ok else ""
    return (
        Part(word, role, ("pill", "bold") if is_bad else ()),
        Part(" " * (7 - len(word))),
        Part(fit(check.name, 10), "strong" if is_bad else "text"),
        Part(" "),
        Part(f"{safe(check.detail)}{where}", "dim" if is_ok else "text"),
    )


class CheckList(Rows):
    """The checks of one record, each as many rows as it takes."""

    key = "2"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's own parameter
        """Begin empty."""
        super().__init__(id=id)
        self._lines: tuple[Row, ...] = ()

    def show(self, run: RunRow | None, proof: ProofRow | None) -> None:
        """Show what was found."""
        name = f"Checks of {run.runbook} {tail_of(run.id)}" if run else "Checks"
        self.heading(name, aside=(Part("Enter opens the record", "dim"),))
        width = max(20, self._cells - 2)
        lines = [row for check in proof.checks for row in wrap(check_row(check), width, hang=18)] if proof else []
        if proof is not None and proof.head:
            lines += [(), (Part("HEAD   ", "dim"), Part(proof.head)), (Part("NOT    ", "dim"), Part(_NOT))]
        nothing = "not checked yet" if run else "There is no record here yet."
        self._lines = tuple(lines) or ((Part(nothing, "dim"),),)
        self.changed()

    @property
    def count(self) -> int:
        """Rows."""
        return len(self._lines)

    def row(self, index: int, width: int) -> Row:
        """A row as it was laid."""
        del width
        return self._lines[index]

    def _cursor_cell(self, *, here: bool) -> Row:
        return super()._cursor_cell(here=here and self.has_focus)


class VerifyScreen(TabScreen):
    """The tab."""

    NAME = "Verify"
    BINDINGS: ClassVar[list[BindingType]] = bindings("tabs", "verify")

    def compose(self) -> ComposeResult:
        """Records, checks, keys."""
        yield Bar(id="place")
        yield Bar(id="wanted")
        yield ProofList(id="proofs")
        yield CheckList(id="checks")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """The records have the keys."""
        self.query_one(ProofList).focus()

    def refill(self) -> None:
        """Show the records, and check those that were not."""
        self._show()
        self.work(self._check_all, group="check")

    def _show(self) -> None:
        found = self.query_one(ProofList)
        here = found.here
        found.fill(self.loaded.runs)
        if here is not None and found.has_focus and found.cursor == 0:
            found.cursor = 0
        self._checks()
        self.say_top()

    async def _check_all(self) -> None:
        proofs = self.query_one(ProofList).proofs
        for run in self.loaded.runs:
            if run.id not in proofs or run.live:
                proofs[run.id] = await self._checked(run)
                self._show()

    async def _checked(self, run: RunRow) -> ProofRow:
        if run.live:
            return ProofRow(run=run.id, grade="LIVE")
        try:
            return await asyncio.to_thread(self.workspace.verified, run.id)
        except Problems as wrong:
            return ProofRow(run=run.id, grade="INCOMPLETE", why=wrong.problems[0].what)

    @on(Rows.Moved, "#proofs")
    def _checks(self) -> None:
        found = self.query_one(ProofList)
        self.query_one(CheckList).show(found.here, found.proofs.get(found.here.id) if found.here else None)

    def summary(self) -> str:
        """How many are sound."""
        grades = [proof.grade for proof in self.query_one(ProofList).proofs.values()]
        said = [f"{grades.count(grade)} {grade}" for grade in _GRADES if grade in grades]
        return f"{len(grades)} of {len(self.loaded.runs)} records looked at.  {'  '.join(said)}"

    def action_bad_only(self) -> None:
        """Only records that are not sound, or all."""
        found = self.query_one(ProofList)
        found.only_bad = not found.only_bad
        self._show()

    @on(Rows.Opened, "#proofs")
    def _open(self) -> None:
        here = self.query_one(ProofList).here
        if here is not None:
            self.work(partial(self.enter, here), group="open")

    async def enter(self, run: RunRow) -> None:
        """Open a run: live, or its record."""
        self.app.push_screen(await opened_run(self.workspace, run))
