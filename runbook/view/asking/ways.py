"""What may follow a failure, each way with the hosts that it reaches, in numbers, and what it asks for.

A number that cannot be known is left out. A way that reaches hosts which are well, or ends the way forward, names the
word that must be typed for it: nothing of that kind is done by a key, wherever it is chosen. Which ways are offered,
and in which order, is not said here: `gates` knows.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from runbook.core.answers import Answer, Word
from runbook.core.fold.rollback import undoable
from runbook.core.gate.retrying import ended_on, failing, unreached, well, works
from runbook.core.outcome import Outcome
from runbook.core.planned.action import CONTROLLER
from runbook.core.run import Run, StepState
from runbook.view.describe import describe
from runbook.view.sanitize import safe
from runbook.view.words import duration, fold_hosts, plural

_NAMED = 12
"""Hosts that are named one by one; more are folded."""
_LONGEST = 160
"""Characters of a command that stand beside a choice; the whole of it is shown on demand."""


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """One choice and what it would do."""

    answer: Word
    label: str
    """The deed and its object, with a count."""
    does: str
    """What it touches, in a few words."""
    needs_reason: bool = False
    word: str = ""
    """What must be typed for it; empty where Enter is enough."""
    eta: float | None = None
    """Seconds on the recovery clock at which the service would be back; None where nobody can know."""
    act: str
    """What the second act does: `retries on 4 hosts`."""
    more: tuple[str, ...] = ()
    """What is told before that: the hosts by name, and who is not touched. Safe to show."""


class Reach:
    """Whom the choices of one failed step would reach, looked up once."""

    def __init__(self, run: Run, state: StepState) -> None:
        """Of one failed step."""
        self.run, self.state = run, state
        self.failed, self.well, self.unreached = failing(run, state), well(run, state), unreached(run, state)
        inside = tuple(works(run, state))
        ends = (host for one in inside for host in ended_on(one))
        those = dict.fromkeys((*ends, *self.unreached))
        self.everybody = tuple(host for host in those if host != CONTROLLER and host not in run.excluded)
        wrong = {*self.failed, *self.unreached}
        self.fine = tuple(host for host in self.everybody if host not in wrong)
        self.took = state.planned.expected or max(map(_slowest, inside), default=0.0)

    @property
    def again(self) -> tuple[str, ...]:
        """Hosts that a retry of the whole step goes to, in the order of the plan."""
        again = {*self.failed, *self.well, *self.unreached}
        return tuple(host for host in self.everybody if host in again)

    @property
    def in_doubt(self) -> tuple[str, ...]:
        """Hosts on which nobody knows whether it was done."""
        return tuple(host for host, end in ended_on(self.state).items() if end is Outcome.IN_DOUBT)


def way_of(answer: Answer, reach: Reach, eta: float | None) -> Way:
    """One choice; `eta`: seconds on the recovery clock at which the service would be back without a second try."""
    way = _MADE[answer.word](answer.word, reach)
    later = None if eta is None or way.word in _NO_WAY_FORWARD else eta + (reach.took if _is_retry(answer) else 0.0)
    return msgspec.structs.replace(way, needs_reason=answer.needs_reason, eta=later)


def _is_retry(answer: Answer) -> bool:
    return answer.word in {"retry", "retry_failed"}


def _retry_failed(answer: Word, reach: Reach) -> Way:
    hosts = (*reach.failed, *reach.unreached)
    first = f", for the first time on {_folded(reach.unreached)}" if reach.unreached else ""
    rest = f"The other {_are(reach.fine, 'is', 'are')} not touched." if reach.fine else ""
    return Way(
        answer=answer,
        label=f"Retry the {'failed host' if len(reach.failed) == 1 else plural(len(reach.failed), 'failed host')}",
        does=f"on {_folded(reach.failed)} only{first}{_about(reach)}",
        act=f"retries on {plural(len(hosts), 'host')}",
        more=_said(_again(reach, hosts), rest, _doubt(reach)),
    )


def _retry(answer: Word, reach: Reach) -> Way:
    hosts = reach.again
    if reach.well:
        gets = _are(reach.well, "healthy gets", "healthy get")
        return Way(
            answer=answer,
            label=f"Retry all {plural(len(hosts), 'host')}",
            does=f"{gets} it again{_about(reach)}",
            word=str(len(hosts)),
            act=f"retries on {'all ' if len(hosts) > 1 else ''}{plural(len(hosts), 'host')}",
            more=_said(_again(reach, hosts), f"Healthy: {_named(reach.well)}.", _doubt(reach)),
        )
    return Way(
        answer=answer,
        label=f"Retry on {_folded(hosts)}" if len(hosts) == 1 else "Retry the step",
        does=f"{f'again on {_folded(hosts)}' if hosts else 'from its beginning'}{_about(reach)}",
        act=f"retries on {plural(len(hosts), 'host')}" if hosts else "retries the step",
        more=_said(_again(reach, hosts), _doubt(reach)),
    )


def _exclude(answer: Word, reach: Reach) -> Way:
    failed = len(reach.failed)
    out = "it is" if failed == 1 else f"the {failed} are"
    return Way(
        answer=answer,
        label=f"Exclude {'it' if failed == 1 else 'them'} and go on",
        does=f"{_are(reach.fine, 'goes', 'go')} on, {out} out",
        act=f"excludes {plural(failed, 'host')} and goes on",
        more=(f"Out of all steps ahead: {_named(reach.failed)}.",),
    )


def _skip(answer: Word, reach: Reach) -> Way:
    failed = len(reach.failed)
    return Way(
        answer=answer,
        label="Go on, they stay failed" if failed > 1 else "Go on without it",
        does=f"the {failed} stay in" if failed > 1 else "the step stays failed",
        act="goes on with the next step",
        more=("It stays failed on record, and the run ends with deviations at best.",),
    )


def _accept(answer: Word, reach: Reach) -> Way:
    where = f" on {_folded(reach.failed)}" if reach.failed else ""
    return Way(
        answer=answer,
        label="Accept as done",
        does=f"you looked, it did happen{where}",
        act="takes it for done and goes on",
        more=("Only for somebody who has looked; the reason says what was seen.",),
    )


def _roll_back(answer: Word, reach: Reach) -> Way:
    steps = undoable(reach.run)
    undone = f"undo {plural(len(steps), 'step')}, newest first" if steps else "nothing that ran has an undo"
    named = f"Undone, newest first: {safe(', '.join(steps))}." if steps else f"{undone.capitalize()}."
    return Way(answer=answer, label="Roll back", does=undone, word="roll back", act="rolls back", more=(named,))


def _abort(answer: Word, _reach: Reach) -> Way:
    return Way(
        answer=answer,
        label="Abort the run",
        does="closing steps only",
        word="abort",
        act="aborts the run",
        more=("No further step is entered, and the closing steps follow. Nothing is rolled back by itself.",),
    )


_MADE: dict[str, Callable[[Word, Reach], Way]] = {
    "accept": _accept,
    "retry_failed": _retry_failed,
    "exclude": _exclude,
    "skip": _skip,
    "retry": _retry,
    "rollback": _roll_back,
    "abort": _abort,
}
_NO_WAY_FORWARD = {"roll back", "abort"}
"""Words of ways behind which the service comes back by no step of this runbook."""


def _slowest(state: StepState) -> float:
    attempts = state.attempts.values()
    return max((one.ended_at - one.started_at for one in attempts if one.ended_at is not None), default=0.0)


def _about(reach: Reach) -> str:
    return f", about {duration(reach.took)}" if reach.took else ""


def _again(reach: Reach, hosts: tuple[str, ...]) -> str:
    where = f" on {_named(hosts)}" if hosts else ""
    what = describe(reach.state.action_on(hosts[0] if hosts else "*"))
    return f"Again{where}: {what[:_LONGEST]}{'...' if len(what) > _LONGEST else ''}"


def _doubt(reach: Reach) -> str:
    hosts = reach.in_doubt
    return f"It may have been done already on {_folded(hosts)}, and would be done twice." if hosts else ""


def _said(*lines: str) -> tuple[str, ...]:
    return tuple(line for line in lines if line)


def _are(hosts: tuple[str, ...], one: str, many: str) -> str:
    return f"{len(hosts)} {one if len(hosts) == 1 else many}"


def _folded(hosts: tuple[str, ...]) -> str:
    return safe(fold_hosts(hosts))


def _named(hosts: tuple[str, ...]) -> str:
    """By name, because folded sets are misread; folded where they are too many for that."""
    return safe(" ".join(hosts) if len(hosts) <= _NAMED else fold_hosts(hosts))
