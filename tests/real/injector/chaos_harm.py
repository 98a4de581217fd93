"""The hands that do harm: to processes, to wires, to what a machine keeps, to a record.

Each harm is done once, to what is there when its sign was seen; where nothing is there (no command runs, the run is over) it
falls flat, and the log says so. What is stopped or held always goes on again, soon or late, because a fault that never ends
shows nothing but patience.
"""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable

from tests.real.injector.chaos_plan import CONTROLLER, Fault, Loss
from tests.real.injector.chaos_story import Version
from tests.real.injector.chaos_watch import PATIENCE, Watch
from tests.real.injector.chaos_world import Record, is_gone, parent_of
from tests.real.openssh import kill

SOON = 1.0
"""Seconds after which what was stopped or held goes on although its sign has not come."""

SIGNALS = {"kill": signal.SIGKILL, "terminate": signal.SIGTERM, "stop": signal.SIGSTOP, "freeze": signal.SIGSTOP}


class Harm:
    """Does to one world what was drawn."""

    def __init__(self, watch: Watch) -> None:
        self.watch, self.world = watch, watch.world
        self.held: list[tuple[str, Callable[[], object]]] = []
        """What goes on later: when, and how."""

    def strike(self, record: Record, fault: Fault) -> None:
        """A fault whose target is a process."""
        what, _, whom = fault.harm.partition(" ")
        match whom:
            case "runner":
                pids = self.watch.runners(record)
            case "session":
                pids = self.world.hosts[fault.host].sessions()
            case "shell":
                pids = [parent_of(pid) for _, _, pid in self.watch.running()[-1:]]
            case _:
                pids = [pid for _, _, pid in self.watch.running()[-1:]]
        self._signal(what, [pid for pid in pids if pid > 1], fault)

    def _signal(self, what: str, pids: list[int], fault: Fault) -> None:
        self.watch.say(f"     {what} {pids}")
        for pid in pids:
            kill(pid, SIGNALS[what])
        if what in {"stop", "freeze"}:
            self._goes_on(fault, lambda: [kill(pid, signal.SIGCONT) for pid in pids])
        else:
            patience = PATIENCE if fault.harm == "terminate runner" else SOON
            self.watch.until(lambda: all(map(is_gone, pids)), patience)

    def interfere(self, fault: Fault) -> None:
        """A fault whose target is a wire."""
        wire = self.world.hosts[fault.host].wire
        assert wire is not None
        match fault.harm:
            case "cut":
                wire.cut(fault.way, fault.after)
            case "corrupt":
                wire.corrupt(fault.way, fault.after)
            case "half-close":
                wire.half_close(fault.way, fault.after)
            case "stall":
                wire.stall(fault.way)
                self._goes_on(fault, wire.flow)
            case "linger":
                wire.linger()
                self._goes_on(fault, wire.flow)
            case "refuse":
                wire.refuse()
                wire.cut()
                self._goes_on(fault, wire.flow)
            case _:
                raise AssertionError(fault.harm)

    def _goes_on(self, fault: Fault, again: Callable[[], object]) -> None:
        """What was stopped goes on: soon is with the next line of an effect, or after a while without one."""
        if fault.release != "soon":
            self.held.append((fault.release, again))
            return
        before = self._effects()
        self.watch.until(lambda: self._effects() > before, SOON)
        again()
        self.watch.say("     goes on")

    def _effects(self) -> int:
        return sum(len(host.effects) for host in self.world.hosts.values())

    def release(self, when: str) -> None:
        """What was to go on now goes on."""
        for _, again in (one for one in self.held if one[0] == when):
            again()
            self.watch.say(f"GOES ON, {when}")
        self.held = [one for one in self.held if one[0] != when]

    def lose(self, record: Record, loss: Loss) -> None:
        """What somebody does to a machine or a record that nobody works on."""
        match loss.harm:
            case "state":
                self.watch.say(f"LOSS of the state on {loss.where}: {loss.how}")
                (record.machine.host if loss.where == CONTROLLER else self.world.hosts[loss.where]).lose(loss.how)
            case "cut" | "torn":
                whole = Version("before it was cut", list(record.lines()), final=False)
                self.watch.story.versions.append(whole)
                self.watch.say(f"LOSS of lines: {record.cut(loss.share, torn=loss.harm == 'torn')} are left")
            case "elsewhere":
                record.machine = self.world.machine()
                record.touched.add("elsewhere")
                self.watch.say("LOSS of the machine: another one goes on")
            case "copied":
                place = self.world.folder / f"copy-{len(self.watch.records)}" / record.run
                shutil.copytree(record.folder, place)
                machine = self.world.machine() if loss.moved else record.machine
                self.watch.know(Record(place, machine, record.touched | {"copied"}))
                record.touched.add("copied")
                self.watch.say(f"COPY of the record: {place.parent.name}")
