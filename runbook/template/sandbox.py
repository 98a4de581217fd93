"""The Jinja2 environment: what a template may do, and how much of it.

A runbook's author may run any command, so this is no wall against him; it keeps slips and hostile values (a host's
output, an inventory variable) from reaching Python, from growing without bound and from leaving a shell quotation.
Output, loops and repetition are counted; only conditions and loops are statements; attributes go through `scope.py`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from jinja2 import StrictUndefined, nodes
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS
from jinja2.runtime import Context, LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import pass_context

from runbook.core.command import MASK, Secret
from runbook.core.host import Host
from runbook.problem import nearest
from runbook.template.scope import ABSENT, Registered, attribute, item, known_attributes

MOST_OUTPUT = 1 << 20
"""Characters that one rendering may give, and that repetition or replacement may make: the size of the largest
document that is read.
"""
DEEPEST = 100
"""Levels of an expression: far below what Python's compiler takes, far above what anybody can read."""
MOST_TURNS = 100_000
"""Turns of all loops of one rendering: every host of the largest fleet, a hundred times."""

_FILTERS = (
    "abs", "capitalize", "count", "d", "default", "first", "float", "int", "items", "join", "last", "length", "list",
    "lower", "map", "max", "min", "reject", "rejectattr", "reverse", "select", "selectattr", "sort", "string", "sum",
    "title", "trim", "unique", "upper", "urlencode",
)  # fmt: skip
_LOOP_NAMES = frozenset({"index", "index0", "first", "last", "length", "revindex", "revindex0"})
_STATEMENTS = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For)


class Raw(str):
    """Text that goes into a shell as it is."""

    __slots__ = ()


@dataclass(slots=True)
class Allowance:
    """What is left to one rendering, and how its values are written."""

    shell: bool
    reveal: bool
    turns: int = MOST_TURNS


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja2 with our names, our filters and our bounds."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def getattr(self, obj: object, attribute: str) -> Any:
        """`obj.attribute`, by our rules alone."""
        return self._found(obj, attribute)

    def getitem(self, obj: object, argument: object) -> Any:
        """`obj[argument]`, by our rules alone."""
        found = item(obj, argument)
        return self._missing(obj, str(argument)) if found is ABSENT else found

    def is_safe_callable(self, obj: object) -> bool:
        """Only the methods that `scope.attribute` hands out: they are bound to text or to a mapping.

        An undefined value may be called too, because that raises with its own hint.
        """
        return isinstance(obj, Undefined) or isinstance(getattr(obj, "__self__", None), str | Mapping)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """The operators that can make much from little."""
        if operator == "**" or (operator == "%" and isinstance(left, str)):
            raise SecurityError(f"the operator {operator} is not available here")
        for sized, times in ((left, right), (right, left)):
            if operator == "*" and isinstance(sized, str | list | tuple) and len(sized) * times > MOST_OUTPUT:
                raise SecurityError("repeated too often")
        return super().call_binop(context, operator, left, right)

    def _found(self, obj: object, name: str) -> Any:
        if isinstance(obj, LoopContext) and name in _LOOP_NAMES:
            return getattr(obj, name)
        found = attribute(obj, name)
        return self._missing(obj, name) if found is ABSENT else found

    def _missing(self, obj: object, name: str) -> Undefined:
        if isinstance(obj, Undefined):
            return obj
        owner = f"host {obj.name}" if isinstance(obj, Host) else getattr(obj, "name", "the value")
        hint = f'{owner} has no "{name}". {nearest(name, known_attributes(obj))}'.strip()
        return self.undefined(hint, obj=obj, name=name)


def guard(tree: nodes.Template) -> nodes.Template:
    """Refuse statements that make templates programs, and put every loop under the allowance.

    Raises:
        SecurityError: a statement or a recursive loop that is not available, or an expression that is too long.
    """
    _check_depth(tree)
    for node in tree.find_all((nodes.Stmt,)):
        if not isinstance(node, _STATEMENTS) or (isinstance(node, nodes.For) and node.recursive):
            raise SecurityError(f"the statement {type(node).__name__.lower()} is not available here")
    for loop in list(tree.find_all(nodes.For)):
        loop.iter = nodes.Filter(loop.iter, "_counted", [], [], None, None, lineno=loop.lineno)
    return tree


def _check_depth(tree: nodes.Template) -> None:
    """Jinja2 and Python walk a tree by recursion, so a chain of a thousand additions would end in their stack."""
    layer: list[nodes.Node] = [tree]
    for _ in range(DEEPEST):
        layer = [child for node in layer for child in node.iter_child_nodes()]
        if not layer:
            return
    raise SecurityError(f"an expression of more than {DEEPEST} steps")


@pass_context
def _counted(context: Context, values: Iterable[object]) -> Iterator[object]:
    allowance: Allowance = context["_allowance"]
    for value in values:
        allowance.turns -= 1
        if allowance.turns < 0:
            raise SecurityError(f"loops of more than {MOST_TURNS:,} turns in all")
        yield value


@pass_context
def _finalize(context: Context, value: object) -> str:
    """What `{{ }}` writes: quoted for a shell by default, secrets revealed only on the way out."""
    allowance: Allowance = context["_allowance"]
    if isinstance(value, Raw) or not allowance.shell:
        return str(value) if isinstance(value, str) else _spelled(value, allowance, ", ")
    if isinstance(value, list | tuple):
        return " ".join(shlex.quote(_spelled(each, allowance, " ")) for each in value)
    return shlex.quote(_spelled(value, allowance, " "))


def _spelled(value: object, allowance: Allowance, between: str) -> str:
    match value:
        case Secret():
            return value.reveal() if allowance.reveal else MASK
        case Registered():
            return _spelled(value.shown(), allowance, between)
        case Host():
            return value.name
        case bool():
            return "true" if value else "false"
        case None:
            return ""
        case list() | tuple():
            return between.join(_spelled(each, allowance, between) for each in value)
        case Mapping():
            return _tojson(value)
        case Undefined():
            return str(value)  # raises, with the hint
        case _:
            return str(value)


def _raw(value: object) -> object:
    """`x | raw`: into the shell as it is. A secret stays a secret; `check` points at both."""
    return value if isinstance(value, Secret) else Raw(_spelled(value, Allowance(shell=False, reveal=False), " "))


def _quote(value: object) -> Raw:
    return Raw(shlex.quote(_spelled(value, Allowance(shell=False, reveal=False), " ")))


def _replace(value: object, old: str, new: str) -> str:
    text = str(value)
    if text.count(old) * max(0, len(new) - len(old)) + len(text) > MOST_OUTPUT:
        raise SecurityError("replaced too often")
    return text.replace(old, new)


def _round(value: float, digits: int = 0) -> float:
    # 15 digits are all that a float has.
    return round(value, max(-15, min(15, digits))) if digits else round(value)


def _tojson(value: object) -> str:
    return msgspec.json.encode(value, enc_hook=lambda odd: dict(odd) if isinstance(odd, Mapping) else str(odd)).decode()


def make_sandbox() -> Sandbox:
    """The one environment; it holds no state between renderings."""
    sandbox = Sandbox(undefined=StrictUndefined, finalize=_finalize, keep_trailing_newline=True, autoescape=False)
    own = {"raw": _raw, "quote": _quote, "replace": _replace, "round": _round, "tojson": _tojson, "_counted": _counted}
    sandbox.filters = {**{name: FILTERS[name] for name in _FILTERS}, **own}
    sandbox.globals = {}
    return sandbox
