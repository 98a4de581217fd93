"""The contract that every fault keeps, on a real host with systemd: seen from outside, reverted, nothing left."""

from dataclasses import dataclass, field

import pytest

from tests.hosts.systemd_host import wait_until
from tests.real.faults.trial import is_as, snapshot, trial

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(240)]


@dataclass
class Case:
    """One way to use a fault."""

    name: str
    values: dict = field(default_factory=dict)
    before: object = None
    """What shows from outside while nothing is wrong."""
    seen: object = None
    """True from outside while it is live: of the host, and of a word that only the author knows."""
    lasts: bool = True
    """False for what is over at once."""
    user: str = "root"
    label: str = ""

    def __str__(self) -> str:
        return self.label or self.name


def down(host) -> bool:
    return host.ask("ping") == "ConnectionRefusedError"


def up(host) -> bool:
    return host.ask("ping") == "pong"


COMMAND = {
    "inject": "touch /var/tmp/$RUNBOOK_OWN",
    "effect": "test -e /var/tmp/$RUNBOOK_OWN",
    "revert": "rm -f /var/tmp/$RUNBOOK_OWN",
    "present": "if [ -e /var/tmp/$RUNBOOK_OWN ]; then echo there; else echo absent; fi",
}

CASES = [
    Case("process-kill", {"unit": "app.service", "held_down": True}, seen=down, label="process-kill, held down"),
    Case(
        "process-kill",
        {"match": "/opt/app.pl", "held_down": True},
        seen=down,
        label="process-kill, by its command line",
    ),
    Case("process-kill", {"unit": "app.service"}, lasts=False),
    Case("service-stop", {"unit": "app.service"}, seen=down),
    Case(
        "disk-fill",
        {"path": "/dev/shm", "reserve": "4KiB"},
        seen=lambda host: "No space" in host.ask("write /dev/shm/x"),
    ),
    Case("partition", {"peers": []}, seen=lambda host: host.ask("ping") in ("TimeoutError", "timeout")),
    Case(
        "file-swap",
        {"path": "/etc/hostname", "content": "other\n"},
        seen=lambda host: host.ask("read /etc/hostname") == "other",
    ),
    Case("command", COMMAND, seen=lambda host: bool(host.run("ls /var/tmp/runbook-*").stdout)),
]


@pytest.fixture(params=CASES, ids=str)
def case(request, host):
    made = request.param
    if made.name == "partition":
        made.values = {**made.values, "peers": [host.network.own]}
    wait_until(lambda: up(host), 20, "the host is well before")
    return made


def test_it_is_seen_from_outside_while_it_is_live_and_nothing_of_it_is_left(host, case):
    before = snapshot(host)
    fault = trial(host, case.name, case.values, user=case.user)
    assert fault.needs() == "ready"
    assert fault.arm().word == "armed"
    assert fault.ask("prove").word == "proved"
    assert fault.ask("present").word == "absent"
    assert fault.ask("inject").word == "injected"
    if case.lasts:
        assert fault.ask("present").word == "there"
        wait_until(lambda: case.seen(host), 20, "seen from outside")
    said = fault.ask("effect")
    assert said.rest.startswith(("seen", "unknown") if case.name == "partition" else "seen"), said
    assert fault.ask("renew").word == "renewed"
    assert fault.ask("revert", "runner").word == "reverted"
    assert fault.ask("revert", "operator").rest.startswith("runner ")
    assert fault.ask("present").word == "absent"
    assert fault.ask("disarm").word == "disarmed"
    wait_until(lambda: up(host), 30, "the service is well again")
    is_as(host, before)


def test_a_revert_without_an_inject_changes_nothing(host, case):
    before = snapshot(host)
    fault = trial(host, case.name, case.values, user=case.user)
    assert fault.arm().word == "armed"
    assert fault.ask("revert", "runner").word == "reverted"
    assert fault.ask("disarm").word == "disarmed"
    assert up(host)
    is_as(host, before)


def test_a_revert_after_half_an_inject_leaves_nothing(host, case):
    """Each external command of the inject is the last one in turn; what stands then has to be lifted."""
    before = snapshot(host)
    for steps in (1, 2, 4, 8):
        fault = trial(host, case.name, case.values, user=case.user)
        assert fault.arm().word == "armed"
        host.said(
            f"sed -i '1i . /tmp/half' {fault.file('inject')}; cat >/tmp/half <<'END'\n{HALF.replace('STEPS', str(steps))}END\n"
        )
        fault.ask("inject")
        assert fault.ask("revert", "runner").word == "reverted"
        assert fault.ask("present").word == "absent"
        assert fault.ask("disarm").word == "disarmed"
        host.said("rm -f /tmp/half")
    wait_until(lambda: up(host), 30, "the service is well again")
    is_as(host, before)


HALF = r"""
set -e
steps=0
step() { steps=$((steps + 1)); [ "$steps" -le STEPS ] || kill -9 $$; }
for tool in mkdir cat chmod systemctl nft mount cp ln mv fallocate head df setsid tc ip kill stress-ng prlimit date fsfreeze; do
  eval "$tool() { step; command $tool \"\$@\"; }"
done
set +e
"""
"""Makes the shell die behind so many commands."""
