"""Inventories that are programs: a script with `--list`, and `ansible-inventory` itself.

Both run somebody's code on the operator's machine, so neither happens by accident: a script runs only after a person
has agreed to its path, and `ansible-inventory` only when it is asked for by name. A program gets no terminal, no
standard input, one minute and eight megabytes. What it prints is judged by `inventory_json.py` like any other file.
"""

from __future__ import annotations

import os
import re
import selectors
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from runbook.problem import Problems, Where, problem

LIMIT_SECONDS = 60.0
"""A cloud's API may take half a minute for a thousand machines; a person waits no longer than this."""
LIMIT_BYTES = 8 << 20
"""What a program may print."""
ANSIBLE_LIMIT_BYTES = 256 << 20
"""What Ansible may print about a whole site; 7.8 MB were seen at one of two thousand hosts."""
_TURN = 1.0
"""Seconds between two looks at the limits while nothing is printed."""
_NONE: Mapping[str, str] = MappingProxyType({})
_STRICT = MappingProxyType({"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"})
"""By default Ansible only warns of an inventory that it cannot read, and prints one without hosts."""
_IGNORE = "ANSIBLE_INVENTORY_IGNORE_REGEX"
_MAX_COMPLAINT = 500
"""Characters of a program's error output that are shown."""


def list_program(path: Path, shown: str) -> str:
    """What an inventory program prints for `--list`.

    Raises:
        Problems: code `bad-program`: it cannot be started, fails, prints too much or takes too long.
    """
    return _output([str(path.absolute()), "--list"], shown, folder=path.parent)


def list_with_ansible(path: Path, shown: str, *, passed_over: Iterable[str]) -> str:
    """What `ansible-inventory` makes of an inventory, vault and plugins included.

    Args:
        path: A file, or a folder that it reads as a whole.
        shown: How problems name it.
        passed_over: Names in the folder that are no inventories.

    Raises:
        Problems: code `no-ansible` where it is not installed; else as for `list_program`.
    """
    program = shutil.which("ansible-inventory")
    if program is None:
        why = "no ansible-inventory is on the PATH"
        fix = "Install ansible-core, or read the inventory without it."
        raise problem("cannot read the inventory through Ansible", why=why, fix=fix, code="no-ansible")
    argv = [program, "--inventory", str(path.absolute()), "--list"]
    folder = path if path.is_dir() else path.parent
    # What is ours in the folder would otherwise be read as a list of hosts.
    ours = ",".join(filter(None, (os.environ.get(_IGNORE, ""), *(f"^{re.escape(name)}$" for name in passed_over))))
    return _output(argv, shown, folder=folder, settings={**_STRICT, _IGNORE: ours}, limit=ANSIBLE_LIMIT_BYTES)


def _output(
    argv: Sequence[str], shown: str, *, folder: Path, settings: Mapping[str, str] = _NONE, limit: int = LIMIT_BYTES
) -> str:
    """Run it, bounded in time and bytes, and give what it printed."""
    try:
        process = subprocess.Popen(
            argv,
            cwd=folder,
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # so that it can be ended with all that it started, and cannot ask the terminal
        )
    except OSError as error:
        raise _failed(shown, f"it cannot be started: {error.strerror}") from error
    expired = threading.Event()
    timer = threading.Timer(LIMIT_SECONDS, expired.set)
    timer.start()
    with process:
        try:
            printed, complaint, why = _drain(process, expired, limit)
        finally:
            timer.cancel()
            _end(process)
    if why or process.returncode:
        said = complaint.decode("utf-8", "replace").strip()[-_MAX_COMPLAINT:]
        raise _failed(shown, why or f"it ended with {process.returncode}: {said or 'and said nothing'}")
    return printed.decode("utf-8", "replace")


def _drain(process: subprocess.Popen[bytes], expired: threading.Event, limit: int) -> tuple[bytes, bytes, str]:
    """Both outputs to their end, and why they were not read to it where a limit was met."""
    kept = {"out": bytearray(), "err": bytearray()}
    with selectors.DefaultSelector() as ready:
        for name, pipe in (("out", process.stdout), ("err", process.stderr)):
            if pipe is not None:
                ready.register(pipe.fileno(), selectors.EVENT_READ, name)
        while ready.get_map():
            for key, _ in ready.select(_TURN):
                data = os.read(key.fd, 65536)
                kept[key.data] += data
                if not data:
                    ready.unregister(key.fd)
            if expired.is_set():
                return b"", bytes(kept["err"]), f"it takes longer than {LIMIT_SECONDS:.0f} s"
            if len(kept["out"]) + len(kept["err"]) > limit:
                return b"", b"", f"it prints more than {limit:,} bytes"
    return bytes(kept["out"]), bytes(kept["err"]), ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it and all that it started, unless it has ended by itself within a moment of closing its outputs."""
    try:
        process.wait(_TURN)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # its own session, not yet reaped: the number cannot be another's


def _failed(shown: str, why: str) -> Problems:
    fix = "Run it with --list by hand and look at what it says."
    return problem(f"{shown} gave no inventory", why=why, fix=fix, where=Where(shown), code="bad-program")
