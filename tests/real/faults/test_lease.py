"""A lease on a real host: it lapses when nobody renews it, whatever became of the runner, the link, and its own watcher.

The fault is a file that lies there while it is live; where a test needs the kernel's own time, a partition.
"""

import dataclasses
import subprocess
import time

import pytest

from runbook.faults.table import fault_named
from runbook.transport.shell.lease import Answer, arming, asking
from tests.hosts.systemd_host import wait_until
from tests.real.faults.trial import Trial, ground_of, is_as, snapshot, sweep, trial

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(600)]

SLACK = 5
"""Seconds after the end of a lease within which its host is whole again."""
FILE = "/var/tmp/broken"
MARK = {
    "inject": f"touch {FILE}",
    "revert": f"rm -f {FILE}",
    "present": f"if [ -e {FILE} ]; then echo there; else echo absent; fi",
}
SHELLS = {"dash": "/usr/bin/dash", "bash": "/usr/bin/bash", "busybox sh": "/usr/bin/busybox"}


@pytest.fixture(scope="module")
def ground(host):
    return ground_of(host)


@pytest.fixture
def before(host):
    """What the host is; and what it is again in the end, whatever the test did."""
    was = snapshot(host)
    yield was
    sweep(host)
    is_as(host, was)


@pytest.fixture(params=["unit", "pair"])
def mark(request, host, ground, before) -> Trial:
    """Under both kinds of watchers."""
    return marked(host, ground, watch=request.param, seconds=4, most=60)


def marked(host, ground, *, inject="", revert="", **how) -> Trial:
    values = {**MARK, **({"inject": inject} if inject else {}), **({"revert": revert} if revert else {})}
    return Trial(host, fault_named("command").scripts(values, ground), ground, **how)


def is_broken(host) -> bool:
    return host.run(f"test -e {FILE}").returncode == 0


def uptime(host) -> float:
    return float(host.said("cut -d' ' -f1 /proc/uptime"))


def lapsed(fault: Trial, who: str = "lease") -> int:
    """Wait until it was reverted; when that was, by the host's uptime."""
    wait_until(lambda: "reverted" in fault.ask("state").rest, fault.seconds + 30, "reverted")
    assert fault.ask("present") == Answer("absent")
    said = fault.ask("state").rest.split()
    assert said[:2] == ["reverted", who]
    return int(said[2])


def in_time(fault: Trial, since: float) -> None:
    assert lapsed(fault) - since <= fault.seconds + SLACK


def test_it_lapses_when_nobody_renews_it(host, mark):
    mark.inject()
    since = uptime(host)
    assert is_broken(host)
    in_time(mark, since)
    assert not is_broken(host)
    assert mark.ask("renew").rest.startswith("reverted lease ")
    assert mark.ask("revert", "runner").rest.startswith("lease ")
    assert mark.ask("disarm") == Answer("disarmed")


def test_renewals_keep_it_and_the_maximum_ends_it_all_the_same(host, mark):
    mark = dataclasses.replace(mark, most=12)
    armed = uptime(host)
    mark.inject()
    while (said := mark.ask("renew")).word == "renewed":
        assert is_broken(host)
        assert uptime(host) - armed < 12 + SLACK
        time.sleep(0.5)
    assert said.rest == "maximum" or said.rest.startswith(("reverting maximum", "reverted maximum"))
    assert 12 - 1 <= lapsed(mark, "maximum") - armed <= 12 + SLACK


def test_the_last_seconds_before_the_maximum_are_not_a_whole_lease(mark):
    mark = dataclasses.replace(mark, seconds=30, most=20)
    mark.inject()
    assert int(mark.ask("renew").rest) <= 20


def test_a_watcher_that_is_killed_is_replaced_and_the_lease_still_lapses(host, mark):
    mark = dataclasses.replace(mark, seconds=8)
    mark.inject()
    first = watchers(mark)
    host.said(f"kill -9 {min(first)}")
    wait_until(lambda: len(now := watchers(mark)) == len(first) and now != first, 6, "replaced")
    assert mark.ask("renew").word == "renewed"
    in_time(mark, uptime(host))


def watchers(fault: Trial) -> set[str]:
    """The pids of those that live."""
    return set(fault.host.run(f"pgrep -f '^[^ ]*sh [^ ]*{fault.own}/lease.sh watch'").stdout.split())


def test_a_reload_of_systemd_gives_no_lease_more_time(host, mark):
    mark.inject()
    since = uptime(host)
    for _ in range(4):
        host.said("systemctl daemon-reload; sleep 0.7")
    in_time(mark, since)


def test_a_unit_that_is_stopped_for_good_lifts_at_once(host, ground, before):
    mark = marked(host, ground, watch="unit", seconds=60)
    mark.inject()
    host.said(f"systemctl stop {mark.own}.service")
    assert not is_broken(host)
    assert mark.ask("state").rest.startswith("reverted stop ")


def test_the_kernel_lifts_what_no_process_of_ours_watches_any_more(host, before):
    fault = trial(host, "partition", {"peers": [host.network.own]}, watch="pair", seconds=5, most=60)
    fault.inject()
    assert host.ask("ping") in ("TimeoutError", "timeout")
    # Both at once, so that neither can start the other again.
    host.said(f"pkill -9 -f {fault.own}/lease.sh.watch")
    wait_until(lambda: host.ask("ping") == "pong", fault.seconds + SLACK, "lifted by the kernel")
    assert fault.ask("present") == Answer("absent")
    assert fault.ask("renew") == Answer("refused", "unwatched")
    said = fault.ask("revert", "sweep")
    assert (said.word, said.rest.split()[0]) == ("reverted", "lease")


def test_only_one_can_arm_a_name(host, mark):
    mark.inject()
    assert mark.arm() == Answer("refused", "owned")
    assert is_broken(host)
    assert mark.ask("renew").word == "renewed"


def test_an_upload_that_is_cut_anywhere_arms_nothing(host, ground, before):
    mark = marked(host, ground)
    text = arming(mark.lease)
    for cut in (100, len(text) // 3, len(text) // 2, len(text) - 700, len(text) - 20, len(text) - 2):
        said = mark.send(text[:cut])
        assert said.word != "armed", cut
        assert mark.ask("inject").word == "gone"
    assert mark.arm().word == "armed"


def test_what_was_changed_on_the_way_arms_nothing(host, ground, before):
    mark = marked(host, ground)
    spoilt = arming(mark.lease).replace(f"rm -f {FILE}", f"rm -f {FILE}x")
    assert mark.send(spoilt) == Answer("refused", "upload")
    assert mark.ask("state").word == "gone"


def test_a_full_state_file_system_delays_no_revert(host, mark):
    mark.inject()
    since = uptime(host)
    host.said("head -c 10G /dev/zero >/run/full 2>/dev/null; ! echo x >/run/none; rm -f /run/none")
    in_time(mark, since)
    host.said("rm -f /run/full")


def test_a_cut_cable_is_a_runner_that_is_gone(host, mark):
    mark.inject()
    assert mark.ask("renew").word == "renewed"
    since = uptime(host)
    host.cut()
    host.close()
    time.sleep(mark.seconds + SLACK)
    host.join()
    host.wait_for_login(30)
    in_time(mark, since)


def test_a_killed_client_in_the_middle_of_an_inject_leaves_a_lease_that_lapses(host, ground, before):
    mark = marked(host, ground, inject=f"sleep 3; touch {FILE}; sleep 1", seconds=6)
    assert mark.arm().word == "armed"
    assert mark.ask("prove").word == "proved"
    client = subprocess.Popen([*host.words(fresh=True), "exec /bin/sh"], stdin=subprocess.PIPE, text=True)
    client.stdin.write(asking(ground.directory, mark.own, "inject"))
    client.stdin.close()
    wait_until(lambda: "injecting" in mark.ask("state").rest, 10, "injecting")
    client.kill()
    client.wait()
    wait_until(lambda: "injected" in mark.ask("state").rest, 15, "it went on to its end")
    lapsed(mark)
    assert not is_broken(host)


def test_nothing_of_an_inject_goes_on_behind_its_revert(host, ground, before):
    """The shell that injects is killed on the host; what it had started would have broken the host after the revert."""
    mark = marked(host, ground, inject=f"sleep 8; touch {FILE}", seconds=5)
    assert mark.arm().word == "armed"
    assert mark.ask("prove").word == "proved"
    client = subprocess.Popen([*host.words(fresh=True), "exec /bin/sh"], stdin=subprocess.PIPE, text=True)
    client.stdin.write(asking(ground.directory, mark.own, "inject"))
    client.stdin.close()
    wait_until(lambda: "injecting" in mark.ask("state").rest, 10, "injecting")
    host.said(f"pkill -9 -f '{mark.own}/lease.sh inject'")
    client.wait(10)
    lapsed(mark)
    time.sleep(4)
    assert not is_broken(host)


def test_what_is_too_late_is_not_injected(host, mark):
    assert mark.arm().word == "armed"
    lapsed(mark)
    assert mark.ask("inject") == Answer("refused", "reverted")
    assert not is_broken(host)


def test_without_a_watcher_nothing_is_injected(host, ground, before):
    mark = marked(host, ground, watch="pair")
    assert mark.arm().word == "armed"
    host.said(f"pkill -9 -f {mark.own}/lease.sh.watch")
    assert mark.ask("prove") == Answer("refused", "unproved")
    assert mark.ask("inject") == Answer("refused", "unwatched")


def test_an_inject_that_fails_is_reverted_at_once(host, ground, before):
    mark = marked(host, ground, inject=f"touch {FILE}; echo no luck; exit 7")
    assert mark.arm().word == "armed"
    assert mark.ask("prove").word == "proved"
    assert mark.ask("inject") == Answer("failed", "7 reverted no luck")
    assert not is_broken(host)
    assert mark.ask("state").rest.startswith("reverted inject ")


def test_a_revert_that_cannot_be_proved_is_tried_again_until_it_can(host, ground, before):
    mark = marked(host, ground, revert=f"[ ! -e /var/tmp/stuck ] || {{ echo stuck; exit 1; }}; rm -f {FILE}")
    mark.inject()
    host.said("touch /var/tmp/stuck")
    assert mark.ask("revert", "runner") == Answer("failed", "there stuck")
    assert mark.ask("disarm") == Answer("refused", "revert-failed")
    host.said("rm /var/tmp/stuck")
    lapsed(mark, "runner")


def test_a_revert_that_is_killed_is_done_by_the_next(host, ground, before):
    mark = marked(host, ground, revert=f"sleep 4; rm -f {FILE}", seconds=60)
    mark.inject()
    client = subprocess.Popen([*host.words(fresh=True), "exec /bin/sh"], stdin=subprocess.PIPE, text=True)
    client.stdin.write(asking(ground.directory, mark.own, "revert", "runner"))
    client.stdin.close()
    wait_until(lambda: "reverting" in mark.ask("state").rest, 10, "reverting")
    host.said(f"pkill -9 -f '{mark.own}/lease.sh revert'")
    client.wait(10)
    assert mark.ask("revert", "operator").word == "reverted"
    assert not is_broken(host)


def test_what_is_held_outlives_its_lease_and_its_maximum_until_somebody_lifts_it(host, before):
    fault = trial(host, "partition", {"peers": [host.network.own]}, seconds=4, most=6)
    fault.inject()
    assert fault.ask("hold") == Answer("held")
    assert "timeout" not in host.said(f"nft list set inet {fault.own} p4 | grep elements")
    time.sleep(fault.most + SLACK)
    assert host.ask("ping") in ("TimeoutError", "timeout")
    assert fault.ask("renew") == Answer("held")
    assert fault.ask("present") == Answer("there")
    assert fault.ask("revert", "operator").word == "reverted"
    assert host.ask("ping") == "pong"


def test_a_fault_that_somebody_else_took_away_is_lost_and_not_reverted(host, before):
    fault = trial(host, "partition", {"peers": [host.network.own]})
    fault.inject()
    host.said("nft flush ruleset")
    assert fault.ask("renew").rest.startswith("lost ")
    assert fault.ask("present") == Answer("absent")


def test_a_reboot_takes_the_lease_along_and_says_so(host):
    fault = trial(host, "partition", {"peers": [host.network.own]})
    fault.inject()
    boot = fault.ground.boot_id
    host.run("systemctl reboot")
    host.close()
    wait_until(lambda: host.ask("ping") == "pong", 60, "the server answers again")
    host.wait_for_login(60)
    said = fault.ask("state")
    assert said.word == "gone"
    assert said.rest != boot


def test_a_file_that_outlives_a_crash_is_removed_at_the_next_boot(host):
    folder = "/var/tmp/a b%n$x"
    host.said(f"mkdir '{folder}'")
    fault = trial(host, "disk-fill", {"path": folder, "size": "1MiB"})
    fault.inject()
    file = f"'{folder}/.{fault.own}.fill'"
    assert host.run(f"ls {file}").returncode == 0
    host.crash()
    host.wait_for_login(60)
    assert fault.ask("present").word == "gone"
    wait_until(lambda: host.run(f"ls {file}").returncode, 20, "removed at boot")
    assert host.said("find /etc/systemd/system -name 'runbook*'") == ""
    host.said(f"rmdir '{folder}'")


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("watch", ["unit", "pair"])
def test_it_speaks_every_shell(host, ground, before, shell, watch):
    if shell != "dash":
        host.said(f"cp {SHELLS[shell]} /var/tmp/other; mount --bind /var/tmp/other /usr/bin/dash")
    try:
        mark = marked(host, ground, watch=watch, seconds=4)
        mark.inject()
        assert mark.ask("renew").word == "renewed"
        in_time(mark, uptime(host))
        assert mark.ask("disarm") == Answer("disarmed")
    finally:
        if shell != "dash":
            host.said("umount -l /usr/bin/dash; rm -f /var/tmp/other", shell="/bin/bash")
