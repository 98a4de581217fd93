"""`runbook show`: a runbook as its author wrote it, for reading before it is needed."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from runbook.cli.compose import json_option, settings
from runbook.cli.text.book import book_lines
from runbook.cli.text.data import print_json
from runbook.core.written.runbook import Written
from runbook.document.runbook_file import read_runbook
from runbook.workspace.books import find_book

_PLACES = frozenset({"where", "places"})
"""Fields that say where something stands in the file; of no use outside it."""


@click.command("show")
@click.argument("book")
@json_option
def verb(*, book: str, as_json: bool) -> int:
    """Show a runbook: a file, or a name in the workspace. Templates are shown as they are written."""
    found = read_runbook(find_book(settings(), book))
    if as_json:
        print_json(_data(found))
        return 0
    for line in book_lines(found):
        click.echo(line)
    return 0


def _data(value: object) -> Any:
    """The value without the places of its parts."""
    match value:
        case msgspec.Struct():
            tag = {value.__struct_config__.tag_field: value.__struct_config__.tag}
            dropped = _PLACES if isinstance(value, Written) else frozenset()
            fields = {
                encoded: _data(getattr(value, name))
                for name, encoded in zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True)
                if name not in dropped and getattr(value, name) is not msgspec.UNSET
            }
            return {**({} if None in tag else tag), **fields}
        case dict():
            return {key: _data(each) for key, each in value.items()}
        case tuple() | list():
            return [_data(each) for each in value]
        case _:
            return value
