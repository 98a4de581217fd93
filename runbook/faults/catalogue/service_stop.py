"""`service-stop`: a systemd service is stopped in order and cannot be started again until the revert.

Guarantee: S with V. The hold is one drop-in under /run whose failing assertion lets every start fail loudly, whoever
asks: an operator, a timer, a socket or a cluster manager. What was active before is remembered, with the sockets and
timers that would start it and the units that stop along, and the revert starts those again and nothing else.

Traps: dependents stop too and do not come back by themselves. A cluster manager sees failing starts and may act on
them; that is what one wants to see. `systemctl revert` would delete the administrator's drop-ins, and is never used.

Source: systemd.unit(5), AssertPathExists; measured on Debian 12 with systemd 252.
"""

from __future__ import annotations

import msgspec

from runbook.faults.arguments import Unit
from runbook.faults.fault import Fault, Guarantee, Scripts, minded, text
from runbook.faults.ground import Ground
from runbook.faults.pieces import DROP_IN, DROP_IN_PRESENT, UNIT_NEEDS


class ServiceStop(msgspec.Struct, frozen=True, kw_only=True):
    """Which one."""

    unit: Unit


HOLD = r"""
# hold: remember what is active of the unit and of those that go with it, and let every start fail.
hold() {
  true >"$kept"
  for other in "$unit" $(property TriggeredBy) $(property RequiredBy) $(property BoundBy) $(property ConsistsOf); do
    case $(systemctl show -p ActiveState --value -- "$other") in
      active | activating | reloading) printf '%s\n' "$other" >>"$kept" || exit ;;
    esac
  done
  printf '[Unit]\nAssertPathExists=/run/%s-is-lifted\n' "$own" | put_in || exit
}
"""
"""With `pieces.DROP_IN`."""

LET_GO = r"""
# let_go: take the hold away; start what was active.
let_go() {
  take_out || return 0
  systemctl reset-failed -- "$unit" 2>/dev/null
  while read -r other; do
    [ -z "$other" ] || systemctl start -- "$other" || failed=$other
  done <"$kept"
  [ -z "$failed" ] || { echo "$failed did not start again"; return 1; }
}
"""
"""With `pieces.DROP_IN`."""

EFFECT = r"""
for turn in 1 2 3 4 5 6 7 8 9 10; do
  found=$(property ActiveState)
  case $found in inactive | failed) echo "seen $unit is $found" && exit ;; esac
  sleep 0.3
done
echo "unseen $unit is $found"
"""
"""With `pieces.DROP_IN`."""


def _draw(arguments: ServiceStop, ground: Ground) -> Scripts:
    ground.require(units=True)
    unit = arguments.unit
    return Scripts(
        guarantees=minded(ground, Guarantee.VOLATILE),
        needs=text(UNIT_NEEDS, unit=unit),
        inject=text('hold\nsystemctl stop -- $(cat "$kept") "$unit"\n', DROP_IN, HOLD, unit=unit),
        effect=text(EFFECT, DROP_IN, unit=unit),
        revert=text("let_go\n", DROP_IN, LET_GO, unit=unit),
        present=text(DROP_IN_PRESENT, DROP_IN, unit=unit),
    )


FAULT = Fault(
    name="service-stop",
    says="Stops a systemd service and lets every start of it fail.",
    arguments=ServiceStop,
    draw=_draw,
)
