"""Secrets that stand where they should not: in a runbook, in an inventory, in a parameter that is not secret.

What is recorded has them masked, and in the plan a name in their place (`masking/stand_in.py`). The file that was read
still has them, and whoever can read it needs no record: so it is said before the run, and noted in it. Where nobody is
to be asked, as in `check`, only secrets from the environment and from files are known, and no program is run for one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from runbook.core.planned.command import Secret
from runbook.core.planned.plan import Plan, PlannedParameter, PlannedProbe, PlannedStep
from runbook.engine.masked import masked
from runbook.masking.forms import STRONG_FROM
from runbook.masking.masker import Masker, weak_secrets
from runbook.masking.stand_in import StandIns
from runbook.problem import Problem, Where
from runbook.template.template import tokens_of

S = TypeVar("S", bound=msgspec.Struct)
Put = Callable[[str], str]

_LARGEST_SECRET = 64 * 1024
"""Bytes of a file that is read for a secret that nobody was asked for."""

_NAMES = frozenset({"src", "file", "path", "probe", "to", "approvers", "goto", "name", "tools", "sha256"})
"""Fields of actions by which something is found again: files here, probes, people. They stay what they are."""

_WRITTEN = frozenset({"data", "string"})
"""Tokens of a template in which an author writes values."""


def without_secrets(plan: Plan, secrets: Iterable[Secret]) -> Plan:
    """The plan as it is recorded: every secret in a text of it named, and the rest as it was."""
    stand_ins = StandIns(secrets)
    put = stand_ins.put_in
    sections = tuple(
        msgspec.structs.replace(section, steps=tuple(_step(each, put) for each in section.steps))
        for section in plan.sections
    )
    canary, mark, backup = plan.canary, plan.watermark, plan.backup
    return msgspec.structs.replace(
        plan,
        title=put(plan.title),
        description=put(plan.description),
        sections=sections,
        rollback=tuple(_step(each, put) for each in plan.rollback),
        always=tuple(_step(each, put) for each in plan.always),
        probes=tuple(_probe(each, put) for each in plan.probes),
        canary=canary
        and msgspec.structs.replace(canary, write=_action(canary.write, put), read=_action(canary.read, put)),
        watermark=mark
        and msgspec.structs.replace(mark, source=_action(mark.source, put), recovered=_action(mark.recovered, put)),
        backup=backup and msgspec.structs.replace(backup, read=_action(backup.read, put)),
        parameters=tuple(_parameter(one, put) for one in plan.parameters),
        hosts=tuple(msgspec.structs.replace(host, variables=masked(host.variables, put)) for host in plan.hosts),
    )


def warnings_about(plan: Plan, secrets: Iterable[Secret], files: Mapping[str, Path]) -> tuple[Problem, ...]:
    """Everything that a secret is in danger by: its shortness, a parameter and a file in which it stands.

    `files` are those that were read, by the name that people know them by. Passwords of an inventory are not looked
    for: they stand in it because that is where they are kept.
    """
    known = tuple(secrets)
    found = [*weak_secrets(known)]
    for secret in known:
        if len(secret.reveal()) >= STRONG_FROM:
            masker = Masker.for_secrets([secret])
            found += _in_parameters(plan.parameters, secret, masker)
            found += _in_files(files, secret, masker)
    return tuple(dict.fromkeys(found))


def secrets_at_hand(parameters: Iterable[PlannedParameter]) -> tuple[Secret, ...]:
    """The secrets that can be known without asking anybody or running anything."""
    values = {one.name: _at_hand(one.source) for one in parameters if one.secret}
    return tuple(Secret(name, value) for name, value in values.items() if value)


def _at_hand(source: str) -> str:
    kind, _, rest = source.partition(":")
    if kind == "env":
        return os.environ.get(rest, "")
    try:
        path = Path(rest).expanduser()
        is_small = kind == "file" and path.is_file() and path.stat().st_size <= _LARGEST_SECRET
        return path.read_text(encoding="utf-8").rstrip("\n") if is_small else ""
    except (OSError, UnicodeDecodeError, RuntimeError):  # a run says what is wrong with it
        return ""


def _in_parameters(parameters: Iterable[PlannedParameter], secret: Secret, masker: Masker) -> Iterator[Problem]:
    for one in parameters:
        texts = one.value if isinstance(one.value, list) else [one.value]
        if any(isinstance(text, str) and masker.mask_text(text) != text for text in texts):
            yield _exposed(secret, f'parameter "{one.name}", which is no secret', None)


def _in_files(files: Mapping[str, Path], secret: Secret, masker: Masker) -> Iterator[Problem]:
    for name, path in files.items():
        data = path.read_bytes().decode("utf-8", "surrogateescape")
        left = masker.mask_text(data)
        if left != data:
            pairs = enumerate(zip(data.split("\n"), left.split("\n"), strict=False), start=1)
            yield _exposed(secret, name, Where(name, next((number for number, (was, now) in pairs if was != now), 0)))


def _exposed(secret: Secret, place: str, where: Where | None) -> Problem:
    return Problem(
        what=f'the value of secret "{secret.name}" stands in {place}',
        why="it is hidden in the record, and not where it stands",
        fix=f"Write {{{{ {secret.name} }}}} there, and change the secret where it is kept.",
        where=where,
        code="secret-in-the-open",
        warning=True,
    )


def _parameter(one: PlannedParameter, put: Put) -> PlannedParameter:
    # A source that holds its own secret, such as `command:echo s3cret`, cannot be recorded: a resume then has to ask.
    source = one.source if put(one.source) == one.source else "prompt"
    return msgspec.structs.replace(one, value=masked(one.value, put), source=source)


def _step(step: PlannedStep, put: Put) -> PlannedStep:
    text = _in_template(put) if step.awaits else put
    expression = _in_expression(put)
    return msgspec.structs.replace(
        step,
        name=put(step.name),
        description=put(step.description),
        action=_action(step.action, text),
        by_host={host: _action(each, text) for host, each in step.by_host.items()},
        env={name: text(value) for name, value in step.env.items()},
        cwd=text(step.cwd),
        become_user=text(step.become_user),
        when=expression(step.when),
        failed_when=expression(step.failed_when),
        until=expression(step.until),
        expect=masked(step.expect, put),
        steps=tuple(_step(each, put) for each in step.steps),
        rescue=tuple(_step(each, put) for each in step.rescue),
        always=tuple(_step(each, put) for each in step.always),
        undo=tuple(_step(each, put) for each in step.undo),
    )


def _probe(probe: PlannedProbe, put: Put) -> PlannedProbe:
    text = _in_template(put) if probe.awaits else put
    return msgspec.structs.replace(
        probe,
        action=_action(probe.action, text),
        by_host={host: _action(each, text) for host, each in probe.by_host.items()},
        expect=masked(probe.expect, put),
    )


def _action(action: S, put: Put) -> S:
    kept = {name: getattr(action, name) for name in action.__struct_fields__ if name in _NAMES}
    return msgspec.structs.replace(masked(action, put), **kept)


def _in_template(put: Put) -> Put:
    """In the text around templates, and in the texts that they quote; never in their grammar."""
    return lambda text: "".join(put(token.text) if token.kind in _WRITTEN else token.text for token in tokens_of(text))


def _in_expression(put: Put) -> Put:
    within = _in_template(put)
    return lambda text: within("{{" + text + "}}")[2:-2] if text else text
