"""`cpu-quota`, `memory-cap`, `pid-limit`: one systemd service gets less of the machine than it needs.

Guarantee: S with V: one drop-in under /run, loaded by a reload; the revert removes it and reloads. An empty
assignment would not give the old value back (`TasksMax=` is infinity), so nothing is ever assigned to undo.

Traps: without the control group's own controller (a container, version 1 mounted read-only) systemd takes all of
these and nothing happens, without a word; so the effect reads the group's own file, and `needs` looks for its
controller. A memory cap below what is used kills at once, and the count of kills is a new one after the restart:
look at the service's restarts. Children that have left the unit are not limited.

Source: systemd.resource-control(5); measured on Debian 12 with systemd 252 under cgroup 1 and 2.
"""

from __future__ import annotations

import msgspec

from runbook.faults.arguments import Count, Percent, Size, Unit, octets
from runbook.faults.fault import Fault, Guarantee, Scripts, minded, text
from runbook.faults.ground import Ground
from runbook.faults.pieces import DROP_IN, DROP_IN_PRESENT, UNIT_NEEDS


class CpuQuota(msgspec.Struct, frozen=True, kw_only=True):
    """Which one, and how much of one processor it may have."""

    unit: Unit
    percent: Percent


class MemoryCap(msgspec.Struct, frozen=True, kw_only=True):
    """Which one, and what it may use before something of it is killed."""

    unit: Unit
    size: Size


class PidLimit(msgspec.Struct, frozen=True, kw_only=True):
    """Which one, and how many processes and threads it may have."""

    unit: Unit
    count: Count


_GROUP = r"""
# group CONTROLLER: the folder of the unit's own control group.
group() {
  at=$(property ControlGroup)
  [ -n "$at" ] && [ "$at" != / ] || return 1
  for top in /sys/fs/cgroup "/sys/fs/cgroup/$1"; do
    for file in $files; do
      [ ! -e "$top$at/$file" ] || { echo "$top$at/$file" && return; }
    done
  done
  return 1
}
"""
_NEEDS = r"""
found=$(UNIT_NEEDS)
[ "$found" = ready ] || { echo "$found"; exit; }
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
  case " $(cat /sys/fs/cgroup/cgroup.controllers) " in *" $controller "*) ;;
    *) echo "unable without the controller $controller" && exit ;;
  esac
elif [ ! -w "/sys/fs/cgroup/$controller" ]; then
  echo "unable without the controller $controller: it is not there, or cannot be written"
  exit
fi
echo ready
""".replace("UNIT_NEEDS", UNIT_NEEDS.strip())
_INJECT = r"""
printf '%s\n' '[Service]' "$setting" | put_in
"""
_EFFECT = r"""
file=$(group "$controller") || { echo "unseen $unit has no group of its own"; exit; }
read -r now rest <"$file"
case " $wanted " in *" $now "*) echo "seen $file is $now $rest" ;; *) echo "unseen $file is $now $rest" ;; esac
"""


def _limited(unit: str, controller: str, files: str, setting: str, wanted: str, ground: Ground) -> Scripts:
    """Scripts of one setting; `wanted` holds the values that its file then may show, in either version."""
    ground.require(units=True)
    values = {"unit": unit, "controller": controller, "files": files, "wanted": wanted}
    return Scripts(
        guarantees=minded(ground, Guarantee.VOLATILE),
        needs=text(_NEEDS, unit=unit, controller=controller),
        inject=text(_INJECT, DROP_IN, unit=unit, setting=setting),
        effect=text(_EFFECT, DROP_IN, _GROUP, **values),
        revert=text("take_out || true\n", DROP_IN, unit=unit),
        present=text(DROP_IN_PRESENT, DROP_IN, unit=unit),
    )


def _cpu(arguments: CpuQuota, ground: Ground) -> Scripts:
    # Of a period of 100 ms, which systemd writes unless it is told otherwise.
    share = round(arguments.percent * 1000)
    setting = f"CPUQuota={arguments.percent:g}%"
    return _limited(arguments.unit, "cpu", "cpu.max cpu.cfs_quota_us", setting, str(share), ground)


def _memory(arguments: MemoryCap, ground: Ground) -> Scripts:
    size = octets(arguments.size) // 4096 * 4096
    files = "memory.max memory.limit_in_bytes"
    return _limited(arguments.unit, "memory", files, f"MemoryMax={size}\nMemorySwapMax=0", str(size), ground)


def _pids(arguments: PidLimit, ground: Ground) -> Scripts:
    count = arguments.count
    return _limited(arguments.unit, "pids", "pids.max", f"TasksMax={count}", str(count), ground)


CPU_QUOTA = Fault(
    name="cpu-quota",
    says="Lets a systemd service have a share of one processor and no more.",
    arguments=CpuQuota,
    draw=_cpu,
)
MEMORY_CAP = Fault(
    name="memory-cap",
    says="Lets the kernel kill a systemd service that uses more memory than this.",
    arguments=MemoryCap,
    draw=_memory,
)
PID_LIMIT = Fault(
    name="pid-limit",
    says="Lets a systemd service start no more processes and threads than this.",
    arguments=PidLimit,
    draw=_pids,
)
