"""Every command block of README.md and docs/ is run, in the order of its page, on a lab that is new for each page.

A line behind `$` is a command, what stands behind ` # ` is prose. Names that stand for one's own (RUN, STEP) and what a
page takes for granted (a run that is live, a gate that waits) are set up here, by page and command; a command for which
nothing is said here is run as it stands and has to end well. The tasks of `operator-tasks.md` are played by
`test_operator_tasks`, the `sh` blocks of `record.md` are run by `record/test_stock_tools`.
"""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runbook.lab.control import down, up
from tests.cli.desk import RUNNER, is_runner

pytestmark = [pytest.mark.real, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
PATIENCE = 180.0
"""Seconds after which a command, or what it needs, has failed."""
PAGES = ("README.md", *(f"docs/{page.name}" for page in sorted((ROOT / "docs").glob("*.md"))))
HOSTS_AND_GATES = """version: 1
kind: failover
name: orders-failover
title: Fail over
inventory: lab
sections:
  - name: Look
    steps: [{name: Look, command: uptime, on: db1, durable: false, timeout: 10s}]
  - name: Decide
    steps:
      - {name: Declare, approve: {message: "Fail over?", allow_self: true}}
      - name: Which way
        choose: {prompt: How?, options: [{label: slowly}, {label: quickly}]}
"""
BROKEN = """version: 1
kind: operation
name: broken
title: Work that fails half way
inventory: lab
sections:
  - name: Work
    steps:
      - {name: Begin, command: touch begun, on: db1, timeout: 10s, rollback: {name: End, command: rm begun, timeout: 10s}}
      - {name: Go on, command: test ! -e begun || exit 1, on: db1, timeout: 10s}
"""


class Stage:
    """A workspace on the lab, and somebody who types into a shell there, without a terminal."""

    def __init__(self, root: Path, runtime: str) -> None:
        self.root = root
        kept = {name: value for name, value in os.environ.items() if name not in {"CI", "RUNBOOK_THEME"}}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self._environment = {**kept, "PATH": path, "XDG_RUNTIME_DIR": runtime, "HOME": str(root)}

    def shell(self, command: str, *, typed: str = "", where: Path | None = None) -> subprocess.CompletedProcess[str]:
        words = ["bash", "-o", "pipefail", "-c", command]
        return subprocess.run(
            words, cwd=where or self.root, env=self._environment, input=typed, capture_output=True, text=True,
            timeout=PATIENCE, check=False,
        )  # fmt: skip

    def well(self, command: str, *, typed: str = "") -> str:
        """What it prints; it has to end well."""
        done = self.shell(command, typed=typed)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def until(self, command: str, text: str) -> None:
        """Ask again until a text is in the answer."""
        end = time.monotonic() + PATIENCE
        while text not in (said := self.shell(command).stdout):
            assert time.monotonic() < end, f"{command} never said {text!r}:\n{said}"
            time.sleep(0.1)  # between two looks at another process

    def live(self, words: str, gate: str) -> str:
        """The id of a run that has been begun and waits at a gate."""
        run = self.well(f"runbook run {words} --attended --detach").strip()
        self.until(f"runbook approve {run}", f"gate {gate}")
        return run

    def ended(self) -> str:
        """The id of a run that failed at its second step."""
        (self.root / "drills" / "broken.yaml").write_text(BROKEN)
        assert self.shell("runbook run broken -i lab --unattended").returncode == 1
        return str(json.loads(self.well("runbook runs -n 1 --json"))[0]["id"])

    def close(self) -> None:
        """End the runners that are still alive, each by the pid in its own record."""
        for journal in self.root.glob("recordings/*/journal.jsonl"):
            for pid in map(int, RUNNER.findall(journal.read_bytes())):
                if is_runner(pid):
                    os.kill(pid, signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Scene:
    """What a command needs."""

    instead: dict[str, str] = field(default_factory=dict)
    """What is typed for words that stand for one's own."""
    typed: str = ""
    """Answers, a line each."""
    where: Path | None = None
    ends: frozenset[int] = frozenset({0})
    """Exit statuses that are no failure of it."""


Prepare = Callable[[Stage], Scene]


def asked(*answers: str) -> Prepare:
    """Somebody answers its gates."""
    return lambda _stage: Scene(typed="".join(f"{answer}\n" for answer in answers))


def of_make(_stage: Stage) -> Scene:
    """It would install, and test the tests: make is asked what it would do."""
    return Scene(instead={"make ": "make -n "}, where=ROOT)


def first_of_your_own(stage: Stage) -> Scene:
    """The workspace that `runbook init` makes, with the runbook of the page in it."""
    stage.well("runbook init .")
    shown = (ROOT / "README.md").read_text().split("```yaml\n")[1].split("```")[0]
    (stage.root / "drills" / "uptime.yaml").write_text(shown)
    return Scene()


def in_the_record(stage: Stage) -> Scene:
    """The folder of the last record."""
    run = json.loads(stage.well("runbook runs -n 1 --json"))[0]["id"]
    return Scene(where=stage.root / "recordings" / run)


def after_a_failure(stage: Stage) -> Scene:
    """A run that has ended; the step at which it did is mended, so that going on makes sense."""
    run = stage.ended()
    (stage.root / "drills" / "broken.yaml").write_text(BROKEN.replace("|| exit 1", "|| true"))
    return Scene(instead={"RUN": run, "STEP": "1.2"})


def to_be_taken_back(stage: Stage) -> Scene:
    return Scene(instead={"RUN": stage.ended()})


def to_be_halted(stage: Stage) -> Scene:
    return Scene(instead={"RUN": stage.live("orders-failover -i lab", "2.1#1")})


def step_by_step(stage: Stage) -> Scene:
    """The failover, before its first look."""
    run = stage.live("orders-failover -i lab --step", "0.1#1")
    return Scene(instead={"f540": run[-4:]})


def to_be_approved(stage: Stage) -> Scene:
    """A run that asks for an approval, then for a way."""
    (stage.root / "drills/failover/orders-failover.yaml").write_text(HOSTS_AND_GATES)
    stage.live("orders-failover", "2.1#1")
    return Scene()


def to_be_chosen(stage: Stage) -> Scene:
    stage.until("runbook approve orders-failover", "gate 2.2#1")
    return Scene()


def outside_its_window(stage: Stage) -> Scene:
    """A place that opens the day after tomorrow, and where whoever runs this test may break the glass."""
    name = pwd.getpwuid(os.getuid()).pw_name
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    day = days[(datetime.now(UTC).weekday() + 2) % 7]
    place = stage.root / "inventories" / "production"
    shutil.copytree(stage.root / "inventories" / "lab", place)
    (place / "environment.yaml").write_text(
        f'name: production\nwindows: ["{day} 02:00-03:00 UTC"]\nroles: {{break_glass: ["{name}"]}}\n'
    )
    plain = HOSTS_AND_GATES.partition("  - name: Decide")[0]
    (stage.root / "drills/failover/orders-failover.yaml").write_text(plain)
    return Scene()


def where_something_is_due(_stage: Stage) -> Scene:
    """Drills that were never run: the status says so (1)."""
    return Scene(ends=frozenset({0, 1}))


def on_this_machine(_stage: Stage) -> Scene:
    """Hosts of the lab share what this machine has for its user, so that what other tests have left may be live (4)."""
    return Scene(ends=frozenset({0, 4}))


SIGNED = """version: 1
kind: failover
name: signed-failover
title: Fail over
inventory: lab
sections:
  - name: Look
    steps: [{name: Look, command: uptime, on: db1, durable: false, timeout: 10s}]
  - name: Decide
    steps: [{name: Declare, approve: {message: "Fail over?", signed: required}}]
"""


def with_keys(stage: Stage, settings: str) -> None:
    """A key of somebody whom a file of signers names, and the workspace's settings."""
    if not (stage.root / ".ssh").exists():
        (stage.root / ".ssh").mkdir(mode=0o700)
        stage.well("ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519")
        stage.well('echo "ben@example.org $(cut -d" " -f1,2 ~/.ssh/id_ed25519.pub)" > signers')
    (stage.root / "runbook.toml").write_text(settings)


def to_be_signed(stage: Stage) -> Scene:
    """A run that asks for an approval with a signature; the one before it, if there was one, is over."""
    with_keys(stage, '[trust]\nallowed_signers = "signers"\n')
    (stage.root / "drills" / "signed.yaml").write_text(SIGNED)
    if list(stage.root.glob("recordings/*-signed-failover-*")):
        stage.until("runbook runs -n 1", "completed")
    return Scene(instead={"RUN": stage.live("signed-failover -i lab", "2.1#1"), "id_ed25519_sk": "id_ed25519"})


def waiting_still(stage: Stage) -> Scene:
    """The same run."""
    return Scene(instead={"RUN": json.loads(stage.well("runbook runs -n 1 --json"))[0]["id"]})


def without_a_token(_stage: Stage) -> Scene:
    return Scene(instead={"id_ed25519_sk": "id_ed25519"})


def given_up(stage: Stage) -> Scene:
    """A run whose runner was killed, in a workspace that seals."""
    with_keys(stage, '[seal]\nkey = ".ssh/id_ed25519"\n')
    run = stage.live("orders-failover -i lab --step", "0.1#1")
    os.kill(int(RUNNER.findall((stage.root / "recordings" / run / "journal.jsonl").read_bytes())[0]), signal.SIGKILL)
    stage.until("runbook runs -n 1", "interrupted")
    return Scene(instead={"RUN": run})


def sealed_with_an_authority(stage: Stage) -> Scene:
    """A run that was sealed; the certificates of an authority that stamped nothing."""
    (stage.root / "tsa.pem").write_text("")
    return Scene(instead={"RUN": stage.ended()})


def copied_beside(stage: Stage) -> Scene:
    """The other verifier, and the last record."""
    run = json.loads(stage.well("runbook runs -n 1 --json"))[0]["id"]
    return Scene(
        instead={"verify_standalone.py": str(ROOT / "docs/verify_standalone.py"), "RECORD": f"recordings/{run}"}
    )


LOST = "runbook run orders-primary-lost -i lab"
SCENES: dict[tuple[str, str], Prepare] = {
    ("README.md", "make demo"): of_make,
    ("README.md", "make test"): of_make,
    ("README.md", "runbook check drills/uptime.yaml"): first_of_your_own,
    ("README.md", LOST): asked("db1", "proceed", "proceed"),
    ("README.md", "runbook sweep -i lab"): on_this_machine,
    ("README.md", "jq -r .prev journal.jsonl | tail -n +2 > claimed"): in_the_record,
    ("README.md", """head -n -1 journal.jsonl | split -l 1 --filter='sha256sum | cut -d" " -f1' > computed"""): in_the_record,
    ("README.md", 'cmp claimed computed && echo "the chain is unbroken"'): in_the_record,
    ("docs/drills.md", "runbook run drills/chaos/orders-primary-lost.yaml -i lab"): asked("db1", "proceed", "proceed"),
    ("docs/lab.md", "runbook run drills/failover/orders-failover.yaml -i lab"): asked("db1", "proceed", "proceed"),
    ("docs/following.md", "runbook run --from RUN --at STEP"): after_a_failure,
    ("docs/following.md", 'runbook halt RUN -m "why" --rollback'): to_be_halted,
    ("docs/following.md", "runbook rollback RUN"): to_be_taken_back,
    ("docs/lines.md", "runbook tell f540 pause"): step_by_step,
    ("docs/policy.md", "runbook plan orders-failover -i production"): outside_its_window,
    ("docs/schedule.md", "runbook due --check"): where_something_is_due,
    ("docs/people.md", "runbook runs"): to_be_approved,
    ("docs/people.md", "runbook approve orders-failover -g '2.2#1' --value 2"): to_be_chosen,
    ("docs/people.md", "runbook approve RUN -g '2.1#1' --sign --key ~/.ssh/id_ed25519"): to_be_signed,
    ("docs/people.md", "runbook approve RUN -g '2.1#1' --text > ask.txt"): to_be_signed,
    ("docs/people.md", "ssh-keygen -Y sign -f ~/.ssh/id_ed25519_sk -n approve@runbook ask.txt"): without_a_token,
    ("docs/people.md", "runbook approve RUN -g '2.1#1' --signed ask.txt"): waiting_still,
    ("docs/sealing.md", 'runbook seal RUN --interrupted -m "the site was given up"'): given_up,
    (
        "docs/sealing.md",
        "runbook verify RUN --allowed-signers signers --checkpoint ledger-checkpoint.txt --authority tsa.pem",
    ): sealed_with_an_authority,
    (
        "docs/sealing.md",
        "python3 verify_standalone.py RECORD --allowed-signers signers --checkpoint ledger-checkpoint.txt",
    ): copied_beside,
}  # fmt: skip


def commands(page: str) -> list[str]:
    """What stands behind `$`, without its remark; of the page of tasks what comes before the first of them."""
    text = (ROOT / page).read_text()
    if page == "docs/operator-tasks.md":
        text = text.split("\n## ")[0]
    blocks = re.findall(r"^ *```console\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)
    lines = (line.strip() for block in blocks for line in block.splitlines())
    return [line.removeprefix("$ ").split(" # ")[0].strip() for line in lines if line.startswith("$ ")]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    missing = [tool for tool in ("bash", "jq", "split", "sha256sum", "make") if shutil.which(tool) is None]
    if missing and os.environ.get("RUNBOOK_REQUIRE_REAL") == "1":
        pytest.fail(f"not installed: {', '.join(missing)}")
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    shutil.copytree(ROOT / "drills", tmp_path / "drills")
    runtime = tempfile.mkdtemp(prefix="rb-")  # pytest's own folders are too long for a socket's path
    up(tmp_path / ".lab", inventory=tmp_path / "inventories" / "lab")
    made = Stage(tmp_path, runtime)
    try:
        yield made
    finally:
        made.close()
        down(tmp_path / ".lab")
        shutil.rmtree(runtime)


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)])
def test_every_command_of_a_page_does_what_it_says(stage: Stage, page: str) -> None:
    for command in commands(page):
        prepare = SCENES.get((page, command))
        scene = prepare(stage) if prepare else Scene()
        words = command
        for name, ours in scene.instead.items():
            words = words.replace(name, ours)
        done = stage.shell(words, typed=scene.typed, where=scene.where)
        assert done.returncode in scene.ends, f"{page}: {command}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"


def test_every_scene_is_one_of_a_command_that_is_still_on_its_page() -> None:
    assert [key for key in SCENES if key[1] not in commands(key[0])] == []
