"""What a recorded plan needs that is in no record: secrets, passwords for sudo, and the folder of its files.

Asked for again by whoever goes on with a run, or takes one back.
"""

from __future__ import annotations

import msgspec

from runbook.core.planned.plan import Plan
from runbook.inventory.manner import Agree
from runbook.inventory.reading import read_inventory
from runbook.problem import Exit, problem
from runbook.record.store import Record
from runbook.workspace import sudo_source
from runbook.workspace.kept_reading import kept_by, reading_again
from runbook.workspace.prepare import SecretSource
from runbook.workspace.settings import Settings


class Needs(msgspec.Struct, frozen=True, kw_only=True):
    """For a runner."""

    secrets: dict[str, str]
    sudo_passwords: dict[str, str]
    """By host."""
    folder: str
    """The runbook's; relative paths of uploads start there."""


def needed_again(
    settings: Settings,
    record: Record,
    plan: Plan,
    secret: SecretSource | None,
    *,
    agree: Agree | None,
    sudo: str,
) -> Needs:
    """Ask for all of it.

    Args:
        settings: The workspace.
        record: Of the run whose plan it is.
        plan: As recorded.
        secret: Asked for each secret; None where nobody can be asked.
        agree: Asked before a program is run as the inventory, which is read again for its passwords.
        sudo: Where the sudo password comes from now; empty is where it came from before.

    Raises:
        Problems: Secrets are needed that nobody can be asked for, or the inventory cannot be read.
    """
    wanted = {one.name: one.source for one in plan.parameters if one.secret}
    if wanted and secret is None:
        # Without them the runner could not even hide them in what still comes from the hosts.
        raise problem(
            f"run {record.run} needs its secrets again: {', '.join(wanted)}",
            fix=f"Resume it where they can be given: runbook resume {record.run}",
            code="no-secret",
            exit=Exit.REFUSED,
        )
    secrets = {name: secret(name, source) for name, source in wanted.items()} if secret else {}
    kept = kept_by(record)
    asked = sudo_source.given(sudo or kept.sudo, secret or _nobody)
    secrets |= {one.name: one.reveal() for one in asked}
    passwords = sudo_source.passwords((), asked)
    if plan.inventory:
        inventory = read_inventory(plan.inventory, workspace=settings.root, reading=reading_again(kept, agree))
        secrets |= {one.name: one.reveal() for one in inventory.secrets}
        passwords = sudo_source.passwords(inventory.passwords, asked)
    return Needs(secrets=secrets, sudo_passwords=passwords, folder=str((settings.root / plan.source).parent))


def _nobody(name: str, _source: str) -> str:
    """In place of somebody who can be asked."""
    raise problem(
        f"nobody can be asked for the {name}",
        fix="Resume it where it can be given: runbook resume",
        code="no-secret",
        exit=Exit.REFUSED,
    )
