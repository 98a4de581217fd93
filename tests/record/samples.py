"""A small, complete run as it lies on disk, for every test of this room."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from runbook.core.actor import Actor
from runbook.core.events.entry import Entry
from runbook.core.events.event import (
    AttemptEnded,
    AttemptStarted,
    Event,
    GateAnswered,
    GateOpened,
    RunEnded,
    RunnerStarted,
    RunOpened,
    StepEnded,
    StepEntered,
)
from runbook.core.host import Host
from runbook.core.outcome import Outcome
from runbook.core.planned.action import CommandAction, ConfirmAction
from runbook.core.planned.plan import Environment, Plan, PlannedSection, PlannedStep
from runbook.core.planned.shown import EVERYWHERE, Shown, as_planned, digest_of, hash_of, text_for, texts_of
from runbook.core.result import Result
from runbook.record.file_store import keep_files
from runbook.record.files.journal import Journal
from runbook.record.files.output import OutputStore, Source
from runbook.record.form.codec import ZERO
from runbook.record.form.formats import FORMAT
from runbook.record.form.formats import PLAN as PLAN_FILE

ANNA = Actor(name="anna", uid=1000, via="run")
FILES = {"runbook.yaml": b"title: Restart orders\n", "inventory.json": b"{}\n"}
PLAN = Plan(
    runbook="orders-restart",
    title="Restart orders",
    kind="operation",
    environment=Environment(name="lab"),
    hosts=(Host(name="db1"),),
    sections=(
        PlannedSection(
            id="1",
            name="Restart",
            steps=(
                PlannedStep(id="1.1", name="Ask", action=ConfirmAction(message="Now?")),
                PlannedStep(id="1.2", name="Restart", action=CommandAction(shell="true"), hosts=("db1",)),
            ),
        ),
    ),
)


def opened(run: str = "r1", plan: Plan = PLAN, **fields: object) -> RunOpened:
    """The first event of a run."""
    given = {
        "operator": ANNA, "version": "0.1.0", "format": FORMAT, "started": "2026-11-23T04:12:00.000Z",
        "plan_digest": plan.digest, **fields,
    }  # fmt: skip
    return RunOpened(run=run, plan=plan, **given)


def entered(step: str, plan: Plan = PLAN) -> StepEntered:
    """A step is entered as it is planned."""
    planned = next(each for each in plan.walk() if each.id == step)
    hosts = {host.name: host for host in plan.hosts}
    shown = {
        host: Shown(action=planned.action_on(host), around=as_planned(planned, hosts.get(host)))
        for host in planned.hosts or (EVERYWHERE,)
    }
    texts = texts_of(shown)
    return StepEntered(step=step, hosts=planned.hosts, shown=texts, digest=digest_of(texts, planned.hosts))


def announced(entering: StepEntered, host: str = "db1", number: int = 1) -> AttemptStarted:
    """An attempt at what a step was entered with."""
    digest = hash_of(text_for(entering.shown, host))
    return AttemptStarted(step=entering.step, host=host, number=number, digest=digest)


def numbered(*events: Event, start: int = 0) -> tuple[Entry, ...]:
    """The events as entries half a second apart."""
    return tuple(
        Entry(seq=seq, at=seq / 2, wall=f"2026-11-23T04:12:{seq // 2:02d}.{seq % 2 * 500:03d}Z", event=event)
        for seq, event in enumerate(events, start)
    )


def story(output: tuple[Event, ...] = (), **fields: object) -> tuple[Event, ...]:
    """A run in which a gate is answered and one command prints something and succeeds."""
    restart = entered("1.2")
    return (
        opened(**fields),
        RunnerStarted(pid=4711, by=ANNA),
        GateOpened(gate="1.1#1", step="1.1", kind="confirm", message="Now?"),
        GateAnswered(gate="1.1#1", step="1.1", by=ANNA, answer="proceed"),
        StepEnded(step="1.1", outcome=Outcome.SUCCEEDED),
        restart,
        announced(restart),
        *output,
        AttemptEnded(step="1.2", host="db1", number=1, outcome=Outcome.SUCCEEDED, result=Result(rc=0, stdout="ok")),
        StepEnded(step="1.2", outcome=Outcome.SUCCEEDED),
        RunEnded(reason="all steps done"),
    )


def write_journal(folder: Path, *events: Event) -> tuple[Entry, ...]:
    """Put the events into a new journal; gives the entries that are in it."""
    entries = numbered(*events)
    journal = Journal.create(folder)
    journal.append(*entries)
    journal.commit()
    journal.close()
    return entries


def write_record(folder: Path, text: bytes = b"restarting\ndone\n", **fields: object) -> tuple[Entry, ...]:
    """A whole record: copies of the files, output, and the journal of `story`."""
    folder.mkdir(mode=0o700)
    files = keep_files(folder, {PLAN_FILE: PLAN.encoded, **FILES})
    store = OutputStore(folder)
    source = Source(step="1.2", host="db1", number=1, stream="out")
    chunks = (*store.write(source, text), *store.flush())
    return write_journal(folder, *story(chunks, files=files, **fields))


def read_lines(folder: Path) -> list[bytes]:
    """The lines of a journal, line feeds included."""
    return (folder / "journal.jsonl").read_bytes().splitlines(keepends=True)


def rechain(folder: Path, edit: Callable[[bytes], bytes]) -> None:
    """Change lines as their writer could have written them: every sum and every link fits again."""
    prev, lines = ZERO, []
    for line in read_lines(folder):
        covered = b'{"prev":"%b"%b' % (prev.encode(), edit(line)[74:-75])
        lines.append(covered + b',"sum":"%b"}\n' % hashlib.sha256(covered).hexdigest().encode())
        prev = hashlib.sha256(lines[-1]).hexdigest()
    (folder / "journal.jsonl").write_bytes(b"".join(lines))
