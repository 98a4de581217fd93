"""Durable jobs: started exactly once, followed from where the record ends, ended whole, and honest where nobody can know."""

import asyncio
import os
import shutil
import signal
import subprocess
import time
import uuid
from pathlib import Path

import pytest

from runbook.core.host import Host
from runbook.core.outcome import Exited, Expired, Grade, Lost, NeverSent, Stopped, Withheld
from runbook.core.planned.command import Command
from runbook.transport.local.connector import LocalConnector
from runbook.transport.session import Job
from runbook.transport.shell.answer import answered
from runbook.transport.shell.claim import file_name
from runbook.transport.shell.worker import _LIBRARY
from runbook.transport.ssh.connector import SshConnector, SshOptions
from tests.transport import server
from tests.transport.contract import is_alive
from tests.transport.recorder import Counter, Recorder, sh

JOB = f"run/step/box/{uuid.uuid4()}"
"""New for every run of the tests: hosts that are this machine keep jobs in folders that outlive a test."""

SOMEBODY = 54321
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")


def durable(name="", **parts) -> Job:
    return Job(id=f"{JOB}{name}", **{"grace": 0.5, **parts})


def base(home: Path) -> Path:
    return home / ".local" / "state" / "runbook"


def part(home: Path, suffix: str, name="") -> Path:
    return base(home) / f"{file_name(JOB + name)}.{suffix}"


def claim(home: Path, *suffixes: str):
    """The files of a job as a shell leaves them that stops half way."""
    base(home).mkdir(parents=True, exist_ok=True)
    for suffix in ("job", *suffixes):
        part(home, suffix).write_text("\n")


async def ran(session, command, name="", **parts):
    sink = Recorder()
    return await session.run(command, durable(name, **parts), sink), sink.out, sink.err


def claimed(home: Path) -> list[str]:
    """The lines of the claim."""
    path = part(home, "job")
    return path.read_text().splitlines() if path.exists() else []


def command_pid(home: Path) -> int:
    """The command's process, 0 until it has told."""
    lines = claimed(home)
    return int(lines[2]) if len(lines) > 2 and lines[2] else 0


async def until(condition, seconds=10.0):
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never came to be")


@pytest.fixture(autouse=True)
def another_job(monkeypatch):
    """Each test has a job of its own."""
    monkeypatch.setitem(globals(), "JOB", f"run/step/box/{uuid.uuid4()}")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home of its own for what runs on the `host`."""
    there = tmp_path / "home"
    there.mkdir()
    monkeypatch.setenv("HOME", str(there))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    return there


@pytest.fixture(params=["local", "ssh"])
async def reach(request, home, tmp_path_factory):
    """A way to open the same host again and again, as runners that come and go do."""
    opened = []
    if request.param == "local":
        connector, box = LocalConnector(wall=time.time), Host(name="here", connection="local")
        running = None
    else:
        running = await server.start(tmp_path_factory.mktemp("server"))
        connector, box = SshConnector(SshOptions(wall=time.time, agent="")), running.host

    async def open_again():
        opened.append(await connector.connect(box))
        return opened[-1]

    yield open_again
    for session in opened:
        await session.close()
    await connector.close()
    if running:
        await running.stop()


async def test_a_job_runs_to_its_end_and_says_which_grade_it_had(reach, home):
    session = await reach()
    sink = Recorder()
    ending = await session.run(sh("echo out; echo err >&2; exit 3"), durable(), sink)
    assert (ending, sink.out, sink.err, sink.grades) == (Exited(3), b"out\n", b"err\n", [Grade.SESSION])
    assert part(home, "run").read_text().split()[0] == "3"


async def test_a_job_that_is_sent_twice_runs_once_and_is_told_the_same(reach, home):
    session = await reach()
    text = f"echo effect >> {home}/effects; cat {home}/effects"
    first = await ran(session, sh(text))
    assert first == await ran(session, sh(text)) == (Exited(0), b"effect\n", b"")
    assert (home / "effects").read_text() == "effect\n"


async def test_two_runners_that_start_the_same_job_together_have_one_effect(reach, home):
    sessions = [await reach(), await reach()]
    text = f"echo effect >> {home}/effects; echo done"
    both = await asyncio.gather(*(ran(session, sh(text)) for session in sessions))
    assert both == [(Exited(0), b"done\n", b"")] * 2
    assert (home / "effects").read_text() == "effect\n"


async def test_a_long_job_is_shown_while_it_runs(reach):
    session = await reach()
    sink = Recorder(wanted=b"first")
    running = asyncio.create_task(session.run(sh("echo first; sleep 1.5; echo last; exit 5"), durable(), sink))
    await asyncio.wait_for(sink.seen.wait(), 10)
    assert not running.done()
    assert await running == Exited(5)
    assert sink.out == b"first\nlast\n"


async def test_much_output_of_a_long_job_arrives_whole_and_in_order(reach):
    session = await reach()
    sink = Recorder()
    text = "i=0; while [ $i -lt 40 ]; do seq $((i*5000)) $((i*5000+4999)); i=$((i+1)); sleep 0.03; done"
    assert await session.run(sh(text), durable(), sink) == Exited(0)
    assert sink.out == b"".join(b"%d\n" % i for i in range(200_000))


async def test_bytes_that_are_no_text_survive_the_files(reach):
    session = await reach()
    data = bytes(range(256)) * 300
    assert await ran(session, sh("cat", stdin=data)) == (Exited(0), data, b"")
    assert await ran(session, sh("cat", stdin=b"a line\n"), name="2") == (Exited(0), b"a line\n", b"")


OUTPUTS = (
    b"a line\n",
    b"no newline",
    b"\n\n\n",
    b" \\n  -n %s \t\n",
    "é\n€ 漢".encode(),
    bytes(range(1, 256)),
    b"a\0b\n",
    b"\0",
    b"text\n\0",
    b"x" * 1023 + b"\n\nmore",
    b"x" * 1022 + b"\n\nmore",
    b"x" * 5000,
    b"7\n" * 5000,
)


@pytest.mark.parametrize("shell", [("dash",), ("bash", "--posix"), ("busybox", "ash"), ("mksh",)], ids=" ".join)
@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_every_shell_prints_short_outputs_as_they_are(tmp_path, shell, locale):
    """It reads them itself where it can, and leaves them to cat where it cannot."""
    if not shutil.which(shell[0]):
        pytest.skip(f"{shell[0]} is not installed")
    verbs = b"rb_mark=M\n"
    for number, data in enumerate(OUTPUTS):
        (tmp_path / str(number)).write_bytes(data)
        verbs += b"rb_show out %d %d 7\nrb_say end\n" % (number, len(data))
    done = subprocess.run(
        shell,
        input=_LIBRARY + verbs,
        cwd=tmp_path,
        env={**os.environ, "LC_ALL": locale},
        capture_output=True,
        timeout=20,
        check=False,
    )
    assert (done.stdout, done.stderr) == (b"".join(b"M out\n%sM end\n" % data for data in OUTPUTS), b"")


@pytest.mark.parametrize("length", [3_000, 600_000])
async def test_a_long_line_is_not_read_byte_for_byte(reach, length):
    """What the long-lived shell reads is told by the next command, whose parent it is."""
    session = await reach()
    assert await ran(session, sh(f"head -c {length} /dev/zero | tr '\\0' x"), name="1") == (
        Exited(0),
        b"x" * length,
        b"",
    )
    _, reads, _ = await ran(session, sh('grep syscr "/proc/$PPID/io"'), name="2")
    assert int(reads.split()[1]) < 3_000


async def test_everything_of_the_command_arrives_as_it_is(reach, tmp_path):
    session = await reach()
    odd = "a  b\t'c' \"d\" $HOME `id` \\ \n * ~ ! # é"
    command = Command(
        argv=("sh", "-c", 'printf "%s|" "$X" "$1"; pwd', "name", odd), env=(("X", odd),), cwd=str(tmp_path)
    )
    assert await ran(session, command) == (Exited(0), f"{odd}|{odd}|{tmp_path}\n".encode(), b"")
    script = sh("import sys; print(sys.stdin.read())", interpreter=("python3",), stdin=b"in")
    assert await ran(session, script, name="2") == (Exited(0), b"in\n", b"")


async def test_a_command_gets_the_users_umask_and_its_files_do_not(reach, home):
    session = await reach()
    before = os.umask(0o022)
    os.umask(before)
    assert await ran(session, sh("umask")) == (Exited(0), b"%04o\n" % before, b"")
    assert base(home).stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o077 for path in base(home).iterdir()} == {0}


async def test_secrets_reach_neither_the_process_list_nor_a_file(reach, home):
    session = await reach()
    running = asyncio.create_task(
        session.run(
            sh("echo $PW; sleep 1; : in-the-text", env=(("PW", "in-the-env"),), stdin=b"in-the-input"),
            durable(),
            Counter(),
        )
    )
    await until(lambda: command_pid(home))
    living = [path.name for path in Path("/proc").iterdir() if path.name.isdigit() and is_alive(int(path.name))]
    shown = b"".join(command_line(pid) for pid in living)
    assert [word for word in (b"in-the-env", b"in-the-input", b"in-the-text") if word in shown] == []
    kept = b"".join(path.read_bytes() for path in base(home).iterdir() if path.suffix != ".out")
    assert [word for word in (b"in-the-env", b"in-the-input", b"in-the-text") if word in kept] == []
    assert await running == Exited(0)


async def test_a_job_whose_runner_went_away_is_followed_from_what_the_record_holds(reach, home):
    first = await reach()
    sink = Recorder(wanted=b"one")
    text = f"echo one; while [ ! -f {home}/go ]; do sleep 0.05; done; echo two; echo three >&2; exit 7"
    following = asyncio.create_task(first.run(sh(text), durable(), sink))
    await asyncio.wait_for(sink.seen.wait(), 10)
    await first.close()
    assert isinstance(await following, Lost)
    second = await reach()
    job = durable(out_offset=len(sink.out), err_offset=len(sink.err))
    again = asyncio.create_task(second.reattach(sh(text), job, sink))
    await until(lambda: len(sink.grades) == 2)
    (home / "go").write_text("")
    assert await again == Exited(7)
    assert (sink.out, sink.err) == (b"one\ntwo\n", b"three\n")


async def test_a_large_offset_continues_at_exactly_that_byte(reach):
    session = await reach()
    data = b"".join(b"%d\n" % i for i in range(100_000))
    await session.run(sh("seq 0 99999"), durable(), Counter())
    for offset in (0, 1, 65535, 65536, 65537, 200_000, len(data)):
        sink = Recorder()
        assert await session.reattach(sh("x"), durable(out_offset=offset), sink) == Exited(0)
        assert sink.out == data[offset:]


async def test_a_job_that_left_no_trace_is_fenced_and_never_starts_afterwards(reach, home):
    """The start may still be on the way when a new runner asks."""
    session = await reach()
    assert isinstance(await session.reattach(sh("x"), durable(place=session.facts.place), Recorder()), NeverSent)
    assert isinstance((await ran(session, sh(f"echo effect >> {home}/effects")))[0], Withheld)
    assert not (home / "effects").exists()


async def test_a_claim_without_commit_is_fenced_and_the_late_launcher_does_not_run(reach, home):
    """The launcher has made the folder and was stopped before its commit."""
    session = await reach()
    claim(home)
    assert isinstance(await session.reattach(sh("x"), durable(place=session.facts.place), Recorder()), NeverSent)
    assert part(home, "run").exists()


LAUNCHER = """
rb_mark=M
rb_ready launcher
rb_create_plainly() {{
  set -C; {{ printf '%s\\n' "$2" >"$1"; }} 2>/dev/null; rb_made=$?; set +C; return "$rb_made"
}}
rb_create() {{
  case $1 in *.{point}) kill -STOP $$ ;; esac
  rb_create_plainly "$@"
}}
rb_script='{{ echo $$ >&8; exec 8>&-; exec </dev/null; echo effect >>{effects}; exit; }}'
rb_spec=test
rb_group=group
rb_run {name}
"""


@pytest.mark.parametrize("point", ["job", "run"])
async def test_a_launcher_that_was_stopped_before_a_step_of_the_start_and_fenced_never_runs(reach, home, point):
    session = await reach()
    text = LAUNCHER.format(point=point, effects=home / "effects", name=file_name(JOB))
    launcher = await asyncio.create_subprocess_exec(
        "/bin/sh", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    launcher.stdin.write(_LIBRARY + text.encode())
    launcher.stdin.write_eof()
    await until(lambda: ") T " in Path(f"/proc/{launcher.pid}/stat").read_text())
    assert isinstance(await session.reattach(sh("x"), durable(place=session.facts.place), Recorder()), NeverSent)
    launcher.send_signal(signal.SIGCONT)
    said, _ = await launcher.communicate()
    assert said.splitlines()[-1] in {b"M fenced", b"M traceless 0"}
    assert not (home / "effects").exists()


async def test_a_link_that_goes_between_the_commit_and_the_start_keeps_no_command_from_running(home):
    launcher = subprocess.Popen(["/bin/sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    launcher.stdin.write(_LIBRARY + b"rb_mark=M\nrb_ready launcher\n")
    launcher.stdin.flush()
    assert launcher.stdout.readline().startswith(b"M ready")
    launcher.stdout.close()
    script = f"{{ echo $$ >&8; exec 8>&-; exec </dev/null; echo effect >>{home / 'effects'}; exit 7; }}"
    launcher.stdin.write(f"rb_script='{script}'\nrb_spec=test\nrb_group=group\nrb_run {file_name(JOB)}\n".encode())
    launcher.stdin.close()
    await asyncio.to_thread(launcher.wait, 20)
    launcher.stderr.close()
    assert ((home / "effects").read_text(), part(home, "run").read_text().split()) == ("effect\n", ["7", "-", "end"])


async def test_a_job_whose_shell_is_gone_is_in_doubt(reach, home):
    session = await reach()
    sink = Recorder()
    following = asyncio.create_task(session.run(sh("echo begun; sleep 600"), durable(), sink))
    await until(lambda: command_pid(home))
    os.kill(int(claimed(home)[0].split()[0]), signal.SIGKILL)
    os.killpg(command_pid(home), signal.SIGKILL)
    assert isinstance(await following, Lost)
    assert isinstance(await (await reach()).reattach(sh("x"), durable(), Recorder()), Lost)


@pytest.mark.parametrize("line", ["{pid} 1 {boot}", "{pid} {start} another-boot", "999999 1 {boot}", "torn"])
async def test_a_process_id_alone_proves_nothing(reach, home, line):
    """The machine was started anew, or the number belongs to somebody else now."""
    session = await reach()
    stat = Path(f"/proc/{os.getpid()}/stat").read_text().rpartition(") ")[2].split()
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    claim(home, "run", "out", "err")
    part(home, "job").write_text(line.format(pid=os.getpid(), start=stat[19], boot=boot) + "\nspec\n")
    assert isinstance(await session.reattach(sh("x"), durable(), Recorder()), Lost)


async def test_a_shell_that_is_dead_and_not_buried_yet_is_dead(reach, home):
    session = await reach()
    dead = subprocess.Popen(["true"])
    stat = Path(f"/proc/{dead.pid}/stat")
    await until(lambda: ") Z " in stat.read_text())
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    claim(home, "run", "out", "err")
    start = stat.read_text().rpartition(") ")[2].split()[19]
    part(home, "job").write_text(f"{dead.pid} {start} {boot}\nspec\n")
    assert isinstance(await session.reattach(sh("x"), durable(), Recorder()), Lost)
    dead.wait()


async def test_an_exit_code_outlives_a_restart_of_the_machine(reach, home):
    session = await reach()
    await ran(session, sh("echo before; exit 9"))
    part(home, "job").write_text("1 1 another-boot\nspec\n1\n")
    assert await session.reattach(sh("x"), durable(), Recorder()) == Exited(9)


async def test_an_exit_code_takes_no_more_room_than_was_taken_before_the_start(reach, home):
    """A command may fill the disk, and its code must still be known."""
    session = await reach()
    ending, before, _ = await ran(session, sh(f"wc -c <{part(home, 'run')}; exit 255"))
    after = part(home, "run").read_text()
    assert (ending, int(before), after.split()[0]) == (Exited(255), len(after), "255")


@pytest.mark.parametrize("stream", ["out", "err"])
async def test_an_exit_code_is_known_though_somebody_has_removed_the_output(reach, home, stream):
    session = await reach()
    assert (await ran(session, sh("echo out; exit 9")))[0] == Exited(9)
    part(home, stream).unlink()
    ending = await session.reattach(sh("x"), durable(), Recorder())
    assert ending == Lost("it ended with exit code 9, and what it printed is not there any more", is_over=True)


async def test_an_exit_code_without_its_last_word_is_none(reach, home):
    """What a power cut has left of it may be the beginning of another number."""
    session = await reach()
    claim(home, "run", "out", "err")
    part(home, "run").write_text("1 77.5 en\n")
    assert isinstance(await session.reattach(sh("x"), durable(), Recorder()), Lost)


@pytest.mark.parametrize("name", ["TERM", "HUP"])
async def test_a_signal_that_is_not_for_the_shell_costs_no_exit_code(reach, home, name):
    """Where all of a connection is one group, what is sent to a command comes to its shell as well."""
    session = await reach()
    running = asyncio.create_task(ran(session, sh(f"while [ ! -f {home}/go ]; do sleep 0.05; done; echo done; exit 6")))
    await until(lambda: command_pid(home))
    os.kill(int(claimed(home)[0].split()[0]), signal.Signals[f"SIG{name}"])
    (home / "go").touch()
    assert await running == (Exited(6), b"done\n", b"")


SLOW = """
rb_mark=M
rb_ready visit
rb_dir={folder}/j
printf '1 1 boot\nspec\n' >$rb_dir.job
rb_nap() {{
  [ -f $rb_dir.run ] || {{ printf 'out\n' >$rb_dir.out; true >$rb_dir.err; printf '7 1 end\n' >$rb_dir.run; }}
}}
rb_follow 0 0 10
"""


def test_a_launcher_that_is_only_slow_has_a_moment_to_commit(tmp_path, home):
    text = SLOW.format(folder=tmp_path)
    done = subprocess.run(["/bin/sh"], input=_LIBRARY + text.encode(), capture_output=True, timeout=20, check=False)
    assert done.stdout.splitlines()[1:] == [b"M out", b"out", b"M err", b"M exit 7 0 1"]


BETWEEN = """
rb_mark=M
rb_ready visit
rb_dir={folder}/j
true >$rb_dir.out; true >$rb_dir.err; true >$rb_dir.run
ends() {{ printf 'last\n' >>$rb_dir.out; printf '7 1 end\n' >$rb_dir.run; }}
rb_lives() {{ {at_life} return {gone}; }}
rb_read_code() {{
  {at_code}
  rb_code= rb_last=
  read -r rb_code rb_rest rb_last <$rb_dir.run
  [ "$rb_last" = end ] || rb_code=
}}
exec 5<$rb_dir.out 6<$rb_dir.err
rb_turn
"""


@pytest.mark.parametrize("question", [{"at_life": "ends;", "at_code": "", "gone": 1}, {"at_life": "", "at_code": "ends", "gone": 0}], ids=["whether its shell lives", "its exit code"])  # fmt: skip
def test_a_job_that_ends_while_it_is_asked_about_is_known_whole(tmp_path, home, question):
    text = BETWEEN.format(folder=tmp_path, **question)
    done = subprocess.run(["/bin/sh"], input=_LIBRARY + text.encode(), capture_output=True, timeout=20, check=False)
    assert done.stdout.splitlines()[1:] == [b"M out", b"last", b"M err", b"M exit 7 0 1"]


async def test_a_limit_ends_the_whole_tree_and_keeps_the_exit_code(reach, home):
    session = await reach()
    text = f"setsid sh -c 'echo $$ > {home}/deep; exec sleep 600' & echo begun; wait"
    assert (await ran(session, sh(text), limit=1.0))[:2] == (Expired(1.0), b"begun\n")
    assert not is_alive(int((home / "deep").read_text()))
    assert part(home, "run").read_text().split()[0] == "143"
    assert part(home, "cancel").exists()


async def test_cancelling_ends_what_ignores_term(reach, home):
    session = await reach()
    sink = Recorder(wanted=b"begun")
    text = f"trap '' TERM; echo $$ > {home}/pid; echo begun; while :; do sleep 0.1; done"
    running = asyncio.create_task(session.run(sh(text), durable(), sink))
    await asyncio.wait_for(sink.seen.wait(), 10)
    running.cancel()
    assert await running == Stopped()
    assert not is_alive(int((home / "pid").read_text()))


async def test_a_job_may_be_ended_by_a_runner_that_did_not_start_it(reach, home):
    first = await reach()
    lost = asyncio.create_task(first.run(sh("sleep 600"), durable(), Counter()))
    await until(lambda: command_pid(home))
    await first.close()
    await lost
    second = await reach()
    assert await second.reattach(sh("sleep 600"), durable(limit=0.5), Counter()) == Expired(0.5)
    assert not is_alive(command_pid(home))


async def told(session, verb: str) -> list[tuple[str, str]]:
    """What another shell says to a frame."""
    async with session._jobs._shells.urgent(None) as helper:
        said = await answered(helper, f"{verb}\n", within=20)
    return [(line.word, line.rest) for line in said]


async def ended(session) -> list[tuple[str, str]]:
    """What a shell says that is told to end the job."""
    return await told(session, f"rb_cancel {file_name(JOB)} {file_name(JOB)} 5")


async def test_a_shell_that_comes_too_late_does_not_print_the_output_a_second_time(reach, home):
    session = await reach()
    assert await ran(session, sh("echo out")) == (Exited(0), b"out\n", b"")
    assert await told(session, f"rb_live {file_name(JOB)} 0 0") == [("over", "")]


@pytest.mark.parametrize("claimed", ["999999 1 {boot}\nspec\n{pid}\n", "{pid} 1 {boot}\nattached spec\n"], ids=["durable", "attached"])  # fmt: skip
async def test_ending_spares_whoever_has_the_commands_number_now(reach, home, claimed):
    """The job's shell is gone, and its process id belongs to a stranger: only the cookie may decide."""
    session = await reach()
    stranger = await asyncio.create_subprocess_exec("sleep", "600", start_new_session=True)
    claim(home, "run", "out", "err")
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    part(home, "job").write_text(claimed.format(pid=stranger.pid, boot=boot))
    assert await ended(session) == [("ended", "")]
    assert is_alive(stranger.pid)
    stranger.kill()
    await stranger.wait()


async def test_a_job_that_has_not_begun_is_ended_by_keeping_it_from_beginning(reach, home):
    session = await reach()
    claim(home)
    assert await ended(session) == [("fenced", "")]
    assert part(home, "run").read_text() == "fenced\n"


UNNAMED = """
rb_mark=M
rb_ready visit
printf '%s\n' "$rb_me" spec >$rb_base/j.job
echo "$rb_blank" >$rb_base/j.run
sleep 600 </dev/null >/dev/null 2>&1 &
command=$!
rb_nap() { [ -n "$rb_pid" ] || echo "$command" >>$rb_base/j.job; }
rb_cancel j cookie 5
wait "$command"
rb_say code $?
"""


def test_a_command_that_has_not_told_its_number_yet_is_ended_once_it_has(home):
    done = subprocess.run(["/bin/sh"], input=_LIBRARY + UNNAMED.encode(), capture_output=True, timeout=30, check=False)
    assert done.stdout.splitlines()[1:] == [b"M ended", b"M code 143"]


async def test_a_job_that_is_over_is_not_ended(reach, home):
    session = await reach()
    left = await ran(session, sh(f"sleep 600 & echo $! > {home}/left"))
    assert left[0] == Exited(0, late_output=True)
    assert await ended(session) == [("over", "")]
    pid = int((home / "left").read_text())
    assert is_alive(pid)
    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("leader", [0, 1])
async def test_an_unknown_leader_is_nobodys_ancestor(leader):
    """Process 0 is everybody's: listed by descent it would be the whole machine."""
    shell = await asyncio.create_subprocess_exec(
        "/bin/sh", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    listed, _ = await shell.communicate(_LIBRARY + f"rb_members {leader} nobodys-cookie ' '\n".encode())
    assert listed == b""


async def test_the_shell_takes_the_next_job_after_an_ended_one(reach):
    session = await reach()
    assert (await ran(session, sh("sleep 600"), limit=0.4))[0] == Expired(0.4)
    assert await ran(session, sh("echo next"), name="next") == (Exited(0), b"next\n", b"")


async def test_a_process_left_behind_is_told_and_does_not_hold_the_job(reach, home):
    session = await reach()
    result = await ran(session, sh(f"sleep 600 & echo $! > {home}/left; echo done; exit 4"))
    assert result == (Exited(4, late_output=True), b"done\n", b"")
    os.kill(int((home / "left").read_text()), signal.SIGKILL)


async def test_many_jobs_at_once_keep_their_output_apart(reach):
    session = await reach()
    many = [ran(session, sh(f"echo {i}; echo e{i} >&2; exit {i}"), name=str(i)) for i in range(12)]
    assert await asyncio.gather(*many) == [(Exited(i), b"%d\n" % i, b"e%d\n" % i) for i in range(12)]


async def test_a_finished_job_is_removed_only_when_the_record_has_it(reach, home):
    session = await reach()
    await ran(session, sh("true"), name="kept")
    await ran(session, sh("true"), name="gone")
    await session.forget(durable("gone"))
    await session.close()
    left = {suffix: part(home, suffix, "gone").exists() for suffix in ("job", "run", "out", "err")}
    assert left == {"job": True, "run": False, "out": False, "err": False}
    assert part(home, "job", "gone").read_text().splitlines()[-1] == "forgot 0"
    assert part(home, "out", "kept").exists()


async def test_a_job_without_an_exit_code_is_never_removed(reach, home):
    session = await reach()
    claim(home, "run", "out", "err")
    await session.forget(durable())
    await session.close()
    left = {suffix: part(home, suffix).read_text() for suffix in ("job", "run", "out", "err")}
    assert left == dict.fromkeys(left, "\n")


async def test_an_unwritable_home_is_no_reason_to_be_less_durable(reach, home):
    base(home).parent.parent.mkdir()
    base(home).parent.write_text("a file where the folder should be")
    session = await reach()
    sink = Recorder()
    assert await session.run(sh("echo out"), durable("home-less"), sink) == Exited(0)
    assert sink.grades == [Grade.SESSION]
    await session.forget(durable("home-less"))


async def test_a_folder_that_somebody_laid_as_a_link_is_not_used(reach, home):
    base(home).parent.mkdir(parents=True)
    (home / "elsewhere").mkdir()
    base(home).symlink_to(home / "elsewhere")
    session = await reach()
    await ran(session, sh("true"), name="linked")
    assert list((home / "elsewhere").iterdir()) == []
    await session.forget(durable("linked"))


@as_root
async def test_a_folder_of_somebody_else_is_not_used(reach, home):
    base(home).mkdir(parents=True)
    os.chown(base(home), SOMEBODY, SOMEBODY)
    session = await reach()
    await ran(session, sh("true"), name="theirs")
    assert list(base(home).iterdir()) == []
    await session.forget(durable("theirs"))


@as_root
def test_files_of_somebody_else_say_nothing_of_our_jobs(tmp_path, home):
    """Anybody may have laid a folder where we would look last."""
    for suffix, text in (("job", "1 1 boot\nspec\n1\n"), ("run", "0 1 end\n"), ("out", "forged\n"), ("err", "")):
        (tmp_path / f"j.{suffix}").write_text(text)
        os.chown(tmp_path / f"j.{suffix}", SOMEBODY, SOMEBODY)
    text = f"rb_mark=M\nrb_ready visit\nrb_expect=$rb_place\nrb_base5={tmp_path}\nrb_attach j 0 0\n"
    done = subprocess.run(["/bin/sh"], input=_LIBRARY + text.encode(), capture_output=True, timeout=20, check=False)
    assert done.stdout.splitlines()[1:] == [b"M unsent"]


async def test_without_setsid_a_job_is_still_durable(reach, home, monkeypatch, tmp_path):
    path_without(tmp_path, monkeypatch, "setsid")
    session = await reach()
    sink = Recorder()
    assert await session.run(sh("echo out"), durable(), sink) == Exited(0)
    assert (sink.out, sink.grades) == (b"out\n", [Grade.FILES])
    text = f"sh -c 'echo $$ > {home}/deep; exec sleep 600' & wait"
    assert (await ran(session, sh(text), name="tree", limit=1.0))[0] == Expired(1.0)
    assert not is_alive(int((home / "deep").read_text()))


def command_line(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def path_without(tmp_path, monkeypatch, *missing):
    """A PATH that holds every ordinary tool but these."""
    tools = tmp_path / "tools"
    tools.mkdir(exist_ok=True)
    names = [
        "sh",
        "cat",
        "mkdir",
        "mv",
        "rm",
        "sleep",
        "chmod",
        "df",
        "id",
        "dd",
        "tr",
        "ps",
        "grep",
        "date",
        "uname",
        "seq",
        "setsid",
        "env",
        "printf",
        "sha256sum",
    ]
    for name in names:
        if name not in missing and (found := shutil.which(name)):
            (tools / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(tools))
    return tools
