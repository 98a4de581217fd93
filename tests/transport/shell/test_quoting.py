"""What is fed to a shell means exactly what the command says, in every shell that is `/bin/sh` somewhere."""

import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runbook.core.planned.command import Become, Command, Secret
from runbook.problem import Problems
from runbook.transport.shell.quoting import EXEC, quote, script_of

SHELLS = [["dash"], ["bash"], ["busybox", "ash"], ["mksh"], ["/bin/sh"]]
LOGIN_SHELLS = [["bash"], ["dash"], ["fish"], ["csh"], ["mksh"]]
ODD = "a  b\t'c' \"d\" $HOME `id` \\ \n * ~ ! # é \udcff -n"


def present(shells):
    return [
        pytest.param(s, id=s[-1], marks=pytest.mark.skipif(not shutil.which(s[0]), reason=f"no {s[0]}")) for s in shells
    ]


def fed(shell: list[str], command: Command) -> subprocess.CompletedProcess:
    script = script_of(command, nonce="0123456789ab")
    done = subprocess.run(shell, input=script.text, capture_output=True, timeout=20, check=False)
    _, marker, rest = done.stdout.partition(script.marker)
    assert marker
    done.stdout = rest.split(b"\n", 1)[1]
    done.stderr = done.stderr.partition(script.marker + b"\n")[2]
    return done


def fails(command: Command) -> str:
    with pytest.raises(Problems) as raised:
        script_of(command, nonce="0123456789ab")
    return raised.value.problems[0].code


@pytest.mark.parametrize("shell", present(SHELLS))
def test_arguments_arrive_as_they_are(shell):
    done = fed(shell, Command(argv=("printf", "[%s]", ODD, "", "--", "-")))
    assert done.stdout == b"".join(b"[%s]" % a.encode("utf-8", "surrogateescape") for a in (ODD, "", "--", "-"))


@pytest.mark.parametrize("shell", present(SHELLS))
def test_environment_and_folder_arrive_as_they_are(shell, tmp_path):
    folder = tmp_path / "a 'b' $c"
    folder.mkdir()
    done = fed(shell, Command(shell='printf %s "$X"; pwd', env=(("X", ODD),), cwd=str(folder)))
    assert done.stdout == ODD.encode("utf-8", "surrogateescape") + f"{folder}\n".encode()


@pytest.mark.parametrize("shell", present(SHELLS))
def test_shell_text_keeps_its_exit_code_here_documents_and_signals(shell):
    done = fed(shell, Command(shell="cat <<X\nhere $((1+1))\nX\necho oops >&2\nexit 7"))
    assert (done.stdout, done.stderr, done.returncode) == (b"here 2\n", b"oops\n", 7)


@pytest.mark.parametrize("shell", present(SHELLS))
def test_text_for_another_interpreter_is_not_an_argument_and_not_its_input(shell):
    text = "import sys\nprint(sys.argv[1:], repr(sys.stdin.read()), '''it's $HOME''')"
    done = fed(shell, Command(shell=text, interpreter=("python3",)))
    assert done.stdout == b"[] '' it's $HOME\n"


@pytest.mark.parametrize("shell", present(SHELLS))
def test_a_folder_that_is_missing_starts_nothing(shell):
    done = fed(shell, Command(shell="echo ran", cwd="/nowhere/at all"))
    assert (done.stdout, done.returncode != 0) == (b"", True)


@pytest.mark.parametrize("shell", present(SHELLS))
def test_without_input_a_command_reads_nothing(shell):
    assert fed(shell, Command(shell="cat; echo end")).stdout == b"end\n"


@pytest.mark.parametrize("login", present(LOGIN_SHELLS))
def test_the_exec_string_means_the_same_in_every_login_shell(login):
    done = subprocess.run(
        [*login, "-c", EXEC], input=b"echo $((40+2)); exit 3\n", capture_output=True, timeout=20, check=False
    )
    assert (done.stdout, done.returncode) == (b"42\n", 3)


def test_a_script_never_holds_its_own_marker():
    script = script_of(Command(shell="id", become=Become(user="postgres")), nonce="0123456789ab")
    assert script.marker not in script.text


def test_a_secret_reaches_the_script_by_its_value():
    script = script_of(Command(shell="id", env=(("PW", Secret("pw", "s3cret value")),)), nonce="0123456789ab")
    assert b"PW='s3cret value'" in script.text


@pytest.mark.parametrize(
    "command",
    [
        Command(shell="id", env=(("A B", "x"),)),
        Command(shell="id", env=(("A\n", "x"),)),
        Command(argv=("echo", "a\0b")),
        Command(shell="a\0b"),
        Command(shell="a\0b", interpreter=("python3",)),
        Command(),
    ],
)
def test_what_no_shell_can_carry_is_refused_before_it_is_sent(command):
    assert fails(command) == "unsendable-command"


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_quoting_is_undone_by_a_shell(text):
    done = subprocess.run(
        ["/bin/sh"], input=f"printf %s {quote(text)}".encode(), capture_output=True, timeout=20, check=False
    )
    assert done.stdout == text.encode()
