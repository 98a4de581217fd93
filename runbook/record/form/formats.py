"""By which rules the digests of a record were taken: one reader for each version of the format there ever was.

A record names its format in its first line, and a runner that takes it over names its own. A record is judged by the
rules under which it was written, for ever: this table only grows. What is digested is the same in all of them, namely
the plan that was confirmed and what each host was shown to be sent; what differs is whose bytes count.

Format 1 hashed what the program of that day encoded, so checking it means encoding again with today's types: a field
may be added to them only with a default that is left out, or these records would no longer verify. Its first programs
hashed a command without what holds around it, so a visit of that format is checked in both manners. From format 2 on
the bytes on record count, which `jq` and `sha256sum` see as well as we do (`docs/record.md`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Protocol

import msgspec

from runbook.core.events.event import GateOpened, RunOpened, StepEntered
from runbook.core.host import Host
from runbook.core.planned.plan import PlannedStep
from runbook.core.planned.shown import EVERYWHERE, Shown, as_planned, digest_of, hash_of, read_back, text_for

FORMAT = 2
"""The format that this program writes, and the highest that it knows."""

PLAN = "plan.json"
"""The copy of the plan in a record from format 2 on: the same bytes as in the first line, for stock tools."""


class Rules(Protocol):
    """How one format takes its digests."""

    def plan_digest(self, opened: RunOpened, plan: bytes) -> str:
        """What `RunOpened.plan_digest` has to be, of a plan with these bytes in the line."""

    def texts(self, entered: StepEntered, planned: PlannedStep, hosts: Mapping[str, Host]) -> dict[str, str]:
        """By host, the text whose SHA-256 `AttemptStarted.digest` has to be."""

    def step_digest(self, texts: Mapping[str, str], planned: PlannedStep) -> str:
        """What `StepEntered.digest` has to be, and that of the gates about it."""

    def key_digest(self, gate: GateOpened) -> str:
        """What `GateOpened.digest` has to be where a host's key is asked about."""

    def differs_from_plan(
        self, texts: Mapping[str, str], planned: PlannedStep, hosts: Mapping[str, Host]
    ) -> tuple[str, ...]:
        """Hosts that were shown something else than a plan which waits for nothing; never one that we cannot read."""


class Encoded:
    """Format 1: what the types give when they are encoded."""

    def plan_digest(self, opened: RunOpened, plan: bytes) -> str:
        """Its canonical encoding, keys in order."""
        del plan
        return _canonical(opened.plan)

    def texts(self, entered: StepEntered, planned: PlannedStep, hosts: Mapping[str, Host]) -> dict[str, str]:
        """Only what the plan could not show stands in the event."""
        return {host: _as_entered(entered, planned, host, hosts).text for host in entered.hosts or (EVERYWHERE,)}

    def step_digest(self, texts: Mapping[str, str], planned: PlannedStep) -> str:
        """One object with a key for each host."""
        del planned
        return _canonical(_raw(texts))

    def key_digest(self, gate: GateOpened) -> str:
        """The key with what was known."""
        return _canonical(gate.changed_key)

    def differs_from_plan(
        self, texts: Mapping[str, str], planned: PlannedStep, hosts: Mapping[str, Host]
    ) -> tuple[str, ...]:
        """It was the plan that was hashed."""
        del texts, planned, hosts
        return ()


class EncodedAlone(Encoded):
    """Format 1 at first: the command stood under the digest without what holds around it."""

    def texts(self, entered: StepEntered, planned: PlannedStep, hosts: Mapping[str, Host]) -> dict[str, str]:
        """The action of each host."""
        shown = {host: _as_entered(entered, planned, host, hosts) for host in entered.hosts or (EVERYWHERE,)}
        return {host: msgspec.json.encode(one.action, order="deterministic").decode() for host, one in shown.items()}

    def step_digest(self, texts: Mapping[str, str], planned: PlannedStep) -> str:
        """The environment and the folder as they stood in the plan."""
        return _canonical([_raw(texts), planned.env, planned.cwd])


class AsWritten:
    """Format 2: the bytes that stand on record."""

    def plan_digest(self, opened: RunOpened, plan: bytes) -> str:
        """The plan as the line has it."""
        del opened
        return hashlib.sha256(plan).hexdigest()

    def texts(self, entered: StepEntered, planned: PlannedStep, hosts: Mapping[str, Host]) -> dict[str, str]:
        """They stand in the event."""
        del planned, hosts
        return {host: text_for(entered.shown, host) for host in entered.hosts or (EVERYWHERE,)}

    def step_digest(self, texts: Mapping[str, str], planned: PlannedStep) -> str:
        """A list as `sha256sum` prints it."""
        del planned
        return digest_of(texts, texts)

    def key_digest(self, gate: GateOpened) -> str:
        """The question, which holds both keys."""
        return hash_of(gate.message)

    def differs_from_plan(
        self, texts: Mapping[str, str], planned: PlannedStep, hosts: Mapping[str, Host]
    ) -> tuple[str, ...]:
        """Compared as values: a field of a newer version is in neither."""
        if planned.waits:
            return ()
        said = read_back({text: text for text in texts.values()})
        return tuple(
            host
            for host, text in texts.items()
            if text in said and said[text].text != _of_plan(planned, host, hosts).text
        )


_RULES: Mapping[int, tuple[Rules, ...]] = {1: (Encoded(), EncodedAlone()), 2: (AsWritten(),)}


def rules_of(version: int) -> tuple[Rules, ...]:
    """The manners of a format, the usual first; of one that is newer than this program, of the newest that it knows."""
    return _RULES.get(version, _RULES[FORMAT])


def _of_plan(planned: PlannedStep, host: str, hosts: Mapping[str, Host]) -> Shown:
    return Shown(action=planned.action_on(host), around=as_planned(planned, hosts.get(host)))


def _as_entered(entered: StepEntered, planned: PlannedStep, host: str, hosts: Mapping[str, Host]) -> Shown:
    plain = _of_plan(planned, host, hosts)
    return Shown(
        action=entered.rendered.get(host) or entered.rendered.get(EVERYWHERE) or plain.action,
        around=entered.around.get(host) or entered.around.get(EVERYWHERE) or plain.around,
    )


def _raw(texts: Mapping[str, str]) -> dict[str, msgspec.Raw]:
    return {host: msgspec.Raw(text.encode()) for host, text in texts.items()}


def _canonical(value: object) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()
