"""Who a user of this machine is to every record: the account's name, its uid, and an identity that holds elsewhere too.

A uid alone means somebody else on every machine, so the identity names the machine beside it. The machine's own id is
meant to be kept from others (machine-id(5)), so what is written is a hash that it keys: the same for ever on this
machine, and of no use for telling it apart anywhere else. Machines that were copied together with their id count as
one, and their users of one uid as one person: a second approval is then refused where it should not be, never granted.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import socket
from pathlib import Path

from runbook.core.actor import Actor
from runbook.talk.peer import login_name

MACHINE_IDS = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
_PURPOSE = b"runbook: the machine in an identity"
_LENGTH = 16
"""Hexadecimal digits of the hash that are kept: enough for no two machines of anybody's to meet."""
_ID = re.compile(r"(?!0{32})[0-9a-f]{32}")


def this_machine(files: tuple[Path, ...] = MACHINE_IDS) -> str:
    """A name of this machine that stays: a keyed hash of its id, or its host name where it has none (yet)."""
    for path in files:
        known = _read(path)
        if _ID.fullmatch(known):
            return hmac.new(bytes.fromhex(known), _PURPOSE, hashlib.sha256).hexdigest()[:_LENGTH]
    return socket.gethostname()


def person(uid: int, *, machine: str, via: str = "") -> Actor:
    """The user of that uid on `machine`, which is where this program runs."""
    return Actor(name=login_name(uid), uid=uid, via=via, identity=f"uid:{uid}@{machine}")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
