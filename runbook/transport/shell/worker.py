"""One long-lived `/bin/sh` on a host that takes steps as frames.

A channel for each step costs a login shell, its rc files and several round trips; a shell that stays costs
them once. It runs one frame at a time and answers with control lines behind an unguessable mark; whatever
stands between is output. This file opens such a shell, as the login user or behind sudo, and cuts its answer
into pieces. What frames mean is decided in `durable.py` and `framed.py`.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from runbook.core.outcome import Exited, Grade, Signalled
from runbook.core.planned.command import Become
from runbook.transport.session import Stream
from runbook.transport.shell.channel import Channel, ChannelRefused, Chunk, Dialer, Gone
from runbook.transport.shell.quoting import quote
from runbook.transport.shell.sudo import Sudo

READY_LIMIT = 30.0
"""Seconds from an open channel to a shell that takes frames, slow rc files included."""

NOISE_CAP = 64 * 1024
"""Bytes of banner and rc-file output that are dropped before the shell's first word."""

LINE_CAP = 8 * 1024
"""Bytes of a control line: more than any path and any reason, and all that a line without an end can make us hold."""

_WORDS = frozenset({"", "setsid", ",login", "setsid,login"})
_NUMBER = re.compile(r"[0-9]{1,10}")


def library(*names: str) -> str:
    """Shell files of this folder without their comments, which the host need not parse a thousand times."""
    folder = Path(__file__).parent
    lines = [line for name in names for line in (folder / name).read_text("utf-8").splitlines()]
    return "\n".join(line for line in lines if line.strip() and not line.lstrip().startswith("#")) + "\n"


_LIBRARY = library("tree.sh", "place.sh", "ready.sh", "durable.sh", "follow.sh").encode()


@dataclass(frozen=True, slots=True)
class Said:
    """A control line: its words, the last one with its spaces."""

    stream: Stream
    word: str
    rest: str


Piece = Chunk | Said | Gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What the shell found out about its host when it started."""

    pid: int
    grade: Grade
    """The best that a durable job can have here."""
    has_setsid: bool
    """True when commands can be run on this shell attached: each gets a session, and its processes can be found."""
    ends_with_login: bool = False
    """True where what a login leaves running is ended with it, however it has detached itself."""
    place: str
    """Word of the place where jobs are kept, and of this visit; empty where none can be known again."""
    base: str
    """Folder of the jobs; empty where none can be made."""


class Garbled(Exception):  # noqa: N818 - it is what the host did
    """A host said what no shell of ours says."""


class Cutter:
    """Cuts one stream into output and control lines, wherever the reads were cut."""

    def __init__(self, stream: Stream, mark: bytes) -> None:
        """`mark` begins every control line and is followed by a space."""
        self._stream, self._mark = stream, mark + b" "
        self._held = b""

    def cut(self, data: bytes) -> list[Chunk | Said]:
        """What is complete; a beginning of a control line is held back.

        Raises:
            Garbled: A control line has no end.
        """
        pieces: list[Chunk | Said] = []
        data = self._held + data
        while (start := data.find(self._mark)) >= 0 and (end := data.find(b"\n", start)) >= 0:
            self._add(pieces, data[:start])
            # Replaced, because these words come to stand in messages and on record.
            line = data[start + len(self._mark) : min(end, start + LINE_CAP)].decode("utf-8", "replace")
            word, _, rest = line.partition(" ")
            pieces.append(Said(self._stream, word, rest))
            data = data[end + 1 :]
        keep = start if start >= 0 else self._beginning(data)
        self._add(pieces, data[:keep])
        self._held = data[keep:]
        if len(self._held) > LINE_CAP:
            raise Garbled(f"it sent a control line of more than {LINE_CAP // 1024} KiB")
        return pieces

    def _add(self, pieces: list[Chunk | Said], data: bytes) -> None:
        if data:
            pieces.append(Chunk(self._stream, data))

    def _beginning(self, data: bytes) -> int:
        """Where a tail starts that may become the mark."""
        start = data.find(self._mark[:1], max(0, len(data) - len(self._mark) + 1))
        while start >= 0 and not self._mark.startswith(data[start:]):
            start = data.find(self._mark[:1], start + 1)
        return start if start >= 0 else len(data)


class Worker:
    """One shell that is ready for frames. Used by one task at a time."""

    def __init__(self, channel: Channel, mark: str) -> None:
        """Made by `open_worker`."""
        self._channel = channel
        self._cutters = {stream: Cutter(stream, mark.encode()) for stream in Stream}
        self._pieces: deque[Chunk | Said] = deque()
        self._ended = ""
        self.ready: Ready
        self._is_busy = False

    @property
    def is_usable(self) -> bool:
        """True while the shell lives and no answer of it is unread."""
        return not self._is_busy and not self._channel.is_gone

    async def send(self, frame: str) -> None:
        """Send one complete command, or nothing where it was sent ahead; not usable for another until `done`."""
        self._is_busy = True
        if frame:
            await self._channel.write(frame.encode("utf-8", "surrogateescape"))

    async def next(self) -> Piece:
        """The next piece of the answer; `Gone` for ever once the shell or the link has ended."""
        while not self._pieces:
            match await self._channel.next():
                case Chunk(stream, data):
                    try:
                        self._pieces.extend(self._cutters[stream].cut(data))
                    except Garbled as garbled:
                        self.close()
                        return Gone(str(garbled))
                case Exited(code):
                    self._ended = f"its shell ended with exit code {code}"
                case Signalled(signal):
                    self._ended = f"its shell was ended by signal {signal}"
                case Gone(reason):
                    return Gone(reason or self._ended or "the server closed the channel without an exit status")
        return self._pieces.popleft()

    def put_back(self, pieces: Iterable[Chunk | Said]) -> None:
        """Pieces that came while something else was waited for are the next ones again."""
        self._pieces.extendleft(reversed(list(pieces)))

    def done(self) -> None:
        """The answer is read to its last word."""
        self._is_busy = False

    def close(self) -> None:
        """Let go of the shell. It ends when its input does, after the job that it runs."""
        self._is_busy = True
        self._channel.close()


def _nothing() -> str:
    return ""


async def open_worker(
    dialer: Dialer,
    become: Become | None,
    sudo: Sudo,
    mark: str,
    *,
    urgent: bool = False,
    ahead: Callable[[], str] = _nothing,
) -> Worker:
    """Open a channel, become who is wanted, load the functions and wait for the first word.

    Args:
        dialer: Of the host.
        become: Whose shell it is; None for whoever logs in.
        sudo: Of the fleet.
        mark: Unguessable, and new.
        urgent: See `Dialer.open`.
        ahead: Frames that leave together with the functions, asked for when they do. Their answers are not read here.

    Raises:
        ChannelRefused: There is no such shell, with the reason that the server, the login shell or sudo gave.
    """
    # Outside of the limit: another host's password may have to be answered first, and sudo has a limit of its own.
    worker = Worker(await sudo.open(dialer, become, urgent=urgent), mark)
    try:
        async with asyncio.timeout(READY_LIMIT):
            # What the place keeps of this visit must not be what tells our words from the command's.
            visit = hashlib.sha256(mark.encode()).hexdigest()[:24]
            await worker.send(_LIBRARY.decode() + f"rb_mark={quote(mark)}\nrb_ready {visit}\n{ahead()}")
            worker.ready = await _first_word(worker)
    except TimeoutError:
        worker.close()
        raise ChannelRefused(f"no shell was ready within {READY_LIMIT:.0f} s") from None
    except BaseException:
        worker.close()
        raise
    return worker


async def _first_word(worker: Worker) -> Ready:
    """The shell says it on both streams: what rc files have printed on either stands before it.

    What comes behind it on one stream, while the other is waited for, answers what was sent ahead.
    """
    noise, said, streams, answers = b"", "", set[Stream](), _Early()
    while len(streams) < len(Stream):
        match await worker.next():
            case Chunk(stream) | Said(stream) as piece if stream in streams:
                answers.add(piece)
            case Said(stream, "ready", rest):
                streams.add(stream)
                said = said or rest
            case Chunk(_, data):
                noise += data
                if len(noise) > NOISE_CAP:
                    raise _too_much()
            case Gone(reason):
                raise ChannelRefused(": ".join(part for part in (reason, last_line(noise)) if part))
            case _:
                pass
    worker.put_back(answers.pieces)
    worker.done()
    return _ready(said)


class _Early:
    """Answers to what was sent ahead that have come before their time."""

    def __init__(self) -> None:
        self.pieces: list[Chunk | Said] = []
        self._size = 0

    def add(self, piece: Chunk | Said) -> None:
        """Keep it, as long as there is not more of it than noise may be."""
        self.pieces.append(piece)
        self._size += len(piece.data) if isinstance(piece, Chunk) else len(piece.word) + len(piece.rest)
        if self._size > NOISE_CAP:
            raise _too_much()


def _too_much() -> ChannelRefused:
    return ChannelRefused(f"the server sent more than {NOISE_CAP // 1024} KiB that is not a shell's output")


def _ready(said: str) -> Ready:
    match said.split(" ", 4):
        case [pid, kind, words, place, base] if _NUMBER.fullmatch(pid) and kind in set(Grade) and words in _WORDS:
            return Ready(
                pid=int(pid),
                grade=Grade(kind),
                has_setsid=words.startswith("setsid"),
                ends_with_login=words.endswith(",login"),
                place=place,
                base=base,
            )
        case _:
            raise ChannelRefused(f'its shell said "{said[:80]}", which no shell of ours says')


def last_line(noise: bytes) -> str:
    """The last line that was printed, for an error message.

    Made printable here, and sanitised again where it is shown.
    """
    lines = noise.decode("utf-8", "replace").strip().splitlines()
    return "".join(char for char in lines[-1] if char.isprintable())[:200] if lines else ""
