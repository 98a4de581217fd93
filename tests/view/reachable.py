"""Runs that nobody would write and a damaged or hostile record might: every kind of step, any events, in any order."""

from __future__ import annotations

import typing

import msgspec
from hypothesis import strategies as st

from runbook.core.events.entry import Entry
from runbook.core.events.event import Event, RunOpened
from runbook.core.fold.evolve import evolve, open_run
from runbook.core.milestone_name import Milestone
from runbook.core.planned.action import Action, BlockAction, ParallelAction
from runbook.core.planned.plan import Objectives, Plan
from runbook.core.run import Run
from tests import strategies
from tests.builders import opened, plan, section, step
from tests.stories import failover_plan

hostile = strategies.texts | st.sampled_from(
    ["", "a\x1b[2Jb", "\x9b31m", "x\ny", "\u202ebad", "db[1-", "@all", "a\r\rb"]
)
seconds = st.sampled_from([0.0, 1.0, 90.0, 1e6])
leaves = st.one_of(*(strategies.structs(kind) for kind in typing.get_args(Action)))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """One step with an undo, one block with a rescue, one parallel, a rollback and an end."""

    def one(name: str, **fields: object) -> object:
        hosts = tuple(
            draw(st.lists(st.sampled_from(["db1", "db2", "controller", "x\x1b[1m"]), unique=True, max_size=3))
        )
        sets = draw(st.none() | st.sampled_from(Milestone))
        given = {"name": draw(hostile), "hosts": hosts, "expected": draw(seconds), "sets": sets, **fields}
        return step(name, given.pop("action", None) or draw(leaves), **given)

    first = one(
        "1.1", undo=(one("1.1.undo.1"),), awaits=(draw(hostile),), confirm=draw(st.sampled_from(["none", "typed"]))
    )
    block = one(
        "1.2", action=BlockAction(), steps=(one("1.2.1"),), rescue=(one("1.2.rescue.1"),), always=(one("1.2.always.1"),)
    )
    side = one("1.3", action=ParallelAction(), steps=(one("1.3.1"), one("1.3.2")))
    objectives = Objectives(rto=draw(st.none() | seconds), rto_starts_at=draw(st.sampled_from(["outage", "declared"])))
    return plan(
        sections=(section("1", first, block, side, name=draw(hostile)),),
        title=draw(hostile), rollback=(one("R.1"),), always=(one("A.1"),), objectives=objectives,
        probes=failover_plan().probes,
    )  # fmt: skip


events = st.one_of(
    strategies.unknown, *(strategies.structs(kind) for kind in strategies.KNOWN if kind is not RunOpened)
)


@st.composite
def tapes(draw: st.DrawFn) -> tuple[Entry, ...]:
    """The entries of a run whose events mostly name steps, gates, hosts and probes that the run has."""
    of = draw(plans())
    told = draw(st.lists(events, max_size=10))
    at = 0.0
    entries = [Entry(seq=0, at=at, wall="", event=opened(of))]
    for seq, event in enumerate(told, 1):
        at += draw(seconds)
        aimed = draw(aim(event, of)) if draw(st.booleans()) else event
        entries.append(Entry(seq=seq, at=at, wall=draw(hostile), event=aimed))
    return tuple(entries)


@st.composite
def aim(draw: st.DrawFn, event: Event, of: Plan) -> Event:
    """The event, its names replaced by ones that mean something in the plan."""
    name = draw(st.sampled_from([each.id for each in of.walk()]))
    hosts = next(each.hosts for each in of.walk() if each.id == name) or ("controller",)
    names = {
        "step": name,
        "gate": f"{name}#1",
        "host": draw(st.sampled_from(hosts)),
        "number": draw(st.integers(1, 2)),
        "hosts": hosts,
        "probe": "write-ok",
    }
    return msgspec.structs.replace(event, **{key: names[key] for key in names if key in event.__struct_fields__})


def folded(tape: tuple[Entry, ...]) -> list[Run]:
    """The run after each entry."""
    run = open_run(tape[0])
    assert run is not None
    runs = [run]
    for entry in tape[1:]:
        runs.append(evolve(runs[-1], entry))
    return runs
