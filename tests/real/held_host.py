"""A real host that a test can hold at a point of the protocol for as long as it likes.

Programs of the host's wait in their place while they are told to, and a connection's processes stop with whatever is
on its way. So a point is a state to wait for, and not a matter of luck or of how fast the machine is.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from runbook.transport.shell.claim import file_name
from tests.place import eventually, gone
from tests.real.openssh import RealServer, kill, needed, skip_or_fail

STAND_IN = """\
#!/bin/sh
case $* in {of})
  [ ! -e {at}/hold-{name} ] || : >{at}/held-{name}
  while [ -e {at}/hold-{name} ]; do sleep 0.02; done
esac
exec {real} "$@"
"""
"""Stands for a program of the host's, and waits in its place while it is told to."""

HELD = {"setsid": "*/bin/sh*", "rm": "*.run*"}
"""Programs by name, and the arguments with which they are ours: a login shell's own business is not held up."""


@dataclass
class HeldHost:
    """An OpenSSH server whose job files, and the signs that are left for it, are in one folder."""

    sshd: RealServer
    at: Path
    frozen: list[int] = field(default_factory=list)
    """Processes of a connection that holds bytes back."""

    def hold(self, program: str) -> None:
        """The next time the host runs this program it waits."""
        (self.at / f"hold-{program}").touch()

    async def held(self, program: str) -> None:
        """It does."""
        await eventually((self.at / f"held-{program}").exists)

    def release(self) -> None:
        """Nothing waits any more."""
        for program in HELD:
            (self.at / f"hold-{program}").unlink(missing_ok=True)

    def freeze(self) -> None:
        """What is sent on a connection that is open now does not arrive."""
        self.frozen = self.sshd.freeze()
        assert self.frozen

    async def thaw(self) -> None:
        """It arrives, long after everybody has stopped waiting for it."""
        for pid in self.frozen:
            kill(pid, signal.SIGCONT)
        await eventually(lambda: all(gone(pid) for pid in self.frozen))

    def file(self, job: str, part: str) -> Path:
        """A file of a job's."""
        return self.at / "runbook" / f"{file_name(job)}.{part}"

    async def knows_the_end_of(self, job: str) -> None:
        """The exit code is there, whether or not anybody has asked for it."""
        file = self.file(job, "run")
        await eventually(lambda: file.exists() and file.read_text().rstrip().endswith("end"))

    @property
    def effects(self) -> str:
        """A line for each time that the effect has happened."""
        file = self.at / "effects"
        return file.read_text() if file.exists() else ""


@asynccontextmanager
async def held_host(folders: pytest.TempPathFactory) -> AsyncIterator[HeldHost]:
    """One of the test's own, or the reason why there is none."""
    if reason := needed():
        skip_or_fail(reason)
    at = folders.mktemp("at")
    programs = at / "bin"
    programs.mkdir()
    for name, of in HELD.items():
        (programs / name).write_text(STAND_IN.format(at=at, name=name, of=of, real=shutil.which(name)))
        (programs / name).chmod(0o755)
    server = RealServer(folders.mktemp("sshd"), f"SetEnv XDG_STATE_HOME={at} PATH={programs}:{os.defpath}")
    await server.start()
    host = HeldHost(server, at)
    yield host
    host.release()
    await server.stop()
