"""`readonly-fs` and `fs-freeze`: what is on a disk can be read; writing fails, or waits for ever.

`readonly-fs`: S with V. The folder is bind-mounted over itself, read-only: a remount of the real one is refused as
soon as one file is open for writing. New writes fail, and a writer that has its file open goes on.

`fs-freeze`: S or H. Writers hang in the kernel until the thaw; a reboot ends it. Neither the mount table nor a count
says whether it is frozen, so `present` tries to write, for two seconds, in a process that may hang. Never unmount a
frozen file system: it stays frozen, and nothing is left to thaw it by. Refused for the root file system, for the
lease's own, and for a path that is not a mount of its own.

Source: mount(8), fsfreeze(8); measured on Debian 12 with ext4.
"""

from __future__ import annotations

import msgspec

from runbook.faults.arguments import Path
from runbook.faults.fault import Fault, Guarantee, Scripts, minded, text
from runbook.faults.ground import Ground
from runbook.faults.pieces import MOUNTED


class OneFolder(msgspec.Struct, frozen=True, kw_only=True):
    """Where."""

    path: Path


_READONLY_NEEDS = r"""
[ -d "$path" ] && [ "$path" != / ] || { echo "missing the folder $path, or it is the root"; exit; }
case /run/runbook/ in "$path"/*) echo "missing sense: $path holds the lease itself"; exit ;; esac
echo ready
"""
# A mount of a folder over itself carries no name of ours; which one it is stands in kept, by the mount's own number.
_NUMBER = r"""
# number: of the topmost mount at path; empty where there is none.
number() {
  wanted=$(printf %s "$path" | sed 's/\\/\\134/g; s/ /\\040/g; s/\t/\\011/g')
  found=
  while read -r id parent device root at options rest; do
    [ "$at" != "$wanted" ] || { found=$id && how=$options; }
  done </proc/self/mountinfo
  printf '%s' "$found"
}
mine() {
  read -r before <"$kept"
  [ -n "$before" ] && number >/dev/null && [ -n "$found" ] && [ "$found" != "${before#was }" ]
}
"""
_READONLY = r"""
printf 'was %s\n' "$(number)" >"$kept" && mount --bind "$path" "$path" && mount -o remount,bind,ro "$path"
"""
_READONLY_EFFECT = r"""
probe=$path/.$own.probe
if { true >"$probe"; } 2>/dev/null; then rm -f "$probe" && echo "unseen $path can be written"
else echo "seen $path cannot be written"; fi
"""
_READWRITE = r"""
for turn in 1 2 3; do
  mine || break
  umount -l "$path" || exit
done
"""
_READONLY_PRESENT = r"""
if mine; then echo there; else echo absent; fi
"""

_FREEZE_NEEDS = r"""
[ "$path" != / ] && is_mounted "$path" || { echo "missing a mount of its own at $path, other than the root"; exit; }
while read -r id parent number root at rest; do
  [ "$at" != "$path" ] || [ "$root" = / ] || { echo "missing a whole file system: $path shows $root of another"; exit; }
done </proc/self/mountinfo
for other in / /run; do
  [ "$(stat -c %d "$path")" != "$(stat -c %d "$other")" ] ||
    { echo "missing another file system than that of $other" && exit; }
done
case $(stat -f -c %T "$path") in
  tmpfs | ramfs | overlayfs | nfs*) echo "missing a file system that can be frozen" && exit ;;
esac
echo ready
"""
_FREEZE = r"""
printf 'asked\n' >"$kept" && fsfreeze -f "$path"
"""
_WRITES = r"""
# writes: true when a write ends in two seconds; whoever hangs is left behind, and ends with the thaw.
writes() {
  probe=$path/.$own.probe
  printf no >"$RUNBOOK_HERE/wrote"
  setsid sh -c '{ true >"$0"; } 2>/dev/null && printf yes >"$1"; rm -f "$0"' "$probe" "$RUNBOOK_HERE/wrote" \
    </dev/null >/dev/null 2>&1 &
  for turn in 1 2 3 4 5 6 7 8 9 10; do
    sleep 0.2
    read -r answer <"$RUNBOOK_HERE/wrote"
    [ "$answer" != yes ] || return 0
  done
  return 1
}
"""
_FROZEN = r"""
if writes; then echo "unseen a write ends"; else echo "seen a write hangs"; fi
"""
_THAW = r"""
read -r asked <"$kept"
[ "$asked" = asked ] || exit 0
said=$(fsfreeze -u "$path" 2>&1) && exit
# Thawed by somebody else, or never frozen: the kernel calls that invalid.
case $said in *'Invalid argument'*) ;; *) echo "$said"; exit 1 ;; esac
"""
_FREEZE_PRESENT = r"""
read -r asked <"$kept"
if [ "$asked" != asked ]; then echo absent
elif ! is_mounted "$path"; then echo unknown
elif writes; then echo absent
else echo there; fi
"""


def _readonly(arguments: OneFolder, ground: Ground) -> Scripts:
    ground.require(tools=("mount", "umount"), capabilities=("sys_admin",))
    path = arguments.path
    return Scripts(
        guarantees=minded(ground, Guarantee.VOLATILE),
        needs=text(_READONLY_NEEDS, path=path),
        inject=text(_READONLY, _NUMBER, path=path),
        effect=text(_READONLY_EFFECT, path=path),
        revert=text(_READWRITE, _NUMBER, path=path),
        present=text(_READONLY_PRESENT, _NUMBER, path=path),
    )


def _freeze(arguments: OneFolder, ground: Ground) -> Scripts:
    ground.require(tools=("fsfreeze", "setsid"), capabilities=("sys_admin",))
    path = arguments.path
    return Scripts(
        guarantees=minded(ground),
        needs=text(_FREEZE_NEEDS, MOUNTED, path=path),
        inject=text(_FREEZE, path=path),
        effect=text(_FROZEN, _WRITES, path=path),
        revert=text(_THAW, path=path),
        present=text(_FREEZE_PRESENT, MOUNTED, _WRITES, path=path),
    )


READONLY = Fault(
    name="readonly-fs", says="Lets nothing be written below a folder.", arguments=OneFolder, draw=_readonly
)
FREEZE = Fault(name="fs-freeze", says="Lets every write to a file system wait.", arguments=OneFolder, draw=_freeze)
