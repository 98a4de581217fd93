"""A host as a test reaches it: by OpenSSH's client, with one connection that is kept for all that is asked."""

from __future__ import annotations

import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

_QUIET = (
    "-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
    "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=5", "-o", "IdentitiesOnly=yes",
)  # fmt: skip


@dataclass
class Remote:
    """Where it is, and the keys that open it."""

    address: str
    keys: Path
    port: int = 22
    user: str = "root"
    patience: float = 60.0
    """Seconds that one command may take."""

    @property
    def key(self) -> Path:
        """The private key, made when it is first needed."""
        path = self.keys / "key"
        if not path.exists():
            self.keys.mkdir(parents=True, exist_ok=True)
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
        return path

    def authorize(self, root: Path) -> None:
        """Let the key into the accounts of a tree that is about to boot."""
        for home in ("root", "home/ann"):
            folder = root / home / ".ssh"
            folder.mkdir(mode=0o700, exist_ok=True)
            (folder / "authorized_keys").write_text(self.key.with_suffix(".pub").read_text())
            owner = (root / home).stat()
            for path in (folder, folder / "authorized_keys"):
                import os

                os.chown(path, owner.st_uid, owner.st_gid)

    def words(self, *, fresh: bool = False, user: str = "") -> list[str]:
        """The client's command line; `fresh` logs in anew."""
        user = user or self.user
        mux = ["-o", "ControlPath=none"]
        if not fresh:
            path = self.keys / f"c{abs(hash((self.address, self.port))) % 100000}-{user}"
            mux = ["-o", "ControlMaster=auto", "-o", "ControlPersist=600", "-o", f"ControlPath={path}"]
        return ["ssh", *_QUIET, *mux, "-i", str(self.key), "-p", str(self.port), f"{user}@{self.address}"]

    def run(
        self, text: str, *, fresh: bool = False, user: str = "", shell: str = "/bin/sh"
    ) -> subprocess.CompletedProcess:
        """Give a shell a text on its standard input, as a session does."""
        return subprocess.run(
            [*self.words(fresh=fresh, user=user), f"exec {shell}"],
            input=text, capture_output=True, text=True, timeout=self.patience, check=False,
        )  # fmt: skip

    def said(self, text: str, **how) -> str:
        """What it printed; a failure is an error."""
        done = self.run(text, **how)
        assert done.returncode == 0, f"{text!r} ended with {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def ask(self, line: str, port: int = 8080, within: float = 1.0) -> str:
        """One line of the server on it, over a connection of its own; the kind of error where there is none."""
        try:
            with socket.create_connection((self.address, port), within) as wire:
                wire.settimeout(within)
                wire.sendall(f"{line}\n".encode())
                return wire.makefile().readline().strip() or "closed"
        except OSError as error:
            return type(error).__name__

    def wait_for_login(self, within: float) -> None:
        """Until a new login works."""
        end = time.monotonic() + within
        while True:
            done = subprocess.run([*self.words(fresh=True), "true"], capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return
            assert time.monotonic() < end, f"no login within {within} s: {done.stderr}"
            time.sleep(0.3)

    def close(self) -> None:
        """Let go of the kept connections."""
        for user in ("root", "ann"):
            subprocess.run([*self.words(user=user), "-O", "exit"], capture_output=True, check=False, timeout=20)
