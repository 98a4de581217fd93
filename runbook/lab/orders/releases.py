"""Releases of the application: a directory each, and a link `current` that is switched by rename.

Two of those that a lab comes with are bad on purpose. 1.5.0 was shipped without its schema change, so every
write fails; 1.6.0 answers correctly and far too late, which a check without a latency limit does not notice.
"""

from __future__ import annotations

import json
import os
import signal
import time
from typing import NamedTuple

from runbook.lab.orders.daemon import running_pid
from runbook.lab.orders.place import OrdersHome, OrdersRefused


class Release(NamedTuple):
    """What one release is, as its `release.json` says."""

    version: str
    schema: int
    """The version of the data that it needs."""
    delay: float = 0.0
    """Seconds that every request takes longer."""


SHIPPED = (
    Release("1.4.0", schema=4),
    Release("1.4.1", schema=4),
    Release("1.5.0", schema=5),
    Release("1.6.0", schema=4, delay=2.5),
)
"""What is on a new application host; the first is current."""


def current_release(place: OrdersHome) -> Release:
    """The release that the link points at.

    Raises:
        Refused: This host runs no application.
    """
    try:
        said = json.loads((place.releases / "current" / "release.json").read_text("utf-8"))
    except FileNotFoundError:
        message = f"{place.host} has no releases: this is not the host for that command"
        raise OrdersRefused(message) from None
    return Release(**said)


def install(place: OrdersHome) -> None:
    """Put the shipped releases on a new host."""
    for release in SHIPPED:
        folder = place.releases / release.version
        folder.mkdir(parents=True, mode=0o700)
        (folder / "release.json").write_text(json.dumps(release._asdict()) + "\n", "utf-8")
    (place.releases / "current").symlink_to(SHIPPED[0].version)


def switch(place: OrdersHome, version: str) -> str:
    """Make a release current and tell the application.

    Raises:
        Refused: There is no such release.
    """
    before = current_release(place).version
    known = sorted(folder.name for folder in place.releases.iterdir() if not folder.is_symlink() and folder.is_dir())
    if version not in known:
        message = f"there is no release {version}; there are {', '.join(known)}"
        raise OrdersRefused(message)
    if version != before:
        _point(place, version)
        place.set("previous-release", before)
    _reload(place)
    return f"release {version} (before: {before})"


def roll_back(place: OrdersHome) -> str:
    """Make the release current that was so before the last switch.

    Raises:
        Refused: Nothing was switched yet.
    """
    if not place.has("previous-release"):
        message = f"no release was switched on {place.host} yet"
        raise OrdersRefused(message)
    return switch(place, place.setting("previous-release"))


def _point(place: OrdersHome, version: str) -> None:
    """Replace the link by rename: there is no moment without a current release."""
    beside = place.releases / f".current.{os.getpid()}"
    beside.symlink_to(version)
    beside.rename(place.releases / "current")


def _reload(place: OrdersHome) -> None:
    """Ask the running application to go over; a stopped one reads the link when it starts."""
    pid = running_pid(place.pid_file("orders-app"))
    if pid:
        os.kill(pid, signal.SIGHUP)
        time.sleep(0.05)  # the handler runs between two of its byte codes; this is ample and nothing waits on it
