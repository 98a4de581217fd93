"""What an expression looked at: the values that a condition was true or false by, as its record tells them.

Found by looking up again what stands in the expression, not by spying on Jinja2. It refuses to be a second evaluation:
what is more than names, attributes and items has no line of its own, and what cannot be told is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from jinja2 import nodes
from jinja2.exceptions import SecurityError

from runbook.core.host import Json
from runbook.template.allowance import Allowance
from runbook.template.scope import ABSENT, RegisteredName, attribute, item

_LARGEST_TOLD = 100
"""Values in a list or a mapping that are still written out."""


def accesses_in(tree: nodes.Template) -> tuple[nodes.Node, ...]:
    """The longest accesses in an expression, in the order of reading."""
    inner = {id(node.node) for node in tree.find_all(nodes.Expr) if isinstance(node, nodes.Getattr | nodes.Getitem)}
    return tuple(node for node in tree.find_all((nodes.Getattr, nodes.Getitem, nodes.Name)) if id(node) not in inner)


def looked_at(accesses: Iterable[nodes.Node], names: Mapping[str, object]) -> dict[str, Json]:
    """Each value that was looked at, under the longest access that leads to one."""
    return dict(shown for node in accesses for shown in _shown(node, names))


def _shown(node: nodes.Node, names: Mapping[str, object]) -> Iterator[tuple[str, Json]]:
    """The access and its value; what cannot be told is left out, because the verdict is there and must not fail now."""
    try:
        told = _spelled(node), _plain(_looked_up(node, names))
    except (LookupError, SecurityError):
        if isinstance(node, nodes.Getattr | nodes.Getitem):
            yield from _shown(node.node, names)
    else:
        yield told


def _spelled(node: nodes.Node) -> str:
    match node:
        case nodes.Name():
            return node.name
        case nodes.Getattr():
            return f"{_spelled(node.node)}.{node.attr}"
        case nodes.Getitem():
            return f"{_spelled(node.node)}[{_spelled(node.arg)}]"
        case nodes.Const():
            return repr(node.value)
        case _:
            raise LookupError("more than names, attributes and items")


def _looked_up(node: nodes.Node, names: Mapping[str, object]) -> object:
    match node:
        case nodes.Name():
            found = names[node.name]
        case nodes.Getattr():
            found = attribute(_looked_up(node.node, names), node.attr)
        case nodes.Getitem():
            found = item(_looked_up(node.node, names), _looked_up(node.arg, names))
        case nodes.Const():
            found = node.value
        case _:
            raise LookupError("more than names, attributes and items")
    if found is ABSENT or callable(found):
        raise LookupError("no value")
    return found


def _plain(value: object) -> Json:
    """A value as the record may keep it."""
    match value:
        case RegisteredName():
            return value.shown()
        case str() | int() | float() | bool() | None:
            return value
        case list() | tuple() | Mapping() if len(value) > _LARGEST_TOLD:
            return f"({len(value)} values)"
        case _:
            Allowance(shell=False, reveal=False).look(value, inside=True)
            return str(value)
