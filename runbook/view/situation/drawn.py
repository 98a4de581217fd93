"""The situation as rows: the recovery clock, the strips of the service, faults, sections, all on the one axis.

Every row is a label, cells, and facts. Lines that mean a moment (the outage, now, the limit) run through all of them,
and stand wherever nothing else does.
"""

from __future__ import annotations

from runbook.view.look.canvas import Canvas
from runbook.view.look.cells import cells, fitted
from runbook.view.look.part import Part, Row
from runbook.view.situation.clock_drawn import large_clock, small_clock
from runbook.view.situation.facts import Facts
from runbook.view.situation.leases import FaultStrip, draw_fault, fault_facts, fault_label
from runbook.view.situation.sections import SectionStrip, draw_section, section_facts, section_label
from runbook.view.situation.service import Strip, most_wanted, strip_cells, strip_facts
from runbook.view.situation.sheet import Sheet, nothing


def situation(sheet: Sheet) -> tuple[Row, ...]:
    """All rows of the situation, from the clock on."""
    facts, room = sheet.facts, sheet.room
    shown, more = most_wanted(facts.strips, room.probes)
    clock = large_clock if room.size == "large" else small_clock
    rows = [
        *clock(sheet),
        *(strip_row(sheet, strip, more if strip is shown[-1] else 0) for strip in shown),
        *(fault_row(sheet, fault) for fault in facts.faults[: room.faults]),
    ]
    sections = [strip for strip in facts.sections if strip.id != "0"][: room.sections]
    if sections:
        gap = () if len(facts.strips) + len(facts.faults) > 6 else (sheet.row((), nothing, ()),)  # noqa: PLR2004 - room
        rows += [*gap, *(section_row(sheet, strip) for strip in sections)]
    return (*rows, legend(sheet)) if room.legend else tuple(rows)


def strip_row(sheet: Sheet, strip: Strip, more: int = 0) -> Row:
    """A probe."""
    is_wide = sheet.room.label > 20  # noqa: PLR2004 - room for a word beside a name
    behind = f" +{more}{' good' if is_wide else ''}" if more else ""
    name = fitted(strip.name, sheet.room.label - 2 - cells(behind), sheet.glyphs.cut).rstrip()
    bold = strip.word == "DOWN"
    label = (Part(name, "strong" if bold else "text", ("bold",) if bold else ()), Part(behind, "dim"))

    def draw(canvas: Canvas) -> None:
        for column, part in strip_cells(strip, sheet.axis, sheet.glyphs):
            canvas.lay(sheet.room.label + column, part)

    return sheet.row(label, draw, _strip_facts(sheet, strip))


def _strip_facts(sheet: Sheet, strip: Strip) -> Row:
    has_room = sheet.room.facts > 20  # noqa: PLR2004 - for a remark
    return strip_facts(strip, _end(sheet.facts), remark=has_room, step=sheet.facts.step)


def _end(facts: Facts) -> float:
    return facts.run.now if facts.run.has_ended else facts.now


def fault_row(sheet: Sheet, fault: FaultStrip) -> Row:
    """A fault."""
    label = fault_label(fault, sheet.room.label - 1, sheet.glyphs)
    return sheet.row(
        label,
        lambda canvas: draw_fault(canvas, sheet.room.label, fault, sheet.axis, sheet.glyphs),
        fault_facts(fault, sheet.facts.now, sheet.facts.step),
    )


def section_row(sheet: Sheet, strip: SectionStrip) -> Row:
    """A section."""
    return sheet.row(
        section_label(strip),
        lambda canvas: draw_section(canvas, sheet.room.label, strip, sheet.axis, sheet.glyphs),
        section_facts(strip, sheet.glyphs, sheet.facts.step),
    )


def legend(sheet: Sheet) -> Row:
    """What the shapes mean, and what one cell is."""
    shapes = sheet.glyphs
    some = shapes.few + (shapes.most if shapes.most != shapes.few else "")
    said = (
        (shapes.good, "ok", "good"), (some, "bad", "some bad"), (shapes.bad, "bad", "bad"),
        (shapes.unknown, "unk", "not known"), (shapes.lost, "bad", "lost"), (shapes.fault * 2, "slip", "fault"),
        (shapes.worked, "text", "worked"), (shapes.over, "slip", "over plan"),
        (shapes.waited * 2, "you", "waited for people"), (shapes.ahead, "dim", "planned"),
    )  # fmt: skip
    canvas = Canvas(sheet.width).put(1, f"1 cell = {length(sheet.axis.cell)}", "dim")
    column = sheet.room.label
    for shape, role, name in said:
        pill = ("pill",) if shape == shapes.lost else ()
        canvas.lay(column, Part(shape, role, pill), Part(f" {name}", "dim"))
        column += cells(shape) + cells(name) + 5
    return canvas.row()


def length(seconds: float) -> str:
    """What a cell stands for: `20 s`, `5 min`, `2 h`."""
    whole = int(seconds)
    if whole < 60 or whole % 60:  # noqa: PLR2004 - a minute
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 3600 or whole % 3600 else f"{whole // 3600} h"  # noqa: PLR2004 - an hour
