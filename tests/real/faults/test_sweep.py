"""A sweep lifts what faults have left behind, of whichever run, and nothing that is somebody else's."""

import pytest

from runbook.transport.shell.lease import sweeping
from tests.real.faults.trial import ground_of, is_as, snapshot, sweep, trial

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(600)]

ORPHANS = """\
nft add table inet runbook-20260101T000000Z-old-aa-1
mkdir -p /run/systemd/system/app.service.d
printf '[Unit]\\nAssertPathExists=/nowhere\\n' >/run/systemd/system/app.service.d/zz-runbook-20260101T000000Z-old-aa-2.conf
systemctl daemon-reload
systemd-run -q --unit=runbook-20260101T000000Z-old-aa-3 sleep 10000
mkdir -p /run/runbook/runbook-20260101T000000Z-old-aa-4
echo x >/run/runbook/runbook-20260101T000000Z-old-aa-4/swapped
mount --bind /run/runbook/runbook-20260101T000000Z-old-aa-4/swapped /etc/hostname
tc qdisc add dev host0 root handle 7b11: tbf rate 100mbit burst 16kb latency 100ms
RUNBOOK_FAULT=runbook-20260101T000000Z-old-aa-5 setsid sleep 10001 >/dev/null 2>&1 &
"""
FOREIGN = """\
nft add table inet mine
nft add table inet runbook-notes
mkdir -p /run/systemd/system/app.service.d
printf '[Service]\\nNice=1\\n' >/run/systemd/system/app.service.d/mine.conf
systemctl daemon-reload
systemd-run -q --unit=runbook-web sleep 10000
tc qdisc add dev lo root handle 12: tbf rate 100mbit burst 16kb latency 100ms
RUNBOOK_OWN=runbook-20260101T000000Z-old-aa-5 setsid sleep 10002 >/dev/null 2>&1 &
"""
FOREIGN_END = """\
nft delete table inet mine
nft delete table inet runbook-notes
rm -r /run/systemd/system/app.service.d
systemctl daemon-reload
systemctl stop runbook-web
tc qdisc del dev lo root
pkill -fx 'sleep 10002'
"""


def test_orphans_are_listed_and_lifted_and_what_is_foreign_stays(host):
    clean = snapshot(host)
    host.said(FOREIGN)
    before = snapshot(host)
    host.said(ORPHANS)
    found = sweep(host)
    assert {tuple(line.split()[:3]) for line in found} >= {
        ("stray", "runbook-20260101T000000Z-old-aa-1", "table"),
        ("stray", "runbook-20260101T000000Z-old-aa-2", "file"),
        ("stray", "runbook-20260101T000000Z-old-aa-3", "unit"),
        ("stray", "runbook-20260101T000000Z-old-aa-4", "mount"),
        ("stray", "runbook-20260101T000000Z-old-aa-5", "process"),
        ("stray", "runbook-queue-0", "queue"),
    }
    assert not [line for line in found if "mine" in line or "runbook-web" in line or "runbook-notes" in line]
    assert sweep(host) == []
    is_as(host, before)
    assert host.run("pgrep -fx 'sleep 10001'").stdout == ""
    assert host.run("pgrep -fx 'sleep 10002'").stdout
    host.said(FOREIGN_END)
    is_as(host, clean)


def test_a_live_lease_of_another_run_is_shown_and_lifted_only_by_its_name(host):
    fault = trial(host, "partition", {"peers": ["203.0.113.1"]})
    other = trial(host, "port-block", {"ports": [9999]})
    fault.inject()
    other.inject()
    directory = ground_of(host).directory
    listed = host.said(sweeping(directory, "list")).splitlines()
    assert {line.split()[1] for line in listed[:-1]} == {fault.own, other.own}
    assert all(line.split()[2] == "injected" and line.endswith(" there") for line in listed[:-1])
    left = host.said(sweeping(directory, "lift", fault.own)).splitlines()
    assert [line.split()[1] for line in left[:-1]] == [other.own]
    assert sweep(host)
    assert sweep(host) == []
