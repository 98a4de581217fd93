"""How the commands of a fabfile run: as Fabric runs them, without its ways to hang, to forget and to mislead.

Differences from Fabric, each for a reason that its trackers know: output is joined once and not once for every chunk
(Invoke 1079: 300 MB took two hours); what is kept in memory is bounded; characters that a chunk cuts in two stay whole,
and bytes that are no text reach the record as they were; nobody reads the terminal, and commands read nothing; no pty
is asked for; a command without an exit status is an error and not exit code -1; sudo is told the run's password where
it asks and the task gives none; the task never holds it.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Generator
from typing import Any

import fabric
import fabric.runners
import paramiko
from invoke.config import merge_dicts
from invoke.exceptions import WatcherError
from invoke.runners import Local, Result, Runner
from invoke.watchers import StreamWatcher

from runbook.steps.fabric.terminal import NoShell

NO_PASSWORD = "runbook-knows-the-sudo-password"  # noqa: S105 - the word that stands for it
"""Stands in Fabric's `sudo.password`, whose own default of None would be sent to sudo as the word "None"."""

MOST = 64 * 1024 * 1024
"""Characters of one stream of one command that a task is given. The record has them all."""

CHUNK = 32 * 1024
"""Bytes read at once: paramiko's packets, instead of Invoke's 1000."""

WINDOW = 64 * 1024
"""Characters that a watcher may look back for its pattern. Prompts are short."""


class NoStatus(Exception):  # noqa: N818 - it says what is there, as the endings of sessions do
    """A command was sent, and no exit status came back."""


class TooLong(Exception):  # noqa: N818 - see above
    """A command printed more than a task is given; cut text could mislead the task into acting on half a list."""


class SudoWantsPassword(WatcherError):  # noqa: N818 - see above
    """Sudo asked, and we have none: Fabric wraps this in its `Failure`, as it does with every watcher's error."""


class Window:
    """The last characters of one stream, for watchers, and how many there were."""

    def __init__(self) -> None:
        """Nothing has come yet."""
        self.size = 0
        self.text = ""

    def take(self, text: str) -> None:
        """Characters as they came."""
        self.size += len(text)
        self.text += text

    def shorten(self, watchers: list[StreamWatcher]) -> None:
        """Drop what is beyond reach; watchers remember places in the text as indices, which move with it."""
        dropped = len(self.text) - WINDOW
        if dropped < WINDOW:
            return  # In large pieces only, so that the cost stays in proportion to the text.
        self.text = self.text[dropped:]
        for watcher in watchers:
            for name in ("index", "failure_index"):
                if hasattr(watcher, name):
                    setattr(watcher, name, max(0, getattr(watcher, name) - dropped))


class Bounded(Runner):
    """What local and remote commands have in common."""

    read_chunk_size = CHUNK

    def __init__(self, *args: Any, **options: Any) -> None:
        """As Invoke's."""
        super().__init__(*args, **options)
        self._windows: dict[int, Window] = {}

    def should_use_pty(self, pty: bool = False, fallback: bool = True) -> bool:  # noqa: FBT001, FBT002 - Invoke's
        """Never: nobody is there to look, and a pty merges the streams and kills what runs on."""
        del pty, fallback
        return False

    def start(self, *args: Any, **options: Any) -> None:
        """As Fabric's; where nothing will be fed in, the command meets the end of its input and does not wait."""
        super().start(*args, **options)
        if not self.streams["in"] and not self.watchers:
            self.close_proc_stdin()

    def read_proc_output(self, reader: Callable[[int], bytes]) -> Generator[str, None, None]:
        """Text that gives back exactly the bytes that came."""
        decoder = codecs.getincrementaldecoder(self.encoding)("surrogateescape")
        while data := reader(self.read_chunk_size):
            yield decoder.decode(data)
        if rest := decoder.decode(b"", final=True):
            yield rest

    def respond(self, buffer_: list[str]) -> None:
        """Called by the stream's own thread after each chunk was put into `buffer_`."""
        window = self._windows.setdefault(id(buffer_), Window())
        window.take(buffer_[-1])
        if window.size > MOST:
            buffer_.clear()
        for watcher in self.watchers:
            for response in watcher.submit(window.text):
                self.write_proc_stdin(response)
        window.shorten(self.watchers)

    def write_proc_stdin(self, data: str) -> None:
        """As Invoke's, but for the password, which is asked of the run when a sudo asks for it."""
        if data.startswith(NO_PASSWORD):
            data = f"{self.ask_password()}\n"
        super().write_proc_stdin(data)

    @staticmethod
    def ask_password() -> str:
        """What sudo is told.

        Raises:
            SudoWantsPassword: There is none, or sudo has refused it.
        """
        raise SudoWantsPassword("none is known")

    def generate_result(self, **parts: Any) -> Result:
        """Called when the command has ended."""
        if any(window.size > MOST for window in self._windows.values()):
            raise TooLong(f"it printed more than {MOST // 1024 // 1024} Mi characters")
        return super().generate_result(**parts)


class BoundedLocal(Bounded, Local):
    """Runs on the controller, for `c.local` and tasks without a host."""

    def stop(self) -> None:
        """As Invoke's, which leaves the pipes to whenever memory is next tidied."""
        super().stop()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()


class BoundedRemote(Bounded, fabric.runners.Remote):  # type: ignore[misc]
    """Runs on a host."""

    _overdue = False

    def kill(self) -> None:
        """Called by the timer of the fabfile's own limit, to close the channel."""
        self._overdue = True
        super().kill()

    @property
    def timed_out(self) -> bool:
        """Known from when the timer fires; Invoke's own knows it only from when the timer's thread is gone."""
        return self._overdue

    def returncode(self) -> int:
        """The exit code.

        Raises:
            NoStatus: The channel was closed without one; paramiko would say -1.
        """
        code = int(self.channel.recv_exit_status())
        if code >= 0 or self.timed_out:
            return code  # What the fabfile's own limit ended has a word in Fabric.
        transport: paramiko.Transport = self.channel.get_transport()
        raise NoStatus(
            "a signal ended it, or the server closed it without a status"
            if transport.is_active()
            else "the link was lost"
        )


def settings(connect_limit: float) -> dict[str, Any]:
    """What differs from Fabric's own defaults."""
    return {
        "run": {"in_stream": False, "pty": False},
        "sudo": {"password": NO_PASSWORD},
        "timeouts": {"connect": int(connect_limit)},
        "forward_agent": False,
        "runners": {"local": BoundedLocal, "remote": BoundedRemote, "remote_shell": NoShell},
    }


def put_under(connect_limit: float, ask_password: Callable[[], str]) -> None:
    """Make these the defaults of every configuration, those that a fabfile makes for itself included.

    `ask_password` says what sudo is told on the host, and raises SudoWantsPassword where there is nothing to tell.
    """
    BoundedRemote.ask_password = staticmethod(ask_password)  # type: ignore[method-assign]
    ordinary = fabric.Config.global_defaults

    def defaults() -> dict[str, Any]:
        merged: dict[str, Any] = merge_dicts(ordinary(), settings(connect_limit))
        return merged

    fabric.Config.global_defaults = staticmethod(defaults)
