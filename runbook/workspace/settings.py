"""What a workspace says about itself: `runbook.toml` at its root, read once into a frozen value.

A workspace is the folder that holds `drills/`, `inventories/` and `recordings/`; it is found by walking up from where
the operator stands, like a Git repository. Everything has a default, so no file is needed.
"""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from msgspec.structs import replace

from runbook.problem import Where, problem
from runbook.record.sealing.sealer import EVERY

FILE = "runbook.toml"


class _Control(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    allow: tuple[str, ...] = ()


class SealSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[seal]`: how records are closed here (docs/sealing.md)."""

    key: str = ""
    """What `ssh-keygen -f` takes; a relative path begins at the workspace."""
    stamp: str = ""
    """URL of an authority for time."""
    every: float = EVERY
    """Seconds of a run between checkpoints of its head."""


class TrustSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[trust]`: whom `verify` believes here, files that others keep."""

    allowed_signers: str = ""
    revoked: str = ""
    checkpoint: str = ""
    authority: str = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The shape of `runbook.toml`."""

    drills: str = "drills"
    inventories: str = "inventories"
    recordings: str = "recordings"
    inventory: str = ""
    control: _Control = _Control()
    seal: SealSettings = SealSettings()
    trust: TrustSettings = TrustSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A workspace's settings, with every path absolute."""

    root: Path
    drills: Path
    inventories: Path
    recordings: Path
    inventory: str
    """The inventory of runbooks that name none; empty asks for `-i`."""
    allowed: frozenset[int]
    """Uids that get through a run's socket, the owner's among them."""
    seal: SealSettings = field(default_factory=SealSettings)
    trust: TrustSettings = field(default_factory=TrustSettings)
    """Paths of both are absolute."""

    @property
    def is_shared(self) -> bool:
        """True when other people were named."""
        return self.allowed != {os.getuid()}

    @property
    def lab(self) -> Path:
        """Where this workspace's lab lives."""
        return self.root / ".lab"


def read_settings(start: Path, *, recordings: str = "") -> Settings:
    """The settings of the workspace around `start`.

    Raises:
        Problems: `runbook.toml` cannot be read, or names a person whom this machine does not know.
    """
    root = _root(start.resolve())
    path = root / FILE
    said = _read(path) if path.is_file() else _File()
    return Settings(
        root=root,
        drills=root / said.drills,
        inventories=root / said.inventories,
        recordings=Path(recordings).resolve() if recordings else root / said.recordings,
        inventory=said.inventory,
        allowed=frozenset({os.getuid(), *(_uid(name, path) for name in said.control.allow)}),
        seal=replace(said.seal, key=_below(root, said.seal.key)),
        trust=TrustSettings(*(_below(root, each) for each in msgspec.structs.astuple(said.trust))),
    )


def _below(root: Path, path: str) -> str:
    return str(root / Path(path).expanduser()) if path else ""


def _root(start: Path) -> Path:
    around = (start, *start.parents)
    marked = (folder for folder in around if (folder / FILE).is_file() or (folder / "drills").is_dir())
    return next(marked, start)


def _read(path: Path) -> _File:
    import tomllib  # noqa: PLC0415 - most workspaces have no such file, and a check is to be quick

    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File)
    except (OSError, ValueError) as wrong:
        raise problem(
            "the workspace's settings cannot be read",
            why=str(wrong),
            fix="It may hold: drills, inventories, recordings, inventory, [control] with allow, [seal] with key, stamp "
            "and every, [trust] with allowed_signers, revoked, checkpoint and authority.",
            where=Where(str(path)),
            code="bad-settings",
        ) from wrong


def _uid(name: str, path: Path) -> int:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError as unknown:
        raise problem(
            f'[control] allow names "{name}", whom this machine does not know',
            fix="Write a login name of this machine, or take it out.",
            where=Where(str(path)),
            code="unknown-person",
        ) from unknown
