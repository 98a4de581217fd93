"""From a runbook to a plan: targets, waves, what waits for the run, ids, gates and jumps."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from runbook.core.host import Host
from runbook.core.planned.action import (
    BlockAction,
    ChooseAction,
    CommandAction,
    HttpAction,
    Option,
    PreflightAction,
    ProbeAction,
    ScriptAction,
    WaitForAction,
)
from runbook.core.planned.command import Secret
from runbook.core.planned.plan import PlannedBackup, PlannedParameter, PlannedProbe, PlannedStep, PlannedWatermark
from runbook.document.runbook_file import parse_runbook, read_runbook
from runbook.inventory.reading import read_inventory
from runbook.matching import matcher
from runbook.planning.compile import compile_plan
from runbook.planning.draft import CompileOptions, Given
from runbook.planning.policy import gates_a_machine_may_not_answer
from runbook.problem import Exit, Problems, problem
from tests.planning.compiling import WEB, codes, compiled, inventory, one, plan, refused, text_of, write

DRILLS = sorted(Path("drills").rglob("*.yaml"))


def ids(steps: tuple[PlannedStep, ...]) -> list[str]:
    return [each.id for step in steps for each in step.walk()]


def test_a_step_becomes_what_is_done_on_which_host() -> None:
    found = plan(
        """
- name: Restart {{ service }}
  command: restart {{ service }}
  on: web
  env: {NAME: "{{ service }}"}
  timeout: 30s
  max_errors: 50%
  batch: [1, 100%]
""",
        head="parameters: {service: {default: a b}}\n",
    )
    assert found.sections[1].steps == (
        PlannedStep(
            id="1.1",
            name="Restart a b",
            action=CommandAction(shell="restart 'a b'"),
            section="Work",
            hosts=WEB,
            waves=(1, 3),
            env={"NAME": "a b"},
            timeout=30,
            max_errors=2,
            changes=True,
        ),
    )
    assert found.parameters == (PlannedParameter(name="service", value="a b", source="default"),)


def test_a_template_that_names_host_gives_each_host_its_own_action() -> None:
    found = one("- {command: 'echo {{ host.rack }}', on: db}")
    assert found.action == CommandAction(shell="echo r-db1")
    assert found.by_host == {"db2": CommandAction(shell="echo r-db2")}
    assert found.awaits == ()


def test_a_step_that_waits_for_a_result_stays_a_template_and_says_for_what() -> None:
    steps = (
        plan(
            """
- {command: lag, on: db1, register: lag}
- {command: 'echo {{ reason }} {{ lag.stdout }}', on: db1}
""",
            head="parameters: {reason: {default: x}}\n",
        )
        .sections[1]
        .steps
    )
    assert steps[1].action == CommandAction(shell="echo x {{ lag.stdout }}")
    assert steps[1].awaits == ("lag",)


def test_what_stands_beside_a_waiting_text_is_filled_in_too() -> None:
    found = one(
        "- {command: x, on: db1, env: {A: '{{ pw }}', B: '{{ p }}'}, cwd: '/srv/{{ p }}', become_user: '{{ p }}'}",
        head="parameters: {p: {default: a}, pw: {type: secret}}\n",
    )
    assert (found.env, found.cwd, found.become_user) == ({"A": "{{ pw }}", "B": "a"}, "/srv/a", "a")


def test_a_value_that_looks_like_a_template_is_not_rendered_again() -> None:
    found = one("- {command: 'echo {{ x }}', on: db1}", head="parameters: {x: {default: '{{ password }}'}}\n")
    assert (found.action, found.awaits) == (CommandAction(shell="echo '{{ password }}'"), ())


def test_a_secret_is_asked_for_and_is_nowhere_in_the_plan() -> None:
    steps = "- {command: login, on: db1, env: {PW: '{{ pw }}'}}"
    found = compiled(steps, head="parameters: {pw: {type: secret, from: 'env:PW'}}\n")
    assert found.secrets == (Secret("pw", "pw!env:PW"),)
    assert found.plan.sections[1].steps[0].awaits == ("pw",)
    assert found.plan.parameters == (PlannedParameter(name="pw", secret=True, source="env:PW"),)
    assert b"pw!env" not in msgspec.json.encode(found.plan)


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ("- {command: 'echo {{ pw | upper }}', on: db1}", "secret-altered"),
        ("- {command: [login, '{{ pw }}'], on: db1}", "secret-in-arguments"),
        ("- {command: x, on: db1, when: pw == 'x'}", "secret-compared"),
    ],
)
def test_a_secret_may_only_be_written_out(steps: str, code: str) -> None:
    assert codes(steps, head="parameters: {pw: {type: secret}}\n") == [code]


@pytest.mark.parametrize(
    ("declared", "value", "typed"),
    [
        ("{type: integer, min: 0, max: 9}", "3", 3),
        ("{type: number}", "0.5", 0.5),
        ("{type: boolean}", "yes", True),
        ("{type: duration}", "1m", 60),
        ("{type: host}", "web2", "web2"),
        ("{type: choice, choices: [1, b]}", "1", "1"),
        ("{type: choice, choices: [1, 2]}", "1", 1),
        ("{type: choice, choices: [1.9, 1.10]}", "1.10", "1.10"),
        ("{type: string, pattern: '[a-z]+'}", "abc", "abc"),
        ("{type: list}", "1.10, b c", ["1.10", "b c"]),
        ("{type: list, choices: [a, b], max: 2}", "[b]", ["b"]),
        ("{type: list}", '["a, b", ""]', ["a, b", ""]),
        ("{type: list}", "", []),
    ],
)
def test_parameters_are_typed_by_their_declaration(declared: str, value: str, typed: object) -> None:
    found = plan("- {command: x, on: db1}", head=f"parameters: {{p: {declared}}}\n", given={"p": value})
    assert found.parameters == (PlannedParameter(name="p", value=typed, source="command line"),)


@pytest.mark.parametrize(
    ("declared", "value", "fix"),
    [
        ("{type: integer, min: 5}", "3", "The least is 5."),
        ("{type: integer}", "1.5", "Write a whole number."),
        ("{type: number, max: 1}", "2", "The most is 1."),
        ("{type: boolean}", "maybe", "Write true or false."),
        ("{type: host}", "web9", 'It is no host of inventory test. Did you mean "web4"?'),
        ("{type: choice, choices: [a, b]}", "c", "It must be one of a, b."),
        ("{type: duration}", "5 mins", 'Write "5m".'),
        ("{pattern: '[a-z]+'}", "A", "It must match [a-z]+."),
        ("{type: list, pattern: '[a-z]+'}", "a, B", "It must match [a-z]+."),
        ("{type: list, choices: [a, b]}", "a, c", '"c" is not one of a, b.'),
        ("{type: list, min: 2}", "a", "The least is 2."),
        ("{type: list}", '["a]', 'Write the items between quotes: ["a, b", "c"].'),
    ],
)
def test_a_value_that_is_not_of_its_type_is_refused(declared: str, value: str, fix: str) -> None:
    [problem] = refused("- {command: x, on: db1}", head=f"parameters: {{p: {declared}}}\n", given={"p": value})
    assert (problem.code, problem.fix, str(problem.where)) == ("bad-parameter", fix, "parameter p (command line)")


def test_a_list_has_its_default_from_the_file_and_becomes_words_of_a_command(tmp_path: Path) -> None:
    steps = "- {command: 'rm {{ p }}', on: db1}"
    found = plan(steps, head="parameters: {p: {type: list, default: [a b, 1.10]}}\n")
    assert found.sections[1].steps[0].action == CommandAction(shell="rm 'a b' 1.10")
    waiting = "- {command: x, on: db1, register: r}\n- {command: 'rm {{ p[0] }} {{ p }} {{ r.stdout }}', on: db1}"
    write(tmp_path, "inner.yaml", waiting, head="parameters: {p: {type: list}}\n")
    outer = write(tmp_path, "outer.yaml", "- {runbook: inner.yaml, parameters: {p: 'a b, c'}}")
    [step] = compile_plan(read_runbook(outer), inventory()).plan.sections[1].steps
    assert step.steps[1].action == CommandAction(shell='rm {{ ["a b", "c"][0] }} \'a b\' c {{ r.stdout }}')


def test_a_parameter_without_default_must_be_given_and_an_unknown_one_may_not() -> None:
    steps = "- {command: 'echo {{ a }}', on: db1}"
    assert codes(steps, head="parameters: {a: {}, b: {required: false}}\n", given={"c": "1"}) == [
        "unknown-parameter",
        "missing-parameter",
    ]


def test_a_release_number_keeps_its_spelling(tmp_path: Path) -> None:
    found = plan("- {command: 'echo {{ p }}', on: db1}", head="parameters: {p: {default: 1.10}}\n")
    assert found.sections[1].steps[0].action == CommandAction(shell="echo 1.10")
    write(tmp_path, "inner.yaml", "- {command: 'echo {{ p }}', on: db1}", head="parameters: {p: {}}\n")
    outer = write(tmp_path, "outer.yaml", "- {runbook: inner.yaml, parameters: {p: 1.10}}")
    [step] = compile_plan(read_runbook(outer), inventory()).plan.sections[1].steps
    assert step.steps[0].action == CommandAction(shell="echo 1.10")


def test_a_value_on_which_the_pattern_of_its_parameter_does_not_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matcher, "WITHIN", 0.05)
    head = "parameters:\n  code: {type: string, pattern: '([a-z]+ ?)+'}\n"
    found = refused("- {command: x, on: db}", head=head, given={"code": "a" * 40 + "!"})
    assert [(each.code, str(each.where)) for each in found] == [("no-answer", "parameter code (command line)")]


def test_a_pattern_comes_from_the_step_or_its_section_and_may_name_a_parameter() -> None:
    steps = "- {command: a}\n- {command: b, on: '{{ p }}'}\n- {command: c, on: controller}"
    found = plan(steps, section="on: db", head="parameters: {p: {type: host, default: web1}}\n")
    assert [step.hosts for step in found.sections[1].steps] == [("db1", "db2"), ("web1",), ("controller",)]
    assert [host.name for host in found.hosts] == ["web1", "db1", "db2", "controller"]
    assert found.hosts[-1] == Host(name="controller", connection="local")


@pytest.mark.parametrize(
    ("steps", "code", "place"),
    [
        ("- {command: x}", "no-target", "t.yaml:10:9"),
        ("- {command: x, on: wbe}", "no-hosts", "t.yaml:10:26"),
        ("- {command: x, on: '{{ nope }}'}", "undefined-name", "t.yaml:10:26"),
        ("- {command: 'echo {{ nope }}', on: db}", "undefined-name", "t.yaml:10:19"),
        ("- {command: 'echo {{ host.nope }}', on: db}", "undefined-name", "t.yaml:10:19"),
        ("- {command: 'echo {{', on: db}", "bad-template", "t.yaml:10:19"),
        ("- {command: x, on: db, when: a b}", "bad-template", "t.yaml:10:36"),
        ("- {command: x, on: db, when: nope}", "undefined-name", "t.yaml:10:36"),
        ("- {http: 'http://{{ host.name }}'}", "undefined-name", "t.yaml:10:16"),
        ("- {http: 'http://x', on: db}", "pointless-target", "t.yaml:10:32"),
        ("- {probe: nope}", "unknown-probe", "t.yaml:10:17"),
        ("- {command: x, on: db, on_failure: 'goto: Nope'}", "unreachable-goto", "t.yaml:10:42"),
        ("- {name: 'A {{ host.name }}', command: x, on: db}", "late-name", "t.yaml:10:16"),
        ("- {script: nope/x.sh, on: db}", "unreadable", "t.yaml:10:18"),
        ("- {runbook: nope.yaml}", "unreadable", "nope.yaml"),
    ],
)
def test_what_a_step_cannot_mean_is_a_problem_at_its_place(steps: str, code: str, place: str) -> None:
    [problem] = refused(steps)
    assert (problem.code, str(problem.where)) == (code, place)


def test_targets_that_name_nobody_are_said_once_and_not_again_for_every_step() -> None:
    assert codes("- {command: a}\n- {block: [{command: b}]}", section="on: wbe") == ["no-hosts"]


def test_a_secret_that_nobody_has_is_said_once_and_not_again_where_it_is_used() -> None:
    text = text_of("- {command: 'echo {{ pw }}', on: db1}", head="parameters: {pw: {type: secret, from: 'env:PW'}}\n")

    def nobody(name: str, source: str) -> str:
        raise problem(f"{name} is not in {source}", code="no-secret")

    with pytest.raises(Problems) as caught:
        compile_plan(parse_runbook(text.encode(), "t.yaml"), inventory(), secrets=nobody)
    assert [each.what for each in caught.value.problems] == ["pw is not in env:PW"]


def test_a_name_must_be_registered_before_it_is_used() -> None:
    assert codes("""
- {command: 'echo {{ r.stdout }}', on: db1}
- {command: x, on: db1, register: r, failed_when: r.rc > 1}
- parallel:
    - {command: a, on: db1, register: s}
    - {command: b, on: db1, when: s.rc == 0}
- {assert: s.rc == 0}
""") == ["used-before-registered", "used-before-registered"]


def test_waves_unroll_a_section() -> None:
    found = plan(
        "- {command: drain, on: bastion}\n- {command: switch}\n- {command: once, run_once: true}\n- {confirm: 'On?'}",
        section="on: web\nbatch: [1, 100%]\nsuccess: [ok]",
        head="steady_state: [{name: ok, http: http://x}]\n",
    )
    first, second = found.sections[1:]
    assert (first.id, first.name) == ("1w1", "Work (wave 1 of 2: web1)")
    assert (second.id, second.name) == ("1w2", "Work (wave 2 of 2: web2, web3, web4)")
    assert [(s.id, s.hosts) for s in first.steps] == [
        ("1w1.1", ("bastion",)),
        ("1w1.2", ("web1",)),
        ("1w1.3", ("web1",)),
        ("1w1.4", ()),
        ("1w1.5", ("controller",)),
    ]
    assert [(s.id, s.hosts) for s in second.steps] == [
        ("1w2.1", ("bastion",)),
        ("1w2.2", ("web2", "web3", "web4")),
        ("1w2.4", ()),
        ("1w2.5", ("controller",)),
    ]
    assert first.steps[4].action == ProbeAction(probe="ok")


def test_host_first_takes_one_host_after_the_other() -> None:
    found = plan("- {command: a}\n- {command: b}", section="on: db\nstrategy: host-first")
    assert [ids(section.steps) for section in found.sections[1:]] == [["1w1.1", "1w1.2"], ["1w2.1", "1w2.2"]]


def test_a_limit_cuts_every_target_and_leaves_out_what_has_none() -> None:
    found = compiled(
        "- {command: a, on: web}\n- {command: b, on: db}\n- {notice: n}", options=CompileOptions(limit="web1,bastion")
    )
    assert [(s.id, s.hosts) for s in found.plan.sections[1].steps] == [("1.1", ("web1",)), ("1.3", ())]
    assert [each.code for each in found.warnings] == ["left-out"]
    assert codes("- {command: a, on: web}", options=CompileOptions(limit="nope")) == ["no-hosts"]


def test_preflight_looks_at_every_host_once_with_what_its_steps_need() -> None:
    found = plan("- {command: a, on: web1, become: true, tools: [jq]}\n- {command: b, on: db1}")
    [look] = found.sections[0].steps
    assert (look.id, look.hosts) == ("0.1", ("web1", "db1"))
    assert look.action == PreflightAction(become=True, tools=("jq",), refuses_broken=True)
    assert look.by_host == {"db1": PreflightAction(refuses_broken=True)}


def test_preflight_becomes_everybody_whom_steps_become_on_a_host() -> None:
    found = plan(
        "- {command: a, on: web1, become: true}\n- {command: b, on: 'web1,db1', become_user: orders}\n"
        "- {command: c, on: web1, register: r, changes: false}\n"
        "- {command: d, on: db1, become_user: '{{ r.stdout }}'}"
    )
    [look] = found.sections[0].steps
    assert {host: look.action_on(host).users for host in look.hosts} == {"web1": ("root", "orders"), "db1": ("orders",)}


def test_a_step_that_cannot_become_as_the_inventory_says_is_refused_before_anything_runs() -> None:
    place = msgspec.structs.replace(inventory(), become_methods={"web2": "su", "db1": "doas"})
    steps = "- {command: a, on: web, become: true}\n- {command: b, on: db}\n- {command: c, on: db1, become_user: x}"
    with pytest.raises(Problems) as caught:
        compile_plan(parse_runbook(text_of(steps).encode(), "t.yaml"), place)
    assert [(each.code, each.what, each.where.line) for each in caught.value.problems] == [
        (
            "become-method",
            f"a step becomes somebody else by sudo alone, and not as the inventory says of {host}",
            line,
        )
        for host, line in (("web2 (su)", 10), ("db1 (doas)", 12))
    ]


@pytest.mark.parametrize(("kind", "after"), [("drill", "default"), ("failover", "continue")])
def test_the_steady_state_is_asked_before_anything_changes(kind: str, after: str) -> None:
    head = "steady_state: [{name: ok, http: http://x, every: 1s}]\nprobes: [{name: more, command: c, on: db}]\n"
    found = plan("- {wait_for: {probe: more}}", head=head, kind=kind)
    steps = found.sections[0].steps[1:]
    assert [(s.id, s.action, s.on_failure) for s in steps] == [("0.2", ProbeAction(probe="ok"), after)]
    assert found.probes == (
        PlannedProbe(name="ok", action=HttpAction(url="http://x"), every=1),
        PlannedProbe(name="more", action=CommandAction(shell="c"), hosts=("db1", "db2"), steady=False),
    )


def test_a_probe_written_in_a_step_becomes_a_probe_of_the_plan_on_the_steps_hosts() -> None:
    found = plan("- {wait_for: {probe: {command: ready}, hold: 5s}, on: db}")
    assert found.sections[1].steps[0].action == WaitForAction(probe="probe of step 1.1", hold=5)
    assert found.probes == (
        PlannedProbe(name="probe of step 1.1", action=CommandAction(shell="ready"), hosts=("db1", "db2"), steady=False),
    )


def test_an_abort_rule_needs_a_probe_that_is_asked_all_the_time() -> None:
    head = "steady_state: [{name: ok, http: http://x}]\nabort_when: [{probe: ok, failed: 3}]\n"
    assert codes("- {notice: n}", head=head) == ["unknown-probe"]


NESTED_STEPS = """
- block:
    steps:
      - {command: a, rollback: {command: undo a}}
      - parallel: [{command: b}, {command: c, on_failure: continue}]
    rescue: [{command: d}]
    always: [{command: e}]
- block: [{command: f}]
"""


def test_ids_are_positions() -> None:
    found = plan(NESTED_STEPS, section="on: db1", tail="rollback: [{command: g, on: db1}]\nalways: [{notice: h}]\n")
    inside = ["1.1.1", "1.1.1.undo.1", "1.1.2", "1.1.2.1", "1.1.2.2", "1.1.rescue.1", "1.1.always.1"]
    assert ids(found.sections[1].steps) == ["1.1", *inside, "1.2", "1.2.1"]
    assert (ids(found.rollback), ids(found.always)) == (["R.1"], ["A.1"])


def test_a_failure_belongs_to_the_block_that_rescues_and_to_a_parallel() -> None:
    found = plan(NESTED_STEPS, section="on: db1")
    assert {step.id: step.on_failure for top in found.sections[1].steps for step in top.walk()} == {
        "1.1": "default",
        "1.1.1": "propagate",
        "1.1.1.undo.1": "default",
        "1.1.2": "propagate",
        "1.1.2.1": "propagate",
        "1.1.2.2": "continue",
        "1.1.rescue.1": "default",
        "1.1.always.1": "default",
        "1.2": "default",
        "1.2.1": "default",
    }


def test_a_rollback_works_on_the_hosts_of_its_step() -> None:
    assert one("- {command: a, on: db, rollback: {command: b}}").undo[0].hosts == ("db1", "db2")


@pytest.mark.parametrize(("written", "durable"), [("", True), (", durable: false", False), (", durable: unit", "unit")])
def test_how_durable_a_step_is_stands_in_the_plan_as_it_is_written(written: str, durable: bool | str) -> None:
    assert plan(f"- {{command: x, on: db1{written}}}").sections[1].steps[0].durable == durable


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("command: x", True),
        ("script: x", True),
        ("upload: {src: a, dest: b}", True),
        ("download: {src: a, dest: b}", False),
        ("command: x, durable: false", False),
        ("command: x, changes: false", False),
        ("wait_for: {command: x}", False),
        ("http: {url: http://x, method: POST}, changes: true", True),
    ],
)
def test_what_changes_a_host_is_known(kind: str, changes: bool) -> None:
    on = "" if kind.startswith("http") else ", on: db1"
    assert one(f"- {{{kind}{on}}}").changes is changes


def test_a_goto_leads_to_a_step_by_name_or_id() -> None:
    found = (
        plan("""
- {command: a, on: db1, on_failure: "goto: Back"}
- {name: Back, command: b, on: db1, on_failure: {goto: 1.1}}
- choose: {prompt: Where?, options: [{label: x, goto: Back}, on]}
""")
        .sections[1]
        .steps
    )
    assert [(s.on_failure, s.goto) for s in found[:2]] == [("goto", "1.2"), ("goto", "1.1")]
    assert found[2].action == ChooseAction(prompt="Where?", options=(Option(label="x", goto="1.2"), Option(label="on")))


@pytest.mark.parametrize(
    ("steps", "tail", "code"),
    [
        ("- {command: a, on_failure: 'goto: B'}\n- block: [{name: B, command: b}]", "", "unreachable-goto"),
        ("- parallel: [{command: a, on_failure: 'goto: B'}]\n- {name: B, command: b}", "", "unreachable-goto"),
        ("- {name: B, command: b}", "always: [{notice: n, on_failure: 'goto: B'}]\n", "unreachable-goto"),
        (
            "- {name: B, command: b}\n- {name: B, command: b}\n- {command: c, on_failure: 'goto: B'}",
            "",
            "ambiguous-goto",
        ),
    ],
)
def test_a_goto_that_cannot_be_followed_is_refused(steps: str, tail: str, code: str) -> None:
    assert codes(steps, section="on: db1", tail=tail) == [code]


def test_a_jump_stays_in_its_wave() -> None:
    found = plan("- {name: B, command: b}\n- {command: c, on_failure: 'goto: B'}", section="on: db\nbatch: 1")
    assert [section.steps[1].goto for section in found.sections[1:]] == ["1w1.1", "1w2.1"]


GATED = "- {command: a}\n- {confirm: Sure?}\n- {command: b}\n- {command: c, durable: false}"


@pytest.mark.parametrize(
    ("confirm", "gates"),
    [("none", ["none"] * 4), ("key", ["key", "none", "none", "none"]), ("typed", ["typed", "none", "typed", "none"])],
)
def test_the_environment_puts_its_gate_where_none_covers_the_step(confirm: str, gates: list[str]) -> None:
    steps = plan(GATED, section="on: db1", head="service: orders\n", confirm=confirm).sections[1].steps
    assert [step.confirm for step in steps] == gates
    assert {step.confirm_word for step in steps if step.confirm == "typed"} <= {"orders"}


def test_step_mode_asks_before_everything_that_works() -> None:
    steps = plan(GATED, section="on: db1", options=CompileOptions(step_mode=True)).sections[1].steps
    assert [step.confirm for step in steps] == ["key", "none", "key", "key"]


def test_a_parallel_gets_one_gate_for_all_that_it_starts() -> None:
    step = one("- parallel: [{command: a}, {command: b}]", section="on: db1", confirm="key")
    assert [step.confirm, *(each.confirm for each in step.steps)] == ["key", "none", "none"]


def test_a_protected_host_is_not_changed() -> None:
    assert [each.exit for each in refused("- {command: a, on: all}", protected=("bastion",))] == [Exit.REFUSED]
    assert codes("- {command: a, on: db}", head="safeguards: {protected: [db1]}\n") == ["protected-host"]
    assert plan("- {command: a, on: all, changes: false}", protected=("bastion",))


def test_safeguards_and_change_records_are_obeyed() -> None:
    assert codes("- {notice: n}", head="safeguards: {environments: [lab]}\n") == ["wrong-environment"]
    head = "change: {required: [test], reference: \"{{ ref | default('') }}\"}\nparameters: {ref: {default: ''}}\n"
    assert codes("- {notice: n}", head=head) == ["no-change"]
    assert plan("- {notice: n}", head=head, given={"ref": "CHG-1"})


def test_auto_is_told_which_gates_it_may_not_answer() -> None:
    found = plan(
        "- {confirm: a}\n- {manual: b}\n- {notice: c}\n- {command: d, on: db1}", confirm="typed", auto=("manual",)
    )
    assert [(each.exit, str(each.where)) for each in gates_a_machine_may_not_answer(found)] == [
        (Exit.REFUSED, "step 1.1"),
        (Exit.REFUSED, "step 1.4"),
    ]
    assert gates_a_machine_may_not_answer(plan("- {confirm: a}", auto=("all",))) == []


def test_a_script_is_read_into_the_plan(tmp_path: Path) -> None:
    (tmp_path / "fix.sh").write_text("echo {{ host.rack }}\n")
    path = write(tmp_path, "a.yaml", "- {script: fix.sh, on: db1}")
    found = compile_plan(read_runbook(path), inventory())
    assert found.plan.sections[1].steps[0].action == ScriptAction(text="echo r-db1\n", path="fix.sh")
    assert found.files == (str(tmp_path / "fix.sh"),)


def test_a_nested_runbook_is_compiled_in_with_its_own_parameters(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    inner = "- {command: 'look {{ who }}', on: db1, register: r}\n- {command: 'echo {{ who }} {{ r.rc }} {{ pw }}', on: db1}"
    inner += "\n- {upload: {src: f, dest: /f}, on: db1}\n- {notice: 'x', when: who == 'it'}"
    head = "parameters: {who: {}, pw: {type: secret}}\n"
    write(
        tmp_path / "sub",
        "inner.yaml",
        inner,
        head=head,
        tail="rollback: [{command: undo, on: db1}]\nalways: [{notice: bye}]\n",
    )
    outer = write(
        tmp_path,
        "outer.yaml",
        "- {name: Inner, runbook: sub/inner.yaml, parameters: {who: '{{ name }}', pw: '{{ secret }}'}}",
        head="parameters: {name: {default: it}, secret: {type: secret}}\n",
    )
    [step] = compile_plan(read_runbook(outer), inventory()).plan.sections[1].steps
    assert ids((step,)) == ["1.1", "1.1.1", "1.1.2", "1.1.3", "1.1.4", "1.1.always.1", "1.1.undo.1", "1.1.undo.1.1"]
    assert step.steps[0].action == CommandAction(shell="look it")
    assert step.steps[1].action == CommandAction(shell="echo it {{ r.rc }} {{ secret }}")
    assert step.steps[1].awaits == ("pw", "r")
    assert getattr(step.steps[2].action, "src", "") == "sub/f"
    assert step.steps[3].when == "\"it\" == 'it'"
    assert step.steps[0].section == "Inner: Work"
    assert isinstance(step.undo[0].action, BlockAction)


def test_a_runbook_that_runs_itself_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", "- {runbook: b.yaml}")
    path = write(tmp_path, "b.yaml", "- {runbook: a.yaml}")
    with pytest.raises(Problems) as caught:
        compile_plan(read_runbook(path), inventory())
    assert [each.code for each in caught.value.problems] == ["cycle"]
    assert caught.value.problems[0].why == "b.yaml -> a.yaml -> b.yaml"


def test_the_same_input_gives_the_same_digest_and_another_value_another() -> None:
    parts = {"head": "parameters: {p: {default: a}}\n"}
    steps = "- {command: 'echo {{ p }}', on: web}"
    assert plan(steps, **parts).digest == plan(steps, **parts).digest
    assert plan(steps, **parts).digest != plan(steps, given={"p": "b"}, **parts).digest


@pytest.mark.parametrize("path", DRILLS, ids=str)
def test_the_runbooks_that_come_with_the_program_have_a_plan_on_the_inventory_that_they_name(path: Path) -> None:
    book = read_runbook(path)
    place = msgspec.structs.replace(
        read_inventory(book.inventory, workspace=Path()),
        environment=read_inventory("lab", workspace=Path()).environment,
    )
    given = {name: Given("INC-7", "test") for name, one in book.parameters.items() if one.must_be_given}
    plan = compile_plan(book, place, given=given).plan
    assert plan.sections[0].steps[0].hosts
    assert plan.digest == compile_plan(book, place, given=given).plan.digest


def test_a_probe_asks_each_host_with_its_own_name(tmp_path: Path) -> None:
    head = "probes: [{name: up, on: web, every: 1s, command: 'check {{ host.name }}'}]\n"
    probe = plan("- {notice: x}", head=head).probe("up")
    assert [probe.action_on(host) for host in probe.hosts] == [
        CommandAction(shell=f"check {one}") for one in probe.hosts
    ]


@pytest.mark.parametrize(
    ("web2", "found"),
    [
        (Host(name="web2", address="10.0.0.1"), ["same-machine"]),
        (Host(name="web2", address="10.0.0.2"), []),
        (Host(name="web2", address="10.0.0.1", port=2222), []),
    ],
)
def test_hosts_with_one_address_are_warned_of(web2: Host, found: list[str]) -> None:
    known = inventory()
    hosts = {**known.hosts, "web1": Host(name="web1", address="10.0.0.1"), "web2": web2}
    twins = msgspec.structs.replace(known, hosts=hosts)
    runbook = parse_runbook(text_of("- {command: uptime, on: 'web1,web2', timeout: 1s}").encode(), "t.yaml")
    made = compile_plan(runbook, twins)
    assert [one.code for one in made.warnings if one.code == "same-machine"] == found


def test_what_measures_data_loss_is_planned_on_its_one_host_which_is_reached_before_anything_changes() -> None:
    mark = "{source: {command: position, on: db1}, recovered: {command: reached, on: db2}, unit: bytes}"
    made = plan("- {notice: x}", head=f"recovery_point: {{watermark: {mark}}}\n")
    assert made.watermark == PlannedWatermark(
        source=CommandAction(shell="position"),
        source_on="db1",
        recovered=CommandAction(shell="reached"),
        recovered_on="db2",
        unit="bytes",
    )
    assert made.sections[0].steps[0].hosts == ("db1", "db2")
    assert [host.name for host in made.hosts] == ["db1", "db2"]
    backup = "{command: newest, on: db2, clock: db1}"
    made = plan("- {notice: x}", head=f"recovery_point: {{backup: {backup}}}\n")
    assert made.backup == PlannedBackup(read=CommandAction(shell="newest"), read_on="db2", clock="db1")


def test_data_loss_is_measured_by_one_method_on_one_host_each() -> None:
    assert codes("- {notice: x}", head="recovery_point: {backup: {command: newest, on: web}}\n") == ["one-host"]
