"""`fabric`: a task of an existing fabfile, what it is given, and what its endings mean."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from importlib.metadata import version

import pytest

from runbook.core.host import Host
from runbook.core.outcome import Grade, Outcome, Withheld
from runbook.core.planned.action import Expectation, FabricAction, Tolerance
from runbook.core.planned.command import Become, Secret
from runbook.core.result import Result
from runbook.steps.fabric.kind import FabricKind
from runbook.steps.kind import Finding
from runbook.transport.local.connector import LocalConnector
from runbook.transport.shell.sudo import Sudos
from tests.steps.desk import Desk
from tests.steps.fabric.fabfiles import Place
from tests.transport import server
from tests.transport.shell.sudos import PASSWORD, Tool

ENGINE = f"fabric {version('fabric')}, paramiko {version('paramiko')}"

UNCHANGED = """
    import io

    @task
    def deploy(c, release, count=1, dry=False):
        c.run("echo before")
        c.put(io.StringIO(release * count), f"{DIR}/release")
        c.get(f"{DIR}/release", local=f"{DIR}/fetched")
        print(repr((release, count, dry, c.run(f"cat {DIR}/release", hide=True).stdout)))
"""


@pytest.fixture
async def place(tmp_path):
    started = await server.start(tmp_path)
    yield Place(tmp_path, started)
    await started.stop()


# --- what a task is given ---------------------------------------------------------------------------------------------


async def test_an_unchanged_fabfile_runs_and_its_args_keep_their_types(place):
    place.write(UNCHANGED.replace("{DIR}", str(place.folder)))
    finding = await place.run("deploy", {"release": "v2", "count": 3, "dry": True})
    said = "before\n('v2', 3, True, 'v2v2v2')"
    assert finding == Finding(outcome=Outcome.SUCCEEDED, detail=ENGINE, result=Result(rc=0, stdout=said, duration=0.0))
    assert (place.folder / "fetched").read_text() == "v2v2v2"
    assert not (place.folder / "__pycache__").exists()
    assert (place.out.decode(), place.err, place.desk.page.grades) == (f"{said}\n", b"", [Grade.ATTACHED])


async def test_a_task_has_nothing_to_read_no_terminal_and_a_bare_environment(place, monkeypatch):
    monkeypatch.setenv("DB_PASSWORD", "correct horse")
    monkeypatch.setenv("SSH_AUTH_SOCK", str(place.folder / "no-agent"))
    place.write("""
        import json, os, sys

        @task
        def look(c, word):
            about = {"env": sorted(os.environ), "argv": open("/proc/self/cmdline").read().split(chr(0))}
            about |= {"stdin": sys.stdin.read(), "there": os.getcwd(), "leads": os.getsid(0) == os.getpid()}
            about["remote"] = c.run("cat; tty", warn=True, hide=True, pty=True).stdout
            print(json.dumps(about))
    """)
    await place.run("look", {"word": "correct horse"})
    about = json.loads(place.out)
    assert set(about.pop("env")) <= {
        "HOME",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "PATH",
        "PYTHONUTF8",
        "TZ",
        "USER",
        "LOGNAME",
    }
    argv = about.pop("argv")
    assert (argv[:5], len(argv)) == ([sys.executable, "-P", "-B", "-m", "runbook.steps.fabric.child"], 7)
    assert about == {"stdin": "", "there": str(place.folder), "leads": True, "remote": "not a tty\n"}


async def test_a_fabfile_may_import_what_lies_beside_it_and_be_a_package(place):
    (place.folder / "ops").mkdir()
    place.write("from .steps import deploy", "ops/__init__.py")
    place.write("@task\ndef deploy(c):\n    print('from the package')", "ops/steps.py")
    action = FabricAction(task="deploy", file="ops")
    finding = await FabricKind().attempt(action, place.bench())
    assert (finding.outcome, place.out) == (Outcome.SUCCEEDED, b"from the package\n")


async def test_tasks_are_named_as_fab_names_them(place):
    place.write("""
        from invoke import Collection

        @task
        def roll_back(c):
            print("back")

        ns = Collection(roll_back, Collection("db", roll_back))
    """)
    assert [(await place.run(name)).outcome for name in ("roll-back", "roll_back", "db.roll-back")] == ["succeeded"] * 3
    assert place.out == b"back\n" * 3


async def test_bytes_reach_the_record_as_they_came(place):
    odd = b"\xff\xfe" + "grün ".encode() * 20_000 + b"\xc3"
    (place.folder / "odd").write_bytes(odd)
    place.write(f"@task\ndef show(c):\n    c.run('cat {place.folder}/odd')")
    await place.run("show")
    assert place.out == odd


async def test_secrets_are_masked_in_the_result(place):
    place.write("@task\ndef show(c, word):\n    print(word)")
    finding = await place.run("show", {"word": "hunter22"}, secrets=(Secret("word", "hunter22"),))
    assert finding.result.stdout == "********"


# --- what its endings mean --------------------------------------------------------------------------------------------


async def test_a_task_that_returns_is_judged_by_what_was_written_about_the_step(place):
    place.write("@task\ndef lag(c):\n    c.run('echo 12')")
    finding = await place.run("lag", expect=Expectation(stdout=Tolerance(max=10)))
    assert (finding.outcome, finding.detail) == (Outcome.FAILED, 'stdout is "12", expected at most 10')


ALLOW = "Give it with --ask-become-pass (-K) or ansible_become_password, or allow what the task needs with NOPASSWD."

ENDINGS = [
    ("c.run('echo no >&2; exit 3')", 3, '"echo no >&2; exit 3" ended with exit code 3 (fabfile.py:5); stderr ends: no'),
    ("raise ValueError('no\\nway')", 1, "ValueError: no way (fabfile.py:5)"),
    ("import fabric_plugin", 1, "ModuleNotFoundError: No module named 'fabric_plugin' (fabfile.py:5)"),
    ("raise SystemExit('enough')", 1, "exit code 1: enough (fabfile.py:5)"),
    ("raise SystemExit(4)", 1, "exit code 4 (fabfile.py:5)"),
    ("c.run('sleep 5', timeout=0.2)", 1, "CommandTimedOut: Command did not complete within 0.2 seconds!"),
]


@pytest.mark.parametrize(("body", "code", "detail"), ENDINGS)
async def test_a_task_that_does_not_return_has_failed_in_one_sentence(place, body, code, detail):
    place.write(f"\n@task\ndef work(c):\n    {body}")
    finding = await place.run("work", failed_when="never")
    assert (finding.outcome, finding.result.rc) == (Outcome.FAILED, code)
    assert finding.detail.startswith(detail)
    assert "Traceback" not in finding.detail


async def test_the_traceback_of_a_mistake_is_in_the_output(place):
    place.write("@task\ndef work(c):\n    {}['standby']")
    finding = await place.run("work")
    assert finding.detail == "KeyError: 'standby' (fabfile.py:4)"
    assert b"Traceback (most recent call last)" in place.err
    assert b"{}['standby']" in place.err


async def test_a_task_that_leaves_with_code_zero_has_succeeded(place):
    place.write("@task\ndef work(c):\n    raise SystemExit(0)")
    assert (await place.run("work")).outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("echo @@drop@@; sleep 9", "the link was lost"),
        ("kill -9 $$", "a signal ended it, or the server closed it without a status"),
    ],
)
async def test_a_command_without_an_exit_status_is_in_doubt_and_never_a_code(place, how, reason):
    place.write(f"@task\ndef work(c):\n    c.run('{how}', warn=True)")
    finding = await place.run("work")
    assert finding.outcome is Outcome.IN_DOUBT
    assert finding.detail == f"sent, and no answer came: {reason} (fabfile.py:4)"


async def test_a_transfer_whose_link_is_lost_is_in_doubt(place):
    place.write(
        "@task\ndef work(c):\n    c.sftp()\n    c.run('echo @@drop@@', asynchronous=True)\n    c.transport.join()\n"
        "    c.put(__file__, '/tmp/never')"
    )
    finding = await place.run("work")
    assert finding.outcome is Outcome.IN_DOUBT


async def test_a_child_that_goes_without_a_word_is_in_doubt(place):
    place.write("import os\n@task\ndef work(c):\n    os._exit(7)")
    finding = await place.run("work")
    assert (finding.outcome, finding.detail) == (
        Outcome.IN_DOUBT,
        "sent, and no answer came: the Fabric process was gone (status 7)",
    )


async def test_a_sudo_that_asks_is_answered_with_nothing_and_said(place, monkeypatch):
    tool = place.folder / "bin" / "sudo"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\nprintf "%s" "$3" >&2\ncat >{place.folder}/typed\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    place.write("@task\ndef work(c):\n    c.sudo('id')")
    finding = await place.run("work")
    assert (finding.outcome, finding.detail) == (
        Outcome.FAILED,
        f"sudo asks for a password: sudo on box knows no password. {ALLOW} (fabfile.py:4)",
    )
    assert (place.folder / "typed").read_bytes() == b""


@pytest.mark.parametrize("kind", ["sudo", "sudo-rs"])
async def test_a_sudo_that_asks_is_told_the_password_that_the_task_never_holds(place, monkeypatch, kind):
    tool = Tool(place.folder / "tools", kind)
    monkeypatch.setenv("PATH", f"{tool.folder}:{os.environ['PATH']}")
    sudos = Sudos({"": Secret("sudo password", PASSWORD)})
    place.desk = Desk(connector=LocalConnector(wall=time.time, sudos=sudos))
    place.write("""
        @task
        def work(c):
            for word in ("one", "two"):
                print(c.sudo(f"echo {word}", hide=True).stdout.strip(), c.config.sudo.password)
    """)
    finding = await place.run("work")
    assert finding.outcome is Outcome.SUCCEEDED, finding.detail
    assert (place.out.decode().splitlines(), tool.wrong()) == (
        ["one runbook-knows-the-sudo-password", "two runbook-knows-the-sudo-password"],
        0,
    )
    # One of ours has proved it, once; the task's own were told it each.
    assert [call.startswith("-k -S ") for call in tool.calls()] == [False, True, False]


async def test_a_wrong_password_is_not_told_to_a_task(place, monkeypatch):
    tool = Tool(place.folder / "tools")
    monkeypatch.setenv("PATH", f"{tool.folder}:{os.environ['PATH']}")
    place.desk = Desk(connector=LocalConnector(wall=time.time, sudos=Sudos({"": Secret("sudo password", "wrong")})))
    place.write("@task\ndef work(c):\n    c.sudo('id')")
    finding = await place.run("work")
    assert finding.detail.startswith("sudo asks for a password: cannot become root: sudo: it asked for the password of")
    assert tool.wrong() == 1


async def test_no_log_keeps_commands_and_messages_out_of_the_detail(place):
    place.write("""
        @task
        def command(c):
            c.run("echo hunter22; exit 3")

        @task
        def message(c):
            raise ValueError("hunter22")
    """)
    details = [(await place.run(name, no_log=True)).detail for name in ("command", "message")]
    assert details == ["a command ended with exit code 3 (fabfile.py:5)", "ValueError (fabfile.py:9)"]


# --- what is refused before anything runs -----------------------------------------------------------------------------


async def test_an_unknown_task_names_the_likely_one(place):
    place.write("@task\ndef deploy(c):\n    c.run('true')\n@task\ndef restart(c):\n    c.run('true')")
    finding = await place.run("deploi")
    assert (finding.outcome, finding.detail) == (
        Outcome.FAILED,
        'fabfile.py has no task "deploi". Did you mean "deploy"?',
    )
    assert (await place.run("zzz")).detail == 'fabfile.py has no task "zzz". Known: deploy, restart.'
    assert place.server.state.execs == []


async def test_arguments_that_do_not_fit_stop_the_task_before_its_first_command(place):
    place.write("@task\ndef deploy(c, release, dry=False):\n    c.run('true')")
    finding = await place.run("deploy", {"version": "v2"})
    assert finding.outcome is Outcome.FAILED
    assert finding.detail.startswith('task "deploy" cannot be called with these args: ')
    assert finding.detail.endswith("It takes: release, dry.")
    assert place.server.state.execs == []


async def test_a_fabfile_that_is_no_python_is_named_with_its_line(place):
    place.write("@task\ndef deploy(c:\n")
    finding = await place.run("deploy")
    assert finding.outcome is Outcome.FAILED
    assert finding.detail.startswith("SyntaxError: ")
    assert finding.detail.endswith("(fabfile.py:3)")


async def test_a_missing_fabfile_is_looked_for_nowhere_else(place):
    place.write("@task\ndef deploy(c):\n    c.run('true')")
    (place.folder / "below").mkdir()
    finding = await FabricKind().attempt(FabricAction(task="deploy", file="below/fabfile.py"), place.bench())
    assert (finding.outcome, finding.detail) == (
        Outcome.FAILED,
        f"there is no fabfile at {place.folder}/below/fabfile.py. Correct file; it is relative to the runbook.",
    )
    assert place.server.state.logins == 0


@pytest.mark.parametrize(("word", "parts"), [("become", {"become": Become()}), ("cwd", {"cwd": "/srv"})])
async def test_keys_that_mean_nothing_to_a_task_are_refused_and_not_passed_over(place, word, parts):
    place.write("@task\ndef work(c):\n    c.run('true')")
    finding = await place.run("work", **parts)
    assert (finding.outcome, finding.detail) == (
        Outcome.FAILED,
        f"a Fabric task takes no {word}. Take it out, and let the task do it or give it args.",
    )
    assert place.server.state.logins == 0


@pytest.mark.parametrize("address", [None, Host(name="controller", connection="local")])
async def test_a_task_needs_a_host_to_log_in_to(address):
    finding = await FabricKind().attempt(FabricAction(task="work"), Desk().bench(host="controller", address=address))
    assert (finding.outcome, finding.detail) == (
        Outcome.FAILED,
        "a Fabric task needs a host to log in to, and controller is none. Use a command for it.",
    )


async def test_a_task_that_may_have_been_run_before_is_not_begun(place):
    async def begun_before():
        return Withheld("it was begun before")

    place.write("@task\ndef work(c):\n    c.run('true')")
    finding = await place.run("work", claim=begun_before)
    assert (finding.outcome, place.server.state.logins) == (Outcome.IN_DOUBT, 0)


async def test_a_task_whose_runner_died_is_in_doubt_and_not_started_again(place):
    place.write("@task\ndef work(c):\n    c.run('true')")
    finding = await place.run("work", reattach=True)
    assert (finding.outcome, finding.detail) == (
        Outcome.IN_DOUBT,
        "task work was run, perhaps, by a runner that is gone",
    )
    assert place.server.state.logins == 0


async def test_several_hosts_at_once_do_not_meet(place):
    place.write("@task\ndef work(c, n):\n    c.run(f'echo {n}')")
    desks = [Place(place.folder, place.server, Desk()) for _ in range(3)]
    await asyncio.gather(*(desk.run("work", {"n": n}) for n, desk in enumerate(desks)))
    assert [desk.out for desk in desks] == [b"0\n", b"1\n", b"2\n"]


async def test_a_fabfile_that_changed_since_it_was_shown_is_not_run(place):
    place.write("print('it was run')")
    finding = await FabricKind().attempt(FabricAction(task="work", sha256="0" * 64), place.bench())
    assert finding.outcome is Outcome.FAILED
    assert "has changed since the plan was made" in finding.detail
    assert place.out == b""
