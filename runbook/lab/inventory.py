"""The lab's inventory, in Ansible's format like anybody's.

`hosts.yaml` and `environment.yaml` say what never changes and are committed under `inventories/lab`. Ports
and key paths differ from lab to lab, so `up` writes them as `host_vars/HOST.yaml` beside, where Ansible's
precedence lets them win over the documented defaults. That file is not committed; two labs of two users never
meet in it.
"""

from __future__ import annotations

import json
import shlex
from importlib import resources
from pathlib import Path

from runbook.lab.layout import HOSTS, HTTP_OFFSET, LAB_USER, LabHost, Layout

COMMITTED = ("hosts.yaml", "environment.yaml")
"""The files that are the same for every lab."""


def committed_text(name: str) -> str:
    """One of the constant files, as the package carries it."""
    return resources.files("runbook.lab").joinpath("templates", name).read_text("utf-8")


def write_inventory(folder: Path, layout: Layout, base: int) -> None:
    """Make `folder` an inventory of this lab; constant files that somebody has changed are left as they are."""
    (folder / "host_vars").mkdir(parents=True, exist_ok=True)
    for name in COMMITTED:
        if not (folder / name).exists():
            (folder / name).write_text(committed_text(name), "utf-8")
    for host in HOSTS:
        path = folder / "host_vars" / f"{host.name}.yaml"
        beside = path.with_suffix(".new")
        beside.write_text(_variables(layout, base, host), "utf-8")
        beside.rename(path)


def _variables(layout: Layout, base: int, host: LabHost) -> str:
    """One host's variables. JSON strings are YAML strings, so odd characters in a path do no harm."""
    known_hosts = shlex.quote(f'UserKnownHostsFile="{layout.known_hosts}"')  # ssh splits the bare value at spaces
    values = {
        "ansible_host": "127.0.0.1",
        "ansible_port": base + host.offset,
        "ansible_user": LAB_USER,
        "ansible_ssh_private_key_file": str(layout.operator_key),
        "ansible_ssh_common_args": f"-F none -o {known_hosts}",
        "http_port": base + HTTP_OFFSET,
        "home": str(layout.home(host.name)),
    }
    lines = "".join(f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items())
    return f"# Written by `runbook lab up`; changed by the next one.\n{lines}"
