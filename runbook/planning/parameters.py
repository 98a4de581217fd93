"""Parameters: from what was given and what was declared to typed values, or to every problem with them at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from runbook.core.host import Json
from runbook.core.inventory import Inventory
from runbook.core.planned.command import Secret
from runbook.core.planned.plan import PlannedParameter
from runbook.core.written.runbook import Parameter, Runbook
from runbook.document import scalars
from runbook.document.core_schema import scalar_of
from runbook.planning.draft import Given
from runbook.problem import Problem, Problems, Where, nearest, problem, where_given

SecretSource = Callable[[str, str], str]
"""A secret's value from its parameter's name and its `from`. Raises Problems."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Parameters with their values."""

    values: dict[str, Json]
    planned: tuple[PlannedParameter, ...]
    secrets: tuple[Secret, ...]
    """Empty when nobody could be asked for them, as in `check`."""
    problems: tuple[Problem, ...]


def settle(runbook: Runbook, given: Mapping[str, Given], inventory: Inventory, source: SecretSource | None) -> Settled:
    """Every declared parameter with its value; what is missing or wrong is in `problems`."""
    problems = [_unknown(name, runbook) for name in given if name not in runbook.parameters]
    values: dict[str, Json] = {}
    planned: list[PlannedParameter] = []
    secrets: list[Secret] = []
    for name, parameter in runbook.parameters.items():
        try:
            if parameter.type == "secret":
                secrets += _secret(name, parameter, given, source)
                planned.append(PlannedParameter(name=name, secret=True, source=parameter.source))
            else:
                values[name] = _value(name, parameter, given, inventory)
                origin = given[name].source if name in given else "default"
                planned.append(PlannedParameter(name=name, value=values[name], source=origin))
        except Problems as error:
            # The name stays known, so that its uses are not reported as undefined on top.
            if parameter.type == "secret":
                planned.append(PlannedParameter(name=name, secret=True, source=parameter.source))
            else:
                values[name] = None
            problems += error.problems
    return Settled(values=values, planned=tuple(planned), secrets=tuple(secrets), problems=tuple(problems))


def typed(name: str, parameter: Parameter, value: Json, inventory: Inventory, where: Where) -> Json:
    """The value as the parameter's type, checked against its bounds.

    Raises:
        Problems: it is not of the type, or out of bounds.
    """
    wrong = f'{parameter.type} parameter "{name}" cannot be {_spelled(value)}'
    try:
        converted = _converted(parameter, value, inventory)
    except (ValueError, TypeError) as error:
        raise _refusal(wrong, str(error), where) from error
    texts = [str(each) for each in (converted if isinstance(converted, list) else [converted])]
    if parameter.pattern and texts and not _are_like(parameter.pattern, texts, where):
        raise _refusal(wrong, f"It must match {parameter.pattern}.", where)
    size = len(converted) if isinstance(converted, list) else converted
    if isinstance(size, int | float) and not isinstance(size, bool):
        if parameter.min is not None and size < parameter.min:
            raise _refusal(wrong, f"The least is {parameter.min:g}.", where)
        if parameter.max is not None and size > parameter.max:
            raise _refusal(wrong, f"The most is {parameter.max:g}.", where)
    return converted


def _are_like(pattern: str, texts: list[str], where: Where) -> bool:
    from runbook.matching.matcher import matcher  # noqa: PLC0415 - most parameters have no pattern

    try:
        return all(matcher().found("fullmatch", pattern, texts))
    except Problems as unanswered:
        raise Problems([msgspec.structs.replace(each, where=where) for each in unanswered.problems]) from unanswered


def _value(name: str, parameter: Parameter, given: Mapping[str, Given], inventory: Inventory) -> Json:
    if name in given:
        if given[name].is_stand_in:
            parameter = msgspec.structs.replace(parameter, pattern="")
        return typed(name, parameter, given[name].value, inventory, where_given(name, given[name].source))
    if parameter.must_be_given:
        what = f'parameter "{name}" is missing'
        fix = f"Give it: -p {name}=VALUE"
        raise Problems(
            [Problem(what=what, why=parameter.help, fix=fix, where=parameter.where, code="missing-parameter")]
        )
    if parameter.default is None or isinstance(parameter.default, msgspec.UnsetType):
        return None
    default: Json = list(parameter.default) if isinstance(parameter.default, tuple) else parameter.default
    return typed(name, parameter, default, inventory, parameter.at("default"))


def _secret(name: str, parameter: Parameter, given: Mapping[str, Given], source: SecretSource | None) -> list[Secret]:
    if name in given and not given[name].is_stand_in:
        raise _in_the_open(name, parameter.source, given[name].source)
    return [] if source is None else [Secret(name, source(name, parameter.source))]


def _in_the_open(name: str, origin: str, given: str) -> Problems:
    return problem(
        f'the secret "{name}" is not given like other parameters',
        why="everybody on this machine can read the arguments of a program",
        fix=f"Leave it out; it comes from {origin.partition(':')[0] if origin.startswith('command:') else origin}.",
        where=where_given(name, given),
        code="secret-argument",
    )


def _converted(parameter: Parameter, value: Json, inventory: Inventory) -> Json:
    text = str(value)
    match parameter.type:
        case "integer":
            return _number(text, int)
        case "number":
            return _number(text, float)
        case "boolean":
            return _boolean(text)
        case "duration":
            seconds = scalars.seconds(text)
            return int(seconds) if seconds.is_integer() else seconds
        case "host":
            if text not in inventory.hosts:
                raise ValueError(f"It is no host of inventory {inventory.name}. {nearest(text, inventory.hosts)}")
            return text
        case "choice":
            return _choice(text, parameter.choices)
        case "list":
            return _list(value, parameter.choices)
        case _:
            return text


def _number(text: str, kind: type[int | float]) -> Json:
    read = scalar_of(text.strip())
    if isinstance(read, bool) or not isinstance(read, int | float) or (kind is int and not float(read).is_integer()):
        raise ValueError("Write a whole number." if kind is int else "Write a number.")
    return int(read) if kind is int else read


def _boolean(text: str) -> bool:
    words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    if text.strip().lower() not in words:
        raise ValueError("Write true or false.")
    return words[text.strip().lower()]


def _choice(text: str, choices: tuple[str, ...]) -> Json:
    """A choice is text, or a whole number where all choices are, so that `when: mode == 2` means what it says."""
    if text not in choices:
        raise ValueError(f"It must be one of {', '.join(choices)}.")
    return int(text) if all(str(scalar_of(choice)) == choice and choice.isdecimal() for choice in choices) else text


def _list(value: Json, choices: tuple[str, ...]) -> list[Json]:
    """Items are text as they are spelled: release 1.10 is not 1.1."""
    items = [str(each) for each in value] if isinstance(value, list) else list(scalars.listed(str(value)))
    if odd := [item for item in items if choices and item not in choices]:
        raise ValueError(f'"{odd[0]}" is not one of {", ".join(choices)}.')
    return list(items)


def _spelled(value: Json) -> str:
    match value:
        case str():
            return f'"{value}"'
        case list():
            return f"[{scalars.spelled_list(map(str, value))}]"
        case _:
            return str(value)


def _refusal(what: str, fix: str, where: Where) -> Problems:
    return problem(what, fix=fix, where=where, code="bad-parameter")


def _unknown(name: str, runbook: Runbook) -> Problem:
    what = f'runbook {runbook.name} has no parameter "{name}"'
    fix = nearest(name, runbook.parameters) or "It takes none."
    return Problem(what=what, fix=fix, where=Where(runbook.source or runbook.name), code="unknown-parameter")
