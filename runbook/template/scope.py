"""What templates and expressions may see: names, and the few attributes that each kind of value answers to.

Everything is looked up by the two functions here and never by Python's own attribute access, so a template reaches
values and nothing behind them. A registered result answers for the host that asks, or for the only host there is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from runbook.core.host import Host, Json
from runbook.core.planned.command import Secret
from runbook.core.result import Result

HOST_FIELDS = ("name", "address", "port", "user", "groups")
RESULT_FIELDS = ("stdout", "stderr", "rc", "json", "duration", "status", "value")
_TEXT_METHODS = frozenset(
    {"upper", "lower", "strip", "lstrip", "rstrip", "startswith", "endswith", "split", "splitlines", "removeprefix"}
    | {"removesuffix", "isdigit"}
)
_MAPPING_METHODS = frozenset({"items", "keys", "values", "get"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The names of one rendering."""

    parameters: Mapping[str, Json | Secret] = field(default_factory=dict)
    registered: Mapping[str, Mapping[str, Result]] = field(default_factory=dict)
    """By registered name, then by host; a person's answer stands under the empty host name."""
    skipped: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By registered name, why there is no result: by host, or under the empty name where the whole step was skipped."""
    host: Host | None = None
    """The target that is rendered for; None for work that no host does."""
    hosts: Mapping[str, Host] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    run: Mapping[str, Json] = field(default_factory=dict)
    """`name`, `id`, `verdict`, `operator`, `environment`: empty before there is a run."""

    def asking(self, host: Host | None, own: Mapping[str, Mapping[str, Result]] | None = None) -> Scope:
        """The same names for one host, `own` results of it before those that are registered."""
        return dataclasses.replace(self, host=host, registered={**self.registered, **own} if own else self.registered)

    def names(self) -> dict[str, object]:
        """Everything a template may name, with its value."""
        asking = self.host.name if self.host is not None else ""
        return {
            **self.parameters,
            **{
                name: _named(name, results, asking, self.skipped.get(name, {}))
                for name, results in self.registered.items()
            },
            **({"host": self.host} if self.host is not None else {}),
            "hosts": self.hosts,
            "groups": self.groups,
            "run": self.run,
        }


class InOrder(Mapping[str, Result]):
    """Results by host, looked up where the run keeps them and never copied, for a thousand hosts ask in turn.

    A persistent map has an order of its own in every process. What is shown must come out the same in the next one, so
    whoever goes through it goes in a given order, and through what that does not name (an answer) in that of the names.
    """

    __slots__ = ("_found", "_order")

    def __init__(self, found: Mapping[str, Result], order: Mapping[str, Host]) -> None:
        """Read `found`; the keys of `order` come first."""
        self._found, self._order = found, order

    def __getitem__(self, host: str) -> Result:
        return self._found[host]

    def __contains__(self, host: object) -> bool:
        return host in self._found

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[str]:
        yield from (host for host in self._order if host in self._found)
        yield from sorted(host for host in self._found if host not in self._order)

    def __repr__(self) -> str:
        return repr(dict(self))


@dataclass(frozen=True, slots=True)
class RegisteredName:
    """A registered name as templates see it."""

    name: str
    results: Mapping[str, Result]
    asking: str
    """The host that is rendered for; empty when there is none."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Hosts on which the step was not done, with the reason."""

    def own(self) -> Result:
        """The result that the bare name stands for.

        Raises:
            LookupError: several hosts have one and none of them is asking.
        """
        if self.asking in self.results:
            return self.results[self.asking]
        if self.asking in self.left_out:
            # The result of another host, were it the only one, would be taken for this one's.
            raise LookupError(f"{self.name} has no result on {self.asking}: {self.left_out[self.asking]}")
        if len(self.results) == 1:
            return next(iter(self.results.values()))
        hosts = ", ".join(sorted(self.results)[:5])
        raise LookupError(
            f"{self.name} has results of several hosts; write {self.name}['HOST'], HOST being one of {hosts}"
        )

    def shown(self) -> Json:
        """What the bare name renders as: an answer's value, else standard output."""
        result = self.own()
        return result.value if result.value is not None and not result.stdout else _trimmed(result.stdout)


def _named(name: str, results: Mapping[str, Result], asking: str, left_out: Mapping[str, str]) -> object:
    """A person's answer, or a value that was set, is that value: `ticket == "CHG-1"` means what it says."""
    answer = results.get("")
    if answer is None or answer.value is None:
        return RegisteredName(name, results, asking, left_out)
    return answer.value


class Absent:
    """The type of the one value below."""


ABSENT: Final = Absent()
"""There is nothing of that name; the sandbox makes it an undefined value with a helpful message."""


def attribute(value: object, name: str) -> object:
    """`value.name`.

    Raises:
        LookupError: there is such a name, but it cannot be answered; the message says why.
    """
    match value:
        case Host():
            return _of_host(value, name)
        case RegisteredName():
            return value.results if name == "host" else _of_result(value, name)
        case Mapping():
            return value[name] if name in value else _method(value, name, _MAPPING_METHODS)
        case str() if name in _TEXT_METHODS:
            return getattr(value, name)
        case Result() if name in RESULT_FIELDS:
            return _result_field(value, name)
        case str() | int() | float() | bool() if name == "value":
            return value
        case _:
            return ABSENT


def item(value: object, key: object) -> object:
    """`value[key]`.

    Raises:
        LookupError: there is such a name, but it cannot be answered.
    """
    match value:
        case RegisteredName() if isinstance(key, str) and key in value.results:
            return value.results[key]
        case list() | tuple() | str() if isinstance(key, int) and -len(value) <= key < len(value):
            return value[key]
        case list() | tuple() | str() if isinstance(key, slice):
            return value[key]
        case Mapping() if isinstance(key, str | int):
            return value.get(key, ABSENT)
        case Host() | Result() | RegisteredName() if isinstance(key, str):
            return attribute(value, key)
        case _:
            return ABSENT


def effort(value: object, key: object) -> int:
    """What looking that up costs beyond a glance: reading JSON, and copying text, of a result."""
    if key not in {"json", "stdout", "stderr"} or not isinstance(value, RegisteredName | Result):
        return 0
    results = value.results.values() if isinstance(value, RegisteredName) and len(value.results) == 1 else ()
    mine = value.results.get(value.asking) if isinstance(value, RegisteredName) else value
    size = sum(len(each.stdout) + len(each.stderr) for each in (mine, *results) if each is not None)
    return size // (2 if key == "json" else 16)


def known_attributes(value: object) -> tuple[str, ...]:
    """What `value` answers to, for a message about a name that it does not."""
    match value:
        case Host():
            return (*HOST_FIELDS, *value.variables)
        case RegisteredName() | Result():
            return RESULT_FIELDS
        case Mapping():
            return tuple(str(key) for key in value)
        case _:
            return ()


def _of_host(host: Host, name: str) -> object:
    if name == "address":
        return host.target
    if name in HOST_FIELDS:
        return getattr(host, name)
    value = host.variables.get(name, ABSENT)
    if isinstance(value, str) and ("{{" in value or "{%" in value):
        raise LookupError(
            f"{name} of host {host.name} is itself a template in the inventory, which is not evaluated here"
        )
    return value


def _of_result(registered: RegisteredName, name: str) -> object:
    if name in RESULT_FIELDS:
        return _result_field(registered.own(), name)
    return registered.results.get(name, ABSENT)


def _result_field(result: Result, name: str) -> object:
    match name:
        case "stdout" | "stderr":
            return _trimmed(getattr(result, name))
        case "json":
            return _decoded(result)
        case _:
            return getattr(result, name)


def _decoded(result: Result) -> Json:
    if result.value is not None:
        return result.value
    try:
        decoded: Json = msgspec.json.decode(result.stdout.encode())
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise LookupError(f"standard output is not JSON ({error})") from error
    return decoded


def _trimmed(text: str) -> str:
    """As `$(...)` does: nobody means the newline at the end."""
    return text.rstrip("\n")


def _method(value: object, name: str, allowed: frozenset[str]) -> object:
    return getattr(value, name) if name in allowed else ABSENT
