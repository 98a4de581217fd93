"""A record cut anywhere is taken up by the next runner, which ends the run and repeats nothing known to have run.

The record is that of a real runner process, with steps side by side, gates, retries, a doubt, a rollback and closing
steps. Its hosts are then played by a script that knows what had been started there when the record was cut.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from runbook.core.events.entry import Entry
from runbook.core.events.event import AttemptEnded, AttemptStarted, OutputArrived, SessionOpened
from runbook.core.fold.evolve import fold, open_run
from runbook.core.intent import AnswerGate, Intent, ResolveFailure
from runbook.core.outcome import Outcome
from runbook.core.planned.action import BlockAction, ConfirmAction, ParallelAction, WaitAction
from runbook.core.planned.plan import Plan, PlannedStep, StepId
from runbook.core.run import GateState, Run
from runbook.engine.runner import NOT_NEWEST
from runbook.record.checking.verify import verify
from runbook.record.files.reader import RecordReader
from runbook.record.sealing.seal import is_sealed
from runbook.transport.scripted import Says, ScriptedConnector
from tests.engine.stage import Live, Stage
from tests.place import Place, command, ended, eventually, plan, until
from tests.record.seals import unseal

BROKEN = "exit 3"

EFFECTS = (
    "1.1",
    "1.3.1",
    "1.3.2",
    "1.4.rescue.1",
    "1.5",
    "1.8",
    "1.5.undo.1",
    "1.3.1.undo.1",
    "1.3.2.undo.1",
    "1.1.undo.1",
    "R.1",
    "A.1",
)
"""The steps that end well in every life of this run. `1.6` runs attached, so nobody can know of it what a dead runner did;
`1.4.1` and `1.9` are made to fail.
"""


def eventful(root: Path) -> Plan:
    """A run that meets everything once and is rolled back in the end."""
    undo = {number: (command(f"{number}.undo.1", "echo undone"),) for number in ("1.1", "1.3.1", "1.3.2", "1.5")}
    flag, asked = root / "flag", root / "asked"
    side = tuple(command(number, "echo side", undo=undo[number]) for number in ("1.3.1", "1.3.2"))
    inner = (command("1.4.1", BROKEN, on_failure="propagate"),)
    return plan(
        command("1.1", "echo one; echo err >&2", undo=undo["1.1"], register="one"),
        PlannedStep(id="1.2", name="Go on?", action=ConfirmAction(message="Go on?")),
        PlannedStep(id="1.3", name="Side by side", action=ParallelAction(), steps=side),
        PlannedStep(
            id="1.4", name="Block", action=BlockAction(), steps=inner, rescue=(command("1.4.rescue.1", "echo rescue"),)
        ),
        command("1.5", f"test -e {flag} || {{ touch {flag}; exit 1; }}", retries=1, delay=0.01, undo=undo["1.5"]),
        command("1.6", f"test -e {asked} || {{ touch {asked}; exit 1; }}", on_failure="ask", durable=False),
        PlannedStep(id="1.7", name="Wait", action=WaitAction(seconds=0.05)),
        command("1.8", "echo {{ one.stdout }}", awaits=("one",), confirm="key"),
        command("1.9", BROKEN, on_failure="rollback"),
        command("1.10", "echo never"),
        rollback=(command("R.1", "echo back"),),
        always=(command("A.1", "echo always"),),
    )


def reply(gate: GateState, happened: Callable[[StepId], bool] = lambda _step: True) -> Intent:
    """What a sensible operator says, who looks on the host whether it has happened."""
    opened = gate.opened
    if opened.kind == "failure":
        choice = "accept" if "accept" in opened.choices and happened(opened.step) else "retry"
        return ResolveFailure(step=opened.step, choice=choice, reason="looked by hand")
    return AnswerGate(gate=opened.gate, answer="proceed")


@pytest.fixture
async def record(place: Place) -> Path:
    """The folder of the finished run."""
    feed = await place.start(eventful(place.root))
    while not feed.run.has_ended:
        run = await until(feed, lambda run: run.open_gates or run.has_ended)
        for gate in run.open_gates:
            assert await feed.send(reply(run.gates[gate])) is None
            await until(feed, lambda run, gate=gate: gate not in run.open_gates)
    run = await ended(feed)
    assert run.stop is not None
    assert run.stop.undo
    return place.folder(run.id)


def cuts(journal: bytes) -> list[int]:
    """Behind every line but the first and the last, and inside some."""
    lines = journal.splitlines(keepends=True)
    ends = [sum(map(len, lines[: count + 1])) for count in range(len(lines))]
    inside = [end + length for end in ends[:-1:5] for length in (1, 40, 300)]
    return sorted({*ends[:-1], *(place for place in inside if place < ends[-2])})


def folded(entries: list[Entry]) -> Run:
    run = open_run(entries[0])
    assert run is not None
    return fold(run, entries[1:])


def open_announcements(cut: list[Entry]) -> bool:
    """True when something was announced of which the record does not say whether it was sent."""
    told = {
        (e.step, e.host, e.number)
        for e in (entry.event for entry in cut)
        if isinstance(e, AttemptEnded | OutputArrived)
    }
    started = {(e.step, e.host, e.number) for e in (entry.event for entry in cut) if isinstance(e, AttemptStarted)}
    return not started <= told


def world_at(cut: list[Entry], whole: list[Entry], *, sent: bool) -> ScriptedConnector:
    """Hosts as they are when the runner dies there: what it announced last has been sent, or has not."""
    ends = {(e.step, e.host, e.number): e for e in (entry.event for entry in whole) if isinstance(e, AttemptEnded)}
    world = ScriptedConnector(lambda _host, command: Says(code=3 if command.shell == BROKEN else 0))
    world.place = next(e.place for e in (entry.event for entry in whole) if isinstance(e, SessionOpened))
    # What has ended, or printed something, has begun in every world.
    begun = {
        (e.step, e.host, e.number)
        for e in (entry.event for entry in cut)
        if isinstance(e, AttemptEnded | OutputArrived)
    }
    for event in (entry.event for entry in cut):
        if isinstance(event, AttemptStarted) and (sent or (event.step, event.host, event.number) in begun):
            result = ends[event.step, event.host, event.number].result
            world.settle(event.job, Says(code=result.rc or 0))
    return world


async def lived(live: Live, world: ScriptedConnector) -> Run:
    """Answer whatever is asked, on to the end."""

    def happened(step: StepId) -> bool:
        return any(did(world, attempt.job) for attempt in live.run.steps[step].attempts.values())

    live.begin()
    while not live.run.has_ended:
        run = await live.until(lambda run: run.open_gates or run.has_ended)
        for gate in run.open_gates:
            await live.ask(reply(run.gates[gate], happened))
    return await live.to_its_end()


@pytest.mark.slow
@pytest.mark.parametrize("sent", [True, False], ids=["what was announced was sent", "what was announced was not sent"])
async def test_a_record_cut_anywhere_is_ended_by_a_resume_and_nothing_runs_twice(
    record: Path, tmp_path: Path, sent: bool
) -> None:
    journal = (record / "journal.jsonl").read_bytes()
    whole = list(RecordReader(record).entries())
    await eventually(lambda: is_sealed(record))
    unseal(record)
    places = cuts(journal)
    assert len(places) > 60
    for place in places:
        root = tmp_path / f"cut-{place}"
        stage = Stage(root, ScriptedConnector({}))
        shutil.copytree(record, stage.folder)
        shutil.copytree(record.parent / "ledger", stage.folder.parent / "ledger", dirs_exist_ok=True)
        (stage.folder / "journal.jsonl").write_bytes(journal[:place])
        known = stage.entries()
        if not sent and not open_announcements(known):
            continue  # The other world is the same one.
        stage.world = world_at(known, whole, sent=sent)
        before = folded(known)
        run = await lived(stage.resume(), stage.world)
        check(stage, before, run, place)
        assert (stage.folder / "journal.jsonl").read_bytes().startswith(journal[: journal.rfind(b"\n", 0, place) + 1])
        shutil.rmtree(root)


def check(stage: Stage, before: Run, run: Run, place: int) -> None:
    """What must hold of every resumed run."""
    sent = [tuple(job.job.split("/")[1:]) for job in stage.world.sent]
    assert max(Counter(sent).values(), default=1) == 1, place
    announced = {
        (step.id, host, str(number))
        for step in before.steps.values()
        for host, attempt in step.attempts.items()
        for number in range(1, attempt.number + 1)
    }
    assert announced.isdisjoint(sent), place
    assert run.has_ended, place
    # About these nobody is asked, and where no place is on record nobody knows whether they have happened before.
    check_effects(stage, run, place, unasked=() if before.places else ("1.4.1", "A.1"))
    unseal(stage.folder)  # It was closed as the run of this stage, which has a name of its own.
    assert verify(stage.folder).grade == "sound", place


def check_effects(stage: Stage, run: Run, place: object, unasked: tuple[StepId, ...] = ()) -> None:
    """Every step that should have happened has, and once; only one that ran attached may be left to a person's word."""
    jobs = {event.job for event in stage.events(AttemptStarted)}
    effects = Counter(job.split("/")[1] for job in jobs if did(stage.world, job))
    attached = effects.pop("1.6", 0)
    done = [step for step in EFFECTS if step not in unasked]
    assert effects == dict.fromkeys(done, 1), place
    assert attached <= 1, place
    assert {step: run.steps[step].outcome for step in done} == dict.fromkeys(done, Outcome.SUCCEEDED), place
    assert {run.steps[step].outcome for step in unasked} <= {Outcome.IN_DOUBT}, place
    failed = [step for step in ("1.4.1", "1.9") if step not in unasked]
    assert {run.steps[step].outcome for step in failed} == {Outcome.FAILED}, place


def did(world: ScriptedConnector, job: str) -> bool:
    """True when a job was started and did what it is for."""
    try:
        return world.started(job) == Says()
    except KeyError:
        return False


@pytest.mark.slow
@pytest.mark.parametrize("every", [6, 9, 14])
async def test_a_run_whose_runner_dies_again_and_again_still_ends_and_repeats_nothing(
    tmp_path: Path, every: int
) -> None:
    world = ScriptedConnector(lambda _host, command: Says(code=3 if command.shell == BROKEN else 0))
    stage = Stage(tmp_path, world)
    live = stage.open(eventful(tmp_path))
    deaths = 0
    while True:
        # Not in step with what one life records, or each would die at the same moment before anything is sent.
        limit = live.run.seq + every + deaths % 3
        asking = asyncio.create_task(lived(live, world))
        live.begin()
        await live.until(lambda run, limit=limit: run.seq >= limit or run.has_ended)
        if live.run.has_ended:
            run = await asking
            break
        asking.cancel()
        await live.crash()
        deaths += 1
        assert deaths < 200
        live = stage.resume()
    assert deaths >= 3
    assert run.runners == deaths + 1
    assert max(Counter(sent.job for sent in world.sent).values()) == 1
    check_effects(stage, run, every)
    assert verify(stage.folder).grade == "sound"


async def test_a_runner_notes_that_the_record_which_it_took_up_may_lack_lines(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ScriptedConnector({"true": Says()}))
    live = stage.open(plan(PlannedStep(id="1.1", name="Go on?", action=ConfirmAction(message="Go on?"))))
    await live.until(lambda run: run.open_gates)
    await live.crash()
    assert (await stage.resume().stop()).notes == ()
    journal = stage.folder / "journal.jsonl"
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:-1]))
    run = await stage.resume().stop()
    assert [note.text for note in run.notes] == [NOT_NEWEST]
