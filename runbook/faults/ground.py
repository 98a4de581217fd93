"""What a host says of itself before a fault may stand on it: one question, and its answer as a value.

Which tools, which privileges, which first process, which way in: every fault chooses its mechanism and its guarantee
from these, so they are asked once and together. `PROBE` is POSIX sh for the user that the fault will be made as
(behind sudo, where it becomes root); it writes nothing, needs no tool of ours, and ends with `end`, so that half an
answer is none. What only a try can show (a unit's name, a file system's reserve) is a fault's own `needs`. How long
a login takes is measured by whoever logs in.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Literal

import msgspec

from runbook.problem import Exit, Problem, Problems

TOOLS = (
    "bash", "busybox", "dd", "fallocate", "fsfreeze", "getent", "ip", "mount", "nft", "nice", "ping", "prlimit",
    "setsid", "sha256sum", "stress-ng", "systemctl", "systemd-run", "tc", "timedatectl", "timeout", "umount", "unshare",
)  # fmt: skip
_CAPABILITIES = {12: "net_admin", 21: "sys_admin", 22: "sys_boot", 24: "sys_resource", 25: "sys_time"}
"""Bits of a capability set that faults ask for, by capabilities(7)."""
_PACKAGES = {
    "nft": "nftables", "tc": "iproute2", "ip": "iproute2", "prlimit": "util-linux", "fsfreeze": "util-linux",
    "fallocate": "util-linux", "setsid": "util-linux", "unshare": "util-linux", "timeout": "coreutils",
    "sha256sum": "coreutils", "stress-ng": "stress-ng", "systemctl": "systemd", "systemd-run": "systemd",
}  # fmt: skip

PROBE = f"""\
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:$PATH
LC_ALL=C
export PATH LC_ALL
uid=$(id -u)
echo "uid $uid"
read -r boot </proc/sys/kernel/random/boot_id && echo "boot $boot"
read -r kernel </proc/sys/kernel/osrelease && echo "kernel $kernel"
if [ -d /run/systemd/system ]; then echo "init systemd"; else echo "init other"; fi
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then echo "cgroup 2"; elif [ -d /sys/fs/cgroup ]; then echo "cgroup 1"; fi
for tool in {" ".join(TOOLS)}; do
  if command -v "$tool" >/dev/null 2>&1; then echo "tool $tool"; fi
done
while read -r key value rest; do
  case $key in CapEff:) echo "capabilities $value" ;; esac
done </proc/self/status
# sudo takes the variable away; some process above us still has it.
ssh=$SSH_CONNECTION
at=$$
while [ -z "$ssh" ] && [ "$at" -gt 1 ]; do
  ssh=$(tr '\\0' '\\n' <"/proc/$at/environ" 2>/dev/null | sed -n 's/^SSH_CONNECTION=//p')
  at=$(sed -n 's/^PPid:[^0-9]*//p' "/proc/$at/status" 2>/dev/null)
  at=${{at:-0}}
done
[ -z "$ssh" ] || echo "ssh $ssh"
if command -v tc >/dev/null 2>&1; then
  tc qdisc show 2>/dev/null | while read -r word kind handle dev name root rest; do
    [ "$root" != root ] || echo "interface $name $kind $handle"
  done
fi
sed -n 's/^nameserver[ \\t]*/resolver /p' /etc/resolv.conf 2>/dev/null
# The kernel's own table: a destination of zeros is the default route.
while read -r name destination rest; do
  [ "$destination" != 00000000 ] || echo "default $name"
done </proc/net/route
echo "processors $(grep -c '^processor' /proc/cpuinfo)"
while read -r key value rest; do
  case $key in MemTotal:) echo "memory $value" ;; esac
done </proc/meminfo
if [ "$uid" = 0 ]; then
  echo "directory /run/runbook"
else
  # Apart for each home: the hosts of a laboratory may share one machine and one user.
  home=$(printf %s "$HOME" | cksum)
  echo "directory /tmp/runbook-leases-$uid-${{home%% *}}"
fi
echo end
"""
"""The question, for `/bin/sh`."""


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """The connection that we came in by, as the host sees it: the last jump host is the client."""

    client: str
    client_port: int
    server: str
    server_port: int

    @property
    def is_v6(self) -> bool:
        """The family of both addresses."""
        return ":" in self.client


class Interface(msgspec.Struct, frozen=True):
    """A network interface and what is at the root of its queue."""

    name: str
    qdisc: str
    handle: str
    """`0:` for one that the kernel put there; anything else is somebody's, and never replaced."""


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """One host, as faults need to know it."""

    user_id: int
    boot_id: str
    kernel: str = ""
    init: Literal["systemd", "other"] = "other"
    cgroup: int = 0
    """Version; 0 where there is none."""
    tools: frozenset[str] = frozenset()
    capabilities: frozenset[str] = frozenset()
    """Of the user that was asked; what a container has taken away is not here, root or not."""
    control: Control | None = None
    """None where nobody came by SSH, or where it cannot be seen."""
    interfaces: tuple[Interface, ...] = ()
    default_interface: str = ""
    resolvers: tuple[str, ...] = ()
    processors: int = 1
    memory: int = 0
    """Bytes."""
    directory: str
    """Where this user's leases are kept: root's own on a tmpfs, otherwise the user's own."""

    @property
    def has_units(self) -> bool:
        """True where a transient unit can mind a lease."""
        return self.user_id == 0 and self.init == "systemd" and "systemd-run" in self.tools

    @property
    def watch(self) -> Literal["unit", "pair"]:
        """Who minds a lease here (`transport/shell/lease.sh`)."""
        return "unit" if self.has_units else "pair"

    def require(self, *, tools: Iterable[str] = (), capabilities: Iterable[str] = (), units: bool = False) -> None:
        """Refuse, with everything that is missing at once.

        Raises:
            Problems: One for each.
        """
        missing = [_no_tool(tool) for tool in tools if tool not in self.tools]
        missing += [_no_capability(each) for each in capabilities if each not in self.capabilities]
        if units and not self.has_units:
            missing.append(
                _missing("systemd as root", "Name the process by pid_file or match, where the fault knows these.")
            )
        if missing:
            raise Problems(missing)


def parsed(output: str) -> Ground:
    """The answer to `PROBE`; what stands around it (a greeting of the host) is passed over.

    Raises:
        Problems: It is not whole (`no-ground`).
    """
    said: dict[str, list[str]] = {}
    for line in output.splitlines():
        key, _, rest = line.strip().partition(" ")
        said.setdefault(key, []).append(rest)
    if "end" not in said or not {"uid", "boot", "directory"} <= said.keys():
        raise Problems(
            [
                Problem(
                    what="the host did not say what faults need to know",
                    why=f"it answered {output[-200:]!r}",
                    fix="Faults need /bin/sh, /proc and id there.",
                    code="no-ground",
                    exit=Exit.REFUSED,
                )
            ]
        )
    last = {key: values[-1] for key, values in said.items()}
    return Ground(
        user_id=int(last["uid"]),
        boot_id=last["boot"],
        kernel=last.get("kernel", ""),
        init="systemd" if last.get("init") == "systemd" else "other",
        cgroup=int(last.get("cgroup", "0")),
        tools=frozenset(said.get("tool", ())) & frozenset(TOOLS),
        capabilities=_capabilities(last.get("capabilities", "0")),
        control=_control(last.get("ssh", "")),
        interfaces=tuple(Interface(*rest.split()) for rest in said.get("interface", ())),
        default_interface=last.get("default", ""),
        resolvers=tuple(rest.strip() for rest in said.get("resolver", ())),
        processors=int(last.get("processors") or 1),
        memory=int(last.get("memory") or 0) * 1024,
        directory=last["directory"],
    )


def _capabilities(mask: str) -> frozenset[str]:
    bits = int(mask, 16)
    return frozenset(name for bit, name in _CAPABILITIES.items() if bits >> bit & 1)


def _control(said: str) -> Control | None:
    match said.split():
        case [client, client_port, server, server_port]:
            return Control(
                client=_plain(client), client_port=int(client_port), server=_plain(server), server_port=int(server_port)
            )
        case _:
            return None


def _plain(address: str) -> str:
    """Without a zone; an IPv4 address that a dual socket wrote as IPv6 is written as IPv4."""
    found = ipaddress.ip_address(address.partition("%")[0])
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)


def _no_tool(tool: str) -> Problem:
    return _missing(tool, f"Install {_PACKAGES.get(tool, tool)} there.")


def _no_capability(name: str) -> Problem:
    return _missing(f"the capability {name}", "Use become: root; in a container, give it to the container.")


def _missing(what: str, fix: str) -> Problem:
    return Problem(what=f"this host lacks {what}", fix=fix, code="fault-unsupported", exit=Exit.REFUSED)
