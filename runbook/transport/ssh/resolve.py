"""How a host is really reached: inventory, then ssh_config, then defaults, with the origin of every value.

Resolved once per host, by asyncssh's reader of ssh_config (Host, Match, Include and the tokens it knows); it
reads no `StrictHostKeyChecking`, which suits us: there is nothing to relax. As with `ssh` itself, the
inventory's address is the name that is looked up, so an alias in ssh_config works, and `HostName` there says
where the alias leads.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from asyncssh.config import ConfigParseError, SSHClientConfig

from runbook.core.host import Host
from runbook.core.host_key import HostKey
from runbook.problem import Exit, Problem, Problems, Where

DEFAULT_KEYS = ("~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa")
"""Tried when nobody names a key; those that do not exist are passed over."""

SYSTEM_KNOWN_HOSTS = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
USER_KNOWN_HOSTS = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
USER_CONFIG = "~/.ssh/config"
SSH_PORT = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedHost:
    """Everything that decides where a login goes and as whom."""

    name: str
    """The host's identity in the inventory."""
    address: str
    port: int
    user: str
    key_files: tuple[str, ...]
    """Absolute paths, in the order in which they are tried."""
    keys_required: bool
    """True when somebody named the keys: one that is missing is then an error and not passed over."""
    certificates: tuple[str, ...]
    identities_only: bool
    """True keeps keys of the agent back unless they are among `key_files`."""
    agent: str
    """Path of the agent's socket; empty uses none."""
    known_hosts: tuple[str, ...]
    """The first is the one that `accept-new` appends to."""
    host_key_alias: str
    jump: str
    """As ProxyJump; empty goes straight."""
    proxy_command: str
    accepted: HostKey | None = None
    """A changed key that somebody vouched for, for whoever dials by themselves (Fabric)."""
    origins: dict[str, str] = field(default_factory=dict)
    """Field name to the place that decided it."""

    @property
    def checked_name(self) -> str:
        """The name under which its key is looked up."""
        return self.host_key_alias or self.address


def resolve(host: Host, *, agent: str = "") -> ResolvedHost:
    """Work out how a host is reached.

    Args:
        host: As the inventory describes it.
        agent: Path of the agent's socket unless ssh_config names another.

    Raises:
        Problems: The configuration file is named and missing, or cannot be read as one.
    """
    return _Resolver(host, agent).resolved()


class _Resolver:
    """One host's walk through the places that may decide."""

    def __init__(self, host: Host, agent: str) -> None:
        self._host = host
        self._agent = agent
        self._path = _config_path(host)
        self._config = _read(host, self._path)
        self._origins: dict[str, str] = {}

    def resolved(self) -> ResolvedHost:
        host = self._host
        jump = self._pick("jump", host.jump, "ProxyJump", "")
        keys = self._many("key_files", host.key_files, ("IdentityFile",), DEFAULT_KEYS)
        known = self._many(
            "known_hosts",
            host.known_hosts,
            ("UserKnownHostsFile", "GlobalKnownHostsFile"),
            USER_KNOWN_HOSTS + SYSTEM_KNOWN_HOSTS,
        )
        return ResolvedHost(
            name=host.name,
            # Under its alias in ssh_config a host leads elsewhere, however the inventory came by the alias.
            address=self._pick("address", "", "Hostname", host.target),
            port=int(self._pick("port", str(host.port or ""), "Port", str(SSH_PORT))),
            user=self._pick("user", host.user, "User", getpass.getuser()),
            key_files=keys,
            keys_required=bool(host.key_files),
            certificates=_expanded(self._listed("CertificateFile")),
            identities_only=bool(host.key_files) or bool(self._config.get("IdentitiesOnly", default=False)),
            agent=_expand(self._pick("agent", "", "IdentityAgent", self._agent)),
            known_hosts=known,
            host_key_alias=self._pick("host_key_alias", host.host_key_alias, "HostKeyAlias", ""),
            jump="" if jump.lower() == "none" else jump,
            # A named jump wins over a configured command, as the more particular of the two.
            proxy_command="" if jump else self._pick("proxy_command", "", "ProxyCommand", ""),
            origins=self._origins,
        )

    def _pick(self, name: str, stated: str, option: str, default: str) -> str:
        configured = self._config.get(option)
        if stated:
            self._origins[name] = self._host.origins.get(name, "inventory")
        elif configured not in (None, "", ()):
            self._origins[name] = f"{self._path} ({option})"
            return str(configured)
        else:
            self._origins[name] = "default"
        return stated or default

    def _many(
        self, name: str, stated: tuple[str, ...], options: tuple[str, ...], default: tuple[str, ...]
    ) -> tuple[str, ...]:
        if stated:
            self._origins[name] = self._host.origins.get(name, "inventory")
            return _expanded(stated)
        configured = [value for option in options for value in self._listed(option)]
        self._origins[name] = f"{self._path} ({options[0]})" if configured else "default"
        return _expanded(configured or default)

    def _listed(self, option: str) -> Sequence[str]:
        value = self._config.get(option)
        return [str(item) for item in value] if isinstance(value, list | tuple) else []


def _config_path(host: Host) -> Path | None:
    """The file that is read for this host; none when there is none or it is unwanted."""
    if host.ssh_config == "none":
        return None
    path = Path(host.ssh_config or USER_CONFIG).expanduser()
    if path.is_file():
        return path
    if host.ssh_config:
        raise _unreadable(host, path, "there is no such file")
    return None


def _read(host: Host, path: Path | None) -> SSHClientConfig:
    # An empty tuple is asyncssh's word for "not given": a value given here would win over the file.
    user, port = host.user or (), host.port or ()
    try:
        config = SSHClientConfig.load(
            None, [path] if path else [], False, False, False, getpass.getuser(), user, host.target, port
        )
    except (ConfigParseError, OSError, UnicodeDecodeError) as error:
        raise _unreadable(host, path or Path(), str(error)) from error
    return cast("SSHClientConfig", config)


def _unreadable(host: Host, path: Path, why: str) -> Problems:
    return Problems(
        [
            Problem(
                what=f"the SSH configuration of {host.name} cannot be used",
                why=why,
                fix='Correct the file, or set ssh_config to "none" for this host.',
                where=Where(str(path)),
                code="ssh-config",
                exit=Exit.USAGE,
            )
        ]
    )


def _expanded(paths: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_expand(path) for path in paths))


def _expand(path: str) -> str:
    return os.path.expanduser(path) if path.startswith("~") else path  # noqa: PTH111 - Path("") would be "."
