"""Where a variable's value comes from, which wins, and which may not leave the inventory."""

from pathlib import Path

import pytest

from runbook.core.inventory import Unreadable
from runbook.core.planned.command import MASK
from runbook.inventory.explain import Resolved, explain, why_missing
from runbook.inventory.manner import Reading
from runbook.inventory.pattern import select
from runbook.inventory.reading import read_inventory
from runbook.problem import Exit, Problems, Where

HOSTS = """
[web]
web1 level=host
[site:children]
web
[web:vars]
level = web
[site:vars]
level = site
[all:vars]
level = all
"""


def workspace(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / "inventories/here" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def reading(folder: Path, files: dict[str, str], **options):
    return read_inventory("here", workspace=workspace(folder, files), **options)


LADDER = [
    ("inventories/here/hosts.ini:11", {}),
    ("inventories/here/hosts.ini:9", {}),
    ("inventories/here/hosts.ini:7", {}),
    ("inventories/here/group_vars/all.yml:1", {"group_vars/all.yml": "level: files-all"}),
    ("inventories/here/group_vars/site/main.yml:1", {"group_vars/site/main.yml": "level: files-site"}),
    ("inventories/here/group_vars/web:1", {"group_vars/web": "level: files-web"}),
    ("inventories/here/hosts.ini:3", {}),
    ("inventories/here/host_vars/web1.json:1", {"host_vars/web1.json": '{"level": "files-host"}'}),
]


def test_ansibles_precedence_holds_and_every_overruled_place_is_remembered(tmp_path):
    files = {"hosts.ini": HOSTS} | {name: text for _, added in LADDER for name, text in added.items()}
    inventory = reading(tmp_path, files, reading=Reading(overrides={"level": "given"}))
    assert inventory.origins["web1"]["level"] == ("command line", *(place for place, _ in reversed(LADDER)))
    assert inventory.hosts["web1"].variables == {"level": "given"}


def test_among_groups_of_one_depth_priority_decides_and_then_the_name(tmp_path):
    def level(first: str) -> object:
        text = f"[a]\nh1\n[b]\nh1\n[a:vars]\nlevel=a\n{first}\n[b:vars]\nlevel=b\n"
        return reading(tmp_path, {"hosts.ini": text}).hosts["h1"].variables["level"]

    assert (level(""), level("ansible_group_priority=2")) == ("b", "a")


def test_values_are_replaced_and_never_merged(tmp_path):
    files = {
        "hosts.yaml": "all: {hosts: {h1: {db: {port: 1}}}, vars: {db: {port: 2, name: orders}}}",
    }
    assert reading(tmp_path, files).hosts["h1"].variables == {"db": {"port": 1}}


def test_yaml_scalars_of_an_inventory_follow_the_older_rules_that_ansible_reads_by(tmp_path):
    text = "{a: yes, b: Off, c: 0644, d: 1:30, e: 1_000, f: 0x1F, g: 0b11, h: 1e3, i: 1.5e+3, j: .5, k: ~, l: 'yes', m: 08, n: y}"
    inventory = reading(tmp_path, {"hosts.yaml": f"all: {{hosts: {{h1: {text}}}}}"})
    assert inventory.hosts["h1"].variables == {
        "a": True,
        "b": False,
        "c": 420,
        "d": 90,
        "e": 1000,
        "f": 31,
        "g": 3,
        "h": "1e3",
        "i": 1500.0,
        "j": 0.5,
        "k": None,
        "l": "yes",
        "m": "08",
        "n": "y",
    }


CLOSED = "$ANSIBLE_VAULT;1.1;AES256\n6162\n"


def test_variable_files_that_cannot_be_read_are_named_once_and_keep_nobody_from_working(tmp_path):
    files = {
        "hosts.ini": "[web]\nweb1\nweb2\n",
        "group_vars/web/vault.yml": CLOSED,
        "group_vars/web/open.yml": "port: 80",
        "host_vars/web1.yml": "a: [\n",
    }
    inventory = reading(tmp_path, files)
    assert [(problem.where.file, problem.code) for problem in inventory.warnings] == [
        ("inventories/here/group_vars/web/vault.yml", "vault"),
        ("inventories/here/host_vars/web1.yml", "file-left-out"),
    ]
    assert {host: it.variables for host, it in inventory.hosts.items()} == {"web1": {"port": 80}, "web2": {"port": 80}}
    assert select(inventory, "web") == ("web1", "web2")


def test_who_misses_a_variable_is_told_which_closed_file_it_may_stand_in(tmp_path):
    inventory = reading(tmp_path, {"hosts.ini": "[web]\nweb1\n[db]\ndb1\n", "group_vars/web.yml": CLOSED})
    assert [str(problem) for problem in why_missing(inventory, "web1", "token")] == [
        (
            'inventories/here/group_vars/web.yml:1: variable "token" of web1 may stand in a file that could not be read: '
            "inventories/here/group_vars/web.yml is encrypted with Ansible Vault: no vault password is named. "
            "Name it: --vault-password-file FILE, or ANSIBLE_VAULT_PASSWORD_FILE."
        )
    ]
    assert why_missing(inventory, "db1", "token") == ()
    assert [one.value for one in explain(inventory, "web1") if one.field == "variables"] == [
        "(inventories/here/group_vars/web.yml is encrypted with Ansible Vault)"
    ]


def test_a_key_that_is_written_twice_is_a_warning_and_the_last_one_counts(tmp_path):
    inventory = reading(tmp_path, {"hosts.ini": "h1\n", "group_vars/all.yml": "a: 1\nb: 2\na: 3\n"})
    assert inventory.hosts["h1"].variables == {"a": 3, "b": 2}
    assert [(str(problem.where), problem.code) for problem in inventory.warnings] == [
        ("inventories/here/group_vars/all.yml:3:1", "duplicate-key")
    ]


VARIABLES = """
plain: 1
url: "http://{{ name }}/"
nested: {a: [{b: "{% if x %}1{% endif %}"}]}
kept: !unsafe "{{ not a template }}"
sealed: !vault |
  $ANSIBLE_VAULT;1.1;AES256
  6162
"""


def test_what_only_ansible_can_read_is_missing_until_somebody_needs_it(tmp_path):
    inventory = reading(tmp_path, {"hosts.ini": "h1\n", "group_vars/all.yml": VARIABLES})
    file = "inventories/here/group_vars/all.yml"
    assert inventory.hosts["h1"].variables == {"plain": 1, "kept": "{{ not a template }}"}
    assert inventory.unreadable == {
        "h1": {
            "url": Unreadable(variable="url", form="template", where=Where(file, 3, 6)),
            "nested": Unreadable(variable="nested", form="template", where=Where(file, 4, 9)),
            "sealed": Unreadable(variable="sealed", form="vault", where=Where(file, 6, 9)),
        }
    }
    reasons = {name: why_missing(inventory, "h1", name) for name in ("plain", "never_set", "sealed", "url")}
    assert {name: [(it.what, str(it.where)) for it in found] for name, found in reasons.items()} == {
        "plain": [],
        "never_set": [],
        "sealed": [('variable "sealed" of h1 is a vault value', f"{file}:6:9")],
        "url": [('variable "url" of h1 is a Jinja template', f"{file}:3:6")],
    }


SECRETS = """
db: {user: app, password: hunter2, pool: [{name: a, api_key: k-123456}]}
ansible_become_pass: sudo-me
tokens: [one, two]
use_password: true
deploy_token: 1234567
empty_secret: ""
"""


def test_secrets_leave_the_variables_and_mask_themselves(tmp_path):
    inventory = reading(tmp_path, {"hosts.ini": "h1\n", "group_vars/all.yml": SECRETS})
    assert inventory.hosts["h1"].variables == {
        "db": {"user": "app", "pool": [{"name": "a"}]},
        "tokens": ["one", "two"],
        "use_password": True,
        "empty_secret": "",
    }
    found = {password.variable: password.secret.reveal() for password in inventory.passwords}
    assert found == {
        "db.password": "hunter2",
        "db.pool.0.api_key": "k-123456",
        "ansible_become_pass": "sudo-me",
        "deploy_token": "1234567",
    }
    assert {secret.reveal() for secret in inventory.secrets} == set(found.values())
    assert not any(value in repr(inventory) for value in found.values())
    assert [problem.what for problem in why_missing(inventory, "h1", "db")] == [
        'variable "db.password" of h1 is taken for a secret',
        'variable "db.pool.0.api_key" of h1 is taken for a secret',
    ]


def test_a_host_is_explained_with_every_value_and_its_origin(tmp_path):
    files = {
        "hosts.ini": "[db]\ndb1 ansible_host=10.0.0.5 rack=4\n[all:vars]\nrack=1\nansible_user=deploy\n",
        "group_vars/db.yml": "ansible_password: hunter2\nurl: '{{ x }}'\n",
    }
    inventory = reading(tmp_path, files)
    hosts, group = "inventories/here/hosts.ini", "inventories/here/group_vars/db.yml"
    assert explain(inventory, "db1") == (
        Resolved(field="address", value="10.0.0.5", origin=f"{hosts}:2"),
        Resolved(field="port", value="22", origin="ssh_config, else 22"),
        Resolved(field="user", value="deploy", origin=f"{hosts}:5"),
        Resolved(field="connection", value="ssh", origin="default"),
        Resolved(field="key_files", value="", origin="ssh_config, else your keys and agent"),
        Resolved(field="known_hosts", value="", origin="your known_hosts and the system's"),
        Resolved(field="host_key_alias", value="", origin="default"),
        Resolved(field="host_keys", value="strict", origin="default"),
        Resolved(field="jump", value="", origin="ssh_config, else none"),
        Resolved(field="ssh_config", value="~/.ssh/config", origin="default"),
        Resolved(field="become_user", value="root", origin="default"),
        Resolved(field="groups", value="db", origin=str(tmp_path / "inventories/here")),
        Resolved(field="variables.ansible_password", value=MASK, origin=f"{group}:1"),
        Resolved(field="variables.rack", value="4", origin=f"{hosts}:2", overrides=(f"{hosts}:4",)),
        Resolved(field="variables.url", value="(template)", origin=f"{group}:2"),
    )


def test_explaining_an_unknown_host_offers_the_nearest(tmp_path):
    inventory = reading(tmp_path, {"hosts.ini": "web1\n"})
    with pytest.raises(Problems) as refused:
        explain(inventory, "wbe1")
    assert (refused.value.problems[0].fix, refused.value.exit) == ('Did you mean "web1"?', Exit.USAGE)
