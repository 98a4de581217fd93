"""`reboot` and `poweroff`: the machine goes away; it comes back by itself, or by a way that was declared.

Guarantee: X. No lease can undo either: the lease itself is gone with the machine's memory, and its answer is `gone`
under another boot id. Both therefore name their way back, which a person agrees to before.

`crash` leaves no time for anything to be written, as a power cut would; it needs the kernel's sysrq. An orderly one
lets every lease's unit revert first. Neither is proved by a lost ping, nor by how ssh ended: only another boot id
proves a reboot.

Traps: a disk that waits for a passphrase, a boot that waits for a network. What was injected on disk and has no
revert at boot is still there.

Source: systemctl(1), proc(5) on sysrq-trigger; measured on Debian 12: 43 to 74 s in emulation.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from runbook.faults.fault import Fault, Guarantee, Scripts, text
from runbook.faults.ground import Ground

WayBack = Annotated[
    str,
    msgspec.Meta(min_length=10, max_length=500, description="Say who or what switches it on again."),
]


class Reboot(msgspec.Struct, frozen=True, kw_only=True):
    """In order, or as a power cut."""

    crash: bool = False
    way_back: WayBack | None = None


class PowerOff(msgspec.Struct, frozen=True, kw_only=True):
    """And how it comes back."""

    way_back: WayBack


_NEEDS = r"""
[ "$crash" = 0 ] || [ -w /proc/sysrq-trigger ] || { echo "unable without the kernel's sysrq"; exit; }
echo ready
"""
# Detached, so that the answer is out before the network is.
_GO = r"""
read -r boot </proc/sys/kernel/random/boot_id
printf '%s\n' "$boot" >"$kept"
if [ "$crash" = 1 ]; then setsid sh -c 'sleep 1; echo b >/proc/sysrq-trigger' </dev/null >/dev/null 2>&1 &
elif [ "$systemd" = 1 ]; then setsid sh -c 'sleep 1; systemctl "$0"' "$verb" </dev/null >/dev/null 2>&1 &
else setsid sh -c 'sleep 1; "$0"' "$verb" </dev/null >/dev/null 2>&1 & fi
"""
# Within a lease's life there is nothing to see: before, it has not begun, and after, nobody is left to ask.
_PRESENT = r"""
read -r asked <"$kept"
if [ -z "$asked" ]; then echo absent; else echo unknown; fi
"""


def _drawn(verb: str, ground: Ground, *, crash: bool = False) -> Scripts:
    capabilities = () if crash else ("sys_boot",)
    ground.require(tools=("setsid",), capabilities=capabilities)
    values: dict[str, str | int] = {"verb": verb, "crash": int(crash), "systemd": int(ground.init == "systemd")}
    return Scripts(
        guarantees=(Guarantee.NONE,),
        needs=text(_NEEDS, **values),
        inject=text(_GO, **values),
        effect=text("echo unknown\n"),
        revert=text("true\n"),
        present=text(_PRESENT),
        can_hold=False,
    )


def _reboot(arguments: Reboot, ground: Ground) -> Scripts:
    return _drawn("reboot", ground, crash=arguments.crash)


def _power_off(_arguments: PowerOff, ground: Ground) -> Scripts:
    return _drawn("poweroff", ground)


REBOOT = Fault(
    name="reboot",
    says="Restarts the machine, in order or as a power cut.",
    arguments=Reboot,
    draw=_reboot,
    is_of_the_machine=True,
    goes_away=True,
)
POWER_OFF = Fault(
    name="poweroff",
    says="Switches the machine off; it comes back as declared.",
    arguments=PowerOff,
    draw=_power_off,
    is_of_the_machine=True,
    goes_away=True,
)
