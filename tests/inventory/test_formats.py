"""INI and YAML inventories: groups, hosts, and every mistake at once."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.core.host import Host
from runbook.document.source import parse_source
from runbook.inventory.draft import MAX_HOSTS, InventoryDraft
from runbook.inventory.ini_form import read_ini
from runbook.inventory.json_form import read_json
from runbook.inventory.places import inventory_names
from runbook.inventory.reading import read_inventory
from runbook.inventory.yaml_form import read_yaml
from runbook.problem import Exit, Problems


def reading(folder: Path, text: str, *, name: str = "hosts.ini"):
    place = folder / "inventories" / "here"
    place.mkdir(parents=True, exist_ok=True)
    (place / name).write_text(text)
    return read_inventory("here", workspace=folder)


def complaints(folder: Path, text: str, *, name: str = "hosts.ini") -> list[tuple[int, str, str]]:
    with pytest.raises(Problems) as refused:
        reading(folder, text, name=name)
    assert all(problem.where.file == f"inventories/here/{name}" for problem in refused.value.problems)
    return sorted((problem.where.line, problem.code, problem.what) for problem in refused.value.problems)


def test_an_ini_inventory_is_hosts_in_groups_with_all_and_ungrouped(tmp_path):
    inventory = reading(tmp_path, "lone\n[web]\nweb[1:2]\n[db]\ndb1\n[site:children]\nweb\ndb\n")
    assert inventory.name == "here"
    assert inventory.source == str(tmp_path / "inventories/here")
    assert inventory.files == (str(tmp_path / "inventories/here/hosts.ini"),)
    assert inventory.groups == {
        "all": ("lone", "web1", "web2", "db1"),
        "ungrouped": ("lone",),
        "web": ("web1", "web2"),
        "db": ("db1",),
        "site": ("web1", "web2", "db1"),
    }
    assert inventory.hosts["web1"] == Host(name="web1", groups=("web", "site"))
    assert inventory.hosts["lone"] == Host(name="lone", groups=("ungrouped",))


def test_a_yaml_inventory_is_the_same_tree_written_otherwise(tmp_path):
    ini = reading(tmp_path / "ini", "[web]\nweb[1:2] rack=4\n[site:children]\nweb\n[site:vars]\ntier=prod\n")
    text = "site:\n  children:\n    web:\n      hosts:\n        web[1:2]: {rack: 4}\n  vars: {tier: prod}\n"
    yaml = reading(tmp_path / "yaml", text, name="hosts.yaml")
    assert yaml.hosts == ini.hosts
    assert {name: set(hosts) for name, hosts in yaml.groups.items()} == {
        name: set(hosts) for name, hosts in ini.groups.items()
    }


def test_values_in_ini_are_python_literals_where_they_can_be(tmp_path):
    line = "h1 i=5 f=1.5 t=True n=None l=\"['a', (1, 2)]\" d=\"{'k': {1}}\" text=abc zeros=007 big=99999999999999999999 e=...\n"
    assert reading(tmp_path, line).hosts["h1"].variables == {
        "i": 5,
        "f": 1.5,
        "t": True,
        "n": None,
        "l": ["a", [1, 2]],
        "d": {"k": [1]},
        "text": "abc",
        "zeros": "007",
        "big": "99999999999999999999",
        "e": "...",
    }


def test_every_mistake_of_an_ini_inventory_is_told_at_once(tmp_path):
    text = """
[web]
web[3:1]
web1 ansible_host
web2 note="open
[web:kids]
[bad section]
[nobody:vars]
x=1
[web:vars]
no equals sign
[site:children]
web
wbe
two words
"""
    assert complaints(tmp_path, text) == [
        (3, "bad-host", '"web[3:1]" names no host'),
        (4, "bad-line", '"ansible_host" stands behind a host'),
        (5, "bad-line", "a quotation is not closed"),
        (6, "bad-line", 'section [web:kids] has the unknown kind "kids"'),
        (7, "bad-line", "[bad section] is no section"),
        (8, "unknown-group", 'group "nobody" is not defined'),
        (11, "bad-line", '"no equals sign" sets no variable'),
        (14, "unknown-group", 'group "wbe" is not defined'),
        (15, "bad-line", '"two words" is no group name'),
    ]


def test_every_mistake_of_a_yaml_inventory_is_told_at_once(tmp_path):
    text = """
all:
  hosts: [web1, web2]
  children:
    web: nothing
    db:
      vars: [a]
      hosts:
        db[3:1]: {}
        db1: text
        db2: {x: !vulat y}
"""
    assert complaints(tmp_path, text, name="hosts.yaml") == [
        (3, "wrong-type", "hosts is no mapping"),
        (5, "wrong-type", 'group "web" is no mapping'),
        (7, "wrong-type", "variables are written as a mapping"),
        (9, "bad-host", '"db[3:1]" names no host'),
        (10, "wrong-type", "variables are written as a mapping"),
        (11, "unknown-tag", "unknown tag !vulat"),
    ]


@pytest.mark.parametrize(
    "children", ["[a:children]\na\n", "[a:children]\nb\n[b:children]\nc\n[c:children]\na\n", "[a:children]\nall\n"]
)
def test_groups_that_would_contain_each_other_are_refused_at_the_closing_line(tmp_path, children):
    text = f"[a]\n[b]\n[c]\n{children}"
    (found,) = complaints(tmp_path, text)
    assert found[:2] == (len(text.splitlines()), "group-cycle")


def test_a_group_that_no_pattern_could_name_is_refused(tmp_path):
    text = 'all: {children: {"../etc": {}, "!web": {}, "a b": {}, ok-1: {}}}'
    assert [code for _, code, _ in complaints(tmp_path, text, name="hosts.yaml")] == ["bad-group"] * 3


def test_an_unknown_key_of_a_group_is_a_warning_with_the_nearest_name(tmp_path):
    inventory = reading(tmp_path, "web:\n  hosts: {a: {}}\n  host: {b: {}}\n", name="hosts.yaml")
    (warning,) = inventory.warnings
    assert (warning.what, warning.fix) == ('unknown key "host" in group "web" is ignored', 'Did you mean "hosts"?')


def test_a_plugin_configuration_is_no_inventory(tmp_path):
    ((line, code, what),) = complaints(tmp_path, "plugin: aws_ec2\n", name="hosts.yaml")
    assert (line, code, what) == (1, "wrong-type", "this file configures an inventory plugin and lists no hosts")


def test_more_hosts_than_anybody_has_are_one_problem(tmp_path):
    text = "[a]\n" + "\n".join(f"{letter}[1:{MAX_HOSTS // 2}]" for letter in "xyz")
    assert complaints(tmp_path, text) == [(4, "too-many-hosts", f"the inventory has more than {MAX_HOSTS} hosts")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hosts", "[web]\nweb1\n"),
        ("hosts", "web:\n  hosts:\n    web1:\n"),
        ("hosts", "---\nweb: {hosts: {web1: {}}}\n"),
    ],
)
def test_a_file_without_an_ending_is_what_it_looks_like(tmp_path, name, text):
    assert reading(tmp_path, text, name=name).groups["web"] == ("web1",)


def test_a_folder_is_all_its_files_but_not_its_notes(tmp_path):
    place = tmp_path / "inventories/here"
    place.mkdir(parents=True)
    for name, text in {
        "10-web.ini": "[web]\nweb1\n",
        "20-db.yml": "db: {hosts: {db1: {}}}\n",
        "README.md": "[x]",
    }.items():
        (place / name).write_text(text)
    (place / "environment.yaml").write_text("confirm: none\n")
    inventory = read_inventory("here", workspace=tmp_path)
    assert set(inventory.hosts) == {"web1", "db1"}
    assert inventory.environment.confirm == "none"
    assert [Path(file).name for file in inventory.files] == ["environment.yaml", "10-web.ini", "20-db.yml"]


def test_a_list_of_hosts_is_an_inventory_of_its_own(tmp_path):
    inventory = read_inventory("web1,db1:2222,", workspace=tmp_path)
    assert inventory.groups == {"all": ("web1", "db1"), "ungrouped": ("web1", "db1")}
    assert inventory.hosts["db1"].port == 2222
    assert inventory.environment.confirm == "key"
    assert inventory.files == ()


def test_an_inventory_that_is_not_there_offers_the_nearest_one(tmp_path):
    reading(tmp_path, "web1\n")
    with pytest.raises(Problems) as refused:
        read_inventory("hree", workspace=tmp_path)
    (problem,) = refused.value.problems
    assert (problem.code, problem.fix, problem.exit) == ("no-inventory", 'Did you mean "here"?', Exit.USAGE)
    assert inventory_names(tmp_path) == ("here",)


def test_an_inventory_that_is_no_text_says_where(tmp_path):
    place = tmp_path / "inventories/here"
    place.mkdir(parents=True)
    (place / "hosts.ini").write_bytes(b"web1\nweb\xff\n")
    with pytest.raises(Problems, match=r"^inventories/here/hosts\.ini:2: not UTF-8 text"):
        read_inventory("here", workspace=tmp_path)


@pytest.mark.parametrize("name", ["", " ", "a\0b", "x" * 5000, "nope/hosts.ini", "/nope", "..\n"])
def test_a_name_that_leads_nowhere_is_one_problem(tmp_path, name):
    with pytest.raises(Problems) as refused:
        read_inventory(name, workspace=tmp_path)
    assert [problem.code for problem in refused.value.problems] == ["no-inventory"]


def test_a_path_begins_at_the_workspace_and_else_where_the_operator_is(tmp_path, monkeypatch):
    for folder in ("workspace", "elsewhere"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "hosts.ini").write_text(f"{folder}\n")
    (tmp_path / "elsewhere/mine.ini").write_text("mine\n")
    monkeypatch.chdir(tmp_path / "elsewhere")
    names = [read_inventory(name, workspace=tmp_path / "workspace").groups["all"] for name in ("hosts.ini", "mine.ini")]
    assert names == [("workspace",), ("mine",)]


words = st.sampled_from(
    ["all", "web", "hosts", "vars", "children", "plugin", "h[1:2]", "<<", "1", "~", "ansible_port", "a b"]
)
documents = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), words),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=4)),
    max_leaves=20,
)


@given(documents)
def test_any_document_gives_hosts_or_problems_and_never_an_error_of_ours(document):
    text = json.dumps(document)
    for read in (
        lambda draft: read_yaml(parse_source(text.encode(), "hosts.yaml").root, draft),
        lambda draft: read_json(text, "hosts", draft),
    ):
        draft = InventoryDraft()
        try:
            read(draft)
        except Problems:
            continue
        draft.settle()
        assert set(draft.memberships()) == set(draft.hosts)


@given(st.text(alphabet="[]:=#;'\" \n\\abw12{}(,)*!&~", max_size=80))
def test_any_ini_text_gives_hosts_or_problems_and_never_an_error_of_ours(text):
    draft = InventoryDraft()
    read_ini(text, "hosts.ini", draft)
    draft.settle()
    assert set(draft.memberships()) == set(draft.hosts)


def test_a_literal_that_nests_to_exhaust_us_stays_text(tmp_path):
    deep = "[" * 150 + "]" * 150
    assert reading(tmp_path, f"h1\n[all:vars]\nx = {deep}\n").hosts["h1"].variables == {"x": deep}
