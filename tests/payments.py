"""The story by which the screen was drawn: payments move from site A to site B, at 03:12 on a Friday.

One outage on purpose, 40 hosts of which some fail, two faults under leases, three probes, a canary that lost two writes,
three earlier runs' worth of experience. Everything that a screen of a run can say is in it once, so that a golden text of
it can be laid beside a drawing.

    tale = payments()            # at 03:12:44Z: step 4.5 restarts the pools, nobody is asked anything
    tale = failing()             # at 03:13:58Z: four hosts have failed, and a person is asked what now
    tale = answering()           # at 03:16:12Z: they are out, gate 5.1 waits for a second answer
"""

from __future__ import annotations

from datetime import datetime

from runbook.core.actor import Actor
from runbook.core.events.entry import Entry
from runbook.core.events.event import (
    AttemptEnded,
    AttemptStarted,
    CanarySampled,
    Event,
    FailureResolved,
    GateAnswered,
    GateOpened,
    HostExcluded,
    MilestoneMarked,
    NoteAdded,
    ProbeSampled,
    RunnerStarted,
    StepEnded,
    StepEntered,
)
from runbook.core.events.fault_event import FaultArmed, FaultArming, FaultInjected
from runbook.core.fold.evolve import evolve
from runbook.core.host import Host
from runbook.core.milestone_name import Milestone
from runbook.core.outcome import Outcome
from runbook.core.planned.action import ApproveAction, CommandAction, ConfirmAction, HttpAction
from runbook.core.planned.plan import (
    Environment,
    Objectives,
    Plan,
    PlannedCanary,
    PlannedProbe,
    PlannedSection,
    PlannedStep,
)
from runbook.core.result import Result
from runbook.core.run import Run
from runbook.feed.feed import OutputLine
from runbook.view.situation.past import PastRun
from tests.builders import Story, plan
from tests.tui.fakes import Lines

STARTED = "2026-11-27T02:47:10.000Z"
RUN = "20261127T024710Z-payments-failover-4ca6"
JON = Actor(name="jon", uid=1004, via="run")
ANA = Actor(name="ana", uid=1005, via="attach")
MIRA = Actor(name="mira", uid=1006, via="attach")
APPS = tuple(f"app{number:02d}" for number in range(1, 41))
RUNNING = ("app09", "app14", "app27", "app33", "app38")
QUEUED = ("app34", "app36", "app39", "app40")
FAILED = ("app07", "app11", "app23", "app30")
OTHERS = ("bank1", "db-a1", "db-a2", "db-b1", "db-b2", "db-b3", "lb1", "lb2", "mon1")
IN_WAVES = (*(app for app in APPS if app not in (*RUNNING, *QUEUED)), *RUNNING, *QUEUED)


def seconds(clock: str) -> float:
    """A wall time of that night, as seconds since the run was opened."""
    then = datetime.fromisoformat(f"2026-11-27T{clock}+00:00")
    return (then - datetime.fromisoformat(STARTED)).total_seconds()


NOW = seconds("03:12:44.400")
_COMMANDS = {
    "1": ("Prepare", (("Replication is healthy", 3), ("Backups are fresh", 3), ("Free space on B", 3), ("Tell the bank", 1), ("Certificates on B", 2), ("Freeze deployments", 1), ("Both sites agree", 6))),
    "4": ("Recover", (("Fence the old primary", 3), ("Stop the writers", 40), ("Promote the standby", 1), ("Rebuild the replicas", 2), ("Restart payment pools", 40))),
    "6": ("Prove it", (("Newest payment read back", 1), ("Ledgers agree", 2), ("Count what was lost", 1))),
}  # fmt: skip
_PLANNED = {
    "1.1": 30, "1.2": 30, "1.3": 20, "1.4": 60, "1.5": 30, "1.6": 10, "1.7": 60, "2.1": 40, "2.2": 10, "2.3": 60, "2.4": 10,
    "3.1": 45, "3.2": 135, "4.1": 30, "4.2": 15, "4.3": 80, "4.4": 380, "4.5": 180, "5.1": 120, "5.2": 90, "5.3": 180,
    "6.1": 30, "6.2": 150, "6.3": 60, "7.1": 60, "7.2": 600, "7.3": 120,
}  # fmt: skip


def _step(ident: str, name: str, section: str, action: object = None, **fields: object) -> PlannedStep:
    chosen = action or CommandAction(shell=f"payments {ident}")
    return PlannedStep(
        id=ident, name=name, section=section, action=chosen, expected=float(_PLANNED.get(ident, 0)), **fields
    )


def _hosts(count: int) -> tuple[str, ...]:
    return IN_WAVES if count == 40 else OTHERS[:count]


def _section(number: str, name: str, *steps: PlannedStep, **fields: object) -> PlannedSection:
    return PlannedSection(id=number, name=name, steps=steps, **fields)


def _commands(number: str) -> PlannedSection:
    name, steps = _COMMANDS[number]
    waves = {"4.5": (13, 13, 10, 4)}
    made = [
        _step(f"{number}.{place}", title, name, hosts=_hosts(count), waves=waves.get(f"{number}.{place}", ()), changes=number == "4")
        for place, (title, count) in enumerate(steps, 1)
    ]  # fmt: skip
    return _section(number, name, *made)


def payments_plan() -> Plan:
    """28 steps on 49 hosts, three gates, two faults."""
    approve = ApproveAction(
        message="Open payments on site B?", approvers=("dba-lead", "incident-lead"), min_required=2, allow_self=True
    )
    cut = _section(
        "2", "Cut site A off",
        _step("2.1", "Begin the outage?", "Cut site A off", ConfirmAction(message="Cuts site A off.", type="payments-a")),
        _step("2.2", "partition A | B", "Cut site A off", hosts=("db-a1",), sets=Milestone.OUTAGE),
        _step("2.3", "The outage is noticed", "Cut site A off", hosts=("mon1",), sets=Milestone.DETECTED),
        _step("2.4", "delay 80 ms to B", "Cut site A off", hosts=("lb1",)),
    )  # fmt: skip
    decide = _section(
        "3", "Decide",
        _step("3.1", "Site A is really gone", "Decide", hosts=OTHERS[:6]),
        _step("3.2", "Declare the failover", "Decide", ApproveAction(message="Declare?", approvers=("incident-lead",), min_required=2, allow_self=True), sets=Milestone.DECLARED),
    )  # fmt: skip
    reopen = _section(
        "5", "Open payments",
        _step("5.1", "Open payments", "Open payments", approve),
        _step("5.2", "Shift the traffic to B", "Open payments", hosts=("lb1", "lb2")),
        _step("5.3", "Payments taken again", "Open payments", hosts=("controller",), sets=Milestone.SERVICE_RESTORED),
    )  # fmt: skip
    normal = _section(
        "7", "Back to normal",
        _step("7.1", "Heal the partition", "Back to normal", hosts=OTHERS[:4]),
        _step("7.2", "Site A follows site B", "Back to normal", hosts=OTHERS[:3]),
        _step("7.3", "Hand back?", "Back to normal", ConfirmAction(message="Hand back?")),
        expected=780.0,
    )  # fmt: skip
    write, read = CommandAction(shell="payments put {seq}"), CommandAction(shell="payments last")
    probe = HttpAction(url="http://lb1/health")
    return plan(
        runbook="payments-failover", title="Move payments from site A to site B", kind="drill", service="payments", owner="dba-team",
        sections=(_commands("1"), cut, decide, _commands("4"), reopen, _commands("6"), normal),
        always=(_step("A.1", "Tell people", "Always"),),
        hosts=tuple(Host(name=name) for name in (*APPS, *OTHERS)),
        environment=Environment(name="production", colour="red", confirm="typed", roles={"dba-lead": ("mira",), "incident-lead": ("ana", "kim")}),
        objectives=Objectives(rto=1800.0, rpo=5.0),
        probes=tuple(PlannedProbe(name=name, action=probe, every=5.0) for name in ("pay-api", "balance-read", "site-a-api")),
        canary=PlannedCanary(write=write, write_on="lb1", read=read, read_on="lb1", every=5.0),
    )  # fmt: skip


PAST = tuple(
    PastRun(
        run=f"{day.replace('-', '')}T020000Z-payments-failover-{tail}", started=f"{day}T02:00:00Z", verdict="completed", objective="met",
        seconds=took, led_by="mira", took={**{key: float(value) for key, value in _PLANNED.items()}, "5.1": waited, "5.2": 88.0, "5.3": 110.0},
    )
    for day, tail, took, waited in (
        ("2026-08-28", "b7d2", 1450.0, 104.0), ("2026-05-29", "77ab", 1655.0, 449.0),
        ("2026-02-27", "0c1d", 1610.0, 124.0), ("2025-11-28", "9f3e", 1720.0, 679.0),
    )
)  # fmt: skip
"""Four earlier runs, the newest first."""


class Tape:
    """Events with their wall times, in any order; a `Story` once they are laid in order."""

    def __init__(self) -> None:
        self._told: list[tuple[float, int, Event]] = []

    def at(self, clock: str | float, *events: Event) -> Tape:
        """These happen then."""
        when = clock if isinstance(clock, float) else seconds(clock)
        self._told += [(when, len(self._told), event) for event in events]
        return self

    def step(self, ident: str, hosts: tuple[str, ...], begin: str, end: str) -> Tape:
        """A step that succeeds on all its hosts, each on its own in the plan's order."""
        self.at(
            begin,
            StepEntered(step=ident, hosts=hosts),
            *(AttemptStarted(step=ident, host=host, number=1) for host in hosts),
        )
        good = [
            AttemptEnded(step=ident, host=host, number=1, outcome=Outcome.SUCCEEDED, result=Result(rc=0))
            for host in hosts
        ]
        return self.at(end, *good, StepEnded(step=ident, outcome=Outcome.SUCCEEDED))

    def samples(self, probe: str, begin: str, end: str, ok: bool, *, every: float = 5.0) -> Tape:
        """A probe answers alike from one moment to the other."""
        moment = seconds(begin)
        while moment <= seconds(end):
            self.at(moment, ProbeSampled(probe=probe, ok=ok, took=0.0))
            moment += every
        return self

    def told(self) -> Story:
        """The story."""
        tale = Story(payments_plan(), run=RUN, operator=JON, started=STARTED)
        entries = [tale.entries[0]]
        run: Run = tale.run
        for number, (when, _, event) in enumerate(sorted(self._told, key=lambda one: one[:2]), 1):
            entry = Entry(seq=number, at=when, wall="", event=event)
            entries.append(entry)
            tale.before.append(run)
            run = evolve(run, entry)
        tale.entries, tale.run, tale.now = entries, run, entries[-1].at
        return tale


def _prepared(tape: Tape) -> None:
    tape.at("02:47:20", RunnerStarted(pid=4711, by=JON))
    ends = ("02:48:02", "02:48:30", "02:48:58", "02:49:16", "02:50:12", "02:50:40", "02:50:48", "02:51:40")
    counts = [count for _, count in _COMMANDS["1"][1]]
    for place, (begin, end, count) in enumerate(zip(ends, ends[1:], counts, strict=False), 1):
        tape.step(f"1.{place}", _hosts(count), begin, end)


def _gate(tape: Tape, ident: str, kind: str, begin: str, **fields: object) -> None:
    tape.at(begin, StepEntered(step=ident), GateOpened(gate=f"{ident}#1", step=ident, kind=kind, message="", **fields))


def _answer(tape: Tape, ident: str, when: str, by: Actor, answer: str = "approve", reason: str = "") -> None:
    tape.at(when, GateAnswered(gate=f"{ident}#1", step=ident, by=by, answer=answer, reason=reason))


def _cut_off(tape: Tape) -> None:
    _gate(tape, "2.1", "confirm", "02:51:40", word="payments-a", choices=("proceed", "stop"))
    _answer(tape, "2.1", "02:55:20", JON, "proceed", "go")
    tape.at("02:55:20", StepEnded(step="2.1", outcome=Outcome.SUCCEEDED))
    tape.step("2.2", ("db-a1",), "02:55:20", "02:55:25")
    _fault(tape, "2.2", "db-a1", "partition", "02:55:25", seconds("03:20:25.900") - seconds("02:55:25"))
    tape.step("2.3", ("mon1",), "02:55:25", "02:56:31")
    tape.at("02:56:31", MilestoneMarked(milestone=Milestone.DETECTED, source="2.3"))
    tape.step("2.4", ("lb1",), "02:56:31", "02:56:31")
    _fault(tape, "2.4", "lb1", "net-delay", "03:06:40", seconds("03:14:54.900") - seconds("03:06:40"))


def _fault(tape: Tape, ident: str, host: str, fault: str, when: str, duration: float) -> None:
    named = {"step": ident, "host": host, "number": 1}
    arming = FaultArming(
        **named,
        fault=fault,
        lease_id=f"runbook-{ident}",
        lease=60.0,
        limit=duration + 600.0,
        duration=duration,
        guarantees=("S",),
    )
    tape.at(when, arming, FaultArmed(**named), FaultInjected(**named))


def _decided(tape: Tape) -> None:
    tape.step("3.1", OTHERS[:6], "02:56:31", "02:57:12")
    _gate(tape, "3.2", "approve", "02:57:12", choices=("approve", "reject"))
    _answer(tape, "3.2", "02:59:52", ANA)
    _answer(tape, "3.2", "03:00:48", MIRA)
    tape.at(
        "03:00:48",
        StepEnded(step="3.2", outcome=Outcome.SUCCEEDED),
        MilestoneMarked(milestone=Milestone.DECLARED, source="3.2"),
    )


def _recovering(tape: Tape) -> None:
    tape.step("4.1", _hosts(3), "03:00:48", "03:01:29").step("4.2", IN_WAVES, "03:01:29", "03:01:41")
    tape.step("4.3", _hosts(1), "03:01:41", "03:03:35").step("4.4", _hosts(2), "03:03:35", "03:10:37")
    tape.at("03:10:37", StepEntered(step="4.5", hosts=IN_WAVES))
    good = IN_WAVES[:31]
    begun = [("03:10:37", good[:13]), ("03:10:55", good[13:26]), ("03:11:13", good[26:]), ("03:11:42", RUNNING)]
    for begin, hosts in begun:
        tape.at(begin, *(AttemptStarted(step="4.5", host=host, number=1) for host in hosts))
        for host in hosts if hosts is not RUNNING else ():
            _ends(tape, host, seconds(begin) + (19.0 if host == "app22" else 11.0))


def _ends(
    tape: Tape, host: str, when: float, outcome: Outcome = Outcome.SUCCEEDED, rc: int | None = 0, detail: str = ""
) -> None:
    number = 1
    tape.at(
        when, AttemptEnded(step="4.5", host=host, number=number, outcome=outcome, result=Result(rc=rc), detail=detail)
    )


def _watched(tape: Tape, until: str) -> None:
    tape.samples("pay-api", "02:47:25", "02:55:25", ok=True).samples("pay-api", "02:55:25.200", until, ok=False)
    tape.samples("site-a-api", "02:47:25", "02:55:25", ok=True)
    tape.samples("balance-read", "02:47:25", "02:55:20", ok=True).samples(
        "balance-read", "02:55:25.200", "03:03:20.200", ok=False
    )
    for begin, good in (
        ("03:03:24", True),
        ("03:03:40", False),
        ("03:03:50", True),
        ("03:04:00", False),
        ("03:04:10", True),
        ("03:04:20", False),
    ):
        tape.samples("balance-read", begin, begin, ok=good)
    tape.samples("balance-read", "03:04:30", "03:11:20", ok=True).samples(
        "balance-read", "03:11:25", "03:11:25", ok=False
    )
    tape.samples("balance-read", "03:11:30", "03:11:40", ok=True).samples(
        "balance-read", "03:11:45", "03:11:45", ok=False
    )
    tape.samples("balance-read", "03:11:50", until, ok=True)
    _canary(tape, until)


def _canary(tape: Tape, until: str) -> None:
    mark, moment = 1, seconds("02:47:26")
    while moment <= seconds(until):
        is_out = seconds("02:55:25") < moment < seconds("03:03:24")
        tape.at(moment, CanarySampled(kind="write", mark=mark, ok=not is_out, took=0.0))
        mark, moment = mark + 1, moment + 5.0
    tape.at("03:03:24", CanarySampled(kind="read", mark=94, ok=True, took=0.0))
    tape.at("03:03:24", CanarySampled(kind="write", mark=mark, ok=True, took=0.0))
    tape.at("03:03:24", NoteAdded(text="canary writes, gap 7:59, 2 lost"))


def _noted(tape: Tape) -> None:
    for when, by, text in (
        ("03:00:48", ANA, "declared: A does not come back"),
        ("03:11:02", ANA, "bank knows: closed until 03:25"),
        ("03:12:20", JON, "reads dip: the pools restart"),
    ):
        tape.at(when, NoteAdded(text=text, by=by))


def _tape(until: str) -> Tape:
    tape = Tape()
    for part in (_prepared, _cut_off, _decided, _recovering, _noted):
        part(tape)
    _watched(tape, until)
    return tape


def payments() -> Story:
    """At 03:12:44Z the pools restart, wave after wave."""
    return _tape("03:12:44").told()


def _failed(tape: Tape) -> None:
    for host in RUNNING:
        _ends(tape, host, seconds("03:12:55"))
    tape.at("03:13:13", *(AttemptStarted(step="4.5", host=host, number=1) for host in QUEUED))
    for host in QUEUED:
        _ends(
            tape,
            host,
            seconds("03:13:16.400"),
            Outcome.FAILED,
            1,
            "exit code 1: nginx: [emerg] bind() to 0.0.0.0:443 failed",
        )
    tape.at("03:13:16.400", StepEnded(step="4.5", outcome=Outcome.FAILED, detail="4 of 40 hosts"))
    choices = ("retry", "exclude", "continue", "retry_all", "rollback", "abort")
    tape.at("03:13:16.400", GateOpened(gate="4.5#1", step="4.5", kind="failure", message="", choices=choices))


def failing() -> Story:
    """At 03:13:58Z four hosts have failed."""
    tape = _tape("03:13:55")
    _failed(tape)
    return tape.told()


def answering() -> Story:
    """At 03:16:12Z gate 5.1 has one of two answers."""
    tape = _tape("03:16:10")
    _failed(tape)
    tape.at("03:14:48", *(HostExcluded(host=host, reason="36 are enough", by=JON) for host in QUEUED))
    tape.at("03:14:48", FailureResolved(step="4.5", choice="exclude", by=JON, reason="36 are enough"))
    _gate(tape, "5.1", "approve", "03:14:51", choices=("approve", "reject"))
    _answer(tape, "5.1", "03:15:20", ANA)
    return tape.told()


class PoolOutput(Lines):
    """What app14 says while its pools drain."""

    def __init__(self) -> None:
        left = (
            1626,
            1463,
            1316,
            1184,
            1065,
            958,
            862,
            775,
            697,
            627,
            564,
            507,
            456,
            410,
            369,
            332,
            298,
            268,
            241,
            216,
            194,
            180,
        )
        said = [f"pool p3: {number} left".encode() for number in left]
        said.insert(7, b"ERR 12 clients do not answer FIN")
        super().__init__({"app14": [b"pool p1: drained" for _ in range(189)] + said})

    def _line(self, number: int, data: bytes) -> OutputLine:
        line = super()._line(number, data)
        return OutputLine(
            number=number,
            data=line.data,
            stream=line.stream,
            step="4.5",
            at=seconds("03:12:44.140") - (211 - number) * 1.01,
        )
