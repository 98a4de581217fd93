"""Where ssh_config leads and which keys are offered: one configuration, one agent, and we come where ssh comes."""

from __future__ import annotations

import asyncio
import shlex
import signal
import time
from pathlib import Path

import msgspec
import pytest

from runbook.core.host import Host
from runbook.problem import Problems
from runbook.transport.ssh import identity
from runbook.transport.ssh.connector import SshConnector, SshOptions
from tests.real.agent import made_key, signed
from tests.real.client import COMMON, NO_KEY, client_place, fingerprint
from tests.real.openssh import read

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture
async def place(tmp_path, tmp_path_factory):
    async for made in client_place(tmp_path, tmp_path_factory.mktemp("sshd")):
        yield made


# --- ssh_config ------------------------------------------------------------------------------------------------------


async def test_files_of_an_include_are_read_in_the_order_of_their_names(place):
    (place.folder / "conf.d").mkdir()
    for number in (90, 50, 30, 20, 70, 10):
        address = "127.0.0.2" if number == 10 else "127.0.0.3"
        (place.folder / "conf.d" / f"{number}-x.conf").write_text(f"Host db\n  Hostname {address}\n")
    await place.says(f"Include {{here}}/conf.d/*.conf\n{COMMON}").agrees("db", "127.0.0.2")


async def test_a_block_for_the_final_name_sends_us_through_its_bastion(place):
    place.says(
        "Host app\n  HostName 127.0.0.2\nHost jump.example\n  HostName 127.0.0.3\n"
        'Match final host "127.0.0.2"\n  ProxyJump jump.example\n' + COMMON
    )
    await place.agrees("app", "127.0.0.2")
    (place.server.folder / "known_hosts").write_text("")
    problem = await place.refusal(Host(name="app"))
    assert (problem.code, problem.what) == ("jump", "app cannot be reached through jump.example")


async def test_comments_behind_values_and_bytes_that_are_no_text_do_not_matter(place):
    place.says("# {here}\nHost x   # our box\n  Hostname 127.0.0.2 # primary\n  Port {port} # odd\n" + COMMON)
    place.config.write_bytes(b"Host y\n  # M\xfcller\n" + place.config.read_bytes())
    await place.agrees("x", "127.0.0.2")


async def test_a_condition_by_a_program_gets_its_tokens_and_its_equals_sign(place):
    await place.says('Match exec "test %n = x"\n  HostName 127.0.0.2\n' + COMMON).agrees("x", "127.0.0.2")


async def test_a_program_that_hangs_is_the_problem_of_the_host_that_it_is_asked_about(place):
    place.says('Host y\n  HostName 127.0.0.2\nMatch originalhost x exec "sleep 600"\n  User nobody\n' + COMMON)
    connector = SshConnector(SshOptions(wall=time.time, agent="", config_limit=0.5))
    hosts = [Host(name=name, ssh_config=str(place.config)) for name in ("x", "y")]
    hung, found = await asyncio.gather(*(connector.resolved(host) for host in hosts), return_exceptions=True)
    await connector.close()
    (problem,) = hung.problems
    assert (problem.code, found.address) == ("ssh-config", "127.0.0.2")
    assert "did not end within 0.5 s; it may be waiting for" in problem.why
    assert 'line 3: match originalhost x exec "sleep 600"' in problem.why


async def test_what_ssh_refuses_is_told_in_its_words_and_only_for_hosts_that_are_named(place):
    place.says("Host x\n  Prot 22\n" + "Host y\n  HostName 127.0.0.2\n")
    problem = await place.refusal(Host(name="y"))
    assert (problem.code, problem.where.file) == ("ssh-config", str(place.config))
    assert problem.why.startswith(f"{place.config}: line 2: Bad configuration option: prot")
    key, known = str(place.server.folder / "id"), str(place.server.folder / "known_hosts")
    other = Host(
        name="127.0.0.4", port=place.server.port, user=place.server.user, key_files=(key,), known_hosts=(known,)
    )
    assert await place.ours(other) == f"127.0.0.4:{place.server.port}"


# --- keys ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def only_in_agent(place):
    """A key that the server takes and of which this machine has only the public half."""
    key = made_key(place.folder / "only")
    with (place.server.folder / "authorized").open("a") as file:
        file.write(key.with_suffix(".pub").read_text())
    place.agent.add(key)
    key.unlink()
    return key


@pytest.mark.parametrize("named", ["SSH_AUTH_SOCK", "$SSH_AUTH_SOCK", "{socket}"])
async def test_an_agent_is_named_by_a_variable_or_by_its_path(place, only_in_agent, monkeypatch, named):
    monkeypatch.setenv("SSH_AUTH_SOCK", str(place.agent.socket))
    agent = named.format(socket=place.agent.socket)
    text = (
        f"Host t\n  Hostname 127.0.0.2\n  IdentityAgent {agent}\n  IdentitiesOnly yes\n  IdentityFile {only_in_agent}\n"
    )
    await place.says(text + NO_KEY).agrees("t", "127.0.0.2")


async def test_no_agent_is_asked_where_there_shall_be_none(place, only_in_agent):
    place.says(f"Host t\n  Hostname 127.0.0.2\n  IdentityAgent none\n  IdentityFile {only_in_agent}\n" + NO_KEY)
    assert place.ssh("t").returncode == 255
    assert (await place.refusal(Host(name="t"))).code == "auth"


async def test_a_public_key_names_the_one_that_the_agent_holds(place, only_in_agent):
    place.agent.add(*(made_key(place.folder / f"other{n}") for n in range(9)))
    text = f"Host t\n  Hostname 127.0.0.2\n  IdentitiesOnly yes\n  IdentityFile {only_in_agent}.pub\n" + NO_KEY
    await place.says(text).agrees("t", "127.0.0.2")
    stated = Host(name="127.0.0.2", key_files=(f"{only_in_agent}.pub",))
    assert await place.says(NO_KEY).ours(stated) == f"127.0.0.2:{place.server.port}"


@pytest.mark.parametrize("variant", ["file", "agent and file", "agent and halves", "CertificateFile", "agent alone"])
async def test_a_certificate_is_offered_whoever_signs(place, variant):
    authority, key = made_key(place.folder / "ca"), made_key(place.folder / "ck")
    certificate = signed(authority, key, "-n", place.server.user)
    (place.server.folder / "authorized").write_text(f"cert-authority {authority.with_suffix('.pub').read_text()}")
    if variant != "file":
        place.agent.add(key)
    if variant not in {"file", "agent and file"}:
        key.unlink()
    text = f"Host t\n  Hostname 127.0.0.2\n  IdentitiesOnly yes\n  IdentityFile {key}\n"
    if variant == "CertificateFile":
        moved = certificate.rename(place.folder / "elsewhere.pub")
        text += f"  CertificateFile {moved}\n"
    if variant == "agent alone":
        certificate.unlink()
        text = "Host t\n  Hostname 127.0.0.2\n"
    await place.says(text + NO_KEY).agrees("t", "127.0.0.2")


async def test_a_certificate_that_has_expired_is_named(place):
    authority, key = made_key(place.folder / "ca"), made_key(place.folder / "ck")
    signed(authority, key, "-n", place.server.user, "-V", "20200101:20210101")
    (place.server.folder / "authorized").write_text(f"cert-authority {authority.with_suffix('.pub').read_text()}")
    problem = await place.says(f"Host t\n  Hostname 127.0.0.2\n  IdentityFile {key}\n" + NO_KEY).refusal(Host(name="t"))
    assert problem.code == "auth"
    assert f"the certificate of {key}: certificate expired" in problem.why


async def test_identities_only_of_a_bastion_holds_for_the_bastion(place):
    refused = made_key(place.folder / "refused")
    place.agent.add(*(made_key(place.folder / f"nobodys{n}") for n in range(9)), place.server.folder / "id")
    place.says(
        f"Host bastion\n  Hostname 127.0.0.1\n  IdentitiesOnly yes\n  IdentityFile {refused}\n"
        "Host t\n  Hostname 127.0.0.2\n  ProxyJump bastion\n  IdentitiesOnly yes\n  IdentityFile {key}\n" + NO_KEY
    )
    problem = await place.refusal(Host(name="t"))
    assert (problem.code, problem.what) == ("jump", "t cannot be reached through bastion")
    assert problem.why == (
        f"bastion does not let {place.server.user} in: "
        f"it refused {fingerprint(refused)} ({refused}); it takes publickey"
    )


async def test_a_key_inside_a_proxy_command_is_the_bastions(place):
    bastion_key = made_key(place.folder / "bastion_key")
    own = place.server.folder / "own"
    own.write_text(bastion_key.with_suffix(".pub").read_text())
    with (place.server.folder / "config").open("a") as config:
        config.write(f"Match LocalAddress 127.0.0.5\n  AuthorizedKeysFile {own}\n")
    await place.server.leave()
    await place.server.come_back()
    place.says(COMMON)
    jump = f"{place.server.user}@127.0.0.5:{place.server.port}"
    host = Host(name="app1", address="127.0.0.2", jump=jump, jump_options=(f"identityfile={bastion_key}",))
    assert await place.ours(host) == f"127.0.0.2:{place.server.port}"
    assert (await place.refusal(msgspec.structs.replace(host, jump_options=msgspec.UNSET))).code == "jump"


async def test_keys_that_use_up_the_servers_patience_are_named_with_the_remedy(place):
    others = [made_key(place.folder / f"nobodys{n}") for n in range(9)]
    place.agent.add(*others, place.server.folder / "id")
    problem = await place.says(NO_KEY).refusal(Host(name="127.0.0.2"))
    assert (problem.code, problem.what) == (
        "auth",
        f"127.0.0.2 does not let {place.server.user} in: too many authentication failures",
    )
    assert all(fingerprint(key) in problem.why for key in others[:6])
    assert "ansible_ssh_private_key_file" in problem.fix
    assert "IdentitiesOnly" in problem.fix
    named = Host(name="127.0.0.2", key_files=(str(place.server.folder / "id"),))
    assert await place.ours(named) == f"127.0.0.2:{place.server.port}"


async def test_an_agent_that_does_not_answer_is_named_and_files_still_count(place):
    asked = []

    async def silent(_reader, writer):
        asked.append(writer)

    socket = place.agent.socket.with_name("silent")
    server = await asyncio.start_unix_server(silent, str(socket))
    place.says(f"Host *\n  IdentityAgent {socket}\n" + COMMON)
    assert await place.ours(Host(name="127.0.0.2")) == f"127.0.0.2:{place.server.port}"
    (place.server.folder / "authorized").write_text("")
    problem = await place.refusal(Host(name="127.0.0.2"))
    assert (problem.code, f"the agent at {socket} does not answer" in problem.why) == ("auth", True)
    server.close()
    for writer in asked:
        writer.close()


async def test_a_key_with_a_passphrase_is_given_to_the_agent_once(place):
    locked = made_key(place.folder / "locked key", "-N", "secret")
    place.says(f'Host *\n  IdentitiesOnly yes\n  IdentityFile "{locked}"\n' + NO_KEY)
    problem = await place.refusal(Host(name="127.0.0.2"))
    assert problem.why == f"{locked}: it is encrypted, and the agent does not hold it"
    assert problem.fix.endswith(f"ssh-add {shlex.quote(str(locked))}")


async def test_what_a_proxy_command_says_is_told_and_not_taken_for_the_server(place):
    forward = f"ssh -F {place.config} -o BatchMode=yes -W %h:%p 127.0.0.3"
    place.says(
        f"Host t\n  Hostname 127.0.0.2\n  ProxyCommand sh -c 'echo hello >&2; exec {forward}' # said to it\n" + COMMON
    )
    await place.agrees("t", "127.0.0.2")
    place.says("Host t\n  ProxyCommand echo no way to %h >&2; exit 1\n" + COMMON)
    problem = await place.refusal(Host(name="t"))
    assert (problem.code, problem.why) == ("reset", "no way to t")


# --- what stalls ------------------------------------------------------------------------------------------------------


async def both(place, **options):
    """What comes of `t`, and the address that `y` came to meanwhile."""
    connector = SshConnector(
        SshOptions(wall=time.time, agent=str(place.agent.socket), attempts=1, **{"connect_limit": 2.0, **options})
    )
    hosts = [Host(name=name, ssh_config=str(place.config)) for name in ("t", "y")]
    stalled, session = await asyncio.gather(*(connector.connect(host) for host in hosts), return_exceptions=True)
    await session.close()
    await connector.close()
    (problem,) = stalled.problems
    return problem, session.facts.address


async def test_a_proxy_that_stalls_is_the_problem_of_its_host_alone_and_is_ended(place):
    place.says(
        "Host t\n  ProxyCommand sh -c 'echo waiting for the gateway >&2; exec sleep 61.7'\n"
        "Host y\n  HostName 127.0.0.2\n" + COMMON
    )
    problem, address = await both(place)
    assert (problem.code, problem.why, problem.where.file) == ("timeout", "waiting for the gateway", "host t")
    assert problem.what.endswith(" did not answer within 2 s")
    assert address == f"127.0.0.2:{place.server.port}"
    while any(read(f"{process}/cmdline") == b"sleep\x0061.7\x00" for process in Path("/proc").glob("[0-9]*")):
        await asyncio.sleep(0.01)


async def test_a_bastion_that_takes_the_call_and_says_nothing_is_named_as_the_bastion(place):
    async def silent(_reader, writer):
        called.append(writer)

    called: list = []
    mute = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = mute.sockets[0].getsockname()[1]
    place.says(
        f"Host t\n  HostName 127.0.0.3\n  ProxyJump mute\nHost mute\n  HostName 127.0.0.1\n  Port {port}\n"
        "Host y\n  HostName 127.0.0.2\n" + COMMON
    )
    problem, address = await both(place)
    assert (problem.code, problem.what) == ("jump", "t cannot be reached through mute")
    assert "did not answer within 2 s" in problem.why
    assert address == f"127.0.0.2:{place.server.port}"
    mute.close()
    for writer in called:
        writer.close()


async def test_an_agent_that_stops_answering_when_it_has_to_sign_is_given_up_for_the_next_key(place, monkeypatch):
    monkeypatch.setattr(identity, "SIGN_LIMIT", 1.0)
    agents_own = made_key(place.folder / "agents")
    place.agent.add(agents_own)
    with (place.server.folder / "authorized").open("a") as file:
        file.write(agents_own.with_suffix(".pub").read_text())
    place.says(f"Host t\n  Hostname 127.0.0.2\n  IdentityFile {agents_own}.pub\n  IdentitiesOnly yes\n" + NO_KEY)
    connector = SshConnector(SshOptions(wall=time.time, agent=str(place.agent.socket), attempts=1, connect_limit=20.0))
    host = Host(name="t", ssh_config=str(place.config))
    await connector.locked(host)  # The agent is listed from here on.
    place.agent.process.send_signal(signal.SIGSTOP)
    with pytest.raises(Problems) as refused:
        await connector.connect(host)
    place.agent.process.send_signal(signal.SIGCONT)
    await connector.close()
    (problem,) = refused.value.problems
    assert (problem.code, problem.where.file) == ("auth", "host t")
