"""The eyes of an ordeal: what effects and journals say now, and waiting until they say something else.

Nothing here changes the world. A wait is for a condition; it looks a few hundred times a second, so what is new is in the
log with its time, and what a record claims is held against what runs while it runs. Its bound is for a machine ten times
too slow, and it ends early when the run can go no further by itself: it has ended, it asks, or nobody carries it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from tests.real.injector.chaos_story import Story, announced, has_ended, open_gates, running_in, told, unfinished
from tests.real.injector.chaos_world import Record, World, has_open, is_gone

PATIENCE = 40.0
"""Seconds after which what has not come will not come; everything here takes less than four."""
LOOK = 0.004
"""Seconds between two looks."""


class Watch:
    """Sees one world, and writes its story."""

    def __init__(self, world: World) -> None:
        self.world, self.story = world, Story(world.drawing)
        self.records: list[Record] = []
        self._began = time.monotonic()
        self._told: dict[str, int] = {}
        """By host or record: lines that are in the log."""

    def say(self, text: str) -> None:
        self.story.log.append(f"{time.monotonic() - self._began:8.3f}  {text}")

    def accuse(self, text: str) -> None:
        """Something is wrong; said once."""
        if text not in self.story.wrong:
            self.story.wrong.append(text)
            self.say(f"WRONG {text}")

    # --- waiting ------------------------------------------------------------------------------------------------------

    def until(self, holds: Callable[[], bool], patience: float = PATIENCE) -> bool:
        """Look until it holds; false when it did not in time."""
        end = time.monotonic() + patience
        while not holds():
            if time.monotonic() > end:
                return False
            self.look()
            time.sleep(LOOK)
        return True

    def wait(self, record: Record, holds: Callable[[], bool], patience: float = PATIENCE) -> bool:
        """The same, and false as well when the run can go no further by itself."""
        return self.until(lambda: holds() or self.is_idle(record), patience) and holds()

    # --- looking ------------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """What is new goes into the log; what is claimed is held against what runs."""
        if not self.records:
            return
        for name, host in self.world.hosts.items():
            for effect in self._new(name, list(host.effects)):
                over = f" while {effect.still} ran" if effect.still else ""
                self.say(f"{name}: {effect.name} {effect.what} {effect.pid}{over}")
                # Announced before it is sent: who is seen now stands in what is read now.
                known = max(announced(lines, effect.name, name) for lines in self._histories())
                self.story.announced.setdefault(name, []).append(known)
        for record in self.records:
            for line in filter(None, map(told, self._new(str(record.folder), record.lines()))):
                self.say(f"{record.folder.parent.name}: {line}")
        self._hold_claims_against_what_runs()

    def _new(self, name: str, lines: list) -> list:
        done, self._told[name] = self._told.get(name, 0), len(lines)
        return lines[done:]

    def know(self, record: Record) -> None:
        """Watch one more record; the lines that it has are no news."""
        self.records.append(record)
        self._told[str(record.folder)] = len(record.lines())

    def _hold_claims_against_what_runs(self) -> None:
        """No more commands run than there are attempts that are open or in doubt."""
        before = self.running()
        if not before:
            return
        counts = [unfinished(lines, doubts=True) for lines in self._histories()]
        # Who ran before the records were read is in them; who has gone since may be called ended in them.
        alive = set(before) & set(self.running())
        for key, number in Counter((name, host) for name, host, _ in alive).items():
            pids = sorted(pid for name, host, pid in alive if (name, host) == key)
            if number > max(count[key] for count in counts) and not self._are_named(pids):
                self.accuse(f"still runs: {key[0]} on {key[1]}, process {pids}, and no attempt is open or in doubt")

    def _histories(self) -> list[list[dict]]:
        """Every version of every record."""
        return [*(version.lines for version in self.story.versions), *(record.lines() for record in self.records)]

    def _are_named(self, pids: list[int]) -> bool:
        """Whether a record says of each of these that it could not be ended."""
        details = [line["event"].get("detail", "") for record in self.records for line in record.lines()]
        return all(any(str(pid) in detail for detail in details) for pid in pids)

    def running(self) -> list[tuple[str, str, int]]:
        """Commands that have begun, have not ended and live: name, host, process; the latest of a host last."""
        hosts = self.world.hosts.items()
        return [(of, name, pid) for name, host in hosts for of, pid in running_in(host.effects) if not is_gone(pid)]

    def signs(self, record: Record) -> Counter[str]:
        """How often each type of line, and each word of an effect, has been seen."""
        effects = (effect.what for host in self.world.hosts.values() for effect in host.effects)
        return Counter(line["event"]["type"] for line in record.lines()) + Counter(effects)

    # --- asking -------------------------------------------------------------------------------------------------------

    def runners(self, record: Record) -> list[int]:
        """Living processes that the record names and that have its journal open: a copy names its original's too."""
        pids = [line["event"]["pid"] for line in record.lines() if line["event"]["type"] == "RunnerStarted"]
        return [pid for pid in dict.fromkeys(pids) if not is_gone(pid) and has_open(pid, record.journal)]

    def asks(self, record: Record) -> bool:
        """A person has to answer, and nothing else is going on."""
        lines = record.lines()
        return bool(open_gates(lines)) and not unfinished(lines, doubts=False)

    def is_idle(self, record: Record) -> bool:
        """The run can go no further by itself."""
        return has_ended(record.lines()) or not self.runners(record) or self.asks(record)
