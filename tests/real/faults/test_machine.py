"""Faults that only a machine with a kernel, a clock and a power switch of its own can show. Slow: a group of its own.

One machine serves all of them, in the order in which they stand here; the last two take it away and switch it off.
"""

import os
import shutil
import subprocess
import time
import uuid

import pytest

from runbook.core.host import Host
from runbook.core.outcome import Exited, Grade
from runbook.transport.session import Job
from runbook.transport.ssh.connector import SshConnector, SshOptions
from tests.hosts.machine import machine
from tests.hosts.systemd_host import wait_until
from tests.real.faults.trial import ground_of, snapshot, trial
from tests.real.openssh import skip_or_fail
from tests.transport.recorder import Recorder, sh

pytestmark = [pytest.mark.real, pytest.mark.machine, pytest.mark.timeout(1200), pytest.mark.xdist_group("machine")]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    if os.getuid() != 0 or not shutil.which("qemu-system-x86_64") or not shutil.which("mmdebstrap"):
        skip_or_fail("a machine of its own needs root, qemu-system-x86 and mmdebstrap")
    with machine(tmp_path_factory.mktemp("machine")) as made:
        made.said(
            "mkdir -p /mnt/disk; truncate -s 40M /var/disk; mke2fs -q -t ext4 /var/disk; mount -o loop /var/disk /mnt/disk"
        )
        yield made


def ping(small) -> float:
    """Seconds until the server answers, the best of three; an error is a long time."""
    times = []
    for _ in range(3):
        began = time.monotonic()
        if small.answer("ping") == "pong":
            times.append(time.monotonic() - began)
    return min(times, default=60.0)


def tried(small, name: str, values: dict, seen) -> None:
    """The whole way of one fault: seen from outside, lifted twice, nothing left."""
    before = snapshot(small)
    fault = trial(small, name, values, seconds=200, most=600, limit=120)
    fault.inject()
    assert fault.ask("present").word == "there"
    seen(fault)
    assert fault.ask("effect").rest.startswith("seen")
    assert fault.ask("renew").word == "renewed"
    assert fault.ask("revert", "runner").word == "reverted"
    assert fault.ask("revert", "operator").rest.startswith("runner ")
    assert fault.ask("present").word == "absent"
    assert fault.ask("disarm").word == "disarmed"
    wait_until(lambda: small.answer("ping") == "pong", 60, "the server is well again")
    wait_until(lambda: snapshot(small) == before, 60, lambda: sorted(set(snapshot(small)) ^ set(before)))


async def test_a_step_that_loses_a_process_for_want_of_memory_goes_on_and_says_so(small, tmp_path):
    """Its shell must not go with it: then nobody would know the exit code."""
    connector = SshConnector(SshOptions(wall=time.time, agent=""))
    there = Host(
        name="small", address=small.address, port=small.port, user="root", key_files=(str(small.key),),
        known_hosts=(str(tmp_path / "known"),), host_keys="accept-new", ssh_config="none",
    )  # fmt: skip
    limit = "systemctl set-property --runtime $(sed 's|.*/||' /proc/self/cgroup) MemoryMax=24M MemorySwapMax=0"
    session, sink = await connector.connect(there), Recorder()
    job = Job(id=f"run/step/small/{uuid.uuid4()}", as_unit=True)
    ending = await session.run(sh(f"{limit}; perl -e '$x = \"x\" x 100000000'; echo $?; exit 5"), job, sink)
    await session.close()
    await connector.close()
    assert (ending, sink.out, sink.grades) == (Exited(5, out_of_memory=True), b"137\n", [Grade.UNIT])


def test_latency_is_felt_by_others_and_not_by_our_own_connection(small):
    usual = ping(small)

    def slower(_fault):
        assert ping(small) - usual > 0.35
        began = time.monotonic()
        small.said("true")
        assert time.monotonic() - began < 5

    tried(small, "latency", {"delay": "400ms"}, slower)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("loss", {"percent": 20}),
        ("corrupt", {"percent": 20}),
        ("duplicate", {"percent": 50}),
        ("reorder", {"percent": 50, "delay": "20ms"}),
    ],
)
def test_a_bad_line_lets_packets_through_its_queue(small, name, values):
    def through(fault):
        for _ in range(5):
            small.answer("ping", within=20)
        assert "netem" in small.said("tc qdisc show")

    tried(small, name, values, through)


def test_somebody_elses_shaping_is_never_replaced(small):
    device = ground_of(small).default_interface
    small.said(
        f"tc qdisc add dev {device} root handle 9: pfifo_fast 2>/dev/null || tc qdisc add dev {device} root handle 9: pfifo limit 1000"
    )
    before = small.said("tc qdisc show")
    fault = trial(small, "loss", {"percent": 1}, seconds=120, most=240)
    assert fault.needs().startswith("missing a free line")
    assert small.said("tc qdisc show") == before
    small.said(f"tc qdisc del dev {device} root")


def test_a_service_that_may_have_little_of_a_processor_is_slow(small):
    def burn() -> float:
        began = time.monotonic()
        assert small.answer("burn", within=120) == "burnt"
        return time.monotonic() - began

    usual = burn()

    def slower(_fault):
        assert burn() > 2 * usual

    tried(small, "cpu-quota", {"unit": "app.service", "percent": 10}, slower)


def test_a_service_beyond_its_memory_is_killed(small):
    def killed(_fault):
        assert small.answer("grow 60", within=30) != "grew"
        wait_until(lambda: small.said("systemctl show -p NRestarts --value app.service") != "0", 60, "restarted")

    tried(small, "memory-cap", {"unit": "app.service", "size": "30MiB"}, killed)


def test_a_service_beyond_its_processes_cannot_fork(small):
    def refused(_fault):
        wait_until(lambda: "error" in small.answer("fork"), 30, "no fork")

    tried(small, "pid-limit", {"unit": "app.service", "count": 1}, refused)


def test_a_full_disk_of_its_own(small):
    def full(_fault):
        assert int(small.said("df -Pk /mnt/disk | sed 1d | awk '{print $4}'")) <= 1100

    tried(small, "disk-fill", {"path": "/mnt/disk", "reserve": "1MiB"}, full)


def test_a_frozen_file_system_lets_writers_wait_and_readers_read(small):
    def hangs(_fault):
        assert small.answer("write /mnt/disk/x", within=6) in ("TimeoutError", "timeout")

    tried(small, "fs-freeze", {"path": "/mnt/disk"}, hangs)


def test_a_frozen_file_system_is_thawed_when_the_lease_lapses(small):
    fault = trial(small, "fs-freeze", {"path": "/mnt/disk"}, seconds=60, most=300, limit=60)
    fault.inject()
    wait_until(lambda: "reverted lease" in fault.ask("state").rest, 120, "lapsed")
    assert small.answer("write /mnt/disk/x") == "wrote"
    assert fault.ask("disarm").word == "disarmed"


def test_a_clock_that_is_wrong_changes_no_lease_and_is_set_right_again(small):
    def ahead(fault):
        assert int(small.said("date +%s")) - time.time() > 3000
        left = int(fault.ask("state").rest.split()[-1])
        assert 0 < left <= fault.seconds

    offset = int(small.said("date +%s")) - time.time()
    tried(small, "clock-skew", {"offset": "1h"}, ahead)
    assert abs(int(small.said("date +%s")) - time.time() - offset) < 5


@pytest.mark.parametrize("crash", [False, True], ids=["in order", "as a power cut"])
def test_a_reboot_is_another_boot_and_takes_the_lease_along(small, crash):
    fault = trial(small, "reboot", {"crash": crash}, seconds=120, most=600)
    fault.inject()
    boot = fault.ground.boot_id
    small.close()
    wait_until(lambda: is_booted_anew(small, boot), 600, "another boot")
    assert fault.ask("state").word == "gone"


def is_booted_anew(small, boot: str) -> bool:
    # A client that came in just before the reset would wait for ever: nobody tells it that its server is gone.
    ask = [*small.words(fresh=True), "cat /proc/sys/kernel/random/boot_id"]
    try:
        found = subprocess.run(ask, capture_output=True, text=True, timeout=40, check=False).stdout.strip()
    except subprocess.TimeoutExpired:
        return False
    return found not in ("", boot)


def test_what_is_switched_off_is_off(small):
    fault = trial(small, "poweroff", {"way_back": "the test starts it again"}, seconds=120, most=600)
    fault.inject()
    small.close()
    wait_until(lambda: not small.is_on(), 120, "off")
