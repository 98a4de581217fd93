"""From what a login or a fabfile raised to what is said about it: the one place where an exception becomes an ending.

The detail of a step is a sentence and never a traceback; the traceback goes to the step's output, where whoever repairs
the fabfile looks for it. What decides between *failed* and *in doubt* is whether the link was there when it ended.
"""

from __future__ import annotations

import socket
import sys
import traceback
from itertools import pairwise
from pathlib import Path

import msgspec
import paramiko
from invoke.exceptions import Exit as InvokeExit
from invoke.exceptions import Failure, ThreadException, UnexpectedExit

from runbook.problem import Exit, Problem, Problems, Where
from runbook.steps.fabric.policy import KeyRefused
from runbook.steps.fabric.runner import NoStatus, SudoWantsPassword, TooLong
from runbook.steps.fabric.talk import CommandFailed, Done, End, LinkLost, Orders, Raised, TaskRefused
from runbook.steps.fabric.terminal import asked
from runbook.transport.ssh.refusal import Seen, behind_bastion, explained, login_refused
from runbook.transport.ssh.resolve import ResolvedHost

LONGEST = 500
"""Characters of an exception's or a command's text that a detail repeats."""


class LoginFailed(Exception):  # noqa: N818 - carries the words of a problem, as Problems does
    """The target or a bastion on the way to it could not be opened."""

    def __init__(self, problem: Problem) -> None:
        """Keep the words."""
        self.problem = problem
        super().__init__(str(problem))


def login_failed(error: Exception, hop: ResolvedHost, orders: Orders) -> Problem:
    """Why a host could not be opened, in the words that every other kind of step uses."""
    found = _at_hop(error, hop, orders)
    target = orders.route[-1]
    if hop is target:
        return found
    cause = f"{found.what}: {found.why}" if found.why else found.what
    what = f"{target.name} cannot be reached through {hop.name}"
    return msgspec.structs.replace(found, what=what, why=cause, code="jump", where=Where(f"host {target.name}"))


def _at_hop(error: Exception, hop: ResolvedHost, orders: Orders) -> Problem:
    limit = orders.connect_limit
    match error:
        case KeyRefused():
            return error.problem
        case paramiko.AuthenticationException():
            return login_refused(hop, _said(error))
        case paramiko.ChannelException():
            return behind_bastion(hop, _before(hop, orders), error.text)
        case paramiko.ssh_exception.NoValidConnectionsError():
            each = [f"[Errno {one.errno}]" for one in error.errors.values()]
            return explained(OSError(" ".join(each)), hop, Seen())
        case paramiko.SSHException() if "No authentication methods" in str(error):
            return login_refused(hop, "there is no key to log in with")
        case paramiko.SSHException() if str(error) == "No existing session":
            return explained(TimeoutError(), hop, Seen(limit=limit))  # Its words for a handshake without an end.
        case paramiko.SSHException() if "protocol banner" in str(error):
            return explained(ConnectionError("it closed the connection before it said a word"), hop, Seen())
        case socket.gaierror() | OSError():
            return explained(error, hop, Seen(limit=limit))
        case _:
            return explained(ConnectionError(_said(error)) if isinstance(error, EOFError) else error, hop, Seen())


def _before(hop: ResolvedHost, orders: Orders) -> str:
    """Name of the last bastion on the way to it; empty where there is none."""
    return next((before.name for before, after in pairwise(orders.route) if after is hop), "")


def told(error: BaseException, orders: Orders, *, link_is_up: bool) -> End:
    """What an exception that ended the task means; tracebacks of the fabfile's own mistakes go to standard error."""
    real = _real(error)
    place = _place(error, Path(orders.file))
    if (question := asked(real)) is not None:
        return TaskRefused(question.problem, place)
    match real:
        case InvokeExit() | SystemExit():
            return _left(real, place)
        case UnexpectedExit():
            return CommandFailed(_cut(real.result.command), real.result.exited, place)
        case NoStatus():
            return LinkLost(f"{real} ({place})" if place else str(real))
        case Failure(reason=SudoWantsPassword() as why):
            return TaskRefused(msgspec.structs.replace(_SUDO, why=str(why)), place)
        case TooLong():
            return TaskRefused(_too_long(real), place)
        case KeyRefused():
            return TaskRefused(real.problem, place)
        case Problems():
            return TaskRefused(real.problems[0])
        case EOFError() | OSError() | paramiko.SSHException() if not link_is_up:
            return LinkLost(_said(real))
        case _:
            traceback.print_exception(error, file=sys.stderr)
            return Raised(type(real).__name__, _said(real), place)


_SUDO = Problem(
    what="sudo asks for a password",
    fix="Give it with --ask-become-pass (-K) or ansible_become_password, or allow what the task needs with NOPASSWD.",
    code="sudo-password",
    exit=Exit.FAILED,
)


def _too_long(error: TooLong) -> Problem:
    return Problem(
        what="a command's output is too long to be given to a task",
        why=str(error),
        fix="Let it write to a file on the host; the record has what it printed.",
        code="output-too-long",
        exit=Exit.FAILED,
    )


def _left(error: InvokeExit | SystemExit, place: str) -> End:
    """The fabfile ended itself, and said with which code."""
    message = error.message if isinstance(error, InvokeExit) else error.code
    words = message if isinstance(message, str) else ""
    code = error.code if isinstance(error.code, int) else int(bool(error.code))
    if words:
        print(words, file=sys.stderr)  # noqa: T201 - where Fabric and Python print it
    return Raised(f"exit code {code}", _cut(words), place) if code else Done()


def _real(error: BaseException) -> BaseException:
    """An error of one of Invoke's own threads arrives wrapped."""
    inner = [wrapped.value for wrapped in error.exceptions] if isinstance(error, ThreadException) else []
    return next((value for value in inner if isinstance(value, BaseException)), error)


def _place(error: BaseException, fabfile: Path) -> str:
    """Where in the fabfile, or in a file beside it, it happened: the innermost line."""
    folder = fabfile if fabfile.is_dir() else fabfile.parent
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).is_relative_to(folder):
        return f"{Path(error.filename).relative_to(folder)}:{error.lineno}"
    frames = [(Path(frame.filename), frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    own = [(path.relative_to(folder), line) for path, line in frames if path.is_relative_to(folder)]
    return f"{own[-1][0]}:{own[-1][1]}" if own else ""


def _said(error: BaseException) -> str:
    return _cut(str(error) or type(error).__name__)


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}..."
