"""The process that lives a run: it owns SSH, timers, gates and the record, and needs no terminal (design D3).

Started by `talk/launch.py` in a session of its own. It takes the handover from its standard input, answers with one
line, and from then on talks only through the record and the socket: a dead terminal, a frozen screen or a crashed
client cannot reach it. SIGTERM leaves the run as it stands, resumable; SIGHUP and SIGINT mean nothing to it.
"""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from importlib.metadata import version
from pathlib import Path

import msgspec
from msgspec.structs import replace

from runbook.core.actor import Actor
from runbook.core.events.event import NoteAdded, RunnerStarted, RunOpened
from runbook.core.fold.evolve import fold
from runbook.core.host_key import HostKey
from runbook.core.intent import Intent
from runbook.core.planned.action import CONTROLLER, FabricAction, HttpAction
from runbook.core.planned.command import Secret
from runbook.core.planned.plan import Plan
from runbook.core.run import Run
from runbook.engine.clock import SystemClock, boot_id, wall_text
from runbook.engine.control import Control
from runbook.engine.entering import Entering
from runbook.engine.executor import Executor
from runbook.engine.fleet import Fleet
from runbook.engine.log import Log
from runbook.engine.masked import masked, masked_intent
from runbook.engine.recorder import Recorder
from runbook.engine.tools import Tools
from runbook.engine.witness import Witness
from runbook.engine.work import RunWorkers
from runbook.masking.masker import Masker
from runbook.problem import Exit, Problem, Problems, problem
from runbook.record.address import open_store
from runbook.record.beginning import begun
from runbook.record.form.formats import FORMAT, PLAN
from runbook.record.sealing.sealer import Sealer
from runbook.record.sealing.signing import public_key
from runbook.record.store import NameHold, Store
from runbook.talk.door import make_door
from runbook.talk.handover import Handover, Opening, Started
from runbook.transport.local.connector import LocalConnector
from runbook.transport.session import Connector
from runbook.transport.shell.sudo import Sudos
from runbook.transport.ssh.connector import SshConnector, SshOptions
from runbook.transport.ssh.own_config import SSH_PORT

WORTH_HIDING = 6
"""Characters from which a variable of the environment is taken for the secret that it equals."""


NOT_NEWEST = "This record is not known to be the newest: what it does not tell of may have happened all the same"
"""Noted by a runner that took a run over."""

GARBAGE = 20_000
"""Objects made since the last look for cycles of garbage, after which the next one is due."""


def main() -> int:
    """Entry of the runner's process; the exit status is for nobody, the answer line is for the launcher."""
    _harden()
    # What is imported stays, and what a run makes is nearly all freed by counting: looking for cycles as often as
    # Python does by itself costs a sixteenth of a large run's time.
    gc.freeze()
    gc.set_threshold(GARBAGE, 20, 20)
    try:
        orders = sys.stdin.buffer.read()
        # A launcher that thought better of it closes the pipe without a word.
        return asyncio.run(_live(msgspec.json.decode(orders, type=Handover))) if orders else 0
    except Problems as wrong:
        _answer(Started(problems=wrong.problems))
        return int(wrong.exit)


def _harden() -> None:
    """No core dumps with secrets in them, no signal from a terminal, and room for two descriptors a host."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for name in (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
        signal.signal(name, signal.SIG_IGN)
    os.umask(0o077)


async def _live(handover: Handover) -> int:
    clock = SystemClock()
    secrets = tuple(Secret(name, value) for name, value in handover.secrets.items())
    _forget_in_environment(secrets)
    with ExitStack() as held:
        store = open_store(handover.recordings)
        held.callback(_right_to_run(handover, store).release)
        allowed = frozenset(handover.allowed)
        door = make_door(handover.run, map(Path, handover.doors), shared=allowed != {os.getuid()})
        held.callback(door.shut)
        take = _opened if handover.opening else _reopened
        recorder = take(handover, door.path, store, clock)
        await recorder.commit()
        executor = Executor(recorder)
        tools = _tools(handover, recorder, executor, secrets, clock)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, executor.shut_down)
        mask = tools.masker.mask_text
        witness = _witness(handover, store, clock)

        async def submit(intent: Intent, by: Actor) -> Problem | None:
            heard = await witness.heard(masked_intent(intent, mask), by, recorder.run)
            return heard if isinstance(heard, Problem) else await executor.submit(*heard)

        control = Control(recorder, submit, allowed=allowed, asks=lambda: witness.asks(recorder.run))
        async with control.serve(door):
            _go_quiet(recorder.open_log, tools.masker)
            try:
                await _know_this_place(tools)
                await executor.drive(RunWorkers(tools))
            except Problems as failure:
                await control.part(failure.problems[0])
                print(failure, file=sys.stderr)  # noqa: T201 - the runner's log
                return int(failure.exit)
    return 0


async def _know_this_place(tools: Tools) -> None:
    """Put on record where the controller keeps claims, before anything acts from it.

    Whoever takes the run over on another machine, perhaps with an older copy of the record, sees that it is another.
    """
    steps = tools.recorder.run.plan.walk()
    if any(isinstance(step.action, HttpAction | FabricAction) or CONTROLLER in step.hosts for step in steps):
        with suppress(Problems):
            await tools.fleet.session(CONTROLLER)


def _forget_in_environment(secrets: tuple[Secret, ...]) -> None:
    """Secrets that came to the launcher in its environment go no further: commands of steps inherit ours."""
    values = {secret.reveal() for secret in secrets if len(secret.reveal()) >= WORTH_HIDING}
    for name in [name for name, value in os.environ.items() if value in values]:
        del os.environ[name]


def _tools(
    handover: Handover, recorder: Recorder, executor: Executor, secrets: tuple[Secret, ...], clock: SystemClock
) -> Tools:
    masker = Masker.for_secrets(secrets)
    sudos = Sudos({host: Secret("sudo password", word) for host, word in handover.sudo_passwords.items()})

    def accepted(machine: str) -> HostKey | None:
        # Asked of the run itself: what somebody vouched for holds at once, and after every resume.
        return recorder.run.accepted_key(machine)

    connectors: dict[str, Connector] = {
        "ssh": SshConnector(SshOptions(wall=clock.wall, sudos=sudos, unlocked=handover.keys, accepted=accepted)),
        "local": LocalConnector(wall=clock.wall, sudos=sudos),
    }
    return Tools(
        recorder=recorder,
        executor=executor,
        fleet=Fleet(
            recorder.run.hosts,
            connectors,
            clock,
            lambda event: executor.tell(masked(event, masker.mask_text)),
            accepted,
        ),
        masker=masker,
        entering=Entering(secrets, masker.mask_text, clock, folder=Path(handover.book_folder)),
        clock=clock,
        secrets=secrets,
        keys=handover.keys,
        folder=Path(handover.book_folder),
    )


# --- opening the record -----------------------------------------------------------------------------------------------


def _opened(handover: Handover, door: Path, store: Store, clock: SystemClock) -> Recorder:
    """Begin a record: the copies, and its first entries, which are durable after the next commit."""
    opening = handover.opening
    if opening is None:
        raise TypeError("a resume has no opening")
    origin = clock.monotonic()
    created = store.create(
        handover.run,
        runbook=opening.plan.runbook,
        files={PLAN: opening.plan.encoded, **opening.files},
        sealer=_sealer(handover, clock),
    )
    recorder = Recorder(writer=created.writer, clock=clock, origin=origin, run=None)
    opened = _run_opened(handover, opening, created.digests, origin, clock)
    recorder.record(replace(opened, ledger=created.ledger))
    recorder.record(*opening.overrides, *(NoteAdded(text=note) for note in opening.notes))
    _announce(recorder, store, RunnerStarted(pid=os.getpid(), door=str(door)))
    return recorder


def _witness(handover: Handover, store: Store, clock: SystemClock) -> Witness:
    sealing, own = handover.sealing, ""
    with suppress(Problems):
        own = public_key(sealing.key).fingerprint if sealing.key else ""
    reading = store.find(handover.run).read()
    return Witness(reading, sealing.trust, own, lambda: wall_text(clock.wall()))


def _sealer(handover: Handover, clock: SystemClock) -> Sealer:
    return Sealer(handover.sealing, lambda: wall_text(clock.wall()), version("runbook"))


def _run_opened(
    handover: Handover, opening: Opening, files: dict[str, str], origin: float, clock: SystemClock
) -> RunOpened:
    return RunOpened(
        run=handover.run,
        plan=opening.plan,
        plan_digest=opening.plan.digest,
        operator=opening.operator,
        attended=opening.attended,
        auto=opening.auto,
        step_mode=opening.step_mode,
        version=version("runbook"),
        format=FORMAT,
        boot_id=boot_id(),
        origin=origin,
        started=wall_text(clock.wall()),
        files=files,
        earlier=opening.earlier,
    )


def _reopened(handover: Handover, door: Path, store: Store, clock: SystemClock) -> Recorder:
    """Take over the record of a runner that is gone."""
    taken = store.take(handover.run, _sealer(handover, clock))
    reader = store.find(handover.run).read()
    entries = reader.more()
    run = fold(begun(reader, entries), entries[1:])
    if run.has_ended:
        raise problem(
            f"run {run.id} has ended",
            why=run.ended,
            fix=f"Look at it with: runbook replay {run.id}",
            code="has-ended",
            exit=Exit.REFUSED,
        )
    opened = entries[0].event
    recorder = Recorder(
        writer=taken.writer,
        clock=clock,
        origin=_origin(opened, run, entries[-1].wall, clock) if isinstance(opened, RunOpened) else 0.0,
        run=run,
    )
    started = RunnerStarted(
        pid=os.getpid(),
        resumed=True,
        by=handover.by,
        torn_bytes=taken.torn_bytes,
        door=str(door),
        format=FORMAT,
        newest=taken.is_newest,
    )
    _announce(recorder, store, started)
    return recorder


def _origin(opened: RunOpened, run: Run, last_wall: str, clock: SystemClock) -> float:
    """The clock's reading at `at` = 0: exact within one boot, else by the wall clock and never backwards."""
    if opened.boot_id and opened.boot_id == boot_id():
        return opened.origin
    away = max(0.0, clock.wall() - _wall_seconds(last_wall))
    return clock.monotonic() - run.now - away


def _wall_seconds(text: str) -> float:
    from datetime import datetime  # noqa: PLC0415 - only a resume after a reboot needs it

    return datetime.fromisoformat(text).timestamp()


def _announce(recorder: Recorder, store: Store, started: RunnerStarted) -> None:
    """Put on record who writes from here on, who else could have, and what may be missing."""
    notes = [f"{found.what}: {found.why}" for found in store.concerns()]
    notes += [NOT_NEWEST] if started.resumed and not started.newest else []
    recorder.record(started, *(NoteAdded(text=note) for note in notes))


def _right_to_run(handover: Handover, store: Store) -> NameHold:
    """Held for as long as this process lives. A record that opens no run holds its own name.

    Raises:
        Problems: Another run of the runbook is live on one of the hosts.
    """
    plan = handover.opening.plan if handover.opening else _plan_of(store, handover.run)
    return store.hold(plan.runbook if plan else handover.run, handover.run, _claimed(plan) if plan else ())


def _plan_of(store: Store, run: str) -> Plan | None:
    first = next(store.find(run).read().entries(), None)
    return first.event.plan if first and isinstance(first.event, RunOpened) else None


def _claimed(plan: Plan) -> Iterator[str]:
    """What no second run of it may work on: its hosts, where they are, and the controller where it changes that."""
    for host in plan.hosts:
        yield host.name
        if host.address or host.port:
            yield f"{host.target}:{host.port or SSH_PORT}"
    if any(step.changes and CONTROLLER in step.hosts for step in plan.walk()):
        yield CONTROLLER


# --- talking to the launcher ------------------------------------------------------------------------------------------


def _answer(started: Started) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(started) + b"\n")
    sys.stdout.buffer.flush()


def _go_quiet(open_log: Callable[[], int], masker: Masker) -> None:
    """Say that the run is up, then let go of the launcher's pipes; later trouble goes to a file."""
    _answer(Started(pid=os.getpid()))
    log = open_log()
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.close(log)
    os.close(nothing)
    sys.stdout = sys.stderr = Log(2, masker)


if __name__ == "__main__":
    sys.exit(main())
