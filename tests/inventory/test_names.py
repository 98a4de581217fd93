"""What may stand where a host stands in an inventory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.inventory.host_expression import MAX_EXPANDED, HostExpression, expand
from runbook.problem import Problems, Where

HERE = Where("hosts", 3)


@pytest.mark.parametrize(
    ("text", "names", "port"),
    [
        ("web1", ("web1",), None),
        ("web1.example.org:2222", ("web1.example.org",), 2222),
        ("web[1:3]", ("web1", "web2", "web3"), None),
        ("web[08:11]", ("web08", "web09", "web10", "web11"), None),
        ("web[:2]", ("web0", "web1", "web2"), None),
        ("web[1:9:4]x", ("web1x", "web5x", "web9x"), None),
        ("db-[a:c]:22", ("db-a", "db-b", "db-c"), 22),
        ("r[1:2]n[1:2]", ("r1n1", "r1n2", "r2n1", "r2n2"), None),
        ("10.0.0.[9:11]", ("10.0.0.9", "10.0.0.10", "10.0.0.11"), None),
        ("[2001:db8::1]:22", ("2001:db8::1",), 22),
        ("2001:db8::1", ("2001:db8::1",), None),
        ("[web[1:2]]", None, None),
        ("_gateway", ("_gateway",), None),
    ],
)
def test_an_expression_names_hosts_in_counting_order(text, names, port):
    if names is None:
        with pytest.raises(Problems):
            expand(text, HERE)
    else:
        assert expand(text, HERE) == HostExpression(names, port)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("web[3:1]", 'range "[3:1]" runs backwards'),
        ("web[01:100]", 'the bounds of range "[01:100]" differ in length'),
        ("web[1:]", 'range "[1:]" has no end'),
        ("web[1]", '"[1]" is no range'),
        ("web[1:5:0]", 'the step of range "[1:5:0]" is "0"'),
        ("web[a:5]", 'range "[a:5]" has bounds that are neither two numbers nor two letters'),
        ("web[1:999999999]", f'range "[1:999999999]" names more than {MAX_EXPANDED} hosts'),
        ("web[1:999][1:999]", f"its ranges name more than {MAX_EXPANDED} hosts"),
        ("web:0", "0 is no port"),
        ("web:70000", "70000 is no port"),
        ("controller", '"controller" is the machine that runbook runs on'),
        ("a" * 254, "it is longer than 253 characters"),
    ],
)
def test_an_expression_that_names_nobody_says_why(text, why):
    with pytest.raises(Problems) as refused:
        expand(text, HERE)
    (problem,) = refused.value.problems
    assert (problem.what, problem.why, problem.where, problem.code) == (
        f'"{text}" names no host',
        why,
        HERE,
        "bad-host",
    )
    assert problem.fix


@pytest.mark.parametrize(
    "text", ["-oProxyCommand=x", "../etc", "a/b", "a b", "\x1b[31m", ".hidden", "web:", "", "ho\u202est"]
)
def test_a_name_that_is_no_file_no_word_and_no_safe_argument_is_refused(text):
    with pytest.raises(Problems):
        expand(text, HERE)


@given(st.text(max_size=30))
def test_any_text_names_hosts_or_raises_problems(text):
    try:
        names = expand(text, HERE).names
    except Problems:
        return
    assert names
    assert all("/" not in name and not name.startswith(("-", ".")) for name in names)
