"""`preflight`: open a host and look, before anything changes there.

Every check is reported when it is known and every failed one is named at the end, so that a fleet is repaired in one
go. What can be asked is asked in one command, which may leave together with the opening of its host. A check that could
not be made has not passed. The host's clock is only remarked on: all durations are measured here, and a wrong clock
there makes its logs, not our numbers, misleading.
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import NamedTuple

from runbook.core.host_key import changed_key
from runbook.core.outcome import Exited, Grade, Lost, NeverSent, Outcome
from runbook.core.planned.action import PreflightAction
from runbook.core.planned.command import Become, Command
from runbook.faults.ground import PROBE, parsed
from runbook.problem import Problems
from runbook.steps.command import followed
from runbook.steps.ending import told
from runbook.steps.fabric import trial
from runbook.steps.fault_ahead import looked_ahead
from runbook.steps.kind import WORTH_A_UNIT, Bench, Finding
from runbook.steps.lease_hand import Heard, LeaseHand
from runbook.steps.left_behind import HINTS, check_whole
from runbook.transport.session import HostFacts, Session, Sink, Stream
from runbook.transport.shell.quoting import quote

CLOCK_LIMIT = 2.0
"""Seconds of offset from which it is remarked on: beyond it, lines of two hosts' logs can no longer be put in order."""

LIMIT = 30.0
"""Seconds for the whole look. sudo may have to ask a directory service that is slow."""

_FAILED_AT = {"host-key-unknown": "host key", "host-key-changed": "host key", "auth": "login"}
"""Problem code to the check that it fails; every other code fails `reach`."""

_ORDER = ("reach", "host key", "login")

# The nearest folder that exists on the way to where jobs keep their files.
_SPACE = """\
place=${XDG_STATE_HOME:-$HOME/.local/state}
while [ -n "$place" ] && [ ! -d "$place" ]; do place=${place%/*}; done
{ read -r _; read -r _ _ _ free _; } <<END
$(df -Pk "${place:-/}" 2>/dev/null)
END
echo "space $free ${place:-/}"
"""


class Check(NamedTuple):
    """One thing looked at."""

    name: str
    ok: bool
    detail: str


class _Unkept:
    """Keeps the answers to our own questions from the record, where each stands as a check in an operator's words."""

    def __init__(self, sink: Sink | None = None) -> None:
        self._sink = sink

    async def receive(self, stream: Stream, data: bytes) -> None:
        """Let it go; the capture in front of this has it."""

    async def reached(self, grade: Grade, place: str = "") -> None:
        if self._sink is not None:
            await self._sink.reached(grade, place)


class PreflightKind:
    """Looks at a host."""

    async def attempt(self, action: PreflightAction, bench: Bench) -> Finding:
        """Report every check; fail with all that failed."""
        if action.faults:
            return await looked_ahead(action.faults, bench)
        asked = trial.question(action.imports, bench.folder) if action.imports else _questions(action)
        look = Command(shell=asked)
        try:
            session = await bench.open_session(look)
        except Problems as problems:
            await _report(bench, _closed(problems))
            changed = changed_key(problems.problems)
            return Finding(outcome=Outcome.UNREACHABLE, detail=told(problems), changed_key=changed)
        opened = [] if action.imports else _opened(session.facts)
        await _report(bench, opened)
        found = await _asked(session, look, bench)
        if found.outcome is not Outcome.SUCCEEDED:
            return found
        answered = _answers(found.result.stdout, action, bench.folder)
        await _report(bench, answered)
        users = _users(action, bench)
        became = [await _became(session, user, bench) for user in users]
        await _report(bench, [check for check, _ in became])
        hinting = ("", *(user for user, (_, hint) in zip(users, became, strict=True) if hint))
        broken = await _broken(hinting if _hints(found.result.stdout) else hinting[1:], action, bench)
        broken += [_UNSEEN] if "closed /run/runbook" in found.result.stdout and "root" not in users else []
        await _report(bench, broken)
        failed = [check for check in (*opened, *answered, *(check for check, _ in became), *broken) if not check.ok]
        detail = "; ".join(f"{check.name}: {check.detail}" for check in failed)
        return Finding(outcome=Outcome.FAILED if failed else Outcome.SUCCEEDED, detail=detail)


async def _report(bench: Bench, checks: list[Check]) -> None:
    for check in checks:
        await bench.report(*check)


def _closed(problems: Problems) -> list[Check]:
    """How far opening came: the checks before the failed one held."""
    at = _FAILED_AT.get(problems.problems[0].code, "reach")
    before = [Check(name, ok=True, detail="") for name in _ORDER[: _ORDER.index(at)]]
    return [*before, Check(at, ok=False, detail=told(problems))]


def _opened(facts: HostFacts) -> list[Check]:
    details = {"reach": facts.address, "host key": facts.host_key, "login": facts.user}
    checks = [Check(name, ok=True, detail=details[name]) for name in _ORDER if name != "host key" or facts.host_key]
    kept = [Check("durable", ok=True, detail=_durable(facts))] if facts.grade else []
    return [*checks, *kept, Check("clock", ok=True, detail=_clock(facts))]


_OUTLIVES = {
    Grade.UNIT: f"unit: systemd runs steps with a timeout of {WORTH_A_UNIT / 60:g} minutes or more, or durable: unit",
    Grade.SESSION: "session: a step outlives its link and its runner",
    Grade.FILES: "files: a step outlives its link, and has no session of its own",
    Grade.ATTACHED: "attached: there is no room for a step's files, so one whose link is lost is in doubt",
}


def _durable(facts: HostFacts) -> str:
    """The best that a durable step of the login user can have there; an operator may be able to better it."""
    said = _OUTLIVES[facts.grade or Grade.ATTACHED]
    if facts.ends_with_login and facts.grade is Grade.UNIT:
        return "unit: systemd runs every step, because logind ends what a login leaves"
    if facts.ends_with_login:
        return f"{said} until logind ends its login; to prevent that: loginctl enable-linger {facts.user}".rstrip()
    return said


def _clock(facts: HostFacts) -> str:
    if math.isinf(facts.clock_error):
        return "not known: its date says no seconds"
    side = "ahead of" if facts.clock_offset > 0 else "behind"
    said = f"{abs(facts.clock_offset):.3f} s {side} ours, give or take {facts.clock_error:.3f} s"
    late = abs(facts.clock_offset) - facts.clock_error > CLOCK_LIMIT
    return f"{said}; its logs will not line up with the others'" if late else said


async def _asked(session: Session, look: Command, bench: Bench) -> Finding:
    """How the one command ended that holds the checks which the host itself answers."""
    job = dataclasses.replace(bench.job, durable=False, leaves_trace=False, limit=bench.job.limit or LIMIT)
    return await followed(session, look, dataclasses.replace(bench, job=job, reattach=False, sink=_Unkept(bench.sink)))


def _questions(action: PreflightAction) -> str:
    text = _SPACE
    for tool in action.tools:
        text += f'echo "tool $(command -v {quote(tool)})"\n'
    return f"{text}{HINTS}exit 0\n"


def _answers(text: str, action: PreflightAction, folder: Path) -> list[Check]:
    if action.imports:
        return [Check(*each) for each in trial.answers(text, action.imports, folder)]
    lines = [line.partition(" ")[::2] for line in text.splitlines()]
    said = {kind: [rest for name, rest in lines if name == kind] for kind in ("space", "tool")}
    checks = [_space("".join(said["space"]), action.free_mib)]
    places = [*said["tool"], *[""] * len(action.tools)]
    for tool, place in zip(action.tools, places, strict=False):
        missing = "is not there, or cannot be run" if "/" in tool else "is not in the PATH"
        checks.append(Check(f"tool {tool}", ok=bool(place), detail=place or f"{tool} {missing}"))
    return checks


def _space(said: str, wanted: int) -> Check:
    free, _, place = said.partition(" ")
    if not free.isdecimal():
        return Check("space", ok=False, detail="free space could not be measured")
    mib = int(free) // 1024
    detail = f"{mib} MiB free at {place}"
    return Check("space", ok=mib >= wanted, detail=detail if mib >= wanted else f"{detail}, needed are {wanted}")


def _users(action: PreflightAction, bench: Bench) -> tuple[str, ...]:
    """Whom steps become on this host."""
    return (action.users or ((bench.become or Become()).user,)) if action.become else ()


async def _became(session: Session, user: str, bench: Bench) -> tuple[Check, bool]:
    """Become somebody as steps will: by the same shell, under the same rule, with the same password.

    And whether a lease of his is there, which is asked with it.
    """
    job = dataclasses.replace(bench.job, id=f"{bench.job.id}/{user}", durable=False, leaves_trace=False, limit=LIMIT)
    heard, asked = Heard(), f"{HINTS}exit 0\n"
    ending = await session.run(Command(shell=asked, become=Become(user=user)), job, heard)
    match ending:
        case Exited(0):
            return Check("sudo", ok=True, detail=f"becomes {user}"), _hints(heard.text)
        case NeverSent(reason) | Lost(reason):
            return Check("sudo", ok=False, detail=reason), False
        case Exited(code):
            return Check("sudo", ok=False, detail=f"a shell of {user} could not look: exit code {code}"), False
        case _:
            return Check("sudo", ok=False, detail=f"a shell of {user} did not look to its end"), False


_UNSEEN = Check(
    "other runs",
    ok=True,
    detail="root has leases there, and this run becomes nobody who could look at them; runbook sweep can",
)


def _hints(heard: str) -> bool:
    return any(line.startswith("lease ") for line in heard.splitlines())


async def _broken(users: tuple[str, ...], action: PreflightAction, bench: Bench) -> list[Check]:
    """What other runs have left live, where these have leases. Nothing to say of a host without any."""
    checks = []
    for user in users:
        become = Become(user=user) if user else None
        hand = LeaseHand(open_session=bench.open_session, directory="", own="runbook-preflight-0", become=become)
        try:
            await check_whole(hand, parsed(await hand.say(PROBE)), run=bench.run, host=bench.host)
        except Problems as wrong:
            checks.append(Check("other runs", ok=not action.refuses_broken, detail=told(wrong)))
    return checks
