"""Text from outside made safe to show: the one sanitiser, for remote output, host names, YAML, file names and errors.

What a host prints may move the cursor over a confirmation, set the clipboard, answer questions on our standard input
or reverse the reading order of a command. So escape sequences are dropped, also unfinished ones; other controls,
invisible and order-changing characters are written out (`^G`, `<U+202E>`). Nothing dropped may hide what follows: a
sequence that does not end within its line or within `LONGEST_SEQUENCE` leaves a mark, and the text goes on.

Decoding and dropping are incremental, because a sequence split over two reads is the easiest way past a filter. It
refuses to interpret colours, and it is no parser of terminals: it knows just enough of ECMA-48 to leave it out.
"""

from __future__ import annotations

import codecs
import re
from enum import Enum, auto

LONGEST_SEQUENCE = 4096
"""Characters after which an escape sequence is taken for an attempt to hide what follows."""

CUT = "<unfinished escape>"
"""Stands where a sequence was dropped that did not end by itself."""

_INVISIBLE = (
    "\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890-\u0891\u08e2\u115f-\u1160\u17b4-\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\U000110bd\U000110cd"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Zero-width, order-changing, line-separating and tag characters: categories Cf, Zl and Zp, and fillers."""

_PLAIN = re.compile(rf"[^\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufe00-\ufe0f{_INVISIBLE}]+")
_DOUBTFUL = re.compile(r"[^\n\x20-\x7e]")
"""Everything but the characters that are printable without asking."""

_STRING_STARTS = frozenset("]PX^_\x9d\x90\x98\x9e\x9f")
_ENDS_AT_ONCE = frozenset("\x18\x1a")
"""CAN and SUB abandon a sequence (ECMA-48)."""


class _State(Enum):
    GROUND = auto()
    ESCAPE = auto()
    """After ESC, and after intermediate characters that follow it."""
    CSI = auto()
    STRING = auto()
    """In OSC, DCS, SOS, PM or APC."""
    STRING_ESCAPE = auto()
    """After ESC in such a string: a backslash ends it."""


_BODIES = {
    _State.ESCAPE: re.compile(r"[\x20-\x2f]+"),
    _State.CSI: re.compile(r"[\x20-\x3f]+"),
    _State.STRING: re.compile(r"[^\x07\x0a\x0d\x18\x1a\x1b\x9c]+"),
}
"""What goes on with a sequence; every other character decides something."""


class _Machine:
    """The state kept between characters. Gives only text that may be shown; LF and TAB are its only controls."""

    def __init__(self) -> None:
        self._state = _State.GROUND
        self._length = 0
        self._returned = False

    def take(self, text: str) -> str:
        shown: list[str] = []
        position = 0
        while position < len(text):
            position = self._advance(text, position, shown)
        return "".join(shown)

    def finish(self) -> str:
        """What is still owed at the end of the stream: a mark, when a sequence was open."""
        is_open = self._state is not _State.GROUND
        self._state = _State.GROUND
        return CUT if is_open else ""

    def _advance(self, text: str, position: int, shown: list[str]) -> int:
        if self._state is _State.GROUND:
            return self._ground(text, position, shown)
        body = _BODIES.get(self._state)
        run = body.match(text, position) if body else None
        if run:
            return self._swallow(run, shown)
        return position + self._leave(text[position], shown)

    def _ground(self, text: str, position: int, shown: list[str]) -> int:
        run = _PLAIN.match(text, position)
        if run:
            self._emit(run[0], shown)
            return run.end()
        char = text[position]
        if char == "\x1b":
            self._enter(_State.ESCAPE)
        elif char == "\x9b":
            self._enter(_State.CSI)
        elif char in _STRING_STARTS:
            self._enter(_State.STRING)
        elif char == "\r":
            self._returned = True
        else:
            self._emit(_written_out(char), shown)
        return position + 1

    def _emit(self, text: str, shown: list[str]) -> None:
        """Show text; a carriage return before anything but a line feed begins a line, so that it hides nothing."""
        if self._returned and text and text[0] != "\n":
            shown.append("\n")
        self._returned = self._returned and not text
        shown.append(text)

    def _enter(self, state: _State) -> None:
        self._state = state
        self._length = 0

    def _swallow(self, run: re.Match[str], shown: list[str]) -> int:
        room = LONGEST_SEQUENCE - self._length
        end = min(run.end(), run.start() + room)
        self._length += end - run.start()
        if self._length >= LONGEST_SEQUENCE:
            self._abandon(shown)
        return end

    def _abandon(self, shown: list[str]) -> None:
        self._state = _State.GROUND
        self._emit(CUT, shown)

    def _leave(self, char: str, shown: list[str]) -> int:
        """Handle the one character that decides in a sequence; 1 when it belonged to it, 0 when it is text again."""
        match self._state:
            case _State.ESCAPE:
                return self._after_escape(char)
            case _State.CSI:
                return self._end_csi(char)
            case _State.STRING:
                return self._end_string(char, shown)
            case _:
                # ESC inside a string: with a backslash it is the terminator, else it begins a new sequence.
                self._enter(_State.GROUND if char == "\\" else _State.ESCAPE)
                return int(char == "\\")

    def _after_escape(self, char: str) -> int:
        if char == "[":
            self._enter(_State.CSI)
        elif char in _STRING_STARTS and char < "\x80":
            self._enter(_State.STRING)
        else:
            self._enter(_State.ESCAPE if char == "\x1b" else _State.GROUND)
        return int("0" <= char <= "~" or char in _ENDS_AT_ONCE or char == "\x1b")

    def _end_csi(self, char: str) -> int:
        self._enter(_State.ESCAPE if char == "\x1b" else _State.GROUND)
        return int("@" <= char <= "~" or char in _ENDS_AT_ONCE or char == "\x1b")

    def _end_string(self, char: str, shown: list[str]) -> int:
        if char == "\x1b":
            self._state = _State.STRING_ESCAPE
        elif char in "\n\r":
            self._abandon(shown)
            return 0
        else:
            self._state = _State.GROUND
        return 1


def _written_out(char: str) -> str:
    code = ord(char)
    if 0xFE00 <= code <= 0xFE0F:  # noqa: PLR2004 - variation selectors only make terminals disagree about width
        return ""
    if code < 0x20:  # noqa: PLR2004 - caret notation of C0, as every terminal writes it
        return f"^{chr(code + 0x40)}"
    return "^?" if char == "\x7f" else f"<U+{code:04X}>"


class Sanitizer:
    """One stream of bytes, made safe piece by piece. However the bytes are cut, the pieces join to the same text."""

    def __init__(self) -> None:
        """Begin before the first byte."""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._machine = _Machine()

    def feed(self, data: bytes) -> str:
        """The safe text that these bytes complete; LF and TAB are the only controls in it."""
        return self._machine.take(self._decoder.decode(data))

    def finish(self) -> str:
        """What is left when the stream has ended."""
        return self._machine.take(self._decoder.decode(b"", final=True)) + self._machine.finish()


def is_safe(text: str) -> bool:
    """True when the sanitiser would leave this text as it is."""
    return _PLAIN.fullmatch(text) is not None


def escaped_json(document: str) -> str:
    """The same JSON with control, invisible and order-changing characters written as escapes."""
    return _DOUBTFUL.sub(lambda found: found[0] if found[0].isprintable() else _json_escape(found[0]), document)


def _json_escape(char: str) -> str:
    """JSON escapes of one character: a pair beyond the basic plane (RFC 8259, section 7)."""
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def safe_text(text: str | bytes) -> str:
    """Whole text, made safe; line feeds and tabs stay."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    if is_safe(text):
        return text
    machine = _Machine()
    return machine.take(text) + machine.finish()


def safe(text: str | bytes) -> str:
    """A value for one line: a name, a reason, an error. Line feeds and tabs become spaces, the ends are trimmed."""
    return " ".join(part for part in re.split(r"[\n\t]+", safe_text(text).strip()) if part)


def safe_lines(text: str | bytes) -> tuple[str, ...]:
    """Text of several lines, without the line feeds; trailing empty lines are left out."""
    shown = safe_text(text).rstrip()
    return tuple(line.expandtabs().rstrip() for line in shown.split("\n")) if shown else ()


def safe_row(line: str | bytes) -> str:
    """One line of output as a terminal would have left it: a carriage return restarts it.

    A progress bar rewrites its line hundreds of times and only the last state is of interest; `^M` in front says that
    something was overwritten, and the record has all of it.
    """
    states = [part for part in safe_text(line).split("\n") if part]
    mark = "^M" if len(states) > 1 else ""
    return f"{mark}{states[-1].expandtabs()}" if states else ""
