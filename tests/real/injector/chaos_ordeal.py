"""One drawn run from its start to its end: what its operator does, when harm is done, and what is written down.

What it refuses to be is a judge: it starts, waits for signs, lets harm be done, resumes and answers, and hands over what was
seen. The operator is a simple soul, who resumes what has died, answers what is asked with the drawn answers, and halts what
still asks when no answer is left.
"""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Iterator

from tests.real.injector.chaos_harm import SOON, Harm
from tests.real.injector.chaos_plan import Fault, Round, Sign
from tests.real.injector.chaos_story import Story, Version, has_ended, open_gates
from tests.real.injector.chaos_watch import PATIENCE, Watch
from tests.real.injector.chaos_world import Machine, Record, World
from tests.real.openssh import kill

RESUMES = 10
"""How often a run is taken up again before its operator gives up."""


class Ordeal:
    """Carries one drawing out."""

    def __init__(self, world: World) -> None:
        self.world, self.drawing = world, world.drawing
        self.watch = Watch(world)
        self.harm = Harm(self.watch)

    def go(self) -> Story:
        """All of it."""
        record = self.start()
        if record is not None:
            *before, last = self.drawing.rounds
            for part in before:
                self.round(record, part)
                self.settle_copies(early=True)
                self.resume(record)
                self.harm.release("going on")
            self.round(record, last)
            self.settle(record)
            self.settle_copies(early=False)
        self.write_down()
        return self.watch.story

    # --- rounds -------------------------------------------------------------------------------------------------------

    def round(self, record: Record, part: Round) -> None:
        """The harm of one round, in its order; then its runner's death and what is lost before the next."""
        since = self.watch.signs(record)
        for fault in part.faults:
            if self.comes(record, fault.sign, since, fault.host):
                self.strike(record, fault)
        if part.death is not None:
            self.comes(record, part.death.sign, since, part.death.host)
            self.strike(record, part.death)
            for loss in part.losses:
                self.harm.lose(record, loss)

    def comes(self, record: Record, sign: Sign, since: Counter[str], host: str) -> bool:
        """Wait for a sign; false when it will not come."""
        # What is held may be what the run waits for, so nobody waits for long.
        patience = SOON if self.harm.held else PATIENCE
        seen = since[sign.line] + sign.count
        if not self.watch.wait(record, lambda: self.watch.signs(record)[sign.line] >= seen, patience):
            self.watch.say(f"no {sign.line} {sign.count} comes")
            return False
        wire = self.world.hosts[host].wire
        assert wire is not None
        end = wire.carried[sign.way] + sign.bytes
        return self.watch.wait(record, lambda: wire.carried[sign.way] >= end, patience)

    def strike(self, record: Record, fault: Fault) -> None:
        """Do one harm, whoever does it."""
        self.watch.look()
        self.watch.say(f"HARM {fault.harm} {fault.host} {fault.way} after {fault.after} bytes, goes on {fault.release}")
        match fault.harm:
            case "resume beside":
                self.on(record, "resume", "--detach")
            case "halt":
                self.on(record, "halt", "-m", "drawn")
            case "halt and roll back":
                self.on(record, "halt", "-m", "drawn", "--rollback")
            case "lose state":
                self.world.hosts[fault.host].lose("files" if fault.way == "up" else "home")
            case word if " " in word:
                self.harm.strike(record, fault)
            case _:
                self.harm.interfere(fault)

    # --- what an operator does ----------------------------------------------------------------------------------------

    def start(self) -> Record | None:
        """The run's record; None, and an accusation, when it was not even started."""
        machine = self.world.machine()
        how = "--attended" if self.drawing.attended else "--unattended"
        status, said = self.call(machine, "run", "ordeal", how, "--detach")
        if status:
            self.watch.accuse("not started")
            return None
        record = Record(self.world.recordings / said.split()[-1], machine)
        self.watch.records.append(record)
        return record

    def settle_copies(self, *, early: bool) -> None:
        """Copies are taken to their end while nobody works on the record itself, or after it."""
        if early is self.drawing.copies_first:
            for copy in self.watch.records[1:]:
                self.settle(copy)

    def settle(self, record: Record) -> None:
        """Until the run has ended: resume it, answer for it, and at last halt it."""
        answers = iter((*self.drawing.answers, "skip", "abort"))
        resumes = 0
        while not self.watch.wait(record, lambda: has_ended(record.lines())):
            if self.watch.runners(record):
                if not self.watch.asks(record):
                    self.watch.accuse(f"stuck: nothing happens for {PATIENCE:g} s although the runner lives")
                    return
                self.answer(record, answers)
            elif resumes == RESUMES or not self.resume(record):
                self.watch.say("nobody takes it up again")
                return
            else:
                resumes += 1
        self.watch.story.survivors += self.watch.running()
        if not self.watch.until(lambda: not self.watch.runners(record)):
            self.watch.accuse("left over: the runner of a run that has ended")

    def resume(self, record: Record) -> bool:
        """Whether somebody carries it now, or nobody needs to."""
        runners = self.watch.runners(record)
        for pid in runners:
            kill(pid, signal.SIGCONT)
        if runners or has_ended(record.lines()):
            return True
        before = self.watch.signs(record)["RunnerStarted"]
        status, _ = self.on(record, "resume", "--detach")
        return status == 0 and self.watch.until(lambda: self.watch.signs(record)["RunnerStarted"] > before)

    def answer(self, record: Record, answers: Iterator[str]) -> None:
        """The next drawn answer that is on offer; a halt when none is left."""
        gate, asked = open_gates(record.lines())[0], len(record.lines())
        choice = next((answer for answer in answers if answer in gate["choices"]), "")
        if choice:
            status, _ = self.on(record, "approve", "--gate", gate["gate"], "--answer", choice, "-m", "drawn")
        else:
            status, _ = self.on(record, "halt", "-m", "nobody has another answer")
        if status == 0:
            self.watch.until(lambda: len(record.lines()) > asked)

    def on(self, record: Record, verb: str, *words: str) -> tuple[int, str]:
        """A verb about one record, on the machine that works on it."""
        return self.call(record.machine, verb, record.run, "--recordings", str(record.folder.parent), *words)

    def call(self, machine: Machine, *words: str) -> tuple[int, str]:
        """A command line's exit status and what it said; -1 when it never came back."""
        begun = self.world.runbook(machine, *words)
        if not self.watch.until(lambda: begun.process.poll() is not None, 2 * PATIENCE):
            begun.process.kill()
            self.watch.accuse(f"stuck: runbook {' '.join(words)}")
        status, complaints = begun.process.wait(), begun.err.read_text()
        told = "".join(f"\n            {line}" for line in complaints.splitlines())
        self.watch.say(f"$ runbook {' '.join(words)}: {status}{told}")
        if "Traceback" in complaints:
            self.watch.accuse(f"traceback: runbook {words[0]}")
        return status, begun.out.read_text()

    # --- the end ------------------------------------------------------------------------------------------------------

    def write_down(self) -> None:
        """What was on its way arrives; then everything that there is to know is written down."""
        self.harm.release("last")
        hosts = self.world.hosts
        if not self.watch.until(lambda: not self.world.processes() and not any(h.sessions() for h in hosts.values())):
            self.watch.accuse(f"left over: {self.world.processes()}")
        self.watch.look()
        self.watch.story.effects = {name: host.effects for name, host in hosts.items()}
        for act in (act for act in self.drawing.acts if act.kind == "upload"):
            for name in self.drawing.hosts:
                file = hosts[name].at / act.name
                self.watch.story.uploads[act.name, name] = file.read_text() if file.exists() else None
        for record in self.watch.records:
            self._last_words(record)

    def _last_words(self, record: Record) -> None:
        """A record's own, and verify's about it."""
        story, name = self.watch.story, record.folder.parent.name
        story.versions.append(Version(name, list(record.lines()), final=True))
        story.touched[name] = frozenset(record.touched)
        _, said = self.call(record.machine, "verify", str(record.folder), "--json")
        story.grades[name] = json.loads(said)["grade"] if said else "not said"
        for event in (line["event"] for line in record.lines()):
            if event["type"] == "AttemptEnded" and event["outcome"] == "succeeded":
                key = (event["step"], event["host"], event["number"])
                story.printed[name, *key] = record.printed(*key)
        complaints = record.folder / "runner.log"
        if complaints.exists() and "Traceback" in complaints.read_text():
            self.watch.accuse(f"traceback: {complaints.read_text()[-2000:]}")
