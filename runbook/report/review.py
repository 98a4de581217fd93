"""A review of a run, for the people who sit together afterwards: how it came out, where time went, what to look at.

Made from the report's own model, so that it cannot say anything else; what it adds are questions, each from something
that is on record. It answers none of them: what follows is written down as findings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runbook.core.finding import Finding
from runbook.report import saying
from runbook.report.deviation import Deviation, RuleBroken, StepLate, StepOdd, Stopped
from runbook.report.facts import wall_label
from runbook.report.markdown import escaped
from runbook.report.model import Report, StepFacts
from runbook.view.sanitize import safe
from runbook.view.words import duration, measured

_SLOWEST = 3
"""Steps that are named as those that took longest."""
_LONG_WAIT = 300.0
"""Seconds that a question may wait before somebody is asked why."""


def review(report: Report, findings: Sequence[Finding]) -> str:
    """The page, in Markdown; `findings` are those that came to light in this run."""
    return "\n".join(line.rstrip() for line in _lines(report, findings)) + "\n"


def _lines(report: Report, findings: Sequence[Finding]) -> Iterator[str]:
    who = report.identity
    yield f"# Review: {escaped(safe(who.title))}"
    yield ""
    where = f"{escaped(safe(who.runbook))} in {escaped(safe(who.environment))}"
    yield f"{where}, {wall_label(who.started)}, run `{safe(who.run)}`."
    yield from _part("How it came out", _outcome(report))
    yield from _part("What did not go as planned", map(_deviation, report.deviations), "Everything went as planned.")
    yield from _part("Where the time went", _time(report))
    yield from _part("What to look at", _questions(report), "Nothing on record asks for it.")
    yield from _part("Findings", map(_finding, findings), "None is written down yet.")
    yield ""
    yield f'Write one down with: `runbook finding add "WHAT" --run {safe(who.run)}`'


def _part(head: str, lines: Iterator[str], otherwise: str = "") -> Iterator[str]:
    yield from ("", f"## {head}", "")
    told = [f"- {line}" for line in lines]
    yield from told or [otherwise]


def _outcome(report: Report) -> Iterator[str]:
    said, took, lost = report.verdicts, report.recovery_time, report.data_loss
    four = (
        ("run", said.run),
        ("steady state", said.steady_state),
        ("objectives", said.objectives),
        ("revert", said.revert),
    )
    yield ", ".join(f"{name} **{word.replace('_', ' ')}**" for name, word in four)
    if took.promised is not None or took.actual is not None:
        actual = "not measured" if took.actual is None else measured(took.actual, took.error, at_least=took.at_least)
        yield f"recovery time {actual}, promised {_promised(took.promised)}"
    if lost.promised is not None or lost.actual is not None:
        actual = "not measured" if lost.actual is None else measured(lost.actual, lost.error)
        yield f"data loss {actual}, promised {_promised(lost.promised)}"


def _time(report: Report) -> Iterator[str]:
    yield f"{duration(report.identity.length)} in all, {duration(report.waiting_for_people)} of it waiting for people"
    worked = [step for step in report.steps if step.actual]
    for step in sorted(worked, key=lambda one: -(one.actual or 0.0))[:_SLOWEST]:
        planned = f", planned {duration(step.planned)}" if step.planned else ""
        yield f"{_step(step)} took {duration(step.actual or 0.0)}{planned}"


def _deviation(found: Deviation) -> str:
    step, name, what, decided = saying.deviation(found)
    place = f"{step} {name}: " if step else ""
    return escaped(f"{place}{what}{f' ({decided.strip()})' if decided.strip() else ''}")


def _questions(report: Report) -> Iterator[str]:
    yield from (question for found in report.deviations if (question := _about(found)))
    for gate in report.gates:
        if gate.waited >= _LONG_WAIT:
            yield f"Why did the question {escaped(safe(gate.gate))} wait {duration(gate.waited)} for an answer?"
    if report.verdicts.objectives_declared and report.verdicts.objectives == "not_measured":
        yield "Why was the objective not measured, and what would measure it?"
    if len([person for person in report.people if not person.actor.machine]) == 1:
        yield "One person alone took part: who does it next time?"


def _about(found: Deviation) -> str:
    """What is to be asked about one thing that was not as planned; empty where it says all there is."""
    match found:
        case StepOdd() if found.failed:
            return f"Why did {_named(found.step, found.name)} fail, and would it fail again?"
        case StepLate():
            return f"Is {_named(found.step, found.name)} planned too short, or was it slow this time?"
        case RuleBroken():
            return f"Was it right to override the rule {escaped(safe(found.rule))}, and why was it in the way?"
        case Stopped():
            return "What would have let the run go on to its end?"
        case _:
            return ""


def _finding(found: Finding) -> str:
    told, closed = found.opened, found.closed
    state = f"closed, {safe(closed.reason)}" if closed else f"open{f', due {safe(told.due)}' if told.due else ''}"
    owner = f", {safe(told.owner)}" if told.owner else ""
    return escaped(f"{told.finding} {safe(told.title)} ({told.severity}{owner}; {state})")


def _step(step: StepFacts) -> str:
    return _named(step.id, step.name)


def _named(step: str, name: str) -> str:
    return escaped(f"{safe(step)} {safe(name)}")


def _promised(seconds: float | None) -> str:
    return duration(seconds) if seconds is not None else "nothing"
