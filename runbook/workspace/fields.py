"""What a runbook asks for, as fields: the questions of the command line and the form of the screen are made of them.

The declared parameters with everything that helps a person to fill them in: what is needed, what may be picked, within
which bounds. It checks no value. Compiling the plan does that, and a single value is judged here by the same rule, so
that a wrong one is told where it was typed and not after all the others.
"""

from __future__ import annotations

from collections.abc import Iterator

from runbook.core.inventory import Inventory
from runbook.core.planned.plan import Environment
from runbook.core.written.runbook import Parameter, Runbook
from runbook.document import scalars
from runbook.planning.parameters import typed
from runbook.problem import where_given
from runbook.workspace.rows import ParameterField

BOOLEANS = ("true", "false")

NO_HOSTS = Inventory(name="", source="", hosts={}, groups={}, environment=Environment(name=""))
"""Where no host is asked for, or none can be known yet."""


def fields_of(runbook: Runbook, inventory: Inventory) -> tuple[ParameterField, ...]:
    """Every parameter, in the order in which they were written; hosts can be picked where the inventory has some."""
    hosts = tuple(inventory.hosts)
    return tuple(_field(name, one, hosts) for name, one in runbook.parameters.items())


def asks_for_hosts(runbook: Runbook) -> bool:
    """Whether its inventory is needed to ask for its values."""
    return any(one.type == "host" for one in runbook.parameters.values())


def judge(runbook: Runbook, inventory: Inventory, name: str, value: str, *, source: str) -> None:
    """Whether a value is of its parameter's type and within its bounds.

    Raises:
        Problems: It is not; in one sentence, with what to write instead.
    """
    typed(name, runbook.parameters[name], value, inventory, where_given(name, source))


def _field(name: str, one: Parameter, hosts: tuple[str, ...]) -> ParameterField:
    return ParameterField(
        name=name,
        type=one.type,
        help=one.help,
        default=_default(one),
        required=one.must_be_given or (one.type == "secret" and one.source == "prompt"),
        choices=_choices(one, hosts),
        secret=one.type == "secret",
        origin=_origin(one),
        bounds=", ".join(_bounds(one)),
    )


def _choices(one: Parameter, hosts: tuple[str, ...]) -> tuple[str, ...]:
    """What one of can be picked; of a list several can, which is more than a choice."""
    match one.type:
        case "host":
            return hosts
        case "boolean":
            return BOOLEANS
        case "list":
            return ()
        case _:
            return one.choices


def _default(one: Parameter) -> str:
    """As a form shows it, and gets it back."""
    match one.default:
        case tuple():
            return scalars.spelled_list(one.default)
        case str() if one.type == "boolean":
            return BOOLEANS[0] if one.default.lower() in {"true", "yes", "on", "1"} else BOOLEANS[1]
        case str() if one.type != "secret":
            return one.default
        case _:
            return ""


def _origin(one: Parameter) -> str:
    """Where a secret comes from; of a command only that it is one, because its text may say too much."""
    if one.type != "secret" or one.source == "prompt":
        return ""
    return "its command" if one.source.startswith("command:") else one.source


def _bounds(one: Parameter) -> Iterator[str]:
    if one.type == "list" and one.choices:
        yield f"any of {', '.join(one.choices)}"
    if one.min is not None and one.max is not None:
        yield f"{one.min:g} to {one.max:g}"
    elif one.min is not None:
        yield f"at least {one.min:g}"
    elif one.max is not None:
        yield f"at most {one.max:g}"
    if one.pattern:
        yield f"like {one.pattern}"
