"""A node set in the room that there is: broken at its commas where there are rows, cut with a count where not.

Half of a range is a wrong set of hosts, so a set is only ever parted between two of its pieces.
"""

from __future__ import annotations

import re

from runbook.view.look.cells import cells, fitted

_PIECE = re.compile(r"[^,\[\]]+(?:\[[^\]]*\][^,\[\]]*)*")
_SET = re.compile(r"^([^\[\]]*)\[([^\[\]]*)\]([^\[\]]*)$")


def cut_set(folded: str, width: int, cut: str = "~") -> str:
    """As many hosts as fit, and `+11` for those that are not named."""
    if cells(folded) <= width:
        return folded
    pieces = _pieces(folded)
    for count in range(len(pieces) - 1, 0, -1):
        rest = sum(hosts for _, hosts in pieces[count:])
        text = f"{_joined([piece for piece, _ in pieces[:count]])}+{rest}"
        if cells(text) <= width:
            return text
    return fitted(folded, width, cut)


def broken_set(folded: str, width: int) -> tuple[str, ...]:
    """In as many rows as it takes, each at most so wide; those after the first begin below the first number."""
    hang = " " * (folded.index("[") + 1 if "[" in folded and folded.index("[") < width // 2 else 0)
    lines = [""]
    for piece in re.findall(r"[^,]+,?", folded):
        if lines[-1].strip() and cells(lines[-1] + piece) > width:
            lines.append(hang)
        lines[-1] += piece
    return tuple(lines)


def _pieces(folded: str) -> list[tuple[str, int]]:
    """The pieces of a set as sets of their own, with how many hosts each names."""
    found: list[tuple[str, int]] = []
    for part in _PIECE.findall(folded):
        inside = _SET.match(part)
        if inside is None:
            found.append((part, 1))
            continue
        front, ranges, back = inside.groups()
        found += [(f"{front}[{one}]{back}", _many(one)) for one in ranges.split(",")]
    return found


def _many(one: str) -> int:
    first, _, last = one.partition("-")
    return int(last) - int(first) + 1 if first.isdigit() and last.isdigit() else 1


def _joined(pieces: list[str]) -> str:
    """Pieces with the same front and back share their brackets again."""
    grouped: list[tuple[str, list[str], str]] = []
    for piece in pieces:
        inside = _SET.match(piece)
        front, ranges, back = inside.groups() if inside else (piece, "", "")
        if grouped and ranges and grouped[-1][0] == front and grouped[-1][2] == back and grouped[-1][1]:
            grouped[-1][1].append(ranges)
        else:
            grouped.append((front, [ranges] if ranges else [], back))
    return ",".join(f"{front}[{','.join(ranges)}]{back}" if ranges else front for front, ranges, back in grouped)
