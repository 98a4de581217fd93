"""`runbook due`: from schedules in runbooks and records of real runs to tables, files, a calendar and an exit status."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from runbook.cli.text.due import comma_separated
from runbook.core.written.runbook import Runbook
from runbook.schedule.agenda import Item
from runbook.schedule.row import row_of
from tests.cli.desk import Desk, book
from tests.schedule.duties import BOOK, at, nightly

YEARLY = "schedule: {every: 365d}\nservice: orders\n"


def later(days: int) -> str:
    """A moment from now, as it is typed."""
    return f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%dT%H:%M}Z"


def rows(desk: Desk, *words: str) -> list[dict]:
    return json.loads(desk.ask("due", "--format", "json", *words).out)


def test_a_run_that_went_well_puts_the_next_date_a_period_away(desk: Desk) -> None:
    desk.write("drills/look.yaml", book(head=YEARLY))
    assert [(row["runbook"], row["state"], row["service"]) for row in rows(desk)] == [("look", "never", "orders")]
    assert desk.ask("run", "look", "--auto").status == 0
    [row] = rows(desk)
    assert (row["state"], row["environment"], row["because"][:10]) == ("in date", "here", "for 365 da")
    assert row["last_run"] == json.loads(desk.ask("runs", "--json").out)[0]["id"]
    assert [one["state"] for one in rows(desk, "--at", later(380))] == ["overdue"]


def test_check_ends_with_a_status_that_monitoring_understands(desk: Desk) -> None:
    desk.write("drills/look.yaml", book(head=YEARLY))
    assert desk.ask("run", "look", "--auto").status == 0
    assert desk.ask("due", "--check").status == 0
    assert desk.ask("due", "--check", "--at", later(380)).status == 1
    assert desk.ask("due", "--check", "--at", later(380), "--service", "payments").status == 0


def test_a_runbook_that_changed_since_its_last_run_is_no_evidence_any_more(desk: Desk) -> None:
    desk.write("drills/look.yaml", book(head=YEARLY))
    assert desk.ask("run", "look", "--auto").status == 0
    desk.write("drills/look.yaml", book(head=f"{YEARLY}# another\n"))
    [row] = rows(desk)
    assert (row["state"], row["by_date"], row["because"]) == (
        "invalid",
        "in date",
        "the runbook changed since the last run",
    )


def test_explain_holds_every_clause_against_the_run(desk: Desk) -> None:
    desk.write("drills/look.yaml", book(head=YEARLY))
    assert desk.ask("run", "look", "--auto").status == 0
    said = desk.ask("due", "--explain", "look").out
    assert said.startswith("look in here (schedule): in date, for 365 days\n")
    assert "    is about it: yes\n      yes of look\n      yes in here\n      yes whole, on every host\n" in said
    assert "      yes every verdict is green\n" in said
    assert "      yes the inventory is as it was\n" in said
    assert "  begun by   runbook run look -i here\n" in said


def test_explain_says_what_a_schedule_looks_like_where_there_is_none(desk: Desk) -> None:
    desk.write("drills/look.yaml", book())
    said = desk.ask("due", "--explain", "look")
    assert said.status == 2
    assert "A runbook says when with: schedule: {every: 90d}" in said.err


def test_a_part_of_it_is_explained_as_a_part(desk: Desk) -> None:
    desk.write("drills/look.yaml", book(head=YEARLY))
    assert desk.ask("run", "look", "--auto", "-l", "localhost").status == 0
    assert "      no  whole, on every host: only localhost\n" in desk.ask("due", "--explain", "look").out
    assert [row["state"] for row in rows(desk)] == ["never"]


def test_every_format_has_every_duty(desk: Desk) -> None:
    head = 'schedule:\n  - {name: nightly, cron: "0 2 * * *", attended: false}\n  - {name: yearly, every: 365d}\n'
    desk.write("drills/look.yaml", book(head=head))
    table = list(csv.DictReader(io.StringIO(desk.ask("due", "--format", "csv").out)))
    assert [(row["schedule"], row["attended"]) for row in table] == [("nightly", "false"), ("yearly", "true")]
    assert [line.split("|")[4].strip() for line in desk.ask("due", "--format", "md").out.splitlines()[2:]] == [
        "look (nightly)",
        "look (yearly)",
    ]
    assert desk.ask("due").out.splitlines()[0].split()[:4] == ["state", "service", "tier", "runbook"]
    assert "UID:look.here.nightly@" in desk.ask("due", "--format", "ics").out


def test_a_table_for_programs_drives_no_terminal_either() -> None:
    """What is no terminal is spared the sequences by click; a terminal is not."""
    title = Runbook(version=1, kind="drill", name=BOOK, title="Fail\x1b[2J over", sections=())
    row = row_of(Item(book=title, duty=nightly(), inventory="lab", now=at("2026-10-20T12:00")))
    assert "\x1b" not in comma_separated([row])


def test_what_cannot_be_read_is_told_beside_what_can(desk: Desk) -> None:
    desk.write("drills/look.yaml", book(head=YEARLY))
    desk.write("drills/lost.yaml", book(name="lost", head="schedule: {every: 1d, inventory: nowhere}\n"))
    said = desk.ask("due", "--check")
    assert "look" in said.out
    assert "nowhere" in said.err
    assert said.status == 2


@pytest.mark.parametrize(
    ("schedule", "code"),
    [
        ('{cron: "0 0 30 2 *"}', "bad-cron"),
        ('{cron: "0 2 * * *", zone: Mars/Base}', "unknown-zone"),
        ('{cron: "0 2 * * *", window: "sometimes", attended: false}', "bad-window"),
        ("{every: 1d, run_late: within 2x, attended: false}", "bad-duration"),
        ("{every: 1d, run_late: sometimes, attended: false}", "bad-value"),
        ("{every: 1d, jitter: 5m}", "bad-value"),
        ('{every: 1d, cron: "0 2 * * *"}', "bad-value"),
        ("[{every: 1d}, {every: 2d}]", "duplicate-name"),
    ],
)
def test_a_schedule_that_means_nothing_is_one_problem_with_its_place(desk: Desk, schedule: str, code: str) -> None:
    desk.write("drills/look.yaml", book(head=f"schedule: {schedule}\n"))
    found = json.loads(desk.ask("check", "look", "--format", "json").out)
    assert {one["code"] for one in found} == {code}
    assert all(one["fix"] for one in found)


def test_a_moment_that_is_none_is_refused_in_words(desk: Desk) -> None:
    said = desk.ask("due", "--at", "christmas")
    assert said.status == 2
    assert '"christmas" is no moment' in said.err


def test_why_a_moment_went_by_is_what_the_scheduler_wrote_down(desk: Desk) -> None:
    head = 'schedule: {cron: "0 2 * * *", attended: false}\n'
    desk.write("drills/look.yaml", book(head=head).replace("reviewed: 2999-01-01", "reviewed: 2026-01-01"))
    entry = {"did": "missed", "at": "2026-03-01T03:00:00Z", "duty": "look.here.schedule", "count": 1, "why": "overlap"}
    line = json.dumps({**entry, "first": "2026-03-01T02:00:00Z", "last": "2026-03-01T02:00:00Z"})
    desk.write("recordings/.schedule/ledger.jsonl", f"{line}\n")
    [row] = rows(desk, "--at", "2026-03-01T03:00Z")
    assert (row["state"], row["because"]) == (
        "missed",
        "it could have begun until Sun 1 Mar 2026 02:01 UTC (missed: overlap)",
    )
