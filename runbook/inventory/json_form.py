"""The JSON that an inventory program prints for `--list`, which is also what `ansible-inventory --list` prints.

Groups map to `hosts`, `vars` and `children`, or simply to a list of hosts; `_meta.hostvars` holds every host's
variables. A program without `_meta` would have to be started again for every host; that form went out of use in 2013
and is refused rather than run two thousand times.
Specification: https://docs.ansible.com/ansible/latest/dev_guide/developing_inventory.html#inventory-scripts
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable

from runbook.core.host import Json
from runbook.inventory.draft import InventoryDraft, Setting, written
from runbook.inventory.host_expression import expand
from runbook.problem import Problem, Problems, Where

_META = "_meta"
_DEEPEST = 50
"""As deep as a YAML document may nest."""


def read_json(text: str, program: str, draft: InventoryDraft) -> None:
    """Add what a program printed to the draft; what is wrong with it goes to `draft.problems`."""
    where = Where(program)
    try:
        printed: Json = json.loads(text, parse_constant=str, parse_float=_number)
        if _is_deeper(printed, _DEEPEST):
            raise ValueError(f"it nests deeper than {_DEEPEST} levels")  # noqa: TRY301 - one complaint for both
    except (ValueError, RecursionError) as error:
        _complain(draft, f"{program} did not print JSON", f"{error}", where)
        return
    if not isinstance(printed, dict) or not isinstance(meta := printed.get(_META), dict):
        _complain(draft, f"{program} printed no mapping of groups with a {_META} part", "", where)
        return
    for name, body in printed.items():
        if name != _META:
            _read_group(name, body, where, draft)
    for name, body in printed.items():
        if isinstance(body, dict) and name != _META:
            _link(name, _words(body.get("children")), where, draft)
    for host, settings in _settings_by_name(meta.get("hostvars"), where).items():
        _read_host(host, settings, where, draft)


def _read_group(name: str, body: Json, where: Where, draft: InventoryDraft) -> None:
    group = draft.add_group(name, where)
    parts = body if isinstance(body, dict) else {"hosts": body}
    for host in _words(parts.get("hosts")):
        if _is_name(host, where, draft):
            draft.add_host(host, group.name, port=None, where=where)
    for variable, setting in _settings(parts.get("vars"), where).items():
        draft.set_group(name, variable, setting)


def _link(name: str, children: Iterable[str], where: Where, draft: InventoryDraft) -> None:
    for child in children:
        draft.add_group(child, where)
        draft.add_child(name, child, where=where)


def _read_host(host: str, settings: dict[str, Setting], where: Where, draft: InventoryDraft) -> None:
    """A host that only `hostvars` mentions exists too: Ansible would take it as ungrouped."""
    if host not in draft.hosts and _is_name(host, where, draft):
        draft.add_host(host, "ungrouped", port=None, where=where)
    for variable, setting in settings.items():
        draft.set_host(host, variable, setting)


def _number(text: str) -> float | str:
    """A number, or its text where it is too large for one: JSON that we write ourselves has no word for infinite."""
    number = float(text)
    return number if math.isfinite(number) else text


def _is_name(host: str, where: Where, draft: InventoryDraft) -> bool:
    """Whether it is one host's name: a program counts for itself, so its names are no ranges."""
    try:
        is_one = expand(host, where).names == (host,)
    except Problems as refused:
        draft.problems += refused.problems
        return False
    if not is_one:
        _complain(draft, f'"{host}" is no host name', "a program has to print ranges and ports expanded", where)
    return is_one


def _is_deeper(value: Json, levels: int) -> bool:
    """Whether a value nests deeper than so many levels; looks no further than that."""
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels == 0 or any(_is_deeper(item, levels - 1) for item in below)


def _words(value: Json) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def _settings(value: Json, where: Where) -> dict[str, Setting]:
    return {name: written(item, where) for name, item in value.items()} if isinstance(value, dict) else {}


def _settings_by_name(value: Json, where: Where) -> dict[str, dict[str, Setting]]:
    return {name: _settings(item, where) for name, item in value.items()} if isinstance(value, dict) else {}


def _complain(draft: InventoryDraft, what: str, why: str, where: Where) -> None:
    fix = "Run the program with --list by hand and look at what it prints."
    draft.problems.append(Problem(what=what, why=why, fix=fix, where=where, code="bad-program"))
