"""Templates and expressions: from text and a scope to text, or to true or false with its reasons.

Used twice: the compiler renders what is known beforehand into the plan, and the engine renders the rest when a step is
entered. A rendered text is never rendered again, so a value cannot smuggle in a template of its own: either a step
awaits nothing and its texts are final, or it awaits something and all its texts are templates (`settled_text.py`).

Every rendering and every evaluation is bounded in what it reads, makes and does (`allowance.py`), so it may be asked
for anywhere; what goes beyond is a problem like any other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from jinja2 import Template, TemplateError, TemplateSyntaxError, UndefinedError, nodes
from jinja2.environment import TemplateExpression
from jinja2.exceptions import SecurityError
from jinja2.meta import find_undeclared_variables
from jinja2.parser import Parser

from runbook.core.host import Json
from runbook.problem import Problem, Problems, Where, nearest
from runbook.template.allowance import MOST_OUTPUT, SPENDING, Allowance
from runbook.template.looked_at import accesses_in, looked_at
from runbook.template.plain_value import plain_value
from runbook.template.sandbox import MOST_TOKENS, guard, make_sandbox, metered
from runbook.template.scope import Scope

_SANDBOX = make_sandbox()
FOREIGN_BRACES = "Write {% raw %} before braces that are meant for another program, and {% endraw %} behind them."
"""What helps with `{{.Names}}` for docker, `{{ $labels }}` for Prometheus and `${#name}` for a shell."""
_LONG_NUMBER = re.compile(r"[0-9_]{2000}")
"""Jinja2's lexer takes a time for it that grows with the square of its digits."""


class Evaluation(NamedTuple):
    """What an expression came to, and from what."""

    verdict: bool
    values: dict[str, Json]
    """`lag.rc`, `mode`: what each name in it was; secrets by their mask."""


class Token(NamedTuple):
    """One of the pieces that a template is made of."""

    kind: str
    """As Jinja2 calls it: `data`, `name`, `variable_begin`, `whitespace`."""
    text: str


def is_template(text: str) -> bool:
    """Whether there is anything to render."""
    return "{{" in text or "{%" in text or "{#" in text


@lru_cache(maxsize=4096)
def names_in(text: str) -> frozenset[str]:
    """The names that a template needs from its scope; none where it is no template, which `faults_in` tells."""
    return _names(lambda: _parsed(text)) if is_template(text) else frozenset()


@lru_cache(maxsize=4096)
def names_in_expression(expression: str) -> frozenset[str]:
    """The names that an expression needs from its scope; none where it is no expression."""
    return _names(lambda: _parsed_expression(expression))


@lru_cache(maxsize=4096)
def faults_in(text: str) -> tuple[Problem, ...]:
    """Everything that is wrong with a template whatever its names stand for."""
    return _faults(lambda: _parsed(text), text) if is_template(text) else ()


@lru_cache(maxsize=4096)
def faults_in_expression(expression: str) -> tuple[Problem, ...]:
    """Everything that is wrong with an expression whatever its names stand for."""
    return _faults(lambda: _parsed_expression(expression), expression)


def render(text: str, scope: Scope, *, shell: bool = False, reveal: bool = False, where: Where | None = None) -> str:
    """The text with its values in.

    With `shell` every value is quoted for a POSIX shell. With `reveal` secrets are written out, for sending; without
    it they are masked, for showing.

    Raises:
        Problems: a name is unknown, or the template asks for what it may not have; `where` is their place.
    """
    if not is_template(text):
        return text
    try:
        variables = _variables(scope, Allowance(shell=shell, reveal=reveal))
        return "".join(_bounded(_compiled(text).generate(**variables)))
    except Problems:
        raise
    except Exception as error:
        raise Problems([_refusal(error, text, scope, where)]) from error


def evaluate(expression: str, scope: Scope, *, where: Where | None = None) -> Evaluation:
    """Whether an expression is true, and the values that it looked at.

    Raises:
        Problems: it is no expression, a name is unknown, or it asks for what it may not have.
    """
    try:
        variables = _variables(scope, Allowance(shell=False, reveal=False))
        verdict = bool(_compiled_expression(expression)(**variables))
        return Evaluation(verdict, looked_at(_accesses(expression), scope.names()))
    except Problems:
        raise
    except Exception as error:
        raise Problems([_refusal(error, expression, scope, where)]) from error


def value_of(text: str, scope: Scope, *, where: Where | None = None) -> Json:
    """What a text stands for: the value of one that is a single `{{ expression }}`, with its type; else as rendered.

    Raises:
        Problems: as `render`, and for a value that no record can hold.
    """
    expression = lone_expression(text)
    if not expression:
        return render(text, scope, where=where)
    allowance = Allowance(shell=False, reveal=False)
    try:
        return plain_value(_compiled_expression(expression)(**_variables(scope, allowance)), allowance)
    except Problems:
        raise
    except Exception as error:
        raise Problems([_refusal(error, text, scope, where)]) from error


@lru_cache(maxsize=1024)
def lone_expression(text: str) -> str:
    """The expression of a text that is one `{{ expression }}` and nothing else; empty where it is more, or less."""
    if not text.strip().startswith("{{") or faults_in(text):
        return ""
    first, *inner, last = tokens_of(text.strip())
    kinds = [token.kind for token in inner]
    alone = last.kind == "variable_end" and "variable_begin" not in kinds and first.kind == "variable_begin"
    return "".join(token.text for token in inner).strip() if alone else ""


def tokens_of(text: str) -> list[Token]:
    """The text cut into the sandbox's tokens, white space included: joined they are the text again.

    Raises:
        Problems: it is no template.
    """
    try:
        return [Token(kind, value) for _, kind, value in _SANDBOX.lex(text)]
    except TemplateError as error:
        raise Problems([_refusal(error, text, Scope(), None)]) from error


def altered_in(text: str, names: frozenset[str]) -> frozenset[str]:
    """Those of `names` that a template does more with than write them out.

    A secret that was filtered, compared or cut is no longer recognised by the masker, so the compiler refuses it.
    """
    if not is_template(text) or not names & names_in(text):
        return frozenset()
    tree = _parsed(text)
    plain = [child for output in tree.find_all(nodes.Output) for child in output.nodes]
    plain += [node.node for node in list(plain) if isinstance(node, nodes.Filter) and node.name == "raw" and node.node]
    allowed = {id(node) for node in plain}
    return frozenset(node.name for node in tree.find_all(nodes.Name) if node.name in names and id(node) not in allowed)


def host_variables_in(text: str) -> frozenset[tuple[str, str]]:
    """The variables of hosts that a template looks up: pairs of a host's name (empty for `host`) and a variable."""
    found: set[tuple[str, str]] = set()
    for node in _parsed(text).find_all(nodes.Getattr) if is_template(text) else ():
        match node.node:
            case nodes.Name(name="host"):
                found.add(("", node.attr))
            case nodes.Getattr(node=nodes.Name(name="hosts")) as owner:
                found.add((owner.attr, node.attr))
            case nodes.Getitem(node=nodes.Name(name="hosts"), arg=nodes.Const(value=str() as name)):
                found.add((name, node.attr))
            case _:
                pass
    return frozenset(found)


def raw_in(text: str) -> bool:
    """Whether a template opts out of quoting somewhere."""
    return is_template(text) and any(node.name == "raw" for node in _parsed(text).find_all(nodes.Filter))


def _variables(scope: Scope, allowance: Allowance) -> dict[str, object]:
    SPENDING.set(allowance)
    return {**scope.names(), "_allowance": allowance}


def _bounded(chunks: Iterator[str]) -> Iterator[str]:
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > MOST_OUTPUT:
            raise SecurityError(f"more than {MOST_OUTPUT:,} characters")
        yield chunk


def _names(parsed: Callable[[], nodes.Template]) -> frozenset[str]:
    try:
        tree = parsed()
    except Problems:
        return frozenset()
    # Jinja2 would end at the first unknown filter; `_faults` tells of those, and what they stand behind is known.
    for node in list(tree.find_all((nodes.Filter, nodes.Test))):
        node.name = "default" if isinstance(node, nodes.Filter) else "defined"
    return frozenset(find_undeclared_variables(tree))


def _faults(parsed: Callable[[], nodes.Template], text: str) -> tuple[Problem, ...]:
    try:
        tree = parsed()
    except Problems as wrong:
        return wrong.problems
    known = {nodes.Filter: [name for name in _SANDBOX.filters if name[0] != "_"], nodes.Test: list(_SANDBOX.tests)}
    words = {nodes.Filter: "filter", nodes.Test: "test"}
    return tuple(
        Problem(
            what=f'there is no {words[type(node)]} "{node.name}"',
            why=f"in {_excerpt(text)}",
            fix=nearest(node.name, known[type(node)]),
            code="unknown-filter",
        )
        for node in tree.find_all((nodes.Filter, nodes.Test))
        if node.name not in known[type(node)]
    )


def _parsed(text: str) -> nodes.Template:
    try:
        _check_length(text)
        return guard(_SANDBOX.parse(text))
    except (TemplateError, RecursionError) as error:
        raise Problems([_refusal(error, text, Scope(), None)]) from error


def _check_length(text: str) -> None:
    if _LONG_NUMBER.search(text):
        raise SecurityError("a number of thousands of digits")
    words, before = 0, ""
    for line, kind, token in islice(_SANDBOX.lex(text), 2 * MOST_TOKENS):
        words += kind not in {"data", "whitespace"}
        if kind == "comment_begin" and before.endswith("$"):
            # A length in a shell, `${#name}`: all up to the next `#}` would be gone without a word.
            raise TemplateSyntaxError("${# begins a comment", line)
        before = token
    if words > MOST_TOKENS:
        raise SecurityError(f"a template of more than {MOST_TOKENS:,} words and signs")


def _parsed_expression(expression: str) -> nodes.Template:
    try:
        _check_length("{{" + expression)
        parser = Parser(_SANDBOX, expression, state="variable")
        parsed = parser.parse_expression()
        if not parser.stream.eos:
            raise TemplateSyntaxError("more text behind the expression", parser.stream.current.lineno)
        tree = guard(nodes.Template([nodes.Output([parsed], lineno=1)], lineno=1))
    except (TemplateError, RecursionError) as error:
        raise Problems([_refusal(error, expression, Scope(), None)]) from error
    tree.set_environment(_SANDBOX)
    return tree


@lru_cache(maxsize=1024)
def _compiled(text: str) -> Template:
    return Template.from_code(_SANDBOX, _SANDBOX.compile(metered(_parsed(text))), {})


@lru_cache(maxsize=1024)
def _compiled_expression(expression: str) -> TemplateExpression:
    """As `Environment.compile_expression`, with our tree instead of the text."""
    output = next(metered(_parsed_expression(expression)).find_all(nodes.Output))
    result = nodes.Assign(nodes.Name("result", "store"), output.nodes[0], lineno=1)
    template = Template.from_code(_SANDBOX, _SANDBOX.compile(nodes.Template([result], lineno=1)), {})
    return TemplateExpression(template, undefined_to_none=False)


@lru_cache(maxsize=1024)
def _accesses(expression: str) -> tuple[nodes.Node, ...]:
    """What an expression looks up, read once however many hosts it is judged for."""
    return accesses_in(_parsed_expression(expression))


def _refusal(error: BaseException, text: str, scope: Scope, where: Where | None) -> Problem:
    """What went wrong, in the words of the author's template and not of Jinja's classes."""
    shown = _excerpt(text)
    reason = str(error) or type(error).__name__
    match error:
        case UndefinedError():
            name = reason.split("'")[1] if reason.startswith("'") else ""
            if "" in scope.skipped.get(name, {}):
                return _of_a_skipped_step(name, scope.skipped[name][""], shown, where)
            fix = nearest(name, (key for key in scope.names())) if name else ""
            code, what = "undefined-name", f'"{name}" is not defined' if name else reason.rstrip(".")
            return Problem(what=what, why=f"in {shown}", fix=fix, where=where, code=code)
        case SecurityError():
            return Problem(
                what=f"a template that is not allowed: {reason}", why=f"in {shown}", where=where, code="unsafe-template"
            )
        case TemplateSyntaxError():
            what = f"not a template: {error.message}"
            return Problem(what=what, why=f"in {shown}", fix=FOREIGN_BRACES, where=where, code="bad-template")
        case _:
            return Problem(what=f"a template failed: {reason}", why=f"in {shown}", where=where, code="template-failed")


def _of_a_skipped_step(name: str, why: str, shown: str, where: Where | None) -> Problem:
    fix = f"Ask first, with `when: {name} is defined`, or write what holds then: {{{{ {name} | default('...') }}}}"
    return Problem(
        what=f'"{name}" has no result: {why}', why=f"in {shown}", fix=fix, where=where, code="undefined-name"
    )


def _excerpt(text: str) -> str:
    """Characters enough to find the template, and to keep the message on a line or two."""
    return " ".join(text[:600].split())[:60]
