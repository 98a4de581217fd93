"""The hosts behave like OpenSSH without a terminal, and let nobody in but the operator."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncssh
import pytest

from tests.lab.running import RunningLab, Said


async def test_another_key_is_refused(lab: RunningLab) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        await lab.connect("db1", client_keys=[asyncssh.generate_private_key("ssh-ed25519")])


async def test_another_user_is_refused_with_the_right_key(lab: RunningLab) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        await lab.connect("db1", username="root")


async def test_keys_are_the_only_way_in(lab: RunningLab) -> None:
    methods = await asyncssh.get_server_auth_methods("127.0.0.1", lab.ports["db1"], username="lab")
    assert methods == ["publickey"]


async def test_a_strict_client_refuses_a_host_with_another_key(lab: RunningLab) -> None:
    known = asyncssh.import_known_hosts(f"[127.0.0.1]:{lab.ports['db1']} {_public(lab, 'db2')}\n")
    with pytest.raises(asyncssh.HostKeyNotVerifiable):
        await lab.connect("db1", known_hosts=known)


def _public(lab: RunningLab, host: str) -> str:
    return Path(f"{lab.layout.host_key(host)}.pub").read_text()


async def test_a_command_runs_in_the_hosts_directory_with_the_hosts_tools_first(lab: RunningLab) -> None:
    home = lab.layout.home("db2")
    said = await lab.say("db2", 'echo "$LAB_HOST $HOME $(pwd)"; command -v orders; echo "$PYTHONPATH"')
    assert said == Said(0, f"db2 {home} {home}\n{home}/bin/orders", "")


async def test_standard_input_output_error_and_exit_code_pass_through(lab: RunningLab) -> None:
    assert await lab.say("db1", "cat; echo complaint >&2; exit 7", stdin=b"fed") == Said(7, "fed", "complaint")


async def test_without_a_command_a_shell_reads_standard_input(lab: RunningLab) -> None:
    async with lab.connect("db1") as connection:
        done = await connection.run(None, input=b"echo $LAB_HOST\nexit 3\n", encoding=None)
    assert (done.returncode, done.stdout) == (3, b"db1\n")


async def test_big_output_arrives_whole(lab: RunningLab) -> None:
    async with lab.connect("db1") as connection:
        done = await connection.run("head -c 8000000 /dev/zero", encoding=None)
    assert (done.returncode, len(done.stdout)) == (0, 8_000_000)


async def test_a_death_by_signal_is_told_as_one(lab: RunningLab) -> None:
    async with lab.connect("db1") as connection:
        done = await connection.run("kill -TERM $$", encoding=None)
    assert (done.exit_status, done.exit_signal and done.exit_signal[0]) == (-1, "TERM")


async def test_a_signal_of_the_client_reaches_the_commands_children(lab: RunningLab) -> None:
    async with lab.connect("db1") as connection, connection.create_process("sleep 600 & echo up; wait") as process:
        assert await process.stdout.readline() == b"up\n"
        process.send_signal("TERM")
        done = await process.wait()
    assert done.exit_signal[0] == "TERM"


async def test_several_commands_run_at_once_on_one_connection(lab: RunningLab) -> None:
    """Each waits for a file that the next one makes, so they can only end when all are alive together."""
    async with lab.connect("db1") as connection:
        waiting = [connection.run(f"until [ -e go{n} ]; do sleep 0.02; done; touch go{n - 1}") for n in range(1, 5)]
        results = await asyncio.gather(*waiting, connection.run("touch go4"))
    assert [result.returncode for result in results] == [0] * 5


async def test_a_command_goes_on_when_its_channel_is_closed(lab: RunningLab) -> None:
    async with lab.connect("db1") as connection:
        process = await connection.create_process("echo up; until [ -e go ]; do sleep 0.02; done; touch done")
        assert await process.stdout.readline() == b"up\n"
        process.close()
        await process.wait_closed()
    await lab.say("db1", "touch go")
    assert await lab.until("db1", "ls done") == Said(0, "done", "")


async def test_a_terminal_and_forwarding_are_not_offered(lab: RunningLab) -> None:
    async with lab.connect("db1") as connection:
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.create_process("true", term_type="xterm")
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.open_connection("127.0.0.1", lab.ports["db2"])


async def test_files_over_sftp_are_those_that_commands_see(lab: RunningLab) -> None:
    home = lab.layout.home("app1")
    async with lab.connect("app1") as connection, connection.start_sftp_client() as sftp:
        async with sftp.open("relative.txt", "wb") as file:
            await file.write(b"one")
        async with sftp.open(f"{home}/full.txt", "wb") as file:
            await file.write(b"two")
        assert await lab.say("app1", "cat relative.txt full.txt") == Said(0, "onetwo", "")


async def test_sftp_cannot_leave_the_hosts_directory(lab: RunningLab) -> None:
    async with lab.connect("app1") as connection, connection.start_sftp_client() as sftp:
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await sftp.open("../../../keys/operator", "rb")
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await sftp.open(str(lab.layout.operator_key), "rb")
