"""What we make of an ssh_config, against `ssh -G`: no answer differs, whether ssh is asked or has to be done without."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from runbook.core.host import Host
from runbook.problem import Problems
from runbook.transport.ssh.openssh import SshConfig
from runbook.transport.ssh.own_config import Question
from runbook.transport.ssh.resolve import ResolvedHost, resolve
from tests.real.openssh import skip_or_fail

pytestmark = [pytest.mark.real, pytest.mark.slow]

TARGETS = ("web1", "web2", "db.corp.example", "10.0.0.7", "Mixed", "bastion")
COMPARED = ("hostname", "port", "user", "identityfile", "certificatefile", "identitiesonly", "userknownhostsfile")
ROUTES = ("proxyjump", "proxycommand", "hostkeyalias")


@pytest.fixture(scope="module", autouse=True)
def ssh() -> str:
    program = shutil.which("ssh")
    if not program:
        skip_or_fail("OpenSSH's client is not installed")
    return program


def theirs(config: Path, target: str, user: str = "") -> dict[str, list[str]] | None:
    """What ssh says; None where it refuses the file."""
    words = ["ssh", "-G", "-T", "-F", str(config), *(("-l", user) if user else ()), "--", target]
    said = subprocess.run(words, check=False, capture_output=True, timeout=20)
    if said.returncode:
        return None
    found: dict[str, list[str]] = {}
    for line in said.stdout.decode("utf-8", "surrogateescape").splitlines():
        keyword, _, value = line.partition(" ")
        found.setdefault(keyword, []).append(value)
    return found


@functools.cache
def usual() -> dict[str, list[str]]:
    return theirs(Path("none"), "localhost")


def expected(said: dict[str, list[str]], target: str) -> dict[str, object]:
    """Their answer in our terms."""
    home = str(Path.home())
    keys = said.get("identityfile", [])
    files = said["userknownhostsfile"]
    jump = said.get("proxyjump", ["none"])[0]
    return {
        "address": said["hostname"][0].lower(),
        "port": int(said["port"][0]),
        "user": said["user"][0],
        "key_files": "default" if keys == usual()["identityfile"] else _paths(keys, home),
        "certificates": _paths(said.get("certificatefile", []), home),
        "identities_only": said["identitiesonly"][0] == "yes",
        "known_hosts": "default" if files == usual()["userknownhostsfile"] else _paths(files[0].split(" "), home),
        "host_key_alias": said.get("hostkeyalias", [""])[0],
        "jump": "" if jump == "none" else jump,
        "proxy_command": said.get("proxycommand", [""])[0]
        .replace("%h", said["hostname"][0])
        .replace("%p", said["port"][0]),
        "agent": {"none": "", "SSH_AUTH_SOCK": "/agent"}.get(said.get("identityagent", ["SSH_AUTH_SOCK"])[0], "other"),
    }


def _paths(said: list[str], home: str) -> list[str]:
    named = [path for path in said if path != "none"]
    return list(dict.fromkeys(home + path[1:] if path.startswith("~") else path for path in named))


def ours(found: ResolvedHost) -> dict[str, object]:
    own = found.known_hosts[: found.known_hosts.index("/etc/ssh/ssh_known_hosts")]
    usual_files = tuple(f"{Path.home()}/.ssh/{name}" for name in ("known_hosts", "known_hosts2"))
    return {
        "address": found.address.lower(),
        "port": found.port,
        "user": found.user,
        "key_files": "default" if found.origins["key_files"] == "default" else list(found.key_files),
        "certificates": list(found.certificates),
        "identities_only": found.identities_only,
        "known_hosts": "default" if own == usual_files else list(own),
        "host_key_alias": found.host_key_alias,
        "jump": found.jump,
        "proxy_command": found.proxy_command,
        "agent": found.agent if found.agent in {"", "/agent"} else "other",
    }


def compare(config: Path, reader: SshConfig, targets: tuple[str, ...] = TARGETS, user: str = "") -> None:
    """Both agree about every target, or both refuse the file."""
    for target in targets:
        said = theirs(config, target, user)
        host = Host(name=target, user=user, ssh_config=str(config))
        if said is None:
            continue
        assert ours(resolve(host, agent="/agent", config=reader)) == expected(said, target), config.read_text()


# --- made ones -------------------------------------------------------------------------------------------------------

patterns = st.lists(
    st.sampled_from(
        ["web1", "web*", "!web2", "*", "*.corp.example", "10.0.0.?", "mixed", "Mixed", "bastion", "b*", "[w]eb1"]
    ),
    min_size=1,
    max_size=3,
).map(" ".join)
words = st.sampled_from(["a", "web1", "10.9.8.7", "/k/one", "~/k/two", '"/k/with space"', "/k/%n", "none", "b,c"])
options = st.one_of(
    st.tuples(
        st.just("HostName"), st.sampled_from(["10.9.8.7", "real.example", "%h.corp.example", "web2", "UPPER.example"])
    ),
    st.tuples(st.just("Port"), st.sampled_from(["22", "2222"])),
    st.tuples(st.just("User"), st.sampled_from(["ops", "root", '"deploy"'])),
    st.tuples(st.just("IdentityFile"), st.sampled_from(["/k/one", "~/k/two", '"/k/with space"', "none", "/k/x.pub"])),
    st.tuples(st.just("CertificateFile"), st.sampled_from(["/k/one-cert.pub", "~/c"])),
    st.tuples(st.just("IdentitiesOnly"), st.sampled_from(["yes", "no"])),
    st.tuples(st.just("IdentityAgent"), st.sampled_from(["none", "SSH_AUTH_SOCK", "/other.sock"])),
    st.tuples(st.just("UserKnownHostsFile"), st.sampled_from(["/kh/one", "/kh/one /kh/two", "~/kh", "none", "/kh/%k"])),
    st.tuples(st.just("HostKeyAlias"), st.sampled_from(["alias", "web1"])),
    st.tuples(st.just("ProxyJump"), st.sampled_from(["none", "b", "ops@b:22,c"])),
    st.tuples(st.just("ProxyCommand"), st.sampled_from(["none", "nc %h %p", "nc a # b", '"nc" a'])),
    st.tuples(st.just("ForwardAgent"), st.sampled_from(["yes", "no"])),
)


@st.composite
def option_lines(draw) -> str:
    keyword, value = draw(options)
    spelled = draw(st.sampled_from([keyword, keyword.lower(), keyword.upper()]))
    between = draw(st.sampled_from([" ", "=", " = ", "\t", "  "]))
    # Behind a command a comment is a part of it; behind `ProxyJump none` versions of ssh differ.
    bare = keyword == "ProxyCommand" or (keyword, value) == ("ProxyJump", "none")
    behind = "" if bare else draw(st.sampled_from(["", "", " # why", "  ", "\r"]))
    return f"{draw(st.sampled_from(['', '  ', chr(9)]))}{spelled}{between}{value}{behind}"


@st.composite
def conditions(draw) -> str:
    if draw(st.booleans()):
        return f"Host {draw(patterns)}"
    criteria = st.sampled_from(
        [
            "all",
            "host web1,web2",
            "host *.corp.example",
            "host 10.9.8.7",
            "originalhost web*",
            "!originalhost web1",
            "user ops",
            "final host *.example",
            "final all",
            'exec "test %n = web1"',
            "originalhost web1 user ops",
            'exec "test %h = 10.9.8.7"',
        ]
    )
    return f"Match {draw(criteria)}"


@st.composite
def configs(draw) -> str:
    lines: list[str] = []
    for _ in range(draw(st.integers(0, 5))):
        lines += draw(st.lists(option_lines(), max_size=4))
        lines.append(draw(conditions()))
    lines += draw(st.lists(option_lines(), max_size=4))
    return "\n".join(lines) + "\n"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=configs(), user=st.sampled_from(["", "", "ops"]))
@example(text="ProxyJump none\nProxyCommand nc %h %p\n", user="")
@example(text="ProxyCommand none\nProxyJump b\n", user="")
def test_any_configuration_is_read_as_ssh_reads_it(tmp_path, text, user):
    config = tmp_path / "config"
    config.write_text(text)
    compare(config, SshConfig(), user=user)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=configs(), user=st.sampled_from(["", "", "ops"]))
def test_it_is_read_so_without_ssh_as_well(tmp_path, text, user):
    config = tmp_path / "config"
    config.write_text(text)
    compare(config, SshConfig(""), user=user)


# --- such as people have ----------------------------------------------------------------------------------------------

REAL = sorted((Path(__file__).parent / "ssh_configs").glob("*.conf"))


@pytest.mark.parametrize("program", [None, ""], ids=["asking", "without"])
@pytest.mark.parametrize("file", REAL, ids=[file.stem for file in REAL])
def test_configurations_such_as_people_have_are_read_as_ssh_reads_them(tmp_path, file, program):
    config = tmp_path / "config"
    config.write_bytes(file.read_bytes().replace(b"@HERE@", os.fsencode(file.parent)))
    names = tuple(config.read_text(errors="replace").partition("# targets: ")[2].partition("\n")[0].split())
    assert names
    assert theirs(config, names[0]) is not None
    compare(config, SshConfig(program), (*names, "somebody.else"))


def test_a_host_that_nothing_names_is_not_asked_about(tmp_path):
    (tmp_path / "config").write_text("Host a b\n  User x\nHost *\n  ServerAliveInterval 5\n")
    reader = SshConfig("/no/such/ssh")
    found = resolve(Host(name="c", ssh_config=str(tmp_path / "config")), config=reader)
    assert (found.address, found.port) == ("c", 22)
    with pytest.raises(Problems):
        resolve(Host(name="a", ssh_config=str(tmp_path / "config")), config=reader)


@pytest.fixture
def counted(tmp_path):
    """An ssh that writes down each question."""
    program, log = tmp_path / "ssh", tmp_path / "asked"
    program.write_text(f'#!/bin/sh\necho "$*" >> {log}\nexec {shutil.which("ssh")} "$@"\n')
    program.chmod(0o755)
    log.write_text("")

    def questions(text: str, *hosts: Host) -> list[str]:
        (tmp_path / "config").write_text(text)
        reader = SshConfig(str(program))
        log.write_text("")
        for host in hosts * 2:
            resolve(msgspec.structs.replace(host, ssh_config=str(tmp_path / "config")), config=reader)
        return [line for line in log.read_text().splitlines() if "-F none" not in line]

    return questions


FLEET = tuple(Host(name=f"web{n}", port=2000 + n, user="ops") for n in range(20))


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("Host other\n  User x\nHost *\n  ServerAliveInterval 5\n", 0),
        ("Host *\n  IdentityFile ~/.ssh/fleet\n", 1),
        ("Host *\n  IdentityFile ~/.ssh/%h\n", 20),
        ("Host web*\n  HostName %h.corp.example\n", 20),
        ("Host web1 web2\n  IdentitiesOnly yes\nHost *\n  HashKnownHosts yes\n", 2),
        ('Match exec "true"\n  User x\n', 40),
    ],
)
def test_ssh_is_asked_only_where_a_line_could_matter_and_once_for_the_same_lines(counted, text, asked):
    assert len(counted(text, *FLEET)) == asked


def test_an_answer_is_good_for_as_long_as_the_files_are_the_same(tmp_path):
    (tmp_path / "config").write_text(f"Include {tmp_path}/more/*\nHost a\n  User one\n")
    reader, host = SshConfig(), Host(name="a", ssh_config=str(tmp_path / "config"))
    assert resolve(host, config=reader).user == "one"
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "x").write_text("Host a\n  User two\n")
    assert resolve(host, config=reader).user == "two"


def test_lines_that_need_ssh_itself_are_named_where_there_is_none(tmp_path):
    config = tmp_path / "config"
    config.write_text("CanonicalizeHostname yes\nMatch localnetwork 10.0.0.0/8\n  User x\nHost a\n  User y\n")
    question = Question(name="a", target="a", config=str(config))
    assert SshConfig().unsupported(question) == ()
    assert SshConfig("").unsupported(question) == (
        f"{config} line 2: match localnetwork 10.0.0.0/8",
        f"{config} line 1: canonicalizehostname yes",
    )


@pytest.mark.parametrize("program", [None, ""])
def test_a_variable_that_is_not_set_is_told_and_never_a_file_with_a_strange_name(tmp_path, program):
    (tmp_path / "config").write_text("Host a\n  IdentityFile ${NO_SUCH_VARIABLE}/k\nHost b\n  IdentityFile /k/%%%z\n")
    for name, why in (("a", "the environment has no NO_SUCH_VARIABLE"), ("b", "nothing is known of %z")):
        with pytest.raises(Problems) as refused:
            resolve(Host(name=name, ssh_config=str(tmp_path / "config")), config=SshConfig(program))
        assert [(problem.code, problem.why) for problem in refused.value.problems] == [("ssh-config", why)]
