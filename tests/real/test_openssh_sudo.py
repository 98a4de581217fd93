"""Steps as somebody else, by the real sudo, for a user who exists only in a private view of this machine."""

import os
import shutil
import subprocess
import time
import uuid

import pytest

from runbook.core.command import Become, Command, Secret
from runbook.core.outcome import Exited, Expired, Grade, NeverSent
from runbook.transport.session import Job
from runbook.transport.ssh.connector import SshConnector, SshOptions
from tests.real.openssh import RealServer, skip_or_fail
from tests.transport.recorder import Recorder

pytestmark = pytest.mark.real

PASSWORD = "a-right-password"
ROOT = Become(user="root")


class Host:
    """A server whose logins become an ordinary user with one sudo rule."""

    def __init__(self, folder, rule: str, password: str | None):
        missing = [tool for tool in ("unshare", "setpriv", "sudo", "openssl") if not shutil.which(tool)]
        if os.getuid() != 0 or missing:
            skip_or_fail(f"needs root and {', '.join(missing) or 'nothing else'}")
        home = folder / "home"
        home.mkdir()
        shutil.chown(home, 4242, 4242)
        for parent in (folder, folder.parent, folder.parent.parent):
            parent.chmod(parent.stat().st_mode | 0o011)
        hashed = subprocess.run(
            ["openssl", "passwd", "-6", PASSWORD], capture_output=True, check=True, text=True
        ).stdout
        files = {
            "passwd": f"root:x:0:0:root:/root:/bin/sh\nrbuser:x:4242:4242::{home}:/bin/sh\n",
            "shadow": f"root:*:1::::::\nrbuser:{hashed.strip()}:19000::::::\n",
            "group": "root:x:0:\nrbuser:x:4242:\n",
            "sudoers": f"Defaults !lecture\nroot ALL=(ALL) ALL\n{rule}\n",
        }
        lines = ["#!/bin/bash"]
        for name, text in files.items():
            path = folder / name
            path.write_text(text)
            path.chmod(0o440 if name in ("sudoers", "shadow") else 0o644)
            lines.append(f"mount --bind {path} /etc/{name}")
        lines.append("mount -t tmpfs none /run/sudo 2>/dev/null")
        lines.append(f"cd {home}; export HOME={home} USER=rbuser LOGNAME=rbuser; unset XDG_STATE_HOME")
        lines.append('exec setpriv --reuid 4242 --regid 4242 --clear-groups /bin/sh -c "$SSH_ORIGINAL_COMMAND"')
        entry = folder / "entry"
        entry.write_text("\n".join(lines) + "\n")
        entry.chmod(0o755)
        self.server = RealServer(folder, extra=f"ForceCommand unshare -m {entry}")
        secrets = {"real": Secret("sudo", password)} if password else {}
        self.connector = SshConnector(SshOptions(wall=time.time, agent="", sudo_passwords=secrets))

    async def __aenter__(self):
        await self.server.start()
        return await self.connector.connect(self.server.host)

    async def __aexit__(self, *_):
        await self.connector.close()
        await self.server.stop()


async def ran(session, text, *, become=ROOT, durable=True, **parts):
    sink = Recorder()
    job = Job(id=str(uuid.uuid4()), durable=durable, grace=0.5, **parts)
    ending = await session.run(Command(shell=text, become=become), job, sink)
    await session.forget(job)
    return ending, sink.out, sink.grades


@pytest.mark.parametrize(
    ("rule", "password"),
    [("rbuser ALL=(ALL) NOPASSWD: ALL", None), ("rbuser ALL=(ALL) ALL", PASSWORD)],
    ids=["without a password", "with a password"],
)
async def test_steps_run_as_root_in_every_grade_and_can_be_ended(tmp_path_factory, rule, password):
    async with Host(tmp_path_factory.mktemp("host"), rule, password) as session:
        assert await ran(session, "id -un", become=None) == (Exited(0), b"rbuser\n", [Grade.SESSION])
        assert await ran(session, "id -un; echo $HOME") == (Exited(0), b"root\n/root\n", [Grade.SESSION])
        assert await ran(session, "id -un", durable=False) == (Exited(0), b"root\n", [Grade.ATTACHED])
        assert (await ran(session, "trap '' TERM; while :; do sleep 0.1; done", limit=0.6))[0] == Expired(0.6)
        shown = await ran(session, "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null; true")
        assert (shown[0], PASSWORD.encode() in shown[1]) == (Exited(0), False)
        await session.close()


async def test_a_wrong_password_sends_nothing(tmp_path_factory):
    async with Host(tmp_path_factory.mktemp("host"), "rbuser ALL=(ALL) ALL", "a-wrong-password") as session:
        ending, out, grades = await ran(session, "id -un")
        assert (ending, out, grades) == (NeverSent("sudo to root is refused: the password is wrong"), b"", [])


async def test_a_user_without_a_rule_is_told_what_sudo_says(tmp_path_factory):
    async with Host(tmp_path_factory.mktemp("host"), "", None) as session:
        ending, out, _ = await ran(session, "id -un")
        assert (type(ending), "sudo to root is refused" in ending.reason, out) == (NeverSent, True, b"")
