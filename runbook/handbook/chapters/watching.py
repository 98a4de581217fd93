"""What is watched, how fast it is, which data it keeps and which models it serves. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.core.written.runbook import Runbook
from runbook.core.written.service import Service
from runbook.handbook.chapters import wording
from runbook.handbook.facts import Facts, first_words
from runbook.handbook.model import Block, Cell, Length, Prose, Unstated
from runbook.view.words import plural

_REQUIREMENTS = "Performance Requirements"


def stack(facts: Facts) -> tuple[Block, ...]:
    """What runs ask while they go on; what else watches is written by hand."""
    head = ("Component", "Tool", "Metrics Collected", "Alerting", "Dashboard")
    rows = (row for book in facts.books for row in _probes(facts, book))
    return (facts.table("monitoring", "Monitoring Stack", head, rows),)


def _probes(facts: Facts, book: Runbook) -> Iterator[tuple[Cell, ...]]:
    rules = {rule.probe: rule.failed for rule in book.abort_when}
    for probe in book.steady_state:
        origin, name = facts.of(probe.where), f"{book.service or book.name} / {probe.name}"
        failed = rules.get(probe.name)
        yield (
            origin.text(name, "steady_state → name"),
            origin.text(f"runbook {book.name}", "name"),
            origin.text(wording.asked(probe), "steady_state"),
            origin.text(f"the run stops after {plural(failed, 'failure')} in a row" if failed else "", "abort_when"),
            facts.cell("monitoring", "Monitoring Stack", name, "Dashboard"),
        )


def kpis(facts: Facts) -> tuple[Block, ...]:
    """By which figures services are judged."""
    head = ("KPI", "Definition", "Target", "Measurement", "Alert Threshold")
    rows = (row for service in facts.services for row in _kpis(facts, service))
    return (facts.table("monitoring", "Key Performance Indicators", head, rows),)


def _kpis(facts: Facts, service: Service) -> Iterator[tuple[Cell, ...]]:
    origin = facts.of(service.at("kpis"))
    for one in service.kpis:
        key = f"kpis → {one.name}"
        yield (
            origin.text(f"{service.name} / {one.name}", key),
            origin.text(one.description, f"{key} → description"),
            origin.text(wording.target(one), f"{key} → target"),
            origin.text(wording.asked(one.probe) if one.probe else "", f"{key} → probe"),
            origin.text(wording.threshold(one), f"{key} → alert"),
        )


def logging(facts: Facts) -> tuple[Block, ...]:
    """What is logged where."""
    return (Prose(facts.by_hand("monitoring", "Logging Strategy")),)


def alerts(facts: Facts) -> tuple[Block, ...]:
    """Who is told of what."""
    head = ("Alert", "Condition", "Severity", "Notification", "Escalation")
    rows = (row for service in facts.services for row in _alerts(facts, service))
    return (facts.table("monitoring", "Alerting Rules", head, rows),)


def _alerts(facts: Facts, service: Service) -> Iterator[tuple[Cell, ...]]:
    origin, told = facts.of(service.at("kpis")), facts.of(service.at("escalation"))
    for one in service.kpis:
        if one.alert is not None:
            yield (
                origin.text(f"{service.name} / {one.name}", "kpis"),
                origin.text(wording.threshold(one), "kpis → alert"),
                facts.of(service.at("tier")).text(f"tier {service.tier}", "tier"),
                told.many(wording.called(service.escalation)[:1], "escalation → rules"),
                told.many(wording.called(service.escalation, 1), "escalation → rules"),
            )


def requirements(facts: Facts) -> tuple[Block, ...]:
    """What was promised, beside what was measured last."""
    head = ("Metric", "Target", "Current", "Bottleneck", "Optimization Plan")
    return (facts.table("performance", _REQUIREMENTS, head, _requirements(facts)),)


def _requirements(facts: Facts) -> Iterator[tuple[Cell, ...]]:
    """Figures of services, and the recovery time of each scenario beside what its last rehearsal took."""
    for service in facts.services:
        origin = facts.of(service.at("kpis"))
        for one in service.kpis:
            name = origin.text(f"{service.name} / {one.name}", "kpis")
            current = facts.cell("performance", _REQUIREMENTS, first_words(name), "Current")
            yield _metric(facts, name, origin.text(wording.target(one), "kpis → target"), current)
        promised = facts.of(service.at("objectives"))
        for entry in (one for one in facts.entries if one.service == service.name):
            name = promised.text(f"{entry.service} / {entry.scenario}: time to recover", "scenarios")
            current = measured(facts, entry.last_run, entry.last_good, entry.rta.last)
            yield _metric(facts, name, promised.length(entry.rto, "objectives → rto"), current)


def _metric(facts: Facts, name: Cell, promised: Cell, current: Cell) -> tuple[Cell, ...]:
    columns = ("Bottleneck", "Optimization Plan")
    by_hand = (facts.cell("performance", _REQUIREMENTS, first_words(name), column) for column in columns)
    return (name, promised, current, *by_hand)


def measured(facts: Facts, run: str, day: str, seconds: float | None) -> Cell:
    """What a run measured; a gap where none has."""
    if not run or seconds is None:
        return Unstated("recordings/", "a run that measures it and that holds")
    return facts.run(run, day).stated(Length(seconds, is_measured=True))


def scaling(facts: Facts) -> tuple[Block, ...]:
    """How it grows."""
    names = ("Auto-Scaling Rules", "Load Testing", "Capacity Planning", "Performance Optimization")
    return (facts.points("performance", *names),)


def resources(facts: Facts) -> tuple[Block, ...]:
    """What could be smaller."""
    head = ("Resource", "Current Usage", "Optimization", "Expected Savings", "Status")
    return (facts.table("performance", "Resource Optimization", head),)


def pipelines(facts: Facts) -> tuple[Block, ...]:
    """What is done with data again and again: scheduled operations with the tag `pipeline`."""
    head = ("Pipeline", "Technology", "Schedule", "Dependencies", "Status")
    rows = (
        (
            origin.text(item.book.name, "name"),
            facts.cell("data", "Data Pipeline Deployment", item.book.name, "Technology"),
            origin.many(map(wording.often, item.book.schedules), "schedule"),
            origin.text(item.book.service, "service"),
            origin.text(item.standing.state, "schedule"),
        )
        for item in facts.items
        if "pipeline" in item.book.tags
        for origin in [facts.of(item.book.at("schedule"))]
    )
    return (facts.table("data", "Data Pipeline Deployment", head, rows),)


def quality(facts: Facts) -> tuple[Block, ...]:
    """Whether data is what it should be."""
    return (facts.points("data", "Quality Checks", "Data Validation", "Error Handling", "Data Lineage"),)


def backups(facts: Facts) -> tuple[Block, ...]:
    """What is kept twice, and how long it took to bring it back the last time."""
    head = ("Data Type", "Backup Frequency", "Storage Location", "Recovery Time", "Testing Schedule")
    rows = (row for service in facts.services for row in _backups(facts, service))
    return (facts.table("data", "Backup & Recovery", head, rows),)


def _backups(facts: Facts, service: Service) -> Iterator[tuple[Cell, ...]]:
    origin = facts.of(service.at("data"))
    for one in service.data:
        key, kept = f"data → {one.name}", one.backup
        last = next((run for run in facts.runs if run.runbook == one.restore and run.recovery is not None), None)
        took = measured(facts, last.run, last.started, last.recovery) if last else measured(facts, "", "", None)
        yield (
            origin.text(f"{service.name} / {one.name}", key),
            origin.text(wording.every(kept.every) if kept else "", f"{key} → backup → every"),
            origin.text(kept.location if kept else "", f"{key} → backup → location"),
            took if one.restore else Unstated(origin.file, f"{key} → restore"),
            _rehearsed(facts, one.restore, Unstated(origin.file, f"{key} → restore")),
        )


def _rehearsed(facts: Facts, name: str, gap: Unstated) -> Cell:
    book = next((one for one in facts.books if one.name == name), None)
    if book is None:
        return gap
    return facts.of(book.at("schedule")).many(map(wording.often, book.schedules), "schedule")


def serving(facts: Facts) -> tuple[Block, ...]:
    """The way of a model to those who ask it."""
    return (Prose(facts.by_hand("models", "Model Serving Architecture")),)


def models(facts: Facts) -> tuple[Block, ...]:
    """Which versions answer."""
    head = ("Model Version", "Endpoint", "Traffic Split", "Performance", "Status")
    return (facts.table("models", "Model Deployment Configuration", head),)


def model_metrics(facts: Facts) -> tuple[Block, ...]:
    """How well they answer."""
    head = ("Metric", "Target", "Current", "Alert Threshold", "Action")
    return (facts.table("models", "Model Performance Monitoring", head),)
