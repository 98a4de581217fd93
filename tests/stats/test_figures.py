"""What is counted, over which runs, and how it is said."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from runbook.record.summary import RunSummary
from runbook.register.measures import Spread
from runbook.stats.figures import Count, Figures, Recovered, figures
from runbook.stats.saying import prometheus, spark, told
from tests.schedule.duties import BOOK, at, ran

NOW = at("2026-06-29T12:00")
FOUR_WEEKS = timedelta(days=28)
NONE = Count(part=0, whole=0)


def run(started: str, kind: str, *, recovery: float | None = None, **fields: object) -> RunSummary:
    proof = {"service": "orders", "environment": "lab", "rto": 60.0, **fields.pop("proof", {})}  # type: ignore[dict-item]
    return replace(ran(started, **proof), kind=kind, recovery=recovery, **fields)


def counted(*newest_first: RunSummary) -> Figures:
    (one,) = figures(newest_first, NOW, FOUR_WEEKS)
    return one


def test_releases_are_counted_by_week_and_weeks_without_one_are_zeros() -> None:
    found = counted(
        run("2026-06-28T12:00", "release"), run("2026-06-27T12:00", "release"), run("2026-06-02T12:00", "release")
    )
    assert (found.releases, found.weekly, found.failed) == (3, (1, 0, 0, 2), Count(part=0, whole=3))


def test_a_release_went_wrong_that_failed_or_was_taken_back() -> None:
    found = counted(
        run("2026-06-28T12:00", "release", verdict="failed"),
        run("2026-06-27T12:00", "release", rollback="completed"),
        run("2026-06-26T12:00", "release", rollback="none"),
    )
    assert found.failed == Count(part=2, whole=3)


def test_what_takes_a_release_back_is_no_release() -> None:
    found = counted(
        run("2026-06-28T12:00", "release", proof={"follows": "rolls_back"}), run("2026-06-27T12:00", "release")
    )
    assert found.releases == 1


def test_recovery_is_of_drills_that_completed_and_of_what_is_known() -> None:
    found = counted(
        run("2026-06-28T12:00", "drill", recovery=40.0),
        run("2026-06-27T12:00", "drill", recovery=5.0, verdict="failed"),
        run("2026-06-26T12:00", "failover", recovery=3.0, recovery_at_least=True),
        run("2026-06-25T12:00", "restore", recovery=80.0, objective="missed"),
    )
    assert found.recovered == (
        Recovered(runbook=BOOK, spread=Spread(count=2, last=40.0, longest=80.0), newest=(80.0, 40.0), promised=60.0),
    )
    assert (found.drills, found.objectives) == (Count(part=3, whole=4), Count(part=0, whole=1))


def test_times_of_two_runbooks_are_never_compared() -> None:
    quick = run("2026-06-27T12:00", "restore", recovery=1.0, runbook="orders-restore")
    found = counted(run("2026-06-28T12:00", "failover", recovery=40.0), quick)
    assert [(one.runbook, one.newest) for one in found.recovered] == [(BOOK, (40.0,)), ("orders-restore", (1.0,))]


def test_services_and_places_are_never_summed_and_what_is_older_is_not_counted() -> None:
    found = figures(
        [
            run("2026-06-28T12:00", "release"),
            run("2026-06-27T12:00", "release", proof={"environment": "production"}),
            run("2026-05-01T12:00", "release", proof={"service": "old"}),
            run("2026-06-26T12:00", "release", ended=False, proof={"service": "live"}),
        ],
        NOW,
        FOUR_WEEKS,
    )
    assert [(one.service, one.environment, one.releases) for one in found] == [
        ("orders", "lab", 1),
        ("orders", "production", 1),
    ]


def test_a_bar_is_as_high_as_its_share_and_little_is_never_nothing() -> None:
    assert spark((0, 1, 50, 100)) == " .=@"
    assert spark((0, 0)) == "  "
    assert spark(()) == ""


FIGURES = Figures(
    service='or"ders',
    environment="lab",
    releases=3,
    weekly=(1, 0, 0, 2),
    failed=Count(part=1, whole=3),
    drills=NONE,
    objectives=NONE,
    restored=Spread(count=0),
    recovered=(
        Recovered(
            runbook=BOOK,
            spread=Spread(count=5, last=40.0, p50=50.0, longest=80.0, trend=-3.0),
            newest=(80.0, 40.0),
            promised=60.0,
        ),
    ),
)


def test_people_read_shares_with_both_numbers_and_figures_with_their_runs() -> None:
    assert list(told(FIGURES, 28)) == [
        'or"ders in lab',
        "  releases      3 in 28 days  [=  @] by week",
        "  went wrong    1 of 3 releases",
        "  drills well   0 of 0 drills",
        "  objectives    0 of 0 runs met them",
        "  time away     not measured in incidents",
        "  recovery      last 40.0 s, median 50.0 s over 5 runs, faster by 3.0 s a run, promised 1:00  [@=] orders-failover",
    ]


def test_what_is_not_known_has_no_sample_and_labels_are_quoted() -> None:
    lines = prometheus([FIGURES], NOW, 28).splitlines()
    assert lines[2] == "runbook_stats_timestamp_seconds 1782734400"
    assert 'runbook_releases_failed{service="or\\"ders",environment="lab"} 1' in lines
    labels = r'service="or\"ders",environment="lab",runbook="orders-failover"'
    assert f"runbook_recovery_median_seconds{{{labels}}} 50" in lines
    assert [line for line in lines if "incident" in line] == []
    assert [line.split()[2] for line in lines if line.startswith("# HELP")] == [
        line.split()[2] for line in lines if line.startswith("# TYPE")
    ]
