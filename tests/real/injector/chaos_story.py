"""What was seen of a run, as values: lines of effects, lines of journals, and what can be read out of both.

Pure. The reader of journals in here knows what `docs/record.md` says and nothing else of the program, so that a mistake of
the program's own reader cannot hide one of its writer.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.real.injector.chaos_plan import Drawing


@dataclass(frozen=True)
class Effect:
    """A line that a command left on its host."""

    name: str
    what: str
    """`BEGIN` or `END`."""
    pid: int
    still: tuple[int, ...] = ()
    """Processes of what it takes back that ran when it began."""


@dataclass
class Version:
    """Lines that a record held at some time: its last state, or what it was before somebody cut it."""

    record: str
    lines: list[dict]
    final: bool


@dataclass
class Story:
    """Everything that is known of one ordeal."""

    drawing: Drawing
    log: list[str] = field(default_factory=list)
    """What was done and seen and when, for people."""
    wrong: list[str] = field(default_factory=list)
    """What was wrong while it was looked at, each with its kind in front."""
    versions: list[Version] = field(default_factory=list)
    effects: dict[str, tuple[Effect, ...]] = field(default_factory=dict)
    """By host, in the order in which they were written."""
    announced: dict[str, list[int]] = field(default_factory=dict)
    """By host, for each of its effects: the highest number of an attempt of that step that was on record when the effect
    was first seen. So an effect belongs to that attempt or to an earlier one."""
    uploads: dict[tuple[str, str], str | None] = field(default_factory=dict)
    """By name and host: what lies where the file should be."""
    grades: dict[str, str] = field(default_factory=dict)
    """By record: the word of `verify`."""
    touched: dict[str, frozenset[str]] = field(default_factory=dict)
    """By record: what was done to it by others than the program: cut, copied, taken elsewhere."""
    survivors: list[tuple[str, str, int]] = field(default_factory=list)
    """Commands that still ran when their run had ended: name, host, process."""
    printed: dict[tuple[str, str, str, int], str] = field(default_factory=dict)
    """By record, step's id, host and number of each attempt called succeeded: its standard output on record."""


def effects_in(text: str) -> tuple[Effect, ...]:
    """Every line of a file of effects."""
    rows = [line.split() for line in text.splitlines()]
    return tuple(Effect(row[0], row[1], int(row[2]), tuple(map(int, row[3:]))) for row in rows)


def running_in(effects: tuple[Effect, ...]) -> list[tuple[str, int]]:
    """Commands that have begun and not ended: name and process, in the order in which they began."""
    ended = {(effect.name, effect.pid) for effect in effects if effect.what == "END"}
    begun = [(effect.name, effect.pid) for effect in effects if effect.what == "BEGIN"]
    return [one for one in begun if one not in ended]


def names(lines: list[dict]) -> dict[str, str]:
    """Every planned step's id and name, as the first line of a journal tells them."""
    found: dict[str, str] = {}

    def walk(value: object) -> None:
        if isinstance(value, dict):
            if "id" in value and "name" in value:
                found[value["id"]] = value["name"]
            for part in value.values():
                walk(part)
        elif isinstance(value, list):
            for part in value:
                walk(part)

    walk(lines[0]["event"]["plan"] if lines else {})
    return found


def has_ended(lines: list[dict]) -> bool:
    """The run's last line is there."""
    return bool(lines) and lines[-1]["event"]["type"] == "RunEnded"


def open_gates(lines: list[dict]) -> list[dict]:
    """Questions that nobody has answered."""
    gates: dict[str, dict] = {}
    for event in (line["event"] for line in lines):
        match event["type"]:
            case "GateOpened":
                gates[event["gate"]] = event
            case "GateAnswered" | "GateLapsed":
                gates.pop(event["gate"], None)
            case "FailureResolved":
                gates = {gate: opened for gate, opened in gates.items() if opened["step"] != event["step"]}
            case "HaltRequested" | "RollbackStarted" | "RunEnded":
                gates.clear()
    return list(gates.values())


def announced(lines: list[dict], name: str, host: str) -> int:
    """The highest number of an attempt of a step on a host; 0 while there is none."""
    called = names(lines)
    starts = (line["event"] for line in lines if line["event"]["type"] == "AttemptStarted")
    return max((e["number"] for e in starts if (called.get(e["step"]), e["host"]) == (name, host)), default=0)


def unfinished(lines: list[dict], *, doubts: bool) -> Counter[tuple[str, str]]:
    """By name and host: how many attempts have no end on record, and with `doubts` those whose end is in doubt."""
    called, going = names(lines), set()
    for event in (line["event"] for line in lines):
        if event["type"] == "AttemptStarted":
            going.add((event["step"], event["host"], event["number"]))
        elif event["type"] == "AttemptEnded" and not (doubts and event["outcome"] == "in_doubt"):
            going.discard((event["step"], event["host"], event["number"]))
    return Counter((called.get(step, step), host) for step, host, _ in going)


TOLD = {
    "AttemptStarted",
    "AttemptEnded",
    "FailureResolved",
    "GateOpened",
    "GateAnswered",
    "HaltRequested",
    "RollbackStarted",
    "RunnerStarted",
    "RunEnded",
    "SessionLost",
}


def told(line: dict) -> str:
    """A line of a journal, for the log; empty for those that say nothing about effects."""
    event = line["event"]
    words = ("type", "step", "host", "number", "outcome", "choice", "answer", "pid", "reason", "detail")
    return " ".join(str(event[word]) for word in words if word in event) if event["type"] in TOLD else ""
