"""A gate for somebody at another terminal: nothing is answered that was not shown, whole and with its numbers."""

from __future__ import annotations

from runbook.core.planned.action import (
    ApproveAction,
    ChecklistAction,
    ChooseAction,
    CommandAction,
    Item,
    Option,
    ScriptAction,
)
from runbook.core.planned.plan import Environment
from runbook.view.asking.gate_lines import gate_lines
from runbook.view.asking.gates import briefly, gate_view
from tests.builders import ANNA, BEN, Story, plan, step

ROLES = Environment(name="lab", roles={"dba-lead": ("ben",)})


def told(tale: Story) -> list[str]:
    return list(gate_lines(briefly(gate_view(tale.run, tale.run.open_gates[-1], tale.now))))


def test_an_approval_shows_commands_by_host_their_surroundings_their_undo_and_the_digest() -> None:
    undo = step("1.2.undo.1", CommandAction(shell="orders demote"), hosts=("db1", "db2"))
    promote = step(
        "1.2", CommandAction(shell="orders promote"), name="Promote", hosts=("db1", "db2"), changes=True,
        become=True, become_user="postgres", cwd="/srv", env={"REGION": "eu"}, undo=(undo,),
    )  # fmt: skip
    bare = step("1.3", CommandAction(shell="orders repoint"), name="Repoint", hosts=("app1",), changes=True)
    gate = step(
        "1.1", ApproveAction(message="Fail over?\nWriters see errors.", approvers=("dba-lead",)), name="Declare"
    )
    tale = Story(plan(gate, promote, bare, environment=ROLES)).start()
    tale.ask(
        "1.1", "approve", message="Fail over?\nWriters see errors.", choices=("approve", "reject"), digest="d" * 64
    )
    assert told(tale) == [
        "gate 1.1#1  approve  Declare",
        "  Fail over?",
        "  Writers see errors.",
        "  needs: 1 person of dba-lead, not anna, who started it",
        "  a yes lets through, up to the next question:",
        "    1.2 Promote",
        "        db[1-2]: $ orders promote",
        "            as postgres, in /srv, with REGION=eu",
        "        undo: db[1-2]: orders demote",
        "    1.3 Repoint",
        "        app1: $ orders repoint",
        "        undo: none",
        "  1 of these has no undo",
        f"  digest {'d' * 64}",
    ]


def test_a_checklist_shows_its_items_with_numbers_ticks_and_owners() -> None:
    items = ChecklistAction(
        items=(Item(item="Backup is fresh"), Item(item="Told support", owner="ben"), Item(item="x"))
    )
    tale = Story(plan(step("1.1", items, name="Ready?"))).start()
    tale.ask("1.1", "checklist", message="...", choices=("Backup is fresh", "Told support", "x"))
    tale.say("tick", value=0, by=BEN).say("waive", value=1, by=ANNA, reason="nobody there")
    assert told(tale) == [
        "gate 1.1#1  checklist  Ready?",
        "  needs: every item ticked, or waived with a reason",
        "    1 [x] Backup is fresh",
        "    2 [-] Told support  (ben)  waived",
        "    3 [ ] x",
        "  ben: tick 0",
        "  anna: waive 1 nobody there",
    ]


def test_choices_have_the_numbers_by_which_they_can_be_chosen() -> None:
    way = ChooseAction(prompt="Which way?", options=(Option(label="left"), Option(label="to the right")))
    tale = Story(plan(step("1.1", way, name="Way"))).start()
    tale.ask("1.1", "choose", message="Which way?", choices=("left", "to the right"))
    assert told(tale)[-2:] == ["    1 left", "    2 to the right"]


def test_a_text_that_is_longer_than_a_line_to_somebody_takes_says_how_much_is_left_out() -> None:
    long = step("1.2", ScriptAction(text="\n".join(f"echo {number}" for number in range(300))), hosts=("db1",))
    tale = Story(plan(step("1.1", ApproveAction(message="Go?")), long)).start().ask("1.1", "approve", message="Go?")
    assert any(line.endswith("more lines, shown by: runbook plan)") for line in told(tale))


def test_nothing_in_it_drives_the_terminal() -> None:
    evil = step("1.2", CommandAction(shell="echo \x1b[2J"), name="a\x1b]0;x\x07b")
    tale = Story(plan(step("1.1", ApproveAction(message="Go\x1b[2J?")), evil)).start()
    assert "\x1b" not in "".join(told(tale.ask("1.1", "approve", message="Go\x1b[2J?")))
