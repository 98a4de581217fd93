"""How things end. Not a bool: a lost link is neither success nor failure, and saying so is promise 2.

`Ending` is what a session observed about one command, in the words of the operating system. `Outcome` is what it
means for the step. The step from one to the other needs the author's tolerances, so it is made in `steps/`, not here.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Outcome(StrEnum):
    """How an attempt or a step ended (design D8)."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """It ran and did not do what was expected."""
    SKIPPED = "skipped"
    """Never started, by condition or by a person's decision; the reason is on the record."""
    UNREACHABLE = "unreachable"
    """The host could not be reached; nothing was sent, so nothing happened."""
    TIMED_OUT = "timed_out"
    """Ended by us at its time limit; survivors, if any, are named in the detail."""
    CANCELLED = "cancelled"
    """Ended by us because the run was halted."""
    IN_DOUBT = "in_doubt"
    """Sent, and the answer never came. It may or may not have happened."""
    NOT_REACHED = "not_reached"
    """The run ended before it."""

    @property
    def is_error(self) -> bool:
        """True for what counts against `max_errors`: everything that ran out of our hands or went wrong."""
        return self in _ERRORS

    @property
    def may_have_run(self) -> bool:
        """True when the host may have been changed, so that an undo must consider it."""
        return self in _MAY_HAVE_RUN


_ERRORS = frozenset({Outcome.FAILED, Outcome.UNREACHABLE, Outcome.TIMED_OUT, Outcome.IN_DOUBT, Outcome.CANCELLED})
_MAY_HAVE_RUN = frozenset(
    {Outcome.SUCCEEDED, Outcome.FAILED, Outcome.TIMED_OUT, Outcome.CANCELLED, Outcome.IN_DOUBT},
)


class Exited(msgspec.Struct, frozen=True, tag="exited"):
    """The command returned this code. Code 0, and nothing else in this union, is success."""

    code: int
    late_output: bool = False
    """Bytes arrived after the exit code: something it started still runs and writes."""
    out_of_memory: bool = False
    """The kernel ended a process of it for want of memory; known of what runs as a unit."""


class Signalled(msgspec.Struct, frozen=True, tag="signalled"):
    """A signal that we did not send ended the command."""

    signal: str


class Expired(msgspec.Struct, frozen=True, tag="expired"):
    """Our time limit ended it."""

    after: float
    """Seconds."""
    survivors: tuple[str, ...] = ()
    """Processes (`pid name`) of it that could not be ended."""


class Stopped(msgspec.Struct, frozen=True, tag="stopped"):
    """We ended it because it was no longer wanted."""

    survivors: tuple[str, ...] = ()


class Lost(msgspec.Struct, frozen=True, tag="lost"):
    """Sent, perhaps by a runner that is gone, and nobody knows whether it began or how it ended."""

    reason: str
    is_over: bool = False
    """True where it is certain that nothing of it runs any more, whatever it did."""


class NeverSent(msgspec.Struct, frozen=True, tag="never_sent"):
    """Not sent: no session, no channel, or fenced before its start. Certain, so it may be tried again."""

    reason: str


class Withheld(msgspec.Struct, frozen=True, tag="withheld"):
    """Not sent now, because it may have happened before under a runner that our record does not know of."""

    reason: str
    is_over: bool = False
    """As for `Lost`, of what was begun before."""


Ending = Exited | Signalled | Expired | Stopped | Lost | NeverSent | Withheld


class Grade(StrEnum):
    """How durable a command really was on its host (research: the degradation ladder)."""

    UNIT = "unit"
    """A transient unit of the host's systemd: survives its login too, and what belongs to it is known for certain."""
    SESSION = "session"
    """Supervisor in its own session with files; survives the link and the runner."""
    FILES = "files"
    """The same without setsid."""
    ATTACHED = "attached"
    """Foreground exec; when the link goes the outcome is in doubt."""
