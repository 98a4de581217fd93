"""Why a host could not be opened, in the operator's words.

Every way in which opening can fail ends here as one `Problem` with a stable code, so that the engine can
decide by it, and with the command that helps, so that the operator can. A changed key shows both
fingerprints: whoever replaced the host knows the new one, and nobody else should be believed.
"""

from __future__ import annotations

import os
import shlex
import socket
from dataclasses import dataclass
from pathlib import Path

import msgspec

from runbook.core.host import at_port
from runbook.core.host_key import ChangedKey, HostKey, KeyChanged
from runbook.problem import Exit, Problem, Problems, Where
from runbook.transport.ssh.library import asyncssh
from runbook.transport.ssh.resolve import ResolvedHost
from runbook.transport.ssh.unconnected import RESET, Cause, advice_behind_bastion, cause_of

_PASSING = frozenset({"refused", "reset", "no-route", "timeout"})
_TOO_MANY = "too many authentication failures"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How far an attempt came before it failed."""

    offered: str = ""
    """What was shown and not accepted, in words."""
    shown: HostKey | None = None
    """The same, where it was a plain key."""
    known: tuple[HostKey, ...] = ()
    """Keys under which the host is known."""
    spoke: bool = False
    """True when the server had said its version, so that it is an SSH server which refuses us."""
    through: str = ""
    """Name of the bastion; empty when straight."""
    limit: float = 0.0
    """Seconds that the attempt had."""
    files: tuple[str, ...] = ()
    """Which files know it."""
    tried: tuple[str, ...] = ()
    """Keys that were offered, as people know them."""
    accepts: tuple[str, ...] = ()
    """Methods of logging in that the server named."""
    remarks: tuple[str, ...] = ()
    """What is wrong with our own keys and agent."""
    proxy: str = ""
    """What a ProxyCommand said."""


def may_pass(error: BaseException) -> bool:
    """True for what another attempt may find gone: nobody listening yet, a full queue, a lost packet."""
    return isinstance(error, Problems) and all(p.code in _PASSING for p in error.problems)


def explained(error: BaseException, host: ResolvedHost, seen: Seen) -> Problem:
    """The problem behind a library's error."""
    match error:
        case asyncssh.HostKeyNotVerifiable():
            return _key(error, host, seen)
        case asyncssh.PermissionDenied():
            return login_refused(host, _what_was_tried(seen) or str(error.reason))
        case asyncssh.DisconnectError() if _TOO_MANY in str(error.reason).lower():
            return _too_many(host, seen)
        case asyncssh.ChannelOpenError():
            return behind_bastion(host, seen.through, str(error.reason))
        case socket.gaierror():
            return _problem(
                host,
                "dns",
                f'the name "{host.address}" cannot be resolved',
                why=str(error.strerror or error),
                fix="Correct the address (ansible_host), or the name service of this machine.",
            )
        case TimeoutError():
            return _problem(
                host,
                "timeout",
                f"{_place(host)} did not answer within {seen.limit:g} s",
                why=seen.proxy,
                fix="Check that the host is up, and the network and firewalls between.",
            )
        case asyncssh.ConnectionLost():
            said = "it had said its version" if seen.spoke else "it said a word"
            when = "after" if seen.spoke else "before"
            return _unconnected(host, RESET, seen.proxy or f"it closed the connection {when} {said}")
        case OSError():
            return _unconnected(host, *cause_of(error))
        case _:
            return _problem(
                host,
                "protocol",
                f"{_place(host)} does not speak SSH as we need it",
                why=getattr(error, "reason", "") or str(error),
                fix="Check with `ssh -v` that an SSH server listens there; look at its log.",
            )


def behind_bastion(host: ResolvedHost, bastion: str, reason: str) -> Problem:
    """A bastion is there and could not open a way to the host; `reason` is what it said."""
    what = f"{bastion or 'the bastion'} could not open a way to {_place(host)}"
    return _problem(host, "jump", what, why=reason, fix=advice_behind_bastion(reason))


def hung_up(host: ResolvedHost, why: str) -> Problem:
    """The connection was lost right after it had been opened."""
    return _problem(host, "protocol", f"{_place(host)} hung up after the login", why=why, fix="Look at its log.")


def _key(error: asyncssh.HostKeyNotVerifiable, host: ResolvedHost, seen: Seen) -> Problem:
    return key_refused(host, seen) if seen.offered else key_unacceptable(host, str(error.reason))


def key_unacceptable(host: ResolvedHost, why: str) -> Problem:
    """The key is one that must not be used any more."""
    return _problem(
        host,
        "host-key-changed",
        f"the key of {host.name} is not acceptable",
        why=why,
        fix="Ask whoever runs the host; a revoked or expired key must be replaced there.",
    )


def key_refused(host: ResolvedHost, seen: Seen) -> Problem:
    """The host showed another key than is known, or none is known."""
    if seen.known:
        name = shlex.quote(host.known_as)
        forget = " && ".join(
            f"ssh-keygen -R {name} -f {shlex.quote(file)}" for file in seen.files or host.known_hosts[:1]
        )
        return _changed(
            host,
            seen,
            _problem(
                host,
                "host-key-changed",
                f"the key of {host.name} has changed; nothing was sent to it",
                why=f"known is {', '.join(dict.fromkeys(map(str, seen.known)))}, shown is {seen.offered}",
                fix=f"If it was reinstalled, confirm the new fingerprint there, then `{forget}`, and add it: "
                f"{_advice(host, seen)}",
            ),
        )
    files = ", ".join(host.known_hosts) or "nothing"
    return _problem(
        host,
        "host-key-unknown",
        f'no key is known for "{host.known_as}"',
        why=f"it shows {seen.offered}, and {files} {'do' if len(host.known_hosts) > 1 else 'does'} not have it",
        fix=f"Compare that fingerprint on the host's console, then add the key: {_advice(host, seen)}",
    )


def _advice(host: ResolvedHost, seen: Seen) -> str:
    """A command that writes the key down under the name by which it is looked up, as it stands."""
    if not host.new_keys:
        return "name a file for it with UserKnownHostsFile first"
    if host.proxy_command:
        return f"`ssh {host.name}` asks about it, through the same ProxyCommand"
    scan = f"ssh-keyscan -p {host.port} {host.address}"
    through = f"ssh {_destination(seen.through)} " if seen.through else ""
    renamed = f" | sed 's/^[^ ]*/{host.known_as}/'" if host.host_key_alias or through else ""
    folder = os.path.dirname(host.new_keys)  # noqa: PTH120 - words for a shell
    made = "" if not folder or Path(folder).is_dir() else f"mkdir -p -m 700 {shlex.quote(folder)} && "
    return f"{made}{through}{scan}{renamed} >> {shlex.quote(host.new_keys)}"


def _destination(bastion: str) -> str:
    """A bastion as ssh takes it on its command line."""
    return shlex.quote(f"ssh://{bastion}" if ":" in bastion else bastion)


def _changed(host: ResolvedHost, seen: Seen, said: Problem) -> Problem:
    """With the keys themselves, so that a person can be asked about them; an authority's signature is no such key."""
    if seen.shown is None:
        return said
    changed = ChangedKey(machine=host.name, known=tuple(dict.fromkeys(seen.known)), shown=seen.shown)
    return KeyChanged(**msgspec.structs.asdict(said), changed=changed)


def login_refused(host: ResolvedHost, why: str) -> Problem:
    """The host has proved who it is and does not know us."""
    return _problem(
        host,
        "auth",
        f"{host.name} does not let {host.user} in",
        why=why,
        fix=f"Check that the public key is in {host.user}'s authorized_keys, or name another user or key.",
    )


def _too_many(host: ResolvedHost, seen: Seen) -> Problem:
    """The server counts each key that is offered, and hung up before the right one."""
    return _problem(
        host,
        "auth",
        f"{host.name} does not let {host.user} in: {_TOO_MANY}",
        why=f"each key that is offered counts, and its limit was reached; {_what_was_tried(seen)}",
        fix="Name the key that it knows: ansible_ssh_private_key_file, or IdentityFile with IdentitiesOnly yes in "
        "ssh_config, so that other keys of your agent are not offered first.",
    )


def _what_was_tried(seen: Seen) -> str:
    refused = f"it refused {', '.join(seen.tried)}" if seen.tried else ""
    others = [method for method in seen.accepts if method != "publickey"]
    methods = " or ".join(seen.accepts)
    takes = f"it takes {methods}, of which only publickey is offered" if others else f"it takes {methods}"
    return "; ".join(filter(None, (refused, takes if methods else "", *seen.remarks)))


def _unconnected(host: ResolvedHost, cause: Cause, why: str) -> Problem:
    return _problem(host, cause.code, cause.what.format(_place(host)), why=why, fix=cause.fix)


def _place(host: ResolvedHost) -> str:
    where = at_port(host.address, host.port)
    return f"{host.name} ({where})" if host.name != host.address else where


def _problem(host: ResolvedHost, code: str, what: str, *, why: str = "", fix: str = "") -> Problem:
    where = Where(f"host {host.name}")
    return Problem(what=what, why=why, fix=fix, where=where, code=code, exit=Exit.UNREACHABLE)
