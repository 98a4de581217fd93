"""Tests, releases, the daily round, incidents, changes, upkeep and what it costs. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.core.planned.action import ChecklistAction
from runbook.core.written.runbook import Runbook
from runbook.handbook.chapters import wording
from runbook.handbook.facts import Facts
from runbook.handbook.model import Amount, Block, Bullets, Cell, Day, Prose, Unstated
from runbook.handbook.subject import gathered
from runbook.view.words import plural

_RELEASE = "drills/release/NAME.yaml"
_SERVICE = "inventories/services/NAME.yaml"
_MONTHS = 12


def tests(facts: Facts) -> tuple[Block, ...]:
    """What is rehearsed."""
    head = ("Test Type", "Scope", "Tool", "Success Criteria", "Owner")
    rows = (_test(facts, book) for book in facts.kind("drill", "failover", "restore", "rollback"))
    return (facts.table("testing", "Testing Phases", head, rows),)


def _test(facts: Facts, book: Runbook) -> tuple[Cell, ...]:
    origin = facts.of(book.where)
    scope = (book.exercise.scope or book.exercise.scenario if book.exercise else "") or book.title
    good = (*wording.promised(book.objectives), *(f"{probe.name} holds" for probe in book.steady_state))
    return (
        origin.text(f"{book.kind}: {book.name}", "kind"),
        origin.text(scope, "exercise → scope"),
        origin.text(f"runbook run {book.name}", "name"),
        origin.many(good, "objectives"),
        origin.text(book.owner, "owner"),
    )


def acceptance(facts: Facts) -> tuple[Block, ...]:
    """Who accepts it, by what."""
    found = [
        (facts.of(service.at("scenarios")), f"{service.name}: {one.name}")
        for service in facts.services
        for one in service.scenarios
    ]
    rows = (
        ("UAT Plan", facts.by_hand("testing", "UAT Plan")),
        ("Test Scenarios", gathered(found, Unstated(_SERVICE, "scenarios"))),
        ("Acceptance Criteria", facts.by_hand("testing", "Acceptance Criteria")),
        ("Sign-off Process", facts.by_hand("testing", "Sign-off Process")),
    )
    return (Bullets(rows),)


def load(facts: Facts) -> tuple[Block, ...]:
    """How much it bears."""
    return (Prose(facts.by_hand("testing", "Load Testing")),)


def process(facts: Facts) -> tuple[Block, ...]:
    """How a release goes, in its order."""
    rows = tuple(
        (
            f"{book.name}: {section.name}",
            origin.many((section.description or named, section.owner or book.owner), "owner"),
        )
        for book in facts.kind("release")
        for section in book.sections
        for origin in [facts.of(section.where)]
        for named in [wording.joined(step.name for step in section.steps)]
    )
    return (Bullets(rows, is_numbered=True, gap=Unstated(_RELEASE, "sections")),)


def checklist(facts: Facts) -> tuple[Block, ...]:
    """What releases have ticked off by people."""
    head = ("Item", "Description", "Status", "Owner")
    rows = (row for book in facts.kind("release") for row in _checklist(facts, book))
    return (facts.table("release", "Release Checklist", head, rows),)


def _checklist(facts: Facts, book: Runbook) -> Iterator[tuple[Cell, ...]]:
    last = next((run for run in facts.runs if run.runbook == book.name and run.ended), None)
    state: Cell = Unstated("recordings/", f"a run of {book.name}")
    if last is not None:
        state = facts.run(last.run, last.started).text(last.verdict, "verdict")
    for step in wording.steps(book):
        if isinstance(step.action, ChecklistAction):
            origin = facts.of(step.where)
            for item in step.action.items:
                yield (
                    origin.text(item.item, "checklist"),
                    origin.text(f"{book.name} / {step.name}", "name"),
                    state,
                    origin.text(item.owner or step.owner or book.owner, "owner"),
                )


def rollback(facts: Facts) -> tuple[Block, ...]:
    """When and how it goes back."""
    releases = facts.kind("release")
    triggers = [
        (facts.of(step.where), f"{book.name}: {step.name} fails")
        for book in releases
        for step in wording.steps(book)
        if step.on_failure == "rollback"
    ]
    undo = [(facts.of(book.where), f"{book.name}: {text}") for book in releases for text in wording.undoing(book)]
    data = [
        (facts.of(service.at("data")), f"{one.name}: runbook run {one.restore}")
        for service in facts.services
        for one in service.data
        if one.restore
    ]
    rows = (
        ("Rollback Triggers", gathered(triggers, Unstated(_RELEASE, "on_failure: rollback"))),
        ("Rollback Process", gathered(undo, Unstated(_RELEASE, "rollback"))),
        ("Data Recovery", gathered(data, Unstated(_SERVICE, "data → restore"))),
        ("Communication Plan", escalation(facts)),
    )
    return (Bullets(rows),)


def escalation(facts: Facts) -> Cell:
    """Who is told, service by service."""
    told = [
        (facts.of(service.at("escalation")), f"{service.name}: {text}")
        for service in facts.services
        for text in wording.called(service.escalation)
    ]
    return gathered(told, Unstated(_SERVICE, "escalation → rules"))


def daily(facts: Facts) -> tuple[Block, ...]:
    """What is done again and again."""
    head = ("Task", "Frequency", "Owner", "Tool", "SLA")
    rows = (
        (
            origin.text(f"{service.name} / {one.name}", "operations"),
            origin.text(wording.every(one.every), f"operations → {one.name} → every"),
            facts.of(service.at("owner")).text(service.owner, "owner"),
            origin.text(f"runbook run {one.runbook}", "operations"),
            origin.many(_sla(one.sla.within, one.sla.success), f"operations → {one.name} → sla"),
        )
        for service in facts.services
        for one in service.operations
        for origin in [facts.of(service.at("operations"))]
    )
    return (facts.table("operations", "Daily Operations", head, rows),)


def _sla(within: float, success: str) -> tuple[str, ...]:
    late = wording.every(within).removeprefix("every ")
    return (*([f"within {late}"] if late else []), f"{success} of all times")


def incidents(facts: Facts) -> tuple[Block, ...]:
    """How fast somebody answers."""
    head = ("Severity", "Response Time", "Escalation", "Communication", "Resolution SLA")
    return (facts.table("operations", "Incident Response", head),)


def changes(facts: Facts) -> tuple[Block, ...]:
    """What a change needs."""
    asked = [
        (facts.of(book.at("change")), f"{book.name}: a reference in {', '.join(book.change.required)}")
        for book in facts.books
        if book.change.required
    ]
    approved = [
        (facts.place_of(place), f"{place.environment.name}: {plural(count, 'approval')} for {what}")
        for place in facts.places
        for what, count in place.environment.approvals.items()
    ]
    rows = (
        ("Change Request Process", gathered(asked, Unstated("drills/NAME.yaml", "change → required"))),
        ("Impact Assessment", facts.by_hand("operations", "Impact Assessment")),
        ("Approval Workflow", gathered(approved, Unstated("inventories/NAME/environment.yaml", "approvals"))),
        ("Change Communication", facts.by_hand("operations", "Change Communication")),
    )
    return (Bullets(rows),)


def maintenance(facts: Facts) -> tuple[Block, ...]:
    """What is scheduled, and how it stands."""
    head = ("Activity", "Frequency", "Duration", "Window", "Owner")
    rows = (
        (
            origin.text(f"{item.book.name} in {item.duty.environment}", "name"),
            origin.many((*map(wording.often, item.book.schedules), f"now: {item.standing.state}"), "schedule"),
            origin.length(sum(section.expected for section in item.book.sections), "sections → expected"),
            origin.text(next((one.window for one in item.book.schedules if one.window), ""), "schedule → window"),
            origin.text(item.book.owner, "owner"),
        )
        for item in facts.items
        for origin in [facts.of(item.book.at("schedule"))]
    )
    return (facts.table("operations", "Maintenance Schedule", head, rows),)


def support(facts: Facts) -> tuple[Block, ...]:
    """Who helps."""
    tiers = [(facts.of(one.at("tier")), f"{one.name}: tier {one.tier}, {one.owner}") for one in facts.services]
    rows = (
        ("Support Tiers", gathered(tiers, Unstated(_SERVICE, "tier"))),
        ("Support Hours", facts.by_hand("support", "Support Hours")),
        ("Escalation Matrix", escalation(facts)),
        ("Knowledge Base", facts.by_hand("support", "Knowledge Base")),
    )
    return (Bullets(rows),)


def optimizations(facts: Facts) -> tuple[Block, ...]:
    """What is to become faster."""
    head = ("Optimization", "Impact", "Effort", "Timeline", "Status")
    return (facts.table("maintenance", "Performance Optimization", head),)


def costs(facts: Facts) -> tuple[Block, ...]:
    """What it costs, as somebody counted it."""
    head = ("Component", "Monthly Cost", "Annual Cost", "Optimization Potential", "Status")
    rows = (
        (
            origin.text(service.name, "name"),
            origin.stated(Amount(said.monthly, said.currency)) if said else Unstated(origin.file, "costs → monthly"),
            origin.stated(Amount(said.monthly * _MONTHS, said.currency)) if said else Unstated(origin.file, "costs"),
            facts.cell("costs", "Cost Breakdown", service.name, "Optimization Potential"),
            origin.stated(Day(said.reviewed)) if said and said.reviewed else Unstated(origin.file, "costs → reviewed"),
        )
        for service in facts.services
        for said, origin in [(service.costs, facts.of(service.at("costs")))]
    )
    return (facts.table("costs", "Cost Breakdown", head, rows),)


def savings(facts: Facts) -> tuple[Block, ...]:
    """What could be cheaper."""
    names = ("Resource Right-sizing", "Reserved Capacity", "Cost Monitoring", "Budget Alerts")
    return (facts.points("costs", *names),)
