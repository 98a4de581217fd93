"""What is shown before anything runs: the plan, one line for each action, and an open gate."""

from __future__ import annotations

import pytest

from runbook.core.actor import Actor
from runbook.core.milestone_name import Milestone
from runbook.core.planned.action import (
    Action,
    ApproveAction,
    AskAction,
    AssertAction,
    BlockAction,
    BranchAction,
    ChecklistAction,
    ChooseAction,
    CommandAction,
    ConfirmAction,
    DownloadAction,
    EndAction,
    FabricAction,
    HttpAction,
    Item,
    LoopAction,
    ManualAction,
    NestedAction,
    NoticeAction,
    NotifyAction,
    Option,
    ParallelAction,
    PreflightAction,
    ProbeAction,
    ScriptAction,
    SetAction,
    UploadAction,
    WaitAction,
    WaitForAction,
    Way,
)
from runbook.core.planned.plan import Turn
from runbook.core.planned.role import Role
from runbook.view.asking.gates import GateView, GivenAnswer, ItemView, gate_line, gate_view, gate_views
from runbook.view.describe import describe, full_text
from runbook.view.plan import PlanRow, PlanText, PlanTotals, plan_rows, plan_totals, probe_lines
from tests.builders import BEN, Story, plan, step
from tests.stories import failover_plan

ACTIONS: list[tuple[Action, str]] = [
    (CommandAction(shell="orders lag"), "orders lag"),
    (CommandAction(argv=("echo", "two words")), "echo 'two words'"),
    (ScriptAction(text="set -e\nls\n", args=("a b",)), "script for /bin/sh 'a b': set -e ls"),
    (UploadAction(src="a", dest="/b", mode="0600", owner="root"), "upload a to /b, mode 0600, owner root"),
    (DownloadAction(src="/a", dest="b"), "download /a to b"),
    (HttpAction(url="http://app1/health"), "GET http://app1/health"),
    (HttpAction(url="https://x", method="POST", verify=False), "POST https://x (any certificate)"),
    (ProbeAction(probe="write-ok"), "ask probe write-ok"),
    (WaitForAction(probe="write-ok", hold=10.0), "every 0:01 until good and holds 0:10, at most 5:00: probe write-ok"),
    (WaitForAction(command="orders lag"), "every 0:01 until good, at most 5:00: orders lag"),
    (AssertAction(that="lag.rc == 0"), "check that lag.rc == 0"),
    (SetAction(values={"n": 1, "l": ["a"], "t": "{{ x }}"}), 'set n = 1 set l = ["a"] set t = {{ x }}'),
    (BranchAction(ways=(Way(when="n > 1", goto="1.3"), Way())), "when n > 1: go on at 1.3 otherwise: go on here"),
    (EndAction(verdict="failed", reason="no backup"), "the runbook ends here, failed: no backup"),
    (EndAction(verdict="completed"), "the runbook ends here, completed"),
    (LoopAction(items=("a", 1, {"x": 2})), 'for each of: a, 1, {"x":2}'),
    (LoopAction(), "for each of nothing"),
    (LoopAction(source="{{ x | lines }}", at_most=20), "for each of {{ x | lines }}, at most 20"),
    (LoopAction(source="{{ x | lines }}", items=("a",), at_most=20), "for each of: a"),
    (PreflightAction(become=True, tools=("jq",)), "reach the host and look: login, clock, space, sudo, jq"),
    (NotifyAction(message="done"), "notify everybody: done"),
    (NotifyAction(message="done", to=("a", "b")), "notify a, b: done"),
    (FabricAction(task="deploy"), "fabric task deploy() of fabfile.py"),
    (ConfirmAction(message="Go?"), "Go?"),
    (ApproveAction(message="Go?", min_required=2), "2 approvals: Go?"),
    (AskAction(prompt="Ticket?"), "Ticket? (string)"),
    (ChooseAction(prompt="Which?", options=(Option(label="a"), Option(label="b"))), "Which? (a | b)"),
    (ManualAction(instructions="Pull the plug.\n\nWait."), "Pull the plug. Wait."),
    (ChecklistAction(items=(Item(item="fence", owner="dba"), Item(item="tell"))), "[ ] fence (dba) [ ] tell"),
    (NoticeAction(text="**Careful**"), "**Careful**"),
    (WaitAction(seconds=90.0), "wait 1:30"),
    (WaitAction(until="06:00"), "wait until 06:00"),
    (BlockAction(), "a block of steps"),
    (ParallelAction(), "steps side by side"),
    (NestedAction(file="other.yaml"), "runbook other.yaml"),
]


@pytest.mark.parametrize(("action", "said"), ACTIONS, ids=[said for _, said in ACTIONS])
def test_an_action_is_said_in_one_line(action: Action, said: str) -> None:
    assert describe(action) == said


def test_a_script_is_shown_whole() -> None:
    assert full_text(ScriptAction(text="set -e\nls\n")) == ("script for /bin/sh:", "set -e", "ls")


def test_a_command_cannot_hide_behind_escapes() -> None:
    assert full_text(CommandAction(shell="rm -rf /\r\x1b[2Kls")) == ("rm -rf /", "ls")
    assert full_text(CommandAction()) == ("",)


def test_hosts_with_the_same_text_share_it_and_awaited_values_are_marked() -> None:
    shown = step(
        "1.1", CommandAction(shell="set {{ lag.stdout }}"), hosts=("db-01", "db-02", "db-03"),
        by_host={"db-03": CommandAction(shell="other {{ lag.stdout }}\nmore")}, awaits=("lag",), changes=True,
    )  # fmt: skip
    row = plan_rows(plan(shown))[0]
    assert row.texts == (
        PlanText(hosts=("db-01", "db-02"), folded="db-[01-02]", lines=("set {{ lag.stdout }}  (waits for lag)",)),
        PlanText(hosts=("db-03",), folded="db-03", lines=("other {{ lag.stdout }}  (waits for lag)", "more")),
    )
    assert (row.waits_for, row.is_without_undo) == (("lag",), True)


def test_a_row_says_how_a_step_runs_who_is_asked_and_what_takes_it_back() -> None:
    undo = step("1.1.undo.1", CommandAction(shell="demote"), hosts=("db1",))
    row = plan_rows(
        plan(
            step(
                "1.1", CommandAction(shell="promote"), become=True, become_user="postgres", cwd="/srv", env={"B": "", "A": ""},
                when="lag.rc == 0", timeout=60.0, retries=2, waves=(1, 2), max_errors=1, on_failure="goto", goto="1.3",
                sets=Milestone.RECOVERY_STARTED, no_log=True, undo=(undo,), confirm="typed", confirm_word="db1", changes=True,
            )
        )
    )[0]  # fmt: skip
    assert row == PlanRow(
        id="1.1", name="Step 1.1", kind="command", section="Work", role=Role.FORWARD, depth=0,
        texts=(PlanText(hosts=("db1",), folded="db1", lines=("promote",)),), gate="type db1", undo=("db1: demote",),
        changes=True,
        facts=(
            "as postgres", "in /srv", "with A, B set", "only when lag.rc == 0", "at most 1:00", "2 retries",
            "in waves of 1, 2", "tolerates 1 host", "on failure goto 1.3", "marks recovery started", "output is not kept",
        ),
    )  # fmt: skip


def test_a_plan_shows_every_part_in_reading_order_and_adds_up() -> None:
    block = step(
        "1.1", BlockAction(), steps=(step("1.1.1"),), rescue=(step("1.1.rescue.1"),), always=(step("1.1.always.1"),)
    )
    whole = plan(block, step("1.2", ConfirmAction(message="Go?")), rollback=(step("R.1"),), always=(step("A.1"),))
    assert [(row.id, row.role, row.depth, row.gate) for row in plan_rows(whole)] == [
        ("1.1", "forward", 0, ""),
        ("1.1.1", "forward", 1, ""),
        ("1.1.rescue.1", "rescue", 1, ""),
        ("1.1.always.1", "always", 1, ""),
        ("1.2", "forward", 0, "confirm"),
        ("R.1", "rollback", 0, ""),
        ("A.1", "closing", 0, ""),
    ]
    assert plan_totals(failover_plan()) == PlanTotals(
        steps=8, hosts=3, gates=2, changing=3, without_undo=2, expected=8.0
    )
    assert probe_lines(failover_plan()) == (
        "write-ok (every 500 ms, steady state): GET http://app1/health",
        "canary on app1 (every 500 ms): orders put {seq}",
        "canary on app1 (after a failed write): orders last",
    )


def test_a_gate_shows_what_a_yes_lets_run_up_to_the_next_gate() -> None:
    tale = Story(failover_plan()).start()
    tale.ask("1.2", word="db1", message="Kills db1.\n\x1b[1mCareful.", digest="d" * 64)
    view = gate_view(tale.run, "1.2#1", 5.0)
    assert [(row.id, row.texts[0].lines) for row in view.follows] == [("1.3", ("orders kill",))]
    assert view == GateView(
        gate="1.2#1", step="1.2", kind="confirm", title="Start the outage?", message=("Kills db1.", "Careful."),
        word="db1", choices=("proceed", "stop"), needs_reason=("stop",), digest="d" * 64, opened_at=0.0, lapses_in=None,
        policy="type db1 to go on", answers=(), items=(), follows=view.follows, hosts="db1", without_undo=1,
    )  # fmt: skip
    assert gate_line(view) == "confirm 1.2#1 Start the outage?: Kills db1. (type db1 to go on)"


def test_a_gate_shows_what_a_yes_lets_run_after_a_failure_and_in_any_case() -> None:
    block = step(
        "1.2",
        BlockAction(),
        steps=(step("1.2.1"),),
        rescue=(step("1.2.rescue.1"), step("1.2.rescue.2", ConfirmAction(message="Go on?")), step("1.2.rescue.3")),
        always=(step("1.2.always.1"),),
    )
    tale = Story(plan(step("1.1", ConfirmAction(message="Go?")), block, step("1.3"))).start().ask("1.1")
    assert [(row.id, row.role) for row in gate_view(tale.run, "1.1#1", 0.0).follows] == [
        ("1.2", "forward"),
        ("1.2.1", "forward"),
        ("1.2.rescue.1", "rescue"),
        ("1.2.always.1", "always"),
        ("1.3", "forward"),
    ]


def test_a_gate_inside_a_block_lets_its_rescue_through_and_nothing_behind_the_block() -> None:
    gate = step("1.1.2", ConfirmAction(message="Go?"))
    block = step("1.1", BlockAction(), steps=(step("1.1.1"), gate), rescue=(step("1.1.rescue.1"),))
    tale = Story(plan(step("1.0", ConfirmAction(message="Begin?")), block, step("1.2"))).start().ask("1.0")
    assert [row.id for row in gate_view(tale.run, "1.0#1", 0.0).follows] == ["1.1", "1.1.1", "1.1.rescue.1"]


def test_a_gate_in_one_lane_does_not_hide_the_others() -> None:
    lanes = step("1.1", ParallelAction(), steps=(step("1.1.1", ConfirmAction(message="Go?")), step("1.1.2")))
    tale = Story(plan(step("1.0", ConfirmAction(message="Begin?")), lanes, step("1.2"))).start().ask("1.0")
    assert [row.id for row in gate_view(tale.run, "1.0#1", 0.0).follows] == ["1.1", "1.1.2"]


def test_an_approval_shows_who_may_give_it_and_who_has() -> None:
    tale = Story(failover_plan()).start()
    tale.ask("2.1", "approve", deadline=300.0).wait(2.0).say("approve", by=BEN, reason="agreed")
    view = gate_view(tale.run, "2.1#1", 100.0)
    assert (view.policy, view.lapses_in) == ("1 person of dba-lead, not anna, who started it", 200.0)
    assert view.answers == (GivenAnswer(who="ben", answer="approve", value="", reason="agreed", at=2.0),)
    assert [row.id for row in view.follows] == ["2.2", "2.3", "2.4"]
    assert (view.hosts, view.without_undo) == ("app1,db2", 1)


def test_a_gate_in_front_of_a_step_shows_that_step_as_it_will_be_sent() -> None:
    guarded = step("1.1", CommandAction(shell="set {{ lag }}"), hosts=("db1", "db2"), awaits=("lag",), confirm="key")
    tale = Story(plan(guarded, step("1.2"))).start()
    tale.enter("1.1", hosts=("db2",), rendered={"*": CommandAction(shell="set 12")}).ask("1.1", "before")
    view = gate_view(tale.run, "1.1#1", 0.0)
    assert [row.texts for row in view.follows] == [(PlanText(hosts=("db2",), folded="db2", lines=("set 12",)),)]


def test_a_checklist_shows_what_is_ticked_waived_and_open() -> None:
    items = ChecklistAction(items=(Item(item="fence", owner="dba"), Item(item="tell"), Item(item="watch")))
    tale = Story(plan(step("1.1", items))).start().ask("1.1", "checklist")
    tale.say("tick", value=0).say("waive", value=2, reason="nobody there", by=Actor(name="auto", uid=-1, machine=True))
    view = gate_view(tale.run, "1.1#1", 0.0)
    assert view.items == (
        ItemView(text="fence", owner="dba", state="ticked"),
        ItemView(text="tell", owner="", state="open"),
        ItemView(text="watch", owner="", state="waived"),
    )
    assert [answer.who for answer in view.answers] == ["anna", "--auto"]


def test_the_gate_that_has_waited_longest_comes_first() -> None:
    tale = Story(plan(step("1.1"), step("1.2"))).start()
    tale.ask("1.2", "before").wait(1.0).ask("1.1", "before")
    assert [view.gate for view in gate_views(tale.run, 2.0)] == ["1.2#1", "1.1#1"]
    assert gate_views(Story().add().run, 0.0) == ()


def test_a_gate_names_its_operator_safely() -> None:
    tale = Story(failover_plan(), operator=Actor(name="a\x1b[2Jb", uid=1)).start().ask("2.1", "approve")
    assert gate_view(tale.run, "2.1#1", 0.0).policy == "1 person of dba-lead, not ab, who started it"


def test_a_loop_shows_each_known_turn_and_one_of_those_that_only_the_run_knows() -> None:
    known = step("1.1", LoopAction(items=("a", "b")), hosts=(), steps=(step("1.1.1"), step("1.1.2")))
    turns = tuple(step(f"1.2.{number}", turns=(Turn(loop="1.2", number=number - 1),)) for number in (1, 2, 3))
    waiting = step("1.2", LoopAction(source="{{ x }}", at_most=3), hosts=(), awaits=("x",), steps=turns)
    rows = plan_rows(plan(known, waiting))
    assert [(row.id, row.depth) for row in rows] == [("1.1", 0), ("1.1.1", 1), ("1.1.2", 1), ("1.2", 0), ("1.2.1", 1)]
    assert rows[3].texts[0].lines == ("for each of {{ x }}, at most 3  (waits for x)",)
    assert plan_totals(plan(known, waiting)).steps == 5


def test_the_gate_before_a_container_shows_what_stands_in_it() -> None:
    loop = step("1.1", LoopAction(items=("a", "b")), hosts=(), confirm="key", steps=(step("1.1.1"), step("1.1.2")))
    tale = Story(plan(loop)).start().enter("1.1").ask("1.1", "before")
    assert [row.id for row in gate_views(tale.run, tale.now)[0].follows] == ["1.1", "1.1.1", "1.1.2"]
