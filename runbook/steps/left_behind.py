"""What faults have left on a host, as the host lists it, and which of that is another run's to lift.

A lease says what it is about (`about`: fault, way in, run), so that whoever finds it can name it without the record of
its run. It concerns the machine that it is on, with one exception: several SSH servers on the loopback address of one
machine are several hosts, a laboratory's, and share its folders of leases. A lease that was laid through one of them
concerns that one alone, and nothing else concerns it. Elsewhere, what says nothing of itself concerns everybody.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable

import msgspec

from runbook.faults.ground import Control, Ground
from runbook.problem import Exit, problem
from runbook.steps.lease_hand import LeaseHand
from runbook.transport.shell.lease import PREFIX, owned, sweeping
from runbook.view.words import duration

ABOUT = "about"
"""The file of a lease that says what it is about."""

HINTS = """\
for lease in /run/runbook/runbook-* /tmp/runbook-leases-*/runbook-*; do
  [ -f "$lease/terms" ] && [ -O "$lease/terms" ] || continue
  state=
  { read -r token state rest <"$lease/state"; } 2>/dev/null
  [ "$state" = reverted ] || echo "lease $lease"
done
[ ! -d /run/runbook ] || [ -r /run/runbook ] || echo "closed /run/runbook"
"""
"""POSIX sh that costs no process: a line for each lease of whoever asks that is not reverted. Without one nothing of
his can be live. `closed` where root has leases of which he can see nothing.
"""

_NOTHING = "-"


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """One thing of ours on a host."""

    host: str
    user: str
    """Whose it is: empty for who logs in."""
    own: str
    """Its name, which begins with `runbook-` and holds the run."""
    state: str
    """As the lease says: `armed`, `injected`, `reverted`, ...; `torn` or `stray` for what has none."""
    present: str = ""
    """`there`, `absent` or `unknown`; for a stray what it is."""
    is_held: bool = False
    """It stays until somebody lifts it, by its own lease."""
    left: int = 0
    """Seconds until it is lifted by itself; 0 when held, or past."""
    fault: str = ""
    """Its name in the catalogue, and so on as its lease says; empty where it says nothing."""
    run: str = ""
    server: str = ""
    """`address:port` of the SSH server that it was laid through, as the host saw it."""
    age: int = 0
    """Seconds that it has been in this state."""

    @property
    def may_be_live(self) -> bool:
        """True unless it is known to be lifted."""
        return self.state not in {"reverted", "disarmed", "torn"} or self.present in {"there", "unknown"}


def about(fault: str, run: str, control: Control | None) -> tuple[str, str]:
    """What a lease carries to be known by: the name of its file, and its text."""
    return ABOUT, f"{fault} {_server(control) or _NOTHING} {run}\n"


async def check_whole(hand: LeaseHand, ground: Ground, *, run: str, host: str) -> None:
    """Refuse a host on which another run has left something that may be live.

    Raises:
        Problems: It has (`broken-by-another-run`); or the host did not say all of it.
    """
    heard = await hand.say(sweeping(ground.directory, "leases"))
    if not is_whole(heard):
        raise problem(
            f"{host} did not say which faults it carries",
            why="its answer has no end",
            code="cut",
            exit=Exit.UNREACHABLE,
        )
    user = hand.become.user if hand.become else ""
    if others := foreign(left_by_faults(host, user, heard), run, ground.control):
        first = others[0]
        raise problem(
            "; ".join(map(_said, others)),
            # The host's word for the run is quoted: somebody pastes this.
            fix=(
                f'Lift it with "runbook tell {shlex.quote(first.run or "RUN")} lift" where that run is, '
                f'or with "runbook sweep {shlex.quote(host)}" from anywhere.'
            ),
            code="broken-by-another-run",
            exit=Exit.REFUSED,
        )


def foreign(found: Iterable[Left], run: str, control: Control | None) -> tuple[Left, ...]:
    """Those that may be live, are of another run and concern the host that was reached like this."""
    ours = owned(run, 0).removesuffix("0")
    return tuple(
        left
        for left in found
        if left.may_be_live and not left.own.startswith(ours) and _concerns(left.server, _server(control))
    )


def left_by_faults(host: str, user: str, heard: str) -> tuple[Left, ...]:
    """What the answer to `sweeping` says; `is_whole` says whether that is all."""
    abouts: dict[str, tuple[str, str, str, int]] = {}
    found: list[Left] = []
    for words in (line.split() for line in heard.splitlines()):
        match words:
            case [word, own, age, fault, server, run] if word == ABOUT:
                said = "" if server == _NOTHING else server
                abouts[own] = fault, said, run, int(age) if age.isdigit() else 0
            case [_, own, *_] if (left := _left(host, user, words)) is not None:
                fault, server, run, since = abouts.get(own, ("", "", "", 0))
                found.append(msgspec.structs.replace(left, fault=fault, server=server, run=run, age=since))
            case _:
                pass
    return tuple(found)


def is_whole(heard: str) -> bool:
    """Whether the host has said all of it."""
    lines = heard.split()
    return bool(lines) and lines[-1] == "end"


def _left(host: str, user: str, words: list[str]) -> Left | None:
    match words:
        case ["lease", own, state, _who, _when, "held", present]:
            return Left(host=host, user=user, own=own, state=state, present=present, is_held=True)
        case ["lease", own, state, _who, _when, "lease", left, present] if left.lstrip("-").isdigit():
            return Left(host=host, user=user, own=own, state=state, present=present, left=max(0, int(left)))
        case ["lease", own, *_]:
            return Left(host=host, user=user, own=own, state="unknown", present="unknown")
        case ["torn", own]:
            return Left(host=host, user=user, own=own, state="torn")
        case ["stray", own, kind, *rest]:
            return Left(host=host, user=user, own=own, state="stray", present=f"{kind} {' '.join(rest)}")
        case _:
            return None


def _said(left: Left) -> str:
    whose = f"run {left.run}" if left.run else left.own.removeprefix(PREFIX)
    since = f"since {duration(left.age)}" if left.age else "since now"
    return f"{left.fault or 'a fault'} of {whose} is {left.state} there {since}"


def _server(control: Control | None) -> str:
    return f"{control.server}:{control.server_port}" if control else ""


def _concerns(laid_through: str, reached_by: str) -> bool:
    """A laboratory's hosts are apart, and from the machine that they are on too."""
    return laid_through == reached_by or not (_is_loopback(laid_through) or _is_loopback(reached_by))


def _is_loopback(server: str) -> bool:
    return server.startswith("127.") or server.rpartition(":")[0] == "::1"
