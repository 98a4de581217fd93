"""Steps as somebody else, by the real sudo, for users who exist only in a private view of this machine."""

from __future__ import annotations

import contextlib

import pytest

from runbook.core.outcome import Exited, Expired, Grade, NeverSent
from tests.real.sudo_host import ALL, PASSWORD, SudoHost, counted
from tests.transport.shell.sudo_contract import GIVE, SudoContract

pytestmark = [pytest.mark.real]

NO_RULE = ""


class _Place:
    """The contract's place on a real host."""

    password = PASSWORD

    def __init__(self, folders) -> None:
        self._folders = folders
        self._hosts: list[SudoHost] = []

    def opened(self, password):
        return self._on(ALL, password)

    def unruled(self, password):
        return self._on(NO_RULE, password)

    @contextlib.asynccontextmanager
    async def _on(self, rules, password):
        async with SudoHost(self._folders.mktemp("host"), rules) as host:
            self._hosts.append(host)
            async with await host.opened(password) as opened:
                yield opened.session

    async def wrong(self):
        # PAM counts the prompt that sudo shows again, and that nobody answers, as well.
        failures = await counted(self._hosts[-1])
        assert len(failures) in {0, 2}
        return len(failures) // 2


class TestReal(SudoContract):
    @pytest.fixture
    def place(self, tmp_path_factory):
        return _Place(tmp_path_factory)


@pytest.fixture
def host(tmp_path_factory):
    def made(rules=ALL, **parts):
        return SudoHost(tmp_path_factory.mktemp("host"), rules, **parts)

    return made


async def reason(host: SudoHost, password: str | None = PASSWORD, *, user: str = "root") -> str:
    async with host, await host.opened(password, user=user) as opened:
        ending, out, grades = await opened.ran("id -un")
        assert (type(ending), out, grades) == (NeverSent, b"", [])
        return ending.reason


@pytest.mark.parametrize(
    ("rule", "password"),
    [("rbuser ALL=(ALL) NOPASSWD: ALL", None), (ALL, "known-to-this-test-alone")],
    ids=["without a password", "with a password"],
)
async def test_steps_run_as_root_in_every_grade_and_can_be_ended(host, rule, password):
    async with host(rule, password=password or PASSWORD) as made, await made.opened(password) as opened:
        assert await opened.ran("id -un; echo $HOME") == (Exited(0), b"root\n/root\n", [Grade.SESSION])
        assert await opened.ran("id -un", durable=False) == (Exited(0), b"root\n", [Grade.ATTACHED])
        assert (await opened.ran("trap '' TERM; while :; do sleep 0.1; done", limit=0.6))[0] == Expired(0.6)
        too_much = b"x" * 1_100_000
        assert await opened.ran("wc -c; id -un", stdin=too_much) == (Exited(0), b"1100000\nroot\n", [Grade.ATTACHED])
        hung = await opened.ran("trap '' TERM; cat; while :; do sleep 0.1; done", stdin=too_much, limit=1.5)
        assert hung[0] == Expired(1.5)
        shown = await opened.ran("cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null; true")
        assert (shown[0], (password or PASSWORD).encode() in shown[1]) == (Exited(0), False)
    assert await counted(made) == []


@pytest.mark.parametrize(
    ("rules", "parts"),
    [
        (f"Defaults lecture=always\n{ALL}", {}),
        (f"Defaults use_pty\n{ALL}", {}),
        (f"Defaults use_pty, log_input, log_output\n{ALL}", {}),
        (f"Defaults !passprompt_override\n{ALL}", {}),
        (f"Defaults timestamp_type=global\n{ALL}", {}),
        (f"Defaults env_delete+=LC_ALL\n{ALL}", {}),
        ("rbuser ALL=(ALL) ALL, NOPASSWD: /bin/ls", {}),
        (ALL, {"before": "export LANG=de_DE.UTF-8 LC_ALL=de_DE.UTF-8 LANGUAGE=de"}),
    ],
)
async def test_no_setting_of_sudo_keeps_a_right_password_from_working(host, rules, parts):
    async with host(rules, **parts) as made:
        for _ in range(2):  # A second login may find the ticket of the first.
            async with await made.opened() as opened:
                assert (await opened.ran("id -un; cat", stdin=b"in\n"))[:2] == (Exited(0), b"root\nin\n")
                assert (await opened.ran("id -un; cat", stdin=b"in\n", durable=False))[:2] == (Exited(0), b"root\nin\n")
    assert await counted(made) == []


async def test_the_language_of_the_host_stays_that_of_its_steps(host):
    async with host(before="export LANG=de_DE.UTF-8 LC_ALL=de_DE.UTF-8") as made, await made.opened() as opened:
        assert (await opened.ran("echo $LANG $LC_ALL"))[1] == b"de_DE.UTF-8 de_DE.UTF-8\n"


@pytest.mark.parametrize(
    "password", [" with  spaces ", 'it\'s "quoted" $HOME `id` \\n', "-n", "пароль ü 漢字", "%p", "x" * 200]
)
async def test_every_password_arrives_as_it_is(host, password):
    async with host(password=password) as made, await made.opened(password) as opened:
        assert (await opened.ran("id -un"))[:2] == (Exited(0), b"root\n")


async def test_the_user_of_a_narrow_rule_can_be_become_and_no_other(host):
    narrow = "rbuser ALL=(dba) /bin/sh"
    async with host(narrow) as made, await made.opened(user="dba") as opened:
        assert (await opened.ran("id -un"))[:2] == (Exited(0), b"dba\n")
    refusal = await reason(host(narrow))
    assert refusal.startswith(
        "cannot become root: sudo: Sorry, user rbuser is not allowed to execute /bin/sh as root on "
    )
    assert refusal.endswith("; steps become somebody else by way of a shell; add to sudoers: rbuser ALL=(root) /bin/sh")


async def test_a_password_of_somebody_else_is_named_as_such_and_works_when_it_is_given(host):
    rules = f"Defaults rootpw\n{ALL}"
    assert await reason(host(rules)) == (
        "cannot become root: sudo: it asked for the password of root and not of rbuser (rootpw, targetpw or runaspw in "
        f"sudoers), and refused the one given: Sorry, try again; give the right one {GIVE}"
    )
    async with host(rules, root="root's own") as made, await made.opened("root's own") as opened:
        assert (await opened.ran("id -un"))[:2] == (Exited(0), b"root\n")


async def test_an_expired_password_is_called_expired_and_not_wrong_and_is_not_changed(host):
    made = host(changed="0")
    assert await reason(made) == (
        "cannot become root: sudo: Account or password is expired, reset your password and try again; "
        "log in there and set a new one with passwd"
    )
    assert await counted(made) == []


async def test_a_sudo_that_wants_a_terminal_says_so(host):
    made = host(f"Defaults requiretty\n{ALL}")
    assert await reason(made) == (
        "cannot become root: sudo: sorry, you must have a tty to run sudo; "
        f"add to sudoers: Defaults:{made.server.user} !requiretty"
    )
