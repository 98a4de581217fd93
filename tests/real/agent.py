"""A real ssh-agent of the test's own, and keys made by ssh-keygen."""

import asyncio
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path


def made_key(path: Path, *words: str) -> Path:
    """A new key without a passphrase, unless the words give one."""
    passphrase = () if "-N" in words else ("-N", "")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", *passphrase, *words, "-f", str(path)], check=True, timeout=20)
    return path


def signed(authority: Path, key: Path, *words: str) -> Path:
    """A certificate beside a key."""
    subprocess.run(
        ["ssh-keygen", "-q", "-s", str(authority), "-I", "test", *words, f"{key}.pub"], check=True, timeout=20
    )
    return key.with_name(f"{key.name}-cert.pub")


@dataclass
class Agent:
    """One running agent."""

    socket: Path
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> "Agent":
        self.process = await asyncio.create_subprocess_exec(
            "ssh-agent", "-D", "-a", str(self.socket), stdout=asyncio.subprocess.DEVNULL
        )
        while not self.socket.exists():
            await asyncio.sleep(0.01)
        return self

    def add(self, *keys: Path) -> None:
        environment = {**os.environ, "SSH_AUTH_SOCK": str(self.socket)}
        for key in keys:
            subprocess.run(["ssh-add", "-q", str(key)], check=True, timeout=20, env=environment)

    async def stop(self) -> None:
        self.process.terminate()
        await self.process.wait()
