"""The example that users copy has to be right, and what the manual shows has to be read as it says."""

import re
from pathlib import Path

from runbook.core.host import Host
from runbook.document.environment_file import parse_environment
from runbook.inventory.pattern import select
from runbook.inventory.reading import read_inventory

ROOT = Path(__file__).parents[2]


def test_the_example_inventory_is_read_without_a_warning():
    inventory = read_inventory("example", workspace=ROOT)
    folder = ROOT / "inventories/example"
    assert (inventory.warnings, inventory.unusable, inventory.unreadable) == ((), {}, {})
    assert select(inventory, "database:!berlin") == ("db2.example.org",)
    assert inventory.hosts["db2.example.org"] == Host(
        name="db2.example.org",
        address="192.0.2.12",
        user="deploy",
        groups=("standby", "database"),
        variables={"data_dir": "/srv/orders", "replication": {"slot": "standby_1", "max_lag_seconds": 30}},
        known_hosts=(str(folder / "known_hosts"),),
        jump="ops@bastion.example.org",
        origins={
            "address": "inventories/example/hosts.yaml:22",
            "user": "inventories/example/hosts.yaml:6",
            "jump": "inventories/example/hosts.yaml:8",
            "known_hosts": "inventories/example/hosts.yaml:8",
        },
    )


def test_the_environment_in_the_manual_is_a_sound_one():
    manual = (ROOT / "docs/inventories.md").read_text("utf-8")
    (shown,) = re.findall(r"```yaml\n(.*?)```", manual, re.DOTALL)
    environment = parse_environment(shown.encode(), "docs/inventories.md", name="manual")
    assert (environment.name, environment.auto, environment.colour) == ("production", ("confirm",), "red")
