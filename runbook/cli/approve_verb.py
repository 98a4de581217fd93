"""`runbook approve`: answer a gate of a live run from any terminal, also as somebody who may not read the record.

Without `--gate` it shows what waits for people. The socket asks the kernel who is calling, so nothing here says who is
answering. Every kind of gate can be answered, the menu of a failed step too, because a person without a screen must be
able to do everything.
"""

from __future__ import annotations

import click
import msgspec

from runbook.cli.compose import json_option, recordings_option, run_async, workspace
from runbook.cli.diagnostics import say
from runbook.cli.halt_verb import call
from runbook.core.gates import ANSWERS
from runbook.core.host import Json
from runbook.core.intent import AnswerGate, Intent, ResolveFailure
from runbook.core.run import GateState
from runbook.engine.control import Look
from runbook.problem import Problems, nearest, problem
from runbook.view.sanitize import safe, safe_lines


@click.command("approve")
@click.argument("run", default="last")
@recordings_option
@json_option
@click.option("-g", "--gate", default="", help="Which gate; without it, what waits is shown.")
@click.option("--answer", default="", help="Instead of a yes: stop, reject, done, tick, skip, retry, abort, ...")
@click.option("--reject", is_flag=True, help="Say no.")
@click.option("-m", "--reason", default="", help="Goes on record.")
@click.option("--type", "typed", default="", help="The word that the gate asks for.")
@click.option("--value", default=None, help="The value that is asked for; the label chosen; the item's number from 1.")
def verb(  # noqa: PLR0913 - one for each option
    *, run: str, recordings: str, as_json: bool, gate: str, answer: str, reject: bool, reason: str, typed: str,
    value: str | None,
) -> int:  # fmt: skip
    """Answer a gate of a live run: its id or its beginning, a runbook's name, or `last`."""
    found = _run_id(run, recordings)
    wanted = "reject" if reject else answer
    look = run_async(
        _answer(found, gate, wanted, AnswerGate(gate=gate, answer="", value=value, reason=reason, typed=typed))
    )
    if gate:
        say(f"Answered gate {gate} of {found} as {look.you}.")
        return 0
    _show(look, as_json=as_json)
    return 0


def _run_id(run: str, recordings: str) -> str:
    """A run that we may not look up is taken by its whole id: the socket is found by it."""
    try:
        return workspace("approve", recordings).library.find(run).name
    except Problems:
        if run == "last":
            raise
        return run


async def _answer(run: str, gate: str, wanted: str, draft: AnswerGate) -> Look:
    line = await call(run, via="approve")
    try:
        look = await line.look()
        if not gate:
            return look
        state = next((one for one in look.gates if one.opened.gate == gate), None)
        if state is None:
            known = [one.opened.gate for one in look.gates]
            raise problem(f'no gate "{gate}" waits in {run}', fix=nearest(gate, known) or "None waits now.")
        refused = await line.send(_intent(state, wanted, draft))
    finally:
        await line.close()
    if refused is not None:
        raise Problems([refused])
    return look


def _intent(state: GateState, wanted: str, draft: AnswerGate) -> Intent:
    opened = state.opened
    if opened.kind == "failure":
        if wanted not in opened.choices:
            raise problem(f'"{wanted}" is not offered', fix=f"Offered: --answer {', '.join(opened.choices)}.")
        return ResolveFailure(step=opened.step, choice=wanted, reason=draft.reason)  # type: ignore[arg-type]  # offered
    answers = ANSWERS[opened.kind]
    answer = wanted or answers[0]
    value: Json = draft.value
    if opened.kind == "checklist":
        value = int(str(value)) - 1 if str(value).isdigit() else None
    return msgspec.structs.replace(draft, answer=answer, value=value, digest=opened.digest)


def _show(look: Look, *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(look), indent=2).decode())
        return
    click.echo(f"{safe(look.title)} ({safe(look.run)}) in {safe(look.environment)}, started by {safe(look.operator)}")
    if not look.gates:
        click.echo("  Nothing waits for a person.")
    for gate in look.gates:
        click.echo(f"  gate {gate.opened.gate}  {gate.opened.kind}  answers: {', '.join(gate.opened.choices)}")
        for line in safe_lines(gate.opened.message):
            click.echo(f"    {line}")
        if gate.opened.word:
            click.echo(f"    needs: --type '{safe(gate.opened.word)}'")
        for given in gate.answers:
            click.echo(f"    {safe(given.given.by.name)}: {given.given.answer} {safe(given.given.reason)}")
