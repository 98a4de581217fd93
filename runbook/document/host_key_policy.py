"""What `environment.yaml` says of host keys, applied to the hosts of its inventory.

A place that says anything about keys speaks for all of its hosts, so that no option in somebody's `ansible_ssh_args`
can loosen it. Where it says nothing, the inventory's word for each host holds.
"""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from runbook.core.host import Host
from runbook.core.planned.plan import Environment
from runbook.document.source import MapNode
from runbook.problem import Problem


def keys_file(environment: Environment, folder: Path) -> Path | None:
    """The file of a place whose keys are pinned; None where they are not."""
    keys = environment.host_keys
    return folder / Path(keys.known_hosts).expanduser() if keys is not None and keys.mode == "pinned" else None


def broken_host_keys(root: MapNode, environment: Environment, folder: Path) -> tuple[Problem, ...]:
    """A file of keys that is not there, or that nobody would look into."""
    written = root.get("host_keys")
    named = written.get("known_hosts") if isinstance(written, MapNode) else None
    pinned = keys_file(environment, folder)
    if written is None or (pinned is None and named is None) or (pinned is not None and pinned.is_file()):
        return ()
    where = (named or written).where
    if pinned is None:
        what, fix = "known_hosts has no effect", "Write mode: pinned, or leave it out."
    else:
        what = f"there is no file of host keys at {pinned}"
        fix = "Make it: ssh-keyscan HOST, with every fingerprint compared on the host's own console."
    return (Problem(what=what, fix=fix, where=where, code="bad-value"),)


def under(host: Host, environment: Environment, folder: Path, *, said: str) -> Host:
    """The host under the policy of its place; `said` is the file that states it."""
    keys = environment.host_keys
    if keys is None or host.connection != "ssh":
        return host
    pinned = keys_file(environment, folder)
    if pinned is not None:
        origins = {**host.origins, "host_keys": said, "known_hosts": said}
        return replace(host, host_keys="pinned", known_hosts=(str(pinned.absolute()),), origins=origins)
    if keys.mode == "accept-new" and "host_keys" in host.origins:
        return host  # It says so of itself, or it is stricter.
    return replace(host, host_keys=keys.mode, origins={**host.origins, "host_keys": said})
