"""`clock-skew`: the host's clock is wrong by a given time, and nothing sets it right.

Guarantee: S or H. The revert never sets a time that was saved: it keeps the difference between clock and uptime,
which no fault changes, and sets uptime plus that. A reboot takes the time from the hardware again.

Traps: leases, heartbeats and recovery times are counted by uptime and do not notice; certificates, tickets, cron,
TOTP and the order of logs do. After a step back the journal's order breaks. What synchronises the clock is stopped
for the time, and started again if it ran. In a container the clock is the machine's own: without the capability this
is refused, and a container that has it sets its machine's.

Source: date(1), systemd-timesyncd(8); measured on Debian 12: after the revert the clock was off by 0.1 to 0.2 s.
"""

from __future__ import annotations

import msgspec

from runbook.faults.arguments import Span, seconds
from runbook.faults.fault import Fault, Scripts, minded, text
from runbook.faults.ground import Ground
from runbook.problem import problem

_LEAST = 2.0
"""Seconds: less cannot be told from a clock that is merely not good."""


class ClockSkew(msgspec.Struct, frozen=True, kw_only=True):
    """By how much: behind where it begins with a minus."""

    offset: Span


_CLOCK = r"""
# difference: clock minus uptime, in milliseconds.
difference() {
  read -r up rest </proc/uptime
  wall=$(date +%s%3N)
  hundredths=${up#*.}
  echo $((wall - ${up%%.*} * 1000 - ${hundredths#0} * 10))
}
# set_to MILLISECONDS: the difference that the clock is to have.
set_to() {
  read -r up rest </proc/uptime
  hundredths=${up#*.}
  wall=$(($1 + ${up%%.*} * 1000 + ${hundredths#0} * 10))
  date -s "@$((wall / 1000)).$(printf %03d $((wall % 1000)))" >/dev/null
}
services='systemd-timesyncd chrony chronyd ntp ntpsec ntpd openntpd'
"""
_NEEDS = r"""
case $(date +%s%3N) in *[!0-9]*) echo "unable without a date that knows milliseconds"; exit ;; esac
echo ready
"""
_INJECT = r"""
before=$(difference)
printf '%s\n' "$before" >"$kept" || exit
if [ -d /run/systemd/system ]; then
  for service in $services; do
    systemctl is-active --quiet "$service" && { printf '%s\n' "$service" >>"$kept" && systemctl stop "$service"; }
  done
fi
set_to $((before + offset))
"""
_EFFECT = r"""
read -r before <"$kept"
echo "seen the clock is off by $(($(difference) - before)) ms"
"""
_REVERT = r"""
{
  read -r before
  [ -n "$before" ] || exit 0
  now=$(($(difference) - before))
  [ "${now#-}" -lt 1000 ] || set_to "$before" || failed=1
  while read -r service; do
    [ -z "$service" ] || systemctl start "$service" || failed=1
  done
} <"$kept"
[ -z "$failed" ]
"""
_PRESENT = r"""
read -r before <"$kept"
[ -n "$before" ] || { echo absent; exit; }
now=$(($(difference) - before))
if [ "${now#-}" -lt 1000 ]; then echo absent; else echo there; fi
"""


def _draw(arguments: ClockSkew, ground: Ground) -> Scripts:
    ground.require(capabilities=("sys_time",))
    offset = seconds(arguments.offset)
    if abs(offset) < _LEAST:
        raise problem("the offset is less than two seconds", fix="Write a larger one.", code="bad-argument")
    return Scripts(
        guarantees=minded(ground),
        needs=text(_NEEDS),
        inject=text(_INJECT, _CLOCK, offset=round(offset * 1000)),
        effect=text(_EFFECT, _CLOCK),
        revert=text(_REVERT, _CLOCK),
        present=text(_PRESENT, _CLOCK),
    )


FAULT = Fault(
    name="clock-skew",
    says="Sets the clock wrong and keeps it wrong.",
    is_of_the_machine=True,
    arguments=ClockSkew,
    draw=_draw,
)
