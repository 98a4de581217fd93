"""What is deployed where, how, on what, and who may: the document's first four chapters. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

from immutables import Map

from runbook.calendar.saying import distance
from runbook.core.inventory import Inventory
from runbook.core.written.service import Component, DataSet, Service
from runbook.handbook.chapters import wording
from runbook.handbook.facts import Facts, Origin
from runbook.handbook.model import Amount, Block, Bullets, Cell, Many, Prose, Stated, Text, Unstated
from runbook.handbook.subject import gathered
from runbook.inventory.pattern import select
from runbook.problem import Problems
from runbook.view.words import plural

_YEAR = 365
_CONFIRMED: Map[str, str] = Map(
    {
        "none": "nothing is asked before a change",
        "key": "a key before each change",
        "typed": "a word typed before each change",
    }
)


def overview(facts: Facts) -> tuple[Block, ...]:
    """What it is all about."""
    return (Prose(facts.by_hand("overview", "Overview")),)


def environments_at_a_glance(facts: Facts) -> tuple[Block, ...]:
    """The places, and the way from one to the next, which only people can write."""
    rows = tuple(
        (place.environment.name, facts.place_of(place).text(place.environment.status, "status"))
        for place in facts.places
    )
    return (
        Bullets(rows, gap=Unstated("inventories/NAME/environment.yaml", "name")),
        Prose(facts.by_hand("overview", "Deployment Overview")),
    )


def environments(facts: Facts) -> tuple[Block, ...]:
    """What each place is."""
    head = ("Environment", "Purpose", "Infrastructure", "Access Level", "Status")
    rows = (_environment(facts.place_of(place), place) for place in facts.places)
    return (facts.table("overview", "Environment Configuration", head, rows),)


def _environment(origin: Origin, place: Inventory) -> tuple[Cell, ...]:
    said = place.environment
    groups = [f"{name} {len(hosts)}" for name, hosts in place.groups.items() if name not in {"all", "ungrouped"}]
    return (
        origin.text(said.name, "name"),
        origin.text(said.purpose, "purpose"),
        origin.stated(Many((plural(len(place.hosts), "host"), *groups))),
        origin.text(said.access, "access"),
        origin.text(said.status, "status"),
    )


def components(facts: Facts) -> tuple[Block, ...]:
    """What services are made of."""
    head = ("Component", "Technology", "Version", "Configuration", "Dependencies")
    rows = (row for service in facts.services for row in _components(facts, service))
    return (facts.table("overview", "Deployment Components", head, rows),)


def _components(facts: Facts, service: Service) -> Iterator[tuple[Cell, ...]]:
    origin = facts.of(service.at("components"))
    for one in service.components:
        key = f"components → {one.name}"
        yield (
            origin.text(f"{service.name} / {one.name}", key),
            origin.text(one.technology, f"{key} → technology"),
            origin.text(f"asked with: {one.version.command}" if one.version else "", f"{key} → version"),
            origin.text(one.configuration, f"{key} → configuration"),
            origin.many(one.depends_on, f"{key} → depends_on"),
        )


def approach(facts: Facts) -> tuple[Block, ...]:
    """How releases are brought out."""
    releases = facts.kind("release")
    gap = "drills/release/NAME.yaml"
    waves = [
        (facts.of(book.where), f"{book.name}: waves of {', '.join(section.batch)}")
        for book in releases
        for section in book.sections
        if section.batch
    ]
    undo = [
        (facts.of(book.where), f"{book.name}: {wording.joined(wording.undoing(book))}")
        for book in releases
        if wording.undoing(book)
    ]
    windows = [
        (facts.place_of(place), f"{place.environment.name}: {text}")
        for place in facts.places
        for text in place.environment.windows
    ]
    rows = (
        ("Deployment Pattern", gathered(waves, Unstated(gap, "sections → batch"))),
        ("Deployment Frequency", _frequency(facts)),
        ("Deployment Windows", gathered(windows, Unstated("inventories/NAME/environment.yaml", "windows"))),
        ("Rollback Strategy", gathered(undo, Unstated(gap, "rollback"))),
    )
    return (Bullets(rows),)


def _frequency(facts: Facts) -> Cell:
    since = (facts.now - timedelta(days=_YEAR)).date().isoformat()
    found = [run for run in facts.runs if run.kind == "release" and run.ended and run.started[:10] >= since]
    if not found:
        return Unstated("recordings/", "a run of a runbook of kind release")
    sources = tuple(facts.run(run.run, run.started).source for run in (found[0], found[-1]))
    return Stated(Amount(len(found), "releases in the last year"), tuple(dict.fromkeys(sources)))


def phases(facts: Facts) -> tuple[Block, ...]:
    """The sections of releases."""
    head = ("Phase", "Description", "Duration", "Success Criteria", "Owner")
    rows = (
        (
            origin.text(f"{book.name} / {section.name}", "sections → name"),
            origin.text(section.description, f"sections → {section.name} → description"),
            origin.length(section.expected, f"sections → {section.name} → expected"),
            origin.many(section.success, f"sections → {section.name} → success"),
            origin.text(section.owner or book.owner, "owner"),
        )
        for book in facts.kind("release")
        for section in book.sections
        for origin in [facts.of(section.where)]
    )
    return (facts.table("deployment", "Deployment Phases", head, rows),)


def pipeline(facts: Facts) -> tuple[Block, ...]:
    """What builds it, before any of this."""
    return (Prose(facts.by_hand("deployment", "Deployment Pipeline")),)


def compute(facts: Facts) -> tuple[Block, ...]:
    """What components run on."""
    head = ("Resource Type", "Specification", "Quantity", "Scaling Policy", "Cost Estimate")
    rows = (row for service in facts.services for row in _compute(facts, service))
    return (facts.table("infrastructure", "Compute Resources", head, rows),)


def _compute(facts: Facts, service: Service) -> Iterator[tuple[Cell, ...]]:
    origin = facts.of(service.at("components"))
    for one in service.components:
        key, name = f"components → {one.name}", f"{service.name} / {one.name}"
        yield (
            origin.text(name, key),
            origin.text(one.sizing, f"{key} → sizing"),
            origin.many(standing_on(facts, service, one), f"{key} → hosts"),
            origin.text(one.scaling, f"{key} → scaling"),
            facts.cell("infrastructure", "Compute Resources", name, "Cost Estimate"),
        )


def standing_on(facts: Facts, service: Service, part: Component) -> tuple[str, ...]:
    """How many hosts it has in each of its service's places."""
    found = []
    for place in facts.places:
        if part.hosts and place.environment.name in service.environments:
            with suppress(Problems):  # `check` tells of a pattern that selects nobody
                found.append(f"{place.environment.name}: {plural(len(select(place, part.hosts)), 'host')}")
    return tuple(found)


def storage(facts: Facts) -> tuple[Block, ...]:
    """Where data lies."""
    head = ("Storage Type", "Capacity", "Performance", "Backup Strategy", "Retention")
    rows = (_storage(facts.of(service.at("data")), service, one) for service in facts.services for one in service.data)
    return (facts.table("infrastructure", "Storage Requirements", head, rows),)


def _storage(origin: Origin, service: Service, one: DataSet) -> tuple[Cell, ...]:
    key, kept = f"data → {one.name}", one.backup
    return (
        origin.text(f"{service.name} / {one.name}", key),
        origin.text(one.capacity, f"{key} → capacity"),
        origin.text(one.performance, f"{key} → performance"),
        origin.text(
            wording.joined((wording.every(kept.every), f"to {kept.location}" if kept.location else "")) if kept else "",
            f"{key} → backup",
        ),
        origin.text(
            distance(timedelta(seconds=kept.retention)) if kept and kept.retention else "",
            f"{key} → backup → retention",
        ),
    )


def network(facts: Facts) -> tuple[Block, ...]:
    """What lies between."""
    return (facts.points("infrastructure", "Load Balancer", "CDN", "Security Groups", "DNS Configuration"),)


def measures(facts: Facts) -> tuple[Block, ...]:
    """What each place asks before something is changed there."""
    head = ("Security Layer", "Implementation", "Technology", "Status", "Owner")
    rows = (_measure(facts.place_of(place), place) for place in facts.places)
    return (facts.table("security", "Security Measures", head, rows),)


def _measure(origin: Origin, place: Inventory) -> tuple[Cell, ...]:
    said = place.environment
    asked = _CONFIRMED[said.confirm]
    approved = [f"{plural(count, 'approval')} for {what}" for what, count in said.approvals.items()]
    guarded = [f"never changed: {', '.join(said.protected)}"] if said.protected else []
    return (
        origin.text(f"Changes in {said.name}", "name"),
        origin.many((asked, *approved, *guarded), "confirm"),
        origin.stated(Text("SSH, with the host's key checked")),
        origin.text(said.status, "status"),
        origin.many(said.roles.get("run", ()), "roles → run"),
    )


def access(facts: Facts) -> tuple[Block, ...]:
    """Who may do what."""
    head = ("Resource", "Access Level", "Authentication", "Authorization", "Audit")
    rows = (_access(facts.place_of(place), place) for place in facts.places)
    return (facts.table("security", "Access Control", head, rows),)


def _access(origin: Origin, place: Inventory) -> tuple[Cell, ...]:
    said = place.environment
    return (
        origin.text(said.name, "name"),
        origin.text(said.access, "access"),
        origin.stated(Text("login of the operator's machine, SSH to hosts")),
        origin.many((f"{role}: {', '.join(names)}" for role, names in said.roles.items()), "roles"),
        origin.stated(Many(("a record of every run, chained by hash", *([f"seal {said.seal}"] if said.seal else [])))),
    )


def compliance(facts: Facts) -> tuple[Block, ...]:
    """Which rules it is held to; the controls that runbooks name are evidence."""
    named = [
        (facts.of(book.at("controls")), f"{', '.join(book.controls)} ({book.name})")
        for book in facts.books
        if book.controls
    ]
    audited = gathered(named, Unstated("drills/NAME.yaml", "controls"))
    frozen = [
        (facts.place_of(place), f"{place.environment.name} is frozen {text}")
        for place in facts.places
        for text in place.environment.freeze
    ]
    by_hand = facts.points("compliance", "Compliance Standards", "Data Privacy")
    governed = gathered(frozen, Unstated("inventories/NAME/environment.yaml", "freeze"))
    return (Bullets((*by_hand.rows, ("Audit Requirements", audited), ("Governance Policies", governed))),)
