"""The document: its headings in their order, and which builder fills each. What is not here is in no handbook."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Literal

from runbook.handbook.chapters import continuity, deploying, operating, watching
from runbook.handbook.facts import PAGES, Facts
from runbook.handbook.model import Block, Bullets, Cell, Day, Handbook, Part, Source, Stated, Unstated
from runbook.problem import Where

Builder = Callable[[Facts], tuple[Block, ...]]


def _nothing(_: Facts) -> tuple[Block, ...]:
    return ()


LAYOUT: tuple[tuple[Literal[1, 2, 3], str, Builder], ...] = (
    (1, "Deployment Strategy Documentation", _nothing),
    (2, "Overview", deploying.overview),
    (2, "Deployment Architecture", _nothing),
    (3, "Deployment Overview", deploying.environments_at_a_glance),
    (3, "Environment Configuration", deploying.environments),
    (3, "Deployment Components", deploying.components),
    (2, "Deployment Strategy", _nothing),
    (3, "Deployment Approach", deploying.approach),
    (3, "Deployment Phases", deploying.phases),
    (3, "Deployment Pipeline", deploying.pipeline),
    (2, "Infrastructure Requirements", _nothing),
    (3, "Compute Resources", deploying.compute),
    (3, "Storage Requirements", deploying.storage),
    (3, "Network Configuration", deploying.network),
    (2, "Security Implementation", _nothing),
    (3, "Security Measures", deploying.measures),
    (3, "Access Control", deploying.access),
    (3, "Compliance & Governance", deploying.compliance),
    (2, "Monitoring & Observability", _nothing),
    (3, "Monitoring Stack", watching.stack),
    (3, "Key Performance Indicators", watching.kpis),
    (3, "Logging Strategy", watching.logging),
    (3, "Alerting Rules", watching.alerts),
    (2, "Performance & Scalability", _nothing),
    (3, "Performance Requirements", watching.requirements),
    (3, "Scaling Strategy", watching.scaling),
    (3, "Resource Optimization", watching.resources),
    (2, "Data Management", _nothing),
    (3, "Data Pipeline Deployment", watching.pipelines),
    (3, "Data Quality Monitoring", watching.quality),
    (3, "Backup & Recovery", watching.backups),
    (2, "Model Deployment", _nothing),
    (3, "Model Serving Architecture", watching.serving),
    (3, "Model Deployment Configuration", watching.models),
    (3, "Model Performance Monitoring", watching.model_metrics),
    (2, "Testing Strategy", _nothing),
    (3, "Testing Phases", operating.tests),
    (3, "User Acceptance Testing", operating.acceptance),
    (3, "Load Testing", operating.load),
    (2, "Release Management", _nothing),
    (3, "Release Process", operating.process),
    (3, "Release Checklist", operating.checklist),
    (3, "Rollback Procedures", operating.rollback),
    (2, "Operational Procedures", _nothing),
    (3, "Daily Operations", operating.daily),
    (3, "Incident Response", operating.incidents),
    (3, "Change Management", operating.changes),
    (2, "Maintenance & Support", _nothing),
    (3, "Maintenance Schedule", operating.maintenance),
    (3, "Support Model", operating.support),
    (3, "Performance Optimization", operating.optimizations),
    (2, "Cost Management", _nothing),
    (3, "Cost Breakdown", operating.costs),
    (3, "Cost Optimization", operating.savings),
    (2, "Business Continuity", _nothing),
    (3, "Disaster Recovery Plan", continuity.recovery),
    (3, "High Availability", continuity.availability),
    (3, "Business Impact Analysis", continuity.impact),
    (2, "Documentation & Training", _nothing),
    (3, "Documentation Requirements", continuity.documents),
    (3, "Team Training", continuity.training),
    (3, "User Documentation", continuity.guides),
    (2, "Success Metrics & KPIs", _nothing),
    (3, "Deployment Success Metrics", continuity.success),
    (3, "Business Impact Tracking", continuity.business),
    (2, "Post-Deployment Review", _nothing),
    (3, "Lessons Learned", continuity.lessons),
    (3, "Improvement Opportunities", continuity.improvements),
    (3, "Future Roadmap", continuity.roadmap),
)


def handbook(facts: Facts) -> Handbook:
    """The whole document."""
    parts = tuple(Part(title=title, level=level, blocks=build(facts)) for level, title, build in LAYOUT)
    return Handbook(parts=parts, closing=_closing(facts), digest=facts.digest)


def _closing(facts: Facts) -> Bullets:
    rows = (
        ("Deployment Manager", facts.by_hand("overview", "Deployment Manager")),
        ("Operations Lead", facts.by_hand("overview", "Operations Lead")),
        ("Last Updated", _updated(facts)),
        ("Next Review", _review(facts)),
    )
    return Bullets(rows)


def _updated(facts: Facts) -> Cell:
    """The day of the newest source."""
    days = [(day, Source(file, day)) for file, day in facts.days.items()]
    days += [(run.started[:10], facts.run(run.run, run.started).source) for run in facts.runs]
    if not days:
        return Unstated("inventories/NAME/environment.yaml", "name")
    day, source = max(days, key=lambda one: one[0])
    return Stated(Day(day), (source,))


def _review(facts: Facts) -> Cell:
    """The day on which the first page has to be looked at again."""
    days = [(day, page.slug) for page in facts.pages.values() if (day := page.next_review())]
    if not days:
        return Unstated(f"{PAGES}/overview.md", "review_every")
    day, slug = min(days)
    return facts.of(Where(f"{PAGES}/{slug}.md")).day(str(day), "review_every")


def overdue_pages(facts: Facts) -> list[tuple[str, date]]:
    """The pages that should have been looked at again, and since when."""
    today = facts.now.date()
    days = ((page.slug, page.next_review()) for page in facts.pages.values())
    return [(slug, day) for slug, day in days if day is not None and day < today]
