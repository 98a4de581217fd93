"""What happens when it is lost, who has practised that, how well it went and what was learnt. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from runbook.core.finding import Finding
from runbook.handbook.chapters import wording
from runbook.handbook.chapters.deploying import standing_on
from runbook.handbook.chapters.watching import measured
from runbook.handbook.facts import Facts, Origin
from runbook.handbook.model import Block, Bullets, Cell, Many, Share, Source, Stated, Table, Text, Unstated
from runbook.handbook.pictures import graph, trends, year
from runbook.handbook.subject import gathered
from runbook.record.summary import RunSummary
from runbook.register.entry import Entry
from runbook.view.words import plural

_SERVICE = "inventories/services/NAME.yaml"
_YEAR = timedelta(days=365)
_FEW = 10


def recovery(facts: Facts) -> tuple[Block, ...]:
    """What was promised for each scenario, and below it what was shown."""
    head = ("Component", "RTO", "RPO", "Recovery Method", "Testing Frequency")
    rows = (_promise(facts, one) for one in facts.entries)
    shown = ("Component", "Readiness", "Last Recovery Time", "Median", "Data Lost", "Rehearsed By")
    return (
        facts.table("continuity", "Disaster Recovery Plan", head, rows),
        Table(shown, tuple(_evidence(facts, one) for one in facts.entries), Unstated(_SERVICE, "scenarios")),
        *trends(facts),
        year(facts),
        graph(facts),
    )


def _origin(facts: Facts, entry: Entry, key: str) -> Origin:
    found = next((one for one in facts.services if one.name == entry.service), None)
    return facts.of(found.at(key)) if found else Origin(_SERVICE, Source(_SERVICE))


def _promise(facts: Facts, one: Entry) -> tuple[Cell, ...]:
    promised, said = _origin(facts, one, "objectives"), _origin(facts, one, "scenarios")
    key = f"scenarios → {one.scenario}"
    return (
        said.text(f"{one.service} / {one.scenario}", key),
        promised.length(one.rto, "objectives → rto"),
        promised.length(one.rpo, "objectives → rpo"),
        said.text(one.method, f"{key} → method"),
        said.text(wording.every(one.every), f"{key} → every"),
    )


def _evidence(facts: Facts, one: Entry) -> tuple[Cell, ...]:
    said = _origin(facts, one, "scenarios")
    none = Unstated("recordings/", f"a run of {one.runbook} that holds") if one.runbook else None
    gap = none or Unstated(said.file, f"scenarios → {one.scenario} → runbook")
    ran = facts.run(one.last_run, one.last_good)
    return (
        said.text(f"{one.service} / {one.scenario}", "scenarios"),
        (ran if one.last_run else said).stated(Many((one.readiness, one.because))),
        measured(facts, one.last_run, one.last_good, one.rta.last),
        _median(facts, one),
        measured(facts, one.last_run, one.last_good, one.rpa),
        ran.stated(Many(one.people)) if one.last_run and one.people else gap,
    )


def _median(facts: Facts, one: Entry) -> Cell:
    """A median takes several runs, and a gap says so."""
    if one.rta.p50 is None:
        return Unstated("recordings/", "three runs that measure it and that hold")
    return measured(facts, one.last_run, one.last_good, one.rta.p50)


def availability(facts: Facts) -> tuple[Block, ...]:
    """What stands twice, and what takes over."""
    several = [
        (facts.of(service.at("components")), f"{service.name} / {part.name}: {text}")
        for service in facts.services
        for part in service.components
        for text in standing_on(facts, service, part)
    ]
    over = [(facts.of(book.where), f"{book.name}: {book.title}") for book in facts.kind("failover")]
    asked = [
        (facts.of(probe.where), f"{book.name} / {probe.name}: {wording.asked(probe)}")
        for book in facts.books
        for probe in book.steady_state
    ]
    rows = (
        ("Redundancy Strategy", gathered(several, Unstated(_SERVICE, "components → hosts"))),
        ("Failover Mechanism", gathered(over, Unstated("drills/NAME.yaml", "kind: failover"))),
        ("Health Checks", gathered(asked, Unstated("drills/NAME.yaml", "steady_state"))),
        ("Circuit Breakers", facts.by_hand("continuity", "Circuit Breakers")),
    )
    return (Bullets(rows),)


def impact(facts: Facts) -> tuple[Block, ...]:
    """What may happen, and how bad it would be."""
    head = ("Scenario", "Impact", "Probability", "Mitigation", "Recovery Plan")
    rows = (
        (
            origin.text(f"{service.name} / {one.name}", "scenarios"),
            origin.text(one.impact, "scenarios → impact"),
            origin.text(one.likelihood, "scenarios → likelihood"),
            origin.text(one.mitigation, f"scenarios → {one.name} → mitigation"),
            origin.text(f"runbook run {one.runbook}" if one.runbook else "", f"scenarios → {one.name} → runbook"),
        )
        for service in facts.services
        for one in service.scenarios
        for origin in [facts.of(service.at("scenarios"))]
    )
    return (facts.table("continuity", "Business Impact Analysis", head, rows),)


def documents(facts: Facts) -> tuple[Block, ...]:
    """The runbooks and the pages written by hand, and when each is looked at again."""
    head = ("Document", "Purpose", "Owner", "Update Frequency", "Location")
    rows = [*_books(facts), *_pages(facts)]
    return (facts.table("documents", "Documentation Requirements", head, rows),)


def _books(facts: Facts) -> Iterator[tuple[Cell, ...]]:
    for book in facts.books:
        origin = facts.of(book.where)
        looked = (wording.every(book.review_every), f"last {book.reviewed}" if book.reviewed else "")
        yield (
            origin.text(book.name, "name"),
            origin.text(book.title, "title"),
            origin.text(book.owner, "owner"),
            origin.many(filter(None, looked), "review_every"),
            origin.text(origin.file, "name"),
        )


def _pages(facts: Facts) -> Iterator[tuple[Cell, ...]]:
    for page in facts.pages.values():
        origin = facts.passage(page.slug, "")[1]
        yield (
            origin.text(f"handbook / {page.slug}", "owner"),
            origin.stated(Many(tuple(page.passages) or ("nothing yet",))),
            origin.text(page.owner, "owner"),
            origin.text(
                f"every {page.review_every}, last {page.reviewed}" if page.review_every else "", "review_every"
            ),
            origin.text(origin.file, "owner"),
        )


def training(facts: Facts) -> tuple[Block, ...]:
    """Who can do it, and who never has."""
    passed = [
        (_origin(facts, one, "scenarios"), f"{one.service} / {one.scenario}: {text}")
        for one in facts.entries
        for text in _practised(one)
    ]
    by_hand = facts.points("training", "Training Plan", "Skill Requirements", "Certification Needs")
    known = gathered(passed, Unstated(_SERVICE, "scenarios → runbook"))
    return (Bullets((*by_hand.rows, ("Knowledge Transfer", known))),)


def _practised(one: Entry) -> Iterator[str]:
    if one.people:
        yield f"rehearsed by {', '.join(one.people)}"
    if one.never:
        yield f"never rehearsed by {', '.join(one.never)}"


def guides(facts: Facts) -> tuple[Block, ...]:
    """What users read."""
    names = ("User Guides", "API Documentation", "Training Materials", "Support Resources")
    return (facts.points("documents", *names),)


def success(facts: Facts) -> tuple[Block, ...]:
    """How well it goes, counted in runs of the last year."""
    head = ("Metric", "Target", "Measurement Method", "Current Value", "Status")
    since = (facts.now - _YEAR).date().isoformat()
    runs = [run for run in facts.runs if run.ended and run.started[:10] >= since]
    drills = [run for run in runs if run.kind in {"drill", "failover", "restore"}]
    releases = [run for run in runs if run.kind == "release"]
    promised = [run for run in runs if run.objective in {"met", "missed"}]
    rows = (
        _metric(facts, "Releases that completed", releases, [run for run in releases if run.verdict == "completed"]),
        _metric(facts, "Drills that completed", drills, [run for run in drills if run.verdict == "completed"]),
        _metric(facts, "Objectives met", promised, [run for run in promised if run.objective == "met"]),
    )
    return (facts.table("metrics", "Deployment Success Metrics", head, rows),)


def _metric(facts: Facts, name: str, runs: list[RunSummary], good: list[RunSummary]) -> tuple[Cell, ...]:
    heading = "Deployment Success Metrics"
    ends = dict.fromkeys(facts.run(run.run, run.started).source for run in (*runs[:1], *runs[-1:]))
    sources = tuple(ends) or (Source("recordings/"),)
    value: Cell = Stated(Share(len(good), len(runs), "run"), sources)
    return (
        Stated(Text(name), sources),
        facts.cell("metrics", heading, name, "Target"),
        Stated(Text("runs on record in the last year"), sources),
        value if runs else Unstated("recordings/", "a run of that kind"),
        Stated(Text(f"{'few runs' if len(runs) < _FEW else 'measured'}: {plural(len(runs), 'run')}"), sources),
    )


def business(facts: Facts) -> tuple[Block, ...]:
    """What it is good for."""
    names = ("ROI Measurement", "User Adoption", "Performance Improvement", "Cost Savings")
    return (facts.points("metrics", *names),)


def lessons(facts: Facts) -> tuple[Block, ...]:
    """What came to light."""
    head = ("Category", "Lesson", "Impact", "Action Item", "Owner")
    rows = (
        (
            origin.text(one.opened.category, "category"),
            origin.text(one.opened.title, "title"),
            origin.text(one.opened.severity, "severity"),
            origin.text(_action(facts, one), "due"),
            origin.text(one.opened.owner, f"runbook finding, {name}: owner"),
        )
        for name, one in facts.findings.items()
        if one.opened.category != "improvement"
        for origin in [found(name, one)]
    )
    return (facts.table("review", "Lessons Learned", head, rows),)


def _action(facts: Facts, one: Finding) -> str:
    if one.closed is not None:
        return f"closed: {one.closed.reason}"
    due = f", due {one.opened.due}" if one.opened.due else ""
    return f"{one.state(facts.now.date())}{due}"


def found(name: str, one: Finding) -> Origin:
    """The origin of a finding."""
    where = f"finding {name} of run {one.opened.run}" if one.opened.run else f"finding {name}"
    return Origin("runbook finding add", Source(where, one.opened.at[:10]))


def improvements(facts: Facts) -> tuple[Block, ...]:
    """What could be better."""
    rows = tuple(
        (name, found(name, one).text(one.opened.title, "title"))
        for name, one in facts.findings.items()
        if one.closed is None and one.opened.category == "improvement"
    )
    return (Bullets(rows, gap=Unstated("runbook finding add", "--category improvement")),)


def roadmap(facts: Facts) -> tuple[Block, ...]:
    """What is promised for a day that comes."""
    today = facts.now.date().isoformat()
    rows = tuple(
        (f"{name}", found(name, one).many((one.opened.title, one.opened.owner, f"due {one.opened.due}"), "due"))
        for name, one in sorted(facts.findings.items(), key=lambda each: each[1].opened.due)
        if one.closed is None and one.opened.due >= today
    )
    return (Bullets(rows, is_numbered=True, gap=Unstated("runbook finding add", "--due")),)
