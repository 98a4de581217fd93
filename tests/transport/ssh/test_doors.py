"""Who is let in and who lets us in: host keys, logins, bastions, and what is said when it fails."""

import asyncio
import dataclasses
import os
import socket
import stat
import struct
import time
import uuid

import asyncssh
import pytest

from runbook.core.host import Host
from runbook.core.host_key import ChangedKey, KeyChanged, changed_key
from runbook.core.outcome import Exited, NeverSent
from runbook.problem import Exit, Problems
from runbook.transport.ssh.connector import SshConnector, SshOptions
from runbook.transport.ssh.doorman import host_key
from tests.transport import server
from tests.transport.recorder import ran, sh


@pytest.fixture
async def box(tmp_path):
    running = await server.start(tmp_path)
    yield running
    await running.stop()


@pytest.fixture
async def connector():
    made = SshConnector(SshOptions(wall=time.time, agent="", pause=0.01, connect_limit=2.0))
    yield made
    await made.close()


def changed(host: Host, **parts) -> Host:
    import msgspec

    return msgspec.structs.replace(host, **parts)


async def refused(connector, host):
    with pytest.raises(Problems) as raised:
        await connector.connect(host)
    (problem,) = raised.value.problems
    assert problem.exit is Exit.UNREACHABLE
    assert problem.where is not None
    assert problem.fix
    return problem


async def test_an_unknown_host_is_refused_before_anything_is_sent(box, connector, tmp_path):
    (tmp_path / "known_hosts").write_text("")
    problem = await refused(connector, box.host)
    assert problem.code == "host-key-unknown"
    assert box.host_key.get_fingerprint() in problem.why
    assert f"ssh-keyscan -p {box.port} 127.0.0.1" in problem.fix
    assert (box.state.logins, box.state.execs) == (0, [])


async def test_a_changed_key_shows_both_fingerprints_and_sends_nothing(box, connector, tmp_path):
    old = asyncssh.generate_private_key("ssh-ed25519")
    (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{box.port} {old.export_public_key().decode()}")
    problem = await refused(connector, box.host)
    assert problem.code == "host-key-changed"
    assert old.get_fingerprint() in problem.why
    assert box.host_key.get_fingerprint() in problem.why
    assert (box.state.logins, box.state.execs) == (0, [])


async def test_a_key_replaced_by_another_type_is_a_changed_key(box, connector, tmp_path):
    old = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
    (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{box.port} {old.export_public_key().decode()}")
    problem = await refused(connector, changed(box.host, host_keys="accept-new"))
    assert (problem.code, box.state.logins) == ("host-key-changed", 0)
    assert box.host_key.get_fingerprint() in problem.why


async def test_a_revoked_key_is_refused(box, connector, tmp_path):
    key = box.host_key.export_public_key().decode()
    with (tmp_path / "known_hosts").open("a") as file:
        file.write(f"@revoked * {key}")
    problem = await refused(connector, box.host)
    assert (problem.code, box.state.logins) == ("host-key-changed", 0)


async def vouched(accepted, host):
    """Connect where somebody vouched for these keys by machine; gives the fingerprint that was shown."""
    connector = SshConnector(SshOptions(wall=time.time, agent="", pause=0.01, connect_limit=2.0, accepted=accepted.get))
    try:
        session = await connector.connect(host)
        await session.close()
        return session.facts.host_key
    finally:
        await connector.close()


def known_as(box, key):
    """Let the host be known under another key; gives the file as it is now."""
    file = box.folder / "known_hosts"
    file.write_text(f"[127.0.0.1]:{box.port} {key.export_public_key().decode()}")
    return file.read_bytes()


async def test_a_changed_key_is_told_as_keys_and_not_only_in_words(box, connector):
    old = asyncssh.generate_private_key("ssh-ed25519")
    known_as(box, old)
    problem = await refused(connector, box.host)
    assert isinstance(problem, KeyChanged)
    assert problem.changed == ChangedKey(machine="box", known=(host_key(old),), shown=host_key(box.host_key))


async def test_a_key_that_somebody_vouched_for_is_taken_and_written_nowhere(box):
    file = known_as(box, asyncssh.generate_private_key("ssh-ed25519"))
    fingerprint = await vouched({"box": host_key(box.host_key)}, box.host)
    assert fingerprint == box.host_key.get_fingerprint()
    assert (box.folder / "known_hosts").read_bytes() == file


async def test_a_vouched_key_is_good_for_that_machine_and_no_other(box):
    known_as(box, asyncssh.generate_private_key("ssh-ed25519"))
    with pytest.raises(Problems):
        await vouched({"other": host_key(box.host_key)}, box.host)
    assert box.state.logins == 0


async def test_another_key_than_the_vouched_one_is_refused(box):
    known_as(box, asyncssh.generate_private_key("ssh-ed25519"))
    other = asyncssh.generate_private_key("ssh-ed25519")
    with pytest.raises(Problems) as raised:
        await vouched({"box": host_key(other)}, box.host)
    assert changed_key(raised.value.problems).shown == host_key(box.host_key)


async def test_nobody_vouches_for_a_revoked_key(box):
    with (box.folder / "known_hosts").open("a") as file:
        file.write(f"@revoked * {box.host_key.export_public_key().decode()}")
    with pytest.raises(Problems) as raised:
        await vouched({"box": host_key(box.host_key)}, box.host)
    assert changed_key(raised.value.problems) is None
    assert box.state.logins == 0


async def test_a_changed_key_of_a_bastion_is_a_question_about_the_bastion(box, tmp_path_factory):
    bastion = await server.start(tmp_path_factory.mktemp("bastion"))
    try:
        both = (box.folder / "known_hosts").read_text()
        old = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
        (box.folder / "known_hosts").write_text(f"{both}\n[127.0.0.1]:{bastion.port} {old}")
        (bastion.folder / "authorized").write_bytes((box.folder / "id.pub").read_bytes())
        hop = f"tester@127.0.0.1:{bastion.port}"
        host = changed(box.host, jump=hop)
        with pytest.raises(Problems) as raised:
            await vouched({}, host)
        assert changed_key(raised.value.problems).machine == hop
        assert await vouched({hop: host_key(bastion.host_key)}, host) == box.host_key.get_fingerprint()
    finally:
        await bastion.stop()


async def test_a_pinned_host_is_checked_against_its_own_file_and_taken_by_no_other(box, connector, tmp_path):
    bundle = tmp_path / "bundle"
    bundle.write_text("")
    host = changed(box.host, host_keys="pinned", known_hosts=(str(bundle),))
    problem = await refused(connector, host)
    assert (problem.code, bundle.read_text()) == ("host-key-unknown", "")
    bundle.write_bytes((box.folder / "known_hosts").read_bytes())
    session = await SshConnector(SshOptions(wall=time.time, agent="")).connect(host)
    await session.close()


async def test_accept_new_writes_the_key_down_once_and_privately(box, tmp_path):
    known = tmp_path / "new" / "known_hosts"
    host = changed(box.host, host_keys="accept-new", known_hosts=(str(known),))
    for _ in range(2):
        connector = SshConnector(SshOptions(wall=time.time, agent=""))
        session = await connector.connect(host)
        await session.close()
        await connector.close()
    key = " ".join(box.host_key.export_public_key().decode().split()[:2])
    assert known.read_text() == f"[127.0.0.1]:{box.port} {key}\n"
    assert stat.S_IMODE(known.stat().st_mode) == 0o600
    assert stat.S_IMODE(known.parent.stat().st_mode) == 0o700


async def test_accept_new_mends_a_file_without_a_last_newline(box, tmp_path):
    known = tmp_path / "other_known"
    known.write_text("elsewhere ssh-ed25519 AAAA")
    connector = SshConnector(SshOptions(wall=time.time, agent=""))
    session = await connector.connect(changed(box.host, host_keys="accept-new", known_hosts=(str(known),)))
    await session.close()
    await connector.close()
    assert [line.split()[0] for line in known.read_text().splitlines()] == ["elsewhere", f"[127.0.0.1]:{box.port}"]


async def test_accept_new_refuses_what_it_cannot_write_down(box, connector, tmp_path):
    (tmp_path / "file").write_text("")
    host = changed(box.host, host_keys="accept-new", known_hosts=(str(tmp_path / "file" / "known"),))
    problem = await refused(connector, host)
    assert (problem.code, box.state.logins) == ("host-key-unknown", 0)


async def test_a_key_may_be_known_under_an_alias(box, connector, tmp_path):
    (tmp_path / "known_hosts").write_text(f"orders-db {box.host_key.export_public_key().decode()}")
    session = await connector.connect(changed(box.host, host_key_alias="orders-db"))
    assert session.facts.host_key == box.host_key.get_fingerprint()
    await session.close()


async def test_an_authority_vouches_for_a_host_and_only_for_the_name_it_signed(tmp_path, connector):
    authority = asyncssh.generate_private_key("ssh-ed25519")
    key = asyncssh.generate_private_key("ssh-ed25519")
    certificate = authority.generate_host_certificate(key, "box", principals=["orders-db"])
    running = await server.start(tmp_path, host_key=key, certificate=certificate)
    try:
        (tmp_path / "known_hosts").write_text(f"@cert-authority * {authority.export_public_key().decode()}")
        session = await connector.connect(changed(running.host, host_key_alias="orders-db"))
        assert await ran(session, sh("echo in")) == (Exited(0), b"in\n", b"")
        await session.close()
        problem = await refused(connector, changed(running.host, host_key_alias="another"))
        assert problem.code == "host-key-changed"
    finally:
        await running.stop()


async def test_a_login_that_is_refused_is_tried_once(box, connector, tmp_path):
    other = asyncssh.generate_private_key("ssh-ed25519")
    other.write_private_key(tmp_path / "other")
    problem = await refused(connector, changed(box.host, key_files=(str(tmp_path / "other"),)))
    assert (problem.code, len(box.state.connections)) == ("auth", 1)
    assert "tester" in problem.what


async def test_a_named_key_that_is_missing_is_told_before_the_host_is_bothered(box, connector, tmp_path):
    problem = await refused(connector, changed(box.host, key_files=(str(tmp_path / "nokey"),)))
    assert (problem.code, len(box.state.connections)) == ("auth", 0)
    assert "nokey" in problem.why


async def test_an_encrypted_key_asks_for_the_agent_and_not_for_a_passphrase(box, connector, tmp_path):
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(tmp_path / "locked", passphrase="x")
    problem = await refused(connector, changed(box.host, key_files=(str(tmp_path / "locked"),)))
    assert (problem.code, "encrypted" in problem.why, "ssh-add" in problem.fix) == ("auth", True, True)


async def test_an_agent_logs_in_and_is_asked_once_for_many_hosts(box, tmp_path):
    agent = await asyncio.create_subprocess_exec(
        "ssh-agent", "-D", "-a", str(tmp_path / "agent.sock"), stdout=asyncio.subprocess.DEVNULL
    )
    try:
        while not (tmp_path / "agent.sock").exists():
            await asyncio.sleep(0.01)
        async with await asyncssh.connect_agent(str(tmp_path / "agent.sock")) as client:
            await client.add_keys([str(tmp_path / "id")])
        (tmp_path / "id").unlink()
        connector = SshConnector(SshOptions(wall=time.time, agent=str(tmp_path / "agent.sock")))
        many = [await connector.connect(changed(box.host, key_files=())) for _ in range(3)]
        assert box.state.logins == 3
        for session in many:
            await session.close()
        await connector.close()
    finally:
        agent.terminate()
        await agent.wait()


async def test_a_name_that_does_not_resolve_says_so(connector, box):
    problem = await refused(connector, changed(box.host, address="no-such-host.invalid"))
    assert problem.code == "dns"


async def test_a_closed_port_is_tried_again_and_then_refused(connector, box):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        problem = await refused(connector, changed(box.host, port=closed.getsockname()[1]))
    assert problem.code == "refused"


@pytest.mark.parametrize(
    ("says", "code"),
    [
        (b"", "timeout"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n" * 2000, "protocol"),
        (b"SSH-2.0-x\r\n\0\0\0\4abcdefgh", "protocol"),
    ],
)
async def test_a_server_that_is_silent_or_talks_nonsense_is_bounded(box, says, code):
    async def talk(reader, writer):
        writer.write(says)
        try:
            while await reader.read(65536):
                pass
        except ConnectionError:
            pass
        writer.close()

    nonsense = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = nonsense.sockets[0].getsockname()[1]
    connector = SshConnector(SshOptions(wall=time.time, agent="", pause=0.01, connect_limit=0.4, attempts=2))
    problem = await refused(connector, changed(box.host, port=port))
    assert problem.code == code
    nonsense.close()


async def test_a_server_that_hangs_up_at_once_is_tried_again(box):
    calls = []

    async def slam(reader, writer):
        calls.append(1)
        writer.close()

    slammer = await asyncio.start_server(slam, "127.0.0.1", 0)
    connector = SshConnector(SshOptions(wall=time.time, agent="", pause=0.01))
    problem = await refused(connector, changed(box.host, port=slammer.sockets[0].getsockname()[1]))
    assert (problem.code, len(calls)) == ("reset", 3)
    slammer.close()


@pytest.mark.parametrize(("hello", "word"), [(b"", "Connection reset by peer"), (b"SSH-2.0-x\r\n", "Connection reset")])
async def test_a_connection_that_is_reset_is_not_called_refused(box, hello, word):
    async def reset(reader, writer):
        linger = struct.pack("ii", 1, 0)  # RST instead of FIN: socket(7), SO_LINGER
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        if hello:
            writer.write(hello)
            await reader.readline()
        writer.close()

    server_ = await asyncio.start_server(reset, "127.0.0.1", 0)
    connector = SshConnector(SshOptions(wall=time.time, agent="", attempts=1))
    problem = await refused(connector, changed(box.host, port=server_.sockets[0].getsockname()[1]))
    assert (problem.code, "hung up before the login" in problem.what, "MaxStartups" in problem.fix) == (
        "reset",
        True,
        True,
    )
    assert problem.why.startswith(word)
    server_.close()


async def test_a_way_that_does_not_exist_is_told_as_such(box):
    connector = SshConnector(SshOptions(wall=time.time, agent="", attempts=1))
    problem = await refused(connector, changed(box.host, address="255.255.255.255", port=22))
    assert (problem.code, problem.why) == ("no-route", "Network is unreachable")
    assert problem.what == "there is no way to box (255.255.255.255:22)"


async def test_a_refused_channel_means_nothing_was_sent(box, connector):
    box.state.refuse_channels = True
    session = await connector.connect(box.host)
    ending, _, _ = await ran(session, sh("echo ran"))
    assert isinstance(ending, NeverSent)
    box.state.refuse_channels = False
    assert await ran(session, sh("echo ran"), name="again") == (Exited(0), b"ran\n", b"")
    await session.close()


async def test_noise_of_rc_files_is_not_output_though_it_may_end_like_the_mark_begins(box):
    box.state.banner = b"Welcome!\x1b[2J No newline at the end"
    connector = SshConnector(SshOptions(wall=time.time, agent="", nonce=lambda: "d" + uuid.uuid4().hex))
    session = await connector.connect(box.host)
    assert await ran(session, sh("echo out; echo err >&2")) == (Exited(0), b"out\n", b"err\n")
    await session.close()
    await connector.close()


@pytest.mark.parametrize("shell", ["bash", "dash", "fish", "csh", "mksh"])
async def test_any_login_shell_will_do(box, connector, shell):
    box.state.shell = (shell,)
    session = await connector.connect(box.host)
    result = await ran(session, sh("printf '%s ' \"$X\"; cat", env=(("X", "!a 'b'"),), stdin=b"in"))
    assert result == (Exited(0), b"!a 'b' in", b"")
    await session.close()


async def test_a_login_that_runs_nothing_is_known_not_to_have_run_it(box, connector):
    box.state.shell = ("sh", "-c", "echo This account is not available.; exit 1", "nologin")
    session = await connector.connect(box.host)
    result = await ran(session, sh("echo ran"))
    why = "its shell ended with exit code 1: This account is not available."
    assert result == (NeverSent(why), b"", b"")
    await session.close()


async def test_a_forced_command_that_echoes_its_input_does_not_look_like_a_start(box, connector):
    box.state.shell = ("sh", "-c", "head -n 50; exit 0", "cat")
    session = await connector.connect(box.host)
    ending, out, _ = await ran(session, sh("echo ran"))
    assert (type(ending), out) == (NeverSent, b"")
    await session.close()


async def test_a_server_that_floods_before_its_first_word_is_cut_off(box, connector):
    box.state.shell = ("sh", "-c", "yes", "flood")
    session = await connector.connect(box.host)
    ending, out, _ = await ran(session, sh("echo ran"))
    assert (type(ending), "more than 64 KiB" in ending.reason, out) == (NeverSent, True, b"")
    await session.close()


async def test_an_exit_without_a_status_is_in_doubt(box, connector):
    session = await connector.connect(box.host)
    ending, out, _ = await ran(session, sh("echo did it; echo @@no-status@@; sleep 5"))
    assert (ending.reason, out) == ("the server closed the channel without an exit status", b"did it\n")
    await session.close()


async def test_one_connection_carries_everything(box, connector):
    session = await connector.connect(box.host)
    await asyncio.gather(*(ran(session, sh("true"), name=str(i)) for i in range(12)))
    assert len(box.state.connections) == 1
    await session.close()


async def test_bastions_are_shared_and_logged_in_to_once(box, tmp_path_factory, connector):
    folder = tmp_path_factory.mktemp("inner")
    inner = await server.start(folder)
    try:
        known = box.host.known_hosts + inner.host.known_hosts
        keys = inner.host.key_files + box.host.key_files
        host = changed(inner.host, jump=f"tester@127.0.0.1:{box.port}", known_hosts=known, key_files=keys)
        box.state.logins = 0
        many = await asyncio.gather(*(connector.connect(changed(host, name=f"inner{i}")) for i in range(4)))
        assert await ran(many[0], sh("echo through")) == (Exited(0), b"through\n", b"")
        assert (box.state.logins, inner.state.logins) == (1, 4)
        for session in many:
            await session.close()
    finally:
        await connector.close()
        await inner.stop()


async def test_a_bastion_is_checked_as_strictly_as_a_host(box, tmp_path, connector):
    host = changed(box.host, jump=f"tester@127.0.0.1:{box.port}")
    (tmp_path / "known_hosts").write_text("")
    problem = await refused(connector, host)
    assert (problem.code, "no key is known" in problem.why, box.state.logins) == ("jump", True, 0)


async def test_a_target_that_the_bastion_cannot_reach_says_so(box, connector):
    host = changed(box.host, jump=f"tester@127.0.0.1:{box.port}", address="127.0.0.1", port=1)
    problem = await refused(connector, host)
    assert (problem.code, f"127.0.0.1:{box.port}" in problem.what) == ("jump", True)


async def test_bastions_that_lead_to_each_other_are_told_and_not_waited_for(box, connector, tmp_path):
    (tmp_path / "config").write_text("Host a\n  ProxyJump b\nHost b\n  ProxyJump a\n")
    host = changed(box.host, jump="a", ssh_config=str(tmp_path / "config"))
    problem = await asyncio.wait_for(refused(connector, host), 10)
    assert (problem.code, "it is reached through itself" in problem.why) == ("jump", True)


async def test_a_lost_bastion_takes_its_hosts_and_is_opened_anew(box, connector):
    host = changed(box.host, jump=f"tester@127.0.0.1:{box.port}")
    session = await connector.connect(host)
    box.state.connections[0].abort()
    assert await asyncio.wait_for(session.wait_lost(), 10)
    again = await connector.connect(host)
    assert await ran(again, sh("echo back")) == (Exited(0), b"back\n", b"")
    await again.close()


async def test_commands_are_never_logged(box, connector, caplog):
    caplog.set_level("INFO")
    session = await connector.connect(box.host)
    await ran(session, sh("echo very-secret-words"))
    await session.close()
    assert "very-secret-words" not in caplog.text


def test_options_hide_nothing_mutable():
    options = SshOptions(wall=time.time)
    with pytest.raises(dataclasses.FrozenInstanceError):
        options.agent = os.devnull
