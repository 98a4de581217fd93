"""`runbook stats`: from records to figures, for people and for machines."""

from __future__ import annotations

import json

from tests.cli.desk import Desk, book


def test_a_run_on_record_is_counted_for_people_and_for_machines(desk: Desk) -> None:
    desk.write("drills/look.yaml", book(head="service: orders\n").replace("kind: operation", "kind: release"))
    assert desk.ask("run", "look", "--auto").status == 0
    assert "orders in here\n  releases      1 in 28 days  [   @] by week\n" in desk.ask("stats", "--days", "28").out
    (found,) = json.loads(desk.ask("stats", "--json").out)["figures"]
    assert (found["service"], found["failed"]) == ("orders", {"part": 0, "whole": 1})
    assert desk.ask("stats", "--prometheus", "out.prom").status == 0
    written = desk.root / "out.prom"
    assert 'runbook_releases{service="orders",environment="here"} 1\n' in written.read_text()
    assert written.stat().st_mode & 0o044 == 0o044


def test_without_a_run_it_is_said_that_there_is_nothing_to_count(desk: Desk) -> None:
    said = desk.ask("stats")
    assert (said.status, said.out) == (0, "")
    assert "No run ended in that time" in said.err
