"""What an author may write for a fault, and what is said to him when it is something else."""

import pytest

from runbook.faults.arguments import bits, octets, seconds
from runbook.faults.table import FAULTS, fault_named
from runbook.problem import Problems, Where

WHERE = Where("drill.yaml", 7, 3)


def refused(name: str, values: dict) -> list[tuple[str, str]]:
    with pytest.raises(Problems) as raised:
        fault_named(name).read(values, WHERE)
    assert {problem.where for problem in raised.value.problems} == {WHERE}
    return [(problem.what, problem.fix) for problem in raised.value.problems]


def test_every_wrong_argument_is_named_at_once_with_what_to_write_instead():
    assert refused("port-block", {"port": [80], "how": "throw", "protocol": "tcp"}) == [
        ('port-block knows no "port"', 'Did you mean "ports"?'),
        ('port-block needs "ports"', "Write a list of ports."),
        ('port-block cannot use this "how"', ""),
    ]


def test_a_wrong_value_says_its_limits():
    with pytest.raises(Problems) as raised:
        fault_named("port-block").read({"ports": [0]})
    (problem,) = raised.value.problems
    assert (problem.why, problem.fix) == ("Expected `int` >= 1 - at `$[0]`", "Write a list of ports.")


@pytest.mark.parametrize(
    ("name", "values", "why"),
    [
        ("process-kill", {}, "name the process by one of unit, pid_file and match"),
        ("process-pause", {"unit": "a", "match": "bbb"}, "name the process by one of unit, pid_file and match"),
        ("file-swap", {"path": "/a"}, "say by one of content and source what stands there instead"),
    ],
)
def test_what_contradicts_itself_is_refused_before_any_host_is_asked(name, values, why):
    with pytest.raises(Problems) as raised:
        fault_named(name).read(values)
    assert [problem.why for problem in raised.value.problems] == [why]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("service-stop", {"unit": "a;reboot"}),
        ("service-stop", {"unit": "../../etc/passwd"}),
        ("disk-fill", {"path": "relative"}),
        ("disk-fill", {"path": "/a\nreboot"}),
        ("disk-fill", {"path": "/a", "size": "10"}),
        ("partition", {"peers": []}),
        ("partition", {"peers": ["db1; reboot"]}),
        ("latency", {"delay": "50"}),
        ("bandwidth", {"peers": ["10.0.0.1"], "rate": "1mbit; reboot"}),
        ("dns-lie", {"names": {"a b": "10.0.0.1"}}),
        ("poweroff", {}),
        ("packet-loss", {"peers": ["10.0.0.1"], "percent": 0}),
    ],
)
def test_nothing_passes_that_could_mean_something_else_on_a_host(name, values):
    with pytest.raises(Problems):
        fault_named(name).read(values)


def test_an_unknown_fault_offers_the_nearest():
    with pytest.raises(Problems) as raised:
        fault_named("partion", WHERE)
    assert str(raised.value) == 'drill.yaml:7:3: there is no fault "partion". Did you mean "partition"?'


def test_amounts_are_counted_as_people_say_them():
    assert (seconds("50ms"), seconds("-2h"), seconds("1.5m")) == (0.05, -7200.0, 90.0)
    assert (octets("64MiB"), octets("10GB"), octets("0.5KiB")) == (67108864, 10_000_000_000, 512)
    assert (bits("10Mbit"), bits("500kbit")) == (10_000_000, 500_000)


def test_the_catalogue_is_whole_and_each_row_says_what_it_does():
    assert [fault.name for fault in FAULTS] == [
        "process-kill", "process-pause", "service-stop", "service-crash-loop", "cpu", "cpu-quota", "memory", "memory-cap",
        "io", "disk-fill", "inode-fill", "fd-limit", "pid-limit", "partition", "port-block", "dns-block", "dns-lie",
        "packet-loss", "latency", "loss", "corrupt", "duplicate", "reorder", "bandwidth", "clock-skew", "file-swap",
        "readonly-fs", "fs-freeze", "reboot", "poweroff", "command",
    ]  # fmt: skip
    assert [fault.name for fault in FAULTS if not fault.says.endswith(".")] == []
