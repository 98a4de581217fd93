"""The seam between the executor and a kind of step that does work: one attempt in, one finding out.

A kind gets its action with every template rendered and a `Bench` that carries everything it may touch: the host's
session, the sink for output, the clock, the probes. It returns a `Finding` and never raises for anything that a host, a
network or an author's tolerance did. It knows nothing of runs, events, retries or other hosts: that is the core's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import msgspec

from runbook.core.clock import Clock
from runbook.core.events.fact import Fact
from runbook.core.events.fault_event import FaultEvent
from runbook.core.host import Host
from runbook.core.host_key import ChangedKey, HostKey
from runbook.core.outcome import Ending, Outcome
from runbook.core.planned.command import Become, Command, Secret
from runbook.core.planned.plan import PlannedStep
from runbook.core.result import Result
from runbook.problem import problem
from runbook.transport.session import Job, Session, Sink

PATIENCE = 600.0
"""Seconds that a host may stay away while a durable job may run there: it restarts, or a network is being repaired."""

ASKED_AFTER = 5.0
"""Seconds after which a person is asked about what ran attached, though it may still run, or its host is away."""

WORTH_A_UNIT = 600.0
"""Seconds of a step's timeout from which its host's systemd is asked to run it: a start costs it tens of milliseconds,
and what may be so long is likely to outlive a login."""

LEAST_TIME = 5.0
"""Seconds that a job gets to be found again in, though its time ran out while nobody could reach it."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What one attempt came to."""

    outcome: Outcome
    detail: str = ""
    """For a person, with what was expected and what was found; masked by the caller."""
    result: Result = Result()
    changed_key: ChangedKey | None = None
    """Why the host was not opened, where it showed another key than is known."""
    is_over: bool = False
    """For a doubt: it is certain that nothing of it runs any more."""
    survivors: tuple[str, ...] = ()
    """Processes of it (`pid name`) that could not be ended."""
    is_last: bool = False
    """For a failure: `until` held, so there is no further attempt, whatever the step's `retries`."""
    good_since: float | None = None
    """For polling kinds: monotonic time of the first sample of the stretch that held."""


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One answer of a probe."""

    ok: bool
    took: float
    detail: str = ""
    value: float | int | str | None = None


Report = Callable[[str, bool, str], Awaitable[None]]
"""Told of one preflight check: its name, whether it holds, a detail."""


async def _unclaimed() -> None:
    """Nobody keeps claims."""


async def _told_nobody(event: FaultEvent) -> None:
    """Nobody keeps a record: then nothing may be broken."""
    raise problem(f"nobody puts {type(event).__name__} on record", code="no-record")


async def _no_login() -> float:
    """There is nowhere to log in to."""
    return 0.0


class OpenSession(Protocol):
    """Opens the host, or gives the open session."""

    async def __call__(self, look: Command | None = None) -> Session:
        """Raises Problems (exit UNREACHABLE) when it cannot. `look`: see `Connector.connect`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Everything an attempt may touch."""

    planned: PlannedStep
    host: str
    job: Job
    sink: Sink
    clock: Clock
    open_session: OpenSession
    ask_probe: Callable[[str], Awaitable[Sample]]
    """Asks a named probe of the plan once."""
    evaluate: Callable[[str, Result], bool]
    """Evaluates `failed_when`, `until` and `assert` expressions with this result in scope; raises Problems."""
    report: Report
    state: Callable[[Fact], Awaitable[None]]
    """Puts a fact about this attempt on record, masked. Durable when it returns; raises Problems where it is not, and
    then what was to follow must not be done.
    """
    stated: tuple[Fact, ...] = ()
    """What was on record of it when this runner took it, from the one before."""
    number: int = 1
    """Which attempt of its step on its host this is: what it leaves behind there is named after it."""
    tell: Callable[[FaultEvent], Awaitable[None]] = _told_nobody
    """Puts what happened to a fault on record, masked. Durable when it returns; raises as `state` does. Faults speak in
    events and not in facts, because they outlive the attempt.
    """
    new_login: Callable[[], Awaitable[float]] = _no_login
    """Logs in to the host anew and hangs up; gives the seconds it took. Raises Problems when nobody gets in."""
    has_canary_written: Callable[[], bool] = lambda: True
    """Whether the plan's canary has written a mark by now; true where it has none."""
    secrets: tuple[Secret, ...] = ()
    reattach: bool = False
    """The attempt was started by a runner that died: continue it, never start it."""
    has_printed: bool = False
    """Some of its output is on record from before, so that a host without a trace of it has lost that trace."""
    patience: float = PATIENCE
    """Seconds to wait for an absent host before what was started there is left in doubt; 0 for work nobody wants."""
    folder: Path = field(default_factory=Path)
    """Relative paths in `upload`, `download` and `fabric` are relative to this: the runbook's folder."""
    env: tuple[tuple[str, str | Secret], ...] = ()
    become: Become | None = None
    claim: Callable[[], Awaitable[Ending | None]] = _unclaimed
    """Claims the attempt on the controller, for a kind that acts from there: None when it may, and why not otherwise.

    Raises Problems when nothing can be claimed.
    """
    accepted: Callable[[str], HostKey | None] = lambda _machine: None
    """Machine to the changed key that somebody vouched for, for a kind that dials by itself."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Path of a key file to the key itself, where its passphrase was given before the run; for the same kind."""
    address: Host | None = None
    """How the host is reached, for a kind that dials by itself; None for the controller."""

    @property
    def run(self) -> str:
        """The run that the attempt is part of."""
        return self.job.id.partition("/")[0]


class StepKind(Protocol):
    """One kind of work."""

    async def attempt(self, action: Any, bench: Bench) -> Finding:
        """Do it once on one host, to its end."""
