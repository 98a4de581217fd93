r"""How a stream of bytes can be read: what a person sees of it, and what a program that undoes escapes sees.

A secret is hidden where somebody could read it, and not only where its bytes stand side by side. A terminal drops a
colour in the middle of a word, `base64` breaks its lines, `od` puts spaces between, Go writes `<` as `\u003c`. So a
stream is read twice. Squeezed, it is without blanks and control characters. Undone, it is also without escape
sequences, overstriking and characters that nobody sees, and every escaped character is itself. Both readings know which
bytes they came from.

Escapes are undone whatever their depth, because JSON is logged inside JSON: a run of backslashes counts as one, and so
do `&amp;amp;` and `%2525`. A reading decides nothing and holds no state. It may begin at any place where no token is
open: `Undoing.settled` finds such places, and behind every line feed is one.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import NamedTuple

UNSEEN = bytes([*range(0x21), 0x7F])
"""Blanks and control characters: nothing of a secret, wherever they stand."""

_LONGEST_SEQUENCE = 4096
"""Bytes of an escape sequence, as the sanitiser counts them; what is longer is no sequence."""

_LONGEST_ESCAPE = 64
"""Bytes of a token that begins with neither ESC nor its like in UTF-8."""

_SEQUENCE = rb"[\x20-\x3f]{0,%d}" % _LONGEST_SEQUENCE
_STRING = rb"(?:[^\x07\n\r\x18\x1a\x1b\xc2]|\xc2(?!\x9c)){0,%d}" % _LONGEST_SEQUENCE
_TOKENS = {
    rb"\x1b": rb"\[%b[@-~\x18\x1a]?|[\]PX^_]%b(?:[\x07\x18\x1a]|\xc2\x9c|\x1b\\)?|[\x20-\x2f]{0,255}[0-~]?"
    % (_SEQUENCE, _STRING),
    rb"\xc2": rb"\x9b%b[@-~\x18\x1a]?|[\x90\x98\x9d-\x9f]%b(?:[\x07\x18\x1a]|\xc2\x9c|\x1b\\)?|[\xa0\xad]"
    % (_SEQUENCE, _STRING),
    rb"\xcd": rb"\x8f",
    rb"\xd8": rb"\x9c",
    rb"\xe1": rb"\xa0[\x8b-\x8f]",
    rb"\xe2": rb"\x80[\x8b-\x8f\xaa-\xae]|\x81[\xa0-\xaf]",
    rb"\xef": rb"\xb8[\x80-\x8f]|\xbb\xbf",
    rb"'": rb"(?P<quote>\\{1,8}''|\"'\"')",
    rb"\\": rb"\\{0,7}(?:u(?P<high>[dD][89abAB]H{2})\\{1,8}u(?P<low>[dD][c-fC-F]H{2})"
    rb"|u\{(?P<braced>H{1,6})\}|u(?P<short>H{4})|U(?P<long>H{8})|x(?P<byte>H{2})|(?P<octal>[0-3][0-7]{2})"
    rb"|(?P<sign>SIGN)|(?P<letter>[abefnrtv]))|[ \t]|\\{1,7}(?P<run>)",
    rb"%": rb"(?:25){0,4}(?P<percent>H{2})",
    rb"&": rb"(?:amp;){0,4}(?P<entity>#[0-9]{1,7}|#[xX]H{1,6}|[A-Za-z][A-Za-z0-9]{1,31});",
}
"""By the byte that a token begins with, what follows it; none holds a line feed. What has no name is dropped."""

_BEGUN = {
    rb"\x1b": rb"\[%b|[\]PX^_]%b\x1b?|[\x20-\x2f]{0,255}" % (_SEQUENCE, _STRING),
    rb"\xc2": rb"\x9b%b|[\x90\x98\x9d-\x9f]%b\x1b?|" % (_SEQUENCE, _STRING),
    rb"\xcd": b"",
    rb"\xd8": b"",
    rb"\xe1": rb"\xa0?",
    rb"\xe2": rb"[\x80\x81]?",
    rb"\xef": rb"[\xb8\xbb]?",
    rb"_": b"",
    rb"'": rb"\\{0,8}'?|\"'?\"?",
    rb"\\": rb"\\{0,7}[uUx]?[0-9A-Fa-f{]{0,7}\\{0,8}u?[0-9A-Fa-f]{0,3}",
    rb"%": rb"[0-9A-Fa-f]{0,9}",
    rb"&": rb"[A-Za-z0-9#;]{0,52}",
}
"""The same for what more bytes could still make a token of. It may find too much, never too little."""

_STRUCK = rb"_\x08|(?P<struck>[\x21-\x7e])(?:\x08(?P=struck)){1,8}|"
"""An underlined character, or one that was printed several times to make it bold."""

_ESCAPES = (b"\\", b"%", b"&", b"'", b"\x08")
"""One of these stands in every token that is read as something."""
_MARKS = b"\\%&\x1b\x08\xc2\xcd\xd8\xe1\xe2\xef"
_QUOTED_QUOTE = b"'\"'\"'"
"""One of these bytes stands in every token, or it is a quoted quote."""
_QUOTES = b"'\"_"
"""What a token may end in that has nothing of these yet."""
_SEEN = re.compile(rb"[^\x00-\x20\x7f]")


def _alternatives(by_first: dict[bytes, bytes], signs: bytes = b"") -> bytes:
    """One pattern of all, its first byte alone in front: the library then skips to it without trying what follows."""
    ways = b"|".join(rb"(?<=%b)(?:%b)" % way for way in by_first.items())
    ways = ways.replace(b"SIGN", rb"[%b]" % re.escape(signs) if signs else b"(?!)").replace(b"H", b"[0-9A-Fa-f]")
    return rb"[%b](?:%b)" % (b"".join(by_first), ways)


_OPEN = re.compile(rb"%b\Z" % _alternatives(_BEGUN))
_OPEN_STRUCK = re.compile(rb"%b\Z|[\x21-\x7e]\x08\Z" % _alternatives(_BEGUN))


class Token(NamedTuple):
    """A stretch of bytes that is not read as it stands."""

    start: int
    end: int
    size: int
    """Bytes that it reads as."""


class Reading:
    """What a stretch of bytes reads as, and which of them each byte of the text came from."""

    def __init__(
        self, text: bytes, raw: bytes, tokens: Callable[[bytes], list[Token]], again: Callable[[bytes], Reading]
    ) -> None:
        """`tokens` and `again` cut and read other bytes in the same way; they are asked for what was found only."""
        self.text = text
        self._raw = raw
        self._tokens = tokens
        self._again = again

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The bytes that `text[start:end]` came from; it must not be empty."""
        return self._pieces.place(start)[0], self._pieces.place(end - 1)[1]

    def start_of_last(self, size: int) -> int:
        """Where the bytes begin that the last `size` bytes of the text came from: it looks no further back."""
        width = 2 * size + _LONGEST_ESCAPE
        while True:
            begin = self._raw.rfind(b"\n", 0, max(0, len(self._raw) - width)) + 1
            last = self._again(self._raw[begin:]) if begin else self
            if len(last.text) >= size:
                return begin + last.span(len(last.text) - size, len(last.text))[0]
            width *= 4

    @cached_property
    def _pieces(self) -> _Pieces:
        return _Pieces(self._raw, self._tokens(self._raw))


class _Pieces:
    """The bytes that were read, cut into tokens and what stands between them."""

    def __init__(self, raw: bytes, tokens: list[Token]) -> None:
        self._raw = raw
        self._pieces: list[tuple[Token, bool]] = []
        """Each with whether it is a token; those that read as nothing are left out."""
        self._offsets: list[int] = []
        self._size = at = 0
        for token in tokens:
            self._add_plain(at, token.start)
            self._add(token, is_token=True)
            at = token.end
        self._add_plain(at, len(raw))
        self._last = (0, 0, 0)
        """Piece, count and place that were asked for last: whoever asks goes on from there."""

    def place(self, index: int) -> tuple[int, int]:
        """The bytes that the byte at that index of the text came from."""
        number = bisect_right(self._offsets, index) - 1
        piece, is_token = self._pieces[number]
        if is_token:
            return piece.start, piece.end
        count = index - self._offsets[number]
        last, known, at = self._last
        from_there = last == number and known <= count and at >= piece.start
        found = _nth_seen(self._raw, at, count - known) if from_there else _nth_seen(self._raw, piece.start, count)
        self._last = (number, count, found)
        return found, found + 1

    def _add_plain(self, start: int, end: int) -> None:
        self._add(Token(start, end, len(self._raw[start:end].translate(None, UNSEEN))), is_token=False)

    def _add(self, piece: Token, *, is_token: bool) -> None:
        if piece.size:
            self._pieces.append((piece, is_token))
            self._offsets.append(self._size)
            self._size += piece.size


def _nth_seen(raw: bytes, at: int, count: int) -> int:
    """Where the byte stands that has `count` seen ones between `at` and itself; there must be one."""
    while count:
        some = raw[at : at + count]
        count -= len(some.translate(None, UNSEEN))
        at += len(some)
    found = _SEEN.search(raw, at)
    return found.start() if found else at


def as_it_is(raw: bytes) -> Reading:
    """Every byte as it stands."""
    return Reading(raw, raw, lambda data: [Token(at, at + 1, 1) for at in range(len(data))], as_it_is)


def squeezed(raw: bytes) -> Reading:
    """Without blanks and control characters. No byte changes how another is read."""
    return Reading(raw.translate(None, UNSEEN), raw, lambda _: [], squeezed)


class Undoing:
    """Reads with escapes undone. A backslash before a sign that nobody looks for stays, for the sake of speed."""

    def __init__(self, signs: bytes) -> None:
        """`signs` are the punctuation marks that matter."""
        tokens = _alternatives(_TOKENS, signs)
        self._token = re.compile(tokens)
        self._token_or_struck = re.compile(_STRUCK + tokens)
        # The second is slow, and where there is no backspace both find the same.

    def read(self, raw: bytes) -> Reading:
        """With escapes undone, and then squeezed."""
        return self.differs(raw) or squeezed(raw)

    def is_plain(self, raw: bytes) -> bool:
        """True where nothing is to be undone, whatever follows; one glance, so that it may be false needlessly."""
        return raw[-1:] not in _QUOTES and not _has_marks(raw)

    def differs(self, raw: bytes) -> Reading | None:
        """The same; None where there is nothing to undo, so that it is the squeezed reading."""
        if not _has_marks(raw):
            return None
        escaped = any(escape in raw for escape in _ESCAPES)
        text, count = self._token_in(raw).subn(_undo if escaped else b"", raw)
        return Reading(text.translate(None, UNSEEN), raw, self._tokens, self.read) if count else None

    def settled(self, raw: bytes, at: int) -> int:
        """The last place, at or before `at`, at which no token is open and none can come to be, whatever follows."""
        if self.is_plain(raw):
            return at
        longest = _LONGEST_SEQUENCE + 8 if b"\x1b" in raw or b"\xc2" in raw else _LONGEST_ESCAPE
        line = raw.rfind(b"\n", max(0, len(raw) - longest)) + 1
        open_at_end = _OPEN_STRUCK if raw.endswith(b"\x08") else _OPEN
        begun = open_at_end.search(raw, max(line, len(raw) - longest))
        at = min(at, begun.start()) if begun else at
        if at == len(raw):
            return at
        for token in self._token_in(raw).finditer(raw, raw.rfind(b"\n", 0, at) + 1):
            if token.end() > at:
                return min(at, token.start())
        return at

    def _token_in(self, raw: bytes) -> re.Pattern[bytes]:
        return self._token_or_struck if b"\x08" in raw else self._token

    def _tokens(self, raw: bytes) -> list[Token]:
        found = self._token_in(raw).finditer(raw)
        return [Token(hit.start(), hit.end(), len(_undo(hit).translate(None, UNSEEN))) for hit in found]


@lru_cache(maxsize=16)
def undoing(signs: bytes) -> Undoing:
    """The one for these signs."""
    return Undoing(signs)


def _has_marks(raw: bytes) -> bool:
    return len(raw.translate(None, _MARKS)) < len(raw) or _QUOTED_QUOTE in raw


def _undo(hit: re.Match[bytes]) -> bytes:
    """What a token stands for."""
    match hit.lastgroup:
        case None | "letter":
            return b""
        case "quote":
            return b"'"
        case "run":
            return b"\\"
        case "sign" | "struck" as kind:
            return hit[kind]
        case "low":
            return bytes.fromhex((hit["high"] + hit["low"]).decode()).decode("utf-16-be").encode()
        case "byte" | "percent" as kind:
            return bytes([int(hit[kind], 16)])
        case "octal":
            return bytes([int(hit["octal"], 8)])
        case "entity":
            return _entity(hit["entity"].decode())
        case kind:
            return _character(int(hit[str(kind)], 16))


def _character(number: int) -> bytes:
    """A character in UTF-8; nothing for a number that is none."""
    return chr(number).encode("utf-8", "ignore") if number <= 0x10FFFF else b""  # noqa: PLR2004 - the last of Unicode


def _entity(name: str) -> bytes:
    import html  # noqa: PLC0415 - its table of names is large, and most output has no entity

    return html.unescape(f"&{name};").encode("utf-8", "ignore")
