"""`runbook handbook`: written from a workspace, and held against it later."""

from __future__ import annotations

import json

from tests.cli.desk import Desk, book
from tests.cli.test_register import SERVICE


def test_what_a_run_measured_stands_in_the_handbook_with_the_run(desk: Desk) -> None:
    desk.write("inventories/services/orders.yaml", SERVICE)
    desk.write("drills/look.yaml", book(head="service: orders\nschedule: {every: 90d}\n"))
    assert desk.ask("run", "look", "--auto").status == 0
    said = desk.ask("handbook")
    assert (said.status, said.err) == (0, "")
    (row,) = [line for line in said.out.splitlines() if line.startswith("| orders / slow | verified;")]
    assert "run 20" in row
    assert "orders / slow: rehearsed by" in said.out


def test_it_is_older_than_its_sources_once_one_of_them_has_changed(desk: Desk) -> None:
    for name in ("book.md", "book.html", "book.json"):
        assert desk.ask("handbook", "-o", name).status == 0
        assert desk.ask("handbook", "--check", "-o", name).status == 0
    assert json.loads((desk.root / "book.json").read_text())["parts"][0]["title"] == "Deployment Strategy Documentation"
    desk.write("inventories/services/orders.yaml", SERVICE)
    said = desk.ask("handbook", "--check", "-o", "book.html")
    assert (said.status, said.out) == (1, "")
    assert "book.html is older than its sources: runbook handbook -o book.html" in said.err


def test_a_page_that_nobody_looked_at_again_is_told_by_the_check(desk: Desk) -> None:
    desk.write("handbook/overview.md", "---\nreviewed: 2020-01-01\nreview_every: 90d\n---\n## Overview\nOurs.\n")
    assert desk.ask("handbook", "-o", "book.md").status == 0
    assert "## Overview\n\nOurs. (handbook/overview.md:5 " in (desk.root / "book.md").read_text()
    said = desk.ask("handbook", "--check", "-o", "book.md")
    assert said.status == 1
    assert "handbook/overview.md should have been looked at again by 2020-03-31" in said.err


def test_a_check_needs_a_file_and_a_file_a_format(desk: Desk) -> None:
    assert "runbook handbook --check -o FILE" in desk.ask("handbook", "--check").err
    assert "cannot be read" in desk.ask("handbook", "--check", "-o", "none.md").err
    assert 'no handbook is written as "pdf"' in desk.ask("handbook", "-o", "book.pdf").err
