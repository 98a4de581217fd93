"""`runbook approve`: answer a gate of a live run from any terminal, also as somebody who may not read the record.

Without `--gate` it shows what waits for people. The socket asks the kernel who is calling, so nothing here says who is
answering. Every kind of gate can be answered, the menu of a failed step too, because a person without a screen must be
able to do everything.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click
from msgspec.structs import replace

from runbook.cli.calling import call, found, open_gate, options_for
from runbook.cli.compose import json_option, operator_option, recordings_option, run_async
from runbook.cli.diagnostics import say
from runbook.cli.line.answering import Draft, answer_commands, answering_intent
from runbook.cli.line.signed_answer import Signing, proven, signing_lines, signing_options
from runbook.cli.text.data import json_text
from runbook.core.intent import Intent
from runbook.core.run import GateState
from runbook.problem import Problems, problem
from runbook.talk.messages import Look
from runbook.view.asking.gate_lines import gate_lines
from runbook.view.sanitize import safe, safe_lines
from runbook.workspace.local import LocalWorkspace


@click.command("approve")
@click.argument("run", default="last")
@recordings_option
@operator_option
@json_option
@click.option("-g", "--gate", default="", help="Which gate; without it, what waits is shown.")
@click.option("--answer", default="", help="Instead of a yes: failed, skip, waive, retry, abort, ...")
@click.option("--reject", is_flag=True, help="Say no.")
@click.option("-m", "--reason", default="", help="Goes on record.")
@click.option("--type", "typed", default="", help="The word that the gate asks for.")
@signing_options
@click.option("--value", default=None, help="The value asked for; a label or an item, or its number from 1.")
def verb(  # noqa: PLR0913 - one for each option
    *, run: str, recordings: str, operator: str, as_json: bool, gate: str, answer: str, reject: bool, reason: str,
    typed: str, value: str | None, **signing: Any,
) -> int:  # fmt: skip
    """Show what a live run asks and what a yes lets through, or answer it with --gate.

    RUN is its id or a part of it, a runbook's name, or `last`.
    """
    if not gate and (answer or reject or typed or value is not None):
        fix = "Name it with --gate. What waits is shown by: runbook approve " + run
        raise problem("which gate is answered is not said", fix=fix, code="no-gate")
    options = options_for(recordings, operator)
    place, name = found(run, recordings, via="approve", operator=operator)
    draft = Draft(gate=gate, answer=answer, reject=reject, value=value, reason=reason, typed=typed)
    how = Signing(**signing)
    look, runner = run_async(_answer(place, name, draft, operator=operator, how=how))
    if how.text:
        return 0
    if gate:
        say(f"Answered gate {safe(gate)} of {safe(name)} as {safe(look.you)}.")
    else:
        _show(look, options, as_json=as_json)
    if runner:
        say(f"Its runner is {safe(runner)}. Make sure that this is whom you mean.")
    return 0


async def _answer(place: LocalWorkspace, run: str, draft: Draft, *, operator: str, how: Signing) -> tuple[Look, str]:
    """Answer as drafted, or with no gate named only look; with who was spoken to where nothing but they said so."""
    line = await call(place, run, via="approve", operator=operator)
    claimed = "" if line.is_certain else str(line.peer)
    try:
        look = await line.look()
        if not draft.gate:
            return look, claimed
        state = open_gate(place, look, draft.gate)
        intent = proven(place, look, _understood(run, state, draft), how)
        refused = await line.send(intent) if intent is not None else None
    finally:
        await line.close()
    if refused is not None:
        raise Problems([refused])
    return look, claimed


def _understood(run: str, gate: GateState, draft: Draft) -> Intent:
    """What is asked of the runner; what cannot be understood is answered with a command that can."""
    try:
        return answering_intent(gate.opened, draft)
    except Problems as wrong:
        one = wrong.problems[0]
        raise Problems([replace(one, fix=f"{one.fix} Such as: {answer_commands(run, gate)[0]}")]) from wrong


def _show(look: Look, options: tuple[str, ...], *, as_json: bool) -> None:
    if as_json:
        click.echo(json_text(look))
        return
    click.echo(f"{safe(look.title)} ({safe(look.run)}) in {safe(look.environment)}, started by {safe(look.operator)}")
    if not look.gates:
        click.echo("  Nothing waits for a person.")
    for gate in look.gates:
        click.echo("")
        for line in _told(look, gate):
            click.echo(f"  {line}")
        click.echo("    answer it with one of:")
        for command in answer_commands(look.run, gate, options):
            click.echo(f"      {command}")
        for line in signing_lines(look, gate.opened.gate, options):
            click.echo(f"    {line}")


def _told(look: Look, gate: GateState) -> Iterable[str]:
    """What the gate shows, by its runner; one of an older version tells no more than its question."""
    view = next((one for one in look.views if one.gate == gate.opened.gate), None)
    if view is not None:
        return gate_lines(view)
    return (f"gate {safe(gate.opened.gate)}  {gate.opened.kind.replace('_', ' ')}", *safe_lines(gate.opened.message))
