"""Another runbook inside this one: read, given its parameters and made ready to be planned as children.

The outer runbook's objectives, probes of the steady state and environment hold; of the inner one its sections, named
probes, rollback and always are taken. Its secrets have to be passed from outside, so that one place asks for them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from runbook.core.host import Json
from runbook.core.planned.action import NestedAction
from runbook.core.written.runbook import Runbook, Step
from runbook.document.runbook_file import read_runbook
from runbook.planning.actions import plan_probe
from runbook.planning.draft import Draft, Given
from runbook.planning.parameters import settle
from runbook.planning.registering import registered_by
from runbook.problem import Where, problem
from runbook.template.settled_text import literal
from runbook.template.template import names_in, render


def nested_draft(draft: Draft, step: Step, action: NestedAction) -> Draft:
    """A draft for the inner runbook that shares the outer one's probes, steps and problems.

    Raises:
        Problems: its file cannot be read, calls itself, or is not given what it needs.
    """
    where = step.at("runbook")
    file = _file(draft, action, where)
    draft.read[str(file)] = None
    inner = read_runbook(file)
    given, secrets = _given(draft, inner, action, where)
    settled = settle(inner, given, draft.inventory, None)
    draft.problems += settled.problems
    values = {name: value for name, value in settled.values.items() if name not in secrets}
    nested = replace(
        draft,
        runbook=inner,
        values=values,
        secrets=draft.secrets | frozenset(secrets),
        registers=(draft.registers - {turn.name for turn in draft.turns}) | registered_by(inner),
        turns=(),
        fixed={**{name: literal(value) for name, value in values.items()}, **secrets},
        files=(*draft.files, Path(inner.source).resolve()),
    )
    for probe in (*inner.steady_state, *inner.probes):
        if probe.name not in draft.probes:
            plan_probe(nested, probe, name=probe.name, steady=False)
    return nested


def _file(draft: Draft, action: NestedAction, where: Where) -> Path:
    file = draft.folder / render(action.file, draft.scope(), where=where)
    if file.resolve() in draft.files:
        chain = " -> ".join(each.name for each in (*draft.files, file))
        raise problem("a runbook that runs itself", why=chain, fix="Break the circle.", where=where, code="cycle")
    return file


def _given(draft: Draft, inner: Runbook, action: NestedAction, where: Where) -> tuple[dict[str, Given], dict[str, str]]:
    """The inner runbook's parameters, and which outer secret stands for each of its secrets."""
    given: dict[str, Given] = {}
    secrets: dict[str, str] = {}
    for name, value in action.parameters.items():
        needed = names_in(value) if isinstance(value, str) else frozenset()
        passed = needed & draft.secrets
        if passed:
            secrets[name] = _passed(str(value), passed, where)
        elif draft.awaited(needed):
            fix = "A nested runbook is planned before the run: pass a parameter."
            raise problem(f'"{name}" waits for a value of the run', fix=fix, where=where, code="late-parameter")
        else:
            given[name] = Given(_rendered(draft, value, where), "runbook")
    for name, parameter in inner.parameters.items():
        if parameter.type == "secret" and name not in secrets:
            fix = f"Pass one of this runbook's secrets: {name}: '{{{{ NAME }}}}'."
            raise problem(f'nested runbook needs secret "{name}"', fix=fix, where=where, code="missing-parameter")
    return given, secrets


def _passed(value: str, names: frozenset[str], where: Where) -> str:
    [name] = sorted(names)[:1]
    if value.replace(" ", "") != "{{" + name + "}}":
        raise problem(f'secret "{name}" is changed by the template', where=where, code="secret-altered")
    return name


def _rendered(draft: Draft, value: Json, where: Where) -> Json:
    return render(value, draft.scope(), where=where) if isinstance(value, str) else value
