"""Values that are set, branches, ends and loops, as the compiler plans them, and what it says about those it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.core.planned.action import BranchAction, CommandAction, EndAction, LoopAction, SetAction, Way
from runbook.core.planned.plan import Turn
from runbook.document.runbook_file import read_runbook
from runbook.planning.compile import compile_plan
from runbook.planning.draft import CompileOptions
from runbook.problem import Problems
from tests.planning.compiling import codes, compiled, inventory, one, plan, write

# --- set --------------------------------------------------------------------------------------------------------------


def test_a_value_that_is_known_is_in_the_plan_with_its_type() -> None:
    head = "parameters: {n: {type: integer, default: 3}, s: {type: list, default: [a, b]}}\n"
    found = one(
        "- set: {twice: '{{ n * 2 }}', all: '{{ s }}', text: '{{ n }} of {{ s }}', one: 1, no: [x, '{{ n }}']}",
        head=head,
    )
    assert found.action == SetAction(
        values={"twice": 6, "all": ["a", "b"], "text": "3 of a, b", "one": 1, "no": ["x", 3]}
    )
    assert (found.hosts, found.awaits) == (("controller",), ())


def test_a_value_that_waits_keeps_its_parameters_as_names_so_that_their_types_are_kept() -> None:
    found = plan(
        "- {command: x, on: db1, register: r}\n- set: {a: '{{ n }}', b: '{{ r.stdout }}'}",
        head="parameters: {n: {type: integer, default: 3}}\n",
    )
    assert found.sections[1].steps[1].action == SetAction(values={"a": "{{ n }}", "b": "{{ r.stdout }}"})
    assert found.sections[1].steps[1].awaits == ("r",)


def test_what_is_set_waits_for_the_run_wherever_it_is_used() -> None:
    [_, used] = plan("- set: {a: 1}\n- {command: 'echo {{ a }}', on: db1, when: a == 1}").sections[1].steps
    assert (used.action, used.awaits) == (CommandAction(shell="echo {{ a }}"), ("a",))


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ("- {command: 'echo {{ a }}', on: db1}\n- set: {a: 1}", "used-before-registered"),
        ("- set: {a: 1, b: '{{ a }}'}", "used-before-registered"),
        ("- set: {a: '{{ zz }}'}", "undefined-name"),
        ("- set: {a: '{{ host.name }}'}", "undefined-name"),
        ("- set: {a: '{{ pw }}'}", "secret-set"),
        ("- set: {a: ['{{ 1 / 0 }}']}", "template-failed"),
        ("- set: {p: 1}", "duplicate-name"),
    ],
)
def test_a_value_that_can_never_be_had_is_refused(steps: str, code: str) -> None:
    assert code in codes(steps, head="parameters: {pw: {type: secret}, p: {default: a}}\n")


# --- branch -----------------------------------------------------------------------------------------------------------


def test_a_branch_leads_to_steps_by_name_or_id_and_keeps_its_conditions() -> None:
    steps = """
- {command: x, on: db1, register: lag}
- branch:
    - {when: lag.stdout | int > 10, goto: Slow}
    - {when: "mode == 'fast'"}
    - {goto: 1.1}
- {name: Slow, command: y, on: db1}
"""
    found = plan(steps, head="parameters: {mode: {default: fast}}\n").sections[1].steps[1]
    ways = (Way(when="lag.stdout | int > 10", goto="1.3"), Way(when="mode == 'fast'"), Way(goto="1.1"))
    assert (found.action, found.awaits, found.hosts) == (BranchAction(ways=ways), ("lag",), ("controller",))


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ("- branch: [{goto: Nope}]", "unreachable-goto"),
        ("- branch: [{when: zz, goto: B}]\n- {name: B, notice: x}", "undefined-name"),
        ("- branch: [{when: host.rack, goto: B}]\n- {name: B, notice: x}", "undefined-name"),
        ("- branch: [{when: 'a b', goto: B}]\n- {name: B, notice: x}", "bad-template"),
        ("- branch: [{when: pw == '1', goto: B}]\n- {name: B, notice: x}", "secret-compared"),
        ("- branch: [{when: r.rc}]\n- {command: x, on: db1, register: r}", "used-before-registered"),
        ("- parallel: [{branch: [{goto: B}]}]\n- {name: B, notice: x}", "unreachable-goto"),
        ("- branch: []", "bad-value"),
        ("- branch: [{goto: B}, {when: true, goto: B}]\n- {name: B, notice: x}", "bad-value"),
    ],
)
def test_a_branch_that_cannot_be_taken_is_refused(steps: str, code: str) -> None:
    assert code in codes(steps, head="parameters: {pw: {type: secret}}\n")


# --- end --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "after"),
    [
        ("{end: completed, reason: done}", "default"),
        ("{end: failed}", "abort"),
        ("{end: failed, on_failure: rollback}", "rollback"),
    ],
)
def test_what_follows_an_end_is_its_authors_word(step: str, after: str) -> None:
    assert one(f"- {step}").on_failure == after


def test_an_end_that_failed_is_no_failure_for_a_block_to_rescue() -> None:
    assert one("- block: [{end: failed}]\n  rescue: [notice: x]").steps[0].on_failure == "abort"


@pytest.mark.parametrize(
    "parts",
    [
        {"steps": "- parallel: [{end: completed}]"},
        {"steps": "- notice: x", "tail": "always: [{end: completed}]\n"},
        {"steps": "- notice: x", "tail": "rollback: [{end: failed}]\n"},
        {"steps": "- {command: x, on: db1, rollback: {end: failed}}"},
    ],
)
def test_nothing_ends_where_nothing_may_jump(parts: dict[str, str]) -> None:
    assert "misplaced-end" in codes(**parts)


@pytest.mark.parametrize("after", ["continue", "ask", "'goto: B'"])
def test_an_end_does_not_go_on(after: str) -> None:
    with pytest.raises(Problems) as caught:
        compiled(f"- {{end: failed, on_failure: {after}}}\n- {{name: B, notice: x}}")
    assert [each.what for each in caught.value.problems] == ["a runbook that has ended does not go on"]


# --- in nested runbooks -----------------------------------------------------------------------------------------------

INNER = """
- {name: Look, command: x, on: db1, register: lag}
- branch: [{when: lag.rc == 1, goto: Look}, {when: lag.rc == 2, goto: Give up}, {goto: Done}]
- {name: Give up, end: failed, reason: too slow}
- {name: Done, notice: well}
"""


def test_the_jumps_of_a_nested_runbook_stay_in_it(tmp_path: Path) -> None:
    write(tmp_path, "inner.yaml", INNER)
    outer = write(
        tmp_path, "outer.yaml", "- {name: Done, notice: x}\n- {runbook: inner.yaml}\n- {name: Look, notice: y}"
    )
    inner = compile_plan(read_runbook(outer), inventory()).plan.sections[1].steps[1]
    branch, give_up = inner.steps[1:3]
    assert isinstance(branch.action, BranchAction)
    assert [way.goto for way in branch.action.ways] == ["1.2.1", "1.2.3", "1.2.4"]
    assert (give_up.action, give_up.on_failure) == (EndAction(verdict="failed", reason="too slow"), "propagate")


def test_a_nested_runbook_does_not_fail_from_within_a_block(tmp_path: Path) -> None:
    write(tmp_path, "inner.yaml", "- block: [{end: failed}]")
    outer = write(tmp_path, "outer.yaml", "- {runbook: inner.yaml}")
    with pytest.raises(Problems) as caught:
        compile_plan(read_runbook(outer), inventory())
    assert [each.code for each in caught.value.problems] == ["misplaced-end"]


def test_a_condition_that_names_a_parameter_of_a_nested_runbook_gets_its_value(tmp_path: Path) -> None:
    write(
        tmp_path,
        "inner.yaml",
        "- branch: [{when: n == 1, goto: B}]\n- {name: B, set: {m: '{{ n + 1 }}'}}",
        head="parameters: {n: {type: integer}}\n",
    )
    outer = write(tmp_path, "outer.yaml", "- {runbook: inner.yaml, parameters: {n: 1}}")
    [inner] = compile_plan(read_runbook(outer), inventory()).plan.sections[1].steps
    assert inner.steps[0].action == BranchAction(ways=(Way(when="(1) == 1", goto="1.1.2"),))
    assert inner.steps[1].action == SetAction(values={"m": 2})


# --- loop -------------------------------------------------------------------------------------------------------------


def test_items_that_are_known_are_unrolled_and_stand_in_the_plan_by_name() -> None:
    steps = "- {name: Restart, command: 'systemctl restart {{ item }}', on: db1, loop: '{{ services }}', rollback: {command: 'stop {{ item }}'}}"
    loop = one(steps, head="parameters: {services: {type: list, default: [nginx, a b]}}\n")
    assert loop.action == LoopAction(items=("nginx", "a b"))
    assert [(turn.id, turn.name, turn.action, turn.hosts, turn.undo[0].action, turn.turns) for turn in loop.steps] == [
        (
            "1.1.1",
            "Restart (nginx)",
            CommandAction(shell="systemctl restart nginx"),
            ("db1",),
            CommandAction(shell="stop nginx"),
            (),
        ),
        (
            "1.1.2",
            "Restart (a b)",
            CommandAction(shell="systemctl restart 'a b'"),
            ("db1",),
            CommandAction(shell="stop 'a b'"),
            (),
        ),
    ]
    assert (loop.name, loop.hosts, loop.awaits) == ("Restart", (), ())


def test_items_may_be_mappings_and_have_a_name_of_their_own() -> None:
    steps = "- {name: Move, command: 'mv {{ pair.name }} {{ pair.to }}', on: db1, when: pair.to != 'x', loop: {items: [{name: a, to: b}], as: pair}}"
    [turn] = one(steps).steps
    assert (turn.name, turn.action) == ("Move (a)", CommandAction(shell="mv a b"))
    assert turn.when == '{"name": "a", "to": "b"}.to != \'x\''


def test_targets_may_be_the_items() -> None:
    loop = one("- {command: drain, on: '{{ item }}', loop: [web1, web2]}")
    assert [turn.hosts for turn in loop.steps] == [("web1",), ("web2",)]


def test_items_that_wait_get_as_many_turns_as_their_author_allows() -> None:
    steps = """
- {command: ls, on: db1, register: found}
- {name: Drop, command: "drop {{ item }} {{ n }}", on: db1, loop: {items: "{{ found.stdout | lines }}", at_most: 2}}
"""
    loop = plan(steps, head="parameters: {n: {type: integer, default: 3}}\n").sections[1].steps[1]
    assert (loop.action, loop.awaits) == (LoopAction(source="{{ found.stdout | lines }}", at_most=2), ("found",))
    assert [(turn.name, turn.action, turn.awaits, turn.turns) for turn in loop.steps] == [
        ("Drop (item 1)", CommandAction(shell="drop {{ item }} 3"), ("item",), (Turn(loop="1.2", number=0),)),
        ("Drop (item 2)", CommandAction(shell="drop {{ item }} 3"), ("item",), (Turn(loop="1.2", number=1),)),
    ]


def test_loops_may_stand_in_loops_whether_their_items_are_known_or_not() -> None:
    steps = """
- {command: ls, on: db1, register: found}
- loop: {items: "{{ found.stdout | lines }}", as: table, at_most: 1}
  block:
    - {command: "copy {{ table }} {{ item }}", on: db1, loop: [x, y]}
"""
    [block] = plan(steps).sections[1].steps[1].steps
    assert [turn.action for turn in block.steps[0].steps] == [
        CommandAction(shell="copy {{ table }} x"),
        CommandAction(shell="copy {{ table }} y"),
    ]
    assert {turn.turns for turn in block.steps[0].steps} == {(Turn(loop="1.2", number=0, name="table"),)}


def test_a_gate_covers_a_loop_of_which_everything_is_known_and_every_turn_of_one_that_is_not() -> None:
    steps = "- {command: a, on: db1, register: r}\n- {command: 'b {{ item }}', on: db1, loop: [1, 2]}\n- {command: 'c {{ item }}', on: db1, loop: {items: '{{ r.stdout | lines }}', at_most: 1}}"
    _, known, waiting = plan(steps, confirm="key").sections[1].steps
    assert (known.confirm, [turn.confirm for turn in known.steps]) == ("key", ["none", "none"])
    assert (waiting.confirm, [turn.confirm for turn in waiting.steps]) == ("none", ["key"])


def test_without_a_host_that_is_left_there_is_no_loop() -> None:
    steps = "- {command: x, on: web, loop: [1, 2]}\n- notice: x"
    assert [step.id for step in plan(steps, options=CompileOptions(limit="db1")).sections[1].steps] == ["1.2"]


@pytest.mark.parametrize(
    ("loop", "code"),
    [
        ("nginx", "no-list"),
        ("'a {{ p }}'", "no-list"),
        ("'{{ p }}'", "no-list"),
        ("'{{ zz }}'", "undefined-name"),
        ("['{{ zz }}']", "undefined-name"),
        ("'{{ host.groups }}'", "undefined-name"),
        ("['{{ pw }}']", "secret-set"),
        ("'{{ 1 / 0 }}'", "template-failed"),
        ("'{{ r.stdout | lines }}'", "used-before-registered"),
        ("{items: [1], at_most: 0}", "bad-value"),
        ("{items: [1], as: host}", "reserved-name"),
        (f"[{'1, ' * 501}]", "too-many-items"),
    ],
)
def test_what_cannot_be_gone_through_is_refused(loop: str, code: str) -> None:
    steps = f"- {{command: 'x {{{{ item }}}}', on: db1, loop: {loop}}}\n- {{command: y, on: db1, register: r}}"
    assert code in codes(steps, head="parameters: {pw: {type: secret}, p: {default: a}}\n")


def test_loops_in_loops_have_an_end() -> None:
    inner = "{command: x, on: db1, loop: {items: '{{ r.stdout | lines }}', at_most: 500}}"
    steps = f"- {{command: y, on: db1, register: r}}\n- {{loop: {{items: '{{{{ r.stdout | lines }}}}', at_most: 100}}, block: [{inner}]}}"
    assert set(codes(steps)) == {"too-many-items"}


def test_the_name_of_a_turn_may_say_its_item_and_the_item_is_known_nowhere_else() -> None:
    loop = one("- {name: 'Restart {{ item }}', command: 'x {{ item }}', on: db1, loop: [a]}")
    assert (loop.name, loop.steps[0].name) == ("command", "Restart a")
    assert codes("- {command: 'x {{ item }}', on: db1}") == ["undefined-name"]
