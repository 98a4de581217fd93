"""One command on one channel, from its first byte to its ending: the attached grade.

It knows when a command is known not to have started (no marker, and the shell has ended), when it has ended
(a status and nothing less), and when nobody can know (`Lost`). A limit or a cancellation ends the process
tree through a second channel, because closing a channel signals nobody on most servers. It keeps no output:
bytes go to the sink as they come, and a slow sink slows the host.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from runbook.core.outcome import Ending, Exited, Lost, NeverSent, Signalled
from runbook.core.planned.command import Command
from runbook.transport.session import Job, Sink, Stream
from runbook.transport.shell.channel import Channel, ChannelRefused, Chunk, Dialer, Gone
from runbook.transport.shell.limits import SETTLE, bounded
from runbook.transport.shell.quoting import Script, script_of

NOISE_CAP = 64 * 1024
"""Bytes of banner and rc-file noise that are dropped per stream before the marker.

A server that sends more is not a shell.
"""

LINGER = 1.0
"""Seconds of silence for which a channel is kept after the exit code:

a background process may hold its pipes for ever.
"""

LATE_CAP = 16 * 1024 * 1024
"""Bytes taken after the exit code.

More than any pipe and window hold, so what comes beyond is a new writer's.
"""

LONGEST_PID = 20
"""Digits that no process id has."""

_TREE = Path(__file__).with_name("tree.sh").read_bytes()


@dataclass(frozen=True, slots=True)
class Words:
    """What a command on a channel of its own is known by."""

    nonce: str
    """New for each call; see `quoting.script_of`."""
    cookie: str = ""
    """Carried by its processes; the nonce where it is empty."""
    commit: str = ""
    """File on the host whose creation decides that it begins; empty where nothing was claimed."""


async def run_attached(dialer: Dialer, command: Command, job: Job, sink: Sink, words: Words) -> Ending:
    """Run a command to its end on a channel of its own.

    Cancelling returns `Stopped` once the command has been ended; cancelling again gives up at once.

    Args:
        dialer: Opens the channel, as whoever the command becomes, and a second one if it must be ended.
        command: What to run.
        job: Its limit and grace; offsets are of no meaning here.
        sink: Receives output, never called by two tasks at once; was told how durable this is.
        words: What it is known by.

    Raises:
        Problems: The command cannot be said in a shell.
    """
    script = script_of(command, nonce=words.nonce, cookie=words.cookie, commit=words.commit)
    try:
        channel = await dialer.open()
    except ChannelRefused as refused:
        return NeverSent(refused.reason)
    flow = _Flow(channel, script, command.stdin, sink, is_claimed=bool(words.commit))
    following = asyncio.create_task(flow.follow())
    try:
        return await bounded(following, job.limit, _Ender(dialer, flow, words.cookie or words.nonce, job.grace))
    finally:
        following.cancel()
        channel.close()


@dataclass(frozen=True, slots=True)
class _Ender:
    dialer: Dialer
    flow: _Flow
    cookie: str
    grace: float

    async def end(self) -> tuple[str, ...]:
        """See `Ender.end`."""
        if not self.flow.leader:
            raise ChannelRefused("the host had not yet said that it started")
        try:
            return await end_tree(self.dialer, self.flow.leader, self.cookie, self.grace)
        except ChannelRefused:
            # No second channel: ask the server to signal, and believe only a status that comes back.
            for name in ("TERM", "KILL"):
                self.flow.channel.signal(name)
                if await self.flow.ends_within(self.grace):
                    return ()
            raise


async def end_tree(dialer: Dialer, leader: int, cookie: str, grace: float) -> tuple[str, ...]:
    """End a process and everything that belongs to it; what is left, as `pid name`.

    Raises:
        ChannelRefused: It could not be asked for, or no answer came.
    """
    lines = _TREE + f"rb_end {leader} {cookie} ' ' {int(grace * 10)}\necho ended {cookie}\nexit\n".encode()
    channel = await dialer.open(urgent=True)
    try:
        async with asyncio.timeout(grace + SETTLE):
            await channel.write(lines)
            said = await _everything(channel)
    except TimeoutError:
        raise ChannelRefused("the host did not say whether it ended") from None
    finally:
        channel.close()
    if f"ended {cookie}" not in said:
        raise ChannelRefused("the link went while it was being ended")
    return tuple(line[5:] for line in said.splitlines() if line.startswith("left "))


async def _everything(channel: Channel) -> str:
    parts: list[bytes] = []
    while not isinstance(arrival := await channel.next(), Gone):
        if isinstance(arrival, Chunk) and arrival.stream is Stream.OUT and len(parts) < HIGH_COUNT:
            parts.append(arrival.data)
    return b"".join(parts).decode("utf-8", "replace")


HIGH_COUNT = 1024
"""Chunks read of an answer that should be a few lines."""


class _Flow:
    """The bytes of one command: script in, noise off, output on, and the ending."""

    def __init__(self, channel: Channel, script: Script, stdin: bytes, sink: Sink, *, is_claimed: bool) -> None:
        self.channel = channel
        self.leader = 0
        """Process id on the host; 0 until the marker has come."""
        self._script = script.text
        self._stdin = stdin
        self._sink = sink
        self._is_claimed = is_claimed
        self._gates = {stream: _Gate(script.marker) for stream in Stream}
        self._feeding: asyncio.Task[None] | None = None
        self._has_status = asyncio.Event()

    async def follow(self) -> Ending:
        """Run to the end. Not restartable."""
        try:
            await self.channel.write(self._script)
            return await self._read()
        finally:
            if self._feeding:
                self._feeding.cancel()

    async def ends_within(self, seconds: float) -> bool:
        """True when a status comes in time."""
        try:
            await asyncio.wait_for(self._has_status.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def _read(self) -> Ending:
        while True:
            match await self.channel.next():
                case Chunk(stream, data):
                    await self._take(stream, data)
                    if any(gate.dropped > NOISE_CAP for gate in self._gates.values()):
                        return Lost(f"the server sent more than {NOISE_CAP // 1024} KiB that is not our shell's output")
                case Exited() | Signalled() as status:
                    self._has_status.set()
                    return await self._after(status)
                case Gone(reason):
                    return Lost(reason or "the server closed the channel without an exit status")

    async def _after(self, status: Exited | Signalled) -> Ending:
        """Take what is still in the pipes, but wait for no process that only holds them open."""
        late, held = 0, False
        while late < LATE_CAP:
            try:
                async with asyncio.timeout(LINGER):
                    arrival = await self.channel.next()
            except TimeoutError:
                held = True
                break
            if not isinstance(arrival, Chunk):
                break
            late += len(arrival.data)
            await self._take(arrival.stream, arrival.data)
        if not self.leader:
            # Where it was claimed, its host can be asked, and knows better than a stream that somebody may have closed.
            return Lost(self._why_not(status)) if self._is_claimed else NeverSent(self._why_not(status))
        # Standard output that is still open after the exit belongs to something that the command left
        # running.
        return Exited(status.code, late_output=held or late >= LATE_CAP) if isinstance(status, Exited) else status

    def _why_not(self, status: Exited | Signalled) -> str:
        how = f"exit code {status.code}" if isinstance(status, Exited) else f"signal {status.signal}"
        said = self._gates[Stream.ERR].noise() or self._gates[Stream.OUT].noise()
        return f"the shell ended with {how} before our script began{': ' if said else ''}{said}"

    async def _take(self, stream: Stream, data: bytes) -> None:
        gate = self._gates[stream]
        was_open = gate.is_open
        data = gate.pass_on(data)
        if stream is Stream.OUT and gate.is_open and not was_open:
            self.leader = gate.leader
            self._feeding = asyncio.create_task(self._feed())
        if data and (stream is Stream.ERR or self.leader):
            await self._sink.receive(stream, data)

    async def _feed(self) -> None:
        if self._stdin:
            await self.channel.write(self._stdin)
        self.channel.write_eof()


class _Gate:
    """Drops a stream's bytes up to the marker's line and remembers the end of what it dropped."""

    def __init__(self, marker: bytes) -> None:
        self.is_open = False
        self.dropped = 0
        self.leader = 0
        self._marker = marker
        self._kept = b""

    def pass_on(self, data: bytes) -> bytes:
        """What of `data` lies behind the marker's line."""
        if self.is_open:
            return data
        self._kept += data
        start = self._kept.find(self._marker)
        end = self._kept.find(b"\n", start)
        if start < 0 or end < 0:
            self._forget(start)
            return b""
        digits = self._kept[start + len(self._marker) : end]
        self.leader = int(digits) if digits.isdigit() and len(digits) < LONGEST_PID else 0
        rest, self._kept, self.is_open = self._kept[end + 1 :], b"", True
        return rest

    def noise(self) -> str:
        """The last line of what was dropped, for an error message.

        Made printable here, and sanitised again where it is shown.
        """
        lines = self._kept.decode("utf-8", "replace").strip().splitlines()
        return "".join(char for char in lines[-1] if char.isprintable())[:200] if lines else ""

    def _forget(self, start: int) -> None:
        """Keep what may be the beginning of the marker, or of an error message; a marker without an end is noise."""
        if start >= 0 and len(self._kept) - start < LONGEST_PID + len(self._marker):
            return
        surplus = len(self._kept) - 1024
        if surplus > 0:
            self.dropped += surplus
            self._kept = self._kept[surplus:]
