"""Selecting hosts: Ansible's patterns, node sets, and what is said when nobody is selected."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.core.host import Host
from runbook.core.inventory import Inventory
from runbook.core.planned.plan import Environment
from runbook.inventory.pattern import idle_protection, protected_hosts, select
from runbook.matching import matcher
from runbook.problem import Problems, Where

GROUPS = {
    "all": ("lone", "web1", "web2", "web3", "db1", "db2"),
    "ungrouped": ("lone",),
    "web": ("web1", "web2", "web3"),
    "db": ("db1", "db2"),
    "eu": ("web1", "db1"),
    "empty": (),
}


def fleet(protected: tuple[str, ...] = ()) -> Inventory:
    return Inventory(
        name="fleet",
        source="inventories/fleet",
        hosts={name: Host(name=name) for name in GROUPS["all"]},
        groups=GROUPS,
        environment=Environment(name="fleet", protected=protected),
    )


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("all", "lone web1 web2 web3 db1 db2"),
        ("web", "web1 web2 web3"),
        ("db2", "db2"),
        ("db,web", "db1 db2 web1 web2 web3"),
        ("web:db", "web1 web2 web3 db1 db2"),
        ("!web2,web", "web1 web3"),
        ("web:&eu", "web1"),
        ("&eu", "web1 db1"),
        ("web:db:&eu:!db1", "web1"),
        ("web[0]", "web1"),
        ("web[-1]", "web3"),
        ("web[0:1]", "web1 web2"),
        ("web[1:]", "web2 web3"),
        ("w*", "web1 web2 web3"),
        ("?b1", "db1"),
        ("~(web|db)1", "web1 db1"),
        ("ungrouped", "lone"),
        ("nodes:web[1-3]!web2", "web1 web3"),
        ("nodes:db2,web1", "db2 web1"),
        ("controller", "controller"),
    ],
)
def test_a_pattern_selects(pattern, names):
    assert select(fleet(), pattern) == tuple(names.split())


@pytest.mark.parametrize(
    ("pattern", "code", "fix"),
    [
        ("wbe", "no-hosts", 'Did you mean "web"?'),
        ("web,wbe", "no-hosts", 'Did you mean "web"?'),
        ("web:!wbe2", "no-hosts", 'Did you mean "web2"?'),
        ("web[7]", "no-hosts", 'Did you mean "web"?'),
        ("web:&db", "no-hosts", None),
        ("empty", "no-hosts", None),
        ("localhost", "no-hosts", 'Write "controller" for the machine that runbook runs on.'),
        ("~[", "bad-pattern", None),
        ("~[[", "bad-pattern", None),
        ("~a{99999999999}", "bad-pattern", None),
        ("~[[]w", "no-hosts", None),
        ("~", "bad-pattern", 'Write "all" if every host is meant.'),
        ("web[", "no-hosts", 'Did you mean "web"?'),
        ("", "bad-pattern", 'Write "all" if every host is meant.'),
        (" , ", "bad-pattern", 'Write "all" if every host is meant.'),
        ("nodes:web[1-", "bad-pattern", None),
        ("nodes:web[1-4]", "no-hosts", None),
        ("nodes:n[1-999999999]", "bad-pattern", "Write a smaller range."),
        ("nodes:n[1-999][1-999]", "bad-pattern", "Write a smaller range."),
        ("nodes:", "no-hosts", None),
        ("[" * 100_000, "bad-pattern", "Split it, or name a group."),
        ("nodes:" + "[" * 100_000, "bad-pattern", "Split it, or name a group."),
        ("*a" * 50_000, "bad-pattern", "Split it, or name a group."),
    ],
)
def test_selecting_nobody_is_an_error_with_the_nearest_name(pattern, code, fix):
    where = Where("drill.yaml", 7, 9)
    with pytest.raises(Problems) as refused:
        select(fleet(), pattern, where=where)
    (problem,) = refused.value.problems
    assert (problem.code, problem.where) == (code, where)
    assert problem.fix == fix if fix else problem.what


def test_an_expression_that_does_not_come_to_an_end_selects_nobody_and_says_so(monkeypatch):
    monkeypatch.setattr(matcher, "WITHIN", 0.05)
    lone = Inventory(
        name="fleet",
        source="inventories/fleet",
        hosts={"a" * 40 + "-1": Host(name="a" * 40 + "-1")},
        groups={"all": ("a" * 40 + "-1",)},
        environment=Environment(name="fleet"),
    )
    with pytest.raises(Problems) as refused:
        select(lone, "~(a+)+$")
    [problem] = refused.value.problems
    assert (problem.code, problem.fix) == ("bad-pattern", "Simplify it.")
    assert "did not answer within 0.05 s" in problem.why


@given(st.text(alphabet="webd123lon[]!&~:,*?.- \\(|", max_size=20))
def test_any_pattern_selects_hosts_of_the_inventory_or_raises_problems(pattern):
    try:
        names = select(fleet(), pattern)
    except Problems:
        return
    assert names
    assert len(set(names)) == len(names)
    assert set(names) <= set(GROUPS["all"])


def test_protected_entries_are_patterns_and_may_match_nobody():
    assert protected_hosts(fleet(("db2", "group:eu", "gone", "group:gone"))) == ("web1", "db1", "db2")
    assert protected_hosts(fleet(("nodes:web[1-2]", "d*"))) == ("web1", "web2", "db1", "db2")
    assert protected_hosts(fleet()) == ()


def test_a_protected_entry_that_protects_nobody_is_a_warning():
    found = idle_protection(fleet(("db2", "group:eu", "dbs", "group:gone")))
    assert [(problem.what, problem.warning) for problem in found] == [
        ('protected "dbs" protects no host of fleet', True),
        ('protected "group:gone" protects no host of fleet', True),
    ]
