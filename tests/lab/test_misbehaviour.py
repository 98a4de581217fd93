"""Hosts misbehave exactly as asked, and only where asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.lab.control import misbehave, status, up
from runbook.lab.misbehaviour import Wish
from runbook.problem import Problems
from tests.lab.running import RunningLab, Said


async def test_drop_cuts_the_link_and_the_command_goes_on(lab: RunningLab) -> None:
    async with lab.connect("db1") as connection:
        done = await connection.run("echo before; misbehave drop; touch after", encoding=None)
        await connection.wait_closed()
    assert (done.returncode, done.exit_status, done.stdout) == (None, None, b"before\n")
    assert await lab.until("db1", "ls after") == Said(0, "after", "")


async def test_drop_spares_the_other_connections(lab: RunningLab) -> None:
    async with lab.connect("db1") as bystander:
        async with lab.connect("db1") as connection:
            await connection.run("misbehave drop", encoding=None)
        assert (await bystander.run("echo here", encoding=None)).stdout == b"here\n"


async def test_no_status_ends_the_channel_silently_and_keeps_the_link(lab: RunningLab) -> None:
    async with lab.connect("db1") as connection:
        silent = await connection.run("misbehave no-status; echo done", encoding=None)
        spoken = await connection.run("echo done", encoding=None)
    assert (silent.exit_status, silent.stdout) == (None, b"done\n")
    assert (spoken.exit_status, spoken.stdout) == (0, b"done\n")


async def test_hang_says_nothing_and_does_not_end(lab: RunningLab) -> None:
    async with lab.connect("db1") as connection:
        process = await connection.create_process("echo up; exec misbehave hang", encoding=None)
        assert await process.stdout.readline() == b"up\n"
        process.kill()
        assert (await process.wait()).exit_signal[0] == "KILL"


async def test_flood_gives_as_many_lines_as_asked(lab: RunningLab) -> None:
    async with lab.connect("db1") as connection:
        done = await connection.run("misbehave flood 50000", encoding=None)
    assert (done.returncode, len(done.stdout), done.stdout.count(b"\n")) == (0, 50_000 * 64, 50_000)


async def test_bad_utf8_is_bytes_that_are_no_text(lab: RunningLab) -> None:
    async with lab.connect("db1") as connection:
        done = await connection.run("misbehave bad-utf8", encoding=None)
    assert done.stdout == b"\xc3\xa9t\xc3\xa9 \xff\xfe cut: \xe2\x82\n"


async def test_signal_dies_by_one(lab: RunningLab) -> None:
    async with lab.connect("db1") as connection:
        done = await connection.run("exec misbehave signal", encoding=None)
    assert done.exit_signal[0] == "KILL"


async def test_an_unknown_wish_is_refused_with_what_there_is(lab: RunningLab) -> None:
    said = await lab.say("db1", "misbehave nicely")
    assert said.code == 2
    assert said.err.startswith("misbehave hang | flood | bad-utf8 | signal | drop | no-status | refuse")


async def test_a_host_that_refuses_is_down_while_its_services_go_on(lab: RunningLab) -> None:
    before = status(lab.root)
    async with lab.connect("db1") as connection:
        misbehave(lab.root, Wish.REFUSE, "db1")
        await connection.wait_closed()
    with pytest.raises(ConnectionRefusedError):
        await lab.connect("db1")
    assert await lab.say("db2", "echo up") == Said(0, "up", "")
    assert status(lab.root) == before
    misbehave(lab.root, Wish.ACCEPT, "db1")
    assert await lab.say("db1", "echo up") == Said(0, "up", "")


async def test_a_fresh_lab_has_all_its_hosts_back(lab: RunningLab) -> None:
    misbehave(lab.root, Wish.REFUSE, "db1")
    up(lab.root, fresh=True)
    assert await lab.say("db1", "echo up") == Said(0, "up", "")


async def test_a_host_that_does_not_exist_cannot_misbehave(lab: RunningLab) -> None:
    with pytest.raises(Problems) as refused:
        misbehave(lab.root, Wish.DROP, "db9")
    assert refused.value.problems[0].why == "there is no host db9"


def test_a_lab_that_is_down_cannot_misbehave(tmp_path: Path) -> None:
    with pytest.raises(Problems) as refused:
        misbehave(tmp_path / "never", Wish.DROP, "db1")
    assert refused.value.problems[0].code == "lab-down"
