"""No template holds anybody up: whatever is written, and whatever a host answered, it is rendered or refused soon."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runbook.core.host import Host
from runbook.core.result import Result
from runbook.problem import Problem, Problems, nearest
from runbook.template.scope import Scope
from runbook.template.template import evaluate, faults_in, names_in, render

SOON = 3.0
"""Seconds of processor time that the dearest rendering may take on a slow machine; most take a thousandth."""

KEYS = "{" + ",".join(f'"key{number}":{number}' for number in range(5000)) + "}"
NESTED = "[" * 200 + "]" * 200
EMPTY = "[" + ",".join(["[]"] * 20_000) + "]"
SCOPE = Scope(
    parameters={
        "s": "ab" * 32_000,
        "n": 2**60,
        "big": 10**4000,
        "many": [f"item {number}" for number in range(3000)],
        "other": "".join(chr(0x100 + number) for number in range(32_000)),
    },
    registered={
        "keys": {"": Result(stdout=KEYS)},
        "nested": {"": Result(stdout=NESTED)},
        "empty": {"": Result(stdout=EMPTY)},
        "text": {"": Result(stdout="x y " * 16_000)},
        "fleet": {f"web{number}": Result(stdout="x" * 64_000) for number in range(300)},
    },
    hosts={f"web{number}": Host(name=f"web{number}", variables={"rack": "r" * 200}) for number in range(1000)},
    groups={"all": tuple(f"web{number}" for number in range(1000))},
)


def loops(depth: int, body: str, over: str = "s") -> str:
    return "".join(f"{{% for v{level} in {over} %}}" for level in range(depth)) + body + "{% endfor %}" * depth


def doubled(depth: int, use: str) -> str:
    """A list that holds a list twice, that holds a list twice, and so on: a line of text, and as large as one likes."""
    names = ["s", *(f"v{level}" for level in range(depth))]
    opened = "".join(f"{{% for {now} in [[{old}, {old}]] %}}" for old, now in itertools.pairwise(names))
    return opened + use.replace("LAST", names[-1]) + "{% endfor %}" * depth


ENDLESS = {
    "power": "{{ 10**10**9 }}",
    "repetition": "{{ 'x' * 10**9 }}",
    "repetition of a list": "{{ [s] * 1000000 }}",
    "repetition, again and again": "{{ " + "(" * 40 + "'x'" + " * 9)" * 40 + " }}",
    "addition of texts": "{{ " + " + ".join(["s"] * 90) + " }}",
    "addition in a tree": "{{ " + " + ".join(["(" + " + ".join(["(s + s)"] * 40) + ")"] * 40) + " }}",
    "addition of lists": "{{ (many + many + many + many) * 500 }}",
    "large numbers": "{{ " + " * ".join(["(" + " * ".join(["(big * big)"] * 20) + ")"] * 20) + " }}",
    "large numbers divided": "{{ (big * big) // (big - 1) }}",
    "a long number": "{{ ('9' * 1000000) | int }}",
    "a long number in hex": "{{ ('f' * 1000000) | int(base=16) * 2 }}",
    "a width": "{{ '%999999999d' % 1 }}",
    "a format": "{{ '{:>999999999}'.format(1) }}",
    "centring": "{{ 'x' | center(999999999) }}",
    "centring as a method": "{{ 'x'.center(999999999) }}",
    "a range": "{% for i in range(10**9) %}x{% endfor %}",
    "indent": "{{ s | indent(999999999) }}",
    "wordwrap": "{{ s | wordwrap(1) }}",
    "urlize": "{{ s | urlize }}",
    "a round of digits": "{{ n | round(999999999) }}",
    "replacement": "{{ s | replace('a', s) }}",
    "replacement of nothing": "{{ s | replace('', s) }}",
    "joining": "{{ s | join(s) }}",
    "joining long texts": "{{ [s, s, s, s] | join(s * 16) }}",
    "concatenation": "{{ " + " ~ ".join(["s"] * 90) + " }}",
    "concatenation of lists": doubled(24, "{{ LAST ~ 'x' }}"),
    "nested loops": loops(6, "x"),
    "nested loops that do nothing": loops(3, ""),
    "nested loops over much": loops(2, "{{ s | upper }}"),
    "loops with slices": loops(2, "{{ s[1:] | length }}"),
    "loops with comparisons": loops(2, "{% if s < s ~ 'x' %}{% endif %}"),
    "loops with searches": loops(2, "{% if 'bb' in s %}{% endif %}"),
    "loops with methods": loops(2, "{% if s.strip() %}{% endif %}"),
    "loops with much inside": loops(2, "{% if n %}{% endif %}" * 2000),
    "loops that ask their length": loops(4, "{{ loop.length }}"),
    "recursion": "{% for a in many recursive %}{{ loop(many) }}{% endfor %}",
    "stripping": "{{ s.strip(s) }}{{ other.strip(other) }}",
    "trimming": "{{ other | trim(other) }}",
    "splitting": loops(2, "{{ s.split('b') | length }}"),
    "doubling, written": doubled(40, "{{ LAST }}"),
    "doubling, for a shell": doubled(25, "{{ LAST | quote }}"),
    "doubling, as JSON": doubled(40, "{{ LAST | tojson }}"),
    "doubling, as text": doubled(40, "{{ LAST | string }}"),
    "doubling, compared": doubled(40, "{{ LAST == [LAST, LAST] }}{{ [LAST] in [[LAST]] }}"),
    "doubling, sorted": doubled(40, "{{ [LAST, LAST, [LAST]] | sort | length }}"),
    "doubling, tested": doubled(40, "{{ LAST is eq [LAST] }}"),
    "doubling mappings": doubled(40, "{{ {'a': LAST, 'b': LAST} | tojson }}"),
    "sum of lists": "{{ empty.json | sum(start=[]) | length }}" * 100,
    "sum of texts": "{{ many | sum(start='') }}",
    "sum of numbers": loops(2, "{{ [big, big, big] | sum }}"),
    "map of a filter": "{{ s | map('replace', 'a', s) | list }}",
    "map of maps": "{{ s | map('list') | map('join', s) | list }}",
    "select by text": loops(1, "{{ s | select('in', s) | list | length }}"),
    "sorted again and again": loops(1, "{{ many | sort | length }}"),
    "unique": loops(1, "{{ many | unique | list | length }}"),
    "a name of many": loops(1, "{{ keys.json.nope | default(1) }}"),
    "a long name": "{{ keys.json['" + "n" * 100_000 + "'] }}",
    "an attribute": "{{ s | map(attribute='" + "a." * 30_000 + "') | list }}",
    "all hosts as JSON": loops(1, "{{ hosts | tojson | length }}", "groups.all"),
    "all results as JSON": "{{ fleet.host | tojson }}",
    "all results as text": "{{ fleet | string }}{{ fleet ~ fleet }}",
    "every host written": loops(2, "{{ hosts }}", "groups.all"),
    "urlencode": loops(1, "{{ s | urlencode }}"),
    "a deep answer": "{{ nested.json }}{{ nested.json == nested.json }}",
    "much output": loops(1, "{{ s }}"),
    "a long template": "{{ n }}" * 40_000,
    "a long expression": "{{ " + ", ".join(["n"] * 40_000) + " }}",
    "open braces": "{% raw %}" + "{{ " * 40_000 + "{% endraw %}{{ n }}",
    "an open comment": "{#" * 100_000,
    "an open text": "{{ '" + "\\'" * 100_000,
    "digits": "{{ " + "1_" * 100_000 + " }}",
    "white space": "{%" + " " * 500_000,
    "deep loops": loops(40, "x", "[1]"),
}  # fmt: skip


REFUSALS = {"unsafe-template", "bad-template", "template-failed", "undefined-name"}


def spent(work: Callable[[], object]) -> float:
    """Seconds of processor time until it gave a value or refused."""
    began = time.process_time()
    refused: tuple[Problem, ...] = ()
    try:
        work()
    except Problems as problems:
        refused = problems.problems
    took = time.process_time() - began
    assert {problem.code for problem in refused} <= REFUSALS
    return took


@pytest.mark.parametrize("template", ENDLESS.values(), ids=ENDLESS)
@pytest.mark.parametrize("shell", [False, True], ids=["text", "shell"])
def test_a_template_without_end_is_rendered_or_refused_soon(template: str, shell: bool) -> None:
    assert spent(lambda: names_in(template)) < SOON
    assert spent(lambda: faults_in(template)) < SOON
    assert spent(lambda: render(template, SCOPE, shell=shell)) < SOON


@pytest.mark.parametrize(
    "expression",
    [
        "10**10**9",
        "'x' * 10**9 == s",
        " or ".join(["s < s ~ 'x'"] * 80),
        "hosts",
        "hosts and keys.json and fleet.host and false",
        "s | map('replace', 'a', s) | list",
        "keys.json.nope is defined",
        "[" * 90 + "s" + "]" * 90,
    ],
)
def test_an_expression_without_end_is_evaluated_or_refused_soon(expression: str) -> None:
    assert spent(lambda: evaluate(expression, SCOPE)) < SOON


def test_what_a_condition_looked_at_is_told_in_a_line_and_not_in_a_megabyte() -> None:
    assert evaluate("hosts and many and [1] == [1, 2]", SCOPE).values == {
        "hosts": "(1000 values)",
        "many": "(3000 values)",
    }


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ groups.all | join(',') | length }}", "6889"),
        ("{% for name in groups.all %}{{ hosts[name].rack[0] }}{% endfor %}", "r" * 1000),
        ("{{ many | map('upper') | select('in', ['ITEM 1', 'ITEM 2']) | join(' ') }}", "ITEM 1 ITEM 2"),
        ("{{ empty.json | sum(start=[]) | length }}", "0"),
        ("{{ [[1, 2], [3]] | sum(start=[]) | join }}", "123"),
        ("{{ [1, 2.5] | sum }} {{ many | map('length') | sum }}", "3.5 25890"),
        ("{{ [{'a': 2}, {'a': 1}] | sort(attribute='a') | map(attribute='a') | join(',') }}", "1,2"),
        ("{{ [{'a': 2}, {'a': 1}] | sum(attribute='a') }} {{ ['b', 'a'] | max }}", "3 b"),
        ("{{ 'a' ~ 1 ~ true ~ none }} {{ true | string }}", "a1TrueNone True"),
        ("{{ keys.json | length }} {{ keys.json.key7 }} {{ text.stdout[:3] }}", "5000 7 x y"),
        ("{{ 'xx' * 3 }}{{ 3 * 'y' }}{{ 'z' * -1 }}{{ 7 // 2 }}{{ 2 * 2.5 }}{{ -n }}", f"xxxxxxyyy35.0{-(2**60)}"),
        ("{{ ' x '.strip() }}{{ 'xyx'.strip('x') }}{{ 'a,b'.split(',') | join }}", "xyab"),
        ("{{ 3 in [1, 3] }} {{ 1 < 2 < 3 }} {{ [1, [2]] == [1, [2]] }} {{ {'a': 1}.a }}", "true true true 1"),
    ],
)
def test_what_people_write_is_far_from_the_bound(template: str, text: str) -> None:
    assert render(template, SCOPE) == text


def test_the_nearest_of_very_many_or_very_long_names_is_found_soon() -> None:
    assert spent(lambda: nearest("key", [f"key number {number}" for number in range(100_000)])) < SOON
    assert spent(lambda: nearest("ab" * 50_000, ["ba" * 50_000])) < SOON
    assert nearest("key", ["x" * 1000, "keys"]) == 'Did you mean "keys"?'


NAMES = st.sampled_from(
    ["s", "n", "many", "keys.json", "text.stdout", "hosts", "groups.all", "'x'", "3", "[]", "{'a': s}"]
)
FILTERS = st.sampled_from(
    [
        "upper", "list", "join(s)", "join(',')", "sort", "unique", "length", "first", "last", "string", "tojson", "urlencode",
        "map('string')", "lines", "map('list')", "select", "replace('a', s)", "sum", "sum(start=[])", "reverse", "title", "int", "quote",
    ]
)  # fmt: skip
EXPRESSIONS = st.recursive(
    NAMES,
    lambda inner: st.one_of(
        st.builds("({} | {})".format, inner, FILTERS),
        st.builds(
            "({} {} {})".format, inner, st.sampled_from(["+", "*", "~", "==", "in", "<", "and", "-", "//"]), inner
        ),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("({})[1:]".format, inner),
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=60)
@given(EXPRESSIONS, EXPRESSIONS)
def test_any_expression_in_any_loop_ends_soon(over: str, inside: str) -> None:
    assert spent(lambda: render(f"{{% for a in {over} %}}{{{{ {inside} }}}}{{% endfor %}}", SCOPE)) < SOON
