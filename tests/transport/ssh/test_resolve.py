"""How a host is reached, and where each value came from."""

import dataclasses

import pytest

from runbook.core.host import Host
from runbook.problem import Problems
from runbook.transport.ssh.resolve import resolve

CONFIG = """\
Include extra.conf
Host db1 db1-alias
  HostName 10.0.0.5
  Port 2222
  User ops
  IdentityFile ~/.ssh/fleet
  IdentitiesOnly yes
  ProxyJump bastion.example.com
  UserKnownHostsFile /etc/fleet/known_hosts
  GlobalKnownHostsFile /etc/fleet/more
  HostKeyAlias db1.fleet
Match originalhost via-command user ops
  ProxyCommand nc -x proxy %h %p
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LOGNAME", "me")
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text(CONFIG)
    (tmp_path / ".ssh" / "extra.conf").write_text("Host included\n  User from-include\n")
    return tmp_path


def test_ssh_config_fills_what_the_inventory_leaves_open(home):
    config = f"{home}/.ssh/config"
    found = resolve(Host(name="db1"), agent="/agent")
    assert dataclasses.asdict(found) == {
        "name": "db1",
        "address": "10.0.0.5",
        "port": 2222,
        "user": "ops",
        "key_files": (f"{home}/.ssh/fleet",),
        "required_keys": (),
        "certificates": (),
        "identities_only": True,
        "agent": "/agent",
        "known_hosts": ("/etc/fleet/known_hosts", "/etc/fleet/more"),
        "new_keys": "/etc/fleet/known_hosts",
        "revoked_keys": "",
        "hashes_names": False,
        "host_key_alias": "db1.fleet",
        "host_key_algorithms": (),
        "jump": "bastion.example.com",
        "proxy_command": "",
        "accepted": None,
        "origins": {
            "address": f"{config} (HostName)",
            "port": f"{config} (Port)",
            "user": f"{config} (User)",
            "key_files": f"{config} (IdentityFile)",
            "known_hosts": f"{config} (UserKnownHostsFile)",
            "host_key_alias": f"{config} (HostKeyAlias)",
            "jump": f"{config} (ProxyJump)",
            "agent": "default",
        },
    }


def test_the_inventory_wins_and_says_from_where(home):
    stated = Host(
        name="db1",
        port=22,
        user="root",
        key_files=("/keys/a",),
        known_hosts=("/known",),
        host_key_alias="other",
        jump="me@hop:2200",
        origins={"user": "hosts.yaml:7"},
    )
    found = resolve(stated)
    assert (found.port, found.user, found.key_files, found.known_hosts, found.host_key_alias, found.jump) == (
        22,
        "root",
        ("/keys/a", f"{home}/.ssh/fleet"),
        ("/known", "/etc/fleet/more"),
        "other",
        "me@hop:2200",
    )
    assert (found.origins["user"], found.origins["port"], found.required_keys) == (
        "hosts.yaml:7",
        "inventory",
        ("/keys/a",),
    )


def test_an_address_that_is_an_alias_leads_where_the_alias_leads(home):
    assert resolve(Host(name="orders-db", address="db1-alias")).address == "10.0.0.5"


def test_included_files_and_match_blocks_count(home):
    assert resolve(Host(name="included")).user == "from-include"
    assert resolve(Host(name="via-command", user="ops")).proxy_command == "nc -x proxy via-command 22"
    assert resolve(Host(name="via-command", user="other")).proxy_command == ""


def test_without_any_configuration_there_are_defaults(home):
    found = resolve(Host(name="db1", ssh_config="none"))
    assert (found.address, found.port, found.user, found.known_hosts[0], found.key_files[0]) == (
        "db1",
        22,
        "me",
        f"{home}/.ssh/known_hosts",
        f"{home}/.ssh/id_rsa",
    )


@pytest.mark.parametrize("text", ["Port many\n", "Host *\n  Port\n"])
def test_a_configuration_that_cannot_be_read_is_named(home, text):
    (home / "bad").write_text(text)
    with pytest.raises(Problems) as raised:
        resolve(Host(name="db1", ssh_config=str(home / "bad")))
    (problem,) = raised.value.problems
    assert (problem.code, problem.where.file) == ("ssh-config", str(home / "bad"))


def test_a_named_configuration_that_is_missing_is_an_error(home):
    with pytest.raises(Problems):
        resolve(Host(name="db1", ssh_config="/no/such/config"))


def test_jump_none_goes_straight(home):
    (home / ".ssh" / "config").write_text("Host x\n  ProxyJump none\n")
    assert resolve(Host(name="x")).jump == ""
