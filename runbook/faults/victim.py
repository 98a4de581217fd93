"""Whom a fault of processes is done to: named by its unit, its pid file or its command line.

Never by a bare name: another process may have the same.

The host resolves it when the fault is made, and what it found is remembered with its start time.
"""

from __future__ import annotations

import msgspec

from runbook.faults.arguments import Match, Path, Unit
from runbook.faults.ground import Ground


class Victim(msgspec.Struct, frozen=True, kw_only=True):
    """Exactly one of the three."""

    unit: Unit | None = None
    """A systemd service: its main process."""
    pid_file: Path | None = None
    """The process whose number it holds."""
    match: Match | None = None
    """Every process of whose command line this is a part."""

    def __post_init__(self) -> None:
        """Refuse none and several."""
        if sum(each is not None for each in (self.unit, self.pid_file, self.match)) != 1:
            message = "name the process by one of unit, pid_file and match"
            raise ValueError(message)

    @property
    def values(self) -> dict[str, str]:
        """The variables that `pieces.VICTIM` reads."""
        return {"unit": self.unit or "", "pid_file": self.pid_file or "", "match": self.match or ""}

    def require(self, ground: Ground) -> None:
        """Refuse where it cannot be found.

        Raises:
            Problems: A unit is named on a host without systemd.
        """
        if self.unit is not None:
            ground.require(tools=("systemctl",))


NEEDS = r"""
if [ -z "$(victims)" ]; then echo "missing no such process runs there: $unit$pid_file$match"
else
  for pid in $(victims); do
    kill -0 "$pid" 2>/dev/null || { echo "missing the right to signal process $pid" && exit; }
  done
  echo ready
fi
"""
"""With `pieces.VICTIM`."""
