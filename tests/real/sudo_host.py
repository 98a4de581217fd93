"""A real server whose logins are an ordinary user, under a real sudo with rules and passwords of the test's own.

Every login sees a private view of this machine, in which the files of accounts and of sudo are others. So nothing of
the machine changes, and nothing is left to be cleaned up.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
import uuid
from pathlib import Path
from typing import Self

from runbook.core.outcome import Ending, Grade
from runbook.core.planned.command import Become, Command, Secret
from runbook.transport.session import Job, Session
from runbook.transport.shell.sudo import Sudos
from runbook.transport.ssh.connector import SshConnector, SshOptions
from tests.real.openssh import RealServer, skip_or_fail
from tests.transport.recorder import Recorder

PASSWORD = "a-right-password"
ALL = "rbuser ALL=(ALL) ALL"
USER = 4242


async def counted(host: SudoHost) -> list[str]:
    """Whose password was counted as wrong, once for each time; asked when every sudo of that host has ended."""
    while any(_is_sudo_of(host, process) for process in Path("/proc").glob("[0-9]*")):
        await asyncio.sleep(0.02)
    return host.log.read_text().split()


def _is_sudo_of(host: SudoHost, process: Path) -> bool:
    try:
        return (process / "cmdline").read_bytes().startswith(b"sudo\0") and (process / "cwd").readlink() == host.home
    except OSError:
        return False


def hashed(password: str) -> str:
    words = ["openssl", "passwd", "-6", "-stdin"]
    return subprocess.run(words, input=password.encode(), capture_output=True, check=True).stdout.decode().strip()


class SudoHost:
    """A server on which `rbuser` logs in.

    `rules` are lines of sudoers. `root` is root's password, `changed` the day on which rbuser's was set (0: it has to be
    changed now), `before` what the login runs first.
    """

    def __init__(
        self, folder: Path, rules: str = ALL, *, password: str = PASSWORD, root: str = "", changed: str = "19000",
        before: str = "",
    ):  # fmt: skip
        missing = [tool for tool in ("unshare", "setpriv", "sudo", "openssl") if not shutil.which(tool)]
        if os.getuid() != 0 or missing:
            skip_or_fail(f"needs root and {', '.join(missing) or 'nothing else'}")
        self.home = folder / "home"
        self.home.mkdir()
        shutil.chown(self.home, USER, USER)
        for parent in (folder, folder.parent, folder.parent.parent):
            parent.chmod(parent.stat().st_mode | 0o011)
        self.log = folder / "failures"
        files = {
            "passwd": f"root:x:0:0:root:/root:/bin/sh\nrbuser:x:{USER}:{USER}::{self.home}:/bin/sh\n"
            "dba:x:4243:4243::/tmp:/bin/sh\n",
            "shadow": f"root:{hashed(root) if root else '*'}:19000::::::\nrbuser:{hashed(password)}:{changed}::::::\n"
            "dba:*:19000::::::\n",
            "group": f"root:x:0:\nrbuser:x:{USER}:\ndba:x:4243:\n",
            "sudoers": f"Defaults !lecture, !syslog, !mail_always\nroot ALL=(ALL) ALL\n{rules}\n",
            "pam.d/sudo": f"auth sufficient pam_unix.so\nauth optional pam_exec.so {folder}/failed\n"
            "auth required pam_deny.so\naccount required pam_unix.so\npassword required pam_unix.so\n",
        }
        failed = folder / "failed"
        failed.write_text(f"#!/bin/sh\necho $PAM_USER >>{self.log}\n")
        failed.chmod(0o755)
        self.log.write_text("")
        self.log.chmod(0o666)
        lines = ["#!/bin/bash"]
        for name, text in files.items():
            path = folder / name.replace("/", "-")
            path.write_text(text)
            path.chmod(0o440 if name in ("sudoers", "shadow") else 0o644)
            lines.append(f"mount --bind {path} /etc/{name}")
        lines.append("mount -t tmpfs none /run/sudo 2>/dev/null; mkdir -p /var/lib/sudo/lectured")
        lines.append("mount -t tmpfs none /var/lib/sudo 2>/dev/null")
        lines.append(f"cd {self.home}; export HOME={self.home} USER=rbuser LOGNAME=rbuser; unset XDG_STATE_HOME")
        lines.append(before)
        lines.append(f'exec setpriv --reuid {USER} --regid {USER} --clear-groups /bin/sh -c "$SSH_ORIGINAL_COMMAND"')
        entry = folder / "entry"
        entry.write_text("\n".join(lines) + "\n")
        entry.chmod(0o755)
        self.server = RealServer(folder, extra=f"ForceCommand unshare -m {entry}")

    async def __aenter__(self) -> Self:
        await self.server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.server.stop()

    async def opened(self, password: str | None = PASSWORD, *, user: str = "root") -> Opened:
        """A session whose steps become `user` with this password."""
        secrets = {"real": Secret("sudo", password)} if password else {}
        connector = SshConnector(SshOptions(wall=time.time, agent="", sudos=Sudos(secrets)))
        return Opened(connector, await connector.connect(self.server.host), Become(user=user))


class Opened:
    """One open session, closed at the end of its `with`."""

    def __init__(self, connector: SshConnector, session: Session, become: Become):
        self.connector, self.session, self.become = connector, session, become

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()
        await self.connector.close()

    async def ran(
        self, text: str, *, stdin: bytes = b"", durable: bool = True, **parts: object
    ) -> tuple[Ending, bytes, list[Grade]]:
        sink = Recorder()
        job = Job(id=str(uuid.uuid4()), durable=durable, grace=0.5, **parts)
        ending = await self.session.run(Command(shell=text, become=self.become, stdin=stdin), job, sink)
        await self.session.forget(job)
        return ending, sink.out, sink.grades
