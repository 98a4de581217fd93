"""`runbook doctor`: look whether this machine and this terminal have what is needed, and say what to do where not."""

from __future__ import annotations

import click

from runbook.cli.compose import json_option, settings
from runbook.cli.diagnostics import tell
from runbook.cli.machine import Look, look
from runbook.cli.text.data import print_json, print_table
from runbook.problem import Exit
from runbook.view.sanitize import safe
from runbook.view.words import plural


@click.command("doctor")
@json_option
def verb(*, as_json: bool) -> int:
    """Look whether this machine and this terminal have what is needed. Changes nothing."""
    found = look(settings())
    failed = [one for one in found if one.state == "fail"]
    if as_json:
        print_json(found)
    else:
        print_table(("thing", "state", "detail"), [row for one in found for row in _rows(one)])
        tell(
            f"{plural(len(failed), 'thing keeps', 'things keep')} runs from working."
            if failed
            else "Runs can work here."
        )
    return int(Exit.FAILED if failed else Exit.HELD)


def _rows(one: Look) -> tuple[tuple[str, str, str], ...]:
    state = one.state if one.state == "ok" else one.state.upper()
    advice = (("", "", f"-> {safe(one.fix)}"),) if one.fix else ()
    return ((one.name, state, safe(one.detail)), *advice)
