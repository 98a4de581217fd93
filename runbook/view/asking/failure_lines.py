"""The menu of a failed step in lines: who failed, how and in what words, then each choice with what it would reach.

Made from the same menu as the screen's, for the line mode and for `runbook approve`, which may be read where nobody can
see the record.
"""

from __future__ import annotations

from collections.abc import Iterator

from runbook.view.asking.failure import FailureGroup, FailureMenu
from runbook.view.words import MARKS, duration


def failed_lines(menu: FailureMenu) -> Iterator[str]:
    """Who failed, the gravest first; every line is safe to show."""
    yield f"{menu.step} {menu.name}: {menu.summary}"
    yield from (f"  {_group(menu.step, group)}" for group in menu.groups)


def way_lines(menu: FailureMenu) -> Iterator[str]:
    """The choices by number and word, in the order in which they are offered, and what each would do."""
    width = max(len(way.answer) for way in menu.ways)
    for number, way in enumerate(menu.ways, start=1):
        eta = "" if way.eta is None else f"; ETA {'>=' if menu.at_least else ''}{duration(way.eta)}"
        asks = "; asks for a reason" if way.needs_reason else f'; asks for "{way.word}"' if way.word else ""
        yield f"  {number}  {way.answer:<{width}}  {way.label}: {way.does}{eta}{asks}"


def _group(failed_step: str, group: FailureGroup) -> str:
    word = MARKS[group.status].word
    if not group.hosts:
        return f"{word:<5} {group.words}"
    where = f"in {group.step}" if group.step != failed_step else ""
    took = f"({duration(group.took)})" if group.took is not None else ""
    parts = (group.folded, where, group.how, group.words, took)
    return f"{word:<5} {len(group.hosts):>3}  {'  '.join(part for part in parts if part)}"
