"""From a host's variables to a `Host`: what Ansible's connection variables mean to us, and what becomes of the rest.

Where Ansible knows several names for one thing, the name that its ssh plugin lists last wins, and a difference is a
warning. ssh arguments stand where ssh would have them: `ansible_ssh_args` before the variables, the common and extra
ones behind, the first mention of an option winning. Relative paths belong to the inventory's folder.

It refuses to lower the guard: `StrictHostKeyChecking=no` and a key file of /dev/null are warned about and not obeyed.
Passwords leave the variables here, for they must never reach a plan. What makes one host unreachable as described is
a problem of that host alone, kept for whoever selects it.
Names: https://docs.ansible.com/ansible/latest/collections/ansible/builtin/ssh_connection.html
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from runbook.core.host import Host
from runbook.core.inventory import Password, Unreadable
from runbook.inventory.draft import Setting
from runbook.inventory.secret_variables import CONNECTION_PASSWORDS, cannot_be_read, split_secrets, unreadable
from runbook.inventory.ssh_arguments import (
    SEVERAL,
    Bastion,
    SshOption,
    bastion_of_command,
    bastions,
    ignored,
    read_ssh_arguments,
)
from runbook.problem import Problem, Where

ADDRESS = ("ansible_host", "ansible_ssh_host")
PORT = ("ansible_port", "ansible_ssh_port")
USER = ("ansible_user", "ansible_ssh_user")
KEY_FILE = ("ansible_private_key_file", "ansible_ssh_private_key_file")
CHECKING = ("ansible_host_key_checking", "ansible_ssh_host_key_checking")
BECOME_USER = ("ansible_become_user", "ansible_sudo_user")
CONNECTION = ("ansible_connection",)
BECOME = ("ansible_become",)
BECOME_METHOD = ("ansible_become_method",)
BEFORE = ("ansible_ssh_args",)
BEHIND = ("ansible_ssh_common_args", "ansible_ssh_extra_args")

CONNECTION_VARIABLES = frozenset(
    name
    for names in (
        *(ADDRESS, PORT, USER, KEY_FILE, CHECKING, BEFORE, BEHIND),
        *(BECOME, BECOME_USER, BECOME_METHOD, CONNECTION, CONNECTION_PASSWORDS),
    )
    for name in names
)
"""What this file gives a meaning; none of it is a variable for templates."""

Merged = Mapping[str, tuple[Setting, ...]]
"""Variable name to every setting of it, the winner first."""

_SSH = ("ssh", "smart", "paramiko", "paramiko_ssh", "ansible.builtin.ssh", "ansible.builtin.paramiko_ssh")
_LOCAL = ("local", "ansible.builtin.local")
_UNCHECKED = ("no", "off", "false")
_MAX_PORT = 65535
_FOR_SSH = (
    *("identitiesonly", "identityagent", "certificatefile"),
    *("globalknownhostsfile", "hashknownhosts", "hostkeyalgorithms"),
)
"""Options that are handed on as they are, because they change who we are to a host or which keys it may show."""
_FILES = frozenset(("certificatefile", "configfile", "identityagent", "identityfile"))
_SOCKET = "SSH_AUTH_SOCK"
_BRACKETED = re.compile(r"\[([0-9a-fA-F:.]+(?:%[\w.-]+)?)\]")
_PORT_NUMBER = re.compile(r"[0-9]{1,5}")
_WORD = re.compile(r"[^\s\-][^\s]*")


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """A host, and all that was learned about it that is not its own to carry."""

    host: Host
    passwords: tuple[Password, ...]
    unreadable: dict[str, Unreadable]
    origins: dict[str, tuple[str, ...]]
    become_method: str
    """How it wants steps to become somebody else, where that is not sudo; empty where it is."""
    problems: tuple[Problem, ...]
    """Why it cannot be connected to as described."""
    warnings: tuple[Problem, ...]


def merge(layers: Iterable[Mapping[str, Setting]]) -> Merged:
    """Lay settings over one another, lowest precedence first: values are replaced, never mixed."""
    merged: dict[str, tuple[Setting, ...]] = {}
    for layer in layers:
        for variable, setting in layer.items():
            merged[variable] = (setting, *merged.get(variable, ()))
    return merged


def describe(name: str, merged: Merged, *, groups: tuple[str, ...], folder: Path) -> Described:
    """What the variables say about a host; `folder` is where its relative paths begin."""
    reading = _Reading(merged, folder.absolute())
    host = reading.host(name, groups)
    secrets = split_secrets(name, {key: values[0] for key, values in merged.items()}, reserved=CONNECTION_VARIABLES)
    return Described(
        host=msgspec.structs.replace(host, variables=secrets.variables, origins=reading.origins),
        passwords=secrets.passwords,
        unreadable=secrets.unreadable,
        become_method=reading.become_method(),
        origins={key: tuple(origin(setting.where) for setting in values) for key, values in merged.items()},
        problems=tuple(reading.problems),
        warnings=tuple(reading.warnings),
    )


def origin(where: Where) -> str:
    """`file:line`, as origins are shown."""
    return str(Where(where.file, where.line))


class _Reading:
    """Resolves one host's fields, noting where each came from."""

    def __init__(self, merged: Merged, folder: Path) -> None:
        self.origins: dict[str, str] = {}
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self._merged = merged
        self._folder = folder
        self._before = self._arguments(BEFORE)
        self._behind = self._arguments(BEHIND)

    def host(self, name: str, groups: tuple[str, ...]) -> Host:
        self._warn_of_become()
        jump = self._jump()
        return Host(
            name=name,
            address=self._address(),
            port=self._port(),
            user=self._text("user", "user", USER),
            connection=self._connection(),
            groups=groups,
            key_files=self._key_files(),
            known_hosts=self._known_hosts(),
            host_key_alias=self._text("host_key_alias", "hostkeyalias"),
            host_keys=self._host_keys(),
            jump=jump.jump,
            ssh_config=self._ssh_config(),
            ssh_options=self._ssh_options() or msgspec.UNSET,
            jump_options=tuple(self._rendered(keyword, value) for keyword, value in jump.options) or msgspec.UNSET,
            become_user=self._text("become_user", "becomeuser", BECOME_USER),
        )

    def _arguments(self, variables: Sequence[str]) -> list[SshOption]:
        options: list[SshOption] = []
        for variable in variables:
            setting = self._setting((variable,))
            if setting is not None:
                found, remarks = read_ssh_arguments(str(setting.value), setting.where)
                options += found
                self.warnings += (remark for remark in remarks if remark.warning)
                self.problems += (remark for remark in remarks if not remark.warning)
        return options

    def _setting(self, aliases: Sequence[str]) -> Setting | None:
        """The setting that counts among a variable's names; None where none is set or it cannot be read."""
        present = [(alias, self._merged[alias][0]) for alias in aliases if alias in self._merged]
        present = [(alias, setting) for alias, setting in present if setting.value is not None]
        if not present:
            return None
        alias, setting = present[-1]
        self.warnings += (_differs(alias, other, it) for other, it in present[:-1] if it.value != setting.value)
        if setting.form != "plain":
            self.problems.append(cannot_be_read(unreadable(alias, setting), alias))
            return None
        return setting

    def _options(self, keyword: str, aliases: Sequence[str] = ()) -> list[SshOption]:
        """Every mention of an option in the order in which ssh would meet them."""
        setting = self._setting(aliases)
        stated = [] if setting is None else [SshOption(keyword, str(setting.value), setting.where)]
        ordered = [*self._before, *stated, *self._behind]
        return [option for option in ordered if option.keyword == keyword and option.value]

    def _take(self, field: str, options: Sequence[SshOption]) -> None:
        """Note where a field came from."""
        if options:
            self.origins[field] = origin(options[0].where)

    def _text(self, field: str, keyword: str, aliases: Sequence[str] = ()) -> str:
        options = self._options(keyword, aliases)
        self._take(field, options)
        return self._word(field, options[0]) if options else ""

    def _address(self) -> str:
        """`-o HostName` is what ssh would dial, whatever name it was given; an IPv6 address may wear its brackets."""
        stated = self._options("hostname") or self._options("address", ADDRESS)
        self._take("address", stated)
        text = self._word("address", stated[0]) if stated else ""
        bare = _BRACKETED.fullmatch(text)
        return bare[1] if bare else text

    def _word(self, field: str, option: SshOption) -> str:
        """A name or an address: one visible word that nobody could take for an option."""
        text = option.value
        if _WORD.fullmatch(text) and text.isprintable():
            return text
        self._refuse(f"the {field.replace('_', ' ')}", text, "Write one word that does not begin with -.", option.where)
        return ""

    def _port(self) -> int:
        options = self._options("port", PORT)
        self._take("port", options)
        if not options:
            return 0
        text = options[0].value.strip()
        if _PORT_NUMBER.fullmatch(text) and 0 < int(text) <= _MAX_PORT:
            return int(text)
        self._refuse("ansible_port", text, f"Write a port from 1 to {_MAX_PORT}.", options[0].where)
        return 0

    def _connection(self) -> Literal["ssh", "local"]:
        setting = self._setting(CONNECTION)
        if setting is None:
            return "ssh"
        self.origins["connection"] = origin(setting.where)
        if setting.value in _LOCAL:
            return "local"
        if setting.value not in _SSH:
            self._refuse("ansible_connection", str(setting.value), "Only ssh and local are supported.", setting.where)
        return "ssh"

    def _key_files(self) -> tuple[str, ...]:
        options = self._options("identityfile", KEY_FILE)
        self._take("key_files", options)
        return tuple(dict.fromkeys(self._path(option.value) for option in options))

    def _known_hosts(self) -> tuple[str, ...]:
        """The user's files, of the first mention; the global ones are an option of their own."""
        files: dict[str, None] = {}
        for option in self._options("userknownhostsfile")[:1]:
            for word in self._files(option):
                if word in {"/dev/null", "none"}:
                    self._warn("a known_hosts file of nothing is ignored", option.where)
                else:
                    files[self._path(word)] = None
                    self.origins.setdefault("known_hosts", origin(option.where))
        return tuple(files)

    def _files(self, option: SshOption) -> list[str]:
        try:
            return shlex.split(option.value)
        except ValueError:
            self._refuse("a list of known_hosts files", option.value, "Close the quotation.", option.where)
            return []

    def _host_keys(self) -> Literal["strict", "accept-new"]:
        options = self._options("stricthostkeychecking")
        checking = self._setting(CHECKING)
        if checking is not None and str(checking.value).lower() in _UNCHECKED:
            self._warn("switching host key checking off has no effect", checking.where)
        if not options:
            return "strict"
        if options[0].value.lower() in _UNCHECKED:
            self._warn("StrictHostKeyChecking=no has no effect", options[0].where)
            return "strict"
        self._take("host_keys", options)
        return "accept-new" if options[0].value.lower() == "accept-new" else "strict"

    def _ssh_options(self) -> tuple[str, ...]:
        """What has no field of its own, for whoever asks ssh: the first mention, and of certificates each."""
        found: list[SshOption] = []
        for keyword in _FOR_SSH:
            options = [option for option in self._options(keyword) if self._is_one_line(option)]
            found += options if keyword == "certificatefile" else options[:1]
        self._take("ssh_options", found)
        return tuple(self._rendered(option.keyword, option.value) for option in found)

    def _is_one_line(self, option: SshOption) -> bool:
        if not option.value.isprintable():
            self._refuse(option.keyword, option.value, "Write it on one line.", option.where)
        return option.value.isprintable()

    def _rendered(self, keyword: str, value: str) -> str:
        """As behind `-o`, with relative files in their place."""
        if keyword in SEVERAL:
            try:
                words = shlex.split(value)
            except ValueError:
                words = [value]
            return f"{keyword}={' '.join(_quoted(self._path(word)) for word in words)}"
        by_name = keyword in _FILES and value.lower() != "none" and not value.startswith("$") and value != _SOCKET
        return f"{keyword}={_quoted(self._path(value) if by_name else value)}"

    def _jump(self) -> Bastion:
        """ProxyJump, or a ProxyCommand that says the same; whichever ssh would meet first."""
        stated = [o for o in (*self._before, *self._behind) if o.keyword in {"proxyjump", "proxycommand"}]
        if not stated:
            return Bastion("")
        option = stated[0]
        self._take("jump", stated)
        try:
            if option.keyword == "proxyjump":
                return Bastion(bastions(option.value))
            found = bastion_of_command(option.value)
        except ValueError as error:
            self.problems.append(
                Problem(
                    what=f'cannot connect through "{option.value}"',
                    why=str(error),
                    fix="Name the bastion with -J [user@]host[:port].",
                    where=option.where,
                    code="proxy",
                )
            )
            return Bastion("")
        self.warnings += (ignored(words, option.where) for words in found.ignored)
        return found

    def _ssh_config(self) -> str:
        options = self._options("configfile")
        self._take("ssh_config", options)
        if not options:
            return ""
        return "none" if options[-1].value in {"none", "/dev/null"} else self._path(options[-1].value)

    def _path(self, text: str) -> str:
        try:
            return str(self._folder / Path(text).expanduser())
        except RuntimeError:  # ~nobody: a user that this machine does not have
            return text

    def _warn_of_become(self) -> None:
        become, method = self._setting(BECOME), self.become_method()
        if become is not None and str(become.value).lower() in {"true", "yes", "on", "1"}:
            why = "a runbook says at each step whether it becomes somebody else"
            self._warn("ansible_become has no effect", become.where, why=why, fix="Write become: true at the steps.")
        if method:
            where = self._merged[BECOME_METHOD[0]][0].where
            fix = "Steps with become are refused there; the others are not."
            self._warn(f"ansible_become_method {method} is not supported", where, why="only sudo is", fix=fix)

    def become_method(self) -> str:
        """Any but sudo."""
        setting = self._setting(BECOME_METHOD)
        said = "sudo" if setting is None else str(setting.value).removeprefix("ansible.builtin.")
        return "" if said == "sudo" else said

    def _refuse(self, variable: str, value: str, fix: str, where: Where) -> None:
        what = f"{variable} is {value!r}"
        self.problems.append(Problem(what=what, fix=fix, where=where, code="bad-connection"))

    def _warn(self, what: str, where: Where, *, why: str = "", fix: str = "") -> None:
        reason = why or "host keys are always checked"
        advice = fix or "Remove it."
        self.warnings.append(Problem(what=what, why=reason, fix=advice, where=where, code="no-effect", warning=True))


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word


def _differs(winner: str, other: str, setting: Setting) -> Problem:
    return Problem(
        what=f"{other} is set and {winner} too, with another value",
        why=f"{winner} counts, as in Ansible",
        fix="Remove one of them.",
        where=setting.where,
        code="alias-differs",
        warning=True,
    )
