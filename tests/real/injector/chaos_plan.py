"""What one run is, and what is done to it: drawn from a seed, as values, before anything starts.

Nothing here knows a process, a socket or the program under test beyond the format of its documents. So the same seed is
the same run and the same harm for ever, a drawing can be printed and read, and what went wrong can be tried again. When
the harm is done is drawn as a sign to wait for (a line of the record, a line of an effect, bytes on the wire) and never
as a time. How it falls out still depends on the machine: a seed is a question, not a recording.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random
from typing import Literal

CONTROLLER = "controller"
ALL = "all"


@dataclass(frozen=True)
class Act:
    """A step that leaves two lines on its host: one when it begins, one when it ends."""

    name: str
    kind: Literal["command", "attached", "idempotent", "script", "upload"]
    on: str
    """A host, `all`, or `controller`."""
    seconds: float = 0.05
    codes: tuple[int, ...] = (0,)
    """Exit codes by turn; the last one stands for all that follow."""
    retries: int = 0
    timeout: float = 60.0
    on_failure: str = ""
    undone: bool = False
    """It has a step that takes it back, called after it."""


@dataclass(frozen=True)
class Block:
    """Steps that belong together, what comes when one fails, and what comes after either."""

    name: str
    inside: tuple[Act, ...]
    rescue: tuple[Act, ...]
    always: tuple[Act, ...]


@dataclass(frozen=True)
class Sign:
    """What is waited for: the `count`th line of a kind that is new in its round, and then bytes on the wire."""

    line: str
    """An event's type, or what an effect says: `BEGIN`, `END`."""
    count: int = 1
    bytes: int = 0
    way: str = "up"


@dataclass(frozen=True)
class Fault:
    """One harm, done while a runner lives."""

    sign: Sign
    harm: str
    host: str = "h1"
    way: str = "up"
    """`up` is from the runner to the host, `down` from the host to the runner."""
    after: int = 0
    """Bytes that a link still carries before it is harmed."""
    release: Literal["soon", "going on", "last"] = "soon"
    """When what was stopped or held goes on: soon, when the run has been taken up again, or when everything is over."""


@dataclass(frozen=True)
class Loss:
    """One harm, done while no runner lives."""

    harm: Literal["cut", "torn", "copied", "elsewhere", "state"]
    where: str = "h1"
    how: Literal["files", "hidden too", "folder", "home"] = "files"
    share: float = 0.0
    """How much of the journal's lines goes, counted from the end."""
    moved: bool = True
    """The copy is carried on from another machine."""


@dataclass(frozen=True)
class Round:
    """What happens to one runner, how it ends, and what happens before the next."""

    faults: tuple[Fault, ...]
    death: Fault | None = None
    losses: tuple[Loss, ...] = ()


@dataclass(frozen=True)
class Drawing:
    """Everything about one seed."""

    seed: int
    hosts: tuple[str, ...]
    steps: tuple[Act | Block, ...]
    closing: bool
    attended: bool
    rounds: tuple[Round, ...]
    answers: tuple[str, ...]
    """What a person says when the run asks, one after the other, as far as it is on offer."""
    copies_first: bool
    """A copy of the record is taken up before the record itself goes on."""

    @property
    def acts(self) -> tuple[Act, ...]:
        """Every act that is not an undo."""
        flat: list[Act] = []
        for step in self.steps:
            flat.extend((*step.inside, *step.rescue, *step.always) if isinstance(step, Block) else (step,))
        return (*flat, *((CLOSING,) if self.closing else ()))


CLOSING = Act(name="closing", kind="command", on=ALL)
UNDO = "undo-"


# --- the document -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Paper:
    """What a document needs to know of the world that it is for."""

    act: str
    """The program that leaves the lines."""
    controller_effects: str


def document(drawing: Drawing, paper: Paper) -> str:
    """The runbook. JSON is YAML, so no writer of YAML is needed."""
    book: dict[str, object] = {
        "version": 1,
        "kind": "operation",
        "name": "ordeal",
        "title": "Ordeal",
        "inventory": "real",
        "sections": [{"name": "Work", "on": ALL, "steps": [_written(step, paper) for step in drawing.steps]}],
    }
    if drawing.closing:
        book["always"] = [_written(CLOSING, paper)]
    return json.dumps(book, indent=1)


def _written(step: Act | Block, paper: Paper) -> dict[str, object]:
    if isinstance(step, Block):
        parts = {"steps": step.inside, "rescue": step.rescue, "always": step.always}
        return {
            "name": step.name,
            "block": {key: [_written(a, paper) for a in acts] for key, acts in parts.items() if acts},
        }
    keys: dict[str, object] = {"name": step.name, "on": step.on, "timeout": f"{step.timeout}s", **_does(step, paper)}
    if step.retries:
        keys |= {"retries": step.retries, "delay": "0.05s"}
    if step.on_failure:
        keys["on_failure"] = step.on_failure
    if step.undone:
        text = _call(f"{UNDO}{step.name}", 0.05, (0,), step.on, paper, undoes=step.name)
        keys["rollback"] = {"name": f"{UNDO}{step.name}", "command": text, "on": step.on, "timeout": "60s"}
    return keys


def _does(step: Act, paper: Paper) -> dict[str, object]:
    text = _call(step.name, step.seconds, step.codes, step.on, paper)
    match step.kind:
        case "upload":
            return {"upload": {"src": f"../files/{step.name}", "dest": "{{ host.at }}/" + step.name}}
        case "script":
            return {"script": f"#!/bin/sh\n{text}\n"}
        case "attached":
            return {"command": text, "durable": False, "changes": True}
        case "idempotent":
            return {"command": text, "idempotent": True}
        case "command":
            return {"command": text}


def _call(name: str, seconds: float, codes: tuple[int, ...], on: str, paper: Paper, undoes: str = "-") -> str:
    effects = paper.controller_effects if on == CONTROLLER else "{{ host.effects }}"
    return f"exec {paper.act} {name} {seconds} {','.join(map(str, codes))} {effects} {undoes}"


def sent(name: str) -> str:
    """What an upload sends: more than fits into one packet."""
    return f"{name}\n" * 20_000


# --- the drawing ------------------------------------------------------------------------------------------------------


def draw(seed: int) -> Drawing:
    """The run and the harm of a seed."""
    rng = Random(seed)
    hosts = tuple(f"h{number + 1}" for number in range(rng.choice((1, 1, 2, 2, 3))))
    steps = _steps(rng, hosts)
    return Drawing(
        seed=seed,
        hosts=hosts,
        steps=steps,
        closing=rng.random() < 0.4,
        attended=rng.random() < 0.45,
        rounds=_rounds(rng, hosts),
        answers=tuple(rng.choice(ANSWERS) for _ in range(3)),
        copies_first=rng.random() < 0.5,
    )


ANSWERS = ("retry", "retry", "skip", "accept", "rollback", "rollback", "abort", "retry_failed", "exclude")
KINDS = ("command",) * 5 + ("attached",) * 3 + ("idempotent", "script", "upload")
LINES = (
    "AttemptStarted",
    "AttemptStarted",
    "AttemptGraded",
    "AttemptEnded",
    "StepEntered",
    "OutputArrived",
    "SessionOpened",
    "BEGIN",
    "BEGIN",
    "BEGIN",
    "END",
    "END",
)


def _steps(rng: Random, hosts: tuple[str, ...]) -> tuple[Act | Block, ...]:
    steps: list[Act | Block] = []
    for number in range(1, rng.randint(2, 6) + 1):
        if number > 1 and rng.random() < 0.15 and not any(isinstance(step, Block) for step in steps):
            steps.append(_block(rng, hosts, f"b{number}"))
        else:
            steps.append(_act(rng, hosts, f"s{number}"))
    return tuple(steps)


def _block(rng: Random, hosts: tuple[str, ...], name: str) -> Block:
    inside = tuple(_act(rng, hosts, f"{name}i{number}") for number in range(1, rng.randint(1, 2) + 1))
    rescue = (_act(rng, hosts, f"{name}r1"),) if rng.random() < 0.7 else ()
    always = (_act(rng, hosts, f"{name}a1"),) if rng.random() < 0.6 or not rescue else ()
    return Block(name=name, inside=inside, rescue=rescue, always=always)


def _act(rng: Random, hosts: tuple[str, ...], name: str) -> Act:
    kind = rng.choice(KINDS)
    on = CONTROLLER if kind in {"command", "attached"} and rng.random() < 0.2 else rng.choice((ALL, *hosts))
    codes = (0,) if kind == "upload" else rng.choice(((0,), (0,), (0,), (0,), (3,), (3, 0)))
    seconds = rng.choice((0.05, 0.05, 0.05, 0.3, 0.5, 0.8) if kind != "attached" else (0.05, 0.5, 0.8, 1.2))
    hurried = kind != "upload" and seconds > 0.7 and rng.random() < 0.3
    undone = rng.random() < 0.6
    return Act(
        name=name,
        kind=kind,
        on=on,
        seconds=seconds,
        codes=codes,
        retries=rng.choice((0, 0, 0, 1, 2)),
        timeout=0.3 if hurried else 60.0,
        on_failure=rng.choice(("", "", "abort", "continue", *(("rollback",) * (4 if undone else 1)))),
        undone=undone,
    )


def _rounds(rng: Random, hosts: tuple[str, ...]) -> tuple[Round, ...]:
    count = rng.choice((1, 2, 2, 2, 3))
    rounds = [_round(rng, hosts, first=number == 0, last=number == count - 1) for number in range(count)]
    return tuple(rounds)


def _round(rng: Random, hosts: tuple[str, ...], *, first: bool, last: bool) -> Round:
    few = (1, 1, 2, 2) if last and first else (0, 0, 1, 1, 2)
    faults = tuple(_fault(rng, hosts, dies=not last) for _ in range(rng.choice(few)))
    if last:
        return Round(faults=faults)
    harm = rng.choice(("kill runner",) * 6 + ("terminate runner", "freeze runner"))
    losses = tuple(_loss(rng, hosts) for _ in range(rng.choice((0, 1, 1, 1, 2))))
    if harm == "freeze runner":
        losses = (Loss(harm="copied"), *(loss for loss in losses if loss.harm == "state"))
    return Round(faults=faults, death=Fault(sign=_sign(rng), harm=harm, release="last"), losses=losses)


def _sign(rng: Random) -> Sign:
    # The first step of every plan looks at the hosts; what is drawn should mostly happen behind it.
    line = rng.choice(LINES)
    count = rng.randint(1, 3) if line in {"BEGIN", "END", "OutputArrived"} else rng.randint(2, 5)
    return Sign(line=line, count=count, bytes=rng.choice((0, 0, 0, 1, 200, 900, 2500)), way=rng.choice(("up", "down")))


HARMS = (
    ("stop runner", 2),
    ("resume beside", 1),
    ("halt", 1),
    ("halt and roll back", 1),
    ("kill session", 2),
    ("terminate session", 1),
    ("stop session", 2),
    ("kill shell", 2),
    ("terminate shell", 1),
    ("stop shell", 1),
    ("kill command", 2),
    ("terminate command", 1),
    ("stop command", 1),
    ("cut", 3),
    ("stall", 3),
    ("half-close", 2),
    ("corrupt", 3),
    ("refuse", 1),
    ("linger", 2),
    ("lose state", 2),
)
"""What can be done while a runner lives, and how often it is drawn."""

LASTING = frozenset({"stop session", "stall"})
"""Harms that may last over the runner's death until everything is over: what was on its way arrives then."""


def _fault(rng: Random, hosts: tuple[str, ...], *, dies: bool) -> Fault:
    harm = rng.choices([name for name, _ in HARMS], [weight for _, weight in HARMS])[0]
    lasting = ("soon", "going on", "last") if dies and harm in LASTING else ("soon",)
    # A command can be struck while it runs, and that is best known when it has just begun.
    strikes = harm.endswith((" shell", " command"))
    return Fault(
        sign=Sign(line="BEGIN", count=rng.randint(1, 3)) if strikes else _sign(rng),
        harm=harm,
        host=rng.choice(hosts),
        way=rng.choice(("up", "down")),
        after=rng.choice((0, 0, 1, 100, 600, 1500)),
        release="last" if harm == "linger" else rng.choice(lasting),
    )


def _loss(rng: Random, hosts: tuple[str, ...]) -> Loss:
    harm = rng.choice(("state", "state", "cut", "cut", "torn", "copied", "elsewhere", "elsewhere"))
    return Loss(
        harm=harm,
        where=rng.choice((*hosts, *hosts, CONTROLLER)),
        how=rng.choice(("files", "hidden too", "folder", "home")),
        share=rng.random() ** 2,
        moved=rng.random() < 0.6,
    )
