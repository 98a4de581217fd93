"""What one step sends to one host: rendered once, shown and sent from the same value.

All hosts of a visit share one scope; a host adds itself to it and nothing is copied. What is *shown* is masked and kept
until the step is over, so that the attempt compares what was announced with what it kept instead of rendering all of
it again. What is *sent* has its secrets written out, exists from that moment on, and is kept nowhere. A kept rendering
is as good as the values it rests on: when one of them is another by now, whoever asks gets a fresh one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import msgspec

from runbook.core.fold.rollback import rollback
from runbook.core.fold.verdict import verdict_by_now
from runbook.core.host import Host
from runbook.core.planned.action import Action
from runbook.core.planned.command import Secret
from runbook.core.planned.plan import Plan, PlannedStep
from runbook.core.planned.shown import Shown, as_planned
from runbook.core.planned.turns import items_of
from runbook.core.run import Run
from runbook.engine.masked import masked
from runbook.engine.unlogged import is_unlogged
from runbook.masking.stand_in import StandIns, has_stand_ins
from runbook.template.action_texts import render_action
from runbook.template.scope import Scope
from runbook.template.template import (
    render,
)

Grounds = tuple[object, ...]
"""The values that something rests on, in a fixed order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What leaves for one host, secrets written out."""

    planned: PlannedStep
    """The step with its folder and its user filled in."""
    action: Action
    env: tuple[tuple[str, str | Secret], ...]
    """A value that a secret went into is a secret."""


class Opened:
    """The plan's own texts with secrets where their names stand in for them, for sending and for nothing else."""

    def __init__(self, plan: Plan, secrets: Iterable[Secret]) -> None:
        """For this plan; mostly nobody wrote a secret into it, and then everything stays as it is."""
        self._restored = StandIns(secrets).restored if has_stand_ins(plan.encoded) else None
        self._last: tuple[Scope, Scope] | None = None

    def step(self, planned: PlannedStep) -> PlannedStep:
        """A step before anything is rendered into it."""
        if self._restored is None:
            return planned
        parts = ("action", "by_host", "env", "cwd", "become_user")
        return msgspec.structs.replace(
            planned, **{part: masked(getattr(planned, part), self._restored) for part in parts}
        )

    def scope(self, scope: Scope) -> Scope:
        """The parameters and the variables of hosts; what was registered is not the plan's and stays."""
        if self._restored is None:
            return scope
        if self._last is None or self._last[0] is not scope:
            parameters = {name: masked(value, self._restored) for name, value in scope.parameters.items()}
            hosts = {name: masked(host, self._restored) for name, host in scope.hosts.items()}
            self._last = scope, dataclasses.replace(scope, parameters=parameters, hosts=hosts)
        return self._last[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One step in one state of the values that it waits for."""

    planned: PlannedStep
    scope: Scope
    """What all hosts share; it asks for nobody yet."""
    mask: Callable[[str], str]
    opened: Opened
    grounds: Grounds
    kept: dict[str, Shown] = field(default_factory=dict)
    """Host to what it is shown, once somebody asked."""

    def shown(self, host: str) -> Shown:
        """What the host would be sent, masked: what must equal what is on record.

        Raises:
            Problems: A template asks for something that is not there.
        """
        known = self.kept.get(host)
        if known is None:
            known = self.kept[host] = self._shown(host)
        return known

    def sent(self, host: str) -> Sent:
        """What leaves for the host.

        Raises:
            Problems: As `shown`.
        """
        filled = self._filled_in(host, reveal=True)
        env = tuple((name, self._hidden(name, value)) for name, value in filled.env.items())
        return Sent(planned=filled, action=filled.action_on(host), env=env)

    def _hidden(self, name: str, value: str) -> str | Secret:
        """A value, as a secret where one went into it."""
        secrets = (one.reveal() for one in self.scope.parameters.values() if isinstance(one, Secret))
        return Secret(name, value) if any(secret and secret in value for secret in secrets) else value

    def _shown(self, host: str) -> Shown:
        target = self._target(host)
        if is_unlogged(self.planned):
            # As the plan has it: what is rendered into such a step is on no record, and no hash of it either.
            return Shown(action=self.planned.action_on(host), around=as_planned(self.planned, target))
        filled = self._filled_in(host, reveal=False)
        shown = Shown(action=filled.action_on(host), around=as_planned(filled, target))
        # A registered value may hold a secret that a command printed, so what was rendered is masked again.
        return masked(shown, self.mask) if self.planned.awaits else shown

    def _filled_in(self, host: str, *, reveal: bool) -> PlannedStep:
        """The step for one host. Text of a step that waits for nothing is final, whatever it looks like."""
        planned = self.opened.step(self.planned) if reveal else self.planned
        if not planned.awaits:
            return planned
        shared = self.opened.scope(self.scope) if reveal else self.scope
        scope = shared.asking(shared.hosts.get(host))
        return msgspec.structs.replace(
            planned,
            action=render_action(planned.action_on(host), scope, reveal=reveal),
            by_host={},
            env={name: render(text, scope, reveal=reveal) for name, text in planned.env.items()},
            cwd=render(planned.cwd, scope, reveal=reveal),
            become_user=render(planned.become_user, scope, reveal=reveal),
        )

    def _target(self, host: str) -> Host | None:
        return self.scope.hosts.get(host)


def grounds_of(run: Run, planned: PlannedStep) -> Grounds:
    """What a rendering of this step rests on: the stop, what `run.verdict` says, and every value it waits for."""
    said = (verdict_by_now(run), rollback(run).verdict) if "run" in planned.awaits else ()
    items = (items_of(run, turn.loop) for turn in planned.turns)
    return (run.stop, *said, *items, *(run.values.get(name) for name in planned.awaits))
