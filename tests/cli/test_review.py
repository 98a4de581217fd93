"""`runbook review`: what to look at after a run, from its record and the findings that came to light in it."""

from __future__ import annotations

import json

from tests.cli.desk import Desk, book

BROKEN = "{name: Break, command: 'false', on: localhost, durable: false, timeout: 10s, changes: false}"


def test_a_run_that_failed_is_reviewed_with_what_to_ask_and_what_was_found(desk: Desk) -> None:
    desk.write("drills/look.yaml", book(steps=f"[{BROKEN}]"))
    assert desk.ask("run", "look", "--auto").status == 1
    run = json.loads(desk.ask("runs", "--json").out)[0]["id"]
    desk.ask("finding", "add", "It was broken", "--run", run, "--owner", "ada", "--due", "2030-01-01")
    desk.ask("finding", "add", "Something else")
    page = desk.ask("review").out
    assert [line for line in page.splitlines() if line.startswith("#")] == [
        "# Review: Look",
        "## How it came out",
        "## What did not go as planned",
        "## Where the time went",
        "## What to look at",
        "## Findings",
    ]
    assert "- run **failed**, steady state **inconclusive**" in page
    assert "- Why did 1.1 Break fail, and would it fail again?" in page
    assert "- What would have let the run go on to its end?" in page
    assert "It was broken (medium, ada; open, due 2030-01-01)" in page
    assert "Something else" not in page
    assert f"--run {run}`" in page


def test_a_run_that_went_well_says_so(desk: Desk) -> None:
    assert desk.ask("run", "look", "--auto").status == 0
    page = desk.ask("review", "last").out
    assert "Everything went as planned." in page
    assert "None is written down yet." in page
