"""What Ansible's connection variables and ssh arguments mean to a host."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.core.host import Host
from runbook.inventory.connection import CONNECTION_VARIABLES, describe, merge
from runbook.inventory.draft import written
from runbook.inventory.explain import why_missing
from runbook.inventory.manner import Reading
from runbook.inventory.pattern import select
from runbook.inventory.reading import read_inventory
from runbook.inventory.ssh_arguments import Bastion, bastion_of_command, bastions
from runbook.problem import Problems, Where

HERE = Where("hosts", 1)
FOLDER = Path("/srv/inventories/lab")


def described(**variables: object):
    settings = {name: written(value, HERE) for name, value in variables.items()}
    return describe("h1", merge([settings]), groups=("web",), folder=FOLDER)


def host(**fields: object) -> Host:
    origins = {field: "hosts:1" for field in fields if field not in {"variables", "jump_options"}}
    return Host(name="h1", groups=("web",), origins=origins, **fields)


@pytest.mark.parametrize(
    ("variables", "fields"),
    [
        ({}, {}),
        ({"rack": 4, "ansible_python_interpreter": "/p"}, {"variables": {"rack": 4, "ansible_python_interpreter": "/p"}}),
        (
            {"ansible_host": "10.0.0.5", "ansible_port": 2222, "ansible_user": "deploy", "ansible_become_user": "app"},
            {"address": "10.0.0.5", "port": 2222, "user": "deploy", "become_user": "app"},
        ),
        ({"ansible_port": "2222"}, {"port": 2222}),
        ({"ansible_user": None, "ansible_host": None}, {}),
        ({"ansible_host": "[2001:db8::1]", "ansible_port": 23}, {"address": "2001:db8::1", "port": 23}),
        ({"ansible_host": "[fe80::1%eth0]"}, {"address": "fe80::1%eth0"}),
        ({"ansible_host": "2001:db8::1"}, {"address": "2001:db8::1"}),
        ({"ansible_connection": "local"}, {"connection": "local"}),
        ({"ansible_connection": "ansible.builtin.ssh"}, {"connection": "ssh"}),
        ({"ansible_ssh_private_key_file": "keys/id"}, {"key_files": ("/srv/inventories/lab/keys/id",)}),
        ({"ansible_private_key_file": "/k"}, {"key_files": ("/k",)}),
        ({"ansible_ssh_common_args": "-J ops@b1:22,b2"}, {"jump": "ops@b1:22,b2"}),
        ({"ansible_ssh_extra_args": "-o ProxyJump=none"}, {"jump": "none"}),
        ({"ansible_ssh_common_args": "-o ProxyCommand='ssh -q -W %h:%p -p 23 ops@b1'"}, {"jump": "ops@b1:23"}),
        (
            {"ansible_ssh_common_args": "-o IdentitiesOnly=yes -o 'CertificateFile=my cert.pub' -o IdentityAgent=none"},
            {"ssh_options": ("identitiesonly=yes", "identityagent=none", 'certificatefile="/srv/inventories/lab/my cert.pub"')},
        ),
        (
            {"ansible_ssh_common_args": "-o ProxyCommand='ssh -i /k -F b.cfg -o IdentitiesOnly=yes -W %h:%p -J a b1'"},
            {
                "jump": "a,b1",
                "jump_options": ("identityfile=/k", "configfile=/srv/inventories/lab/b.cfg", "identitiesonly=yes"),
            },
        ),
        ({"ansible_ssh_common_args": "-qtp2222 -l root -i a -i b"}, None),
        (
            {"ansible_ssh_common_args": "-o UserKnownHostsFile=known -o StrictHostKeyChecking=accept-new -o HostKeyAlias=db"},
            {"known_hosts": ("/srv/inventories/lab/known",), "host_keys": "accept-new", "host_key_alias": "db"},
        ),
        (
            {"ansible_ssh_common_args": "-o 'UserKnownHostsFile=\"/my lab/known\" /two' -o GlobalKnownHostsFile=/three"},
            {"known_hosts": ("/my lab/known", "/two"), "ssh_options": ("globalknownhostsfile=/three",)},
        ),
        ({"ansible_ssh_common_args": "-o StrictHostKeyChecking=yes"}, {"host_keys": "strict"}),
        ({"ansible_ssh_common_args": "-F none"}, {"ssh_config": "none"}),
        ({"ansible_ssh_args": '-F ssh.cfg -o "HostName 10.1.1.1"'}, {"ssh_config": "/srv/inventories/lab/ssh.cfg", "address": "10.1.1.1"}),
        ({"ansible_ssh_args": "-o ControlMaster=auto -o ControlPersist=60s -C -o ServerAliveInterval=30"}, {}),
    ],
)  # fmt: skip
def test_connection_variables_become_the_hosts_fields(variables, fields):
    expected = fields
    if expected is None:
        expected = {"port": 2222, "user": "root", "key_files": ("/srv/inventories/lab/a", "/srv/inventories/lab/b")}
    found = described(**variables)
    assert found.host == host(**expected)
    assert (found.problems, found.warnings) == ((), ())


@given(st.dictionaries(st.sampled_from(sorted(CONNECTION_VARIABLES)), st.text("-oJpF%hW:= '\"ssh1,{}\n", max_size=25)))
def test_any_connection_variables_describe_a_host_and_never_raise(variables):
    found = described(**variables)
    assert found.host.name == "h1"
    assert not found.host.address.startswith("-")
    assert not any(part.startswith("-") for part in found.host.jump.split(","))


def test_of_two_names_for_one_thing_the_ssh_one_wins_and_a_difference_is_told():
    found = described(ansible_host="a", ansible_ssh_host="b", ansible_user="same", ansible_ssh_user="same")
    assert (found.host.address, found.host.user) == ("b", "same")
    assert [warning.what for warning in found.warnings] == [
        "ansible_host is set and ansible_ssh_host too, with another value"
    ]


def test_options_count_in_the_order_in_which_ssh_would_meet_them():
    everything = {
        "ansible_ssh_args": "-o Port=1",
        "ansible_port": 2,
        "ansible_ssh_common_args": "-p 3",
        "ansible_ssh_extra_args": "-p 4",
    }
    ports = []
    while everything:
        ports.append(described(**everything).host.port)
        del everything[next(iter(everything))]
    assert ports == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("variables", "what"),
    [
        ({"ansible_ssh_common_args": "-o StrictHostKeyChecking=no"}, "StrictHostKeyChecking=no has no effect"),
        ({"ansible_host_key_checking": False}, "switching host key checking off has no effect"),
        ({"ansible_ssh_common_args": "-o UserKnownHostsFile=/dev/null"}, "a known_hosts file of nothing is ignored"),
        ({"ansible_ssh_common_args": "-A"}, 'ssh argument "-A" is ignored'),
        ({"ansible_ssh_common_args": "-o ForwardAgent=yes"}, 'ssh argument "-o ForwardAgent=yes" is ignored'),
        ({"ansible_become": True}, "ansible_become has no effect"),
        ({"ansible_become_method": "su"}, "ansible_become_method su is not supported"),
    ],
)
def test_what_is_not_obeyed_is_told_and_the_guard_stays_up(variables, what):
    found = described(**variables)
    assert [warning.what for warning in found.warnings] == [what]
    assert found.host == host()
    assert found.problems == ()


@pytest.mark.parametrize(
    ("variables", "what"),
    [
        ({"ansible_connection": "winrm"}, "ansible_connection is 'winrm'"),
        ({"ansible_port": "ssh"}, "ansible_port is 'ssh'"),
        ({"ansible_port": 70000}, "ansible_port is '70000'"),
        ({"ansible_host": "-oProxyCommand=x"}, "the address is '-oProxyCommand=x'"),
        ({"ansible_user": "a b"}, "the user is 'a b'"),
        ({"ansible_host": "{{ ip }}"}, "ansible_host is a Jinja template"),
        ({"ansible_ssh_common_args": "-o ProxyCommand='{{ proxy }}'"}, "ansible_ssh_common_args is a Jinja template"),
        ({"ansible_ssh_common_args": "-o ProxyCommand='nc %h %p'"}, 'cannot connect through "nc %h %p"'),
        ({"ansible_ssh_common_args": "-J 'a b'"}, 'cannot connect through "a b"'),
        (
            {"ansible_ssh_common_args": "-o 'UserKnownHostsFile=\"open'"},
            "a list of known_hosts files is '\"open'",
        ),
        ({"ansible_ssh_common_args": "-o 'open"}, "a quotation in ssh arguments is not closed"),
    ],
)
def test_what_would_connect_elsewhere_or_not_at_all_is_a_problem_of_that_host(variables, what):
    found = described(**variables)
    assert [(problem.what, problem.where) for problem in found.problems] == [(what, HERE)]


def test_a_host_that_cannot_be_connected_to_blocks_only_those_who_select_it(tmp_path):
    place = tmp_path / "inventories/here"
    place.mkdir(parents=True)
    text = "[web]\nweb1\n[switch]\nsw[1:2]\n[switch:vars]\nansible_connection=network_cli\nansible_user={{ admin }}\n"
    (place / "hosts.ini").write_text(text)
    inventory = read_inventory("here", workspace=tmp_path)
    assert select(inventory, "web") == ("web1",)
    with pytest.raises(Problems) as refused:
        select(inventory, "all")
    assert [(problem.where.line, problem.what) for problem in refused.value.problems] == [
        (7, "ansible_user is a Jinja template"),
        (6, "ansible_connection is 'network_cli'"),
    ]
    given = Reading(overrides={"ansible_connection": "ssh", "ansible_user": "root"})
    assert len(select(read_inventory("here", workspace=tmp_path, reading=given), "all")) == 3


@pytest.mark.parametrize(
    ("command", "jump"),
    [
        ("none", "none"),
        ("ssh -W %h:%p bastion", "bastion"),
        ("ssh -W %h:%p ops@2001:db8::1", "ops@[2001:db8::1]"),
        ("ssh -W [%h]:%p -p 2222 fe80::1%eth0", "[fe80::1%eth0]:2222"),
        ("/usr/bin/ssh -l ops bastion.example.org -q -W [%h]:%p -p 2222", "ops@bastion.example.org:2222"),
        ("ssh -o StrictHostKeyChecking=no -W %h:%p ops@bastion", "ops@bastion"),
    ],
)
def test_a_proxy_command_that_only_forwards_is_a_bastion(command, jump):
    assert bastion_of_command(command) == Bastion(jump)


@pytest.mark.parametrize(
    "command", ["nc %h %p", "ssh bastion nc %h %p", "ssh -W other:22 bastion", "ssh -W %h:%p", "", "'"]
)
def test_a_proxy_command_that_does_anything_else_is_not_followed(command):
    with pytest.raises(ValueError, match=r"ssh -W|forward"):
        bastion_of_command(command)


@pytest.mark.parametrize("value", ["-oProxyCommand=x", "a b", "", "a,,b", "host:port"])
def test_a_jump_that_names_no_host_is_refused(value):
    with pytest.raises(ValueError, match="is no"):
        bastions(value)


def test_a_password_that_only_ansible_can_read_is_never_asked_for_on_the_command_line(tmp_path: Path) -> None:
    place = tmp_path / "inventories/here"
    place.mkdir(parents=True)
    (place / "hosts.ini").write_text("web1 ansible_user='{{ who }}'\nweb2 ansible_password='{{ word }}'\n")
    inventory = read_inventory("here", workspace=tmp_path)
    found = (*inventory.unusable["web1"], *why_missing(inventory, "web2", "ansible_password"))
    assert [problem.fix for problem in found] == [
        "Write the value itself, or give it when you start: -e ansible_user=VALUE.",
        "Write the value itself in a file that only you can read, or use --inventory-via ansible-inventory.",
    ]
