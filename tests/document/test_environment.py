"""environment.yaml: what a place is and how careful to be there."""

import pytest

from runbook.core.answers import gate_kinds
from runbook.core.host_key import HostKeys
from runbook.core.planned.plan import Environment
from runbook.document.environment_file import careful, parse_environment
from runbook.inventory.reading import read_inventory
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
freeze: ["2026-12-20/2027-01-03 year-end closing"]
zone: Europe/Berlin
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
        freeze=("2026-12-20/2027-01-03 year-end closing",),
        zone="Europe/Berlin",
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
zone: Mars/Base
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
        (9, "bad-value"),
    ]
    assert all(problem.fix for problem in refused.value.problems if problem.code != "bad-choice")


def test_a_role_that_names_nobody_is_a_mistake_and_so_is_a_number_of_runs_below_none():
    text = b"roles: {lead: [], '': [ada], oncall: [linus]}\nmax_parallel_runs: -1\n"
    with pytest.raises(Problems) as refused:
        parse_environment(text, "environment.yaml", name="here")
    assert sorted((problem.where.line, problem.code) for problem in refused.value.problems) == [
        (1, "empty-role"),
        (1, "empty-role"),
        (2, "bad-value"),
    ]


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


def place(root, keys: str, hosts: str = "web1\nweb2 ansible_ssh_common_args='-o StrictHostKeyChecking=accept-new'\n"):
    """A workspace with one inventory whose environment says that of host keys."""
    folder = root / "inventories/here"
    folder.mkdir(parents=True)
    (folder / "hosts.ini").write_text(hosts)
    (folder / "environment.yaml").write_text(f"host_keys: {keys}\n")
    (folder / "known_hosts").write_text("web1 ssh-ed25519 AAAA\n")
    return folder


def test_host_keys_are_strict_and_a_changed_one_is_refused_unless_the_place_says_otherwise():
    assert Environment(name="here").host_keys is None
    assert not Environment(name="here").asks_about_changed_keys
    assert HostKeys() == HostKeys(mode="strict", changed="refuse", known_hosts="known_hosts")
    asking = parse_environment(b"host_keys: {changed: ask}\n", "environment.yaml", name="here")
    assert (asking.host_keys, asking.asks_about_changed_keys) == (HostKeys(changed="ask"), True)


def test_a_place_may_demand_that_records_are_signed():
    assert Environment(name="here").seal == ""
    assert parse_environment(b"seal: fido\n", "environment.yaml", name="here").seal == "fido"
    with pytest.raises(Problems) as caught:
        parse_environment(b"seal: maybe\n", "environment.yaml", name="here")
    assert [found.code for found in caught.value.problems] == ["bad-choice"]


@pytest.mark.parametrize(
    ("keys", "modes"),
    [
        ("", {"web1": "strict", "web2": "accept-new"}),
        ("{changed: ask}", {"web1": "strict", "web2": "strict"}),
        ("{mode: strict}", {"web1": "strict", "web2": "strict"}),
        ("{mode: accept-new}", {"web1": "accept-new", "web2": "accept-new"}),
        ("{mode: pinned}", {"web1": "pinned", "web2": "pinned"}),
    ],
)
def test_a_place_that_speaks_of_host_keys_speaks_for_all_its_hosts(tmp_path, keys, modes):
    place(tmp_path, keys or "null")
    hosts = read_inventory("here", workspace=tmp_path).hosts
    assert {name: host.host_keys for name, host in hosts.items()} == modes


def test_a_place_that_takes_new_keys_makes_no_strict_host_less_strict(tmp_path):
    place(tmp_path, "{mode: accept-new}", "web1 ansible_ssh_common_args='-o StrictHostKeyChecking=yes'\n")
    assert read_inventory("here", workspace=tmp_path).hosts["web1"].host_keys == "strict"


def test_pinned_keys_come_from_the_file_of_the_place_alone_and_it_travels_with_the_record(tmp_path):
    own = "web1 ansible_ssh_common_args='-o UserKnownHostsFile=/home/ada/.ssh/known_hosts'\n"
    folder = place(tmp_path, "{mode: pinned}", own)
    inventory = read_inventory("here", workspace=tmp_path)
    host = inventory.hosts["web1"]
    assert host.known_hosts == (str(folder / "known_hosts"),)
    assert host.origins["known_hosts"] == host.origins["host_keys"] == "inventories/here/environment.yaml"
    assert str(folder / "known_hosts") in inventory.files


@pytest.mark.parametrize(
    ("keys", "line", "what"),
    [
        ("{mode: off}", 1, '"off" is not one of accept-new, pinned, strict'),
        ("{mode: pinned, known_hosts: keys/all}", 1, "there is no file of host keys at"),
        ("{mode: strict, known_hosts: known_hosts}", 1, "known_hosts has no effect"),
        ("{changed: yes}", 1, '"yes" is not one of ask, refuse'),
        ("{change: ask}", 1, 'unknown key "change"'),
    ],
)
def test_a_policy_that_cannot_hold_is_a_problem_where_it_stands(tmp_path, keys, line, what):
    place(tmp_path, keys)
    with pytest.raises(Problems) as raised:
        read_inventory("here", workspace=tmp_path)
    (found,) = raised.value.problems
    assert found.what.startswith(what)
    assert (found.where.file, found.where.line) == ("inventories/here/environment.yaml", line)
