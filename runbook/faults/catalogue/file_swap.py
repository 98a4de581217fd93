"""`file-swap`: another content stands in a file's place, such as an expired certificate or a wrong credential.

Guarantee: S with V where the host lets us mount: a copy is bind-mounted over the file, which itself is never
touched. Where it does not (an ordinary user, a container), the original gets a second name beside it and another
file is renamed over the first; the revert renames it back, so it is the same file with the same owner, mode and
times. That one is on disk and outlives a reboot: H, and the file's second name says what happened.

Traps: a server goes on with what it has read: give a `reload`, which is part of inject and of revert. Bring a
certificate with you; few hosts can make an expired one. A manager that renames a new file over a mounted one gets
"busy". Umounting is lazy, because whoever has the file open would stop it.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from runbook.faults.arguments import Path, Shell
from runbook.faults.fault import Fault, Guarantee, Scripts, minded, text
from runbook.faults.ground import Ground
from runbook.faults.pieces import MOUNTED

Content = Annotated[
    str, msgspec.Meta(max_length=60_000, pattern=r"^[^\x00]*$", description="Write what the file is to hold, as text.")
]


class FileSwap(msgspec.Struct, frozen=True, kw_only=True):
    """Which file, and what stands there instead: exactly one of `content` and `source`."""

    path: Path
    content: Content | None = None
    source: Path | None = None
    """A file that is on the host already."""
    reload: Shell | None = None
    """Makes the service read it again; run after the swap and after the revert."""

    def __post_init__(self) -> None:
        """Refuse none and both."""
        if (self.content is None) == (self.source is None):
            message = "say by one of content and source what stands there instead"
            raise ValueError(message)


_NEEDS = r"""
[ -f "$file" ] || { echo "missing the file $file"; exit; }
[ ! -h "$file" ] || { echo "missing a plain file: $file is a link to $(readlink "$file")"; exit; }
! is_mounted "$file" || { echo "missing a plain file: something is mounted on $file already"; exit; }
[ -z "$source" ] || [ -r "$source" ] || { echo "missing the file $source"; exit; }
[ "$mounts" = 1 ] || [ -w "${file%/*}/" ] || { echo "missing the right to write in ${file%/*}"; exit; }
[ "$mounts" = 1 ] || echo "instead of a mount, the file is renamed and put back"
echo ready
"""
_COPY = r"""
# A copy with the owner and mode of the original, and the other content.
make_copy() {
  cp -p "$file" "$copy" || return
  if [ -n "$source" ]; then cat "$source" >"$copy"; else printf %s "$content" >"$copy"; fi
}
reload() {
  # A service that is started here is no part of the fault.
  [ -z "$reload" ] || (unset RUNBOOK_FAULT && eval "$reload") </dev/null
}
"""
_MOUNT = r"""
copy=$RUNBOOK_HERE/swapped
make_copy && mount --bind "$copy" "$file" && reload
"""
_MOUNT_SEEN = r"""
if cmp -s "$RUNBOOK_HERE/swapped" "$file"; then echo "seen $file holds the other content"
else echo "unseen $file is as it was"; fi
"""
UNMOUNT = r"""
! ours_is_mounted || { unmount "$file" && reload; }
"""
_MOUNT_PRESENT = r"""
if ours_is_mounted; then echo there; else echo absent; fi
"""
OURS = r"""
# The root of a bind mount is the path of what is mounted, within its own file system.
ours_is_mounted() {
  wanted=$(printf %s "$file" | sed 's/\\/\\134/g; s/ /\\040/g; s/\t/\\011/g')
  while read -r id parent device root at rest; do
    case $at:$root in "$wanted":*"/$own/swapped"*) return 0 ;; esac
  done </proc/self/mountinfo
  return 1
}
"""
_NAMES = r"""
before=${file%/*}/.$own.before
copy=${file%/*}/.$own.copy
"""
_RENAME = r"""
ln "$file" "$before" && make_copy && mv -f "$copy" "$file" && reload
"""
_RENAME_SEEN = r"""
if [ -e "$before" ] && ! [ "$before" -ef "$file" ]; then echo "seen $file is another file"
else echo "unseen $file is as it was"; fi
"""
_RENAME_BACK = r"""
rm -f "$copy"
[ -e "$before" ] || exit 0
if [ "$before" -ef "$file" ]; then rm -f "$before"; else mv -f "$before" "$file" && reload; fi
"""
_RENAME_PRESENT = r"""
if [ -e "$before" ] || [ -e "$copy" ]; then echo there
elif [ -x "${file%/*}/" ]; then echo absent
else echo unknown; fi
"""


def _draw(arguments: FileSwap, ground: Ground) -> Scripts:
    mounts = "sys_admin" in ground.capabilities and ground.user_id == 0
    values: dict[str, str | int] = {
        "file": arguments.path,
        "content": arguments.content or "",
        "source": arguments.source or "",
        "reload": arguments.reload or "",
        "mounts": int(mounts),
    }
    needs = text(_NEEDS, MOUNTED, **values)
    if not mounts:
        return Scripts(
            guarantees=minded(ground),
            needs=needs,
            inject=text(_RENAME, _NAMES, _COPY, **values),
            effect=text(_RENAME_SEEN, _NAMES, **values),
            revert=text(_RENAME_BACK, _NAMES, _COPY, **values),
            present=text(_RENAME_PRESENT, _NAMES, **values),
        )
    return Scripts(
        guarantees=minded(ground, Guarantee.VOLATILE),
        needs=needs,
        inject=text(_MOUNT, _COPY, **values),
        effect=text(_MOUNT_SEEN, **values),
        revert=text(UNMOUNT, MOUNTED, OURS, _COPY, **values),
        present=text(_MOUNT_PRESENT, OURS, **values),
    )


FAULT = Fault(
    name="file-swap",
    says="Puts another content in a file's place; the file itself is kept.",
    arguments=FileSwap,
    draw=_draw,
)
