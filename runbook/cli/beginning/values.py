"""Asking for the values that a run lacks, one line each: what it is for, what may be typed, and what may be picked.

Only what is missing is asked for, so that a value with a default costs no key; the table above the questions shows
those as well. A value is judged when it is typed, and asked for again where it does not fit, because a mistake that is
told five questions later is a second evening. A secret is typed unseen.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import click

from runbook.cli.diagnostics import say
from runbook.cli.line.keyboard import ask_now
from runbook.core.inventory import Inventory
from runbook.core.written.runbook import Runbook
from runbook.document.runbook_file import read_runbook
from runbook.inventory.reading import read_inventory
from runbook.problem import Problems, meant_by
from runbook.view.sanitize import safe
from runbook.view.words import plural
from runbook.workspace.books import find_book
from runbook.workspace.fields import NO_HOSTS, asks_for_hosts, fields_of, judge
from runbook.workspace.prepare import Wish, inventory_of
from runbook.workspace.rows import ParameterField
from runbook.workspace.settings import Settings

_SOURCE = "typed"
_LISTED = 12
"""Choices that stand on a line each, with numbers; more are named by a part of them."""


class Values(NamedTuple):
    """What a run is given."""

    given: Mapping[str, str]
    secrets: Mapping[str, str]
    """Those that were typed; all others come from where the runbook says."""


def values(settings: Settings, wish: Wish) -> Values:
    """What is given already, and what a person types because it is missing.

    Raises:
        Problems: The runbook or the inventory cannot be read.
        click.Abort: Nobody answers any more.
    """
    book = read_runbook(find_book(settings, wish.book))
    if not any(_lacks(wish, one) for one in fields_of(book, NO_HOSTS)):
        return Values(wish.given, {})
    asker = _Asker(book, _inventory(settings, book, wish))
    asker.introduce(wish)
    typed = [(one, asker.value(one)) for one in asker.fields if _lacks(wish, one)]
    plain = {one.name: value for one, value in typed if not one.secret}
    return Values({**wish.given, **plain}, {one.name: value for one, value in typed if one.secret})


def _lacks(wish: Wish, one: ParameterField) -> bool:
    return one.required and one.name not in wish.given


def _inventory(settings: Settings, book: Runbook, wish: Wish) -> Inventory:
    """Its hosts, where one of them is asked for; nothing is read for the sake of other values."""
    if not asks_for_hosts(book):
        return NO_HOSTS
    name = inventory_of(settings, wish, book)
    return read_inventory(name, workspace=settings.root, reading=wish.reading)


class _Asker:
    """Questions about one runbook."""

    def __init__(self, book: Runbook, inventory: Inventory) -> None:
        self._book = book
        self._inventory = inventory
        self.fields = fields_of(book, inventory)

    def introduce(self, wish: Wish) -> None:
        """Every value that it takes, with a star where it needs one that nobody has given."""
        say(f"{safe(self._book.title)} asks for values (* is needed):")
        rows = [_cells(one, wish) for one in self.fields]
        widths = [max(len(row[column]) for row in rows) for column in (1, 2)]
        for star, name, kind, text in rows:
            say(f"  {star} {name:<{widths[0]}}  {kind:<{widths[1]}}  {text}".rstrip())

    def value(self, one: ParameterField) -> str:
        """A value that fits, however often it takes.

        Raises:
            click.Abort: Nobody answers any more.
        """
        for line in _choices(one):
            say(line)
        while True:
            typed = _typed(one)
            if typed is None:
                raise _given_up(one)
            if not typed:
                say(f"  {safe(one.name)} is needed: {_needed(one)}")
            elif one.secret or self._fits(one, typed := _picked(one, typed)):
                return typed

    def _fits(self, one: ParameterField, value: str) -> bool:
        try:
            judge(self._book, self._inventory, one.name, value, source=_SOURCE)
        except Problems as refused:
            for wrong in refused.problems:
                say(f"  {safe(wrong.what)}. {safe(wrong.fix)}")
            return False
        return True


def _cells(one: ParameterField, wish: Wish) -> tuple[str, str, str, str]:
    """Its star, its name, what it has to be and is so far, and what it is for; safe to show."""
    known = wish.given.get(one.name) or one.default
    has = f" = {known}" if known else f" from {one.origin}" if one.origin else ""
    picks = "" if one.type in {"host", "boolean"} else " | ".join(one.choices)
    return "*" if _lacks(wish, one) else " ", safe(one.name), safe(f"{picks or one.kind}{has}"), safe(one.help)


def _typed(one: ParameterField) -> str | None:
    """What is typed; of a secret nothing is shown."""
    if not one.secret:
        return ask_now(f"{safe(one.name)}: ")
    try:
        return getpass.getpass(f"{safe(one.name)} (not shown, not recorded): ")
    except EOFError:
        return None


def _choices(one: ParameterField) -> Iterator[str]:
    if 0 < len(one.choices) <= _LISTED:
        yield from (f"  {place:>2}  {safe(choice)}" for place, choice in enumerate(one.choices, start=1))
    elif one.choices:
        yield f"  One of {len(one.choices)}, by its name or a part of it that no other has."


def _picked(one: ParameterField, typed: str) -> str:
    """The choice that is meant: by its words, its number, or a part that no other has; else what was typed."""
    if typed in one.choices or not one.choices:
        return typed
    if typed.isdecimal() and 1 <= int(typed) <= min(len(one.choices), _LISTED):
        return one.choices[int(typed) - 1]
    meant = meant_by(typed, one.choices)
    return meant[0] if len(meant) == 1 else typed


def _needed(one: ParameterField) -> str:
    if one.secret:
        return "type it; it is not shown while you do. Ctrl-D leaves."
    picked = f"pick one of {plural(len(one.choices), 'choice')}" if one.choices else f"write {_article(one.type)}"
    return f"{picked}. Ctrl-D leaves, and starts nothing."


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _given_up(one: ParameterField) -> click.Abort:
    beside = "" if one.secret else f" It may be given with the command: -p {safe(one.name)}=VALUE"
    say(f"\nNothing was started: {safe(one.name)} has no value.{beside}")
    return click.Abort()
