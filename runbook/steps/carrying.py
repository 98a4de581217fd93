"""Whether a host can carry a fault: asked before anything changes, and again right before the fault is armed.

Everything here only looks. What is in the way is refused by name and with a way out: what no step could bring (a tool,
a right, a module of the kernel) as `fault-unsupported`, what is merely not there now (a file, a process, room on a
disk) as `fault-not-ready`. What is used instead of a missing tool is no obstacle, and is told.
"""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runbook.core.planned.fault_action import FaultAction
from runbook.faults.fault import Fault, Scripts
from runbook.faults.ground import PROBE, Ground, parsed
from runbook.faults.table import fault_named
from runbook.problem import Exit, Problem, Problems, problem
from runbook.steps.lease_hand import LeaseHand

LOGINS = 4
"""A lease is at least so many times as long as a new login takes."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_CODES = {"unable": "fault-unsupported", "missing": "fault-not-ready"}


@dataclass(frozen=True, slots=True)
class Carried:
    """What a host said, and what would run there."""

    ground: Ground
    scripts: Scripts
    instead: tuple[str, ...] = ()
    """What is used where the host lacks what is usual."""


async def carried(action: FaultAction, hand: LeaseHand, *, host: str) -> Carried:
    """Ask a host everything that it must be asked before the fault is laid there.

    Raises:
        Problems: It cannot carry it; or it gave no answer.
    """
    ground = parsed(await hand.say(PROBE))
    fault = fault_named(action.fault)
    _check_machine(fault, ground, host)
    scripts = fault.scripts(action.arguments, ground)
    instead = _read_needs(action, await hand.say(scripts.needs))
    if action.on_link_loss == "hold" and not scripts.can_hold:
        what = f"{action.fault} ends by itself and cannot be held"
        raise problem(what, fix="Write on_link_loss: revert.", code="no-hold")
    return Carried(ground, scripts, instead)


def check_login(action: FaultAction, took: float) -> None:
    """Refuse a lease that one slow login would outlast.

    Raises:
        Problems: It is shorter than `LOGINS` times as long as a new login took, in seconds.
    """
    if action.lease < took * LOGINS:
        fix = f"Write a lease of at least {math.ceil(took * LOGINS)}s."
        what = f"a new login takes {took:.1f} s there, too long for a lease of {action.lease:g} s; nothing was broken"
        raise problem(what, fix=fix, code="bad-lease")


def _check_machine(fault: Fault[Any], ground: Ground, host: str) -> None:
    """A host that shares our kernel shares its power switch and its clock, however it is reached."""
    ours = ""
    with contextlib.suppress(OSError):
        ours = _BOOT_ID.read_text().strip()
    if fault.is_of_the_machine and ours and ours == ground.boot_id:
        raise problem(
            f"{host} is the machine that this program runs on, and {fault.name} is of the whole machine",
            why="it has the same boot id",
            fix="Name a host on a machine of its own.",
            code="runners-own-machine",
            exit=Exit.REFUSED,
        )


def _read_needs(action: FaultAction, heard: str) -> tuple[str, ...]:
    """What the host uses instead.

    Raises:
        Problems: Something is in the way, or it did not say that it is ready.
    """
    said = [line.strip().partition(" ") for line in heard.splitlines() if line.strip()]
    wrong = [_in_the_way(action, _CODES[word], why) for word, _, why in said if word in _CODES]
    if not wrong and (not said or said[-1][0] != "ready"):
        wrong = [_in_the_way(action, "fault-unsupported", "it did not say that it is ready")]
    if wrong:
        raise Problems(wrong)
    return tuple(f"instead {what}" for word, _, what in said if word == "instead")


def _in_the_way(action: FaultAction, code: str, why: str) -> Problem:
    return Problem(
        what=f"this host cannot carry {action.fault}, and nothing was broken", why=why, code=code, exit=Exit.REFUSED
    )
