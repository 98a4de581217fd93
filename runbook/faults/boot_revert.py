"""What undoes a fault on disk at the next boot: a unit that runs one command, and removes itself.

A lease lives in memory and ends with the machine, but a file that fills a disk does not. Where systemd boots the
host as root's, a unit is written before the fault is, ordered before everything that would use the disk. It is plain
text in /etc/systemd/system under the lease's name, so a sweep finds it as well.
"""

from __future__ import annotations

from typing import NamedTuple

from runbook.faults.fault import Guarantee
from runbook.faults.ground import Ground


class AtBoot(NamedTuple):
    """How a host is made whole by booting, if it is."""

    guarantees: tuple[Guarantee, ...]
    command: str
    """Shell text that sets `at_boot` to the command line; empty where no unit is used."""


def boots(ground: Ground, command: str, variable: str) -> AtBoot:
    """`command` on the path that the shell's `variable` holds, at the next boot, where systemd boots the host."""
    if not ground.has_units:
        return AtBoot((), "at_boot=\n")
    return AtBoot((Guarantee.BOOT,), f'at_boot="{command} -- $(unit_word "${variable}")"\n')


BOOT_REVERT = r"""
boot_unit=/etc/systemd/system/$own.boot.service
boot_link=/etc/systemd/system/sysinit.target.wants/$own.boot.service
# unit_word TEXT: one word of a unit's command line, whatever is in it.
unit_word() {
  printf '"%s"' "$(printf %s "$1" | sed 's/[\\"]/\\&/g; s/\$/$$/g; s/%/%%/g')"
}
# boot_revert: `at_boot` will run at the next boot.
boot_revert() {
  [ -n "$at_boot" ] || return 0
  mkdir -p "${boot_link%/*}" && cat >"$boot_unit" <<END && ln -sf "$boot_unit" "$boot_link"
[Unit]
Description=undoes the fault $own
DefaultDependencies=no
After=local-fs.target
Before=sysinit.target
[Service]
Type=oneshot
ExecStart=$at_boot
ExecStart=/bin/rm -f $boot_unit $boot_link
END
}
no_boot_revert() {
  rm -f "$boot_unit" "$boot_link"
}
"""
