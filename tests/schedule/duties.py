"""Duties and runs with sane defaults, so that a test says only what it is about."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from msgspec.structs import replace

from runbook.calendar.cron import read_cron
from runbook.calendar.hours import Hours
from runbook.calendar.window import read_freeze, read_window
from runbook.record.proof import Proof
from runbook.record.summary import RunSummary
from runbook.schedule.duty import Duty, Fingerprint

BOOK = "orders-failover"
TODAY = Fingerprint(runbook="b1", inventory=frozenset({"i1"}), version="1.2.3")


def at(text: str) -> datetime:
    """An instant; UTC where no offset is said."""
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def quarterly(**given: object) -> Duty:
    """Every ninety days, by a person."""
    fields = {"runbook": BOOK, "environment": "lab", "every": timedelta(days=90), "now": TODAY, **given}
    return Duty(**fields)


def nightly(expression: str = "0 2 * * *", zone: str = "", **given: object) -> Duty:
    """At two every night, by the scheduler, an hour late at most."""
    fields = {"every": None, "cron": read_cron(expression, zone), "attended": False, "late": timedelta(hours=1)}
    return quarterly(**{**fields, **given})


def hours(*windows: str, freeze: tuple[str, ...] = ()) -> Hours:
    """When a place is open."""
    return Hours(windows=tuple(map(read_window, windows)), freezes=tuple(map(read_freeze, freeze)))


def ran(started: str, *, took: timedelta = timedelta(minutes=10), **proof: object) -> RunSummary:
    """A run that went well in the lab, and rested on what is there today."""
    begin = at(started)
    fields = {
        "environment": "lab",
        "inventory": "lab",
        "has_ended": True,
        "ended": f"{begin + took:%Y-%m-%dT%H:%M:%SZ}",
        "run": "completed",
        "steady_state": "met",
        "objectives": "met",
        "revert": "verified",
        "is_green": True,
        "source_sha256": "b1",
        "files": {"inventory-00-hosts.yaml": "i1", "inventory.json": "x"},
        "version": "1.2.0",
        **proof,
    }
    return RunSummary(
        run=f"{begin:%Y%m%dT%H%M%SZ}-{BOOK}-0001",
        runbook=BOOK,
        started=f"{begin:%Y-%m-%dT%H:%M:%SZ}",
        verdict=str(fields["run"]),
        ended=True,
        proof=Proof(**fields),
    )


def live(run: RunSummary) -> RunSummary:
    """The same while it goes on."""
    assert run.proof is not None
    return replace(run, verdict="live", live=True, ended=False, proof=replace(run.proof, has_ended=False))


SINCE = date(2026, 1, 10)
