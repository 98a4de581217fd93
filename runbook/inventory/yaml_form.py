"""Ansible's YAML inventory: groups with `hosts`, `vars` and `children`, nested as deep as one likes.

Where Ansible skips with a warning what it does not understand, this reader refuses when hosts could get lost by it (a
list where a mapping belongs) and warns when only words do (an unknown key). A file with `plugin:` is a recipe for a
program and no inventory; it is refused with the way to have Ansible run it.
Specification: https://docs.ansible.com/ansible/latest/collections/ansible/builtin/yaml_inventory.html
"""

from __future__ import annotations

from collections.abc import Iterator

from runbook.document.source import Entry, MapNode, Node, ScalarNode
from runbook.inventory.draft import InventoryDraft, Setting
from runbook.inventory.host_expression import expand
from runbook.inventory.variable_values import setting_of, unknown_tags
from runbook.problem import Problem, Problems, Where, nearest

_KEYS = ("hosts", "vars", "children")


def read_yaml(root: Node, draft: InventoryDraft) -> None:
    """Add what a YAML inventory says to the draft; what is wrong with it goes to `draft.problems`."""
    if not isinstance(root, MapNode):
        _complain(draft, "a YAML inventory is a mapping of groups", "Begin with all: and put hosts: below it.", root)
    elif root.get("plugin") is not None:
        _complain(
            draft,
            "this file configures an inventory plugin and lists no hosts",
            "Read it through Ansible: --inventory-via ansible-inventory.",
            root,
        )
    else:
        for entry in root.entries:
            _read_group(entry, draft)


def settings_in(node: Node, draft: InventoryDraft) -> dict[str, Setting]:
    """The variables of a mapping by name; an empty value has none, anything else is a problem."""
    if isinstance(node, MapNode):
        draft.problems += unknown_tags(node)
        return {entry.name: setting_of(entry.value) for entry in node.entries}
    if not _is_empty(node):
        _complain(draft, "variables are written as a mapping", "Write name: value.", node)
    return {}


def _read_group(entry: Entry, draft: InventoryDraft) -> None:
    name = entry.name
    draft.add_group(name, entry.key.where)
    if not isinstance(entry.value, MapNode):
        if not _is_empty(entry.value):
            _complain(draft, f'group "{name}" is no mapping', "Put hosts:, vars: or children: below it.", entry.value)
        return
    for part in entry.value.entries:
        match part.name:
            case "hosts":
                for host in _members(part, draft):
                    _read_host(host.key, host.value, name, draft)
            case "vars":
                for variable, setting in settings_in(part.value, draft).items():
                    draft.set_group(name, variable, setting)
            case "children":
                for child in _members(part, draft):
                    _read_group(child, draft)
                    draft.add_child(name, child.name, where=child.key.where)
            case _:
                draft.warnings.append(_unknown_key(part, name))


def _members(part: Entry, draft: InventoryDraft) -> Iterator[Entry]:
    """The entries of `hosts` or `children`; a single name may stand alone."""
    match part.value:
        case MapNode():
            yield from part.value.entries
        case ScalarNode(value=str()):
            nothing = ScalarNode(where=part.value.where, value=None, raw="")
            yield Entry(key=part.value, value=nothing)
        case ScalarNode(value=None):
            pass
        case _:
            fix = "Write one name a line with a colon behind it, and no dash before it."
            _complain(draft, f"{part.name} is no mapping", fix, part.value)


def _read_host(key: ScalarNode, value: Node, group: str, draft: InventoryDraft) -> None:
    try:
        expression = expand(key.raw, key.where)
    except Problems as refused:
        draft.problems += refused.problems
        return
    settings = settings_in(value, draft)
    for name in expression.names:
        draft.add_host(name, group, port=expression.port, where=key.where)
        for variable, setting in settings.items():
            draft.set_host(name, variable, setting)


def _is_empty(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.value is None


def _complain(draft: InventoryDraft, what: str, fix: str, node: Node) -> None:
    draft.problems.append(Problem(what=what, fix=fix, where=node.where, code="wrong-type"))


def _unknown_key(part: Entry, group: str) -> Problem:
    where: Where = part.key.where
    return Problem(
        what=f'unknown key "{part.name}" in group "{group}" is ignored',
        fix=nearest(part.name, _KEYS),
        where=where,
        code="unknown-key",
        warning=True,
    )
