"""`command`: an author's own fault, armed, minded and reverted as ours are.

Guarantee: S or H, and nothing more: what it leaves on disk, a reboot leaves as well. What keeps our own promises is
asked of the author: `revert` may run twice and before `inject`; `present` prints `there` or `absent`, and anything
else means that it cannot tell. RUNBOOK_OWN is a name for what it makes, RUNBOOK_HERE a folder that lives as long as
the lease.
"""

from __future__ import annotations

import msgspec

from runbook.faults.arguments import Shell
from runbook.faults.fault import Fault, Scripts, minded, text
from runbook.faults.ground import Ground


class CommandFault(msgspec.Struct, frozen=True, kw_only=True):
    """Texts for `/bin/sh`."""

    inject: Shell
    revert: Shell
    present: Shell
    effect: Shell | None = None
    """Ends with status 0 when the effect is seen; without it the drill's own checks have to."""
    needs: Shell | None = None
    """Ends with status 0 where the inject can be tried."""


def _draw(arguments: CommandFault, ground: Ground) -> Scripts:
    return Scripts(
        guarantees=minded(ground),
        needs=text(_asked("ready", "missing what the author needs:"), said=arguments.needs or "true"),
        inject=text(arguments.inject),
        effect=text(_asked("seen", "unseen"), said=arguments.effect) if arguments.effect else text("echo unknown\n"),
        revert=text(arguments.revert),
        present=text(arguments.present),
    )


def _asked(yes: str, no: str) -> str:
    """Shell text that runs `said` and puts its last line behind a word."""
    return f"""
last=$( (eval "$said") 2>&1 </dev/null)
code=$?
last=$(printf '%s\\n' "$last" | tail -n 1)
if [ "$code" = 0 ]; then echo "{yes}"; else echo "{no} status $code $last"; fi
"""


FAULT = Fault(
    name="command",
    says="The author's own inject, effect, revert and present.",
    arguments=CommandFault,
    draw=_draw,
)
