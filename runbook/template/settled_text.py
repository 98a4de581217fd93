"""Writing what is known into texts that still wait for the run.

Two needs meet here. The plan should show as much as it can, so `{{ primary }}` becomes `db1` although the rest of the
text waits. And a nested runbook's parameters have no names once the outer one runs, so whatever names them gets a
literal. Both keep the text a template, and so neither may let a value become part of it: a value with a brace is only
ever written as a literal.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from runbook.core.host import Json
from runbook.template.action_texts import FieldText
from runbook.template.scope import Scope
from runbook.template.template import (
    Token,
    is_template,
    render,
    tokens_of,
)

_NOT_PLAIN = frozenset("{}\r")
"""What a template does not give back as it stands: its own marks, and a carriage return, which becomes a newline."""


def settle_text(field: FieldText, scope: Scope, fixed: Mapping[str, str]) -> str:
    """The text with known parameters written out where they stand alone, and with `fixed` names replaced elsewhere.

    Raises:
        Problems: it is no template.
    """
    return _fix(_write_out(field, scope), fixed)


def settle_expression(expression: str, fixed: Mapping[str, str]) -> str:
    """The expression with `fixed` names replaced.

    Raises:
        Problems: it is no expression.
    """
    return _fix("{{" + expression + "}}", fixed)[2:-2] if fixed else expression


def literal(value: Json) -> str:
    """How a template writes that value."""
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"({value!r})"
        case list():
            return f"[{', '.join(map(literal, value))}]"
        case dict():
            return "{" + ", ".join(f"{literal(key)}: {literal(each)}" for key, each in value.items()) + "}"
        case _:
            return json.dumps(str(value), ensure_ascii=False)


def _write_out(field: FieldText, scope: Scope) -> str:
    if not is_template(field.text):
        return field.text
    pieces: list[str] = []
    for output in _outputs(tokens_of(field.text)):
        name = _lone_name(output)
        known = render("{{" + name + "}}", scope, shell=field.shell) if name in scope.parameters else ""
        alone = name in scope.parameters and not _NOT_PLAIN & set(known)
        pieces.append(known if alone else "".join(token.text for token in output))
    return "".join(pieces)


def _outputs(tokens: list[Token]) -> list[list[Token]]:
    """The tokens, each `{{ ... }}` in a list of its own."""
    cut: list[list[Token]] = [[]]
    for token in tokens:
        if token.kind == "variable_begin":
            cut.append([])
        cut[-1].append(token)
        if token.kind == "variable_end":
            cut.append([])
    return cut


def _lone_name(output: list[Token]) -> str:
    """The name in `{{ name }}`; empty when there is more, or marks that eat the space around."""
    inner = [token for token in output if token.kind != "whitespace"]
    plain = [token.text for token in inner[:1] + inner[2:]] == ["{{", "}}"]
    return inner[1].text if plain and inner[1].kind == "name" else ""


def _fix(text: str, fixed: Mapping[str, str]) -> str:
    if not fixed or not is_template(text):
        return text
    tokens = tokens_of(text)
    return "".join(
        fixed.get(token.text, token.text) if _names_a_value(tokens, place) else token.text
        for place, token in enumerate(tokens)
    )


def _names_a_value(tokens: list[Token], place: int) -> bool:
    """Whether that token is no attribute, filter, test or keyword of a call."""
    if tokens[place].kind != "name":
        return False
    before = [token.text for token in tokens[:place] if token.kind != "whitespace"]
    after = [token.text for token in tokens[place + 1 :] if token.kind != "whitespace"]
    return before[-1] not in {".", "|", "is"} and (not after or after[0] != "=")
