"""`inode-fill`: a file system has space, and room for no more files.

Guarantee: S or H, with P where systemd boots the host: the files are on the disk (see `disk_fill.py`).

Traps: removing a million files takes time, and that time is the recovery's as well: name the smallest file system
that shows what you want to see. Some file systems (btrfs, some of XFS) count no inodes: refused. The root file
system is refused unless `root` says so. A reserve is kept, so that the host can still make what it needs to live.

Source: statvfs(3); measured on tmpfs and ext4: 1972 files in a second.
"""

from __future__ import annotations

import msgspec

from runbook.faults.arguments import Count, Path
from runbook.faults.boot_revert import BOOT_REVERT, boots
from runbook.faults.fault import Fault, Scripts, minded, text
from runbook.faults.ground import Ground


class InodeFill(msgspec.Struct, frozen=True, kw_only=True):
    """Where, and how many may still be made."""

    path: Path
    reserve: Count = 100
    root: bool = False


_FREE = r"""
folder=$path/.$own.inodes
free() {
  df -Pi "$path" | { read -r head && read -r device all used free rest && echo "$free"; }
}
"""
_NEEDS = r"""
[ -d "$path" ] && [ -w "$path" ] || { echo "missing the folder $path cannot be written"; exit; }
if [ "$root" = 0 ] && [ "$(df -Pi "$path" | sed '1d; s/.* //')" = / ]; then
  echo "missing consent: $path is on the root file system; say root: true"
  exit
fi
case $(free) in '' | 0 | -) echo "missing a count: this file system has no fixed number of inodes"; exit ;; esac
[ "$(free)" -gt "$reserve" ] || { echo "missing room: fewer inodes are left than the reserve"; exit; }
[ "$(free)" -le 5000000 ] || { echo "missing reason: more than five million files would have to be made"; exit; }
echo ready
"""
_INJECT = r"""
boot_revert && mkdir "$folder" || exit
turns=0
# Its own folders take some as well, so it is asked again what is left.
while left=$(($(free) - reserve)) && [ "$left" -gt 0 ] && [ "$turns" -lt 20 ]; do
  turns=$((turns + 1))
  mkdir "$folder/$turns" || exit 0
  made=1
  while [ "$made" -lt "$left" ]; do
    { true >"$folder/$turns/$made"; } 2>/dev/null || break
    made=$((made + 1))
  done
done
"""
_EFFECT = r"""
if [ -d "$folder" ]; then echo "seen $(free) inodes are left"; else echo "unseen nothing was made"; fi
"""
_REVERT = r"""
rm -rf "$folder" && no_boot_revert
"""
_PRESENT = r"""
if [ -e "$folder" ]; then echo there
elif [ -d "$path" ] && [ ! -e "$boot_unit" ]; then echo absent
else echo unknown; fi
"""


def _draw(arguments: InodeFill, ground: Ground) -> Scripts:
    values: dict[str, str | int] = {
        "path": arguments.path,
        "reserve": arguments.reserve,
        "root": int(arguments.root),
    }
    boot = boots(ground, "/bin/rm -rf", "folder")
    return Scripts(
        guarantees=minded(ground, *boot.guarantees),
        needs=text(_NEEDS, _FREE, **values),
        inject=text(_INJECT, _FREE, BOOT_REVERT, boot.command, **values),
        effect=text(_EFFECT, _FREE, **values),
        revert=text(_REVERT, _FREE, BOOT_REVERT, **values),
        present=text(_PRESENT, _FREE, BOOT_REVERT, **values),
    )


FAULT = Fault(
    name="inode-fill",
    says="Fills a file system with empty files, up to a reserve.",
    arguments=InodeFill,
    draw=_draw,
)
