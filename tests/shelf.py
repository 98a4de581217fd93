"""The library of the stills: runbooks of every kind, runs that wait, go on and went wrong. For the screen's lists."""

from __future__ import annotations

from datetime import UTC, datetime

from runbook.view.story.waiting import Waiting
from runbook.workspace.rows import BookRow, CheckRow, ProofRow, RunRow
from tests.payments import MIRA
from tests.tui.fakes import FakeWorkspace, book, run_row

NOW_WALL = datetime(2026, 11, 27, 3, 16, 12, tzinfo=UTC).timestamp()
_DAY = 86400.0
_BOOKS = (
    ("search-evacuate", "search", "drill", 2, 41, 3600, "search", 180),
    ("ledger-restore", "ledger", "restore", 1, 22, 1800, "dba-team", 90),
    ("auth-failover", "auth", "failover", 1, 17, 600, "identity", 90),
    ("dns-switch", "dns", "failover", 1, 9, 300, "netops", 90),
    ("orders-failover", "orders", "failover", 1, 28, 60, "dba-team", 90),
    ("payments-failback", "payments", "drill", 1, 14, 1800, "dba-team", 90),
    ("mail-restore", "mail", "restore", 3, 11, 14400, "office", 180),
    ("payments-failover", "payments", "drill", 1, 28, 1800, "dba-team", 90),
    ("fleet-restart", "web", "operation", 2, 6, None, "web-oncall", 0),
    ("orders-restore", "orders", "restore", 1, 19, 3600, "dba-team", 90),
    ("daily-health", "orders", "operation", 3, 5, None, "dba-team", 0),
    ("orders-snapshot", "orders", "operation", 3, 5, None, "dba-team", 0),
    ("release-rollback", "orders", "rollback", 2, 8, 900, "dba-team", 90),
    ("edge-rebuild", "edge", "drill", 2, 33, 7200, "netops", 90),
    ("vault-unseal", "vault", "incident", 1, 7, 900, "identity", 90),
    ("cache-flush", "web", "operation", 3, 3, None, "web-oncall", 0),
)
_RUNS = (
    ("20260730T100000Z-ledger-restore-aa01", "ledger-restore", "restore", "jon", "completed", "missed", 1864.0, 1800.0),
    ("20260430T100000Z-ledger-restore-aa02", "ledger-restore", "restore", "jon", "completed", "met", 1500.0, 1800.0),
    ("20260820T100000Z-auth-failover-1b7e", "auth-failover", "failover", "ana", "completed", "met", 252.0, 600.0),
    ("20260520T100000Z-auth-failover-1b7f", "auth-failover", "failover", "ana", "completed", "met", 320.0, 600.0),
    ("20260901T100000Z-dns-switch-0001", "dns-switch", "failover", "lee", "completed", "met", 118.0, 300.0),
    ("20260902T100000Z-orders-failover-0002", "orders-failover", "failover", "jon", "completed", "missed", 62.0, 60.0),
    ("20260828T020000Z-payments-failover-b7d2", "payments-failover", "drill", "mira", "completed", "met", 1450.0, 1800.0),
    ("20260529T020000Z-payments-failover-77ab", "payments-failover", "drill", "mira", "completed", "met", 1655.0, 1800.0),
    ("20260227T020000Z-payments-failover-0c1d", "payments-failover", "drill", "mira", "completed", "met", 1610.0, 1800.0),
    ("20251128T020000Z-payments-failover-9f3e", "payments-failover", "drill", "mira", "completed", "met", 1720.0, 1800.0),
    ("20261112T100000Z-release-rollback-0003", "release-rollback", "rollback", "jon", "completed", "not_measured", None, 900.0),
    ("20261030T140000Z-edge-rebuild-90d3", "edge-rebuild", "drill", "lee", "failed", "not_measured", None, 7200.0),
    ("20261127T010000Z-daily-health-0004", "daily-health", "operation", "jon", "completed", "", None, None),
    ("20261102T100000Z-orders-restore-77aa", "orders-restore", "restore", "jon", "completed", "met", 1360.0, 3600.0),
    ("20261019T230000Z-vault-unseal-0c4d", "vault-unseal", "incident", "ana", "completed", "met", 380.0, 900.0),
)  # fmt: skip


def _started(run: str) -> str:
    return f"{run[:4]}-{run[4:6]}-{run[6:8]}T{run[9:11]}:{run[11:13]}:{run[13:15]}Z"


def _ended(one: tuple) -> RunRow:
    run, name, kind, operator, verdict, objective, rta, promised = one
    worst = "failed" if verdict == "failed" else objective or verdict
    return run_row(
        run,
        runbook=name,
        kind=kind,
        started=_started(run),
        operator=operator,
        verdict=verdict,
        worst=worst,
        objective=objective,
        rta=rta,
        promised=promised,
        environment="production",
        colour="red",
    )


def live_rows() -> tuple[RunRow, ...]:
    """One that waits for you, one that waits for somebody else, one that goes on."""
    gate = Waiting(
        what="gate 5.1 Open payments, 1 answer given",
        since="2026-11-27T03:14:51+00:00",
        names=("mira", "kim"),
        step=19,
        steps=28,
        limit="2026-11-27T03:25:25+00:00",
        faults=("partition on db-a1",),
    )
    decide = Waiting(
        what="decide 2.2, 4 of 40 hosts failed", since="2026-11-27T02:58:05+00:00", names=("lee",), step=3, steps=6
    )
    goes = Waiting(step=3, steps=5)
    shared = {"verdict": "live", "worst": "live", "live": True, "objective": "", "rta": None}
    return (
        run_row("20261127T024710Z-payments-failover-4ca6", runbook="payments-failover", kind="drill", started="2026-11-27T02:47:10Z", operator="jon", environment="production", colour="red", promised=1800.0, faults_live=1, waiting=gate, **shared),
        run_row("20261127T025000Z-fleet-restart-e1f0", runbook="fleet-restart", kind="operation", started="2026-11-27T02:50:00Z", operator="lee", environment="stage", colour="blue", waiting=decide, **shared),
        run_row("20261127T031528Z-orders-snapshot-77c1", runbook="orders-snapshot", kind="operation", started="2026-11-27T03:15:28Z", operator="jon", environment="lab", colour="green", waiting=goes, **shared),
    )  # fmt: skip


def run_rows() -> tuple[RunRow, ...]:
    """All records, the newest first."""
    ended = [_ended(one) for one in _RUNS]
    return tuple(sorted((*live_rows(), *ended), key=lambda run: run.started, reverse=True))


def book_rows() -> tuple[BookRow, ...]:
    """The runbooks, with the newest of their runs."""
    newest: dict[str, RunRow] = {}
    for run in reversed(run_rows()):
        newest[run.runbook] = run
    return tuple(
        book(
            name, title="Move payments from site A to site B: fence, promote, restart, open, prove." if name == "payments-failover" else f"What {name} is for.",
            kind=kind, service=service, owner=owner, tags=(f"tier-{tier}",), steps=steps, promised=float(rto) if rto else None, every=every * _DAY,
            last_run=newest[name].started if name in newest else "", last_verdict=newest[name].verdict if name in newest else "",
            last_worst=newest[name].worst if name in newest else "", description="",
        )
        for name, service, kind, tier, steps, rto, owner, every in _BOOKS
    )  # fmt: skip


def shelf() -> FakeWorkspace:
    """The workspace, as mira sees it."""
    workspace = FakeWorkspace(books=book_rows(), runs=run_rows())
    workspace.whoami = lambda: MIRA
    workspace.proofs = {
        "20261030T140000Z-edge-rebuild-90d3": ProofRow(
            run="20261030T140000Z-edge-rebuild-90d3",
            grade="ALTERED",
            lines=18204,
            first_bad=4211,
            head="e07a91c4" * 8,
            checks=(
                CheckRow(
                    name="chain",
                    state="altered",
                    detail="line 4211 does not fit its sum: it was changed after it was written",
                    line=4211,
                ),
                CheckRow(name="plan", state="ok", detail="the plan in line 0 has the digest that was confirmed"),
                CheckRow(name="output", state="newer", detail="988 chunks hold, 3,132 are named after the bad line"),
            ),
        ),
        "20260820T100000Z-auth-failover-1b7e": ProofRow(
            run="20260820T100000Z-auth-failover-1b7e",
            grade="INCOMPLETE",
            lines=9118,
            checks=(CheckRow(name="ending", state="missing", detail="the run did not end"),),
        ),
    }
    return workspace
