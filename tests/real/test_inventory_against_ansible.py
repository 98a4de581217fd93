"""Our reading of inventories and patterns against Ansible's own, over inventories by hand and by hypothesis.

`ansible-inventory` is found by RUNBOOK_ANSIBLE_INVENTORY or on the PATH. One call of it takes about a second, so the
tables are few and rich, and the patterns are all asked in one process.
"""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runbook.inventory.connection import ADDRESS, CONNECTION_VARIABLES, PORT, USER
from runbook.inventory.manner import Reading
from runbook.inventory.pattern import select
from runbook.inventory.reading import read_inventory
from runbook.problem import Problems

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(300)]

# Where Ansible's answer depends on the order of a set, only the set is compared (`_walk_relationship` of its groups).


def program() -> str:
    found = os.environ.get("RUNBOOK_ANSIBLE_INVENTORY") or shutil.which("ansible-inventory")
    if found:
        return found
    reason = "no ansible-inventory: install ansible-core, or set RUNBOOK_ANSIBLE_INVENTORY"
    if os.environ.get("RUNBOOK_REQUIRE_REAL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def environment(home: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_CONFIG": str(home / "ansible.cfg"),
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true",
        "ANSIBLE_LOCALHOST_WARNING": "false",
    }


def ask(*inventories: Path) -> dict:
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [program(), *(word for path in inventories for word in ("-i", str(path))), "--list"],
            env=environment(Path(home)),
            cwd=home,
            capture_output=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        if name == ".":
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / next(iter(files))


def their_groups(answer: dict) -> dict[str, set[str]]:
    def hosts(name: str) -> set[str]:
        body = answer.get(name, {})
        return set(body.get("hosts", ())).union(*(hosts(child) for child in body.get("children", ())))

    return {name: hosts(name) for name in answer if name != "_meta"}


def our_variables(inventory, host: str) -> dict:
    it = inventory.hosts[host]
    found = dict(it.variables)
    for names, value in ((ADDRESS, it.address), (PORT, it.port), (USER, it.user)):
        found |= {name: value for name in names if name in inventory.origins[host]}
    return found


def their_variables(answer: dict, host: str) -> dict:
    """What templates may see, and of the connection variables those that have one name in the test."""
    known = {*ADDRESS, *PORT, *USER}
    everything = answer["_meta"]["hostvars"].get(host, {})
    return {name: value for name, value in everything.items() if name in known or name not in CONNECTION_VARIABLES}


def compare(*paths: Path) -> None:
    answer = ask(*paths)
    ours = read_inventory(" + ".join(map(str, paths)), workspace=paths[0].parent)
    theirs = their_groups(answer)
    assert {name: set(hosts) for name, hosts in ours.groups.items() if hosts} == {
        name: hosts for name, hosts in theirs.items() if hosts
    }
    assert set(ours.hosts) == theirs["all"]
    assert {host: our_variables(ours, host) for host in ours.hosts} == {
        host: their_variables(answer, host) for host in ours.hosts
    }


INI = {
    "hosts": """
lone:2222 rack=7          # not in any group
web[01:03].example.org color="light blue" flag=True list="['a', 1]" quoted='"x"'
10.0.0.[1:3]
db-[a:c]-[1:3:2] ansible_host=10.1.1.1
[web]
web[01:02].example.org:2201
web09.example.org ansible_port=99 ansible_user=deploy number=007 float=1.50 none=None empty=''
[db]
db-a-1
[db:vars]
text = "quoted" and more
plain = a b = c # kept
literal = {'a': (1, 2)}
version = 1.10
name with space = odd
[prod:children]
web
db
later
[prod:vars]
tier = prod
shared = from prod
[later]
web01.example.org shared=from-host
[later:vars]
shared = from later
[all:vars]
shared = from all
everyone = yes
"""
}
YAML = {
    "hosts.yaml": """
all:
  hosts:
    top: {v: top}
    bare:
  vars: {shared: all, yes_bool: yes, octal: 0644, sixty: 1:30, under: 1_000, hexed: 0x1F, nothing: ~, dated: 2026-11-01}
  children:
    web:
      hosts:
        web[1:3]: {ports: [80, 443], nested: {a: {b: on}}}
        web2: {only: two}
      vars: {shared: web, text: "yes"}
    deep:
      children:
        deeper:
          children:
            deepest:
              hosts: {web1: {}, d1: }
              vars: {shared: deepest, depth: 3}
          vars: {shared: deeper, depth: 2}
      vars: {shared: deep, depth: 1, extra: .5}
    single:
      hosts: alone
elsewhere:
  hosts:
    e1: {float: 1e3, exp: 1.0e+3, plus: +5, neg: -3, bin: 0b11, str: "5", tilde: "~"}
  children:
    web:
"""
}
PRIORITIES = {
    "inv.ini": """
[b]
h1
h2
[a]
h1
h2
[c]
h1
[a:vars]
v = a
w = a
ansible_group_priority = 10
[b:vars]
v = b
w = b
x = b
[c:vars]
x = c
ansible_group_priority = -1
[all:vars]
v = all
[parent:children]
a
[parent:vars]
ansible_group_priority = 99
v = parent
w = parent
y = parent
"""
}
FILES = {
    "hosts.ini": "[web]\nw1 a=inline b=inline\nw2\n[db]\nd1\n[site:children]\nweb\ndb\n[web:vars]\nc=inv-web\nd=inv-web\n"
    "[all:vars]\nc=inv-all\ne=inv-all\n",
    "group_vars/all.yml": "a: gv-all\nc: gv-all\nd: gv-all\ne: gv-all\nf: {x: 1, y: 2}\n",
    "group_vars/web": "d: gv-web\nf: {x: 9}\n",
    "group_vars/site/10-first.yml": "g: first\nh: first\n",
    "group_vars/site/20-second.yaml": "h: second\n",
    "group_vars/site/sub/inner.yml": "i: inner\n",
    "group_vars/site/.hidden.yml": "j: hidden\n",
    "group_vars/site/backup.yml~": "j: backup\n",
    "group_vars/site/note.txt": "j: text\n",
    "group_vars/ungrouped.yml": "k: ungrouped\n",
    "host_vars/w1.yml": "b: hv-w1\nl: [1, two, {three: 3}]\n",
    "host_vars/w1.yaml": "b: never\n",
    "host_vars/w2.json": '{"m": {"n": null, "o": true}}',
    "host_vars/d1/main.yml": "p: main\n",
    "host_vars/nobody.yml": "q: 1\n",
    "group_vars/empty.yml": "",
}
FOLDER = {
    ".": "",
    "hosts": "localhost ansible_connection=local\n[web]\nweb1\nweb2\n",
    "02-db.ini": "[db]\ndb1 v=inline\n[web]\nweb1 late=yes\n",
    "groups": "[web]\n[eu:children]\nweb\n",
    "sub/more.yml": "cache: {hosts: {c1: {v: 1}}}\n",
    "sub/deep/x.ini": "[deep]\nd1\n",
    "sub/group_vars/cache.yml": "never: 1\n",
    "group_vars/db.yml": "v: file\nw: file\n",
    "old.cfg": "not1\n",
    "notes.txt": "not2\n",
    "x.ini.orig": "not3\n",
    "odd.example": "[odd]\nodd1\n",
    ".hidden": "not4\n",
}
PORTS = {
    "ports.ini": "a:22\n[g]\na:23\nb:24 ansible_port=25\n[2001:db8::1]:26\n192.168.1.1:27\n[g2]\nb:28\n2001:db8::2\n",
}


@pytest.mark.parametrize(
    "files",
    [INI, YAML, PRIORITIES, FILES, FOLDER, PORTS],
    ids=["ini", "yaml", "priorities", "files", "folder", "ports"],
)
def test_an_inventory_means_what_it_means_to_ansible(tmp_path, files):
    compare(write(tmp_path, files))


def test_several_inventories_are_merged_as_ansible_merges_them(tmp_path):
    first = write(tmp_path / "one", FOLDER)
    second = write(
        tmp_path / "two",
        {"y.ini": "[web]\nweb1 late=later\nweb7\n[db]\n[db:vars]\nv=two\n", "group_vars/db.yml": "w: two\n"},
    )
    compare(first, second)
    compare(second, first)


names = st.sampled_from([f"g{number}" for number in range(7)])
hosts = st.sampled_from([f"h{number}" for number in range(9)])
variables = st.sampled_from(["v0", "v1", "v2", "v3"])
values = st.one_of(
    st.integers(-100, 100),
    st.booleans(),
    st.none(),
    st.text("abz019 -_.:/", max_size=8),
    st.lists(st.integers(0, 9), max_size=3),
    st.dictionaries(st.sampled_from(["k", "l"]), st.integers(0, 9), max_size=2),
)
assignments = st.dictionaries(variables, values, max_size=3)


@st.composite
def inventories(draw) -> dict:
    """Groups whose children have higher numbers, so that no cycle can arise; hosts and variables anywhere."""
    groups = {}
    for name in draw(st.sets(names, min_size=1)):
        below = draw(st.sets(names.filter(lambda child, name=name: child > name), max_size=3)) if name < "g6" else set()
        priority = draw(st.sampled_from([None, None, 5, -5]))
        own = draw(assignments) | ({} if priority is None else {"ansible_group_priority": priority})
        groups[name] = {
            "hosts": {host: draw(assignments) for host in sorted(draw(st.sets(hosts, max_size=4)))},
            "children": {child: {} for child in sorted(below)},
            "vars": own,
        }
    everything = {"vars": draw(assignments), "hosts": {"h0": draw(assignments)}}
    return {"all": everything, **groups}


@st.composite
def variable_files(draw) -> dict[str, str]:
    files = {}
    for group in draw(st.sets(st.one_of(names, st.just("all")), max_size=3)):
        files[f"group_vars/{group}.yml"] = json.dumps(draw(assignments))
    for host in draw(st.sets(hosts, max_size=3)):
        files[f"host_vars/{host}.json"] = json.dumps(draw(assignments))
    return files


@given(inventories(), variable_files())
@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_any_yaml_inventory_means_what_it_means_to_ansible(inventory, files):
    with tempfile.TemporaryDirectory() as folder:
        compare(write(Path(folder), {"hosts.yaml": json.dumps(inventory), **files}))


def as_ini(inventory: dict) -> str:
    lines = []
    for name, group in inventory.items():
        lines.append(f"[{name}]")
        for host, own in group["hosts"].items():
            lines.append(" ".join([host, *(f'{key}="{shown(value)}"' for key, value in own.items())]))
        lines.append(f"[{name}:vars]")
        lines += [f"{key} = {shown(value)}" for key, value in group["vars"].items()]
        lines.append(f"[{name}:children]")
        lines += [child for child in group.get("children", {}) if child in inventory]
    return "\n".join(lines)


def shown(value: object) -> str:
    return value if isinstance(value, str) else repr(value)


@given(inventories())
@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_any_ini_inventory_means_what_it_means_to_ansible(inventory):
    with tempfile.TemporaryDirectory() as folder:
        compare(write(Path(folder), {"hosts.ini": as_ini(inventory)}))


FLEET = """
lone
[web]
web1
web2
web3
[db]
db1
db2
[eu]
web1
db1
[us]
web2
web3
db2
[site:children]
web
db
[empty]
[prod-eu]
prod1.eu.example.org
prod2.eu.example.org
"""
PATTERNS = (
    """
all|*|ungrouped|web|web1|site|web,db|db,web|web:db|web:&eu|web:!web2|!web1|&eu|all:!site|web:db:&eu:!db1|!web1,web|&eu,web
web[0]|web[-1]|web[0:1]|web[1:]|web[2]|site[0:3]|w*|web?|*1|prod*|~(web|db)1|~web[12]|~.*2$|prod*.example.org
web[12]|web[!1]|~nothing|web1,web1|web[0],web1|lone,!lone,web|  web , db  |web[0:0]|db:!db2[0]|db:&eu[0]|site:!web[0]
*.example.org[0]|u*|web*:!*3|prod-eu|~prod|eu:us|eu:&us|empty:web|web1:22
""".replace("\n", "|")
    .strip("|")
    .split("|")
)

ORACLE = """
import json, sys
from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
manager = InventoryManager(loader=DataLoader(), sources=[sys.argv[1]])
def hosts(pattern):
    try:
        return [host.name for host in manager.get_hosts(pattern)]
    except AnsibleError:
        return []
print(json.dumps([hosts(pattern) for pattern in json.load(sys.stdin)]))
"""


def test_patterns_select_what_they_select_in_ansible(tmp_path):
    path = write(tmp_path, {"fleet.ini": FLEET})
    done = subprocess.run(
        [beside("python"), "-c", ORACLE, path],
        input=json.dumps(PATTERNS),
        env=environment(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    theirs = dict(zip(PATTERNS, json.loads(done.stdout), strict=True))
    inventory = read_inventory(path, workspace=tmp_path)

    def ours(pattern: str) -> list[str]:
        try:
            return list(select(inventory, pattern))
        except Problems:
            return []

    assert {pattern: ours(pattern) for pattern in PATTERNS} == theirs


def beside(name: str) -> str:
    return str(Path(program()).absolute().parent / name)


@pytest.fixture
def ansible(tmp_path, monkeypatch) -> Path:
    """A home of its own for the Ansible that the product starts, with a vault password in it."""
    monkeypatch.setenv("PATH", f"{Path(program()).absolute().parent}:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", str(tmp_path / "password"))
    (tmp_path / "password").write_text("of the vault\n")
    return tmp_path


def test_an_encrypted_file_is_opened_by_ansible_or_with_its_password_and_stays_closed_without(ansible):
    path = write(ansible / "here", {"hosts.ini": "web1\n", "group_vars/all.yml": "region: eu\ndb_password: hunter2\n"})
    subprocess.run(
        [beside("ansible-vault"), "encrypt", path.parent / "group_vars/all.yml"], check=True, capture_output=True
    )
    closed = read_inventory(path, workspace=ansible)
    assert closed.hosts["web1"].variables == {}
    assert [problem.code for problem in closed.warnings] == ["vault"]
    opened = read_inventory(path, workspace=ansible, reading=Reading(vault_password=str(ansible / "password")))
    assert opened.hosts["web1"].variables == {}
    assert {it.variable: it.secret.reveal() for it in opened.passwords} == {"region": "eu", "db_password": "hunter2"}
    (ansible / "wrong").write_text("another\n")
    refused = read_inventory(path, workspace=ansible, reading=Reading(vault_password=str(ansible / "wrong")))
    assert ["ansible-vault says" in problem.why for problem in refused.warnings] == [True]
    inventory = read_inventory(path, workspace=ansible, reading=Reading(via="ansible-inventory"))
    assert inventory.hosts["web1"].variables == {"region": "eu"}
    assert [password.secret.reveal() for password in inventory.passwords] == ["hunter2"]


def test_what_ansible_cannot_read_is_a_problem_and_no_empty_inventory(ansible):
    path = write(ansible / "here", {"hosts.ini": "web[3:1\n"})
    with pytest.raises(Problems) as refused:
        read_inventory(path, workspace=ansible, reading=Reading(via="ansible-inventory"))
    assert [problem.code for problem in refused.value.problems] == ["bad-program"]


def test_what_ansible_inventory_prints_reads_as_the_inventory_itself(ansible):
    path = write(ansible / "here", FILES)
    own = read_inventory(path, workspace=ansible)
    through = read_inventory(path, workspace=ansible, reading=Reading(via="ansible-inventory"))
    assert {name: set(hosts) for name, hosts in through.groups.items()} == {
        name: set(hosts) for name, hosts in own.groups.items()
    }
    assert {host: it.variables for host, it in through.hosts.items()} == {
        host: it.variables for host, it in own.hosts.items()
    }
