"""The Jinja2 environment: what a template may do, and how much of it.

A runbook's author may run any command, so this is no wall against him; it keeps slips and hostile values (a host's
output, an inventory variable) from reaching Python, from working without end and from leaving a shell quotation. Only
conditions and loops are statements, attributes go through `scope.py`, filters and tests are those of `filters.py`.

Nothing holds the program up. A template is cut off before it is read when it is too long or too deep, and in what is
compiled of it everything that can make much of little passes by the rendering's `Allowance`: operators and calls
through the environment, and literals, comparisons, slices and loops through nodes that `metered` puts around them.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from jinja2 import StrictUndefined, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import pass_context
from jinja2.visitor import NodeTransformer

from runbook.core.host import Host
from runbook.problem import nearest
from runbook.template.allowance import SPENDING, STEP
from runbook.template.filters import Raw, allowance_of, as_text, filters, is_reckonable, spelled, tests
from runbook.template.scope import ABSENT, attribute, effort, item, known_attributes

DEEPEST = 100
"""Levels of an expression: far below what Python's compiler takes, far above what anybody can read."""

MOST_TOKENS = 20_000
"""Words and signs of one template, not counting the text around them: more is a program, and takes seconds to read."""

_LOOP_NAMES = frozenset({"index", "index0", "first", "last", "length", "revindex", "revindex0"})
_STATEMENTS = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For)
_STRIPS = frozenset({"strip", "lstrip", "rstrip"})
_OPERATORS = frozenset({"+", "-", "*", "/", "//", "%", "**"})


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja2 with our names, our filters and our bounds."""

    intercepted_binops = _OPERATORS

    def getattr(self, obj: object, attribute: str) -> Any:
        """`obj.attribute`, by our rules alone."""
        return self._found(obj, attribute)

    def getitem(self, obj: object, argument: object) -> Any:
        """`obj[argument]`, by our rules alone."""
        SPENDING.get().spend(STEP + effort(obj, argument))
        found = item(obj, argument)
        return self._missing(obj, str(argument)) if found is ABSENT else found

    def is_safe_callable(self, obj: object) -> bool:
        """Only the methods that `scope.attribute` hands out: they are bound to text or to a mapping.

        An undefined value may be called too, because that raises with its own hint.
        """
        return isinstance(obj, Undefined) or isinstance(getattr(obj, "__self__", None), str | Mapping)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """The operators; some can make much from little."""
        if operator == "**" or (operator == "%" and isinstance(left, str)):
            raise SecurityError(f"the operator {operator} is not available here")
        if not (is_reckonable(left) and is_reckonable(right)):
            raise SecurityError("a number too large to reckon with")
        allowance = allowance_of(context)
        allowance.look(left)
        allowance.look(right)
        sizes = [len(each) if isinstance(each, str | list | tuple) else each for each in (left, right)]
        if operator == "*" and isinstance(left, int) != isinstance(right, int):
            allowance.write(max(0, sizes[0] * sizes[1]) if all(isinstance(size, int) for size in sizes) else 0)
        if operator == "+" and isinstance(left, str | list | tuple) and isinstance(right, str | list | tuple):
            allowance.write(sizes[0] + sizes[1])
        return super().call_binop(context, operator, left, right)

    def call(self, context: Context, obj: Any, /, *given: Any, **named: Any) -> Any:
        """A method of text or of a mapping, paid for."""
        allowance = allowance_of(context)
        owner, arguments = getattr(obj, "__self__", None), (*given, *named.values())
        allowance.look(arguments)
        if isinstance(owner, str):
            allowance.look(owner)
            # Stripping compares every character with each of these.
            many = sum(len(each) for each in arguments if isinstance(each, str)) if obj.__name__ in _STRIPS else 0
            allowance.spend(STEP + many * len(owner))
        return super().call(context, obj, *given, **named)

    def _found(self, obj: object, name: str) -> Any:
        if isinstance(obj, LoopContext) and name in _LOOP_NAMES:
            return getattr(obj, name)
        SPENDING.get().spend(STEP + effort(obj, name))
        found = attribute(obj, name)
        return self._missing(obj, name) if found is ABSENT else found

    def _missing(self, obj: object, name: str) -> Undefined:
        if isinstance(obj, Undefined):
            return obj
        return self.undefined(_Hint(obj, name), obj=obj, name=name)


class _Hint(str):
    """What there is instead of a name that is not there: found out only when somebody is told."""

    __slots__ = ("_name", "_owner")
    _name: str
    _owner: object

    def __new__(cls, owner: object, name: str) -> Self:
        """A text that is not empty, as Jinja2 wants it."""
        hint = super().__new__(cls, "not defined")
        hint._owner, hint._name = owner, name
        return hint

    def __str__(self) -> str:
        """The sentence."""
        owner = (
            f"host {self._owner.name}" if isinstance(self._owner, Host) else getattr(self._owner, "name", "the value")
        )
        return f'{owner} has no "{self._name}". {nearest(self._name, known_attributes(self._owner))}'.strip()


def guard(tree: nodes.Template) -> nodes.Template:
    """Refuse statements that make templates programs.

    Raises:
        SecurityError: A statement or a recursive loop that is not available, or an expression that is too long.
    """
    _check_depth(tree)
    for node in tree.find_all((nodes.Stmt,)):
        if not isinstance(node, _STATEMENTS) or (isinstance(node, nodes.For) and node.recursive):
            raise SecurityError(f"the statement {type(node).__name__.lower()} is not available here")
    return tree


def metered(tree: nodes.Template) -> nodes.Template:
    """The tree, changed in place so that what it makes and compares is paid for when it is rendered."""
    _Metering().visit(tree)
    return tree


def make_sandbox() -> Sandbox:
    """The one environment; it holds no state between renderings."""
    sandbox = Sandbox(undefined=StrictUndefined, finalize=_finalize, keep_trailing_newline=True, autoescape=False)
    sandbox.filters = {}
    sandbox.filters.update(filters(), _counted=_counted, _seen=_seen, _text=_text)
    sandbox.tests = {}
    sandbox.tests.update(tests())
    sandbox.globals = {}
    return sandbox


def _check_depth(tree: nodes.Template) -> None:
    """Jinja2 and Python walk a tree by recursion, so a chain of a thousand additions would end in their stack."""
    layer: list[nodes.Node] = [tree]
    for _ in range(DEEPEST):
        layer = [child for node in layer for child in node.iter_child_nodes()]
        if not layer:
            return
    raise SecurityError(f"an expression of more than {DEEPEST} steps")


class _Metering(NodeTransformer):
    """Puts a filter of ours around every node that Jinja2 would evaluate without asking the environment."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 - Jinja2 calls it so
        """A turn costs what stands in the loop."""
        size = sum(1 for child in (*node.body, *node.else_) for _ in child.find_all(nodes.Node))
        self.generic_visit(node)
        node.iter = _through("_counted", node.iter, nodes.Const(STEP + size))
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802 - Jinja2 calls it so
        """Both sides may be large, and one may be made of the other many times over."""
        self.generic_visit(node)
        node.expr = _through("_seen", node.expr)
        for operand in node.ops:
            operand.expr = _through("_seen", operand.expr)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 - Jinja2 calls it so
        """What `~` makes of values that are no text can be long."""
        self.generic_visit(node)
        node.nodes = [_through("_text", each) for each in node.nodes]
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802 - Jinja2 calls it so
        """A slice is a copy."""
        self.generic_visit(node)
        return _through("_seen", node) if isinstance(node.arg, nodes.Slice) else node

    def visit_List(self, node: nodes.List) -> nodes.Node:  # noqa: N802 - Jinja2 calls it so
        """A list in which a list stands twice is as large as two."""
        self.generic_visit(node)
        return _through("_seen", node)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:  # noqa: N802 - Jinja2 calls it so
        """As a list."""
        self.generic_visit(node)
        return _through("_seen", node)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:  # noqa: N802 - Jinja2 calls it so
        """As a list, unless it says what a loop calls its values."""
        self.generic_visit(node)
        return _through("_seen", node) if node.ctx == "load" else node


def _through(name: str, node: nodes.Node, *given: nodes.Expr) -> nodes.Expr:
    if isinstance(node, nodes.Const):
        return node
    return nodes.Filter(node, name, list(given), [], None, None, lineno=node.lineno)


@pass_context
def _counted(context: Context, values: Iterable[object], price: int) -> Iterator[object]:
    allowance = allowance_of(context)
    for value in values:
        allowance.turn(price)
        yield value


@pass_context
def _seen(context: Context, value: object) -> object:
    allowance_of(context).look(value)
    return value


@pass_context
def _text(context: Context, value: object) -> str:
    allowance = allowance_of(context)
    text = as_text(value, allowance)
    allowance.write(len(text))
    return text


@pass_context
def _finalize(context: Context, value: object) -> str:
    """What `{{ }}` writes: quoted for a shell by default, secrets revealed only on the way out."""
    allowance = allowance_of(context)
    if isinstance(value, Raw) or not allowance.shell:
        return spelled(value, allowance, ", ")
    if isinstance(value, list | tuple):
        return " ".join(shlex.quote(spelled(each, allowance, " ")) for each in allowance.all_of(value))
    return shlex.quote(spelled(value, allowance, " "))
