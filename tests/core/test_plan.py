"""The nouns that travel: a plan that can be hashed, commands that show no secret, hosts and problems."""

from __future__ import annotations

import hashlib

import msgspec
import pytest

from runbook.core.host import Host, at_port
from runbook.core.planned.action import CommandAction, HttpAction
from runbook.core.planned.command import MASK, Become, Command, Secret
from runbook.core.planned.plan import Plan, PlannedProbe
from tests.builders import plan, step

PASSWORD = Secret("password", "hunter2")


def test_the_digest_of_a_plan_is_of_the_bytes_that_are_written_and_survives_being_read_back() -> None:
    one, other = plan(step(env={"B": "2", "A": "1"})), plan(step(env={"B": "2", "A": "3"}))
    assert one.digest == hashlib.sha256(one.encoded).hexdigest() != other.digest
    assert msgspec.json.decode(one.encoded, type=Plan).encoded == one.encoded


def test_a_step_does_on_each_host_what_the_plan_says_of_that_host() -> None:
    special = CommandAction(shell="echo db2")
    planned = step("1.1", CommandAction(shell="echo db1"), by_host={"db2": special})
    assert planned.action_on("db2") == special
    assert planned.action_on("db1") == planned.action


def test_a_plan_is_walked_in_reading_order_with_every_undo_behind_its_step() -> None:
    undo = step("1.1.undo.1")
    inner = step(
        "1.1", steps=(step("1.1.1"),), rescue=(step("1.1.rescue.1"),), always=(step("1.1.always.1"),), undo=(undo,)
    )
    of = plan(inner, step("1.2"), rollback=(step("R.1"),), always=(step("A.1"),))
    assert [each.id for each in of.walk()] == [
        "1.1", "1.1.1", "1.1.rescue.1", "1.1.always.1", "1.1.undo.1", "1.2", "R.1", "A.1",
    ]  # fmt: skip


def test_a_probe_is_found_by_its_name() -> None:
    probe = PlannedProbe(name="health", action=HttpAction(url="http://app1/"))
    assert plan(step(), probes=(probe,)).probe("health") == probe
    assert plan(step(), probes=(probe,)).probe("wealth") is None


@pytest.mark.parametrize(
    ("address", "said"), [("db1", "db1:22"), ("10.0.0.1", "10.0.0.1:22"), ("fe80::1%a", "[fe80::1%a]:22")]
)
def test_an_ipv6_address_stands_in_brackets_before_a_port(address: str, said: str) -> None:
    assert at_port(address, 22) == said


@pytest.mark.parametrize(("host", "target"), [(Host(name="db1"), "db1"), (Host(name="db1", address="::1"), "::1")])
def test_a_host_without_an_address_is_dialled_by_its_name(host: Host, target: str) -> None:
    assert host.target == target


def test_a_secret_refuses_to_be_shown() -> None:
    shown = [str(PASSWORD), f"{PASSWORD}", f"{PASSWORD:>20}", repr(PASSWORD), repr([PASSWORD])]
    assert shown[:3] == [MASK] * 3
    assert not any("hunter2" in text for text in shown)
    assert PASSWORD.reveal() == "hunter2"


@pytest.mark.parametrize("field", ["shell", "argv", "stdin", "env", "cwd"])
def test_the_digest_of_a_command_does_not_tell_its_secret(field: str) -> None:
    def using(value: str) -> Command:
        secret = Secret("password", value)
        texts = {
            "shell": f"login {value}",
            "argv": ("login", value),
            "stdin": f"{value}\n".encode(),
            "env": (("P", secret), ("URL", f"db://{value}@db1")),
            "cwd": f"/home/{value}",
        }
        return Command(**{field: texts[field]}, secrets=(secret, Secret("part", value[:3]), Secret("empty", "")))

    assert using("hunter2").digest == using("correct horse").digest


@pytest.mark.parametrize(
    "other",
    [
        Command(shell="reboot"),
        Command(argv=("uptime",)),
        Command(shell="uptime", cwd="/tmp"),
        Command(shell="uptime", become=Become()),
        Command(shell="uptime", env=(("A", "1"),)),
        Command(shell="uptime", stdin=b"y"),
        Command(shell="uptime", interpreter=("/bin/bash",)),
    ],
)
def test_whatever_decides_the_effect_of_a_command_is_in_its_digest(other: Command) -> None:
    assert other.digest != Command(shell="uptime").digest


def test_arguments_cannot_forge_each_others_borders() -> None:
    assert Command(argv=("a b",)).digest != Command(argv=("a", "b")).digest
    assert Command(argv=("a\x1eb",)).digest != Command(argv=("a", "b")).digest
    assert Command(argv=("a",), stdin=b"b").digest != Command(argv=("a", "b")).digest
