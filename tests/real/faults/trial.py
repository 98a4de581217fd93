"""One fault on one real host, driven by hand: the texts that the product sends, and what the host was before and after."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field

from runbook.faults.fault import Scripts
from runbook.faults.ground import PROBE, Ground, parsed
from runbook.faults.table import fault_named
from runbook.transport.shell.lease import Answer, Lease, answer, arming, asking, owned, sweeping
from tests.hosts.remote import Remote
from tests.hosts.systemd_host import wait_until

_NUMBERS = itertools.count(1)

SNAPSHOT = r"""
exec 2>&1
echo "== rules"; nft list ruleset
echo "== queues"; tc qdisc show | sed 's/ refcnt [0-9]*//' | sort; tc filter show dev host0
echo "== addresses"; ip -o address show | sed 's/valid_lft.*//' | sort; ip route; ip -6 route | sed 's/expires [0-9]*sec//'
echo "== units"; systemctl list-units --all --plain --no-legend | grep -v -e '^user' -e '^session' -e '^systemd-tmpfiles' | awk '{print $1, $2, $3, $4}' | sort
echo "== drop-ins"; systemctl show -p DropInPaths,LoadState,FragmentPath app.service
echo "== limits"; pid=$(systemctl show -p MainPID --value app.service); sed -n '/^Max open files/p; /^Max proc/p' "/proc/$pid/limits"
echo "== mounts"; awk '{print $4, $5, $6, $10}' /proc/self/mountinfo | sort
echo "== processes"; ps -eo comm,stat --no-headers | grep -v -e '^sshd' -e '^ps ' -e '^sh ' -e '^awk' -e '^sort' -e '^grep' -e '^sed' -e '^kworker' -e '^(sd-' -e '^agetty' -e '^sleep' | sed 's/[<sl+NL]*$//; s/ [RD]$/ S/' | sort
echo "== files"; find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /var/log -o -path /run/systemd/journal -o -path /run/log \) -prune -o -print | sort
find /run /tmp /dev/shm -xdev | grep -v -e /run/systemd/journal -e /run/systemd/transient -e /run/systemd/system.control -e /run/systemd/units -e /run/log -e /run/systemd/propagate -e 'systemd-private' -e /run/systemd/sessions -e /run/systemd/inaccessible | sort
echo "== contents"; cat /etc/hosts /etc/hostname /opt/app.pl | sha256sum; ls -la --time-style=full-iso /etc/hosts /etc/hostname
"""
"""Everything that a fault might leave behind, in an order that does not change."""


@dataclass
class Trial:
    """One lease, spoken to as the product does."""

    host: Remote
    scripts: Scripts
    ground: Ground
    user: str = "root"
    shell: str = "/bin/sh"
    seconds: int = 30
    most: int = 120
    limit: int = 30
    mode: str = "revert"
    watch: str = ""
    own: str = field(default_factory=lambda: owned("20270101T000000Z-trial", next(_NUMBERS)))

    @property
    def lease(self) -> Lease:
        return Lease(
            own=self.own,
            directory=self.ground.directory,
            scripts=self.scripts.files,
            seconds=self.seconds,
            most=self.most,
            limit=self.limit,
            watch=self.watch or self.ground.watch,
            mode=self.mode,
        )

    def send(self, text: str) -> Answer:
        return answer(self.host.run(text, user=self.user, shell=self.shell).stdout)

    def arm(self) -> Answer:
        return self.send(arming(self.lease))

    def ask(self, verb: str, *words: str) -> Answer:
        return self.send(asking(self.ground.directory, self.own, verb, *words))

    def needs(self) -> str:
        """The last line of what it said before anything."""
        return self.host.said(self.scripts.needs, user=self.user, shell=self.shell).splitlines()[-1]

    def inject(self) -> None:
        """All the way to a live fault, each answer as it has to be."""
        assert self.needs() == "ready"
        assert self.arm().word == "armed"
        assert self.ask("prove").word == "proved"
        assert self.ask("inject") == Answer("injected")

    def lift(self) -> None:
        """Reverted and gone."""
        assert self.ask("revert", "runner").word == "reverted"
        assert self.ask("disarm") == Answer("disarmed")

    def file(self, name: str) -> str:
        """Of its folder on the host."""
        return f"{self.ground.directory}/{self.own}/{name}"


def ground_of(host: Remote, user: str = "root", shell: str = "/bin/sh") -> Ground:
    """What the product would know of the host."""
    return parsed(host.said(PROBE, user=user, shell=shell))


def trial(host: Remote, name: str, values: dict, *, user: str = "root", **how) -> Trial:
    """A fault of the catalogue on this host."""
    ground = ground_of(host, user)
    return Trial(host, fault_named(name).scripts(values, ground), ground, user, **how)


def sweep(host: Remote, user: str = "root") -> list[str]:
    """Lift all that is ours there; what was found."""
    directory = ground_of(host, user).directory
    found = host.said(sweeping(directory, "list"), user=user).splitlines()
    assert found[-1] == "end"
    if names := sorted({line.split()[1] for line in found[:-1]}):
        host.said(sweeping(directory, "lift", *names), user=user)
    return found[:-1]


def is_as(host: Remote, before: list[str]) -> None:
    """Wait until it is again what it was; what is left is what the failure says."""
    wait_until(lambda: snapshot(host) == before, 60, lambda: f"as before: {sorted(set(snapshot(host)) ^ set(before))}")


def snapshot(host: Remote) -> list[str]:
    """What the host is, once it has settled: an address that is tentative or a process that is not reaped yet is not."""
    for _ in range(60):
        found = host.said(SNAPSHOT).splitlines()
        if not any(" tentative" in line or line.endswith(" Z") for line in found):
            break
        time.sleep(0.5)
    return found
