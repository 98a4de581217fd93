"""What faults draw for a host: its mechanism and guarantee from the host's facts, and text that no value can break out of."""

import shutil
import subprocess

import msgspec
import pytest

from runbook.faults.fault import Guarantee
from runbook.faults.ground import Control, Ground
from runbook.faults.table import FAULTS, fault_named
from runbook.problem import Problems

K, B, S, H, V, P, X = (Guarantee(code) for code in "KBSHVPX")

ROOT = Ground(
    user_id=0,
    boot_id="1b4e",
    init="systemd",
    cgroup=2,
    tools=frozenset(
        {
            "nft",
            "tc",
            "systemctl",
            "systemd-run",
            "prlimit",
            "mount",
            "umount",
            "setsid",
            "timeout",
            "fsfreeze",
            "unshare",
        }
    ),
    capabilities=frozenset({"net_admin", "sys_admin", "sys_boot", "sys_time"}),
    control=Control(client="192.0.2.7", client_port=50022, server="192.0.2.9", server_port=2222),
    default_interface="eth0",
    processors=4,
    directory="/run/runbook",
)
USER = msgspec.structs.replace(ROOT, user_id=1000, init="other", capabilities=frozenset(), directory="/tmp/leases")

NASTY = "/a b/$(reboot)'\"`reboot`%s"
PEERS = {"peers": ["192.0.2.20", "2001:db8::20"]}
CASES: dict[str, tuple[dict, tuple[Guarantee, ...]]] = {
    "process-kill": ({"match": NASTY, "held_down": True}, (B, S)),
    "process-pause": ({"pid_file": NASTY}, (S,)),
    "service-stop": ({"unit": "a.service"}, (S, V)),
    "service-crash-loop": ({"unit": "a.service"}, (S, V)),
    "cpu": ({}, (B, S)),
    "cpu-quota": ({"unit": "a.service", "percent": 5}, (S, V)),
    "memory": ({"size": "1GiB"}, (B, S)),
    "memory-cap": ({"unit": "a.service", "size": "16MiB"}, (S, V)),
    "io": ({"path": NASTY}, (B, S)),
    "disk-fill": ({"path": NASTY}, (S, P)),
    "inode-fill": ({"path": NASTY}, (S, P)),
    "fd-limit": ({"unit": "a.service", "count": 9}, (S,)),
    "pid-limit": ({"unit": "a.service", "count": 9}, (S, V)),
    "partition": (PEERS, (K, S, V)),
    "port-block": ({"ports": [80, 443], "how": "reject"}, (K, S, V)),
    "dns-block": ({}, (K, S, V)),
    "dns-lie": ({"names": {"a.example": "192.0.2.1"}}, (S, V)),
    "packet-loss": ({**PEERS, "percent": 1.5}, (K, S, V)),
    "latency": ({"delay": "50ms", "jitter": "5ms", **PEERS}, (S, V)),
    "loss": ({"percent": 5}, (S, V)),
    "corrupt": ({"percent": 5}, (S, V)),
    "duplicate": ({"percent": 5}, (S, V)),
    "reorder": ({"percent": 5}, (S, V)),
    "bandwidth": ({**PEERS, "rate": "1Mbit"}, (K, S, V)),
    "clock-skew": ({"offset": "-1h"}, (S,)),
    "file-swap": ({"path": NASTY, "content": "it's\n"}, (S, V)),
    "readonly-fs": ({"path": NASTY}, (S, V)),
    "fs-freeze": ({"path": NASTY}, (S,)),
    "reboot": ({}, (X,)),
    "poweroff": ({"way_back": "ask the hypervisor"}, (X,)),
    "command": ({"inject": "true", "revert": "true", "present": "echo absent"}, (S,)),
}
FOR_ANYBODY = (
    "process-kill",
    "process-pause",
    "cpu",
    "memory",
    "io",
    "disk-fill",
    "inode-fill",
    "fd-limit",
    "file-swap",
    "command",
)


def test_every_fault_is_tried_here():
    assert [fault.name for fault in FAULTS] == list(CASES)


@pytest.mark.parametrize("name", CASES)
def test_root_on_a_host_with_systemd_gets_the_strongest_guarantee(name):
    values, guarantees = CASES[name]
    assert fault_named(name).scripts(values, ROOT).guarantees == guarantees


@pytest.mark.parametrize("name", FOR_ANYBODY)
def test_an_ordinary_user_without_systemd_gets_a_pair_that_watches(name):
    values = {"match": "abc"} if name == "fd-limit" else CASES[name][0]
    values = {**values, **({"count": 9} if name == "fd-limit" else {})}
    found = fault_named(name).scripts(values, USER).guarantees
    assert H in found
    assert S not in found
    assert P not in found


@pytest.mark.parametrize("name", [name for name in CASES if name not in FOR_ANYBODY])
def test_what_an_ordinary_user_may_not_do_is_refused_with_what_is_missing(name):
    with pytest.raises(Problems) as raised:
        fault_named(name).scripts(CASES[name][0], USER)
    assert {problem.code for problem in raised.value.problems} == {"fault-unsupported"}
    assert all(
        problem.what.startswith(f"{name}: this host lacks ") and problem.fix for problem in raised.value.problems
    )


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox"])
@pytest.mark.parametrize("name", CASES)
def test_every_script_is_good_text_for_every_shell_whatever_its_values(name, shell):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not here")
    scripts = fault_named(name).scripts(CASES[name][0], ROOT)
    for part in (scripts.needs, *(text for _, text in scripts.files)):
        read = [shell, "sh", "-n"] if shell == "busybox" else [shell, "-n"]
        done = subprocess.run(read, input=part, capture_output=True, text=True, timeout=20, check=False)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["partition", "packet-loss", "bandwidth", "port-block"])
def test_our_own_way_in_is_spared_before_anything_is_dropped(name):
    inject = (
        fault_named(name)
        .scripts({**CASES[name][0], **({} if name == "port-block" else {"direction": "both"})}, ROOT)
        .inject
    )
    for chain in inject.split(" chain ")[1:]:
        rules = [line.strip() for line in chain.splitlines() if "accept" in line or "counter" in line]
        assert rules[1] in (
            "ip saddr 192.0.2.7 tcp dport 2222 accept",
            "ip daddr 192.0.2.7 tcp sport 2222 accept",
        )
        assert all("counter" in rule for rule in rules[2:])


def test_both_families_are_cut():
    inject = fault_named("partition").scripts(PEERS, ROOT).inject
    assert "ip saddr @p4 counter drop" in inject
    assert "ip6 saddr @p6 counter drop" in inject


def test_what_cannot_be_spared_is_not_cut():
    with pytest.raises(Problems) as raised:
        fault_named("partition").scripts(PEERS, msgspec.structs.replace(ROOT, control=None))
    assert "by which connection we came" in str(raised.value)


@pytest.mark.parametrize("name", ["partition", "port-block", "dns-block", "packet-loss", "bandwidth"])
def test_every_element_of_a_set_carries_the_leases_time(name):
    scripts = fault_named(name).scripts(CASES[name][0], ROOT)
    elements = [line for line in scripts.inject.splitlines() if "elements = " in line]
    assert elements
    for line in elements:
        assert all(element.strip().endswith("$time") for element in line.split("{")[1].rstrip(" }").split(","))
    assert [line.split()[0] for line in scripts.renew.splitlines() if " element " in line][:3] == [
        "add",
        "delete",
        "add",
    ]
