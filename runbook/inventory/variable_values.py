"""What a variable's YAML means to an inventory: the older YAML 1.1 rules, by which Ansible reads.

Our own documents follow YAML 1.2, where `yes` is text. An inventory that says `ansible_become: yes` or `mode: 0644`
was written for Ansible and has to mean here what it means there. Tags that Ansible gives a meaning are known: a
`!vault` value is noted as encrypted, an `!unsafe` one is text that is never a template. Dates stay text.
Rules: https://yaml.org/type/bool.html, int.html and float.html.
"""

from __future__ import annotations

import re
from typing import assert_never

from runbook.core.host import Json, Scalar
from runbook.document.source import ListNode, MapNode, Node, ScalarNode
from runbook.inventory.draft import Form, Setting, form_of, gravest
from runbook.problem import Problem

_TRUE = {"yes", "true", "on"}
_FALSE = {"no", "false", "off"}
_NULL = re.compile(r"~|null|Null|NULL|")
_WORD = re.compile(r"[a-z]+|[A-Z][a-z]+|[A-Z]+")
_BINARY = re.compile(r"[-+]?0b[01_]+")
_OCTAL = re.compile(r"[-+]?0[0-7_]+")
_HEX = re.compile(r"[-+]?0x[0-9a-fA-F_]+")
_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)")
_SIXTIES = re.compile(r"[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+")
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?")
_BASES = ((_BINARY, 2), (_OCTAL, 8), (_HEX, 16), (_DECIMAL, 10))
_LONGEST_NUMBER = 40
"""A longer one is an identifier, and stays text."""
_LARGEST = 2**63
"""Beyond 64 bits a number cannot travel in a record; it is kept as text."""
_TAGS = ("", "!vault", "!vault-encrypted", "!unsafe")


def setting_of(node: Node) -> Setting:
    """A variable's value with its place and form."""
    return Setting(value_of(node), node.where, _form(node))


def value_of(node: Node) -> Json:
    """The value as Ansible would read it."""
    match node:
        case ScalarNode():
            return node.raw if node.quoted or node.tag else _scalar(node)
        case ListNode():
            return [value_of(item) for item in node.items]
        case MapNode():
            return {entry.name: value_of(entry.value) for entry in node.entries}
        case _:
            assert_never(node)


def unknown_tags(node: Node) -> tuple[Problem, ...]:
    """A problem for each tag whose meaning we would have to guess."""
    below: tuple[Node, ...] = ()
    if isinstance(node, ListNode):
        below = node.items
    elif isinstance(node, MapNode):
        below = tuple(entry.value for entry in node.entries)
    found = tuple(problem for child in below for problem in unknown_tags(child))
    if node.tag in _TAGS:
        return found
    fix = "Remove the tag; known are !vault and !unsafe."
    return (Problem(what=f"unknown tag {node.tag}", fix=fix, where=node.where, code="unknown-tag"), *found)


def _form(node: Node) -> Form:
    match node:
        case ScalarNode():
            if node.tag.startswith("!vault"):
                return "vault"
            return "plain" if node.tag == "!unsafe" else form_of(node.raw)
        case ListNode():
            return gravest(_form(item) for item in node.items)
        case MapNode():
            return gravest(_form(entry.value) for entry in node.entries)
        case _:
            assert_never(node)


def _scalar(node: ScalarNode) -> Scalar:
    """A plain scalar by the rules of YAML 1.1."""
    raw = node.raw
    if _NULL.fullmatch(raw):
        return None
    word = raw.lower() if _WORD.fullmatch(raw) else ""
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    return _number(raw) if len(raw) <= _LONGEST_NUMBER else raw


def _number(raw: str) -> Scalar:
    for pattern, base in _BASES:
        if pattern.fullmatch(raw):
            return _whole(raw, base)
    if _SIXTIES.fullmatch(raw):
        return _sixties(raw)
    if _FLOAT.fullmatch(raw):
        number = float(raw.replace("_", ""))
        return raw if number in {float("inf"), float("-inf")} else number
    return raw


def _whole(raw: str, base: int) -> Scalar:
    digits = raw.replace("_", "")
    try:
        number = int(digits, base)
    except ValueError:  # nothing but underscores behind the prefix
        return raw
    return number if abs(number) < _LARGEST else raw


def _sixties(raw: str) -> Scalar:
    """`1:30` is ninety: YAML 1.1 counts in sixties, which surprises everybody and is what Ansible does."""
    total = 0
    for part in raw.lstrip("+-").replace("_", "").split(":"):
        total = total * 60 + int(part)
    number = -total if raw.startswith("-") else total
    return number if abs(number) < _LARGEST else raw
