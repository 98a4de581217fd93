"""Backup and restore: copied consistently, restored beside the live data, checked, then switched by rename.

Nothing here overwrites live data. The switch renames two directories and can be taken back the same way, so the
moment of no return is where an operator expects it: when somebody deletes the old directory.
"""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import NamedTuple

from runbook.lab.orders.daemon import running_pid
from runbook.lab.orders.database import Role, read_role, write_role
from runbook.lab.orders.orderlog import Digest, decode, digest_of, write_orders
from runbook.lab.orders.place import OrdersHome, OrdersRefused, replace_text, sync_directory


class Backup(NamedTuple):
    """What a backup is, as its manifest says."""

    name: str
    taken: float
    """Unix time."""
    orders: int
    """How many."""
    last_mark: int
    sha256: str
    """Of the orders file."""

    @property
    def digest(self) -> Digest:
        """What a restored set must be."""
        return Digest(self.orders, self.last_mark, self.sha256)


def take(place: OrdersHome, name: str) -> Backup:
    """Copy the orders as they are now. The file only grows by whole synced lines, so what is read is consistent.

    Raises:
        Refused: There is a backup of that name already, or this host has no data.
    """
    folder = place.backups / name
    if "/" in name or name.startswith(".") or folder.exists():
        message = f"a backup cannot be called {name!r}: the name is taken or is no plain file name"
        raise OrdersRefused(message)
    data = (place.data / "orders.log").read_bytes()
    folder.mkdir(parents=True, mode=0o700)
    write_orders(folder / "orders.log", decode(data[: data.rfind(b"\n") + 1]))
    backup = Backup(name, round(time.time(), 3), *digest_of(folder / "orders.log"))
    replace_text(folder / "manifest.json", json.dumps(backup._asdict()) + "\n")
    return backup


def listed(place: OrdersHome) -> tuple[Backup, ...]:
    """Every backup with a manifest, oldest first; one without was never finished."""
    found = (read(place, path.parent.name) for path in place.backups.glob("*/manifest.json"))
    return tuple(sorted(found, key=lambda backup: backup.taken))


def read(place: OrdersHome, name: str) -> Backup:
    """One backup's manifest.

    Raises:
        Refused: There is none of that name, or its manifest is damaged.
    """
    try:
        return Backup(**json.loads((place.backups / name / "manifest.json").read_text("utf-8")))
    except FileNotFoundError:
        known = ", ".join(sorted(path.parent.name for path in place.backups.glob("*/manifest.json"))) or "none"
        message = f"there is no backup {name} on {place.host}; there are: {known}"
        raise OrdersRefused(message) from None
    except (ValueError, TypeError) as cause:
        message = f"the manifest of backup {name} is damaged: {cause}"
        raise OrdersRefused(message) from cause


def verify(place: OrdersHome, name: str, folder: Path) -> Digest:
    """Compare a set of orders with a backup's manifest, by count, last order and checksum.

    Raises:
        Refused: They differ, or the set is damaged.
    """
    expected, found = read(place, name).digest, digest_of(folder / "orders.log")
    if found != expected:
        message = f"{folder.name} is not backup {name}: {found.orders} orders, {found.sha256[:12]}; expected "
        raise OrdersRefused(f"{message}{expected.orders} orders, {expected.sha256[:12]}")
    return found


def restore(place: OrdersHome, name: str) -> Digest:
    """Build a set beside the live data from a backup; the next primary epoch begins with it.

    Raises:
        Refused: The backup is not there or is damaged.
    """
    verify(place, name, place.backups / name)
    shutil.rmtree(place.restored, ignore_errors=True)
    place.restored.mkdir(mode=0o700)
    write_orders(place.restored / "orders.log", decode((place.backups / name / "orders.log").read_bytes()))
    role = read_role(place.data)
    write_role(place.restored, Role("primary", role.epoch + 1, role.schema))
    return verify(place, name, place.restored)


def switch(place: OrdersHome) -> str:
    """Put the restored set in the place of the live data, which is kept.

    Raises:
        Refused: The database runs, or nothing was restored.
    """
    _refuse_running(place)
    if not place.restored.exists():
        message = f"{place.host} has no restored set: run `orders restore NAME` first"
        raise OrdersRefused(message)
    kept = place.home / f"data.before-{read_role(place.restored).epoch}"
    place.data.rename(kept)
    place.restored.rename(place.data)
    sync_directory(place.home)
    return f"restored data is live; the data before is kept in {kept.name}"


def switch_back(place: OrdersHome) -> str:
    """Take the last switch back; the set that was live until now becomes the restored one again.

    Raises:
        Refused: The database runs, or nothing was switched.
    """
    _refuse_running(place)
    kept = place.home / f"data.before-{read_role(place.data).epoch}"
    if not kept.exists():
        message = f"{place.host} runs on data that no restore put there"
        raise OrdersRefused(message)
    shutil.rmtree(place.restored, ignore_errors=True)
    place.data.rename(place.restored)
    kept.rename(place.data)
    sync_directory(place.home)
    return "the data from before the restore is live again"


def _refuse_running(place: OrdersHome) -> None:
    if running_pid(place.pid_file("orders-db")):
        message = "orders-db is running: stop it before its data is switched"
        raise OrdersRefused(message)
