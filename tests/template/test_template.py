"""What templates may say, how their values are written, and what they are refused."""

from __future__ import annotations

import json
import shlex
import subprocess
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.core.host import Host
from runbook.core.planned.action import ChooseAction, CommandAction, HttpAction, Option, ScriptAction
from runbook.core.planned.command import MASK, Secret
from runbook.core.result import Result
from runbook.problem import Problems
from runbook.template.action_texts import names_in_action, render_action
from runbook.template.scope import InOrder, Scope
from runbook.template.template import (
    FOREIGN_BRACES,
    Evaluation,
    altered_in,
    evaluate,
    faults_in,
    faults_in_expression,
    names_in,
    names_in_expression,
    raw_in,
    render,
    value_of,
)

SCOPE = Scope(
    parameters={
        "text": "a b; rm -rf /",
        "n": 10,
        "none": None,
        "flag": True,
        "pw": Secret("pw", "s3 cret"),
        "many": ["a b", "c"],
    },
    registered={
        "lag": {"db1": Result(rc=3, stdout='{"x": 1}\n', stderr="e\n", duration=0.5)},
        "both": {"web1": Result(stdout="1"), "web2": Result(stdout="2")},
        "ticket": {"": Result(value="CHG-1")},
    },
    host=Host(name="web1", address="10.0.0.1", groups=("web",), variables={"rack": "r1", "tpl": "{{ x }}"}),
    hosts={"app1": Host(name="app1", variables={"port": 80, "http_port": 8080})},
    groups={"db": ("db1", "db2")},
    run={"name": "t", "verdict": "completed"},
)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain", "plain"),
        ("{{ n }} {{ flag }} {{ none }}", "10 true "),
        ("{{ many }}", "a b, c"),
        ("{{ host }} {{ host.name }} {{ host.address }} {{ host.rack }}", "web1 web1 10.0.0.1 r1"),
        ("{{ hosts.app1.http_port }} {{ hosts['app1'].address }}", "8080 app1"),
        ("{{ groups.db | join('+') }}", "db1+db2"),
        ("{{ lag.rc }} {{ lag.stdout }} {{ lag.json.x }} {{ lag.stderr }}", '3 {"x": 1} 1 e'),
        ("{{ both.stdout }}", "1"),
        ("{{ both['web2'].stdout }} {{ both.host['web2'].stdout }}", "2 2"),
        ("{{ ticket }} {{ ticket.value }}", "CHG-1 CHG-1"),
        ("{{ run.name }}: {{ run.verdict }}", "t: completed"),
        ("{% for h in groups.db %}{{ loop.index }}{{ h }}{% if not loop.last %},{% endif %}{% endfor %}", "1db1,2db2"),
        ("{{ text | upper | replace('A', 'z') | trim }}", "z B; RM -RF /"),
        ("{{ missing | default('x') }}", "x"),
        ("{{ {'a': 1} | tojson }}", '{"a":1}'),
        ("{{ 7 / 2 | round }} {{ '3' | int + 1 }}", "3.5 4"),
        ("a\n", "a\n"),
        ("{{ n }}\n", "10\n"),
    ],
)
def test_a_template_writes_its_values(template: str, text: str) -> None:
    assert render(template, SCOPE) == text


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("echo {{ text }}", "echo 'a b; rm -rf /'"),
        ("echo {{ text | raw }}", "echo a b; rm -rf /"),
        ("echo {{ many }}", "echo 'a b' c"),
        ("echo {{ none }}", "echo ''"),
        ("echo {{ text | upper }}", "echo 'A B; RM -RF /'"),
        ("echo {{ text | quote }}", "echo 'a b; rm -rf /'"),
        ("echo {{ host.rack }}", "echo r1"),
    ],
)
def test_in_a_shell_values_are_quoted_unless_they_are_raw(template: str, text: str) -> None:
    assert render(template, SCOPE, shell=True) == text


@given(st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0")))
def test_no_value_leaves_its_quotes(value: str) -> None:
    rendered = render("{{ v }}", Scope(parameters={"v": value}), shell=True)
    assert shlex.split(rendered) == [value]


def test_a_real_shell_reads_back_what_was_quoted() -> None:
    value = 'it\'s $(id) `id` "x" \\ * \n ~ é'
    text = render("printf %s {{ v }}", Scope(parameters={"v": value}), shell=True)
    assert subprocess.run(["/bin/sh", "-c", text], capture_output=True, check=True).stdout.decode() == value


@pytest.mark.parametrize(
    "text",
    [
        "docker ps --format '{{.Names}}'",
        "promtool test '{{ $labels.instance }}'",
        "echo ${#name}",
        "echo ${#name} and ${other#} x",
        "{% raw %}{{ x",
    ],
)
def test_braces_of_another_language_are_told_how_to_stand_there(text: str) -> None:
    [fault] = faults_in(text)
    assert (fault.code, fault.fix) == ("bad-template", FOREIGN_BRACES)


def test_what_stands_in_raw_is_left_as_it_is() -> None:
    text = "docker ps --format '{% raw %}{{.Names}}{% endraw %}' | grep {{ text }}; echo {% raw %}${#x}{% endraw %}"
    assert names_in(text) == {"text"}
    assert render(text, SCOPE, shell=True) == "docker ps --format '{{.Names}}' | grep 'a b; rm -rf /'; echo ${#x}"


def test_lines_are_those_that_hold_something() -> None:
    scope = Scope(registered={"found": {"web1": Result(stdout="a b\r\n\n  c\n")}}, host=Host(name="web1"))
    assert render("{{ found.stdout | lines | length }}", scope) == "2"
    assert render("rm {{ found | lines }}", scope, shell=True) == "rm 'a b' '  c'"


def test_a_secret_is_written_out_only_for_sending() -> None:
    assert render("{{ pw }}", SCOPE) == MASK
    assert render("{{ pw }}", SCOPE, reveal=True) == "s3 cret"
    assert render("{{ pw }}", SCOPE, shell=True, reveal=True) == "'s3 cret'"
    assert render("{{ pw | raw }}", SCOPE, shell=True, reveal=True) == "'s3 cret'"


@pytest.mark.parametrize(
    ("template", "code", "words"),
    [
        ("{{ lgg }}", "undefined-name", '"lgg" is not defined'),
        ("{{ host.rak }}", "undefined-name", 'host web1 has no "rak". Did you mean "rack"?'),
        ("{{ run.verdikt }}", "undefined-name", 'no "verdikt"'),
        ("{{ lag.json.y.z }}", "undefined-name", 'no "y"'),
        ("{{ host.tpl }}", "template-failed", "itself a template"),
        ("{{ Registered }}{{ both.host.web9 }}", "undefined-name", '"Registered" is not defined'),
        ("{{ ''.__class__ }}", "undefined-name", '"__class__"'),
        ("{{ ''['__class__'] }}", "undefined-name", '"__class__"'),
        ("{{ text.format(1) }}", "undefined-name", '"format"'),
        ("{{ n.bit_length() }}", "undefined-name", '"bit_length"'),
        ("{{ host.__struct_fields__ }}", "undefined-name", "__struct_fields__"),
        ("{{ lag.results }}", "undefined-name", '"results"'),
        ("{{ range(9) }}", "undefined-name", '"range" is not defined'),
        ("{{ 2 ** 99 }}", "unsafe-template", "operator **"),
        ("{{ '%999999d' % 1 }}", "unsafe-template", "operator %"),
        ("{{ 'a' * 9999999 }}", "unsafe-template", "a value of more than 1,048,576 characters"),
        ("{{ text | replace('a', text * 99999) }}", "unsafe-template", "a value of more than 1,048,576 characters"),
        ("{% set x = 1 %}", "unsafe-template", "assign"),
        ("{% include 'x' %}", "unsafe-template", "include"),
        ("{% macro m() %}{% endmacro %}", "unsafe-template", "macro"),
        ("{% for x in many recursive %}{% endfor %}", "unsafe-template", "for"),
        ("{{ text | attr('x') }}", "bad-template", "No filter named 'attr'"),
        ("{{ text", "bad-template", "unexpected end of template"),
        ("{{ 1 / 0 }}", "template-failed", "division by zero"),
        ("{{ n < 'a' }}", "template-failed", "not supported"),
    ],
)
def test_what_a_template_may_not_do_is_a_problem_with_a_reason(template: str, code: str, words: str) -> None:
    with pytest.raises(Problems) as caught:
        render(template, SCOPE)
    [problem] = caught.value.problems
    assert problem.code == code
    assert words in str(problem)


def test_a_result_of_several_hosts_has_to_say_which() -> None:
    with pytest.raises(Problems) as caught:
        render("{{ both.stdout }}", Scope(registered=SCOPE.registered))
    assert "write both['HOST'], HOST being one of web1, web2" in str(caught.value)


@pytest.mark.parametrize(
    "inner", ["+".join("1" * 5000), "(" * 3000 + "1" + ")" * 3000, "not " * 3000 + "1", "a" + ".b" * 3000]
)
def test_an_expression_that_is_too_long_to_walk_is_a_problem(inner: str) -> None:
    for text, find in (("{{" + inner + "}}", faults_in), (inner, faults_in_expression)):
        [fault] = find(text)
        assert fault.code in {"unsafe-template", "template-failed"}
    assert names_in("{{" + inner + "}}") == names_in_expression(inner) == frozenset()


def test_loops_and_output_are_bounded() -> None:
    long = Scope(parameters={"s": "x" * 2000})
    for template in ("{% for a in s %}{% for b in s %}{% endfor %}{% endfor %}", "{% for a in s %}{{ s }}{% endfor %}"):
        with pytest.raises(Problems) as caught:
            render(template, long)
        assert caught.value.problems[0].code == "unsafe-template"


def test_an_expression_says_what_it_looked_at() -> None:
    assert evaluate("lag.rc == 3 and ticket == 'CHG-1' and n > 5", SCOPE) == Evaluation(
        True, {"lag.rc": 3, "ticket": "CHG-1", "n": 10}
    )
    assert evaluate("pw == 's3 cret'", SCOPE) == Evaluation(False, {"pw": MASK})
    assert evaluate("both['web2'].stdout == '2'", SCOPE) == Evaluation(True, {"both['web2'].stdout": "2"})


def test_results_are_gone_through_in_the_order_of_the_plan_in_whatever_order_they_are_kept() -> None:
    hosts = {name: Host(name=name) for name in ("web2", "db1", "web1")}
    kept = {name: Result(stdout=f"of {name}") for name in ("web1", "web2", "", "elsewhere", "db1")}
    scope = Scope(registered={"u": InOrder(kept, hosts)}, hosts=hosts)
    text = "{% for name, result in u.host.items() %}{{ name }}:{{ result.stdout }} {% endfor %}"
    assert render(text, scope) == "web2:of web2 db1:of db1 web1:of web1 :of  elsewhere:of elsewhere "
    assert list(json.loads(render("{{ u.host | tojson }}", scope))) == ["web2", "db1", "web1", "", "elsewhere"]


def test_work_of_no_host_picks_one_of_several_results() -> None:
    """An assertion runs on no host, so the bare name has no value there, and must not be asked for one."""
    nowhere = replace(SCOPE, host=None, parameters={"node": "web2"})
    assert evaluate("both['web2'].stdout == '2'", nowhere) == Evaluation(True, {"both['web2'].stdout": "2"})
    assert evaluate("both[node].stdout == '2'", nowhere) == Evaluation(True, {"both[node].stdout": "2", "node": "web2"})
    with pytest.raises(Problems, match="write both\\['HOST'\\]"):
        evaluate("both.stdout == '2'", nowhere)


def test_what_cannot_be_told_is_left_out_of_what_was_looked_at() -> None:
    found = evaluate("lag.json.x == 1 and lag.stderr.strip() == 'e' and missing is not defined", SCOPE)
    assert found == Evaluation(True, {"lag.json.x": 1, "lag.stderr": "e"})


@pytest.mark.parametrize("expression", ["n >", "a b", "zz", "n }} {{ n", "(" * 500, "n > 'a'", "{{ n }}"])
def test_what_is_no_expression_is_a_problem(expression: str) -> None:
    with pytest.raises(Problems):
        evaluate(expression, SCOPE)


def test_the_names_that_a_text_needs_are_known_without_rendering_it() -> None:
    assert names_in("{{ a.b }} {% for x in y %}{{ x }}{% endfor %}") == {"a", "y"}
    assert names_in_expression("a.rc == 0 and b is defined") == {"a", "b"}
    action = HttpAction(url="http://{{ a }}", headers={"X": "{{ b }}"}, body="{{ c }}")
    assert names_in_action(action) == {"a", "b", "c"}


def test_unknown_filters_and_tests_are_all_named_and_hide_no_name() -> None:
    text = "{{ a | lowr | frob(b) }}{% if c is zork %}{{ d | nope }}{% endif %}"
    assert sorted((each.code, each.what, each.fix) for each in faults_in(text)) == [
        ("unknown-filter", 'there is no filter "frob"', faults_in("{{ a | frob }}")[0].fix),
        ("unknown-filter", 'there is no filter "lowr"', 'Did you mean "lower"?'),
        ("unknown-filter", 'there is no filter "nope"', faults_in("{{ a | nope }}")[0].fix),
        ("unknown-filter", 'there is no test "zork"', faults_in_expression("c is zork")[0].fix),
    ]
    assert names_in(text) == {"a", "b", "c", "d"}
    assert faults_in("{{ a | lower }}") == faults_in("plain | frob") == faults_in_expression("a is defined") == ()


def test_every_text_of_an_action_is_rendered_and_only_shell_texts_are_quoted() -> None:
    action = CommandAction(argv=("x", "{{ text }}"))
    assert render_action(action, SCOPE) == CommandAction(argv=("x", "a b; rm -rf /"))
    script = ScriptAction(text="echo {{ text }}", args=("{{ n }}",))
    assert render_action(script, SCOPE) == ScriptAction(text="echo 'a b; rm -rf /'", args=("10",))
    choose = ChooseAction(prompt="{{ n }}?", options=(Option(label="{{ n }}"),))
    assert render_action(choose, SCOPE) == ChooseAction(prompt="10?", options=(Option(label="10"),))


def test_an_action_without_templates_is_the_same_object() -> None:
    action = CommandAction(shell="true")
    assert render_action(action, SCOPE) is action


def test_a_value_is_never_rendered_again() -> None:
    assert render("{{ v }}", Scope(parameters={"v": "{{ pw }}", "pw": Secret("pw", "x")}), reveal=True) == "{{ pw }}"


def test_a_secret_that_is_more_than_written_out_is_found() -> None:
    secrets = frozenset({"pw"})
    assert altered_in("{{ pw }} {{ pw | raw }} {% if n %}{{ pw }}{% endif %}", secrets) == frozenset()
    for text in ("{{ pw | upper }}", "{{ 'x' ~ pw }}", "{% if pw %}a{% endif %}", "{{ pw[0] }}", "{{ [pw] }}"):
        assert altered_in(text, secrets) == secrets


def test_raw_is_found() -> None:
    assert raw_in("{{ x | raw }}")
    assert not raw_in("{{ raw }} x | raw")


@given(st.text(alphabet="{}%#|()[]'\"abn.~*/-+ \n0123456789_", max_size=60))
def test_any_text_stands_for_a_value_that_a_record_can_hold_or_is_a_problem(text: str) -> None:
    try:
        value = value_of("{{" + text + "}}", SCOPE)
    except Problems as caught:
        assert caught.problems  # noqa: PT017 - either end is right, nothing else is
    else:
        assert json.loads(json.dumps(value, allow_nan=False)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ n + 1 }}", 11),
        (" {{ flag }} ", True),
        ("{{ n > 3 }}", True),
        ("{{ lag }}", "lag"),
        ("{{ [n, {'k': text}] }}", [10, {"k": "a b; rm -rf /"}]),
        ("{{ ['a', 'b'] | map('upper') }}", ["A", "B"]),
        ("{{ 'a b\nc' | lines }}", ["a b", "c"]),
        ("{{ missing | default([]) }}", []),
        ("{{ n }}{{ n }}", "1010"),
        ("n is {{ n }}", "n is 10"),
        ("{% if flag %}{{ n }}{% endif %}", "10"),
        ("plain", "plain"),
    ],
)
def test_one_expression_alone_keeps_the_type_of_its_value(text: str, value: object) -> None:
    found = value_of(text, SCOPE if text != "{{ lag }}" else Scope(registered={"lag": {"h": Result(stdout="lag\n")}}))
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ pw }}", "a secret as a value"),
        ("{{ [pw] }}", "a secret as a value"),
        ("{{ lgg }}", '"lgg" is not defined'),
        ("{{ both.host }}", "that no record can hold"),
        ("{{ 'x' * 70000 }}", "more than 64 KiB"),
        ("{{ '1e999' | float }}", "that no record can hold"),
    ],
)
def test_a_value_that_no_record_can_hold_is_refused(text: str, words: str) -> None:
    with pytest.raises(Problems) as caught:
        value_of(text, SCOPE)
    assert words in str(caught.value)


@given(st.text(alphabet="{}%#|()[]'\"abn.~*/-+ \n0123456789_", max_size=60))
def test_any_text_renders_or_is_a_problem(text: str) -> None:
    for work in (lambda: render("{{" + text + "}}", SCOPE), lambda: render(text, SCOPE), lambda: evaluate(text, SCOPE)):
        try:
            work()
        except Problems as caught:
            assert caught.problems  # noqa: PT017 - either end is right, nothing else is
