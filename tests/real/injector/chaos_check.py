"""Holds what happened on the hosts against what the records say: every difference is a sentence.

Pure, and it trusts nothing but lines: effects as the commands wrote them, journals as `docs/record.md` describes them. It
does not know which fault was injected, so it cannot excuse one. `Budget` is what the records allow a step on a host:
as many effects as there were attempts that were asked for by a person, permitted by the runbook after a failure that is
known, or the first; and at least as many as are claimed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.real.injector.chaos_plan import CONTROLLER, UNDO, Act, Drawing, sent
from tests.real.injector.chaos_story import Effect, Story, names

Key = tuple[str, str]
"""A step's name and a host."""
PERSONS = frozenset({"retry", "retry_failed", "goto"})
"""What a person may have chosen so that a step runs again."""


@dataclass
class Try:
    """One attempt as one version of a record tells it."""

    number: int
    excuse: str
    """Why there may be this one; empty when nothing permits it."""
    visit: str
    """The sum of the line by which a person last asked for one more; empty while nobody did."""
    outcome: str = ""
    """Empty while it has no end."""
    rc: int | None = None

    @property
    def is_doubted(self) -> bool:
        return self.outcome in {"in_doubt", ""}

    @property
    def has_failed(self) -> bool:
        return self.outcome in {"failed", "timed_out"}


@dataclass
class Budget:
    """What every version of every record together says of a step on a host."""

    may: set[tuple[int, str]] = field(default_factory=set)
    """Attempts that may have had an effect: number and visit, since two people may ask in two copies."""
    succeeded: set[int] = field(default_factory=set)
    failed: set[int] = field(default_factory=set)
    """With an exit code, so that the command ran."""
    doubted: bool = False
    decided: bool = False
    """It was in doubt, and a person decided what becomes of it."""


def findings(story: Story) -> list[str]:
    """Everything that is wrong, each with its kind in front."""
    found = list(story.wrong)
    budgets: dict[Key, Budget] = {}
    for version in story.versions:
        reading = _Reading(version.lines, story.drawing)
        reading.add_to(budgets)
        found += reading.found
    for host, effects in story.effects.items():
        found += _counted(host, effects, budgets)
        found += _in_turn(host, effects, story.announced.get(host, []), budgets)
        found += _undone(host, effects, budgets)
    found += _missing(story, budgets)
    found += _uploaded(story, budgets)
    found += _survived(story, budgets)
    found += _printed(story)
    return list(dict.fromkeys(found + _verified(story, found)))


# --- what the records allow -------------------------------------------------------------------------------------------


class _Reading:
    """One version of a record, read from its first line to its last."""

    def __init__(self, lines: list[dict], drawing: Drawing) -> None:
        self.names = names(lines)
        self.acts = {act.name: act for act in drawing.acts}
        self.drawn = _drawn(drawing)
        self.tries: dict[Key, list[Try]] = {}
        self.asked: dict[str, str] = {}
        """By name: the last line by which a person asked for it again."""
        self.taken_back = ""
        """The line by which a person asked for the whole run to be undone."""
        self.decided: set[Key] = set()
        self.found: list[str] = []
        for line in lines:
            self._take(line["event"], line["sum"])

    def _take(self, event: dict, line: str) -> None:
        name = self.names.get(event.get("step", ""), "")
        match event["type"]:
            case "AttemptStarted" if name in self.drawn:
                self._starts((name, event["host"]), event["number"])
            case "AttemptEnded":
                for one in self.tries.get((name, event["host"]), ()):
                    if one.number == event["number"]:
                        one.outcome, one.rc = event["outcome"], event.get("result", {}).get("rc")
            case "FailureResolved" if event.get("by") and not event["by"].get("machine"):
                self._resolved(name, event["choice"], line)
            case "RollbackStarted" if event.get("by") and not event["by"].get("machine"):
                self.taken_back = line

    def _starts(self, key: Key, number: int) -> None:
        before, where = self.tries.setdefault(key, []), f"{key[0]} on {key[1]}, attempt {number}"
        if any(one.number == number for one in before):
            self.found.append(f"started twice on record: {where}")
        visit = self.asked.get(key[0], "")
        if not visit and key[1] == CONTROLLER and key[0].startswith(UNDO):
            # The controller of another machine is another host: who carries a copy on there and asks for its undo has
            # been asked by it, and the machine that the copy came from cannot be.
            visit = self.taken_back
        asked = bool(before) and visit not in {one.visit for one in before}
        excuse = "asked for" if asked else _excuse(before, self.acts.get(key[0]))
        if not excuse:
            self.found.append(f"attempt without a word: {where}")
        before.append(Try(number, excuse, visit))

    def _resolved(self, name: str, choice: str, line: str) -> None:
        """A person chose."""
        if choice == "rollback":
            self.taken_back = line
        if choice in PERSONS:
            self.asked[name] = line
        else:
            self.decided |= {key for key, tries in self.tries.items() if key[0] == name and tries[-1].is_doubted}

    def add_to(self, budgets: dict[Key, Budget]) -> None:
        for key, made in self.tries.items():
            budget = budgets.setdefault(key, Budget())
            budget.may |= {(one.number, one.visit) for one in made if one.outcome != "unreachable"}
            budget.succeeded |= {one.number for one in made if one.outcome == "succeeded"}
            budget.failed |= {one.number for one in made if one.outcome == "failed" and one.rc is not None}
            budget.doubted |= any(one.is_doubted for one in made)
            budget.decided |= key in self.decided


def _drawn(drawing: Drawing) -> set[str]:
    """Names of everything that leaves effects."""
    return {name for act in drawing.acts for name in (act.name, f"{UNDO}{act.name}")}


def _excuse(before: list[Try], act: Act | None) -> str:
    """Why there may be one more attempt that nobody asked for; empty when nothing permits it."""
    if not before:
        return "the first"
    if before[-1].outcome == "unreachable":
        return "nothing was sent"
    if act is not None and before[-1].is_doubted:
        return "idempotent" if act.kind == "idempotent" else ""
    visits = len({one.visit for one in before})
    failures = sum(one.has_failed for one in before)
    # A person's retry begins a visit of its own, with its own first attempt and its own retries.
    permitted = act is not None and before[-1].has_failed and failures < visits * (1 + act.retries)
    return "a retry after a failure" if permitted else ""


# --- what there is ----------------------------------------------------------------------------------------------------


def _counted(host: str, effects: tuple[Effect, ...], budgets: dict[Key, Budget]) -> list[str]:
    """No step begins more often than it may."""
    found = []
    for name in dict.fromkeys(effect.name for effect in effects):
        begun = sum((effect.name, effect.what) == (name, "BEGIN") for effect in effects)
        may = budgets.get((name, host), Budget()).may
        if begun > len(may):
            kind = "ran again" if may else "never sent, and ran"
            found.append(f"{kind}: {name} on {host} began {begun} times, and the record allows {len(may)}")
    return found


def _in_turn(host: str, effects: tuple[Effect, ...], announced: list[int], budgets: dict[Key, Budget]) -> list[str]:
    """No effect is there before an attempt was announced that may have had it: a later one cannot lend its doubt."""
    found = []
    seen = [(effect.name, turn) for effect, turn in zip(effects, announced, strict=False) if effect.what == "BEGIN"]
    for name, turn in dict.fromkeys(seen):
        begun = sum(of == name and then <= turn for of, then in seen)
        may = sum(number <= turn for number, _ in budgets.get((name, host), Budget()).may)
        if begun > may:
            when = f"before attempt {turn + 1}" if turn else "unannounced"
            found.append(
                f"never sent, and ran: {name} on {host} began {begun} times {when}, and the record allows {may}"
            )
    return found


def _undone(host: str, effects: tuple[Effect, ...], budgets: dict[Key, Budget]) -> list[str]:
    """Nothing is undone that did not run, and nothing while it runs."""
    found = []
    for effect in effects:
        if not effect.name.startswith(UNDO) or effect.what != "BEGIN":
            continue
        budget = budgets.get((effect.name.removeprefix(UNDO), host), Budget())
        if not budget.may:
            found.append(f"undone without need: {effect.name} on {host}")
        if effect.still and not budget.decided:
            found.append(f"undone while it ran: {effect.name} on {host} began over process {effect.still}")
    return found


def _missing(story: Story, budgets: dict[Key, Budget]) -> list[str]:
    """What is claimed has happened."""
    found = []
    sends = {act.name for act in story.drawing.acts if act.kind == "upload"}
    for (name, host), budget in budgets.items():
        if name in sends:
            continue
        of = [effect.what for effect in story.effects.get(host, ()) if effect.name == name]
        if of.count("BEGIN") < len(budget.succeeded | budget.failed):
            found.append(f"claimed, and did not run: {name} on {host}: {of} for {budget}")
        if of.count("END") < len(budget.succeeded):
            found.append(f"claimed, and did not end: {name} on {host}: {of} for {budget}")
    return found


def _uploaded(story: Story, budgets: dict[Key, Budget]) -> list[str]:
    """A file that was sent is there whole, or not at all."""
    found = []
    for (name, host), content in story.uploads.items():
        budget = budgets.get((name, host), Budget())
        if content is None and budget.succeeded:
            found.append(f"claimed, and not there: {name} on {host}")
        if content is not None and content != sent(name):
            found.append(f"not whole: {name} on {host} has {len(content)} characters")
        if content is not None and not budget.may:
            found.append(f"never sent, and there: {name} on {host}")
    return found


def _survived(story: Story, budgets: dict[Key, Budget]) -> list[str]:
    """What still runs when a run has ended is in doubt on its record."""
    return [
        f"runs on unnamed: {name} on {host}, process {pid}"
        for name, host, pid in story.survivors
        if not budgets.get((name, host), Budget()).doubted
    ]


def _printed(story: Story) -> list[str]:
    """A step that succeeded has its whole output on record, where nobody took any of it away."""
    found = []
    for (record, step, host, number), text in story.printed.items():
        lines = next(version.lines for version in story.versions if version.record == record and version.final)
        name = names(lines).get(step, "")
        sends = {act.name for act in story.drawing.acts if act.kind == "upload"}
        if (
            name in _drawn(story.drawing) - sends
            and not story.touched[record]
            and text != f"{name} begins\n{name} ended\n"
        ):
            found.append(f"output lost: {name} on {host}, attempt {number}, printed {text!r}")
    return found


def _verified(story: Story, found: list[str]) -> list[str]:
    """Nobody calls an untouched record altered, nor one sound whose effects are not what it says."""
    words = []
    for record, grade in story.grades.items():
        if grade == "altered" and not story.touched[record]:
            words.append(f"called altered: {record}, which nobody touched")
        if grade == "sound" and any(text.startswith(("ran again", "never sent", "claimed")) for text in found):
            words.append(f"called sound: {record}")
    return words
