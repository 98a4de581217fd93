"""The handbook has the sections of the document that it fills, in its order, and never a blank or a bracket."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import pairwise

import msgspec

from runbook.core.finding import Opened, findings
from runbook.core.written.service import Component, Costs, Kpi, Scenario, Service, Target
from runbook.handbook.facts import Facts
from runbook.handbook.layout import handbook, overdue_pages
from runbook.handbook.markdown import markdown
from runbook.handbook.model import Bullets, Part, Source, Stated, Table, Text, Unstated
from runbook.handbook.page import read_page
from runbook.handbook.render import made_from, render
from runbook.problem import Where
from tests.builders import ANNA

NOW = datetime(2026, 11, 28, tzinfo=UTC)
FILE = "inventories/services/orders.yaml"
ORDERS = Service(
    name="orders",
    source=FILE,
    where=Where(FILE, 1),
    components=(Component(name="db", technology="PostgreSQL"),),
    kpis=(Kpi(name="well", target=Target(min=99.9), unit="%"),),
    scenarios=(Scenario(name="fire"),),
    costs=Costs(monthly=420, reviewed="2026-11-01"),
)
HEADINGS = [
    "",
    "# Deployment Strategy Documentation",
    "## Overview",
    "## Deployment Architecture",
    "### Deployment Overview",
    "### Environment Configuration",
    "### Deployment Components",
    "## Deployment Strategy",
    "### Deployment Approach",
    "### Deployment Phases",
    "### Deployment Pipeline",
    "## Infrastructure Requirements",
    "### Compute Resources",
    "### Storage Requirements",
    "### Network Configuration",
    "## Security Implementation",
    "### Security Measures",
    "### Access Control",
    "### Compliance & Governance",
    "## Monitoring & Observability",
    "### Monitoring Stack",
    "### Key Performance Indicators",
    "### Logging Strategy",
    "### Alerting Rules",
    "## Performance & Scalability",
    "### Performance Requirements",
    "### Scaling Strategy",
    "### Resource Optimization",
    "## Data Management",
    "### Data Pipeline Deployment",
    "### Data Quality Monitoring",
    "### Backup & Recovery",
    "## Model Deployment",
    "### Model Serving Architecture",
    "### Model Deployment Configuration",
    "### Model Performance Monitoring",
    "## Testing Strategy",
    "### Testing Phases",
    "### User Acceptance Testing",
    "### Load Testing",
    "## Release Management",
    "### Release Process",
    "### Release Checklist",
    "### Rollback Procedures",
    "## Operational Procedures",
    "### Daily Operations",
    "### Incident Response",
    "### Change Management",
    "## Maintenance & Support",
    "### Maintenance Schedule",
    "### Support Model",
    "### Performance Optimization",
    "## Cost Management",
    "### Cost Breakdown",
    "### Cost Optimization",
    "## Business Continuity",
    "### Disaster Recovery Plan",
    "### High Availability",
    "### Business Impact Analysis",
    "## Documentation & Training",
    "### Documentation Requirements",
    "### Team Training",
    "### User Documentation",
    "## Success Metrics & KPIs",
    "### Deployment Success Metrics",
    "### Business Impact Tracking",
    "## Post-Deployment Review",
    "### Lessons Learned",
    "### Improvement Opportunities",
    "### Future Roadmap",
    "",
][1:-1]
"""Of the document that drill leads were given empty."""


def part(facts: Facts, title: str, level: int = 3) -> Part:
    return next(one for one in handbook(facts).parts if (one.title, one.level) == (title, level))


def first_row(facts: Facts, title: str) -> dict[str, object]:
    """The first row of a section's first table, by column: the value or the gap."""
    table = next(block for block in part(facts, title).blocks if isinstance(block, Table))
    return {
        name: cell.value if isinstance(cell, Stated) else cell
        for name, cell in zip(table.head, table.rows[0], strict=True)
    }


def test_it_has_the_headings_of_the_document_in_their_order() -> None:
    assert re.findall(r"^#+ .*$", markdown(handbook(Facts(now=NOW)), ""), re.MULTILINE) == HEADINGS


def test_an_empty_workspace_is_told_for_every_section_what_would_fill_it() -> None:
    """No bracket is left, and no section is silent."""
    written = markdown(handbook(Facts(now=NOW)), "")
    assert re.findall(r"(?<!\\)\[", written) == []
    chapters = {heading[3:] for heading, below in pairwise(HEADINGS) if below.startswith("### ")}
    for one in handbook(Facts(now=NOW)).parts[1:]:
        assert one.blocks or one.title in chapters, one.title
    assert "not stated: handbook/overview.md → Overview" in written


def test_a_cell_has_its_source_and_a_gap_names_the_key_that_would_fill_it() -> None:
    facts = Facts(now=NOW, services=(ORDERS,), days={FILE: "2026-11-27"})
    table = next(block for block in part(facts, "Deployment Components").blocks if isinstance(block, Table))
    source = (Source(f"{FILE}:1", "2026-11-27"),)
    assert table.rows == (
        (
            Stated(Text("orders / db"), source),
            Stated(Text("PostgreSQL"), source),
            Unstated(FILE, "components → db → version"),
            Unstated(FILE, "components → db → configuration"),
            Unstated(FILE, "components → db → depends_on"),
        ),
    )
    assert f"| orders / db | PostgreSQL | not stated: {FILE} → components → db → version |" in markdown(
        handbook(facts), ""
    )


def test_a_page_written_by_hand_completes_rows_and_adds_its_own() -> None:
    page = read_page(
        "costs",
        "---\nowner: ada\nreviewed: 2026-01-01\nreview_every: 90d\n---\n\n## Cost Breakdown\n\n"
        "| Component | Monthly Cost | Annual Cost | Optimization Potential | Status |\n|---|---|---|---|---|\n"
        "| orders | | | smaller disks | |\n| backup | 20 EUR | 240 EUR | none | kept |\n\n## Budget Alerts\n\nBy mail.\n",
    )
    facts = Facts(now=NOW, services=(ORDERS,), pages={"costs": page})
    assert first_row(facts, "Cost Breakdown")["Optimization Potential"] == Text("smaller disks")
    table = next(block for block in part(facts, "Cost Breakdown").blocks if isinstance(block, Table))
    assert [cell.value for cell in table.rows[1] if isinstance(cell, Stated)] == [
        Text("backup"),
        Text("20 EUR"),
        Text("240 EUR"),
        Text("none"),
        Text("kept"),
    ]
    bullets = part(facts, "Cost Optimization").blocks[0]
    assert isinstance(bullets, Bullets)
    assert bullets.rows[-1] == ("Budget Alerts", Stated(Text("By mail."), (Source("handbook/costs.md:14"),)))
    assert [slug for slug, _ in overdue_pages(facts)] == ["costs"]


def test_what_somebody_wrote_is_neither_markup_nor_an_order_to_a_terminal() -> None:
    evil = msgspec.structs.replace(ORDERS, components=(Component(name="db", technology="<b>[x](y)|\x1b[2J\u202e"),))
    written = {
        form: render(handbook(Facts(now=NOW, services=(evil,), digest="0" * 64)), form) for form in ("md", "html")
    }
    assert r"\<b\>\[x\](y)\|<U+202E>".replace("<U+202E>", r"\<U+202E\>") in written["md"]
    assert "&lt;b&gt;[x](y)|&lt;U+202E&gt;" in written["html"]
    assert all("\x1b" not in text and "\u202e" not in text for text in written.values())


def test_the_page_loads_nothing_and_its_contents_lead_to_every_chapter() -> None:
    page = render(handbook(Facts(now=NOW, services=(ORDERS,))), "html")
    assert re.findall(r"""(?:src|href)=["'](?!#)""", page) == []
    targets = re.findall(r'href="#([^"]+)"', page)
    assert len(targets) == len([heading for heading in HEADINGS if heading.startswith("## ")])
    assert [target for target in targets if f'id="{target}"' not in page] == []
    assert page.count("<svg") == 2


def test_every_format_carries_the_digest_of_its_sources() -> None:
    digest = "5a" * 32
    book = handbook(Facts(now=NOW, digest=digest))
    assert [made_from(render(book, form)) for form in ("md", "html", "json")] == [digest] * 3
    assert made_from("# Something else\n") == ""


def test_what_is_promised_for_a_day_that_comes_is_the_roadmap() -> None:
    facts = [
        Opened(finding="F-1", at="2026-11-01T00:00:00Z", by=ANNA, title="Slow", due="2026-12-24"),
        Opened(finding="F-2", at="2026-11-01T00:00:00Z", by=ANNA, title="Gone by", due="2026-11-02"),
    ]
    block = part(Facts(now=NOW, findings=findings(facts)), "Future Roadmap").blocks[0]
    assert isinstance(block, Bullets)
    assert [name for name, _ in block.rows] == ["F-1"]


def test_a_configuration_of_several_lines_stays_one() -> None:
    page = read_page("deployment", "## Deployment Pipeline\n\n```yaml\n# stages\nstages: |\n  | build\n```\n")
    book = handbook(Facts(now=NOW, pages={"deployment": page}))
    assert "handbook/deployment.md:1\n\n```text\n# stages\nstages: |\n  | build\n```" in markdown(book, "")
    assert "<pre><code># stages\nstages: |\n  | build</code></pre>" in render(book, "html")
