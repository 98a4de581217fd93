"""Passwords that are encrypted as one value, or refer to another variable or to the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.inventory.connection import describe
from runbook.inventory.draft import Setting, written
from runbook.inventory.opened import Opener
from runbook.problem import Where, problem

PLACE = Where("hosts.yaml", 3)
VAULT = "$ANSIBLE_VAULT;1.1;AES256\n  {}\n"


class Ansible:
    """Opens what says its own plain text, and counts."""

    def __init__(self, *, refuses: str = "") -> None:
        self.asked: list[bytes] = []
        self._refuses = refuses

    def __call__(self, data: bytes, shown: str) -> bytes:
        self.asked.append(data)
        if self._refuses:
            raise problem(f"{shown} is encrypted", why=self._refuses, code="vault", warning=True)
        return data.splitlines()[1]


def vaulted(text: str) -> Setting:
    return Setting(VAULT.format(text), PLACE, "vault")


def opened(decrypt=None, **variables: Setting | str):
    """The opener, and the host as it is described afterwards."""
    opener = Opener(decrypt)
    merged = {
        name: (value if isinstance(value, Setting) else written(value, PLACE),) for name, value in variables.items()
    }
    found = opener.opened({"web1": merged, "web2": merged})
    return opener, describe("web1", found["web1"], groups=(), folder=Path("/here"))


def passwords(described) -> dict[str, str]:
    return {one.variable: one.secret.reveal() for one in described.passwords}


def test_an_encrypted_value_is_opened_once_for_all_hosts():
    ansible = Ansible()
    _, host = opened(ansible, ansible_become_password=vaulted("s3cret word"))
    assert passwords(host) == {"ansible_become_password": "s3cret word"}
    assert ansible.asked == [b"$ANSIBLE_VAULT;1.1;AES256\ns3cret word"]


def test_what_decides_how_a_host_is_reached_may_be_encrypted_too():
    _, host = opened(Ansible(), ansible_host=vaulted("10.0.0.9"), ansible_user=vaulted("deploy"))
    assert (host.host.address, host.host.user, host.problems) == ("10.0.0.9", "deploy", ())


def test_a_password_may_refer_to_another_variable_which_then_is_a_secret():
    for referred in (vaulted("s3cret"), "s3cret"):
        _, host = opened(Ansible(), ansible_become_pass="{{ vault_sudo }}", vault_sudo=referred)
        assert passwords(host) == {"ansible_become_pass": "s3cret", "vault_sudo": "s3cret"}
        assert host.host.variables == {}


def test_a_password_may_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("SUDO_PW", "from outside")
    for text in ("{{ lookup('env', 'SUDO_PW') }}", '{{lookup("ansible.builtin.env","SUDO_PW")}}'):
        _, host = opened(ansible_become_password=text)
        assert passwords(host) == {"ansible_become_password": "from outside"}


@pytest.mark.parametrize(
    "text", ["{{ a | default('x') }}", "{{ lookup('env', 'NOT_THERE') }}", "x{{ a }}", "{{ nothing }}", "{{ loop }}"]
)
def test_any_other_template_stays_what_it_is(text):
    _, host = opened(Ansible(), ansible_become_password=text, a="1", loop="{{ loop }}")
    assert passwords(host) == {}
    assert host.unreadable["ansible_become_password"].form == "template"


def test_no_other_variable_is_rendered_or_opened():
    ansible = Ansible()
    _, host = opened(ansible, motd=vaulted("hello"), region="{{ other }}", other="eu")
    assert (host.unreadable.keys(), ansible.asked) == ({"motd", "region"}, [])


def test_one_that_cannot_be_opened_is_named_where_it_stands_and_asked_about_once():
    ansible = Ansible(refuses="Decryption failed")
    opener, host = opened(ansible, ansible_become_password=vaulted("x"))
    assert [(str(each.where), each.why) for each in opener.warnings] == [("hosts.yaml:3", "Decryption failed")]
    assert host.unreadable["ansible_become_password"].form == "vault"
    assert len(ansible.asked) == 1


def test_without_a_vault_password_it_stays_closed_without_a_word():
    opener, host = opened(ansible_become_password=vaulted("x"))
    assert (opener.warnings, host.unreadable["ansible_become_password"].form) == ((), "vault")
