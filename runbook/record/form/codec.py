"""One line of the journal: how an entry becomes bytes, and what makes bytes an entry again.

    {"prev":"<64 hex>","seq":17,"at":12.5,"wall":"...","event":{"type":"...",...},"sum":"<64 hex>"}

`prev` is the SHA-256 of the previous line's exact bytes, its line feed included; 64 zeros in the first line. Bytes are
hashed as written, so no rule of canonical JSON is needed and an auditor can check the chain with `split`, `sha256sum`,
`jq` and `cmp`. `sum` is the SHA-256 of the line's own bytes before `,"sum"`: the chain covers a line only once another
follows it, so without `sum` damage to the last line would go unseen, and with it a break is pinned to the line that
changed instead of the one after. Neither stops somebody who rewrites the whole file; that needs a head kept elsewhere.

An event that only a newer version knows comes back as `Unknown`, its bytes as they were: a line is judged by its frame,
never by what this version makes of its inside.

Pure: no file is opened here. Masking is over before bytes reach this room.
"""

from __future__ import annotations

import hashlib

import msgspec

from runbook.core.events.entry import Entry
from runbook.core.events.event import Unknown
from runbook.problem import Exit, Problems, problem

ZERO = "0" * 64
"""`prev` of the first line."""

_PREV = slice(9, 73)
_SUM = slice(-67, -3)
_BODY = slice(75, -75)
"""What stands between `prev` and `sum`."""
DEEPEST = 100
"""Levels of lists and objects in one line. Every Python version and every tool bears another depth; a record must not
depend on who reads it."""

_CLOSING = 75
"""Bytes from `,"sum"` to the line feed."""

_decoder = msgspec.json.Decoder(Entry)
_encoder = msgspec.json.Encoder()


class _Tag(msgspec.Struct):
    type: str = ""


class _Framed(msgspec.Struct):
    """An entry whose event is left as it is; its fields stand in the order of `Entry`."""

    seq: int
    at: float
    wall: str
    event: msgspec.Raw


class _Format(msgspec.Struct):
    format: int = 0


class _Opening(msgspec.Struct):
    plan: msgspec.Raw = msgspec.Raw(b"")


class _Opened(msgspec.Struct):
    event: _Opening = msgspec.field(default_factory=_Opening)


class Tip(msgspec.Struct, frozen=True):
    """Where a chain ends: what the next line must say to belong to it."""

    seq: int = 0
    """Of the next line."""
    prev: str = ZERO
    """Of the next line: the SHA-256 of the last line so far."""
    at: float = 0.0
    """Of the last line so far; the next one is not before it."""

    def after(self, line: bytes, entry: Entry) -> Tip:
        """The tip once that line stands in the journal."""
        return Tip(entry.seq + 1, hashlib.sha256(line).hexdigest(), entry.at)


def encode(entry: Entry, prev: str) -> bytes:
    """The line for an entry, line feed included.

    Text that UTF-8 cannot express (a file name with stray bytes, say) is written with U+FFFD in its place: a record
    that refuses a line at 03:00 helps nobody.

    Raises:
        Problems: `record-unreadable` for what could not be read back: a value nested too deeply, a number that is not
            finite.
    """
    body = body_of(entry)
    covered = b'{"prev":"%b",%b' % (prev.encode("ascii"), body[1:-1])
    return b'%b,"sum":"%b"}\n' % (covered, hashlib.sha256(covered).hexdigest().encode("ascii"))


def body_of(entry: Entry) -> bytes:
    """The JSON of an entry without its place in a chain; the event of a newer version as that one wrote it.

    Raises:
        Problems: As `encode`.
    """
    event = entry.event
    plain = _Framed(entry.seq, entry.at, entry.wall, msgspec.Raw(event.raw)) if isinstance(event, Unknown) else entry
    try:
        body = _encoder.encode(plain)
    except UnicodeEncodeError:
        body = _encoder.encode(_expressible(msgspec.to_builtins(entry)))
    except RecursionError as error:
        raise _unreadable(str(error)) from None
    if body.count(b"[") + body.count(b"{") > DEEPEST and _is_too_deep(body):
        raise _unreadable(f"it is nested more than {DEEPEST} levels deep")
    if b"null" in body and plain is entry:
        # JSON has no word for "not a number": it is written as null, which a field for a number does not take back.
        try:
            _decoder.decode(body)
        except msgspec.ValidationError as error:
            raise _unreadable(str(error)) from None
    return body


def is_whole(line: bytes) -> bool:
    """True when the line is as it was written, whatever it says and wherever it belongs."""
    try:
        _digest(line)
    except Problems:
        return False
    return True


def decode(line: bytes) -> tuple[Entry, str]:
    """The entry of a whole line and its `prev`, after checking the line's own `sum`.

    Raises:
        Problems: `journal-torn` without a line feed, `journal-json` for what was never a line of ours,
            `journal-hash` when the line is not what was written, `journal-unknown` for a frame of a newer version.
    """
    entry, prev, _ = _open(line)
    return entry, prev


def plan_in(line: bytes) -> bytes:
    """The bytes of the plan in the line that opens a run, as they stand there; empty when they cannot be told apart."""
    try:
        return bytes(msgspec.json.decode(line, type=_Opened).event.plan)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return b""


def format_in(event: bytes) -> int:
    """The format that an event names, though the rest of it cannot be read; 0 when it names none."""
    try:
        return msgspec.json.decode(event, type=_Format).format
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return 0


def holds_more(line: bytes, entry: Entry) -> bool:
    """True when a good line says something that its entry does not: a field that only a newer version knows."""
    inside, known = line[_BODY], _encoder.encode(entry)[1:-1]
    return inside != known and _has_more(*(msgspec.json.decode(b"{%b}" % part) for part in (inside, known)))


def _has_more(written: object, known: object) -> bool:
    match written, known:
        case dict(), dict():
            return any(key not in known or _has_more(value, known[key]) for key, value in written.items())
        case list(), list() if len(written) == len(known):
            return any(map(_has_more, written, known))
        case _:
            return False


def follow(tip: Tip, line: bytes) -> tuple[Entry, Tip]:
    """Read the line that comes next in a chain; gives its entry and the new tip.

    Raises:
        Problems: as `decode`; also `journal-hash` when it does not follow the line before it, `journal-seq` when its
            number is not the next, `journal-time` when its `at` lies before the one before.
    """
    entry, prev, digest = _open(line)
    if prev != tip.prev:
        raise _damage(
            "journal-hash",
            "The line does not follow the one before it",
            'Its "prev" is not the SHA-256 of that line: a line was changed, removed, added or moved here',
        )
    if entry.seq != tip.seq:
        raise _damage("journal-seq", "The line has the wrong number", f"It says {entry.seq} where {tip.seq} is due")
    if entry.at < tip.at:
        raise _damage("journal-time", "The clock of the run goes backwards", f"{entry.at} s comes after {tip.at} s")
    return entry, Tip(entry.seq + 1, digest, entry.at)


def _open(line: bytes) -> tuple[Entry, str, str]:
    """The entry, its `prev`, and the SHA-256 of the whole line."""
    digest = _digest(line)
    return _read(line), line[_PREV].decode("ascii", "replace"), digest


def _digest(line: bytes) -> str:
    """The SHA-256 of the whole line, after its own `sum` was found right; the bytes are hashed once for both."""
    if line[-1:] != b"\n":
        raise _damage("journal-torn", "The line is cut off", "Its line feed is missing, as after a crash")
    if not (line[:9] == b'{"prev":"' and line[73:81] == b'","seq":' and _is_closed(line)):
        raise _damage("journal-json", "This is not a line of a journal", 'It has no "prev" and "sum" around it')
    digest = hashlib.sha256(memoryview(line)[:-_CLOSING])
    if digest.hexdigest().encode("ascii") != line[_SUM]:
        why = 'Its bytes do not give its own "sum"'
        raise _damage("journal-hash", "The line was changed after it was written", why)
    digest.update(line[-_CLOSING:])
    return digest.hexdigest()


def _is_closed(line: bytes) -> bool:
    return line[-_CLOSING:-67] == b',"sum":"' and line[-3:] == b'"}\n'


def _is_too_deep(body: bytes) -> bool:
    try:
        level = [msgspec.json.decode(body)]
    except RecursionError:
        return True
    depth = 0
    while level and depth <= DEEPEST:
        inside = (value.values() if isinstance(value, dict) else value for value in level)
        level = [item for items in inside for item in items if isinstance(item, dict | list)]
        depth += 1
    return depth > DEEPEST


def _read(line: bytes) -> Entry:
    """Decode what is known to be as it was written, so that a value of the wrong kind means a newer writer."""
    try:
        entry = _decoder.decode(line)
    except msgspec.ValidationError as error:
        return _unknown(line, str(error))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _damage("journal-json", "The line cannot be read", str(error)) from None
    # The name under which we keep what we do not know may be an event's own one day.
    return _unknown(line, "") if type(entry.event) is Unknown else entry


def _unknown(line: bytes, why: str) -> Entry:
    """The entry with its event as it stands there."""
    try:
        framed = msgspec.json.decode(line, type=_Framed)
        name = msgspec.json.decode(framed.event, type=_Tag).type
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        what = "This version cannot read the line"
        raise _damage("journal-unknown", what, f"A newer version wrote it ({why})") from None
    return Entry(seq=framed.seq, at=framed.at, wall=framed.wall, event=Unknown(name=name, raw=bytes(framed.event)))


def _expressible(value: object) -> object:
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case dict():
            return {_expressible(key): _expressible(item) for key, item in value.items()}
        case list() | tuple():
            return [_expressible(item) for item in value]
        case _:
            return value


def _damage(code: str, what: str, why: str) -> Problems:
    return problem(what, why=why, code=code, exit=Exit.FAILED)


def _unreadable(why: str) -> Problems:
    return problem(
        "A value cannot be recorded",
        why=f"It could not be read back ({why})",
        fix="Values must be finite and not nested deeply; register a part of it, or text.",
        code="record-unreadable",
        exit=Exit.FAILED,
    )
