"""One template that cannot be read hides nothing else that is wrong with a file."""

from __future__ import annotations

import datetime as dt

import pytest

from runbook.document.runbook_file import parse_runbook
from runbook.planning.lint import lint
from tests.planning.compiling import codes, one, refused, text_of

FAULTY = {
    "an unknown filter": ("echo {{ 'a' | regex_replace('a', 'b') }}", "unknown-filter"),
    "an attribute of everything": ("echo {{ '' | attr('__class__') }}", "unknown-filter"),
    "an unknown test": ("echo {% if 1 is zork %}x{% endif %}", "unknown-filter"),
    "no end": ("echo {{ x", "bad-template"),
    "a statement": ("{% set x = 1 %}", "unsafe-template"),
    "an endless expression": ("echo {{ " + "(" * 300 + "1" + ")" * 300 + " }}", "unsafe-template"),
}
ELSEWHERE = """
- {name: Beside, command: "echo {{ nope }}", on: db}
- {name: Around, command: "true", on: db, env: {A: "{{ nope }}"}, when: "nope == 1"}
- {name: Nowhere, command: "true", on: nohost}
"""


@pytest.mark.parametrize(("text", "code"), FAULTY.values(), ids=FAULTY)
@pytest.mark.parametrize(
    "step",
    [
        "- {{name: Bad, on: db, command: {text}}}",
        "- {{name: Bad, on: db, command: 'true', env: {{A: {text}, B: '{{{{ nope }}}}'}}}}",
        "- {{name: {text}, on: db, command: 'true'}}",
        "- {{name: Bad, on: {text}, command: 'true'}}",
        "- {{name: Bad, on: db, command: 'true', cwd: {text}, rollback: {{command: {text}}}}}",
        "- {{name: Bad, on: db, script: {text}, register: said}}",
        "- {{name: Bad, http: {{url: 'http://x', headers: {{a: {text}}}}}}}",
        "- {{name: Bad, block: [{{name: Inner, on: db, command: {text}}}]}}",
    ],
)
def test_what_is_wrong_elsewhere_is_told_as_well(step: str, text: str, code: str) -> None:
    quoted = "'" + text.replace("'", "''") + "'"
    found = codes(step.format(text=quoted) + ELSEWHERE)
    assert code in found or "template-failed" in found
    assert (found.count("undefined-name") >= 3, "no-hosts" in found) == (True, True)


def test_faults_stand_in_the_place_of_their_text_and_are_told_once() -> None:
    bad = (
        "- {name: Bad, command: \"echo {{ host.name | regex_replace('a','b') }} {{ nope }}\", on: web, when: x is zork}"
    )
    assert [(each.code, str(each.where), each.what) for each in refused(bad)] == [
        ("unknown-filter", "t.yaml:10:105", 'there is no test "zork"'),
        ("undefined-name", "t.yaml:10:105", '"x" is not defined'),
        ("unknown-filter", "t.yaml:10:30", 'there is no filter "regex_replace"'),
        ("undefined-name", "t.yaml:10:30", '"nope" is not defined'),
    ]


def test_warnings_are_given_whatever_templates_are() -> None:
    for text, _ in FAULTY.values():
        quoted = "'" + text.replace("'", "''") + "'"
        steps = f"- {{name: Bad, on: db, script: {{text: {quoted}}}, interpreter: [python3]}}\n- {{name: Next, on: db, command: 'true'}}"
        found = [
            each.code for each in lint(parse_runbook(text_of(steps).encode(), "t.yaml"), today=dt.date(2026, 11, 2))
        ]
        assert found.count("no-timeout") == 2


def test_the_host_in_env_is_waited_for_because_a_plan_has_one_env_for_all_hosts() -> None:
    """Without it every host would be given the value of one, or none."""
    step = one("- {command: echo hi, on: web, env: {NAME: '{{ host.name }}', RACK: 'r'}, cwd: '/srv/{{ host.rack }}'}")
    assert (step.awaits, step.env, step.cwd) == (
        ("host",),
        {"NAME": "{{ host.name }}", "RACK": "r"},
        "/srv/{{ host.rack }}",
    )
