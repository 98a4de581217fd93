"""A service as written: what it is, what it is made of, what may happen to it, and what was promised about it.

One file a service, beside the inventories, with the names that Backstage's catalog uses where it has one. It says what
nobody can compute; what can be (versions, recovery times, whether something is overdue) is asked or taken from records.
Values only: whether what it names exists is looked at where runbooks and inventories are known.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from runbook.core.milestone_name import Seconds
from runbook.core.planned.action import Pattern
from runbook.core.written.runbook import Date, Name, Probe, Written

Share = Annotated[
    str, msgspec.Meta(pattern=r"^\d{1,3}(\.\d+)?%$", description="A percentage of all times: 99%, 99.5%.")
]
Degree = Literal["low", "medium", "high"]
ScenarioClass = Literal[
    "infrastructure", "cyber-attack", "third-party", "staff", "premises", "disaster", "insider", "political", "power"
]
"""What may happen, in the words of the list that financial supervisors test against (RTS 2024/1774, article 26)."""


class ServiceObjectives(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was promised about a service; seconds."""

    rto: Seconds | None = None
    rpo: Seconds | None = None
    mtpd: Seconds | None = None
    """The longest interruption that its business survives."""
    reference: str = ""
    """The impact analysis that says so."""


class Contact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody who is asked about it."""

    name: str
    role: str = ""
    reach: str = ""
    """A number, an address, a channel."""


class EscalationRule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who is told when nobody answered for so long."""

    delay: Seconds
    to: tuple[str, ...]


class Escalation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who is told one after the other."""

    rules: tuple[EscalationRule, ...]
    loops: int = 0
    """How often the whole list is gone through again."""


class VersionProbe(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the version that runs is asked for."""

    command: str
    matches: str = ""
    """A regular expression whose first group is the version; empty takes the first line."""


class Component(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part of it."""

    name: Name
    technology: str = ""
    hosts: Pattern = ""
    version: VersionProbe | None = None
    """None where nobody can ask."""
    configuration: str = ""
    depends_on: tuple[str, ...] = ()
    """Components of this service, or other services."""
    provider: Literal["own", "external"] = "own"
    sizing: str = ""
    scaling: str = ""


class Backup(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a set of data is kept twice."""

    every: Seconds
    location: str = ""
    retention: Seconds = 0.0


class DataSet(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Data that it keeps."""

    name: Name
    backup: Backup | None = None
    """None where it is kept once."""
    capacity: str = ""
    performance: str = ""
    restore: str = ""
    """The runbook that brings it back."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that may happen to it, and what is rehearsed against it."""

    name: Name
    kind: ScenarioClass = msgspec.field(name="class", default="infrastructure")
    impact: Degree = "medium"
    likelihood: Literal["rare", "possible", "likely"] = "possible"
    mitigation: str = ""
    method: str = ""
    """How it is recovered from, in a word: failover, restore, rebuild."""
    runbook: str = ""
    """Empty where nobody has written one: a gap that the register shows."""
    environment: str = ""
    every: Seconds = 0.0
    """How often it must be rehearsed; 0 leaves it to the runbook's schedule."""


class Target(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a figure should be."""

    min: float | None = None
    max: float | None = None


class Alert(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """From when on somebody has to know."""

    below: float | None = None
    above: float | None = None
    failed: int = 1
    """So many times in a row."""


class Kpi(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A figure by which it is judged, and how it is asked for."""

    name: Name
    description: str = ""
    probe: Probe | None = None
    """None where it is known elsewhere."""
    target: Target = Target()
    alert: Alert | None = None
    unit: str = ""


class Sla(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was promised about something that is done again and again."""

    within: Seconds = 0.0
    success: Share = "100%"


class Operation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that is done again and again to keep it going."""

    name: Name
    runbook: str
    every: Seconds = 0.0
    sla: Sla = Sla()


class Costs(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What it costs, by hand."""

    monthly: float
    currency: str = "EUR"
    reviewed: Date = ""


class Service(Written, frozen=True, kw_only=True, omit_defaults=True):
    """The whole file."""

    name: Name
    description: str = ""
    owner: str = ""
    tier: Literal[1, 2, 3, 4] = 4
    """1 is what everything else waits for."""
    lifecycle: Literal["experimental", "production", "deprecated"] = "production"
    system: str = ""
    environments: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    objectives: ServiceObjectives = ServiceObjectives()
    contacts: tuple[Contact, ...] = ()
    escalation: Escalation | None = None
    components: tuple[Component, ...] = ()
    data: tuple[DataSet, ...] = ()
    scenarios: tuple[Scenario, ...] = ()
    kpis: tuple[Kpi, ...] = ()
    operations: tuple[Operation, ...] = ()
    costs: Costs | None = None
    """None where nobody has counted."""
    source: str = ""
    """The file it was read from; not a key."""
