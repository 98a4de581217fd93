"""From a name on the command line or the screen to a plan that can be shown and started.

Finds the runbook and its inventory in the workspace, compiles them, and keeps the exact bytes of everything that was
read for the record. Connects to nothing. The verbs and the screen both come through here, so they cannot differ.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from runbook.core.inventory import Inventory
from runbook.core.planned.command import Secret
from runbook.core.planned.earlier import Earlier
from runbook.core.planned.plan import Plan
from runbook.core.written.runbook import Runbook
from runbook.document.runbook_file import read_runbook
from runbook.inventory.manner import AS_IT_IS, Reading
from runbook.inventory.reading import read_inventory
from runbook.masking.masker import Masker
from runbook.planning.compile import Compiled, compile_plan
from runbook.planning.draft import CompileOptions, Given
from runbook.problem import Problem, problem
from runbook.workspace import kept_reading, sudo_source
from runbook.workspace.books import find_book
from runbook.workspace.in_the_open import secrets_at_hand, warnings_about
from runbook.workspace.kept_reading import KeptReading
from runbook.workspace.people import approvals_out_of_reach
from runbook.workspace.permission import with_members
from runbook.workspace.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants to run."""

    book: str
    """A path, or a runbook's name in the workspace."""
    inventory: str = ""
    """A name or a path; empty takes the runbook's own, then the workspace's."""
    reading: Reading = AS_IT_IS
    """How the inventory is read."""
    given: Mapping[str, str] = field(default_factory=dict)
    limit: str = ""
    step_mode: bool = False
    sudo: str = ""
    """Where the sudo password comes from; empty where nobody said so."""
    source: str = "command line"
    """Where the parameters were given, for the record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A plan and what it was made from."""

    runbook: Runbook
    inventory: Inventory
    plan: Plan
    secrets: tuple[Secret, ...]
    files: dict[str, bytes]
    """Name in the record to exact bytes."""
    folder: Path
    """The runbook's; relative paths of uploads start there."""
    warnings: tuple[Problem, ...]
    earlier: Earlier | None = None
    """The ended run that is followed."""
    exposed: tuple[Problem, ...] = ()
    """Those of the warnings that are noted in the record: secrets in the open, and such as are hard to hide."""

    sudo_passwords: dict[str, str] = field(default_factory=dict)
    """What sudo is told, by host; "" is every other one."""


SecretSource = Callable[[str, str], str]
"""Parameter name and its `from` to the secret."""


def typed_first(typed: Mapping[str, str], source: SecretSource) -> SecretSource:
    """The secrets that a person has typed, and the source for all others."""

    def told(name: str, origin: str) -> str:
        return typed[name] if name in typed else source(name, origin)

    return told


def prepare(
    settings: Settings, wish: Wish, secret: SecretSource | None, *, sudo: SecretSource | None = None
) -> Prepared:
    """Read and compile.

    Args:
        settings: The workspace.
        wish: What is wanted.
        secret: Asked for each secret; None leaves them out, as for a plan that is only shown.
        sudo: Asked for the sudo password alone, where secrets are left out.

    Raises:
        Problems: Everything that is wrong with the runbook, the inventory and what was given, at once.
    """
    path = find_book(settings, wish.book)
    runbook = read_runbook(path)
    inventory = with_members(
        read_inventory(inventory_of(settings, wish, runbook), workspace=settings.root, reading=wish.reading)
    )
    given = {name: Given(value=value, source=wish.source) for name, value in wish.given.items()}
    options = CompileOptions(limit=wish.limit, step_mode=wish.step_mode)
    compiled = compile_plan(runbook, inventory, given=given, options=options, secrets=secret)
    asked = sudo_source.source_of(wish.sudo, compiled.plan)
    teller = secret or sudo
    told = sudo_source.given(asked, teller) if teller else ()
    known = (*(compiled.secrets if secret else secrets_at_hand(compiled.plan.parameters)), *told)
    exposed = exposures(compiled, known, runbook, inventory)
    unread = () if asked else sudo_source.unread(inventory, compiled.plan)
    return Prepared(
        runbook=runbook,
        inventory=inventory,
        plan=compiled.plan,
        secrets=(*compiled.secrets, *told, *inventory.secrets),
        files=_files(path, inventory, kept_reading.keep(inventory, wish.reading, asked), compiled, told),
        folder=path.resolve().parent,
        warnings=(
            *inventory.warnings,
            *compiled.warnings,
            *approvals_out_of_reach(compiled.plan, settings),
            *exposed,
            *unread,
        ),
        exposed=exposed,
        sudo_passwords=sudo_source.passwords(inventory.passwords, told),
    )


def exposures(
    compiled: Compiled, secrets: tuple[Secret, ...], runbook: Runbook, inventory: Inventory
) -> tuple[Problem, ...]:
    """What a run's secrets are in danger by."""
    read = dict.fromkeys((runbook.source, *inventory.files, *compiled.files))
    return warnings_about(compiled.plan, secrets, {name: Path(name) for name in read})


def inventory_of(settings: Settings, wish: Wish, runbook: Runbook) -> str:
    """Which inventory a run uses.

    Raises:
        Problems: Nobody named one.
    """
    chosen = wish.inventory or runbook.inventory or settings.inventory
    if not chosen:
        raise problem(
            f"no inventory for {runbook.name}",
            why="neither the runbook nor the workspace names one",
            fix="Give one: -i NAME",
            code="no-inventory",
        )
    return chosen


def _files(
    path: Path, inventory: Inventory, kept: KeptReading, compiled: Compiled, told: tuple[Secret, ...]
) -> dict[str, bytes]:
    """Copies for the record: names flattened and numbered, passwords of the inventory masked, secrets left out."""
    masker = Masker.for_secrets((*compiled.secrets, *told, *inventory.secrets))
    files = {"runbook.yaml": _masked(masker, path.read_bytes())}
    for kind, names in (("inventory", inventory.files), ("part", compiled.files)):
        for number, name in enumerate(names):
            files[f"{kind}-{number:02}-{Path(name).name}"] = _masked(masker, Path(name).read_bytes())
    parameters = {one.name: "(secret)" if one.secret else one.value for one in compiled.plan.parameters}
    files[kept_reading.FILE] = _masked(masker, _document(kept))
    files["parameters.json"] = _masked(masker, _document(parameters))
    return files


def _document(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def _masked(masker: Masker, data: bytes) -> bytes:
    fresh = masker.fresh()
    return fresh.feed(data) + fresh.flush()
