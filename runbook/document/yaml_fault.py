"""A YAML parser's complaint in the words of somebody who looks for the mistake.

A parser notices a quote or a bracket that is not closed where the next thing does not fit, which may be a hundred lines
below. What a person has to find is where it was opened, so that is the place that is named. Pure: it is told what the
parser said and looks at the text.
"""

from __future__ import annotations

from typing import NamedTuple

from runbook.problem import Problem, Where

_CLOSED_BY = {"{": "}", "[": "]", '"': '"', "'": "'"}
_HINTS = {
    "mapping values": 'Quote the text: a colon followed by a space starts a value, as in "note: this".',
    "found character": 'Quote the text: "{first}" cannot begin a plain value.',
}


class Spot(NamedTuple):
    """A place in the text, both from 0."""

    line: int
    column: int


class Complaint(NamedTuple):
    """What the parser said."""

    problem: str
    context: str
    noticed: Spot | None
    """Where it could not go on."""
    begun: Spot | None
    """Where what it was reading began."""


def fault(said: Complaint, text: str, file: str) -> Problem:
    """The problem, with its place and the fix for the mistakes that people make most."""
    lines = text.split("\n")
    spot = said.noticed or said.begun
    rest = lines[spot.line][spot.column :] if spot is not None and spot.line < len(lines) else ""
    if rest.startswith("\t"):
        why, fix = "YAML indents with spaces only", "Use spaces."
        return Problem(what="a tab", why=why, fix=fix, where=_where(file, spot), code="tab")
    return _not_closed(said, lines, file) or _closed_early(said, lines, file) or _other(said, rest, file, spot)


def _not_closed(said: Complaint, lines: list[str], file: str) -> Problem | None:
    """A quote or a bracket whose end was never found."""
    begun = _opened(said, lines)
    opening = lines[begun.line][begun.column : begun.column + 1] if begun and begun.line < len(lines) else ""
    if opening not in _CLOSED_BY:
        return None
    noticed = f", which was noticed in line {said.noticed.line + 1}" if said.noticed else ""
    return Problem(
        what=f"the {opening} that opens here is not closed{noticed}",
        why=said.problem,
        fix=f"Close it with {_CLOSED_BY[opening]}",
        where=_where(file, begun),
        code="bad-yaml",
    )


def _opened(said: Complaint, lines: list[str]) -> Spot | None:
    """Where what the parser was reading begins; None where it was nothing that has to be closed."""
    if said.begun is None:
        return None
    if said.context.endswith(("flow mapping", "flow sequence", "quoted scalar")):
        return said.begun
    if not said.context.endswith("flow node"):
        return None
    before = _before(lines, said.begun).rstrip()
    return _spot(before, len(before) - 1)


def _before(lines: list[str], spot: Spot) -> str:
    """The text in front of a place, which may be the end of all."""
    return "\n".join((*lines[: spot.line], *(line[: spot.column] for line in lines[spot.line : spot.line + 1])))


def _spot(text: str, at: int) -> Spot:
    return Spot(text.count("\n", 0, at), at - text.rfind("\n", 0, at) - 1)


def _closed_early(said: Complaint, lines: list[str], file: str) -> Problem | None:
    """A quote within a quoted text ended it, and what stands behind does not fit."""
    spot = said.noticed
    if spot is None or spot.line >= len(lines) or not said.problem.startswith("did not find expected"):
        return None
    before = _before(lines, spot)
    quote = before[-1:]
    opened = before.rfind(quote, 0, len(before) - 1) if quote in {"'", '"'} else -1
    if opened < 0:
        return None
    twice = "''" if quote == "'" else '\\"'
    begun = _spot(before, opened)
    return Problem(
        what=f"the {quote} that opens here ends in line {spot.line + 1}, column {spot.column}, and more follows",
        why=said.problem,
        fix=f"Write a {quote} inside as {twice}, or use the other kind of quotes; or close one that began before.",
        where=_where(file, begun),
        code="bad-yaml",
    )


def _other(said: Complaint, rest: str, file: str, spot: Spot | None) -> Problem:
    hint = next((text for start, text in _HINTS.items() if said.problem.startswith(start)), "")
    return Problem(
        what="not valid YAML",
        why=", ".join(part for part in (said.problem, said.context) if part),
        fix=hint.format(first=rest[:1]) or "Check indentation, quotes and brackets here.",
        where=_where(file, spot),
        code="bad-yaml",
    )


def _where(file: str, spot: Spot | None) -> Where:
    return Where(file) if spot is None else Where(file, spot.line + 1, spot.column + 1)
