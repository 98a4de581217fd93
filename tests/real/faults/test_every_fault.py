"""The contract that every fault keeps, on a real host with systemd: seen from outside, reverted, nothing left."""

import dataclasses
import time
from dataclasses import dataclass, field

import pytest

from runbook.problem import Problems
from tests.hosts.outside import echoes, name_server
from tests.hosts.systemd_host import wait_until
from tests.real.faults.trial import is_as, snapshot, sweep, trial

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(600)]


@dataclass
class Case:
    """One way to use a fault."""

    name: str
    values: dict = field(default_factory=dict)
    seen: object = None
    """True from outside while it is live."""
    lasts: bool = True
    """False for what is over at once."""
    user: str = "root"
    label: str = ""

    def __str__(self) -> str:
        return self.label or self.name


def down(host) -> bool:
    return host.ask("ping") == "ConnectionRefusedError"


def silent(host) -> bool:
    return host.ask("ping") in ("TimeoutError", "timeout")


def up(host) -> bool:
    return host.ask("ping") == "pong"


def units(host, name: str) -> str:
    return host.run(f"ps -eo comm | grep -c '{name}'").stdout.strip()


def slow(host) -> bool:
    """A quarter of a megabyte takes longer than the rate lets it: one second at 2 Mbit/s."""
    began = time.monotonic()
    return host.ask("send 256", within=20) and time.monotonic() - began > 0.7


def lossy(host) -> bool:
    """Of two hundred questions about half get through."""
    return 60 < echoes(host.address, 200) < 140


COMMAND = {
    "inject": "touch /var/tmp/$RUNBOOK_OWN",
    "effect": "test -e /var/tmp/$RUNBOOK_OWN",
    "revert": "rm -f /var/tmp/$RUNBOOK_OWN",
    "present": "if [ -e /var/tmp/$RUNBOOK_OWN ]; then echo there; else echo absent; fi",
}
SWAP = {"path": "/etc/hostname", "content": "other\n"}
APP = {"unit": "app.service"}

CASES = [
    Case("process-kill", {**APP, "held_down": True}, down, label="process-kill, held down"),
    Case("process-kill", {"match": "/opt/app.pl", "held_down": True}, down, label="process-kill, by command line"),
    Case("process-kill", APP, lasts=False),
    Case("process-pause", APP, silent),
    Case("service-stop", APP, down),
    Case("service-crash-loop", APP, down),
    Case("cpu", {"processors": 1, "load": 30}, lambda host: units(host, "stress-ng-cpu") == "1"),
    Case("memory", {"size": "64MiB"}, lambda host: units(host, "stress-ng-vm") != "0"),
    Case("io", {"path": "/var/tmp", "size": "8MiB"}, lambda host: units(host, "stress-ng-hdd") == "1"),
    Case("disk-fill", {"path": "/dev/shm", "reserve": "4KiB"}, lambda host: "No space" in host.ask("write /dev/shm/x")),
    Case("disk-fill", {"path": "/var/tmp", "size": "1MiB"}, lambda host: host.run("ls /var/tmp/.runbook*").stdout, label="disk-fill, on disk"),
    Case("inode-fill", {"path": "/mnt", "reserve": 1}, lambda host: host.run("touch /mnt/1 /mnt/2; e=$?; rm -f /mnt/[12]; exit $e").returncode),
    Case("fd-limit", {**APP, "count": 5}, lambda host: "Too many" in host.ask("read /etc/hosts")),
    Case("partition", {"peers": ["CONTROLLER"]}, silent),
    Case("partition", {"peers": ["CONTROLLER"], "direction": "in"}, silent, label="partition, in"),
    Case("partition", {"peers": ["CONTROLLER"], "direction": "out"}, silent, label="partition, out"),
    Case("port-block", {"ports": [8080]}, silent),
    Case("port-block", {"ports": [8080], "how": "reject"}, down, label="port-block, reject"),
    Case("dns-block", {}, lambda host: host.ask("name any.example", within=5) == "no such name"),
    Case("dns-lie", {"names": {"a.example": "203.0.113.9"}}, lambda host: host.ask("name a.example") == "203.0.113.9"),
    Case("packet-loss", {"peers": ["CONTROLLER"], "percent": 50}, lossy),
    Case("bandwidth", {"peers": ["CONTROLLER"], "rate": "2Mbit"}, slow),
    Case("file-swap", SWAP, lambda host: host.ask("read /etc/hostname") == "other"),
    Case("readonly-fs", {"path": "/srv"}, lambda host: "Read-only" in host.ask("write /srv/x")),
    Case("command", COMMAND, lambda host: host.run("ls /var/tmp/runbook-*").stdout),
    Case("process-pause", {"match": "sleep 98765"}, lambda host: "T" in host.said("ps -C sleep -o stat="), user="ann", label="process-pause, ann"),
    Case("process-kill", {"match": "sleep 98765", "restart": "setsid sleep 98765 >/dev/null 2>&1 &"}, lambda host: not sleeps(host), lasts=False, user="ann", label="process-kill, ann"),
    Case("process-kill", {"match": "sleep 98765", "held_down": True, "restart": "setsid sleep 98765 >/dev/null 2>&1 &"}, lambda host: not sleeps(host), user="ann", label="process-kill, held down, ann"),
    Case("disk-fill", {"path": "/home/ann", "size": "1MiB"}, lambda host: host.run("ls /home/ann/.runbook*").stdout, user="ann", label="disk-fill, ann"),
    Case("file-swap", {"path": "/home/ann/config", "content": "other\n"}, lambda host: host.ask("read /home/ann/config") == "other", user="ann", label="file-swap, ann"),
    Case("cpu", {"processors": 1, "load": 30}, lambda host: units(host, "stress-ng-cpu") == "1", user="ann", label="cpu, ann"),
    Case("command", COMMAND, lambda host: host.run("ls /var/tmp/runbook-*").stdout, user="ann", label="command, ann"),
]  # fmt: skip


def sleeps(host) -> bool:
    return bool(host.run("pgrep -fx 'sleep 98765'").stdout)


@pytest.fixture(params=CASES, ids=str)
def case(request, host, prepared):
    made = request.param
    if made.values.get("peers"):
        made = dataclasses.replace(made, values={**made.values, "peers": [host.network.own]})
    wait_until(lambda: up(host), 20, "the host is well before")
    yield made
    # Whatever a failed test has left is not the next one's.
    sweep(host, made.user)


@pytest.fixture(scope="module")
def prepared(host):
    """Things that faults are done to, and a name server that finds everything."""
    host.said("mount -t tmpfs -o size=4m,nr_inodes=400 small /mnt; chmod 1777 /mnt")
    host.said(f"printf 'nameserver %s\\noptions timeout:1 attempts:1\\n' {host.network.own} >/etc/resolv.conf")
    host.said("echo mine >config; setsid sleep 98765 >/dev/null 2>&1 &", user="ann")
    with name_server(host.network.own):
        wait_until(lambda: host.ask("name any.example", within=5) == "203.0.113.7", 10, "names are found")
        yield


def test_it_is_seen_from_outside_while_it_is_live_and_nothing_of_it_is_left(host, case):
    before = snapshot(host)
    fault = trial(host, case.name, case.values, user=case.user)
    assert fault.needs() == "ready"
    assert fault.arm().word == "armed"
    assert fault.ask("prove").word == "proved"
    assert fault.ask("present").word == "absent"
    assert fault.ask("inject").word == "injected"
    assert fault.ask("present").word == ("there" if case.lasts else "absent")
    if case.seen:
        wait_until(lambda: case.seen(host), 20, "seen from outside")
    said = fault.ask("effect")
    assert said.rest.startswith("seen"), said
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


@pytest.mark.parametrize(
    ("name", "values", "missing"),
    [
        ("cpu-quota", {**APP, "percent": 5}, "unable without the controller cpu"),
        ("memory-cap", {**APP, "size": "16MiB"}, "unable without the controller memory"),
        ("pid-limit", {**APP, "count": 2}, "unable without the controller pids"),
        ("latency", {"delay": "50ms"}, "unable without the kernel's module sch_netem"),
        ("service-stop", {"unit": "none.service"}, "missing the unit none.service"),
        ("process-kill", {"match": "no such process"}, "missing no such process runs there"),
        ("disk-fill", {"path": "/var/tmp"}, "missing consent: /var/tmp is on the root file system"),
        ("disk-fill", {"path": "/dev/shm", "size": "900GB"}, "missing room"),
        ("fs-freeze", {"path": "/dev/shm"}, "missing a file system that can be frozen"),
        ("file-swap", {"path": "/none", "content": ""}, "missing the file /none"),
        ("memory", {"size": "900GB"}, "missing memory"),
    ],
)
def test_what_would_do_nothing_or_too_much_here_is_said_before(host, name, values, missing):
    fault = trial(host, name, values)
    assert fault.needs().startswith(missing)


def test_what_a_container_may_not_do_is_refused_from_its_facts(host):
    with pytest.raises(Problems) as raised:
        trial(host, "clock-skew", {"offset": "1h"})
    assert [problem.what for problem in raised.value.problems] == [
        "clock-skew: this host lacks the capability sys_time"
    ]
