"""What is confirmed is what is sent, files included: whatever becomes of a file after it was shown, no other is sent."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from pathlib import Path

import pytest

from runbook.core.events.event import GateOpened, StepEntered
from runbook.core.host import Host
from runbook.core.intent import AnswerGate, ResolveFailure
from runbook.core.inventory import Inventory
from runbook.core.outcome import Outcome
from runbook.core.planned.plan import Environment, Plan
from runbook.core.run import Run
from runbook.document.runbook_file import read_runbook
from runbook.engine.clock import SystemClock
from runbook.planning.compile import compile_plan
from runbook.record.checking.verify import verify
from runbook.transport.local import files
from runbook.transport.local.connector import LocalConnector
from runbook.view.asking.gates import gate_view
from tests.engine.stage import Live, Stage

HEAD = "version: 1\nkind: operation\nname: swap\ntitle: Swap\nsections:\n  - name: Swap\n    on: here\n    steps:\n"
ASK = "      - {name: go, confirm: 'Upload and run the script?'}\n"
PUT = "      - {name: put, upload: {src: payload.sh, dest: DEST, mode: '0640'}, timeout: 20s}\n"
GOOD, EVIL = b"echo GOOD\n", b"echo EVIL!\n"


def said(data: bytes) -> str:
    return f"{len(data)} bytes with SHA-256 {hashlib.sha256(data).hexdigest()}"


class Swap:
    """A runbook in a folder of its own, planned there, and a runner for it on this machine."""

    def __init__(self, root: Path, steps: str, *, confirm: str = "none") -> None:
        self.root, self.payload, self.dest = root, root / "payload.sh", root / "there"
        self.book = root / "swap.yaml"
        self.book.write_text(HEAD + steps.replace("DEST", str(self.dest)))
        self.stage = Stage(root, LocalConnector(wall=SystemClock().wall))
        self._environment = Environment(name="test", confirm=confirm)

    def plan(self) -> Plan:
        host = Host(name="here", connection="local")
        groups = {"all": ("here",)}
        of = Inventory(name="test", source="", hosts={"here": host}, groups=groups, environment=self._environment)
        return compile_plan(read_runbook(self.book), of).plan

    async def to_the_gate(self, live: Live, gate: str = "1.1#1") -> Run:
        return await live.until(lambda run: gate in run.open_gates)

    async def go_on(self, live: Live, gate: str = "1.1#1") -> Run:
        """Say yes at a gate, and wait for the next, if only the one after a failure."""
        run = await self.to_the_gate(live, gate)
        shown = run.gates[gate].opened.digest
        assert await live.ask(AnswerGate(gate=gate, answer="proceed", digest=shown)) is None
        return await live.until(lambda run: run.open_gates or run.has_ended)

    def there(self) -> bytes | None:
        return self.dest.read_bytes() if self.dest.exists() else None

    def refusal(self, run: Run, step: str = "1.2") -> str:
        assert run.steps[step].outcome is Outcome.FAILED
        return run.steps[step].attempts["here"].detail


@pytest.fixture
def swap(tmp_path: Path) -> Swap:
    made = Swap(tmp_path, ASK + PUT)
    made.payload.write_bytes(GOOD)
    return made


def changed(path: Path, shown: bytes, now: bytes) -> str:
    return (
        f"{path} is not what was shown: shown was {said(shown)}, it is now {said(now)}. Nothing reached its destination."
        " Put back what was shown and retry, or look at what it is now and start the run again."
    )


async def test_a_file_that_stays_as_it_was_shown_is_sent(swap: Swap) -> None:
    run = await swap.go_on(swap.stage.open(swap.plan()))
    assert (run.ended, swap.there(), swap.dest.stat().st_mode & 0o7777) == ("every step is done", GOOD, 0o640)
    assert verify(swap.stage.folder).grade == "sound"


async def test_a_file_swapped_while_its_gate_waits_is_not_sent(swap: Swap) -> None:
    live = swap.stage.open(swap.plan())
    await swap.to_the_gate(live)
    swap.payload.write_bytes(EVIL)
    run = await swap.go_on(live)
    assert (swap.refusal(run), swap.there()) == (changed(swap.payload, GOOD, EVIL), None)
    await live.stop()


async def test_a_file_swapped_between_the_plan_and_the_run_is_not_sent(swap: Swap) -> None:
    plan = swap.plan()
    swap.payload.write_bytes(EVIL)
    live = swap.stage.open(plan)
    assert swap.refusal(await swap.go_on(live)) == changed(swap.payload, GOOD, EVIL)
    assert swap.there() is None
    await live.stop()


async def test_a_file_swapped_after_the_answer_and_while_it_is_sent_takes_no_place(
    swap: Swap, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = files.Source.require

    def late(source: files.Source, shown: object) -> None:
        held(source, shown)
        swap.payload.write_bytes(EVIL)

    swap.dest.write_bytes(b"as before")
    live = swap.stage.open(swap.plan())
    monkeypatch.setattr(files.Source, "require", late)
    assert swap.refusal(await swap.go_on(live)) == changed(swap.payload, GOOD, EVIL)
    assert (swap.there(), [each.name for each in swap.root.glob(".there*")]) == (b"as before", [])
    await live.stop()


async def test_a_link_that_leads_elsewhere_by_now_is_a_file_that_has_changed(swap: Swap) -> None:
    good, evil = swap.root / "good.sh", swap.root / "evil.sh"
    swap.payload.rename(good)
    evil.write_bytes(EVIL)
    swap.payload.symlink_to(good)
    live = swap.stage.open(swap.plan())
    await swap.to_the_gate(live)
    swap.payload.unlink()
    swap.payload.symlink_to(evil)
    assert swap.refusal(await swap.go_on(live)) == changed(swap.payload, GOOD, EVIL)
    assert swap.there() is None
    await live.stop()


async def test_a_run_that_is_resumed_with_another_file_in_its_place_does_not_send_it(swap: Swap) -> None:
    live = swap.stage.open(swap.plan())
    await swap.to_the_gate(live)
    await live.stop()
    swap.payload.write_bytes(EVIL)
    again = swap.stage.resume()
    assert swap.refusal(await swap.go_on(again)) == changed(swap.payload, GOOD, EVIL)
    assert swap.there() is None
    await again.stop()


async def test_a_file_that_is_put_back_is_sent_by_a_retry(swap: Swap) -> None:
    live = swap.stage.open(swap.plan())
    await swap.to_the_gate(live)
    swap.payload.write_bytes(EVIL)
    await swap.go_on(live)
    swap.payload.write_bytes(GOOD)
    assert await live.ask(ResolveFailure(step="1.2", choice="retry")) is None
    run = await live.to_its_end()
    assert (run.ended, swap.there()) == ("every step is done", GOOD)
    assert verify(swap.stage.folder).grade == "sound"


async def test_rights_that_are_given_to_a_file_after_it_was_shown_do_not_travel_with_it(tmp_path: Path) -> None:
    swap = Swap(tmp_path, ASK + PUT.replace(", mode: '0640'", ""))
    swap.payload.write_bytes(GOOD)
    swap.payload.chmod(0o644)
    live = swap.stage.open(swap.plan())
    await swap.to_the_gate(live)
    swap.payload.chmod(0o4755)
    await swap.go_on(live)
    assert (swap.there(), swap.dest.stat().st_mode & 0o7777) == (GOOD, 0o644)


async def test_a_script_is_sent_as_the_plan_has_it_whatever_its_file_holds_by_now(tmp_path: Path) -> None:
    swap = Swap(tmp_path, f"{ASK}      - {{name: scr, script: ./payload.sh, timeout: 20s}}\n")
    swap.payload.write_bytes(GOOD)
    live = swap.stage.open(swap.plan())
    await swap.to_the_gate(live)
    swap.payload.write_bytes(EVIL)
    run = await swap.go_on(live)
    assert run.steps["1.2"].outcome is Outcome.SUCCEEDED
    assert (swap.stage.folder / "out/here.log").read_bytes() == b"GOOD\n"


# --- files that no plan can know --------------------------------------------------------------------------------------

MAKE = "      - {name: make, command: 'cp BASE payload.sh', cwd: ROOT, durable: false, timeout: 20s}\n"


def made_on_the_way(root: Path, put: str = PUT, make: str = MAKE) -> Swap:
    """The file is made by the run's own first step, and the place asks before each change."""
    (root / "base").write_bytes(GOOD)
    return Swap(root, (make + put).replace("BASE", str(root / "base")).replace("ROOT", str(root)), confirm="key")


async def test_a_file_that_an_earlier_step_makes_is_waited_for_and_shown_when_its_step_is_entered(
    tmp_path: Path,
) -> None:
    swap = made_on_the_way(tmp_path)
    plan = swap.plan()
    assert plan.sections[1].steps[1].awaits == ("file payload.sh",)
    live = swap.stage.open(plan)
    run = await swap.to_the_gate(live, "1.2#1")
    shown = gate_view(run, "1.2#1", run.now).follows[0].texts[0].lines
    assert shown == (
        f"upload payload.sh to {swap.dest}, mode 0640,", f"10 bytes, SHA-256 {hashlib.sha256(GOOD).hexdigest()}",
    )  # fmt: skip
    entered = swap.stage.events(StepEntered)[-1]
    assert hashlib.sha256(GOOD).hexdigest() in entered.shown["*"]
    assert swap.stage.events(GateOpened)[-1].digest == entered.digest
    run = await swap.go_on(live, "1.2#1")
    assert (run.ended, swap.there(), verify(swap.stage.folder).grade) == ("every step is done", GOOD, "sound")


async def test_such_a_file_that_is_swapped_behind_its_gate_is_not_sent_and_a_retry_shows_it_anew(
    tmp_path: Path,
) -> None:
    swap = made_on_the_way(tmp_path)
    live = swap.stage.open(swap.plan())
    await swap.to_the_gate(live, "1.2#1")
    swap.payload.write_bytes(EVIL)
    run = await swap.go_on(live, "1.2#1")
    assert (swap.refusal(run), swap.there()) == (changed(swap.payload, GOOD, EVIL), None)
    assert await live.ask(ResolveFailure(step="1.2", choice="retry")) is None
    run = await swap.to_the_gate(live, "1.2#3")
    assert run.gates["1.2#3"].opened.digest != run.gates["1.2#1"].opened.digest
    run = await swap.go_on(live, "1.2#3")
    assert (run.ended, swap.there(), verify(swap.stage.folder).grade) == ("every step is done", EVIL, "sound")


async def test_such_a_file_is_held_to_what_the_record_shows_after_a_resume(tmp_path: Path) -> None:
    swap = made_on_the_way(tmp_path)
    live = swap.stage.open(swap.plan())
    await swap.to_the_gate(live, "1.2#1")
    await live.stop()
    swap.payload.write_bytes(EVIL)
    again = swap.stage.resume()
    assert swap.refusal(await swap.go_on(again, "1.2#1")) == changed(swap.payload, GOOD, EVIL)
    assert swap.there() is None
    await again.stop()


async def test_a_file_whose_name_is_registered_is_shown_when_its_step_is_entered(tmp_path: Path) -> None:
    make = MAKE.replace("cp BASE payload.sh", "cp BASE payload.sh; echo payload.sh").replace(
        "name: make", "name: make, register: made"
    )
    swap = made_on_the_way(tmp_path, PUT.replace("payload.sh", "'{{ made.stdout }}'"), make)
    live = swap.stage.open(swap.plan())
    run = await swap.to_the_gate(live, "1.2#1")
    assert run.steps["1.2"].action_on("here").sha256 == hashlib.sha256(GOOD).hexdigest()
    swap.payload.write_bytes(EVIL)
    assert swap.refusal(await swap.go_on(live, "1.2#1")) == changed(swap.payload, GOOD, EVIL)
    await live.stop()


async def test_a_file_that_nobody_made_fails_its_step_before_anybody_is_asked(tmp_path: Path) -> None:
    swap = made_on_the_way(tmp_path, make=MAKE.replace("cp BASE payload.sh", "true"))
    live = swap.stage.open(swap.plan())
    run = await live.until(lambda run: run.open_gates)
    assert (run.open_gates, run.steps["1.2"].detail) == (
        ("1.2#1",),
        f"{swap.payload} cannot be read: No such file or directory. Check the path, its permissions and the free space.",
    )
    assert run.gates["1.2#1"].opened.kind == "failure"
    await live.stop()


async def test_measuring_a_file_keeps_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    swap = made_on_the_way(tmp_path)
    reading, let_go = threading.Event(), threading.Event()
    read = files.Source.read

    def slow(source: files.Source) -> bytes:
        reading.set()
        assert let_go.wait(10.0)
        return read(source)

    live = swap.stage.open(swap.plan())
    monkeypatch.setattr(files.Source, "read", slow)
    live.begin()
    async with asyncio.timeout(10.0):
        while not reading.is_set():
            await asyncio.sleep(0)
    let_go.set()  # here only because the loop goes on while the file is read
    run = await swap.go_on(live, "1.2#1")
    assert (run.ended, swap.there()) == ("every step is done", GOOD)


# --- many files -------------------------------------------------------------------------------------------------------

MANY = "      - {name: make, command: 'true', durable: false, register: made}\n"
FOLDER = "      - {name: put, upload: {src: 'SRC', dest: DEST}, timeout: 20s}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Swap:
    """A runbook that sends a folder of two files behind a question."""
    made = Swap(tmp_path, ASK + FOLDER.replace("SRC", "conf/"))
    (tmp_path / "conf" / "d").mkdir(parents=True)
    for name in ("a", "d/b"):
        (tmp_path / "conf" / name).write_bytes(GOOD)
    return made


async def test_a_folder_that_stays_as_it_was_shown_is_sent_whole(folder: Swap) -> None:
    run = await folder.go_on(folder.stage.open(folder.plan()))
    assert run.ended == "every step is done"
    assert [(folder.dest / name).read_bytes() for name in ("a", "d/b")] == [GOOD, GOOD]
    assert verify(folder.stage.folder).grade == "sound"


async def test_a_file_of_a_folder_swapped_while_its_gate_waits_keeps_all_of_it_back(folder: Swap) -> None:
    live = folder.stage.open(folder.plan())
    await folder.to_the_gate(live)
    (folder.root / "conf" / "d" / "b").write_bytes(EVIL)
    run = await folder.go_on(live)
    assert folder.refusal(run) == changed(folder.root / "conf" / "d" / "b", GOOD, EVIL)
    assert not folder.dest.exists()
    await live.stop()


async def test_a_link_that_takes_the_place_of_a_file_sends_nothing_else(folder: Swap) -> None:
    live = folder.stage.open(folder.plan())
    await folder.to_the_gate(live)
    (folder.root / "secret").write_bytes(EVIL)
    (folder.root / "conf" / "a").unlink()
    (folder.root / "conf" / "a").symlink_to("../secret")
    assert folder.refusal(await folder.go_on(live)) == changed(folder.root / "conf" / "a", GOOD, EVIL)
    assert not folder.dest.exists()
    await live.stop()


async def test_files_that_match_once_the_run_has_made_them_are_shown_when_the_step_is_entered(tmp_path: Path) -> None:
    made = Swap(tmp_path, MANY + FOLDER.replace("SRC", "out/*.txt"), confirm="key")
    assert made.plan().sections[1].steps[1].awaits == ("file out/*.txt",)
    live = made.stage.open(made.plan())
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.txt").write_bytes(GOOD)
    run = await made.to_the_gate(live, "1.2#1")
    lines = gate_view(run, "1.2#1", run.now).follows[0].texts[0].lines
    assert lines[1].split(", ")[1:] == [f"{len(GOOD)} bytes", f"SHA-256 {hashlib.sha256(GOOD).hexdigest()}"]
    (tmp_path / "out" / "b.txt").write_bytes(EVIL)
    run = await made.go_on(live, "1.2#1")
    assert (run.ended, sorted(path.name for path in made.dest.iterdir())) == ("every step is done", ["a.txt"])


async def test_a_resumed_run_sends_no_other_folder_than_was_shown(folder: Swap) -> None:
    live = folder.stage.open(folder.plan())
    await folder.to_the_gate(live)
    await live.crash()
    (folder.root / "conf" / "a").write_bytes(EVIL)
    later = folder.stage.resume()
    assert folder.refusal(await folder.go_on(later)) == changed(folder.root / "conf" / "a", GOOD, EVIL)
    assert not folder.dest.exists()
    await later.stop()
