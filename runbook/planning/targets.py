"""Which hosts a step works on: its pattern with parameters filled in, resolved, then cut by limit and wave."""

from __future__ import annotations

import itertools
from typing import NamedTuple

from runbook.core.planned.action import CONTROLLER
from runbook.core.written.runbook import Section
from runbook.document import scalars
from runbook.inventory.pattern import select
from runbook.planning.draft import Draft
from runbook.problem import Problems, Where
from runbook.template.template import faults_in, render


class Wave(NamedTuple):
    """The part of a section's hosts that is worked on now."""

    members: frozenset[str]
    """Every host that the section goes through in waves."""
    now: frozenset[str]
    """Those of this wave. Hosts that are no members take part in every wave."""
    first: bool = True

    def keeps(self, host: str) -> bool:
        """Whether a step of this wave works on that host."""
        return host not in self.members or host in self.now


EVERYTHING = Wave(frozenset(), frozenset())
"""A section without waves."""


def resolve(draft: Draft, pattern: str, where: Where) -> tuple[str, ...]:
    """The hosts that a pattern names, before any limit; empty with the problem noted when it names none."""
    names = draft.names(where, pattern)
    late = sorted(draft.awaited(names))
    if late:
        fix = "Targets must be known before the run: use a parameter."
        draft.note(where, "late-target", f'the targets wait for "{late[0]}"', fix)
    elif draft.check_names(names, where) and not faults_in(pattern):
        with draft.collecting(where):
            return select(draft.inventory, render(pattern, draft.scope()), where=where)
    return ()


def limited(draft: Draft, hosts: tuple[str, ...], wave: Wave) -> tuple[str, ...]:
    """Those of the hosts that the limit and the wave leave."""
    allowed = _limit(draft)
    return tuple(host for host in hosts if wave.keeps(host) and (host in allowed or host == CONTROLLER))


def waves_of(draft: Draft, section: Section) -> tuple[Wave, ...]:
    """The waves that a section's hosts are taken in; one for everything when it has neither batch nor host-first."""
    batch = ("1",) if section.strategy == "host-first" else section.batch
    if not batch:
        return (EVERYTHING,)
    if not section.on:
        fix = "Add on: HOSTS to the section."
        draft.note(section.at("batch"), "no-target", "waves need the section's hosts", fix)
        return (EVERYTHING,)
    hosts = limited(draft, resolve(draft, section.on, section.at("on")), EVERYTHING)
    ends = list(itertools.accumulate(scalars.wave_sizes(batch, len(hosts)), initial=0))
    cuts = [frozenset(hosts[start:end]) for start, end in itertools.pairwise(ends)]
    return tuple(Wave(frozenset(hosts), now, first=number == 0) for number, now in enumerate(cuts)) or (EVERYTHING,)


def check_limit(draft: Draft) -> None:
    """Note a limit that names no host, once and not for every step."""
    if draft.options.limit:
        with draft.collecting(Where("--limit")):
            select(draft.inventory, draft.options.limit)


def _limit(draft: Draft) -> frozenset[str]:
    if not draft.options.limit:
        return frozenset(draft.inventory.hosts)
    try:
        return frozenset(select(draft.inventory, draft.options.limit))
    except Problems:
        return frozenset(draft.inventory.hosts)  # noted by check_limit
