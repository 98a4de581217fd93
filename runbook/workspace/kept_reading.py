"""How the inventory of a run was read, as its record keeps it: for an auditor, and for a resume that reads it again.

A file beside the journal and not a field of the plan: it says where the plan came from and changes nothing in it.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from runbook.core.inventory import Inventory
from runbook.inventory.manner import Agree, Reading, Via
from runbook.problem import Exit, Where, problem
from runbook.record.store import Record

FILE = "inventory.json"
"""Its name in a record."""


class KeptReading(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The file's shape."""

    inventory: str
    """What was read: a folder, a file or a list of hosts."""
    via: Via
    variables: dict[str, str]
    """Given on the command line; what is masked anywhere is masked here too."""
    vault: str = ""
    """The file with the vault's password; its path, and never what is in it."""
    sudo: str = ""
    """Where the sudo password came from, so that a resume asks there again."""


def keep(inventory: Inventory, reading: Reading, sudo: str) -> KeptReading:
    """What a record keeps of a reading."""
    vault = str(Path(reading.vault_password).expanduser().absolute()) if reading.vault_password else ""
    return KeptReading(
        inventory=inventory.source, via=reading.via, variables=dict(reading.overrides), vault=vault, sudo=sudo
    )


def kept_by(record: Record) -> KeptReading:
    """How the inventory of a recorded run was read.

    A record whose file is gone must not keep anybody from going on: its inventory is read as it is.

    Raises:
        Problems: The record says something that we cannot read.
    """
    data = record.copy(FILE)
    if data is None:
        return KeptReading(inventory="", via="own", variables={})
    try:
        return msgspec.json.decode(data, type=KeptReading)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as wrong:
        raise problem(
            "it is not known how the inventory was read",
            why=str(wrong),
            fix="Check the record: runbook verify",
            where=Where(f"{record.address}/{FILE}"),
            code="no-reading",
            exit=Exit.FAILED,
        ) from wrong


def reading_again(kept: KeptReading, agree: Agree | None) -> Reading:
    """The same reading. To run a program is a matter of today, so `agree` is asked again."""
    return Reading(overrides=kept.variables, via=kept.via, agree=agree, vault_password=kept.vault)
