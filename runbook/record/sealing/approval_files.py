"""Signed approvals as files beside the journal, for those who check with `ssh-keygen` alone.

The journal has the same text and signature, and is what counts: a file that cannot be written costs a stranger a step
and the run nothing.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from runbook.core.events.event import GateAnswered
from runbook.core.proof import Proof
from runbook.record.files.disk import make_private_folder, write_new_file
from runbook.record.sealing.manifest import APPROVALS


def put_approval(folder: Path, answered: GateAnswered, proof: Proof) -> None:
    """Write both under the gate's name and the next free number."""
    place, name = folder / APPROVALS, re.sub(r"[^A-Za-z0-9.]", "-", answered.gate)
    with suppress(OSError):
        make_private_folder(place)
        number = 1 + sum(1 for _ in place.glob(f"{name}-*.txt"))
        write_new_file(place / f"{name}-{number}.txt", proof.text.encode())
        write_new_file(place / f"{name}-{number}.txt.sig", proof.signature.encode())
