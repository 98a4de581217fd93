"""A failed step as somebody has to see it who decides what follows: who failed, how, and what each choice would do.

Pure, and the same for the screen, for lines and for whoever asks by `approve`; what the hosts said themselves is handed
in, because only a feed can read it. What each choice would do is in `ways`.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from runbook.core.answers import offered
from runbook.core.gate.retrying import ended_on, works
from runbook.core.outcome import Outcome
from runbook.core.planned.action import CONTROLLER
from runbook.core.planned.turns import name_of
from runbook.core.run import AttemptState, GateState, Run, StepState
from runbook.view.asking.ways import Reach, Way, way_of
from runbook.view.clock import recovery_clock
from runbook.view.reasons import reason
from runbook.view.sanitize import safe
from runbook.view.words import Status, fold_hosts, outcome_words, plural, status_of

Said = Mapping[tuple[str, str], str]
"""Step and host to what that host said last in it, safe to show."""

_ENDS = {
    Outcome.TIMED_OUT: "limit",
    Outcome.UNREACHABLE: "no link",
    Outcome.IN_DOUBT: "in doubt",
    Outcome.CANCELLED: "ended",
}
"""How an attempt ended that gave no exit code, in a word for a column."""
_STDERR = "stderr ends: "


class FailureGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Hosts that ended alike, in the same words."""

    status: Status
    step: str
    """The step that they ended in: the failed one, or one inside it."""
    hosts: tuple[str, ...]
    folded: str
    """Safe to show."""
    how: str
    """`exit 1`, `limit`: a word or two."""
    words: str
    """What they said themselves, or what is known where they said nothing; safe to show, one line."""
    took: float | None
    """Seconds, of the slowest."""


class FailureMenu(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be decided."""

    step: str
    name: str
    """Safe to show."""
    failed: int
    """Hosts; 0 for a step without any."""
    fine: int
    """Hosts on which it has succeeded."""
    hosts: int
    """All that it was meant for and that still take part."""
    groups: tuple[FailureGroup, ...]
    """The gravest first; those that succeeded come last."""
    ways: tuple[Way, ...]
    """In the order in which they are offered."""
    eta: float | None = None
    """Seconds on the recovery clock at which the service would be back without a second try; None where none runs."""
    at_least: bool = False
    """Nobody gave a duration for some step ahead, so that each `eta` is the least that it can be."""

    @property
    def summary(self) -> str:
        """`4 of 40 hosts failed, 36 are OK`; `failed` where it was no host that failed."""
        rest = f", {self.fine} {'is' if self.fine == 1 else 'are'} OK" if self.fine else ""
        return f"{_share(self.failed, self.hosts)}{rest}"


def failure_menu(run: Run, gate: GateState, now: float, said: Said | None = None) -> FailureMenu:
    """The menu of a failed step, `now` in seconds since the run was opened."""
    state = run.steps[gate.opened.step]
    reach, clock = Reach(run, state), recovery_clock(run, now)
    eta = clock.eta if clock.state == "running" else None
    every = offered("failure", gate.opened.choices)
    # With nobody who is well, all hosts again is the failed ones again, unless its values are read anew.
    is_twice = any(one.word == "retry_failed" for one in every) and not reach.well and not state.planned.waits
    return FailureMenu(
        step=safe(state.id),
        name=safe(name_of(run, state.planned)),
        failed=len(reach.failed),
        fine=len(reach.fine),
        hosts=len(reach.everybody),
        groups=_groups(run, state, said or {}),
        ways=tuple(way_of(one, reach, eta) for one in every if not (is_twice and one.word == "retry")),
        eta=eta,
        at_least=clock.unplanned > 0,
    )


def failure_summary(run: Run, state: StepState) -> str:
    """`4 of 40 hosts failed`, for a place that has room for no more."""
    reach = Reach(run, state)
    return _share(len(reach.failed), len(reach.everybody))


def _share(failed: int, hosts: int) -> str:
    return f"{failed} of {plural(hosts, 'host')} failed" if failed else "failed"


# --- who failed, and how ----------------------------------------------------------------------------------------------


def _groups(run: Run, state: StepState, said: Said) -> tuple[FailureGroup, ...]:
    """By step, status, ending and words; a step that has no host is one group with its own reason."""
    found: dict[tuple[str, Status, str, str], list[tuple[str, AttemptState]]] = {}
    for one in works(run, state):
        for host, outcome in ended_on(one).items():
            if host in run.excluded or not (outcome.is_error or (one is state and outcome is Outcome.SUCCEEDED)):
                continue
            attempt = one.attempts[host]
            how, words = _told(attempt, outcome, said.get((one.id, host), ""))
            found.setdefault((one.id, status_of(outcome), how, words.replace(host, "\0")), []).append((host, attempt))
    groups = [_group(*key, members) for key, members in found.items()]
    if not any(group.status is not Status.OK for group in groups):
        groups.append(_hostless(state))
    return tuple(sorted(groups, key=lambda group: group.status.gravity))


def _group(step: str, status: Status, how: str, words: str, members: list[tuple[str, AttemptState]]) -> FailureGroup:
    hosts = tuple(host for host, _ in members)
    ends = [one.ended_at - one.started_at for _, one in members if one.ended_at is not None]
    folded = safe(fold_hosts(hosts))
    return FailureGroup(
        status=status,
        step=step,
        hosts=hosts,
        folded="this machine" if hosts == (CONTROLLER,) else folded,
        how=how,
        words=words.replace("\0", hosts[0] if len(hosts) == 1 else folded),
        took=max(ends, default=None),
    )


def _hostless(state: StepState) -> FailureGroup:
    outcome = state.outcome or Outcome.FAILED
    return FailureGroup(
        status=status_of(outcome), step=state.id, hosts=(), folded="", how="", words=safe(state.detail), took=None
    )


def _told(attempt: AttemptState, outcome: Outcome, said: str) -> tuple[str, str]:
    """How it ended, and in what words: the host's own last line where it said something, else what we know."""
    if outcome is Outcome.SUCCEEDED:
        return "", ""
    rc = attempt.result.rc
    how = f"exit {rc}" if rc else _ENDS.get(outcome, "failed")
    is_said = (outcome_words(outcome), "exit code") if rc else (outcome_words(outcome),)
    pieces = [piece for piece in attempt.detail.split("; ") if not piece.startswith(is_said)]
    own = next((piece.removeprefix(_STDERR) for piece in pieces if piece.startswith(_STDERR)), "")
    ours = "; ".join(reason(piece).what for piece in pieces if not piece.startswith(_STDERR))
    if outcome is Outcome.FAILED:
        return how, safe("; ".join(filter(None, (said or own, ours))))
    last = f"last line: {said or own}" if said or own else ""
    return how, safe("; ".join(filter(None, (ours, last))))
