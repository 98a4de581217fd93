"""A folder of inventories as a site has it: many files of many people, of which some are broken, and several at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.core.inventory import Inventory
from runbook.inventory.pattern import named, select
from runbook.inventory.reading import read_inventory
from runbook.problem import Problems


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def site(folder: Path, files: dict[str, str]) -> Inventory:
    written(folder / "inventories/site", files)
    return read_inventory("site", workspace=folder)


def test_every_file_of_a_folder_counts_also_beside_one_called_hosts_and_in_folders_below(tmp_path: Path) -> None:
    inventory = site(
        tmp_path,
        {
            "hosts": "[web]\nweb1\n",
            "02-db.ini": "[db]\ndb1\n",
            "groups": "[web]\n[eu:children]\nweb\n",
            "sub/deeper/cache.yml": "cache: {hosts: {c1: }}\n",
            "oddly.named": "odd1\n",
        },
    )
    assert set(inventory.hosts) == {"web1", "db1", "c1", "odd1"}
    assert inventory.groups["eu"] == ("web1",)


@pytest.mark.parametrize("name", ["a.cfg", "a.md", "a.txt", "a.rst", "a.bak", "a~", "a.orig", "a.retry", ".a", "a.swp"])
def test_what_ansible_passes_over_in_a_folder_is_passed_over_and_read_when_it_is_named(
    tmp_path: Path, name: str
) -> None:
    assert set(site(tmp_path, {"hosts": "web1\n", name: "not-me\n"}).hosts) == {"web1"}
    assert set(read_inventory(tmp_path / "inventories/site" / name, workspace=tmp_path).hosts) == {"not-me"}


def test_variables_beside_the_folder_count_and_those_of_folders_below_do_not(tmp_path: Path) -> None:
    files = {"sub/hosts": "web1\n", "group_vars/all.yml": "here: 1", "sub/group_vars/all.yml": "below: 1"}
    assert site(tmp_path, files).hosts["web1"].variables == {"here": 1}


def test_a_folder_that_contains_itself_is_read_once_to_a_depth(tmp_path: Path) -> None:
    place = written(tmp_path / "inventories/site", {"hosts": "web1\n"})
    (place / "loop").symlink_to(place)
    assert set(read_inventory("site", workspace=tmp_path).hosts) == {"web1"}


def test_one_broken_file_of_many_is_one_line_and_takes_only_those_it_speaks_of(tmp_path: Path) -> None:
    many = {f"team-{number:03}.ini": f"[t{number}]\nh{number}\n" for number in range(40)}
    inventory = site(tmp_path, many | {"broken.ini": "[web]\nweb1\nh3 ansible_port=\nweb2 'unclosed\n"})
    assert [str(problem) for problem in inventory.warnings] == [
        (
            "inventories/site/broken.ini:4: the file could not be read as a whole: "
            "a quotation is not closed. Mend it, or move it out of the folder: the hosts that it names cannot be used "
            "until then."
        )
    ]
    assert select(inventory, "t7") == ("h7",)
    assert set(inventory.unusable) == {"web1", "h3"}
    with pytest.raises(Problems, match=r"broken\.ini:4: the file could not be read as a whole"):
        select(inventory, "web")
    assert named(inventory, "web,h3") == ("web1", "h3")


def test_hosts_of_a_group_that_a_broken_file_speaks_of_cannot_be_used_either(tmp_path: Path) -> None:
    inventory = site(tmp_path, {"hosts": "[web]\nweb1\n[db]\ndb1\n", "vars.ini": "[web:vars]\nport\n[web]\n"})
    assert set(inventory.unusable) == {"web1"}


def test_a_plugin_among_the_files_says_who_can_read_it(tmp_path: Path) -> None:
    inventory = site(tmp_path, {"hosts": "web1\n", "aws_ec2.yml": "plugin: amazon.aws.aws_ec2\n"})
    assert [(problem.code, problem.warning) for problem in inventory.warnings] == [("file-left-out", True)]
    assert "configures an inventory plugin" in str(inventory.warnings[0])
    assert select(inventory, "all") == ("web1",)


def test_a_file_that_was_named_must_be_right(tmp_path: Path) -> None:
    with pytest.raises(Problems, match="a quotation is not closed"):
        read_inventory(written(tmp_path, {"one.ini": "web1 'x\n"}) / "one.ini", workspace=tmp_path)


def test_several_inventories_are_one_and_the_later_one_wins(tmp_path: Path) -> None:
    a = {
        "a/x.ini": "[web]\nweb1 level=a kept=a\n",
        "a/group_vars/web.yml": "file: a\n",
        "a/group_vars/all.yml": "all: a",
    }
    written(tmp_path, a | {"b/y.ini": "[web]\nweb1 level=b\nweb2\n", "b/group_vars/web.yml": "file: b\n"})
    inventory = read_inventory("a/x.ini + b/y.ini + web9,", workspace=tmp_path)
    assert inventory.groups["all"] == ("web9", "web1", "web2")
    assert inventory.hosts["web1"].variables == {"level": "b", "kept": "a", "file": "b", "all": "a"}
    assert inventory.source == f"{tmp_path / 'a/x.ini'} + {tmp_path / 'b/y.ini'} + web9,"
    assert read_inventory(inventory.source, workspace=tmp_path).hosts == inventory.hosts


def test_several_inventories_are_one_environment_or_refused(tmp_path: Path) -> None:
    written(tmp_path, {"a/hosts": "a1\n", "b/hosts": "b1\n", "b/environment.yaml": "name: prod\nconfirm: typed\n"})
    assert read_inventory("a + b", workspace=tmp_path).environment.confirm == "typed"
    written(tmp_path, {"a/environment.yaml": "name: lab\n"})
    with pytest.raises(Problems, match="a and b each say what kind of place they are"):
        read_inventory("a + b", workspace=tmp_path)


def test_the_inventory_of_an_ansible_cfg_is_what_its_folder_means(tmp_path: Path) -> None:
    files = {
        "site/ansible.cfg": "[defaults]\ninventory = hosts/prod.ini, more ; both\n",
        "site/hosts/prod.ini": "web1\n",
        "site/hosts/group_vars/all.yml": "level: prod",
        "site/more/x": "web2\n",
        "site/playbook.yml": "- hosts: all\n",
    }
    inventory = read_inventory("site", workspace=written(tmp_path, files))
    assert {host: it.variables for host, it in inventory.hosts.items()} == {
        "web1": {"level": "prod"},
        "web2": {"level": "prod"},
    }


def test_an_ansible_cfg_that_is_none_is_one_problem_with_its_line(tmp_path: Path) -> None:
    written(tmp_path, {"site/ansible.cfg": "inventory = x\n", "site/hosts": "web1\n"})
    with pytest.raises(Problems) as refused:
        read_inventory("site", workspace=tmp_path)
    assert [problem.code for problem in refused.value.problems] == ["bad-configuration"]


def test_pinned_host_keys_beside_an_inventory_are_no_hosts(tmp_path: Path) -> None:
    inventory = site(
        tmp_path,
        {"hosts": "web1\n", "environment.yaml": "host_keys: {mode: pinned}\n", "known_hosts": "web1 ssh-x AA\n"},
    )
    assert set(inventory.hosts) == {"web1"}


def test_an_inventory_without_hosts_says_so(tmp_path: Path) -> None:
    inventory = site(tmp_path, {"hosts": "[web]\n"})
    assert [(problem.what, problem.code) for problem in inventory.warnings] == [
        ("site lists no host", "empty-inventory")
    ]
    with pytest.raises(Problems, match="site lists no host at all"):
        select(inventory, "all")


def test_hosts_of_another_kind_of_connection_are_listed_and_cannot_be_selected(tmp_path: Path) -> None:
    inventory = site(tmp_path, {"hosts": "[lin]\nl1\n[win]\nw1 ansible_connection=winrm ansible_user=Administrator\n"})
    assert named(inventory, "all") == ("l1", "w1")
    with pytest.raises(Problems, match="winrm"):
        select(inventory, "all")
