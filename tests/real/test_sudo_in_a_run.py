"""A run on a host whose sudo asks for a password: where it may come from, that it works, and that nothing keeps it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.real.sudo_host import ALL, PASSWORD, SudoHost, counted
from tests.real.terminal import typed

pytestmark = [pytest.mark.real, pytest.mark.slow]

BOOK = """\
version: 1
kind: operation
name: become
title: Become
inventory: here
sections:
  - name: S
    on: all
    steps:
      - {name: d, command: 'id -un; cat; echo PASSWORD', become: true, timeout: 40s}
      - {name: a, command: 'id -un; cat', become: true, durable: false, timeout: 40s}
      - {name: u, upload: {src: file.txt, dest: FOLDER/arrived, owner: root, mode: "0640"}, become: true, timeout: 40s}
"""


class Workspace:
    """A folder with one runbook and one host, and somebody who types."""

    def __init__(self, folder: Path, host: SudoHost, variables: str = "") -> None:
        self.folder = folder
        server = host.server
        found = server.host
        reach = f"-F none -o UserKnownHostsFile={found.known_hosts[0]} -i {found.key_files[0]}"
        lines = {
            "ansible_host": found.address,
            "ansible_port": found.port,
            "ansible_user": found.user,
            "ansible_ssh_common_args": f'"{reach}"',
        }
        text = ", ".join(f"{name}: {value}" for name, value in lines.items())
        self.write("inventories/here/hosts.yaml", f"all: {{hosts: {{real: {{{text}{variables}}}}}}}\n")
        self.write("inventories/here/environment.yaml", "name: here\nconfirm: none\nauto: all\n")
        self.write("drills/become.yaml", BOOK.replace("FOLDER", str(host.home)).replace("PASSWORD", PASSWORD))
        self.write("drills/file.txt", "sent\n")

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    async def types(self, *words: str, answer: str = "", **environment: str) -> tuple[int, str]:
        """The exit status and all that was said; at a terminal where there is an answer to be typed."""
        answers = (("sudo password (not shown, not recorded): ", answer),) if answer else None
        return await typed(self.folder, *words, answers=answers, **environment)

    def kept(self) -> bytes:
        """Every byte of the records."""
        return b"".join(path.read_bytes() for path in (self.folder / "recordings").rglob("*") if path.is_file())


@pytest.fixture
def place(tmp_path, tmp_path_factory):
    def made(host_rules: str = ALL, variables: str = "") -> tuple[SudoHost, Workspace]:
        host = SudoHost(tmp_path_factory.mktemp("host"), host_rules)
        return host, lambda: Workspace(tmp_path, host, variables)

    return made


RUN = ("run", "become", "--line", "--auto")


@pytest.mark.parametrize("source", ["inventory", "file", "environment", "terminal"])
async def test_every_kind_of_step_becomes_with_a_password_and_nothing_keeps_it(place, source):
    host, workspace = place(variables=f", ansible_become_password: {PASSWORD}" if source == "inventory" else "")
    async with host:
        here = workspace()
        words, around = RUN, {}
        if source == "file":
            words = (*RUN, "--become-password-file", str(here.write("secret", f"{PASSWORD}\n")))
        if source == "environment":
            around = {"SUDO_PW": PASSWORD}
            path = here.folder / "inventories/here/environment.yaml"
            path.write_text(path.read_text() + 'sudo_password: "env:SUDO_PW"\n')
        if source == "terminal":
            words = (*RUN, "-K")
        status, said = await here.types(*words, answer=PASSWORD if source == "terminal" else "", **around)
        assert status == 0, said
        assert (host.home / "arrived").read_text() == "sent\n"
        assert (host.home / "arrived").stat().st_uid == 0
        assert said.count("root") >= 2
        assert PASSWORD not in said
        assert "********" in said
        assert PASSWORD.encode() not in here.kept()
        left = [path for path in host.home.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()]
        assert left == []
    assert await counted(host) == []


async def test_a_preflight_tries_what_steps_will_use(place):
    host, workspace = place(variables=f", ansible_become_password: {PASSWORD}")
    async with host:
        here = workspace()
        status, said = await here.types("preflight", "become")
        assert (status, "OK    real  sudo       becomes root\n" in said) == (0, True), said
        path = here.folder / "inventories/here/hosts.yaml"
        path.write_text(path.read_text().replace(PASSWORD, "wrong-one"))
        status, said = await here.types("preflight", "become")
        assert status == 1
        assert "FAIL  real  sudo       cannot become root: sudo: it asked for the password of rbuser" in said
        assert "wrong-one" not in said


async def test_without_a_password_the_preflight_of_a_run_says_where_to_give_it(place):
    host, workspace = place()
    async with host:
        status, said = await workspace().types(*RUN)
        assert status != 0
        assert "cannot become root: sudo: a password is required; give the password with --ask-become-pass (-K)" in said


async def test_who_is_to_be_asked_needs_a_terminal(place):
    host, workspace = place()
    async with host:
        status, said = await workspace().types(*RUN, "-K")
        assert (status, 'no value for the secret "sudo password"' in said) == (2, True)
        assert "--become-password-file FILE" in said


async def test_a_fabric_task_becomes_by_its_own_sudo_with_the_runs_password(place):
    host, workspace = place(variables=f", ansible_become_password: {PASSWORD}")
    async with host:
        here = workspace()
        here.write("drills/fabfile.py", "from fabric import task\n\n\n@task\ndef who(c):\n    c.sudo('id -un')\n")
        book = here.folder / "drills/become.yaml"
        head = book.read_text().partition("      - {name: d")[0]
        book.write_text(f"{head}      - {{name: f, fabric: {{task: who}}, timeout: 60s}}\n")
        status, said = await here.types(*RUN)
        assert (status, "root" in said) == (0, True), said
        assert PASSWORD.encode() not in here.kept()
        path = here.folder / "inventories/here/hosts.yaml"
        path.write_text(path.read_text().replace(PASSWORD, "wrong-one"))
        status, said = await here.types(*RUN)
        assert status == 1
        assert "sudo asks for a password: cannot become root: sudo: it asked for the password of rbuser" in said
    assert set(await counted(host)) == {"rbuser"}
