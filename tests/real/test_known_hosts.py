"""known_hosts as ssh reads and writes it: what one of us trusts or writes down, the other does."""

from __future__ import annotations

import asyncio
import subprocess
import time
from pathlib import Path

import msgspec
import pytest

from runbook.core.host import Host
from runbook.problem import Problems
from runbook.transport.ssh.connector import SshConnector, SshOptions
from tests.real.agent import made_key, signed
from tests.real.client import COMMON, client_place, host_key
from tests.real.openssh import RealServer

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture
async def place(tmp_path, tmp_path_factory):
    async for made in client_place(tmp_path, tmp_path_factory.mktemp("sshd")):
        yield made


@pytest.mark.parametrize(
    "file", ["{here}/known_hosts.d/%k", "${{HERE}}/known_hosts.d/web", "{here}/none {here}/known_hosts.d/%n"]
)
async def test_files_of_known_hosts_have_their_tokens_filled_in(place, monkeypatch, file):
    monkeypatch.setenv("HERE", str(place.folder))
    (place.folder / "known_hosts.d").mkdir()
    (place.folder / "known_hosts.d" / "web").write_text(f"web {host_key(place)}\n")
    text = f"Host web\n  Hostname 127.0.0.2\n  HostKeyAlias web\n  UserKnownHostsFile {file}\n"
    await place.says(text + COMMON).agrees("web", "127.0.0.2")
    assert [each.name for each in (place.folder / "known_hosts.d").iterdir()] == ["web"]


async def with_an_rsa_key_too(place):
    made_key(place.server.folder / "rsa", "-t", "rsa")
    with (place.server.folder / "config").open("a") as config:
        config.write(f"HostKey {place.server.folder}/rsa\n")
    await place.server.leave()
    await place.server.come_back()


@pytest.mark.parametrize("hashing", ["no", "yes"])
async def test_a_new_key_is_written_as_ssh_writes_it(place, hashing):
    await with_an_rsa_key_too(place)
    new = place.folder / "new"
    alias = f"Host web\n  Hostname 127.0.0.2\n  HostKeyAlias web\nHost *\n  HashKnownHosts {hashing}\n  UserKnownHostsFile {new}\n"
    place.says(alias + COMMON)
    for name in ("web", "127.0.0.3"):
        await place.ours(Host(name=name, host_keys="accept-new"))
    names, keys = zip(*(line.split(" ", 1) for line in new.read_text().splitlines()), strict=True)
    assert set(keys) == {host_key(place)}
    assert [name.startswith("|1|") for name in names] == [hashing == "yes"] * 2
    if hashing == "no":
        assert names == ("web", f"[127.0.0.3]:{place.server.port}")
    await place.agrees("web", "127.0.0.2")
    await place.agrees("127.0.0.3", "127.0.0.3")


@pytest.mark.parametrize("alias", ["", "web"])
async def test_the_advice_for_an_unknown_key_works_when_it_is_followed(place, alias):
    new = place.folder / "missing" / "known hosts"
    text = f'Host t\n  Hostname 127.0.0.2\n{f"  HostKeyAlias {alias}" if alias else ""}\n  UserKnownHostsFile "{new}"\n'
    problem = await place.says(text + COMMON).refusal(Host(name="t"))
    assert problem.code == "host-key-unknown"
    command = problem.fix.partition("then add the key: ")[2]
    subprocess.run(command, shell=True, check=True, timeout=20, stderr=subprocess.DEVNULL)
    await place.agrees("t", "127.0.0.2")


async def test_the_advice_for_a_changed_key_works_when_it_is_followed(place):
    old = made_key(place.folder / "old").with_suffix(".pub").read_text()
    files = [place.folder / "known one", place.folder / "known_two"]
    for file in files:
        file.write_text(f"web {old}")
    text = f'Host t\n  Hostname 127.0.0.2\n  HostKeyAlias web\n  UserKnownHostsFile "{files[0]}" {files[1]}\n'
    problem = await place.says(text + COMMON).refusal(Host(name="t"))
    assert problem.code == "host-key-changed"
    _, forget, add = problem.fix.split("`")
    add = add.partition("add it: ")[2]
    for command in (forget, add):
        subprocess.run(command, shell=True, check=True, timeout=20, capture_output=True)
    await place.agrees("t", "127.0.0.2")


async def test_an_address_that_is_known_without_its_port_counts_only_for_that_key(place):
    file = place.server.folder / "known_hosts"
    file.write_text(f"127.0.0.2 {host_key(place)}\n")
    await place.says(COMMON).agrees("127.0.0.2", "127.0.0.2")
    file.write_text(f"127.0.0.2 {made_key(place.folder / 'old').with_suffix('.pub').read_text()}")
    assert (await place.refusal(Host(name="127.0.0.2"))).code == "host-key-unknown"
    await place.ours(Host(name="127.0.0.2", host_keys="accept-new"))
    await place.agrees("127.0.0.2", "127.0.0.2")


async def test_the_key_of_an_address_is_not_the_key_of_a_name_that_leads_there(place):
    place.says("Host web\n  Hostname 127.0.0.1\n  HostKeyAlias web\n" + COMMON)
    (place.server.folder / "known_hosts").write_text(f"[127.0.0.1]:{place.server.port} {host_key(place)}\n")
    assert place.ssh("web").returncode == 255
    assert (await place.refusal(Host(name="web"))).code == "host-key-unknown"


async def certified(place, *words: str) -> Path:
    """Give the server a certificate; gives the authority."""
    authority = made_key(place.folder / "host-ca")
    certificate = signed(authority, place.server.folder / "host_key", "-h", *words)
    with (place.server.folder / "config").open("a") as config:
        config.write(f"HostCertificate {certificate}\n")
    await place.server.leave()
    await place.server.come_back()
    return authority


async def test_an_authority_vouches_for_its_hosts_and_a_revoked_key_counts_for_nobody(place):
    authority = await certified(place, "-n", "web,127.0.0.3")
    public = authority.with_suffix(".pub").read_text()
    known = place.server.folder / "known_hosts"
    known.write_text(f"@cert-authority * {public}")
    place.says("Host web\n  Hostname 127.0.0.2\n  HostKeyAlias web\n" + COMMON)
    await place.agrees("web", "127.0.0.2")
    await place.agrees("127.0.0.3", "127.0.0.3")
    known.write_text(f"@cert-authority * {public}@revoked * {public}")
    assert place.ssh("web").returncode == 255
    assert (await place.refusal(Host(name="web"))).code == "host-key-changed"


async def test_a_certificate_of_a_strange_authority_leaves_the_key_that_is_known(place):
    await certified(place, "-n", "web")
    strange = made_key(place.folder / "strange").with_suffix(".pub").read_text()
    known = place.server.folder / "known_hosts"
    known.write_text(f"@cert-authority * {strange}[127.0.0.2]:{place.server.port} {host_key(place)}\n")
    await place.says(COMMON).agrees("127.0.0.2", "127.0.0.2")


async def test_a_key_that_is_revoked_for_all_does_not_keep_new_hosts_out(place):
    new = place.folder / "new"
    new.write_text(f"@revoked * {made_key(place.folder / 'stolen').with_suffix('.pub').read_text()}")
    place.says(COMMON.replace("{kh}", str(new)))
    await place.ours(Host(name="127.0.0.2", host_keys="accept-new"))
    await place.agrees("127.0.0.2", "127.0.0.2")


@pytest.mark.parametrize("content", ["{key}\n", "", "SSHKRL\n"])
async def test_a_key_that_the_configuration_revokes_is_refused_whatever_knows_it(place, content):
    revoked = place.folder / "revoked"
    revoked.write_text(content.format(key=host_key(place)))
    place.says(f"RevokedHostKeys {revoked}\n" + COMMON)
    if not content:
        await place.agrees("127.0.0.2", "127.0.0.2")
        return
    assert place.ssh("127.0.0.2").returncode == 255
    assert (await place.refusal(Host(name="127.0.0.2"))).code == "host-key-changed"


async def test_a_new_key_that_two_connections_are_shown_at_once_is_written_once_and_taken_by_both(tmp_path):
    """What the first has written down is no other key for the second."""
    server, connector = RealServer(tmp_path), SshConnector(SshOptions(wall=time.time, agent=""))
    await server.start()
    known = tmp_path / "new"
    host = msgspec.structs.replace(server.host, known_hosts=(str(known),), host_keys="accept-new")
    try:
        sessions = await asyncio.gather(*(connector.connect(host) for _ in range(4)))
        for session in sessions:
            await session.close()
        assert len(known.read_text().splitlines()) == 1
    finally:
        await connector.close()
        await server.stop()


async def test_over_ipv6_the_advice_works_and_the_place_stands_in_brackets(tmp_path):
    server, connector = RealServer(tmp_path, address="::1"), SshConnector(SshOptions(wall=time.time, agent=""))
    await server.start()
    try:
        (tmp_path / "known_hosts").unlink()
        with pytest.raises(Problems) as refused:
            await connector.connect(server.host)
        command = refused.value.problems[0].fix.partition("then add the key: ")[2]
        subprocess.run(command, shell=True, check=True, timeout=20, stderr=subprocess.DEVNULL)
        again = SshConnector(SshOptions(wall=time.time, agent=""))
        session = await again.connect(server.host)
        assert session.facts.address == f"[::1]:{server.port}"
        await session.close()
        await again.close()
    finally:
        await connector.close()
        await server.stop()
