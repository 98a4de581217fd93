"""Selecting hosts by pattern: Ansible's language exactly, and ClusterShell's node sets behind `nodes:`.

A pattern is a list of terms split at commas (or, the old way, colons). Plain terms add hosts, then `&` terms keep only
theirs, then `!` terms remove theirs, wherever they stand. A term is a host, a group, a glob, a `~regex`, and a group
may carry a subscript (`web[0]`, `web[1:3]`, both ends included). ClusterShell's words mean other things by the same
signs, so they are never guessed: `nodes:db[01-20]!db07` says what it is.
Rules: https://docs.ansible.com/ansible/latest/inventory_guide/intro_patterns.html

Unlike Ansible, selecting nobody is an error, and so is every term that matches nothing: in a drill a host that is
silently absent is a wrong result.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable

from runbook.core.inventory import Inventory
from runbook.core.planned.action import CONTROLLER
from runbook.inventory.host_expression import expand
from runbook.matching.pattern import check_pattern
from runbook.problem import Exit, Problem, Problems, Where, nearest

NODES = "nodes:"
_GROUP_MARK = "group:"
"""`environment.yaml` may say `group:dns` where a bare word could be taken for a host."""

_SUBSCRIPT = re.compile(r"(.+)\[(?:(-?[0-9]+)|([0-9]+)[:-]([0-9]*))\]")
_LEGACY_TERM = re.compile(r"(?:[^\s:\[\]]|\[[^\]]*\])+")
_LONGEST_SHOWN = 200
"""Characters of a pattern in a message about it."""
_LONGEST_TERM = 4096
"""Characters between two commas: reading brackets takes a time that grows with the square of them."""
_GLOB_SIGNS = frozenset(".?*[")
_LOCALHOST = ("localhost", "127.0.0.1", "::1")
_NODE_TERM = re.compile(r"(?:[^,!&^\[\]]|\[[^\]]*\])+")
_NODE_RANGE = re.compile(r"([0-9]{1,12})-([0-9]{1,12})")
_MAX_NODES = 100_000
"""ClusterShell expands a range as it reads it, so n[1-999999999] has to be counted before."""


def select(inventory: Inventory, pattern: str, *, where: Where | None = None) -> tuple[str, ...]:
    """The hosts that a pattern names, each once, in the order in which Ansible would take them.

    Raises:
        Problems: `no-hosts` where it, or one of its terms, matches nobody; `bad-pattern` where it cannot be read; and
            whatever keeps a selected host from being connected to as the inventory describes it.
    """
    names = named(inventory, pattern, where=where)
    blocked = dict.fromkeys(problem for name in names for problem in inventory.unusable.get(name, ()))
    if blocked:
        raise Problems(blocked)
    return names


def named(inventory: Inventory, pattern: str, *, where: Where | None = None) -> tuple[str, ...]:
    """As `select`, with the hosts that cannot be connected to: for whoever only looks.

    Raises:
        Problems: `no-hosts` and `bad-pattern`.
    """
    if pattern.strip() == CONTROLLER:
        return (CONTROLLER,)
    names = _resolve(inventory, pattern, where)
    if not names:
        empty = "" if inventory.hosts else f"{inventory.name} lists no host at all"
        raise Problems([_nobody(inventory, pattern, empty or "its terms leave no host", where)])
    return names


def protected_hosts(inventory: Inventory) -> tuple[str, ...]:
    """The hosts that the environment's `protected` entries name, in inventory order. An entry may match nobody."""
    found = {name for entry in inventory.environment.protected for name in _protected_by(inventory, entry)}
    return tuple(name for name in inventory.hosts if name in found)


def idle_protection(inventory: Inventory) -> tuple[Problem, ...]:
    """A warning for each `protected` entry that protects nobody: it may be a slip of the pen."""
    return tuple(
        Problem(
            what=f'protected "{entry}" protects no host of {inventory.name}',
            fix=nearest(entry.removeprefix(_GROUP_MARK), (*inventory.groups, *inventory.hosts)),
            where=Where(inventory.source),
            code="no-hosts",
            warning=True,
        )
        for entry in inventory.environment.protected
        if not _protected_by(inventory, entry)
    )


def _protected_by(inventory: Inventory, entry: str) -> tuple[str, ...]:
    try:
        return _resolve(inventory, entry.removeprefix(_GROUP_MARK), None)
    except Problems:  # a host that is not there needs no protection
        return ()


def _resolve(inventory: Inventory, pattern: str, where: Where | None) -> tuple[str, ...]:
    if max(map(len, pattern.split(",")), default=0) > _LONGEST_TERM:
        what, fix = f"a pattern with a term of more than {_LONGEST_TERM:,} characters", "Split it, or name a group."
        raise Problems([Problem(what=what, fix=fix, where=where, code="bad-pattern")])
    read = _node_set if pattern.startswith(NODES) else _evaluate
    return read(inventory, pattern, where)


def _evaluate(inventory: Inventory, pattern: str, where: Where | None) -> tuple[str, ...]:
    terms = _split(pattern)
    if not terms or "~" in terms:
        # Ansible takes an empty regular expression for everybody, which nobody means.
        fix = 'Write "all" if every host is meant.'
        bad = Problem(what=f'pattern "{pattern}" names nobody', fix=fix, where=where, code="bad-pattern")
        raise Problems([bad])
    names: dict[str, None] = {}
    for term in [term for term in terms if term[0] not in "&!"] or ["all"]:
        # Only a plain term means the host where a group has the same name.
        found = (term,) if term in inventory.hosts else _match_term(inventory, term, where)
        names |= dict.fromkeys(found)
    for sign, keep in (("&", True), ("!", False)):
        for term in terms:
            if term[0] == sign:
                matched = set(_match_term(inventory, term[1:], where))
                names = {name: None for name in names if (name in matched) is keep}
    return tuple(names)


def _split(pattern: str) -> list[str]:
    """The terms of a pattern. A colon splits only where it can be no part of a range, a port or an IPv6 address."""
    if "," in pattern:
        terms = [term.strip() for term in pattern.split(",")]
    elif _is_one_host(pattern):
        terms = [pattern.strip()]
    else:
        terms = _LEGACY_TERM.findall(pattern)
        if _LEGACY_TERM.sub("", pattern).strip(" :"):  # half of a bracket; dropping it would widen the pattern
            return [pattern]
    return [term for term in terms if term]


def _is_one_host(pattern: str) -> bool:
    try:
        expand(pattern, Where("pattern"))
    except Problems:
        return False
    return True


def _match_term(inventory: Inventory, term: str, where: Where | None) -> tuple[str, ...]:
    match = None if term.startswith("~") else _SUBSCRIPT.fullmatch(term)
    matched = _enumerate(inventory, match[1] if match else term, where)
    if match and matched:
        matched = _subscript(matched, match)
        if not matched:
            raise Problems([_nobody(inventory, term, f'"{match[1]}" has fewer hosts than that', where)])
    if not matched and term not in inventory.groups:
        raise Problems([_nobody(inventory, term, "it matches neither a host nor a group", where)])
    return matched


def _enumerate(inventory: Inventory, expression: str, where: Where | None) -> tuple[str, ...]:
    """Hosts of the groups that match; hosts that match too, if no group did or the expression could mean both."""
    if not expression:
        return ()
    groups = _matching(expression, inventory.groups, where)
    names = dict.fromkeys(host for group in groups for host in inventory.groups[group])
    if not groups or expression.startswith("~") or _GLOB_SIGNS & set(expression):
        names |= dict.fromkeys(_matching(expression, inventory.hosts, where))
    return tuple(names)


def _matching(expression: str, names: Iterable[str], where: Where | None) -> tuple[str, ...]:
    """The names that a glob or a regular expression matches from their beginning, in their order."""
    if not expression.startswith("~"):
        matches = re.compile(fnmatch.translate(expression)).match
        return tuple(name for name in names if matches(name))
    from runbook.matching.matcher import matcher  # noqa: PLC0415 - few patterns need it

    tried = tuple(names)
    try:
        check_pattern(expression[1:])
        found = matcher().found("match", expression[1:], tried)
    except Problems as wrong:
        [why] = wrong.problems
        what = f'pattern "{expression[:_LONGEST_SHOWN]}" is no regular expression'
        fix = why.fix or "Correct it, or leave the ~ away for a glob."
        bad = Problem(what=what, why=why.why or why.what, fix=fix, where=where, code="bad-pattern")
        raise Problems([bad]) from wrong
    return tuple(name for name, is_one in zip(tried, found, strict=True) if is_one)


def _subscript(names: tuple[str, ...], match: re.Match[str]) -> tuple[str, ...]:
    if match[2]:
        index = int(match[2])
        return names[index:][:1] if -len(names) <= index < len(names) else ()
    return names[int(match[3]) : int(match[4]) + 1 if match[4] else None]


def _node_set(inventory: Inventory, pattern: str, where: Where | None) -> tuple[str, ...]:
    """The inventory's hosts that a node set names, in the order in which the set counts them."""
    text = pattern.removeprefix(NODES).strip()
    if max(map(_count_nodes, _NODE_TERM.findall(text)), default=0) > _MAX_NODES:
        what, fix = f'"{pattern}" names more than {_MAX_NODES:,} hosts', "Write a smaller range."
        raise Problems([Problem(what=what, fix=fix, where=where, code="bad-pattern")])
    # Late, because few patterns need it and every `runbook check` would pay for it.
    from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet, NodeSetException  # noqa: PLC0415 - said above

    try:
        nodes = NodeSet(text, resolver=RESOLVER_NOGROUP)
    except NodeSetException as error:
        fix = "Write, say, nodes:db[01-20,30]."
        bad = Problem(what=f'"{pattern}" is no node set', why=str(error), fix=fix, where=where, code="bad-pattern")
        raise Problems([bad]) from error
    names = tuple(str(node) for node in nodes)
    unknown = [name for name in names if name not in inventory.hosts]
    if unknown:
        raise Problems([_nobody(inventory, unknown[0], f"the inventory lacks {len(unknown)} of {pattern}", where)])
    return names


def _count_nodes(term: str) -> int:
    """How many names a term counts at most: the product of its brackets, each the sum of its ranges."""
    total = 1
    for bracket in re.findall(r"\[([^\]]*)\]", term):
        total *= sum(_width(part) for part in bracket.split(","))
    return total


def _width(part: str) -> int:
    match = _NODE_RANGE.match(part)
    return int(match[2]) - int(match[1]) + 1 if match else 1


def _nobody(inventory: Inventory, term: str, why: str, where: Where | None) -> Problem:
    known = (*inventory.groups, *inventory.hosts)
    here = f'Write "{CONTROLLER}" for the machine that runbook runs on.'
    return Problem(
        what=f'"{term}" selects no host of {inventory.name}',
        why=why,
        fix=here if term in _LOCALHOST else nearest(re.sub(r"\[.*\]$", "", term), known),
        where=where or Where(inventory.source),
        code="no-hosts",
        exit=Exit.USAGE,
    )
