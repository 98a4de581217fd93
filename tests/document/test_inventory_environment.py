"""environment.yaml: what a place is and how careful to be there."""

import pytest

from runbook.core.plan import Environment
from runbook.document.environment_file import careful, gate_kinds, parse_environment
from runbook.document.inventory_file import read_inventory
from runbook.problem import Problems

PRODUCTION = b"""
name: production
purpose: Serves customers
access: restricted
status: live
confirm: typed
auto: none
approvals: {changing: 1, fault: 2}
windows: ["Sun 02:00-06:00 Europe/Berlin", "Mon-Fri,Sun 22:00-24:00 UTC", "daily 00:00-01:00 UTC"]
freeze: ["2026-12-20/2027-01-03"]
protected: [bastion, "group:dns"]
colour: red
roles: {lead: [ada, grace], oncall: [linus]}
"""


def test_an_environment_says_what_the_place_is():
    assert parse_environment(PRODUCTION, "environment.yaml", name="prod") == Environment(
        name="production",
        purpose="Serves customers",
        access="restricted",
        status="live",
        confirm="typed",
        auto=(),
        approvals={"changing": 1, "fault": 2},
        windows=("Sun 02:00-06:00 Europe/Berlin", "Mon-Fri,Sun 22:00-24:00 UTC", "daily 00:00-01:00 UTC"),
        freeze=("2026-12-20/2027-01-03",),
        protected=("bastion", "group:dns"),
        colour="red",
        roles={"lead": ("ada", "grace"), "oncall": ("linus",)},
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", Environment(name="here", confirm="key")),
        (b"purpose: Practice\n", Environment(name="here", confirm="key", purpose="Practice")),
        (b"confirm: none\nauto: all\n", Environment(name="here", confirm="none", auto=("all",))),
        (b"auto: [confirm, choose]\n", Environment(name="here", confirm="key", auto=("confirm", "choose"))),
        (b"colour: '#ff8800'\n", Environment(name="here", confirm="key", colour="#ff8800")),
    ],
)
def test_what_an_environment_does_not_say_is_careful(text, expected):
    assert parse_environment(text, "environment.yaml", name="here") == expected


def test_a_place_without_the_file_asks_for_a_key_and_lets_no_machine_answer(tmp_path):
    (tmp_path / "inventories/here").mkdir(parents=True)
    (tmp_path / "inventories/here/hosts.ini").write_text("web1\n")
    assert read_inventory("here", workspace=tmp_path).environment == careful("here")
    assert careful("here") == Environment(name="here", confirm="key", auto=())


def test_every_mistake_of_an_environment_is_told_at_once():
    text = b"""
confirm: typo
auto: [confirmation]
windows: ["Sunday night", "Sun 02:00-02:00 UTC", "Sun 02:00-06:00 Mars/Base"]
freeze: ["2027-01-03/2026-12-20", "soon"]
colour: rd
approvals: {changes: 1, fault: -1}
protect: [bastion]
"""
    with pytest.raises(Problems) as refused:
        parse_environment(text, "environment.yaml", name="here")
    assert sorted((problem.where.line, problem.code) for problem in refused.value.problems) == [
        (2, "bad-choice"),
        (3, "bad-value"),
        (4, "bad-value"),
        (4, "bad-value"),
        (4, "bad-value"),
        (5, "bad-value"),
        (5, "bad-value"),
        (6, "bad-value"),
        (7, "bad-value"),
        (7, "unknown-key"),
        (8, "unknown-key"),
    ]
    assert all(problem.fix for problem in refused.value.problems if problem.code != "bad-choice")


def test_an_environment_that_is_no_mapping_is_one_problem():
    with pytest.raises(Problems, match="an environment is a mapping"):
        parse_environment(b"- typed\n", "environment.yaml", name="here")


def test_the_gates_that_a_machine_may_be_allowed_to_answer_are_those_that_wait_for_a_person():
    assert gate_kinds() == ("confirm", "approve", "ask", "choose", "manual", "checklist")


def test_a_broken_environment_is_told_together_with_a_broken_inventory(tmp_path):
    place = tmp_path / "inventories/here"
    place.mkdir(parents=True)
    (place / "hosts.ini").write_text("web[3:1]\n")
    (place / "environment.yaml").write_text("colour: rd\n")
    with pytest.raises(Problems) as refused:
        read_inventory("here", workspace=tmp_path)
    assert {problem.where.file for problem in refused.value.problems} == {
        "inventories/here/hosts.ini",
        "inventories/here/environment.yaml",
    }
