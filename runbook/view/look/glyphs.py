"""The shapes of the screen, in two columns of the same width: Unicode where a terminal can show it, ASCII where not.

A shape carries what a colour only helps with: height is badness, a dotted line is ahead, a hatched one is broken on
purpose. The two columns are never mixed on one screen. Which one a terminal gets is a question of its encoding and its
fonts, and has nothing to do with whether it has colours.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

_NARROW_FONTS = ("dumb", "linux", "vt")
"""Beginnings of `TERM` whose fonts lack blocks or heavy lines."""
_AMBIGUOUS = ("zh", "ja", "ko")
"""Languages in which terminals draw these shapes two cells wide."""


class Glyphs(msgspec.Struct, frozen=True, kw_only=True):
    """One column of the table. Each is one cell, but for `digits`, which is the way to draw them."""

    good: str
    few: str
    """Less than a third of what a cell holds is bad."""
    some: str
    """Less than two thirds."""
    most: str
    """Not all."""
    bad: str
    unknown: str
    lost: str
    fault: str
    worked: str
    over: str
    """Worked, past its plan."""
    waited: str
    """Waited for people."""
    ahead: str
    lease_end: str
    now: str
    head: str
    """Of a bar that grows."""
    spread: str
    eta: str
    outage: str
    limit: str
    limit_on_bar: str
    tick: str
    cursor: str
    rule: str
    rule_here: str
    """Over the pane that has the keys."""
    column: str
    pending: str
    cut: str
    to: str
    """Between the ends of a span of numbers."""
    tally: str
    """One of several of a kind."""
    levels: str
    """Heights of a trend, from the lowest to the limit; then those beyond it."""
    digits: Literal["boxes", "segments"]

    def cell(self, share: float) -> str:
        """A time cell of which so much is bad, 0 to 1. Nothing bad is ever rounded away."""
        if share <= 0:
            return self.good
        if share >= 1:
            return self.bad
        return self.few if share < 1 / 3 else self.some if share < 2 / 3 else self.most


UNICODE = Glyphs(
    good="▁", few="▃", some="▅", most="▆", bad="▇", unknown="░", lost="L", fault="╱", worked="━", over="═", waited="╌",
    ahead="┄", lease_end="┤", now="│", head="▸", spread="▒", eta="▓", outage="┊", limit="╎", limit_on_bar="╋", tick="▏",
    cursor="▌", rule="─", rule_here="━", column="│", pending="·", cut="…", to="–", tally="▪", levels="▁▂▃▄▅▇█",
    digits="boxes",
)  # fmt: skip
ASCII = Glyphs(
    good=".", few="-", some="x", most="x", bad="X", unknown="?", lost="L", fault="/", worked="=", over="#", waited=":",
    ahead=".", lease_end="]", now="|", head=">", spread="~", eta="E", outage=":", limit="!", limit_on_bar="+", tick="|",
    cursor=">", rule="-", rule_here="=", column="|", pending=".", cut="~", to="-", tally="#", levels="1234589",
    digits="segments",
)  # fmt: skip


def choose(environment: Mapping[str, str], encodings: Iterable[str | None]) -> Glyphs:
    """The column that a terminal gets; `encodings` are those of what is written to it.

    `RUNBOOK_GLYPHS` (`unicode` or `ascii`) decides where it is set. Otherwise every encoding must be UTF-8, `TERM` one
    whose fonts are known to have the shapes, and the language none in which they are two cells wide.
    """
    wanted = environment.get("RUNBOOK_GLYPHS", "")
    if wanted in {"unicode", "ascii"}:
        return UNICODE if wanted == "unicode" else ASCII
    fits = all(_is_utf8(encoding) for encoding in encodings)
    return UNICODE if fits and not _is_poor(environment) else ASCII


def _is_poor(environment: Mapping[str, str]) -> bool:
    locale = next((environment[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environment.get(name)), "")
    return environment.get("TERM", "dumb").startswith(_NARROW_FONTS) or locale.lower().startswith(_AMBIGUOUS)


def _is_utf8(encoding: str | None) -> bool:
    try:
        return codecs.lookup(encoding or "ascii").name == "utf-8"
    except LookupError:
        return False
