"""`reboot`: a host that goes away because it was told to, and has to come back as another boot with a login.

The only step whose link is lost on purpose. What `systemctl reboot` answers says nothing (its session is cut before or
after the exit code), so only two things are believed: the boot id that the host had is on record before it is told to
restart, and under another one somebody can log in. A runner that takes over looks for the same two, and tells the host
nothing again.
"""

from __future__ import annotations

import dataclasses

from runbook.core.events.fact import Rebooting
from runbook.core.outcome import Grade, Outcome
from runbook.core.planned.command import Command
from runbook.core.planned.fault_action import RebootAction
from runbook.problem import Problems, problem
from runbook.steps.kind import Bench, Finding
from runbook.transport.session import Stream

PAUSE = 1.0
"""Seconds between two looks whether it is back."""

SAME = "it is still the same boot"

REBOOT = "if [ -d /run/systemd/system ]; then systemctl reboot; else reboot; fi"


class RebootKind:
    """Restarts a host."""

    async def attempt(self, action: RebootAction, bench: Bench) -> Finding:
        """Tell it once, and wait for another boot."""
        began = bench.clock.monotonic()
        before = next((fact.boot_id for fact in bench.stated if isinstance(fact, Rebooting)), "")
        if bench.reattach and not before:
            return Finding(outcome=Outcome.UNREACHABLE, detail="it was not told to restart yet")
        try:
            before = before or await _told(action, bench)
        except Problems as wrong:
            return Finding(outcome=Outcome.UNREACHABLE, detail="; ".join(str(each) for each in wrong.problems))
        why = "it has not gone down"
        while bench.clock.monotonic() - began < action.timeout:
            is_back, why = await _looked(bench, before, action.wait_for)
            if is_back:
                took = bench.clock.monotonic() - began
                return Finding(outcome=Outcome.SUCCEEDED, detail=f"back after {took:.0f} s under another boot id")
            await bench.clock.sleep(PAUSE)
        if bench.reattach and why == SAME:
            # The runner before us died with the words on its lips, and nobody says them a second time.
            detail = "announced, and it is still the same boot: it may never have been told to restart"
            return Finding(outcome=Outcome.IN_DOUBT, detail=detail, is_over=True)
        return Finding(outcome=Outcome.TIMED_OUT, detail=f"not back within {action.timeout:g} s: {why}")


async def _told(action: RebootAction, bench: Bench) -> str:
    """Tell the host to restart; gives the boot id that it had.

    Raises:
        Problems: It could not be reached, or does not say which boot it is: then it was told nothing.
    """
    session = await bench.open_session()
    before = session.facts.boot_id
    if not before:
        raise problem(
            f"{bench.host} does not say which boot it is",
            why="it has no /proc/sys/kernel/random/boot_id",
            fix="Restart it with a command, and wait for it with wait_for.",
            code="no-boot-id",
        )
    await bench.sink.reached(Grade.ATTACHED)
    await bench.state(Rebooting(boot_id=before))
    job = dataclasses.replace(bench.job, durable=False, leaves_trace=False, limit=min(60.0, action.timeout))
    command = Command(shell=action.command or REBOOT, become=bench.become, secrets=bench.secrets)
    # However this ends, and it may end in any way, it says nothing about whether the host restarts.
    await session.run(command, job, bench.sink)
    return before


async def _looked(bench: Bench, before: str, probe: str) -> tuple[bool, str]:
    """Whether it is back, and why not."""
    try:
        session = await bench.open_session()
    except Problems as wrong:
        return False, "; ".join(str(each) for each in wrong.problems)
    if session.facts.boot_id == before:
        # A link that still stands, or a host that takes its time to go down.
        return False, SAME
    try:
        await bench.new_login()
    except Problems as wrong:
        return False, "; ".join(str(each) for each in wrong.problems)
    await bench.sink.receive(Stream.OUT, f"boot {session.facts.boot_id}\n".encode())
    if not probe:
        return True, ""
    sample = await bench.ask_probe(probe)
    return sample.ok, f"{probe}: {sample.detail}"
