"""A host as an inventory describes it, after every rule of precedence has been applied.

Plain data that travels in the plan. Where each value came from is kept beside it (`origins`), because "why does it
log in as root there?" is asked at the worst time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

Scalar = str | int | float | bool | None
"""What a single inventory value or parameter may be once it is read."""

if TYPE_CHECKING:
    Json = Scalar | list["Json"] | dict[str, "Json"]
    """Anything that YAML or JSON can say, after reading. Only inventories and registered results hold it."""
else:
    Json = Any  # msgspec decodes no recursive alias; for it "any JSON" and Any are the same thing


Options = tuple[str, ...] | msgspec.UnsetType
"""Left out of the encoding where nothing is said, so that the plan of an older record keeps its digest."""


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """One target. `name` is its identity everywhere; the address is only how to get there."""

    name: str
    address: str = ""
    """Name or IP to connect to; empty means `name`."""
    port: int = 0
    """0 means what ssh_config says, else 22."""
    user: str = ""
    """Empty means what ssh_config says, else the operator's login name."""
    connection: Literal["ssh", "local"] = "ssh"
    groups: tuple[str, ...] = ()
    """Every group it is in, nearest first, without `all`."""
    variables: dict[str, Json] = {}
    """Inventory variables that are not connection settings, for templates (`{{ host.rack }}`)."""
    key_files: tuple[str, ...] = ()
    known_hosts: tuple[str, ...] = ()
    """Files to check its key against; empty means the user's and the system's."""
    host_key_alias: str = ""
    """The name under which its key is known, when that is not the address."""
    host_keys: Literal["strict", "accept-new", "pinned"] = "strict"
    jump: str = ""
    """`[user@]host[:port]`, comma-separated for several, as in ProxyJump."""
    ssh_config: str = ""
    """A configuration file instead of ~/.ssh/config; "none" reads none."""
    ssh_options: Options = msgspec.UNSET
    """`Keyword=value` as behind ssh's `-o`, for what has no field of its own; these win over any file."""
    jump_options: Options = msgspec.UNSET
    """The same for the last bastion of `jump`, and for it alone."""
    become_user: str = ""
    origins: dict[str, str] = {}
    """Field name to where its value came from (`inventories/lab/hosts.yaml:12`), for `hosts explain`."""

    @property
    def target(self) -> str:
        """What is dialled."""
        return self.address or self.name


def at_port(address: str, port: int) -> str:
    """`host:port` as everything reads it, so an IPv6 address stands in brackets (RFC 3986, section 3.2.2)."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
