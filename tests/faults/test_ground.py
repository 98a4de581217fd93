"""What a host says of itself, read into a value; half an answer is none."""

import subprocess

import pytest

from runbook.faults.ground import PROBE, Control, Ground, Interface, parsed
from runbook.problem import Problems

SAID = """\
Welcome to db1!
uid 0
boot 1b4e
kernel 6.1.0
init systemd
cgroup 2
tool nft
tool systemd-run
tool surprise
capabilities 0000000002201000
ssh ::ffff:192.0.2.7 50022 192.0.2.9 22
interface lo noqueue 0:
interface eth0 fq_codel 0:
resolver 192.0.2.53
default eth0
processors 4
memory 2048
directory /run/runbook
end
"""


def test_an_answer_is_read_whole_and_what_is_not_asked_is_passed_over():
    assert parsed(SAID) == Ground(
        user_id=0,
        boot_id="1b4e",
        kernel="6.1.0",
        init="systemd",
        cgroup=2,
        tools=frozenset({"nft", "systemd-run"}),
        capabilities=frozenset({"net_admin", "sys_admin", "sys_time"}),
        control=Control(client="192.0.2.7", client_port=50022, server="192.0.2.9", server_port=22),
        interfaces=(Interface("lo", "noqueue", "0:"), Interface("eth0", "fq_codel", "0:")),
        default_interface="eth0",
        resolvers=("192.0.2.53",),
        processors=4,
        memory=2048 * 1024,
        directory="/run/runbook",
    )


@pytest.mark.parametrize("cut", [0, 40, len(SAID) - 5])
def test_half_an_answer_is_refused(cut):
    with pytest.raises(Problems) as raised:
        parsed(SAID[:cut])
    assert [problem.code for problem in raised.value.problems] == ["no-ground"]


def test_this_machine_answers_the_question():
    said = subprocess.run(["/bin/sh"], input=PROBE, capture_output=True, text=True, check=True, timeout=30)
    assert said.stderr == ""
    assert parsed(said.stdout).boot_id


def test_all_that_is_missing_is_said_at_once():
    with pytest.raises(Problems) as raised:
        parsed(SAID).require(tools=("tc", "nft", "prlimit"), capabilities=("sys_boot",))
    assert [problem.what for problem in raised.value.problems] == [
        "this host lacks tc",
        "this host lacks prlimit",
        "this host lacks the capability sys_boot",
    ]
