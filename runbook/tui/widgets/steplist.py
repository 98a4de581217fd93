"""The steps of a run under their sections. It stays with the step that is being done until somebody moves."""

from __future__ import annotations

from rich.cells import cell_len
from textual.reactive import reactive

from runbook.tui.widgets.rows import Part, Row, Rows, fit
from runbook.view.look.marks import state_mark
from runbook.view.look.numbers import NOTICEABLE, aged, lasting
from runbook.view.outline import OutlineRow, current, outline
from runbook.view.sanitize import safe
from runbook.view.situation.facts import Facts
from runbook.view.situation.sections import over_part
from runbook.view.steps import StepRow
from runbook.view.words import Status

_HOUR = 3600
_DETAIL = 14
"""Cells that a detail needs beside the longest name."""


class StepList(Rows):
    """Steps, the one under the cursor decides what the other panes show."""

    key = "1"
    stays: reactive[bool] = reactive(True, repaint=False)
    """The cursor stays with the step that is being done."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's own parameter
        """Begin empty."""
        super().__init__(id=id)
        self._rows: tuple[OutlineRow, ...] = ()
        self._widest = 0
        """Cells of the longest name, so that details stand in a column."""
        self._time = 6
        """Cells of a column of times."""
        self._age_step = 1.0
        self._asked: frozenset[str] = frozenset()
        """Steps about which a person is asked."""
        self.is_at_edge = True
        """It reaches to the right edge of the screen, where the last cell stays free."""

    def show(self, facts: Facts) -> None:
        """The steps as they are at that moment."""
        self._rows = outline(facts.run, facts.steps, facts.sections)
        self._age_step = facts.step
        self._asked = frozenset(facts.run.gates[gate].opened.step for gate in facts.run.open_gates)
        self._widest = max((cell_len(_name(row.step)) for row in self._rows), default=0)
        times = [seconds for row in facts.steps for seconds in (row.elapsed or 0.0, row.expected)]
        self._time = 8 if max(times, default=0.0) >= _HOUR else 6
        self.heading("Steps", f"  {_counts(facts.leaves)}")
        self.changed()
        if self.stays:
            with self.prevent(Rows.Moved):
                self.cursor = current(self._rows, self._asked)
            self.keep_in_sight()

    @property
    def count(self) -> int:
        """How many rows, sections included."""
        return len(self._rows)

    @property
    def here(self) -> StepRow | None:
        """The step under the cursor; None before the first run."""
        return self._rows[self.cursor].step if self._rows else None

    def columns(self, width: int) -> Row:
        """What the numbers are, where there are rows for saying so."""
        if self.size.height < 9:  # noqa: PLR2004 - every row counts
            return ()
        return self._laid((Part(" STATE ", "dim"),), "STEP", ("done", "plan", "took", "over"), width)

    def go_to(self, step: str) -> None:
        """To a step, and stay there."""
        found = next(
            (index for index, row in enumerate(self._rows) if row.section is None and row.step.id == step), None
        )
        if found is not None:
            self.stays = False
            self.cursor = found

    def go_to_bad(self, direction: int) -> bool:
        """To the next step that went badly, or the one before, round the ends; False when there is none."""
        bad = [index for index, row in enumerate(self._rows) if row.is_bad]
        ahead = [index for index in bad if (index - self.cursor) * direction > 0]
        if not bad:
            return False
        chosen = ahead or bad
        self.stays = False
        self.cursor = chosen[0] if direction > 0 else chosen[-1]
        return True

    def keep_in_sight(self) -> None:
        """While it stays with the run, what comes next is seen too: the row is kept in the middle third."""
        if not self.stays:
            super().keep_in_sight()
            return
        room = max(1, self.size.height - self.front)
        place = self.cursor - int(self.scroll_offset.y)
        if not room // 3 <= place <= 2 * room // 3 or place >= room:
            top = max(0, min(self.cursor - room // 2, self.count - room))
            if top != self.scroll_offset.y:
                self.scroll_to(y=top, animate=False, immediate=True, force=True)

    # --- rows ---------------------------------------------------------------------------------------------------------

    def row(self, index: int, width: int) -> Row:
        """State, name, how many hosts, planned and taken time, and how far over the plan."""
        row = self._rows[index]
        return self._section(row, width) if row.section is not None else self._step(row, width)

    def _section(self, row: OutlineRow, width: int) -> Row:
        strip = row.section
        if strip is None:
            return ()
        is_ahead = strip.took is None
        state = () if is_ahead else state_mark(strip.status, self.glyphs)
        if strip.status is Status.OK:
            state = (Part("OK   ", "dim"),)
        name = Part(f"{strip.id} {strip.name}", *(("dim",) if is_ahead else ("strong", ("bold",))))
        is_live = strip.status in {Status.RUNNING, Status.WAITING}
        took = Part(
            "" if is_ahead else aged(strip.took or 0.0, self._ages(strip.status)),
            "strong" if is_live else "dim",
            ("bold",) if is_live else (),
        )
        plan = Part(lasting(strip.expected) if strip.expected else "", "dim")
        over = over_part(strip.over, width=7).text.strip()
        front = (*(state or (Part(" " * 5),)), Part(" "))
        return self._laid(front, name, (Part(""), plan, took, Part(over, "slip", ("bold",))), width)

    def _step(self, row: OutlineRow, width: int) -> Row:
        step = row.step
        is_ahead, is_live = step.status is Status.PENDING, step.status in {Status.RUNNING, Status.WAITING}
        role, bold = ("dim", ()) if is_ahead else ("strong", ("bold",)) if is_live else ("text", ())
        plan = Part(lasting(step.expected) if step.expected else "", "dim")
        took = Part("" if step.elapsed is None else aged(step.elapsed, self._ages(step.status)), role, bold)
        over = over_part(step.over if step.over > NOTICEABLE else 0.0, width=7).text.strip()
        gate = (Part("GATE ", "you", ("bold",)),) if _is_gate_ahead(step) else ()
        name = (
            Part(f"  {'  ' * step.depth}{safe(step.id)} ", "dim" if is_ahead else role, bold),
            *gate,
            Part(step.name, role, bold),
        )
        front = (*state_mark(step.status, self.glyphs), Part(" "))
        detail = Part(step.detail, "dim")
        return self._laid(
            front,
            (*name, Part(" "), detail) if self._has_detail(width) else name,
            (Part(row.done, role, bold), plan, took, Part(over, "slip", ("bold",))),
            width,
        )

    def _ages(self, status: Status) -> float:
        """What only waits goes on in steps, and is not sent anew every second."""
        return self._age_step if status is Status.WAITING else 1.0

    def _has_detail(self, width: int) -> bool:
        return width - 13 - 4 * self._time > self._widest + _DETAIL

    def _laid(self, front: Row, name: str | Part | Row, tail: tuple[str | Part, ...], width: int) -> Row:
        """Columns from the right; the name gets what they leave."""
        times = [Part(each, "dim") if isinstance(each, str) else each for each in tail]
        cells = [6, self._time, self._time, self._time + 1]
        if not any(part.text for part in times[-1:]) and width < 40:  # noqa: PLR2004 - names come first
            times, cells = times[:-1], cells[:-1]
        used = sum(cell_len(part.text) for part in front)
        room = width - used - sum(cells) - int(self.is_at_edge)
        spare = max(0, cells[0] - 1 - cell_len(times[0].text))  # a long name may use what a short count leaves
        room, cells = room + spare, [cells[0] - spare, *cells[1:]]
        parts = (Part(name, "dim"),) if isinstance(name, str) else (name,) if isinstance(name, Part) else name
        columns = [part._replace(text=f"{part.text:>{cell}}") for part, cell in zip(times, cells, strict=True)]
        return (*front, *_cut(parts, room, self.glyphs.cut), *columns)

    # --- moving -------------------------------------------------------------------------------------------------------

    def action_up(self) -> None:
        """One row up; stays there."""
        self.stays = False
        super().action_up()

    def action_down(self) -> None:
        """One row down; stays there until it meets the step that is being done."""
        super().action_down()
        self.stays = self.cursor == current(self._rows, self._asked)

    def action_first(self) -> None:
        """To the first step."""
        self.stays = False
        super().action_first()

    def action_last(self) -> None:
        """Back to the step that is being done."""
        self.stays = True
        self.cursor = current(self._rows, self._asked)


def _cut(parts: Row, room: int, mark: str) -> Row:
    """Pieces in exactly so many cells."""
    kept: list[Part] = []
    for part in parts:
        if cell_len(part.text) > room:
            kept.append(
                part._replace(
                    text=fit(part.text.rstrip(), max(0, room)) if part.text.isspace() else _clip(part.text, room, mark)
                )
            )
            return tuple(kept)
        kept.append(part)
        room -= cell_len(part.text)
    return (*kept, Part(" " * max(0, room)))


def _clip(text: str, room: int, mark: str) -> str:
    if room <= 0:
        return ""
    front = fit(text, room)
    return front[:-1] + mark if front.endswith("~") else front


def _name(step: StepRow) -> str:
    return f"  {'  ' * step.depth}{step.id} {'GATE ' if _is_gate_ahead(step) else ''}{step.name}"


def _is_gate_ahead(step: StepRow) -> bool:
    return step.is_gate and step.outcome is None


def _counts(rows: tuple[StepRow, ...]) -> str:
    """`17 done, 1 runs, 10 ahead`."""
    done = sum(row.outcome is not None for row in rows)
    ahead = sum(row.elapsed is None and row.outcome is None for row in rows)
    live = len(rows) - done - ahead
    said = (
        f"{done} done",
        f"{live} runs" if live == 1 else f"{live} run" if live else "",
        f"{ahead} ahead" if ahead else "",
    )
    return ", ".join(text for text in said if text)
