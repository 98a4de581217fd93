"""`runbook completion`: the script for a shell, and what that script asks at each press of a key.

The scripts are our own and not click's, because bash takes `name=value` apart before anybody is asked, and because a
candidate that has what was typed in its middle must not be sorted out again by the shell.
"""

from __future__ import annotations

from importlib import resources

import click

from runbook.cli.completing import offered
from runbook.cli.main import VERBS, runbook

_ABOUT = {"bash": False, "zsh": True, "fish": True}
"""The shells, and whether they show a word about each candidate."""


@click.command("completion", context_settings={"ignore_unknown_options": True})
@click.argument("shell", type=click.Choice(list(_ABOUT)))
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[-- WORD...]")
def verb(*, shell: str, words: tuple[str, ...]) -> int:
    """Print the completion script of a SHELL: source it, or put it where your shell looks for such scripts.

    With WORDs it prints what may stand for the last of them, which is what the script asks.
    """
    if not words:
        click.echo(resources.files("runbook.cli").joinpath("shells", f"runbook.{shell}").read_text("utf-8"), nl=False)
        return 0
    for name, about in offered(runbook, VERBS, words):
        click.echo(f"{name}\t{about}" if _ABOUT[shell] and about else name)
    return 0
