"""`runbook attach`: watch a live run from another terminal, and answer its gates there."""

from __future__ import annotations

import sys

import click

from runbook.cli.beginning.starting import watch
from runbook.cli.compose import json_option, recordings_option, workspace


@click.command("attach")
@click.argument("run", default="last")
@recordings_option
@json_option
@click.option("--line", is_flag=True, help="Lines instead of the screen.")
@click.option("--watch-only", is_flag=True, help="Ask nothing here.")
def verb(*, run: str, recordings: str, as_json: bool, line: bool, watch_only: bool) -> int:
    """Watch a live run: its id or a part of it, a runbook's name, or `last`. Leaving never stops it."""
    place = workspace("attach", recordings)
    found = place.store.find(run).run
    return watch(place, found, in_lines=line, answer=not watch_only and sys.stdin.isatty(), as_json=as_json)
