"""`runbook tell`: steer a live run from any terminal, in the words that the line mode knows.

Whatever the screen can do to a run beside answering its gates is here, for somebody who has only a line. The socket
asks the kernel who is calling; what a run refuses comes back in its own words.
"""

from __future__ import annotations

import shlex
from dataclasses import replace

import click

from runbook.cli.calling import found, send
from runbook.cli.compose import operator_option, recordings_option, run_async
from runbook.cli.diagnostics import say
from runbook.cli.line.steering import HELP, WORDS, Told, help_lines, intent_of, tell_command, understood
from runbook.core.run import Run
from runbook.problem import Problems, problem
from runbook.view.sanitize import safe
from runbook.workspace.local import LocalWorkspace


@click.command("tell")
@click.argument("run")
@click.argument("words", nargs=-1, metavar="WORD...")
@recordings_option
@operator_option
@click.option("-m", "--reason", default="", help="Goes on record; it may stand behind the words as well.")
def verb(*, run: str, words: tuple[str, ...], recordings: str, operator: str, reason: str) -> int:
    """Tell a live run something: its id or a part of it, a runbook's name, or `last`.

    pause, continue, skip STEP, cut [STEP], note TEXT, mark MILESTONE, exclude HOST, lift, undo, halt; help explains
    them.
    """
    if words in {(), HELP[:1], HELP[1:]}:
        _explain(run, is_asked=bool(words))
        return 0
    place, name = found(run, recordings, via="tell", operator=operator)
    stands = _stands(place, name)
    told = understood(" ".join(words), stands, start=f"runbook tell {name} ")
    told = replace(told, reason=reason or told.reason)
    _require_reason(name, told)
    run_async(send(place, name, intent_of(told, stands), via="tell", operator=operator))
    say(f"Told run {safe(name)}: {safe(_said(told))}. Watch it: runbook attach {safe(name)}")
    return 0


def _explain(run: str, *, is_asked: bool) -> None:
    """The words; asked for by leaving them out, nobody may have meant a run."""
    if not is_asked and any(word.word == run for word in WORDS):
        fix = f"Name it first: runbook tell last {run}"
        raise problem("which run is told is not said", fix=fix, code="no-run")
    click.echo(f"Words for a run: runbook tell {shlex.quote(run)} WORD")
    for line in help_lines():
        click.echo(line)
    click.echo("A reason (WHY) may also be given with -m. Gates are answered with: runbook approve RUN")


def _require_reason(run: str, told: Told) -> None:
    if told.lacks_reason:
        fix = f"Say why: {tell_command(run, told)}"
        raise problem(f'"{told.word.word}" goes on record with a reason', fix=fix, code="no-reason")


def _stands(place: LocalWorkspace, run: str) -> Run | None:
    """The run as its record says; None where that is not ours to read."""
    try:
        return place.folded(run)
    except Problems:
        return None


def _said(told: Told) -> str:
    return " ".join(filter(None, (told.word.word, told.subject)))
