"""What a host says of itself when it is opened: one frame, one round trip, measured and never configured.

Facts are evidence and help to read a record, so a host that cannot say them (an appliance without a shell) is
opened all the same; its fields stay empty. They are asked for in the frame that makes the first shell ready, which is
the one that the first step will use. The look that is wanted next goes with them: far away, each question that waits
for the answer to another costs as much as a step.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

from runbook.core.planned.command import Command
from runbook.transport.session import HostFacts
from runbook.transport.shell.answer import answered
from runbook.transport.shell.channel import ChannelRefused
from runbook.transport.shell.framed import glance_frame
from runbook.transport.shell.shells import Glance, Shells

_DATE = re.compile(r"([0-9]{1,12})(?:\.(.*))?")

LIMIT = 15.0
"""Seconds. A host whose shell needs longer for a date is used without facts."""


async def measured(
    shells: Shells, known: HostFacts, *, wall: Callable[[], float], look: Command | None = None
) -> HostFacts:
    """`known`, completed by what the host answers.

    Args:
        shells: The host's, none of them open.
        known: What opening the connection has shown already.
        wall: Our wall clock, in seconds since the epoch.
        look: What will be looked at next, if that is known; sent along, and answered to whoever runs it.

    Raises:
        Problems: The look cannot be said in a shell.
    """
    nonce, asked = shells.nonce(), 0.0
    # The first shell is the login user's; a look as anybody else is asked for in its own.
    look = look if look is not None and look.become is None else None
    glance = "" if look is None else glance_frame(look, nonce=nonce)

    def ahead() -> str:
        nonlocal asked
        asked = wall()
        return f"rb_facts\n{glance}"

    try:
        async with shells.first(ahead) as worker:
            ready = worker.ready
            said = await answered(worker, "", within=LIMIT)
            heard = wall()
            if look is not None:
                shells.keep(Glance(look, nonce, worker))
    except ChannelRefused:
        return known
    known = dataclasses.replace(known, place=ready.place, grade=ready.grade, ends_with_login=ready.ends_with_login)
    match said[-1].rest.split(" ", 2):
        case [date, boot_id, system]:
            offset, error = clock_offset(date, asked=asked, heard=heard)
            boot_id = "" if boot_id == "none" else boot_id
            return dataclasses.replace(known, system=system, boot_id=boot_id, clock_offset=offset, clock_error=error)
        case _:
            return known


def clock_offset(date: str, *, asked: float, heard: float) -> tuple[float, float]:
    """Offset of the host's clock and its error, in seconds.

    The host read its clock somewhere between our asking and our hearing. Nanoseconds are not POSIX: where `date`
    does not know them it prints something that is no number behind the point, and half a second is added to the
    error.

    Args:
        date: What `date +%s.%N` printed.
        asked: Our clock when the question was sent.
        heard: Our clock when the answer had come.
    """
    middle, error = (asked + heard) / 2, (heard - asked) / 2
    known = _DATE.fullmatch(date)
    if known is None:
        return 0.0, float("inf")
    whole, fraction = known.groups("0")
    if fraction.isascii() and fraction.isdecimal():
        return float(date) - middle, error
    return int(whole) + 0.5 - middle, error + 0.5
