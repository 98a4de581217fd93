"""`service-crash-loop`: a systemd service dies at every start, and is started again and again.

Guarantee: S with V: one drop-in under /run puts a command that fails in the place of the service's own.

Traps: after the reload alone the old process keeps running, so the inject restarts it. By default systemd gives up
after five starts; the drop-in takes that limit away, so that the loop lasts. The state says `active` for moments:
whoever checks has to look more than once.

Source: systemd.service(5); measured on Debian 12 with systemd 252.
"""

from __future__ import annotations

from runbook.faults.catalogue.service_stop import LET_GO, ServiceStop
from runbook.faults.fault import Fault, Guarantee, Scripts, minded, text
from runbook.faults.ground import Ground
from runbook.faults.pieces import DROP_IN, DROP_IN_PRESENT, UNIT_NEEDS


class ServiceCrashLoop(ServiceStop, frozen=True, kw_only=True):
    """Which one."""


_INJECT = r"""
true >"$kept"
[ "$(property ActiveState)" != active ] || printf '%s\n' "$unit" >"$kept" || exit
put_in <<END || exit
[Unit]
StartLimitIntervalSec=0
[Service]
ExecStartPre=
ExecStart=
ExecStart=/bin/false
Restart=always
RestartSec=500ms
END
systemctl restart --no-block -- "$unit"
"""
_EFFECT = r"""
first=$(property NRestarts)
for turn in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
  sleep 0.4
  now=$(property NRestarts)
  [ "${now:-0}" -gt "${first:-0}" ] && echo "seen restart number $now" && exit
done
echo "unseen $unit is $(property ActiveState)"
"""


def _draw(arguments: ServiceCrashLoop, ground: Ground) -> Scripts:
    ground.require(units=True)
    unit = arguments.unit
    # The loop runs at the revert, so what was active has to be stopped before it can be started anew.
    revert = '[ ! -e "$drop_in" ] || systemctl stop -- "$unit"\nlet_go\n'
    return Scripts(
        guarantees=minded(ground, Guarantee.VOLATILE),
        needs=text(UNIT_NEEDS, unit=unit),
        inject=text(_INJECT, DROP_IN, unit=unit),
        effect=text(_EFFECT, DROP_IN, unit=unit),
        revert=text(revert, DROP_IN, LET_GO, unit=unit),
        present=text(DROP_IN_PRESENT, DROP_IN, unit=unit),
    )


FAULT = Fault(
    name="service-crash-loop",
    says="Lets a systemd service die at every start, again and again.",
    arguments=ServiceCrashLoop,
    draw=_draw,
)
