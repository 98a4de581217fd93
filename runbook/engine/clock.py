"""The one door to time and chance. Everything else is told what time it is.

Durations come from the boot-time clock, which never jumps and, unlike the monotonic one, also counts a suspended
laptop. Wall time is a label. Because every other file takes a `Clock`, tests own time and nothing in them sleeps.
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class SystemClock:
    """The real clocks of this machine."""

    def monotonic(self) -> float:
        """Seconds since boot, suspends included where the system can tell."""
        if hasattr(time, "CLOCK_BOOTTIME"):
            return time.clock_gettime(time.CLOCK_BOOTTIME)
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Return after so long; at once for nothing or less."""
        import asyncio  # noqa: PLC0415 - `check` asks only for the day, and a loop costs half of its time

        await asyncio.sleep(max(0.0, seconds))

    def today(self) -> date:
        """The calendar day, in UTC."""
        return datetime.now(UTC).date()


def boot_id() -> str:
    """Which boot of this machine it is; empty where the system does not say."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def wall_text(seconds: float) -> str:
    """A wall time as the record writes it: ISO 8601, UTC, milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_run_id(wall: float, runbook: str) -> str:
    """A run's name: sorts by time, says which runbook, and never meets another of the same second."""
    stamp = datetime.fromtimestamp(wall, UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{stamp}-{runbook}-{chance_hex(2)}"


def chance_hex(count: int) -> str:
    """So many bytes that nobody can foresee, as hexadecimal digits."""
    import secrets  # noqa: PLC0415 - brings OpenSSL along, and only a new run needs it

    return secrets.token_hex(count)
