"""The seam between the engine and whatever carries commands: one open host, and how it is opened.

Four parts pass one contract test: `ssh.py` (real), `local.py` (the controller itself), `scripted.py` (the double that
tests use) and, later, the durable session that wraps any of them. The protocol speaks of *endings*, never of success,
because deciding what an ending means needs the author's tolerances. Output is pushed into a sink as bytes as it
arrives; a session keeps none of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from runbook.core.host import Host
from runbook.core.outcome import Ending, Grade
from runbook.core.planned.command import Command, Secret


class Stream(StrEnum):
    """Which of the command's outputs a chunk came from."""

    OUT = "out"
    ERR = "err"


class Sink(Protocol):
    """Where a command's bytes go. Awaited, so that a slow disk slows the reading of the channel and not the loop."""

    async def receive(self, stream: Stream, data: bytes) -> None:
        """Take bytes as they arrived; the receiver masks, stores and counts them."""

    async def reached(self, grade: Grade, place: str = "") -> None:
        """Told before anything of a command leaves: how durable it is on this host, and where it is kept.

        Told again where the host then began it in a lower grade than it had promised.
        `place` is the word of the place that keeps a trace of it; empty where nothing does. A command leaves only when
        this has returned.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One attempt's identity and limits. The same id sent twice must never run twice (durable sessions prove it)."""

    id: str
    """`run/step/host/attempt`, unique for ever."""
    place: str = ""
    """Where it must have left its trace, if it left one: for a job that is followed, the place where it was announced,
    for a new one, where this run's jobs were kept before. Empty: not known, so no trace proves nothing."""
    is_resumed: bool = False
    """A runner before this one may have begun it, where the record is a copy or was cut: the host is asked first."""
    is_blind: bool = False
    """Nothing on record tells where it would have been kept, had one before begun it, so it must not begin here."""
    unsent: tuple[str, ...] = ()
    """Jobs of earlier attempts that are on record as never begun. Where one was begun after all, this one is not."""
    outlast: float | None = None
    """Seconds to wait on its host for what ran attached and lost its link; then it is `Lost` as it runs. None: wait
    until it has ended, and end it at its limit."""
    leaves_trace: bool = True
    """False for what may be done again at any time (a probe, a poll) and for what another claim covers."""
    limit: float | None = None
    """Seconds after which the session itself ends the command and returns `Expired`. None: no limit."""
    durable: bool = True
    """False asks for the attached grade on purpose: probes and steps that say so."""
    as_unit: bool = False
    """Durable, and worth the start of a unit: given to the host's systemd where that can be had. For a job that is
    followed: it was."""
    out_offset: int = 0
    """Bytes of standard output already on record; a re-attach continues behind them."""
    err_offset: int = 0
    grace: float = 5.0
    """Seconds between TERM and KILL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transferred:
    """What is on the destination now, read back from there and not from what was sent."""

    size: int
    """Bytes."""
    sha256: str
    """Hex."""

    def __str__(self) -> str:
        """As problems and plans say it."""
        return f"{self.size} bytes with SHA-256 {self.sha256}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """What a host said of itself when its session was opened. Evidence, so measured and not configured."""

    address: str
    """`ip:port` that answered."""
    host_key: str = ""
    """`SHA256:...` fingerprint of the key that was checked."""
    server: str = ""
    """The server's version string."""
    user: str = ""
    system: str = ""
    """`uname -srm`, or empty."""
    boot_id: str = ""
    grade: Grade | None = None
    """The best that a durable step of the login user can have here; None where the host did not say."""
    ends_with_login: bool = False
    """What a login leaves running is ended with it, whatever has been done to detach it."""
    place: str = ""
    """The word of the place where the login user's jobs are kept, in this visit (`shell/place.sh`); empty: nowhere."""
    clock_offset: float = 0.0
    """Seconds the host's wall clock is ahead of ours."""
    clock_error: float = 0.0
    """Half the round trip in seconds: the offset is known no better than this."""


class Session(Protocol):
    """One host, open. Every method may be used by several tasks at once."""

    @property
    def facts(self) -> HostFacts:
        """What it said when it was opened."""

    async def run(self, command: Command, job: Job, sink: Sink) -> Ending:
        """Run to the end and say how it ended.

        Never raises for anything the host or the link did: that is an `Ending`. Cancelling the task ends the remote
        command as well as this grade allows.
        """

    async def reattach(self, command: Command, job: Job, sink: Sink) -> Ending:
        """Continue following a job that was started earlier, perhaps by a runner that died.

        Never starts it. `NeverSent` only where it is proved that it never started: in the very place that `job.place`
        names, without a trace of it. What ran attached is waited for until nothing of it runs: then it is `Lost`.
        """

    async def claim(self, job: Job) -> Ending | None:
        """Claim a job that no shell of ours runs (an upload, a request from the controller), so that it happens once.

        Returns:
            None when it may be done now; `Withheld` or `NeverSent` when not.
        """

    async def upload(
        self, source: Path, destination: str, *, mode: int | None = None, shown: Transferred | None = None
    ) -> Transferred:
        """Send a file: written beside the destination, checked by size and SHA-256, then renamed over it.

        Args:
            source: One of our files.
            destination: Its name there.
            mode: Permission bits; None keeps the source's.
            shown: What it has to be, before the first byte leaves and while they do; None takes what there is.

        Raises:
            Problems: The file cannot be read or written, is not what was shown (`changed-since-shown`), or did not
                arrive whole; the destination is as it was.
        """

    async def download(self, source: str, destination: Path) -> Transferred:
        """Fetch a file with the same promise on our side.

        Raises:
            Problems: As for `upload`.
        """

    async def forget(self, job: Job) -> None:
        """The record durably holds everything of this job; its files on the host may go.

        Never raises; a job that is not finished is left alone, and so is one of a grade that keeps no files.
        """

    async def sudo_password(self) -> Secret:
        """What sudo asks for here, once sudo has taken it; for work that calls sudo by itself (Fabric).

        Raises:
            Problems: There is none, or sudo refuses it. It is tried once in a whole fleet.
        """

    async def close(self) -> None:
        """Hang up. Never raises; a second call does nothing. A durable job that runs lives on."""

    async def wait_lost(self) -> str:
        """Return the reason once the link is gone; never return while it is up."""


class Connector(Protocol):
    """Opens sessions. Keys, agents, known hosts and bastions are its business and are read once."""

    async def connect(self, host: Host, look: Command | None = None) -> Session:
        """Open one host.

        Args:
            host: Which.
            look: What will be run next as the login user, to look and to change nothing. It may leave with the
                opening, so that its answer is there when it is asked for (`Session.run` of the same command).

        Raises:
            Problems: exit UNREACHABLE, with a code of `dns`, `refused`, `reset`, `no-route`, `forbidden`, `timeout`,
                `host-key-unknown`, `host-key-changed`, `auth`, `protocol` or `jump`, and what to do about it.
        """

    async def close(self) -> None:
        """Close what is shared: bastions, agents."""
