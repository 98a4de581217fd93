"""Whatever a record says, it can be shown, and nothing in it reaches the terminal as it came."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runbook.core.events.entry import Entry
from runbook.core.run import Run
from runbook.view.asking.gates import gate_line, gate_views
from runbook.view.hosts import fold_rows, host_rows
from runbook.view.look.glyphs import ASCII, UNICODE
from runbook.view.look.part import text_of
from runbook.view.outline import outline
from runbook.view.plan import plan_rows, plan_totals, probe_lines
from runbook.view.situation.column import column_rows
from runbook.view.situation.drawn import situation
from runbook.view.situation.facts import facts_of
from runbook.view.situation.geometry import axis_room
from runbook.view.situation.leases import fault_line
from runbook.view.situation.sheet import sheet_for
from runbook.view.situation.top import place_row
from runbook.view.situation.wanted import wanted_row
from runbook.view.steps import step_rows
from runbook.view.story.closing import closing
from runbook.view.story.lines import narrate
from runbook.view.story.told import told
from runbook.view.story.waiting import waiting
from runbook.view.timeline import draw, event_marks, timeline
from tests.builders import ANNA
from tests.view.reachable import folded, tapes

AS_SENT_BACK = {"word", "choices", "needs_reason", "hosts", "host", "id", "step", "gate", "digest"}
"""Fields that hold the value itself, because it is compared or sent; they say so where they are declared."""


def shown(tape: tuple[Entry, ...], now: float) -> Iterator[object]:
    runs = folded(tape)
    befores: list[Run | None] = [None, *runs]
    for before, after, entry in zip(befores, runs, tape, strict=False):
        yield narrate(before, after, entry)
    run = runs[-1]
    axis = timeline(run, now)
    yield step_rows(run, now)
    yield [fold_rows(host_rows(run, step, now)) for step in run.steps]
    yield from drawn(run, now)
    yield told(run)
    yield waiting(run)
    yield closing(run, "recordings/r1")
    yield gate_views(run, now)
    yield [gate_line(view) for view in gate_views(run, now)]
    yield plan_rows(run.plan)
    yield probe_lines(run.plan)
    yield plan_totals(run.plan)
    yield axis
    yield [draw(row, axis, 40) for row in axis.rows]
    yield event_marks(tape)


def drawn(run: Run, now: float) -> Iterator[object]:
    """The situation of the run at every size, in both columns of shapes."""
    facts = facts_of(run, now, me=ANNA)
    yield [row for row in outline(run, facts.steps, facts.sections) if row.section is not None]
    for width, height, glyphs in ((160, 48, UNICODE), (120, 40, ASCII), (80, 24, UNICODE)):
        sheet = sheet_for(facts, width, axis_room(width, height), glyphs)
        yield [
            text_of(row)
            for row in (place_row(facts, width, glyphs), wanted_row(facts, width, glyphs), *situation(sheet))
        ]
    yield [text_of(row) for row in (*column_rows(facts, 58, ASCII), fault_line(facts.faults, now))]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(tapes(), st.floats(0, 1e6))
def test_every_run_can_be_shown_and_nothing_shown_drives_the_terminal(tape: tuple[Entry, ...], now: float) -> None:
    for part in shown(tape, now):
        for text in texts_in(part):
            assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in text), repr(text)


def texts_in(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case msgspec.Struct():
            for name in value.__struct_fields__:
                if name not in AS_SENT_BACK:
                    yield from texts_in(getattr(value, name))
        case list() | tuple():
            for item in value:
                yield from texts_in(item)
        case _:
            pass
