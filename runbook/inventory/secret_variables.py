"""Which inventory variables are secrets or cannot be read, and so may not travel with a host.

A plan is shown, hashed and written to disk, and it carries its hosts with their variables. So a value whose name says
that it is a secret leaves the variables here and becomes a `Password`, which masks itself and is masked in everything
that is recorded. Names are all that we have to go by; a secret under an innocent name is the author's to move into a
secret parameter. It looks into nested values too, because `database: {password: ...}` is how people write them.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping

import msgspec

from runbook.core.host import Json
from runbook.core.inventory import Password, Unreadable
from runbook.core.planned.command import Secret
from runbook.inventory.draft import Setting
from runbook.problem import Problem, Where

LOGIN_PASSWORD = ("ansible_password", "ansible_ssh_pass", "ansible_ssh_password")
BECOME_PASSWORD = ("ansible_become_password", "ansible_become_pass", "ansible_sudo_pass")
CONNECTION_PASSWORDS = (*LOGIN_PASSWORD, *BECOME_PASSWORD)
"""The last of each trio that is set counts, as in Ansible."""

_SECRET_NAME = re.compile(
    r"(?:.*_)?(?:password|passwd|passphrase|pass|secret|token|api_?key|private_key|secret_key|access_key)",
    re.IGNORECASE,
)


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """A host's variables, sorted."""

    variables: dict[str, Json]
    """What templates may use."""
    passwords: tuple[Password, ...]
    unreadable: dict[str, Unreadable]


def is_secret_name(name: str) -> bool:
    """Whether a variable is called as secrets are."""
    return _SECRET_NAME.fullmatch(name) is not None


def split_secrets(host: str, settings: Mapping[str, Setting], *, reserved: Container[str]) -> Split:
    """Sort variables into usable, secret and unreadable ones; `reserved` names are of no use to templates."""
    variables: dict[str, Json] = {}
    unreadable_ones: dict[str, Unreadable] = {}
    passwords: list[Password] = []
    for name, setting in settings.items():
        if setting.form != "plain":
            unreadable_ones[name] = unreadable(name, setting)
            continue
        found = dict(_secrets(name, setting.value, name=name, all_of_it=setting.is_secret and name not in reserved))
        place = str(Where(setting.where.file, setting.where.line))
        passwords += (_password(host, path, text, place) for path, text in found.items())
        if name not in reserved and name not in found:
            variables[name] = _without(setting.value, name, found)
    return Split(variables=variables, passwords=tuple(passwords), unreadable=unreadable_ones)


def unreadable(variable: str, setting: Setting) -> Unreadable:
    """A setting that is a template or encrypted, for whoever looks for its value.

    Raises:
        ValueError: It is plain.
    """
    if setting.form == "plain":
        raise ValueError(f"{variable} can be read")
    return Unreadable(variable=variable, form=setting.form, where=setting.where)


def cannot_be_read(it: Unreadable, subject: str) -> Problem:
    """The problem of somebody who needs it; `subject` is what they call it."""
    public = f"Write the value itself, or give it when you start: -e {it.variable}=VALUE."
    private = "Write the value itself in a file that only you can read, or use --inventory-via ansible-inventory."
    return Problem(
        what=f"{subject} is {'a vault value' if it.form == 'vault' else 'a Jinja template'}",
        why="only Ansible can read it",
        fix=private if is_secret_name(it.variable) else public,
        where=it.where,
        code="unreadable-value",
    )


def _secrets(path: str, value: Json, *, name: str, all_of_it: bool = False) -> Iterator[tuple[str, str]]:
    """The dotted path and the text of every secret in a value; flags and empty values are none.

    With `all_of_it` every leaf counts: its author kept it encrypted.
    """
    match value:
        case dict():
            for key, item in value.items():
                yield from _secrets(f"{path}.{key}", item, name=key, all_of_it=all_of_it)
        case list():
            for index, item in enumerate(value):
                yield from _secrets(f"{path}.{index}", item, name=name, all_of_it=all_of_it)
        case str() | int() | float() if (
            not isinstance(value, bool) and value != "" and (all_of_it or is_secret_name(name))
        ):
            yield path, str(value)
        case _:
            pass


def _without(value: Json, path: str, secret: Mapping[str, str]) -> Json:
    """The value with every secret in it left out."""
    match value:
        case dict():
            kept = {key: item for key, item in value.items() if f"{path}.{key}" not in secret}
            return {key: _without(item, f"{path}.{key}", secret) for key, item in kept.items()}
        case list():
            numbered = ((index, item) for index, item in enumerate(value) if f"{path}.{index}" not in secret)
            return [_without(item, f"{path}.{index}", secret) for index, item in numbered]
        case _:
            return value


def _password(host: str, variable: str, text: str, place: str) -> Password:
    return Password(host=host, variable=variable, secret=Secret(f"{host}.{variable}", text), origin=place)
