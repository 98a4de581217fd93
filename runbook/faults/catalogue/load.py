"""`cpu`, `memory`, `io`: the machine is busy with something else.

Guarantee: B, with S or H: the fault *is* a process with a time of its own, fixed when it began and never beyond the
lease's maximum; a lease that lapses ends it earlier. It is the first that the kernel kills when memory is gone,
before sshd and before what is tested. It cannot be held: it ends whatever anybody wants.

stress-ng is used where it is there. Where it is not, a shell counts (`cpu`), a pipe holds zeros (`memory`), and dd
writes (`io`): `needs` says so. On a host with systemd it runs in a unit of its own, so that nothing of it survives a
stop.

Traps: all processors slow down sshd as well, so one is left unless `processors` says otherwise. `memory` with swap
becomes a fault of the disk. Files of `io` are unlinked while they are open; a folder may stay, and the revert
removes it.

Source: stress-ng(1); measured on Debian 12.
"""

from __future__ import annotations

import msgspec

from runbook.faults.arguments import Count, Path, Percent, Size, octets
from runbook.faults.fault import Fault, Guarantee, Scripts, minded, text
from runbook.faults.ground import Ground
from runbook.faults.pieces import DETACH, PROCESS


class Cpu(msgspec.Struct, frozen=True, kw_only=True):
    """How many processors, and how much of each."""

    processors: Count | None = None
    """All but one, and at least one."""
    load: Percent = 100.0
    """Of each; without stress-ng it is always all."""


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """How much."""

    size: Size


class Io(msgspec.Struct, frozen=True, kw_only=True):
    """Where is written, and how much at a time."""

    path: Path
    """A folder on the file system that is to be busy."""
    size: Size = "64MiB"


_BEGIN = r"""
# begin COMMAND...: for as long as the lease may last, and not longer.
begin() {
  if [ "$units" = 1 ]; then
    systemd-run --quiet --collect --unit="$own-load" --description="the fault $own" -p "RuntimeMaxSec=$RUNBOOK_LEFT" \
      -p OOMScoreAdjust=1000 -p CPUWeight=20 -p TasksMax=infinity -p LimitNOFILE=4096 -p TimeoutStopSec=5 \
      -p "WorkingDirectory=$RUNBOOK_HERE" "$@"
    return
  fi
  true >"$kept"
  detach timeout -k 2 "$RUNBOOK_LEFT" sh -c '{ echo 1000 >/proc/self/oom_score_adj; } 2>/dev/null; exec "$@"' sh "$@"
  [ -s "$kept" ]
}
"""
_END = r"""
# kin PID: it and all that descend from it.
kin() {
  echo "$1"
  for stat in /proc/[0-9]*/stat; do
    line=
    { read -r line <"$stat"; } 2>/dev/null
    set -- "$1" ${line##*) }
    [ "$3" != "$1" ] || (kin "${line%% *}")
  done
}
# The parent first, or it would start its children again.
end() { kill -s KILL $(kin "$1") 2>/dev/null; }
if [ "$units" = 1 ]; then
  systemctl stop "$own-load.service" 2>/dev/null
  systemctl reset-failed "$own-load.service" 2>/dev/null
fi
[ ! -s "$kept" ] || each end
[ -z "$scratch" ] || rm -rf "$scratch"
"""
_RUNS = r"""
# runs: yes, no, or cannot tell.
runs() {
  if [ "$units" = 1 ]; then
    found=$(systemctl show -p ActiveState --value "$own-load.service") || return 2
    case $found in inactive | failed) return 1 ;; active | activating | deactivating) return 0 ;; *) return 2 ;; esac
  fi
  found=
  seen() { found=1; }
  [ ! -s "$kept" ] || each seen
  [ -n "$found" ]
}
"""
_PRESENT = r"""
runs
case $? in
  0) echo there ;;
  1) if [ -n "$scratch" ] && [ -e "$scratch" ]; then echo there; else echo absent; fi ;;
  *) echo unknown ;;
esac
"""
_BUSY = r"""
ticks() { read -r word user nice system idle rest </proc/stat && echo $((user + nice + system)); }
runs || { echo "unseen it does not run"; exit; }
before=$(ticks)
sleep 1
echo "seen $(($(ticks) - before)) hundredths of a second of processor in one second"
"""
_HELD = r"""
free() { while read -r key value rest; do [ "$key" != MemAvailable: ] || echo "$value"; done </proc/meminfo; }
for turn in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
  runs || { echo "unseen it does not run"; exit; }
  now=$(free)
  read -r before <"$RUNBOOK_HERE/free"
  [ $((before - now)) -lt $((size / 2048)) ] || { echo "seen available memory fell from $before to $now KiB"; exit; }
  sleep 0.5
done
echo "unseen available memory was $before and is $now KiB"
"""
_WRITES = r"""
written() {
  sum=0
  while read -r major minor name reads a b c writes d sectors rest; do sum=$((sum + sectors)); done </proc/diskstats
}
runs || { echo "unseen it does not run"; exit; }
written
before=$sum
sleep 2
written
echo "seen $((sum - before)) sectors written in two seconds"
"""
_CPU = r"""
if command -v stress-ng >/dev/null; then
  begin stress-ng --quiet --cpu "$processors" --cpu-load "$load" --timeout "$RUNBOOK_LEFT"
else
  begin sh -c 'n=0; while [ "$n" -lt "$0" ]; do n=$((n + 1)); nice sh -c "while :; do :; done" & done; wait' \
    "$processors"
fi
"""
_MEMORY = r"""
while read -r key value rest; do [ "$key" != MemAvailable: ] || echo "$value"; done </proc/meminfo >"$RUNBOOK_HERE/free"
if command -v stress-ng >/dev/null; then
  begin stress-ng --quiet --vm 1 --vm-bytes "${size}b" --vm-keep --vm-method zero-one --oomable \
    --timeout "$RUNBOOK_LEFT"
else
  begin sh -c '{ head -c "$0" /dev/zero; sleep "$1"; } | tail -n 1 >/dev/null' "$size" "$RUNBOOK_LEFT"
fi
"""
_IO = r"""
mkdir "$scratch" || exit
if command -v stress-ng >/dev/null; then
  begin stress-ng --quiet --hdd 1 --hdd-bytes "${size}b" --hdd-opts fsync --temp-path "$scratch" \
    --timeout "$RUNBOOK_LEFT"
else
  begin sh -c 'while dd if=/dev/zero of="$0/data" bs=64k count="$1" conv=fsync 2>/dev/null; do :; done' "$scratch" \
    $((size / 65536 + 1))
fi
"""
_INSTEAD = r"""
command -v stress-ng >/dev/null || echo "instead of stress-ng, what the host has is used"
"""
_MEMORY_NEEDS = r"""
while read -r key value rest; do
  [ "$key" != MemAvailable: ] || [ $((value / 100 * 95)) -gt $((size / 1024)) ] ||
    { echo "missing memory: $value KiB are available"; exit; }
done </proc/meminfo
echo ready
"""
_IO_NEEDS = r"""
[ -d "$path" ] && [ -w "$path" ] || { echo "missing the folder $path cannot be written"; exit; }
echo ready
"""


def _drawn(ground: Ground, needs: str, inject: str, effect: str, **values: str | int) -> Scripts:
    """The scripts of one kind of load; `scratch` among the values is a path of its own, with `own` in it."""
    ground.require(tools=("setsid", "timeout"))
    values = {"units": int(ground.has_units), **values}
    scratch = "scratch=${path:+$path/.$own.io}\n"
    return Scripts(
        guarantees=(Guarantee.BOUNDED, *minded(ground)),
        needs=text(needs, _INSTEAD, **values),
        inject=text(inject, scratch, PROCESS, DETACH, _BEGIN, **values),
        effect=text(effect, PROCESS, _RUNS, **values),
        revert=text(_END, scratch, PROCESS, **values),
        present=text(_PRESENT, scratch, PROCESS, _RUNS, **values),
        can_hold=False,
    )


def _cpu(arguments: Cpu, ground: Ground) -> Scripts:
    processors = arguments.processors or max(1, ground.processors - 1)
    return _drawn(ground, "echo ready\n", _CPU, _BUSY, processors=processors, load=round(arguments.load), path="")


def _memory(arguments: Memory, ground: Ground) -> Scripts:
    return _drawn(ground, _MEMORY_NEEDS, _MEMORY, _HELD, size=octets(arguments.size), path="")


def _io(arguments: Io, ground: Ground) -> Scripts:
    return _drawn(ground, _IO_NEEDS, _IO, _WRITES, size=octets(arguments.size), path=arguments.path)


CPU = Fault(name="cpu", says="Keeps processors busy.", arguments=Cpu, draw=_cpu)
MEMORY = Fault(name="memory", says="Holds memory.", arguments=Memory, draw=_memory)
IO = Fault(name="io", says="Keeps a file system busy with writing.", arguments=Io, draw=_io)
