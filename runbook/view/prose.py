"""What authors write for people (a gate's message, a notice, a description) with the harmless part of Markdown.

Bold, code, headings, lists, and links as text beside their address: what makes an instruction easier to read at 03:00,
and nothing that could load, hide or run something. It works on lines that went through the sanitiser, keeps them as
lines, and takes away only the marks it understands; anything else stands there as it was written. The line mode and
the report show the text as it is, because it reads well without this.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

Look = Literal["plain", "strong", "code", "heading", "address"]

_FENCE = re.compile(r"\s*```[A-Za-z0-9_+-]{0,20}\s*$")
"""With a language at most: a line with more on it is shown."""
_HEADING = re.compile(r"#{1,6} +(.*?)(?: +#+)?$")
_ITEM = re.compile(r"( *)[-*+] +(.*)$")
_INLINE = re.compile(
    r"`(?P<code>[^`]+)`"
    r"|\*\*(?P<strong>(?=\S)[^*]+(?:\*[^*]+)*(?<=\S))\*\*"
    r"|\[(?P<text>[^\[\]]{1,300})\]\((?P<url>[^()\s]{1,1000})\)"
)


class Piece(msgspec.Struct, frozen=True):
    """A piece of a line."""

    text: str
    """As safe to show as the line it is from."""
    look: Look = "plain"


Line = tuple[Piece, ...]


def prose(lines: Iterable[str]) -> tuple[Line, ...]:
    """Safe lines as pieces, line for line; the lines that begin and end a block of code are left out."""
    return tuple(_blocks(lines))


def _blocks(lines: Iterable[str]) -> Iterator[Line]:
    is_code = False
    for line in lines:
        if _FENCE.match(line):
            is_code = not is_code
        elif is_code:
            yield (Piece(f"  {line}", "code"),)
        else:
            yield tuple(_line(line))


def _line(line: str) -> Iterator[Piece]:
    heading = _HEADING.match(line)
    if heading:
        yield Piece(heading[1], "heading")
        return
    item = _ITEM.match(line)
    if item:
        yield Piece(f"{item[1]}- ")
    yield from _inline(item[2] if item else line)


def _inline(text: str) -> Iterator[Piece]:
    done = 0
    for found in _INLINE.finditer(text):
        if found.start() > done:
            yield Piece(text[done : found.start()])
        done = found.end()
        yield from _marked(found)
    if done < len(text):
        yield Piece(text[done:])


def _marked(found: re.Match[str]) -> Iterator[Piece]:
    if found["code"]:
        yield Piece(found["code"], "code")
    elif found["strong"]:
        yield Piece(found["strong"].replace("`", ""), "strong")
    else:
        # The address always stands beside the text: a link that says one thing and leads elsewhere hides nothing.
        yield Piece(found["text"])
        if found["url"] != found["text"]:
            yield Piece(f" ({found['url']})", "address")
