"""The check on promise 1: what was entered, asked about and sent is what was shown, by the digests on record.

For each visit of a step the record holds the text of what every host is to be sent. Its hash must be the one that the
step was entered with, that every gate about it was opened with, and that each attempt was announced with. Where the
plan shows the step whole, the text must also say what the plan says.
"""

from __future__ import annotations

from collections.abc import Mapping

from runbook.core.events.entry import Entry
from runbook.core.events.event import AttemptStarted, GateOpened, RunnerStarted, RunOpened, StepEntered
from runbook.core.host import Host
from runbook.core.planned.plan import PlannedStep, StepId
from runbook.core.planned.shown import hash_of
from runbook.record.checking.soundness import Examined, JournalEnd, Soundness, line_of
from runbook.record.form.formats import FORMAT, rules_of


class ShownCheck:
    """Nothing was entered, asked about or sent under another digest than that of what was shown."""

    def __init__(self) -> None:
        """Nothing seen yet."""
        self._rules = rules_of(FORMAT)
        self._steps: dict[StepId, PlannedStep] = {}
        self._hosts: Mapping[str, Host] = {}
        self._entered: dict[StepId, str] = {}
        self._sums: dict[StepId, dict[str, str]] = {}
        self._compared = 0
        self._wrong: Examined | None = None

    def see(self, entry: Entry) -> None:
        """Hold every digest against what it is said to be of."""
        match entry.event:
            case RunOpened(plan=plan, format=number):
                self._rules = rules_of(number)
                self._steps = {step.id: step for step in plan.walk()}
                self._hosts = {host.name: host for host in plan.hosts}
            case RunnerStarted(format=number) if number:
                self._rules = rules_of(number)
            case StepEntered() as entered:
                self._enter(entry, entered)
            case GateOpened() as gate:
                self._open(entry, gate)
            case AttemptStarted(step=step, host=host, digest=digest):
                due = self._sums.get(step, {}).get(host, "")
                self._compare(entry, digest, due, f"Step {step} on {host} was started with")
            case _:
                pass

    def check(self, ending: JournalEnd) -> Examined:  # noqa: ARG002 - the protocol's
        """As found."""
        detail = f"What was entered, asked about and sent has the digest of what was shown, {self._compared} times"
        return self._wrong or Examined(name="shown", finding=Soundness.OK, detail=detail)

    def _enter(self, entry: Entry, entered: StepEntered) -> None:
        self._entered[entered.step] = entered.digest
        self._sums[entered.step] = {}
        planned = self._steps.get(entered.step)
        # A step that failed before anything could be shown has nothing that could be sent.
        if planned is None or not (entered.digest or entered.shown):
            return
        tried = [(rules, rules.texts(entered, planned, self._hosts)) for rules in self._rules]
        dues = [rules.step_digest(texts, planned) for rules, texts in tried]
        held = dues.index(entered.digest) if entered.digest in dues else 0
        self._compare(entry, entered.digest, dues[held], f"Step {entered.step} was entered with")
        rules, texts = tried[held]
        sums = {text: hash_of(text) for text in texts.values()}
        self._sums[entered.step] = {host: sums[text] for host, text in texts.items()}
        for host in rules.differs_from_plan(texts, planned, self._hosts):
            self._blame(entry, f"Step {entered.step} was entered with something else for {host} than its plan shows")

    def _open(self, entry: Entry, gate: GateOpened) -> None:
        due = self._rules[0].key_digest(gate) if gate.kind == "host_key" else self._entered.get(gate.step, "")
        self._compare(entry, gate.digest, due, f"Gate {gate.gate} was opened with")

    def _compare(self, entry: Entry, found: str, due: str, what: str) -> None:
        self._compared += 1
        if found != due:
            self._blame(entry, f'{what} the digest "{found}", where what was shown gives "{due}"')

    def _blame(self, entry: Entry, detail: str) -> None:
        if self._wrong is None:
            self._wrong = Examined(name="shown", finding=Soundness.ALTERED, detail=detail, line=line_of(entry))
