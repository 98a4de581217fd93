"""`fd-limit`: a running process may open no more files than this.

Guarantee: S or H; a restart of the process or a reboot ends it too.

Traps: only the soft limit is lowered. A lowered hard limit cannot be raised again without the capability for it, so
`N:` is written with its colon. What is open stays open: the accept that waits already holds its descriptor, and the
first client is served. Children that were there before keep their own limit. Whoever restarts the process has lifted
the fault.

Source: prlimit(1); measured on Debian 12.
"""

from __future__ import annotations

from runbook.faults.arguments import Count
from runbook.faults.fault import Fault, Scripts, minded, text
from runbook.faults.ground import Ground
from runbook.faults.pieces import PROCESS, VICTIM
from runbook.faults.victim import NEEDS, Victim


class FdLimit(Victim, frozen=True, kw_only=True):
    """Whom, and how many."""

    count: Count


_SOFT = r"""
soft() { prlimit --pid "$1" --nofile -o SOFT --noheadings | tr -d ' '; }
"""
_INJECT = r"""
true >"$kept"
for pid in $(victims); do
  start_of "$pid" && before=$(soft "$pid") && printf '%s\n' "$pid $start $before" >>"$kept"
done
[ -s "$kept" ] || { echo "no such process runs: $unit$pid_file$match"; exit 1; }
while read -r pid then before; do
  prlimit --pid "$pid" --nofile="$count:" || exit
done <"$kept"
"""
_REVERT = r"""
while read -r pid then before; do
  ! lives "$pid" "$then" || [ "$(soft "$pid")" != "$count" ] || prlimit --pid "$pid" --nofile="$before:" || failed=1
done <"$kept"
[ -z "$failed" ]
"""
_EFFECT = r"""
while read -r pid then before; do
  lives "$pid" "$then" && echo "seen process $pid may open $(soft "$pid") and had $before" && exit
done <"$kept"
echo "unseen the process is another"
"""
_PRESENT = r"""
while read -r pid then before; do
  lives "$pid" "$then" || continue
  now=$(soft "$pid")
  case $now in '') echo unknown && exit ;; esac
  [ "$now" = "$before" ] || { echo there; exit; }
done <"$kept"
echo absent
"""


def _draw(arguments: FdLimit, ground: Ground) -> Scripts:
    arguments.require(ground)
    ground.require(tools=("prlimit",))
    values: dict[str, str | int] = {**arguments.values, "count": arguments.count}
    return Scripts(
        guarantees=minded(ground),
        needs=text(NEEDS, VICTIM, **values),
        inject=text(_INJECT, PROCESS, VICTIM, _SOFT, **values),
        effect=text(_EFFECT, PROCESS, _SOFT, **values),
        revert=text(_REVERT, PROCESS, _SOFT, **values),
        present=text(_PRESENT, PROCESS, _SOFT, **values),
    )


FAULT = Fault(
    name="fd-limit",
    says="Lets a process open no more files than this.",
    arguments=FdLimit,
    draw=_draw,
)
