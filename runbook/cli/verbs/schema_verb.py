"""`runbook schema`: the JSON Schema of runbooks, for editors that complete and check while typing."""

from __future__ import annotations

import click

from runbook.cli.text.data import print_json
from runbook.document.schema import runbook_schema


@click.command("schema")
def verb() -> int:
    """Print the JSON Schema of runbooks, for editors."""
    print_json(runbook_schema())
    return 0
