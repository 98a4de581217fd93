"""Files that Ansible Vault encrypted, opened by `ansible-vault` itself where it is installed and a password is named.

The cipher is Ansible's, and so is the program that knows it: nothing of it is written again here, no password is read
by us, and what comes out stays in memory. What is encrypted and cannot be opened is one problem that its reader turns
into one line.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from runbook.inventory.manner import NAMED_BY
from runbook.inventory.variable_files import Decrypt
from runbook.problem import Problems, Where, problem

LIMIT_SECONDS = 30.0
"""A password that is asked of a program may need a moment; `ansible-vault` itself needs one second."""


def decrypter(password_file: str) -> Decrypt:
    """What opens vault files with the password in that file; without one it says how to name it."""

    def decrypt(data: bytes, shown: str) -> bytes:
        if not password_file:
            fix = f"Name it: --vault-password-file FILE, or {NAMED_BY}."
            raise _closed(shown, "no vault password is named", fix)
        return _opened(data, shown, Path(password_file).expanduser().absolute())

    return decrypt


def _opened(data: bytes, shown: str, password_file: Path) -> bytes:
    program = shutil.which("ansible-vault")
    if program is None:
        raise _closed(shown, "no ansible-vault is on the PATH", "Install ansible-core, which brings it.")
    try:
        done = subprocess.run(
            [program, "decrypt", "--output", "-", "-"],
            input=data,
            capture_output=True,
            timeout=LIMIT_SECONDS,
            check=False,
            env={**os.environ, NAMED_BY: str(password_file), "ANSIBLE_VAULT_IDENTITY_LIST": ""},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _closed(shown, f"ansible-vault: {error}", "Run ansible-vault view by hand.") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().replace("\n", " ")[-300:]
        raise _closed(shown, f"ansible-vault says: {said or done.returncode}", "Check the password file.")
    return done.stdout


def _closed(shown: str, why: str, fix: str) -> Problems:
    return problem(
        f"{shown} is encrypted with Ansible Vault", why=why, fix=fix, where=Where(shown, 1), code="vault", warning=True
    )
