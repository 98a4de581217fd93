"""How a host is really reached: inventory, then ssh_config, then defaults, with the origin of every value.

What ssh_config means is asked of OpenSSH itself (`openssh.py`). Two of its answers are not used:
`StrictHostKeyChecking`, because how careful to be is said by the place that the host belongs to, and forwarding of any
kind. As with `ssh`, the inventory's address is the name that is looked up, so an alias in ssh_config works, and
`HostName` there says where the alias leads.
"""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass, field
from pathlib import Path

from runbook.core.host import Host
from runbook.core.host_key import HostKey
from runbook.problem import Exit, Problem, Problems, Where
from runbook.transport.ssh.openssh import SshConfig
from runbook.transport.ssh.own_config import SSH_PORT, Answer, Question
from runbook.transport.ssh.tokens import Tokens

DEFAULT_KEYS = ("~/.ssh/id_rsa", "~/.ssh/id_ecdsa", "~/.ssh/id_ecdsa_sk", "~/.ssh/id_ed25519", "~/.ssh/id_ed25519_sk")
"""Tried when nobody names a key, in ssh's order; those that do not exist are passed over."""

SYSTEM_KNOWN_HOSTS = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
USER_KNOWN_HOSTS = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
NOTHING = frozenset(("none", "/dev/null"))
"""Names of files in which nothing is known and nothing can be written down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedHost:
    """Everything that decides where a login goes and as whom."""

    name: str
    """The host's identity in the inventory."""
    address: str
    port: int
    user: str
    key_files: tuple[str, ...]
    """Absolute paths, in the order in which they are tried; a `.pub` stands for a key that the agent holds."""
    required_keys: tuple[str, ...]
    """Those that the inventory names: one that is missing is then an error and not passed over."""
    certificates: tuple[str, ...]
    identities_only: bool
    """True keeps keys of the agent back unless they are among `key_files`."""
    agent: str
    """Path of the agent's socket; empty uses none."""
    known_hosts: tuple[str, ...]
    """The user's files, then the system's."""
    new_keys: str
    """The file that `accept-new` appends to; empty where there is none."""
    revoked_keys: str
    """RevokedHostKeys: a file of keys that no host may show; empty where there is none."""
    hashes_names: bool
    """True writes names into it that only who knows them can recognise."""
    host_key_alias: str
    host_key_algorithms: tuple[str, ...]
    """Which kinds of host keys are taken, the preferred first; empty means as ssh does by default."""
    jump: str
    """As ProxyJump; empty goes straight."""
    proxy_command: str
    """A command whose input and output are the connection, for the user's shell; empty connects by ourselves."""
    accepted: HostKey | None = None
    """A changed key that somebody vouched for, for whoever dials by themselves (Fabric)."""
    origins: dict[str, str] = field(default_factory=dict)
    """Field name to the place that decided it."""

    @property
    def checked_name(self) -> str:
        """The name under which its key is looked up, and which an authority has to have signed."""
        return self.host_key_alias or self.address.lower()

    @property
    def known_as(self) -> str:
        """The same as known_hosts has it: an alias stands alone, an address with its port unless that is 22."""
        plain = self.host_key_alias or self.port == SSH_PORT
        return self.checked_name if plain else f"[{self.checked_name}]:{self.port}"


def resolve(host: Host, *, agent: str = "", config: SshConfig | None = None) -> ResolvedHost:
    """Work out how a host is reached. May start ssh, so it may block.

    Args:
        host: As the inventory describes it.
        agent: Path of the agent's socket unless ssh_config names another.
        config: Who answers for ssh_config; share one, so that nothing is asked twice.

    Raises:
        Problems: Code `ssh-config`: the configuration file is named and missing, or cannot be used for this host.
    """
    question = question_about(host)
    answer = (config or SshConfig()).answer(question)
    try:
        return _Resolver(host, agent, answer).resolved()
    except ValueError as error:
        raise _unusable(host, str(error)) from error


def question_about(host: Host) -> Question:
    """What is asked of ssh_config."""
    return Question(
        name=host.name,
        target=host.target,
        user=host.user,
        port=host.port,
        alias=host.host_key_alias,
        jump=host.jump,
        options=host.ssh_options or (),
        config=host.ssh_config,
    )


class _Resolver:
    """One host's walk through the places that may decide."""

    def __init__(self, host: Host, agent: str, answer: Answer) -> None:
        self._host, self._agent, self._answer = host, agent, answer
        self._origins: dict[str, str] = {}

    def resolved(self) -> ResolvedHost:
        host, answer = self._host, self._answer
        jump = _jump(self._pick("jump", host.jump, "ProxyJump", ""))
        # Under its alias in ssh_config a host leads elsewhere, however the inventory came by the alias.
        tokens = Tokens(
            original=host.target,
            address=self._pick("address", "", "HostName", host.target.lower()),
            port=int(self._pick("port", str(host.port or ""), "Port", str(SSH_PORT))),
            user=self._pick("user", host.user, "User", getpass.getuser()),
            alias=self._pick("host_key_alias", host.host_key_alias, "HostKeyAlias", ""),
            jump=jump,
        )
        own = self._known_hosts(tokens)
        return ResolvedHost(
            name=host.name,
            address=tokens.address,
            port=tokens.port,
            user=tokens.user,
            key_files=self._key_files(tokens),
            required_keys=host.key_files,
            certificates=_paths(answer.many("certificatefile"), tokens),
            identities_only=answer.one("identitiesonly") == "yes",
            agent=self._socket(tokens),
            known_hosts=tuple(dict.fromkeys((*own, *self._global_known_hosts(tokens)))),
            new_keys=next(iter(own), ""),
            revoked_keys=next(iter(_paths(answer.many("revokedhostkeys"), tokens)), ""),
            hashes_names=answer.one("hashknownhosts") == "yes",
            host_key_alias=tokens.alias,
            host_key_algorithms=tuple(filter(None, answer.one("hostkeyalgorithms").split(","))),
            jump=jump,
            proxy_command=self._proxy_command(tokens),
            origins=self._origins,
        )

    def _pick(self, name: str, stated: str, option: str, default: str) -> str:
        configured = self._answer.one(option.lower())
        if stated:
            self._origins[name] = self._host.origins.get(name, "inventory")
        elif configured:
            self._origins[name] = self._answer.origin(option)
        else:
            self._origins[name] = "default"
        return stated or configured or default

    def _key_files(self, tokens: Tokens) -> tuple[str, ...]:
        """What the inventory names, then what ssh_config does, as ssh takes `-i` and its file together."""
        stated, configured = self._host.key_files, self._answer.many("identityfile")
        self._pick("key_files", next(iter(stated), ""), "IdentityFile", "")
        return _paths((*stated, *configured) or DEFAULT_KEYS, tokens)

    def _known_hosts(self, tokens: Tokens) -> tuple[str, ...]:
        stated, configured = self._host.known_hosts, self._answer.many("userknownhostsfile")
        self._pick("known_hosts", next(iter(stated), ""), "UserKnownHostsFile", "")
        if self._host.host_keys == "pinned":
            return stated
        return _paths(stated or configured or USER_KNOWN_HOSTS, tokens)

    def _global_known_hosts(self, tokens: Tokens) -> tuple[str, ...]:
        if self._host.host_keys == "pinned":
            return ()
        return _paths(self._answer.many("globalknownhostsfile") or SYSTEM_KNOWN_HOSTS, tokens)

    def _socket(self, tokens: Tokens) -> str:
        """IdentityAgent: `none`, the name of a variable, or a path."""
        said = self._pick("agent", "", "IdentityAgent", "SSH_AUTH_SOCK")
        if said.lower() == "none":
            return ""
        if said in {"SSH_AUTH_SOCK", "$SSH_AUTH_SOCK"}:
            return self._agent
        if said.startswith("$") and not said.startswith("${"):
            return os.environ.get(said[1:], "")
        return tokens.path(said)

    def _proxy_command(self, tokens: Tokens) -> str:
        # A jump that the inventory names wins over a configured command, and none means straight.
        if self._host.jump or tokens.jump:
            return ""
        said = self._pick("proxy_command", "", "ProxyCommand", "")
        return "" if said.lower() == "none" else tokens.text(said)


def _jump(said: str) -> str:
    """Bastions without the dress of a URI."""
    if said.lower() == "none":
        return ""
    return ",".join(hop.strip().removeprefix("ssh://").rstrip("/") for hop in said.split(","))


def _paths(said: tuple[str, ...], tokens: Tokens) -> tuple[str, ...]:
    """Files by their names, each once; `none` is no file."""
    return tuple(dict.fromkeys(tokens.path(name) for name in said if name.lower() not in NOTHING))


def _unusable(host: Host, why: str) -> Problems:
    said = Problem(
        what=f"the SSH configuration of {host.name} cannot be used",
        why=why,
        fix="Correct ssh_config, or the ssh arguments in the inventory.",
        where=Where(str(Path(host.ssh_config).expanduser()) if host.ssh_config else f"host {host.name}"),
        code="ssh-config",
        exit=Exit.UNREACHABLE,
    )
    return Problems([said])
