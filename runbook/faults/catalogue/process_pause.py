"""`process-pause`: a process stands still: it holds its connections and its locks, and answers nothing.

Guarantee: S or H. A reboot ends it too, with the process.

Traps: systemd calls it active all the while. A stopped process takes no TERM until it goes on, and then dies of it;
a unit's watchdog may kill it. Its children go on. State is read again and again for the effect: right after the
signal it says running. Whoever starts the process anew while it is paused has lifted the fault.

Source: signal(7), proc(5); measured on Debian 12.
"""

from __future__ import annotations

from runbook.faults.fault import Fault, Scripts, minded, text
from runbook.faults.ground import Ground
from runbook.faults.pieces import PROCESS, VICTIM
from runbook.faults.victim import NEEDS, Victim


class ProcessPause(Victim, frozen=True, kw_only=True):
    """Whom."""


_PAUSE = r"""
true >"$kept"
for pid in $(victims); do remember "$pid"; done
[ -s "$kept" ] || { echo "no such process runs: $unit$pid_file$match"; exit 1; }
stop() { kill -s STOP "$1"; }
each stop
"""
_GO_ON = r"""
go_on() { kill -s CONT "$1"; }
[ ! -s "$kept" ] || each go_on
"""
_STOPPED = r"""
# stands: set still to the pids that are stopped, and moving to those that are not.
stands() {
  still=
  moving=
  look() { case $state in T | t) still="$still $1" ;; *) moving="$moving $1" ;; esac }
  [ ! -s "$kept" ] || each look
}
"""
_EFFECT = r"""
for turn in 1 2 3 4 5 6 7 8 9 10; do
  stands
  [ -n "$still" ] && [ -z "$moving" ] && echo "seen stopped:$still" && exit
  sleep 0.2
done
echo "unseen these move:$moving"
"""
_PRESENT = r"""
stands
if [ -n "$still" ]; then echo there; else echo absent; fi
"""


def _draw(arguments: ProcessPause, ground: Ground) -> Scripts:
    arguments.require(ground)
    values = arguments.values
    return Scripts(
        guarantees=minded(ground),
        needs=text(NEEDS, VICTIM, **values),
        inject=text(_PAUSE, PROCESS, VICTIM, **values),
        effect=text(_EFFECT, PROCESS, _STOPPED),
        revert=text(_GO_ON, PROCESS),
        present=text(_PRESENT, PROCESS, _STOPPED),
    )


FAULT = Fault(
    name="process-pause",
    says="Lets a process stand still: connected, locked, and without an answer.",
    arguments=ProcessPause,
    draw=_draw,
)
