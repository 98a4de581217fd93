"""Values that are not written as themselves, opened as far as a connection needs them.

Two things that people do with a sudo password: they encrypt it as one value (`!vault`) in a file that is otherwise
plain, and they refer from it to another variable or to the environment. Ansible's template language is not read here;
exactly these two texts are, `{{ NAME }}` and `{{ lookup('env', 'NAME') }}`, and only for passwords of connections.

A vault value costs a start of `ansible-vault`, half a second, so only those are opened that decide how a host is
reached, or that a password refers to. What was opened is a secret, whatever its name: it stands in no plan, and is
masked. What cannot be opened is left as it was, for whoever needs it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import msgspec

from runbook.inventory.connection import CONNECTION_VARIABLES, Merged
from runbook.inventory.draft import VAULT_HEADER, Setting
from runbook.inventory.secret_variables import CONNECTION_PASSWORDS
from runbook.inventory.variable_files import Decrypt
from runbook.problem import Problem, Problems

_DEEPEST = 5
"""Variables that refer to each other."""

AT_A_TIME = 4
"""Values that are opened at once; each is a program."""

_VARIABLE = re.compile(r"\{\{\s*(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_IN_ENVIRONMENT = re.compile(
    r"""\{\{\s*(?:lookup|query)\(\s*(['"])(?:ansible\.builtin\.)?env\1\s*,\s*(['"])(?P<name>\w+)\2\s*\)\s*\}\}"""
)


class Opener:
    """Opens values of one inventory; the same text is opened once, however many hosts share it."""

    def __init__(self, decrypt: Decrypt | None) -> None:
        """`decrypt` None leaves what is encrypted closed."""
        self._decrypt = decrypt
        self._known: dict[str, str | Problem] = {}
        self._blamed: dict[Problem, None] = {}

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Why values stayed closed, once for each place that they stand in."""
        return tuple(self._blamed)

    def opened(self, hosts: Mapping[str, Merged]) -> dict[str, Merged]:
        """The variables of hosts, with what could be opened in its place."""
        texts = dict.fromkeys(text for merged in hosts.values() for text in _closed_texts(merged))
        if self._decrypt is not None:
            with ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="vault") as pool:
                self._known |= zip(texts, pool.map(self._read, texts), strict=True)
        return {host: self._of_host(merged) for host, merged in hosts.items()}

    def _of_host(self, merged: Merged) -> Merged:
        found = dict(merged)
        for name in CONNECTION_VARIABLES & merged.keys():
            self._open(name, found, _DEEPEST)
        return found

    def _open(self, name: str, found: dict[str, tuple[Setting, ...]], deepest: int) -> None:
        setting = found[name][0]
        value = None
        if setting.form == "vault" and isinstance(setting.value, str):
            value = self._decrypted(setting)
        elif setting.form == "template" and name in CONNECTION_PASSWORDS:
            value = self._referred(str(setting.value), found, deepest)
        if value is not None:
            found[name] = (Setting(value, setting.where, is_secret=True), *found[name][1:])

    def _referred(self, text: str, found: dict[str, tuple[Setting, ...]], deepest: int) -> str | None:
        """What a password refers to; None where that is not known."""
        if in_environment := _IN_ENVIRONMENT.fullmatch(text.strip()):
            return os.environ.get(in_environment["name"]) or None
        variable = _VARIABLE.fullmatch(text.strip())
        if variable is None or variable["name"] not in found or not deepest:
            return None
        name = variable["name"]
        self._open(name, found, deepest - 1)
        setting = found[name][0]
        if setting.form == "template":
            return self._referred(str(setting.value), found, deepest - 1)
        if setting.form == "vault" or isinstance(setting.value, dict | list | None):
            return None
        found[name] = (setting.encrypted(), *found[name][1:])
        return str(setting.value)

    def _decrypted(self, setting: Setting) -> str | None:
        known = self._known.get(_text(setting))
        if isinstance(known, Problem):
            self._blamed[msgspec.structs.replace(known, where=setting.where)] = None
            return None
        return known

    def _read(self, text: str) -> str | Problem:
        if self._decrypt is None:
            raise TypeError("there is nothing to open it with")
        try:
            return self._decrypt(text.encode(), "this value").decode("utf-8", "surrogateescape")
        except Problems as closed:
            return closed.problems[0]


def _closed_texts(merged: Merged) -> Iterator[str]:
    """Vault texts that a host's connection depends on, by itself or by the variables that it refers to."""
    names = [*(CONNECTION_VARIABLES & merged.keys())]
    for name in names:
        setting = merged[name][0]
        referred = _VARIABLE.fullmatch(str(setting.value).strip()) if setting.form == "template" else None
        if referred and referred["name"] in merged and referred["name"] not in names:
            names.append(referred["name"])
        if setting.form == "vault" and _text(setting).startswith(VAULT_HEADER):
            yield _text(setting)


def _text(setting: Setting) -> str:
    """As `ansible-vault` takes it, without the indentation that YAML gave it."""
    return "\n".join(line.strip() for line in str(setting.value).splitlines())
