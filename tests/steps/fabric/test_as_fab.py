"""What fabfiles do that people have: what they read, ask, set and return is as under `fab`, or is refused in words."""

from __future__ import annotations

import json

import pytest

from runbook.core.outcome import Outcome
from runbook.core.planned.action import Expectation, Tolerance
from runbook.core.planned.command import Secret
from tests.steps.fabric.fabfiles import Place
from tests.transport import server


@pytest.fixture
async def place(tmp_path):
    started = await server.start(tmp_path)
    yield Place(tmp_path, started)
    await started.stop()


def names(place: Place) -> list[str]:
    """Who has logged in."""
    return [connection.get_extra_info("username") for connection in place.server.state.connections]


# --- env --------------------------------------------------------------------------------------------------------------


async def test_env_is_there_when_the_fabfile_is_read_and_what_it_starts_has_it_too(place):
    place.write("""
        import os

        STAGE = os.environ["STAGE"]

        @task
        def look(c):
            print(STAGE, c.local("echo $STAGE", hide=True).stdout.strip(), c.run("echo [$STAGE]", hide=True).stdout.strip())
    """)
    finding = await place.run("look", env=(("STAGE", "blue"),))
    assert (finding.outcome, place.out) == (Outcome.SUCCEEDED, b"blue blue []\n")


async def test_a_secret_in_env_is_in_no_process_list_and_masked_where_it_is_printed(place):
    secret = Secret("token", "hunter22")
    place.write("""
        import os

        @task
        def look(c):
            start = open("/proc/self/environ").read() + open("/proc/self/cmdline").read()
            print(os.environ["TOKEN"], "hunter22" in start)
    """)
    await place.run("look", env=(("TOKEN", secret),), secrets=(secret,))
    assert place.out == b"hunter22 False\n"
    assert (await place.run("look", env=(("TOKEN", secret),), secrets=(secret,))).result.stdout == "******** False"


async def test_settings_of_fabric_may_come_by_env_and_modules_by_pythonpath(place):
    (place.folder / "elsewhere").mkdir()
    place.write("WORD = 'lent'", "elsewhere/lent.py")
    place.write("import lent\n@task\ndef look(c):\n    print(lent.WORD)\n    c.run('true')")
    await place.run("look", env=(("FABRIC_RUN_ECHO", "1"), ("PYTHONPATH", str(place.folder / "elsewhere"))))
    assert place.out == b"lent\n\x1b[1;37mtrue\x1b[0m\n"


@pytest.mark.parametrize(("name", "value"), [("A=B", "x"), ("", "x"), ("A", "x\0y")])
async def test_what_cannot_stand_in_an_environment_is_refused_before_a_login(place, name, value):
    place.write("@task\ndef look(c):\n    c.run('true')")
    finding = await place.run("look", env=((name, value),))
    assert finding.outcome is Outcome.FAILED
    assert finding.detail.startswith(f'"{name}" cannot stand in an environment')
    assert place.server.state.logins == 0


# --- nobody is there to answer ----------------------------------------------------------------------------------------

ASKING = """
    import getpass, sys

    @task
    def confirm(c):
        c.run("echo before")
        if input("Really deploy? [y/N] ") == "y":
            c.run("echo after")

    @task
    def unlock(c):
        c.sudo("true", password=getpass.getpass("Sudo password: "))

    @task
    def shell(c):
        c.shell()

    @task
    def careful(c):
        try:
            input("Sure? ")
        except EOFError:
            print("taken for a no")
"""


@pytest.mark.parametrize(
    ("task", "by", "line", "asked"),
    [
        ("confirm", "input()", 8, "Really deploy?"),
        ("unlock", "getpass()", 13, "Sudo password"),
        ("shell", "c.shell()", 17, ""),
    ],
)
async def test_who_asks_a_person_is_told_that_there_is_no_terminal(place, task, by, line, asked):
    place.write(ASKING)
    finding = await place.run(task)
    fix = "Give the answer in args or env, and put an ask or a confirm step before it where a person decides."
    said = f"the task asks with {by}: a step has no terminal. {fix} (fabfile.py:{line})"
    assert (finding.outcome, finding.detail) == (Outcome.FAILED, said)
    assert asked in (place.out + place.err).decode()


async def test_a_question_while_the_fabfile_is_read_is_told_as_well(place):
    place.write("HOST = input('Which host? ')\n@task\ndef work(c):\n    c.run('true')")
    finding = await place.run("work")
    assert finding.detail.startswith("the task asks with input(): a step has no terminal.")
    assert finding.detail.endswith("(fabfile.py:2)")


async def test_a_task_that_minds_having_no_terminal_goes_on(place):
    place.write(ASKING)
    finding = await place.run("careful")
    assert (finding.outcome, place.out) == (Outcome.SUCCEEDED, b"Sure? \ntaken for a no\n")


# --- what a task returns ----------------------------------------------------------------------------------------------

RETURNING = """
    import datetime, pathlib

    @task
    def give(c, what):
        return {
            "number": 12,
            "nothing": None,
            "no": False,
            "text": "grün",
            "deep": {"lag": [1, 2.5, {"a": True}], "when": datetime.date(2026, 1, 2), "path": pathlib.Path("/srv")},
            "set": {"b", "a"},
            "tuple": (1, 2),
            "command": c.run("echo out; echo err >&2; exit 3", warn=True, hide=True),
            "connection": c,
            "nan": float("nan"),
            "large": "x" * 70_000,
            "odd": c.run("printf 'a\\\\377'", hide=True).stdout,
        }[what]
"""


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("number", 12),
        ("nothing", None),
        ("no", False),
        ("text", "grün"),
        ("deep", {"lag": [1, 2.5, {"a": True}], "when": "2026-01-02", "path": "/srv"}),
        ("set", ["a", "b"]),
        ("tuple", [1, 2]),
        ("odd", "a?"),
        (
            "command",
            {
                "command": "echo out; echo err >&2; exit 3",
                "exited": 3,
                "ok": False,
                "stdout": "out\n",
                "stderr": "err\n",
            },
        ),
    ],
)
async def test_what_a_task_returns_is_its_value(place, what, value):
    place.write(RETURNING)
    finding = await place.run("give", {"what": what})
    assert (finding.outcome, finding.result.value) == (Outcome.SUCCEEDED, value)


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("connection", "what it returned is not kept: JSON has no word for OpenConnection"),
        ("nan", "what it returned is not kept: Out of range float values are not JSON compliant"),
        ("large", "it returned more than the 64 KiB that are kept of a value"),
    ],
)
async def test_what_cannot_be_kept_is_said_and_fails_only_who_tests_it(place, what, why):
    place.write(RETURNING)
    finding = await place.run("give", {"what": what})
    assert (finding.outcome, finding.result.value) == (Outcome.SUCCEEDED, None)
    assert why in finding.detail
    tested = await place.run("give", {"what": what}, expect=Expectation(value=Tolerance(equals=1)))
    assert (tested.outcome, "value cannot be read" in tested.detail) == (Outcome.FAILED, True)


@pytest.mark.parametrize(
    ("what", "wanted", "miss"),
    [
        ("number", Tolerance(max=12), ""),
        ("number", Tolerance(max=10), "value is 12, expected at most 10"),
        ("no", Tolerance(equals=True), "value is false, expected true"),
        ("nothing", Tolerance(equals=1), "there is no value to test"),
        ("deep", Tolerance(jsonpath="$.lag[0]", equals=1), ""),
        ("command", Tolerance(jsonpath="$.exited", equals=0), "value at $.exited is 3, expected 0"),
    ],
)
async def test_a_value_is_tested_as_json_is(place, what, wanted, miss):
    place.write(RETURNING)
    finding = await place.run("give", {"what": what}, expect=Expectation(value=wanted))
    assert finding.outcome is (Outcome.FAILED if miss else Outcome.SUCCEEDED)
    assert miss in finding.detail


async def test_secrets_in_a_value_are_masked_as_keys_and_as_numbers_too(place):
    secrets = (Secret("word", "hunter22"), Secret("pin", "48151623"))
    place.write("@task\ndef give(c, word, pin):\n    return {word: [f'x{word}', int(pin), 7]}")
    finding = await place.run("give", {"word": "hunter22", "pin": "48151623"}, secrets=secrets)
    assert finding.result.value == {"********": ["x********", "********", 7]}


# --- what a task sets on its connection -------------------------------------------------------------------------------


async def test_connect_kwargs_are_there_as_fab_gives_them(place):
    place.write("""
        import json

        @task
        def look(c):
            print(json.dumps([c.connect_kwargs.key_filename, c.config.connect_kwargs.key_filename]))
            with Connection(c.host, user=c.user, port=c.port, connect_kwargs=c.connect_kwargs) as own:
                own.run("echo own")
            with Connection(c.host, user=c.user, port=c.port, config=c.config) as own:
                own.run("echo own")
            c.close()
            c.run("echo again")
    """)
    finding = await place.run("look")
    key = str(place.folder / "id")
    said, *rest = place.out.decode().splitlines()
    assert (finding.outcome, json.loads(said), rest) == (Outcome.SUCCEEDED, [[key], [key]], ["own", "own", "again"])


async def test_a_user_that_the_task_names_before_its_first_command_is_who_runs_it(place):
    place.write("@task\ndef work(c):\n    c.user = 'deploy'\n    c.run('echo ran')\n    c.run('echo ran')")
    finding = await place.run("work")
    assert (finding.outcome, place.out, names(place)) == (Outcome.SUCCEEDED, b"ran\nran\n", ["tester", "deploy"])


@pytest.mark.parametrize("how", ["c.connect_kwargs.password = 'x'", "c.connect_kwargs['key_filename'].append('/no')"])
async def test_what_is_set_in_connect_kwargs_counts_from_the_next_command_on(place, how):
    place.write(f"@task\ndef work(c):\n    {how}\n    c.run('echo ran')")
    finding = await place.run("work")
    assert (finding.outcome, place.out, names(place)) == (Outcome.SUCCEEDED, b"ran\n", ["tester", "tester"])


async def test_another_host_that_the_task_names_is_checked_as_the_first(place, tmp_path_factory):
    other = await server.start(tmp_path_factory.mktemp("other"))
    place.write(f"@task\ndef work(c):\n    c.port = {other.port}\n    c.run('echo ran')")
    finding = await place.run("work")
    await other.stop()
    assert (finding.outcome, place.out, other.state.logins) == (Outcome.FAILED, b"", 0)
    assert "no key is known for" in finding.detail


async def test_connect_kwargs_of_the_project_take_part_in_the_login(place):
    (place.folder / "id").rename(place.folder / "deploy_key")
    (place.folder / "fabric.yaml").write_text(
        f"connect_kwargs: {{key_filename: {place.folder}/deploy_key, username: nobody, timeout: 1}}\n"
    )
    place.write("@task\ndef work(c):\n    c.run('echo ran')")
    assert ((await place.run("work")).outcome, place.out, names(place)) == (Outcome.SUCCEEDED, b"ran\n", ["tester"])


async def test_the_users_own_settings_take_part_in_it_too(place, monkeypatch, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    (place.folder / "id").rename(home / "deploy_key")
    (home / ".fabric.yml").write_text(f"connect_kwargs: {{key_filename: [{home}/deploy_key]}}\n")
    place.write("@task\ndef work(c):\n    print(c.config.connect_kwargs.key_filename)")
    finding = await place.run("work")
    assert (finding.outcome, place.out.decode()) == (Outcome.SUCCEEDED, f"['{home}/deploy_key']\n")


async def test_settings_that_are_a_program_have_no_part_in_the_login(place):
    (place.folder / "fabric.py").write_text(f"open('{place.folder}/read', 'w')\nconnect_kwargs = {{'password': 'x'}}\n")
    (place.folder / "known_hosts").write_text("")
    place.write("@task\ndef work(c):\n    c.run('echo ran')")
    assert (await place.run("work")).outcome is Outcome.UNREACHABLE
    assert not (place.folder / "read").exists()


# --- the rest of what is common ---------------------------------------------------------------------------------------


async def test_a_group_of_connections_runs_on_each(place):
    place.write("""
        from fabric import SerialGroup, ThreadingGroup

        @task
        def all_of_them(c):
            for kind in (SerialGroup, ThreadingGroup):
                group = kind(*[f"tester@{c.host}:{c.port}"] * 2, connect_kwargs=c.connect_kwargs)
                group.run("echo there")
    """)
    await place.run("all-of-them")
    assert place.out == b"there\n" * 4


async def test_folders_prefixes_local_commands_and_pre_tasks_work_as_they_do(place):
    (place.folder / "app").mkdir()
    place.write(f"""
        from invoke import run

        @task
        def build(c):
            c.run("echo built")

        @task(pre=[build], hosts=["nowhere.invalid"])
        def deploy(c):
            with c.cd("{place.folder}/app"), c.prefix("X=1"):
                c.run("pwd; echo $X")
            run("echo here")
            c.local("echo here", replace_env=False)
    """)
    finding = await place.run("deploy")
    assert (finding.outcome, place.out.decode().splitlines()) == (
        Outcome.SUCCEEDED,
        ["built", f"{place.folder}/app", "1", "here", "here"],
    )
