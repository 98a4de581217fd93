"""What a fault is: typed arguments, and from them and a host's facts the six texts that break it and make it whole.

A fault decides nothing at run time and does nothing itself. It draws scripts of POSIX sh for one host; the lease
protocol (`transport/shell/lease.sh`) is the one road on which all of them travel. Whether a fault may be made at all
(policy, consent, how many hosts) is nobody's business here.

The contract that every fault's scripts keep, and `tests/real/faults` tries on real hosts:
- `revert` may run twice, without an inject, and after half of one; it touches only what is named after the lease.
- `present` prints `there`, `absent`, or anything else for "cannot tell". It never says absent because a tool failed.
- `inject` fails as a whole or stands as a whole, and needs no time limit of its own.
- After a revert nothing is left.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar, get_args

import msgspec

from runbook.faults.ground import Ground
from runbook.problem import Problem, Problems, Where, nearest


class Guarantee(StrEnum):
    """What makes a host whole again when the runner and the link are gone for ever."""

    KERNEL = "K"
    """The kernel lets it expire: no process, no disk and no time of a shell is needed."""
    BOUNDED = "B"
    """The fault is a process, and ends with it at a time that was fixed when it began."""
    UNIT = "S"
    """A unit looks on and reverts; killed, it is started again."""
    TIMER = "T"
    """A timer of the host reverts. No fault here rests on one: a daemon-reload starts it from zero."""
    PAIR = "H"
    """Two detached processes look on and start each other again."""
    VOLATILE = "V"
    """It stands in memory only (a bind mount, a run-time unit file): a reboot is a revert too."""
    BOOT = "P"
    """It stands on disk, and something on disk reverts it at the next boot."""
    NONE = "X"
    """Nothing on the host can: a way back has to be declared and agreed to before."""


class Scripts(msgspec.Struct, frozen=True, kw_only=True):
    """What of a fault runs on one host. Each text is whole: it needs its lease's environment and nothing else."""

    guarantees: tuple[Guarantee, ...]
    """The strongest first. V and P say what a reboot does; without them, a reboot leaves it as it is or ends it."""
    needs: str
    """Before anything: prints `unable WHY` for what no step could bring there, `missing WHY` for what is merely not
    there now, `instead WHAT` for each substitute, and ends with `ready` only where the inject can be tried. Runs
    without a lease and changes nothing."""
    inject: str
    effect: str
    """Ends with `seen WHAT` or `unseen WHAT`; anything else is not known. Looks from inside the host."""
    revert: str
    present: str
    renew: str = ""
    """For what the kernel lets expire: gives it the lease's time again. Fails where the fault is gone."""
    can_hold: bool = True
    """False where it ends by itself whatever anybody wants."""

    @property
    def files(self) -> tuple[tuple[str, str], ...]:
        """What a lease carries."""
        named = {"inject": self.inject, "effect": self.effect, "revert": self.revert, "present": self.present}
        return (*named.items(), *((("renew", self.renew),) if self.renew else ()))


A = TypeVar("A", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Fault(Generic[A]):
    """One row of the catalogue."""

    name: str
    """As it is written in YAML."""
    says: str
    """What it does to a host, for lists and for gates, as a sentence."""
    arguments: type[A]
    """Their names, types and limits; each field's description tells an author what to write."""
    draw: Callable[[A, Ground], Scripts]
    """Raises Problems where this host cannot carry it."""
    is_of_the_machine: bool = False
    """It is of the whole machine, kernel and all, and so never where this program runs, however that is reached."""
    goes_away: bool = False
    """The machine is gone with it: its `way_back` is declared and agreed to before."""

    def read(self, values: Mapping[str, object], where: Where | None = None) -> A:
        """The arguments, typed.

        Raises:
            Problems: One for each that is unknown, missing or wrong.
        """
        fields = {field.name: field for field in msgspec.structs.fields(self.arguments)}
        wrong = [self._unknown(name, fields, where) for name in values if name not in fields]
        wrong += [
            self._wrong(f'needs "{name}"', "", field.type, where)
            for name, field in fields.items()
            if field.required and name not in values
        ]
        given: dict[str, object] = {}
        for name, field in fields.items():
            if name in values:
                try:
                    given[name] = msgspec.convert(values[name], field.type)
                except msgspec.ValidationError as error:
                    wrong.append(self._wrong(f'cannot use this "{name}"', str(error), field.type, where))
        if wrong:
            raise Problems(wrong)
        try:
            return self.arguments(**given)
        except ValueError as error:
            raise Problems([self._wrong("contradicts itself", str(error), None, where)]) from None

    def scripts(self, values: Mapping[str, object], ground: Ground, where: Where | None = None) -> Scripts:
        """What runs on this host.

        Raises:
            Problems: The arguments are wrong, or this host cannot carry the fault.
        """
        arguments = self.read(values, where)
        try:
            return self.draw(arguments, ground)
        except Problems as refused:
            raise Problems(
                msgspec.structs.replace(each, what=f"{self.name}: {each.what}", where=each.where or where)
                for each in refused.problems
            ) from None

    def _unknown(self, name: str, fields: Mapping[str, object], where: Where | None) -> Problem:
        said = f'{self.name} knows no "{name}"'
        return Problem(what=said, fix=nearest(name, fields), where=where, code="unknown-key")

    def _wrong(self, what: str, why: str, kind: Any, where: Where | None) -> Problem:
        return Problem(what=f"{self.name} {what}", why=why, fix=_meaning(kind), where=where, code="bad-argument")


def _meaning(kind: Any) -> str:
    """What an argument's type says of itself: its own sentence, or the first of those that it is made of."""
    for meta in getattr(kind, "__metadata__", ()):
        if isinstance(meta, msgspec.Meta) and meta.description:
            return meta.description
    return next((said for part in get_args(kind) if (said := _meaning(part))), "")


def text(body: str, *parts: str, **values: str | int) -> str:
    """One script: where tools are, the values as variables, what it is made of, and what it does.

    Args:
        body: POSIX sh, a constant: no value is ever pasted into it.
        parts: Functions that it uses, from `pieces.py`.
        values: Become shell variables of the same names, quoted.
    """
    lines = [f"{name}={shlex.quote(str(value))}\n" for name, value in values.items()]
    return "".join((_PRELUDE, *lines, *parts, body))


_PRELUDE = """\
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:$PATH
LC_ALL=C
export PATH LC_ALL
umask 077
own=$RUNBOOK_OWN
kept=$RUNBOOK_HERE/kept
"""


def minded(ground: Ground, *more: Guarantee) -> tuple[Guarantee, ...]:
    """The guarantees of what a lease's watcher has to revert, and what else holds."""
    return (Guarantee.UNIT if ground.has_units else Guarantee.PAIR, *more)
