"""`disk-fill`: one file takes the space of a file system until only a reserve is left, or takes a given size.

Guarantee: S or H. The file is on the disk and outlives a reboot, so where systemd boots the host a unit on disk
deletes it at the next boot, and itself (P). The revert unlinks; it needs no space and no tool.

Traps: what ext4 keeps for root is not counted as available, so a service of root's still writes: the effect says
what is left. Unlinking frees nothing while somebody holds the file open. A full root file system breaks logins, sudo
and journals, so it is refused unless a size is given or `root` says so. Not every file system has fallocate: then
zeros are written, slowly.

Source: fallocate(1), statvfs(3); measured on tmpfs and ext4.
"""

from __future__ import annotations

import msgspec

from runbook.faults.arguments import Path, Size, octets
from runbook.faults.boot_revert import BOOT_REVERT, boots
from runbook.faults.fault import Fault, Scripts, minded, text
from runbook.faults.ground import Ground


class DiskFill(msgspec.Struct, frozen=True, kw_only=True):
    """Where, and how far."""

    path: Path
    """A folder on the file system that is filled; the file is made in it."""
    reserve: Size = "64MiB"
    """What stays available, whatever `size` says."""
    size: Size | None = None
    """Not more than this; without it, everything but the reserve."""
    root: bool = False
    """Also where it is the root file system that is filled."""


_AVAILABLE = r"""
file=$path/.$own.fill
# available: kibibytes that an ordinary user can have here.
available() {
  df -Pk "$path" | { read -r head && read -r device all used free rest && echo "$free"; }
}
"""
_NEEDS = r"""
[ -d "$path" ] && [ -w "$path" ] || { echo "missing the folder $path cannot be written"; exit; }
if [ "$size" = 0 ] && [ "$root" = 0 ] && [ "$(df -Pk "$path" | sed '1d; s/.* //')" = / ]; then
  echo "missing consent: $path is on the root file system; give a size, or root: true"
  exit
fi
free=$(available)
[ "${free:-0}" -gt $((reserve / 1024)) ] || { echo "missing room: $path has less than the reserve"; exit; }
if [ "$size" != 0 ] && [ "$free" -lt $(((reserve + size) / 1024)) ]; then
  echo "missing room: $path has no room for the size and the reserve"
  exit
fi
command -v fallocate >/dev/null || echo "instead of fallocate, zeros are written"
echo ready
"""
_INJECT = r"""
[ ! -e "$file" ] || exit
free=$(available)
bytes=$(((free * 1024) - reserve))
[ "$size" = 0 ] || [ "$size" -ge "$bytes" ] || bytes=$size
[ "$bytes" -gt 0 ] || { echo "$path has less than the reserve left"; exit 1; }
boot_revert || exit
fallocate -l "$bytes" "$file" 2>/dev/null && exit
head -c "$bytes" /dev/zero >"$file"
"""
_EFFECT = r"""
[ -s "$file" ] || { echo "unseen the file is not there"; exit; }
echo "seen $(available) KiB are left"
"""
_REVERT = r"""
rm -f "$file" && no_boot_revert
"""
_PRESENT = r"""
if [ -e "$file" ]; then echo there
elif [ -d "$path" ] && [ ! -e "$boot_unit" ]; then echo absent
else echo unknown; fi
"""


def _draw(arguments: DiskFill, ground: Ground) -> Scripts:
    size = octets(arguments.size) if arguments.size else 0
    values: dict[str, str | int] = {"path": arguments.path, "size": size, "root": int(arguments.root)}
    values["reserve"] = octets(arguments.reserve)
    parts = (_AVAILABLE, BOOT_REVERT)
    boot = boots(ground, "/bin/rm -f", "file")
    return Scripts(
        guarantees=minded(ground, *boot.guarantees),
        needs=text(_NEEDS, _AVAILABLE, **values),
        inject=text(_INJECT, *parts, boot.command, **values),
        effect=text(_EFFECT, _AVAILABLE, **values),
        revert=text(_REVERT, *parts, **values),
        present=text(_PRESENT, *parts, **values),
    )


FAULT = Fault(
    name="disk-fill",
    says="Fills a file system with one file, up to a reserve.",
    arguments=DiskFill,
    draw=_draw,
)
