"""Host keys of Fabric tasks: every connection of a fabfile is checked, and nobody can choose another policy."""

from __future__ import annotations

import dataclasses
import socket
import threading
from pathlib import Path

import asyncssh
import msgspec
import paramiko
import pytest

from runbook.core.host_key import HostKey
from runbook.core.outcome import Outcome
from runbook.steps.fabric import kind
from runbook.steps.fabric.policy import KeyRefused, Trust
from runbook.transport.ssh.resolve import resolve
from tests.steps.fabric.fabfiles import Place
from tests.transport import server

TOUCH = "from pathlib import Path\nPath(__file__).with_name('was-read').touch()\n@task\ndef work(c):\n    c.run('true')"


@pytest.fixture
async def place(tmp_path):
    started = await server.start(tmp_path)
    yield Place(tmp_path, started)
    await started.stop()


@pytest.fixture
async def other(tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    started = await server.start(folder)
    yield started
    await started.stop()


def known(place: Place, line: str) -> None:
    (place.folder / "known_hosts").write_text(line)


# --- the step's own host ----------------------------------------------------------------------------------------------


async def test_a_changed_key_stops_everything_before_the_fabfile_is_read(place):
    place.write(TOUCH)
    wrong = asyncssh.generate_private_key("ssh-ed25519")
    known(place, f"[127.0.0.1]:{place.server.port} {wrong.export_public_key().decode()}")
    finding = await place.run("work")
    shown = place.server.host_key.get_fingerprint()
    assert finding.outcome is Outcome.UNREACHABLE
    assert finding.detail == (
        f"host box: the key of box has changed; nothing was sent to it: "
        f"known is ssh-ed25519 {wrong.get_fingerprint()}, shown is ssh-ed25519 {shown}. "
        f"If it was reinstalled, confirm the new fingerprint there, "
        f"then `ssh-keygen -R '[127.0.0.1]:{place.server.port}' -f {place.folder / 'known_hosts'}`, and add it: "
        f"ssh-keyscan -p {place.server.port} 127.0.0.1 >> {place.folder / 'known_hosts'}."
    )
    assert (place.server.state.logins, (place.folder / "was-read").exists()) == (0, False)


async def test_a_changed_key_that_somebody_vouched_for_is_the_host_s_own_and_nobody_else_s(place):
    place.write(TOUCH)
    wrong = asyncssh.generate_private_key("ssh-ed25519")
    known(place, f"[127.0.0.1]:{place.server.port} {wrong.export_public_key().decode()}")
    shown = HostKey("ssh-ed25519", place.server.host_key.get_fingerprint())
    finding = await place.run("work", accepted={"other": shown}.get)
    assert (finding.outcome, place.server.state.logins) == (Outcome.UNREACHABLE, 0)
    finding = await place.run("work", accepted={"box": shown}.get)
    assert finding.outcome is Outcome.SUCCEEDED, finding.detail
    assert (place.server.state.logins, (place.folder / "was-read").exists()) == (1, True)


def test_a_vouched_key_does_not_follow_to_hosts_that_the_fabfile_dials_by_itself(tmp_path):
    trust, target = _trusting(tmp_path, "", accepted=HostKey("ssh-ed25519", SHOWN.fingerprint))
    trust.check(target, SHOWN)
    with pytest.raises(KeyRefused):
        trust.check(trust.host_at("10.0.0.9", 22), SHOWN)


async def test_an_unknown_key_is_refused_as_well(place):
    place.write(TOUCH)
    known(place, "")
    finding = await place.run("work")
    assert (finding.outcome, place.server.state.logins) == (Outcome.UNREACHABLE, 0)
    assert finding.detail.startswith(f'host box: no key is known for "[127.0.0.1]:{place.server.port}": it shows ')


async def test_an_alias_decides_under_which_name_the_key_is_known(place):
    place.write(TOUCH)
    key = place.server.host_key.export_public_key().decode()
    known(place, f"restored {key}")
    host = place.server.host
    assert (await place.run("work", address=host)).outcome is Outcome.UNREACHABLE
    aliased = msgspec.structs.replace(host, host_key_alias="restored")
    assert (await place.run("work", address=aliased)).outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize(
    ("name", "outcome", "logins"), [("127.0.0.1", "succeeded", 2), ("localhost", "unreachable", 0)]
)
async def test_a_bastion_is_checked_as_strictly_as_the_host_behind_it(place, name, outcome, logins):
    place.write(TOUCH)
    bastion = f"tester@{name}:{place.server.port}"  # The server is its own bastion; its key is known by its address.
    behind = msgspec.structs.replace(place.server.host, jump=bastion)
    finding = await place.run("work", address=behind)
    assert (finding.outcome, place.server.state.logins) == (outcome, logins)
    refusal = (
        f'host box: box cannot be reached through {bastion}: no key is known for "[localhost]:{place.server.port}"'
    )
    assert finding.detail.startswith(refusal if not logins else "fabric")


# --- connections that the fabfile makes for itself --------------------------------------------------------------------

OWN = """
    import fabric, paramiko

    @task
    def by_fabric(c, port, key):
        with Connection("127.0.0.1", user="tester", port=port, connect_kwargs={"key_filename": key}) as own:
            own.run("echo there")

    @task
    def by_fabric_believing_all(c, port, key):
        own = Connection("127.0.0.1", user="tester", port=port, connect_kwargs={"key_filename": key})
        own.client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        own.client.load_system_host_keys(key + ".pub")
        own.run("echo there")

    @task
    def by_paramiko(c, port, key):
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        client.connect("127.0.0.1", port, "tester", key_filename=key)
"""


@pytest.mark.parametrize("task", ["by_fabric", "by_fabric_believing_all", "by_paramiko"])
async def test_a_connection_of_the_fabfiles_own_is_under_the_same_policy(place, other, task):
    place.write(OWN)
    finding = await place.run(task, {"port": other.port, "key": str(other.folder / "id")})
    assert (finding.outcome, other.state.logins, other.state.execs) == (Outcome.FAILED, 0, [])
    assert f'no key is known for "[127.0.0.1]:{other.port}"' in finding.detail


async def test_a_connection_of_the_fabfiles_own_to_a_known_host_works(place, other):
    place.write(OWN)
    with (place.folder / "known_hosts").open("a") as file:
        file.write("\n" + (other.folder / "known_hosts").read_text())
    finding = await place.run("by_fabric", {"port": other.port, "key": str(other.folder / "id")})
    assert (finding.outcome, place.out) == (Outcome.SUCCEEDED, b"there\n")


async def test_agent_forwarding_stays_off(place):
    place.write("@task\ndef work(c):\n    c.forward_agent = True\n    c.run('echo agent: $SSH_AUTH_SOCK')")
    await place.run("work")
    assert place.err == b"runbook: agent forwarding is off for Fabric steps\n"


# --- other doors that stay shut ---------------------------------------------------------------------------------------


async def test_a_refused_connection_is_unreachable(place):
    place.write(TOUCH)
    await place.server.stop()
    finding = await place.run("work")
    assert finding.outcome is Outcome.UNREACHABLE
    assert finding.detail.startswith(f"host box: box (127.0.0.1:{place.server.port}) refuses connections: ")


async def test_a_refused_login_is_unreachable(place):
    place.write(TOUCH)
    stranger = asyncssh.generate_private_key("ssh-ed25519")
    stranger.write_private_key(place.folder / "id")
    finding = await place.run("work")
    assert finding.outcome is Outcome.UNREACHABLE
    assert finding.detail.startswith("host box: box does not let tester in: ")


async def test_a_server_that_says_nothing_is_unreachable_in_bounded_time(place, monkeypatch):
    monkeypatch.setattr(kind, "CONNECT_LIMIT", 1.0)
    place.write(TOUCH)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        held = []
        threading.Thread(target=lambda: held.append(mute.accept()), daemon=True).start()
        host = msgspec.structs.replace(place.server.host, port=mute.getsockname()[1])
        finding = await place.run("work", address=host)
        for connection, _ in held:
            connection.close()
    assert finding.outcome is Outcome.UNREACHABLE
    assert finding.detail == (
        f"host box: box (127.0.0.1:{host.port}) did not answer within 1 s. "
        "Check that the host is up, and the network and firewalls between."
    )


# --- the list itself --------------------------------------------------------------------------------------------------


def _trusting(folder: Path, text: str, **parts: object) -> tuple[Trust, object]:
    (folder / "known").write_text(text)
    host = server.Host(name="db1", address="10.0.0.1", known_hosts=(str(folder / "known"),), ssh_config="none")
    target = dataclasses.replace(resolve(host), **parts)
    return Trust((target,)), target


KEY = asyncssh.generate_private_key("ssh-ed25519")
LINE = KEY.export_public_key().decode().strip()
SHOWN = paramiko.Ed25519Key(data=KEY.public_data)


@pytest.mark.parametrize(
    "text",
    [f"10.0.0.1 {LINE}", f"10.0.*,!10.0.0.9 {LINE}", f"10.0.0.1 ssh-ed25519 broken\n10.0.0.1 {LINE}\n@odd"],
    ids=["by name", "by pattern", "behind a broken line"],
)
def test_a_key_is_known_by_any_line_that_fits(tmp_path, text):
    trust, target = _trusting(tmp_path, text)
    trust.check(target, SHOWN)
    assert trust.types(target) == ("ssh-ed25519",)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (f"@revoked * {LINE}\n10.0.0.1 {LINE}", "the key of db1 is not acceptable: it is marked as revoked"),
        (f"!10.0.0.1,10.0.0.* {LINE}", 'no key is known for "10.0.0.1"'),
        (f"@cert-authority * {LINE}", "it is known by its authority alone, and Fabric checks no host certificates"),
    ],
    ids=["revoked", "excluded", "only certified"],
)
def test_a_key_that_is_revoked_excluded_or_only_certified_is_refused(tmp_path, text, what):
    trust, target = _trusting(tmp_path, text)
    with pytest.raises(KeyRefused) as refused:
        trust.check(target, SHOWN)
    assert what in str(refused.value)


def test_an_rsa_key_is_asked_for_by_its_modern_algorithms(tmp_path):
    key = asyncssh.generate_private_key("ssh-rsa", key_size=2048).export_public_key().decode()
    trust, target = _trusting(tmp_path, f"10.0.0.1 {key}")
    assert trust.types(target) == ("rsa-sha2-512", "rsa-sha2-256")
