"""`process-kill`: end a process as a crash would; once, or held down for as long as the fault lives.

Guarantee: once, there is nothing to undo (B): whoever supervises it starts it again, and where nobody does,
`restart` is what the revert runs. Held down it is S with V where a unit is named (a drop-in lets its start fail
loudly), else B with S or H: a loop that kills what comes back, and ends by itself at the lease's maximum.

Traps: with `Restart=always` an outage is a few hundred milliseconds and a probe a second misses it: hold it down, or
expect little. `systemctl mask --runtime` does nothing for a unit in /etc. A process that ignores what it is sent is
not killed; use KILL. Children keep running.

Source: measured on Debian 12 with systemd 252; systemd.unit(5), Assert*.
"""

from __future__ import annotations

from typing import Literal

from runbook.faults.arguments import Shell
from runbook.faults.catalogue.service_stop import EFFECT as STOPPED
from runbook.faults.catalogue.service_stop import HOLD, LET_GO
from runbook.faults.fault import Fault, Guarantee, Scripts, minded, text
from runbook.faults.ground import Ground
from runbook.faults.pieces import DETACH, DROP_IN, DROP_IN_PRESENT, PROCESS, VICTIM
from runbook.faults.victim import NEEDS, Victim


class ProcessKill(Victim, frozen=True, kw_only=True):
    """Whom, how, and whether it may come back."""

    signal: Literal["KILL", "TERM", "INT", "ABRT", "SEGV"] = "KILL"
    held_down: bool = False
    """It, and whatever takes its place, stays down until the revert."""
    restart: Shell | None = None
    """Run by the revert where the process is not there; for what nobody supervises."""


def _draw(arguments: ProcessKill, ground: Ground) -> Scripts:
    arguments.require(ground)
    values = {**arguments.values, "signal": arguments.signal, "restart": arguments.restart or ""}
    needs = text(NEEDS, VICTIM, **values)
    if arguments.held_down and arguments.unit is not None:
        ground.require(units=True)
        return Scripts(
            guarantees=minded(ground, Guarantee.VOLATILE),
            needs=needs,
            inject=text(_KILL_AND_HOLD, VICTIM, DROP_IN, HOLD, **values),
            effect=text(STOPPED, DROP_IN, **values),
            revert=text("let_go\n", DROP_IN, LET_GO, **values),
            present=text(DROP_IN_PRESENT, DROP_IN, **values),
        )
    if arguments.held_down:
        ground.require(tools=("setsid",))
    return Scripts(
        guarantees=(Guarantee.BOUNDED, *(minded(ground) if arguments.held_down else ())),
        needs=needs,
        inject=text(_HOLD_DOWN if arguments.held_down else _KILL, PROCESS, VICTIM, DETACH, **values),
        effect=text(_NONE_LIVES if arguments.held_down else _ENDED, PROCESS, VICTIM, **values),
        revert=text(_RESTART, PROCESS, VICTIM, **values),
        present=text(_LOOPS if arguments.held_down else "echo absent\n", PROCESS, **values),
        can_hold=False,
    )


_KILL = r"""
true >"$kept"
for pid in $(victims); do remember "$pid"; done
[ -s "$kept" ] || { echo "no such process runs: $unit$pid_file$match"; exit 1; }
end() { kill -s "$signal" "$1"; }
each end
"""
_ENDED = r"""
for turn in 1 2 3 4 5 6 7 8 9 10; do
  left=
  count() { left="$left $1"; }
  each count
  [ -z "$left" ] && echo "seen it has ended" && exit
  sleep 0.2
done
echo "unseen these still run:$left"
"""
_KILL_AND_HOLD = r"""
hold
pid=$(victims)
kill -s "$signal" $pid
"""
_HOLD_DOWN = r"""
if [ "$1" = loop ]; then
  end=$2
  while read -r now rest </proc/uptime && [ "${now%%.*}" -lt "$end" ]; do
    for pid in $(victims); do kill -s "$signal" "$pid" 2>/dev/null; done
    sleep 0.05 2>/dev/null || sleep 1
  done
  exit
fi
[ -n "$(victims)" ] || { echo "no such process runs: $unit$pid_file$match"; exit 1; }
read -r now rest </proc/uptime
true >"$kept"
detach sh "$RUNBOOK_HERE/inject" loop $((${now%%.*} + RUNBOOK_LEFT))
[ -s "$kept" ]
"""
_NONE_LIVES = r"""
for turn in 1 2 3 4 5 6 7 8 9 10; do
  [ -z "$(victims)" ] && echo "seen it is down" && exit
  sleep 0.2
done
echo "unseen it runs as $(victims | tr '\n' ' ')"
"""
_RESTART = r"""
end() { kill -s KILL "$1"; }
[ ! -s "$kept" ] || each end
if [ -n "$restart" ] && [ -z "$(victims)" ]; then
  (eval "$restart") </dev/null >/dev/null 2>&1
fi
"""
_LOOPS = r"""
found=absent
seen() { found=there; }
[ ! -s "$kept" ] || each seen
echo "$found"
"""

FAULT = Fault(
    name="process-kill",
    says="Ends a process as a crash would, once or for as long as the fault lives.",
    arguments=ProcessKill,
    draw=_draw,
)
