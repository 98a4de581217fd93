"""The rows of steps and hosts at chosen moments of a run."""

from __future__ import annotations

from runbook.core.events.event import FailureResolved, HostExcluded, RollbackStarted
from runbook.core.outcome import Grade, Outcome
from runbook.core.planned.action import BlockAction, ChecklistAction, ConfirmAction, Item, WaitAction
from runbook.view.hosts import HostGroup, HostRow, fold_rows, host_rows
from runbook.view.steps import StepRow, step_rows
from runbook.view.words import Status
from tests.builders import ANNA, BEN, Story, plan, step
from tests.stories import failover, failover_plan, stopped


def rows_by_id(tale: Story) -> dict[str, StepRow]:
    return {row.id: row for row in step_rows(tale.run, tale.now)}


def test_a_step_ahead_is_pending_and_counts_its_planned_hosts() -> None:
    tale = Story(plan(step("1.1", hosts=("db1", "db2"), expected=5.0)))
    assert step_rows(tale.run, 7.0) == (
        StepRow(
            id="1.1", name="Step 1.1", kind="command", section="Work", depth=0, status=Status.PENDING, is_gate=False,
            hosts_total=2, expected=5.0,
        ),
    )  # fmt: skip


def test_a_running_step_counts_hosts_and_the_time_over_its_plan() -> None:
    tale = Story(plan(step("1.1", hosts=("db1", "db2", "db3"), expected=5.0))).start()
    tale.wait(2.0).enter("1.1").attempt("1.1", "db1").attempt("1.1", "db2").wait(3.0)
    tale.answer("1.1", "db1").answer("1.1", "db2", Outcome.FAILED)
    row = step_rows(tale.run, 10.0)[0]
    assert (row.status, row.hosts_done, row.hosts_total, row.elapsed, row.over) == (Status.RUNNING, 1, 3, 8.0, 3.0)
    assert row.detail == "1 host not OK"


def test_waiting_for_people_is_not_time_over_the_plan() -> None:
    tale = Story(plan(step("1.1", expected=5.0, confirm="key"))).start()
    tale.enter("1.1").ask("1.1", "before").wait(60.0)
    assert rows_by_id(tale)["1.1"].status is Status.WAITING
    tale.say().attempt("1.1", "db1").wait(4.0).answer("1.1", "db1").end("1.1")
    row = rows_by_id(tale)["1.1"]
    assert (row.status, row.elapsed, row.waited, row.over) == (Status.OK, 64.0, 60.0, 0.0)


def test_a_step_without_hosts_in_flight_yet_is_queued() -> None:
    tale = Story(plan(step("1.1"))).start().enter("1.1")
    assert rows_by_id(tale)["1.1"].status is Status.QUEUED


def test_a_wait_says_how_long_still() -> None:
    tale = Story(plan(step("1.1", WaitAction(seconds=90.0)))).start().enter("1.1", wait=90.0).wait(20.0)
    assert rows_by_id(tale)["1.1"].detail == "1:10 left"


def test_gates_say_what_they_wait_for() -> None:
    items = ChecklistAction(items=(Item(item="fence"), Item(item="tell people")))
    tale = Story(plan(step("1.1", ConfirmAction(message="Go?", type="db1")), step("1.2", items), step("1.3"))).start()
    tale.ask("1.1", word="db1")
    assert rows_by_id(tale)["1.1"].detail == "waits for the typed word"
    tale.say().end("1.1").ask("1.2", "checklist").say("tick", value=0)
    assert rows_by_id(tale)["1.2"].detail == "1 of 2 items"
    tale.say("tick", value=1).end("1.2").ran("1.3", Outcome.FAILED, detail="exit code 1").ask("1.3", "failure")
    row = rows_by_id(tale)["1.3"]
    assert (row.status, row.detail) == (Status.FAILED, "what now? exit code 1")


def test_approvals_are_counted_by_person() -> None:
    tale = Story(failover_plan()).start()
    tale.ask("2.1", "approve")
    assert rows_by_id(tale)["2.1"].detail == "0 of 1 approval"
    tale.say("approve", by=BEN)
    assert rows_by_id(tale)["2.1"].detail == "1 of 1 approval"


def test_a_failure_that_was_gone_past_is_ignored_with_its_reason_and_doubt_stays_doubt() -> None:
    tale = Story(plan(step("1.1"), step("1.2"))).start()
    tale.ran("1.1", Outcome.FAILED, detail="exit code 1")
    tale.add(FailureResolved(step="1.1", choice="skip", by=ANNA, reason="known"))
    tale.ran("1.2", Outcome.IN_DOUBT, detail="no answer").add(FailureResolved(step="1.2", choice="continue"))
    rows = rows_by_id(tale)
    assert (rows["1.1"].status, rows["1.1"].detail) == (Status.IGNORED, "exit code 1; skip: known")
    assert (rows["1.2"].status, rows["1.2"].detail) == (Status.IN_DOUBT, "no answer")


def test_a_run_that_has_ended_never_reached_what_was_still_ahead() -> None:
    tale = Story(plan(step("1.1"), step("1.2"))).start().ran("1.1").finish()
    assert [(row.id, row.outcome) for row in step_rows(tale.run, tale.now)] == [
        ("1.1", Outcome.SUCCEEDED),
        ("1.2", Outcome.NOT_REACHED),
    ]


def test_undo_steps_appear_in_reverse_only_when_the_run_is_undone() -> None:
    undo = [step(f"{name}.undo.1", name=f"undo {name}") for name in ("1.1", "1.2", "1.3")]
    tale = Story(plan(*(step(each.id.removesuffix(".undo.1"), undo=(each,)) for each in undo), rollback=(step("R.1"),)))
    tale.start().ran("1.1").ran("1.2")
    assert [row.id for row in step_rows(tale.run, tale.now)] == ["1.1", "1.2", "1.3"]
    tale.add(RollbackStarted(reason="asked", by=ANNA))
    assert [row.id for row in step_rows(tale.run, tale.now)] == ["1.1", "1.2", "1.3", "1.2.undo.1", "1.1.undo.1", "R.1"]


def test_steps_inside_a_block_are_set_in() -> None:
    block = step("1.1", BlockAction(), steps=(step("1.1.1"),), rescue=(step("1.1.rescue.1"),))
    tale = Story(plan(block, step("1.2"), always=(step("A.1"),)))
    assert [(row.id, row.depth) for row in step_rows(tale.run, 0.0)] == [
        ("1.1", 0), ("1.1.1", 1), ("1.1.rescue.1", 1), ("1.2", 0), ("A.1", 0),
    ]  # fmt: skip


def test_names_from_a_runbook_cannot_drive_the_terminal() -> None:
    tale = Story(plan(step("1.1", name="a\x1b[2Jb\nc", section="\u202ex", hosts=("d\x07b",))))
    row = step_rows(tale.run, 0.0)[0]
    assert (row.name, row.section) == ("ab c", "<U+202E>x")
    assert fold_rows(host_rows(tale.run, "1.1", 0.0))[0].folded == "d^Gb"


def test_the_steps_of_a_failover_as_they_ended() -> None:
    rows = [(row.id, row.status, row.elapsed, row.waited, row.detail) for row in step_rows(failover().run, 99.0)]
    assert [
        (name, status, round(took or 0, 3), round(waited, 3), detail) for name, status, took, waited, detail in rows
    ] == [
        ("0.1", Status.OK, 0.8, 0.0, ""),
        ("1.1", Status.OK, 0.4, 0.0, ""),
        ("1.2", Status.OK, 4.0, 4.0, ""),
        ("1.3", Status.OK, 0.2, 0.0, ""),
        ("2.1", Status.OK, 10.0, 10.0, "approved by ben"),
        ("2.2", Status.OK, 9.0, 0.0, ""),
        ("2.3", Status.OK, 1.4, 0.0, ""),
        ("2.4", Status.OK, 2.5, 0.0, ""),
    ]


def test_every_host_of_a_step_says_where_it_is() -> None:
    hosts = tuple(f"db{number}" for number in range(1, 8))
    tale = Story(plan(step("1.1", hosts=hosts, retries=2, delay=5.0))).start()
    tale.add(HostExcluded(host="db7", reason="broken disk", by=ANNA))
    tale.enter("1.1", hosts=hosts[:6], left_out={"db7": "excluded: broken disk"})
    for host in hosts[:5]:
        tale.attempt("1.1", host)
    tale.wait(2.0).answer("1.1", "db1").answer("1.1", "db2", Outcome.UNREACHABLE, detail="no route")
    tale.answer("1.1", "db3", Outcome.IN_DOUBT, detail="link lost").answer(
        "1.1", "db4", Outcome.FAILED, detail="exit code 1"
    )
    tale.attempt("1.1", "db4").wait(1.0)
    assert host_rows(tale.run, "1.1", 4.0) == (
        HostRow(host="db1", status=Status.OK, attempt=1, elapsed=2.0, rc=0),
        HostRow(host="db2", status=Status.QUEUED, detail="to be tried again: no route", attempt=1, elapsed=2.0),
        HostRow(host="db3", status=Status.IN_DOUBT, detail="link lost", attempt=1, elapsed=2.0),
        HostRow(host="db4", status=Status.RUNNING, detail="try 2 of 3", attempt=2, elapsed=2.0),
        HostRow(host="db5", status=Status.RUNNING, attempt=1, elapsed=4.0),
        HostRow(host="db6", status=Status.QUEUED),
        HostRow(host="db7", status=Status.SKIPPED, detail="excluded: broken disk"),
    )  # fmt: skip


def test_hosts_that_say_the_same_fold_to_one_line_with_the_gravest_first() -> None:
    hosts = tuple(f"db-{number:02d}" for number in range(1, 9))
    tale = Story(plan(step("1.1", hosts=hosts))).start().enter("1.1")
    for host in hosts:
        tale.attempt("1.1", host)
    for host in hosts[:6]:
        tale.wait(1.0).answer("1.1", host)
    tale.answer("1.1", "db-07", Outcome.FAILED, detail="exit code 1")
    assert fold_rows(host_rows(tale.run, "1.1", 9.0)) == (
        HostGroup(status=Status.FAILED, hosts=("db-07",), folded="db-07", detail="exit code 1", elapsed=6.0),
        HostGroup(status=Status.RUNNING, hosts=("db-08",), folded="db-08", detail="", elapsed=9.0),
        HostGroup(status=Status.OK, hosts=hosts[:6], folded="db-[01-06]", detail="", elapsed=6.0),
    )


def test_a_lost_link_is_named_while_its_command_is_in_flight_and_a_host_never_started_says_so() -> None:
    tale = stopped()
    assert [(row.host, row.status) for row in host_rows(tale.run, "1.2", tale.now)] == [
        ("web1", Status.OK),
        ("web2", Status.IN_DOUBT),
    ]
    other = Story(plan(step("1.1", hosts=("db1", "db2")))).start().enter("1.1").attempt("1.1", "db1")
    other.answer("1.1", "db1", Outcome.FAILED).end("1.1", Outcome.FAILED)
    assert host_rows(other.run, "1.1", 0.0)[1] == HostRow(host="db2", status=Status.PENDING, detail="not started")


def test_the_grade_of_durability_is_on_the_row() -> None:
    from runbook.core.events.event import AttemptGraded

    tale = Story(plan(step("1.1"))).start().enter("1.1").attempt("1.1", "db1")
    tale.add(AttemptGraded(step="1.1", host="db1", number=1, grade=Grade.ATTACHED))
    assert host_rows(tale.run, "1.1", 0.0)[0].grade is Grade.ATTACHED


def test_a_step_that_the_plan_does_not_have_has_no_hosts() -> None:
    assert host_rows(Story().run, "9.9", 0.0) == ()
