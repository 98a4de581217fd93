"""The words of a report for people: each kind of fact as a phrase that is safe to show.

Shared by every format that people read, so that they tell the same. A text of the record is made safe before it is put
beside a word of ours: an escape that does not end would else swallow what stands behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from runbook.core.actor import Actor
from runbook.core.fold.parts import Part
from runbook.core.host import Json
from runbook.report.blocks import Tone
from runbook.report.deviation import (
    Deviation,
    HostOut,
    KeyChanged,
    LinkLost,
    Resumed,
    RuleBroken,
    StepLate,
    StepOdd,
    Stopped,
)
from runbook.report.model import (
    CheckFacts,
    DataLoss,
    Deed,
    FaultFacts,
    Later,
    OutputFacts,
    ProbeFacts,
    RecoveryTime,
    Seen,
    StepFacts,
)
from runbook.view.actuals import in_flight_words, lost_words
from runbook.view.reasons import brief
from runbook.view.sanitize import safe
from runbook.view.story.telling import MACHINE, by, decision_words, reason_lines, spaced
from runbook.view.words import duration, measured, outcome_words, plural, value_words


def who(actor: Actor | None) -> str:
    """Whoever did it; empty for nobody in particular."""
    return "" if actor is None else MACHINE if actor.machine else safe(actor.name)


def later(run: Later) -> str:
    """A run that follows the one of the report."""
    does = "continues it" if run.does == "continues" else "rolls it back"
    return f"run {safe(run.run)}, which {does}: {safe(run.verdict)}"


def plain(value: Json) -> str:
    """A value as text; nothing for none."""
    return "" if value is None else safe(value_words(value))


def deed(said: Deed) -> str:  # noqa: C901, PLR0911 - one line for each thing that one can do
    """What somebody did."""
    about, word = safe(said.about), safe(said.word)
    match said.did:
        case "answered":
            return f"answered {word} at gate {about}"
        case "decided":
            return f"{spaced(word)} after step {about}"
        case "jumped":
            return f"went from step {about} to {word}"
        case "excluded":
            return f"excluded host {about}"
        case "marked":
            return f"marked {spaced(word)}"
        case "cut_wait":
            return f"cut the wait of step {about} short"
        case "started" | "resumed" | "halted" | "paused":
            return f"{said.did} the run"
        case "rolled_back":
            return "had the run rolled back"
        case "continued":
            return "let the run go on"
        case "overrode":
            return f"overrode the rule {about}"
        case "noted":
            return "wrote notes"
        case _:
            assert_never(said.did)


def checks(found: tuple[CheckFacts, ...]) -> str:
    """What preflight found on a host: how much was well, and each thing that was not."""
    bad = [f"{safe(check.check)}: {safe(brief(check.detail))}" for check in found if not check.ok]
    good = f"{plural(len(found) - len(bad), 'check')} OK" if found else "not checked"
    return "; ".join([good, *bad])


def time_remark(took: RecoveryTime) -> str:
    """How the recovery time was measured."""
    parts = [f"counted from {took.counted_from}"]
    if took.from_outage is not None and took.from_declared is not None:
        parts.append(f"{measured(took.from_outage)} from outage, {measured(took.from_declared)} from declaration")
    if took.waiting_for_people:
        parts.append(f"{measured(took.waiting_for_people)} of it waiting for people, not subtracted")
    if took.at_least:
        parts.append("the service was out already when it was first looked at, so it took longer")
    if took.still_out:
        parts.append("the service did not come back for good")
    return "; ".join(parts)


def loss_remark(loss: DataLoss) -> str:
    """How the data loss was measured."""
    if loss.method is None:
        return "no canary was written"
    how = f"by a canary every {duration(loss.canary_every)}" if loss.canary_every else f"by {loss.method}"
    if loss.actual is None:
        return f"{how}: no loss was seen to be over"
    flying = in_flight_words(loss.in_flight, loss.in_flight_kept)
    return f"{lost_words(loss.method, loss.lost, loss.unit)}{flying}, {how}"


def part(found: Part) -> tuple[str, str, str, str]:
    """A part of the recovery: how long it took, how much of that was for people, and how long it was out again."""
    people = measured(found.waiting_for_people) if found.waiting_for_people else "-"
    return found.name, measured(found.seconds, found.error), people, measured(found.out) if found.out else "-"


def outcome(step: StepFacts) -> str:
    """How a step ended, in a word."""
    if step.outcome is not None:
        return outcome_words(step.outcome)
    return "open" if step.visits else "not reached"


def detail(step: StepFacts) -> str:
    """Why it ended so, and what was decided about that by a person."""
    decision = step.decision if step.decision and step.decision.by else None
    decided = f"; {spaced(decision.choice)}" if decision else ""
    reason = f": {safe(decision.reason)}" if decision and decision.reason else ""
    return brief(f"{safe(step.detail)}{decided}{reason}".removeprefix("; "))


def output(found: OutputFacts | None) -> str:
    """Where output lies: `out/db1.log, 4,096 bytes from 0`."""
    return f"{safe(found.file)}, {plural(found.length, 'byte')} from {found.offset:,}" if found else ""


def seen(answer: Seen | None) -> str:
    """What a probe said."""
    if answer is None:
        return "not asked"
    return "good" if answer.ok else f"not good: {safe(answer.detail)}" if answer.detail else "not good"


def throughout(probe: ProbeFacts) -> str:
    """What a probe said between its first answer and its last."""
    if probe.before is None:
        return "not asked"
    lost = f"not good for {duration(probe.bad)} in {plural(probe.bad_stretches, 'stretch', 'stretches')}"
    return lost if probe.bad_stretches else "good throughout"


def deviation(found: Deviation) -> tuple[str, str, str, str]:
    """The step (empty where it concerns the run), its name, what was not as planned, and what was decided about it."""
    match found:
        case StepOdd():
            decided = "; ".join(safe(decision_words(decision)) for decision in found.decisions)
            return safe(found.step), safe(found.name), "; ".join(_odd(found)), decided
        case StepLate():
            what = f"late: took {duration(found.took)}, planned {duration(found.planned)}"
            return safe(found.step), safe(found.name), what, ""
        case HostOut():
            return "", "", f"host {safe(found.host)} excluded: {safe(found.reason)}".rstrip(), ""
        case LinkLost():
            return "", "", f"the link to {safe(found.host)} was lost {plural(found.times, 'time')}", ""
        case Resumed() | Stopped() | KeyChanged() | RuleBroken():
            return "", "", _of_run(found).rstrip(), safe(by(found.by))
        case _:
            assert_never(found)


def _of_run(found: Resumed | Stopped | KeyChanged | RuleBroken) -> str:
    match found:
        case Resumed():
            torn = f"; {plural(found.torn_bytes, 'byte')} of an unfinished line were set aside"
            after = f"interrupted, and resumed {duration(found.at)} after the run began"
            return f"{after}{torn if found.torn_bytes else ''}"
        case Stopped():
            return f"{'halted' if found.halted else 'stopped'}: {safe(brief(found.reason))}"
        case RuleBroken():
            said = f" ({safe(found.sentence)})" if found.sentence else ""
            return f"the rule {safe(found.rule)} was overridden{said}: {safe(found.reason)}"
        case KeyChanged():
            machine = safe(found.changed.machine)
            known = safe(", ".join(str(key) for key in found.changed.known))
            shown = safe(str(found.changed.shown))
            return f"the key of {machine} has changed: known was {known}, accepted for this run {shown}"
        case _:
            assert_never(found)


def _odd(step: StepOdd) -> Iterator[str]:
    if step.outcome is not None:
        lines = reason_lines(step.detail, [(one.host, one.detail) for one in step.failed])
        said = "; ".join(safe(line) for line in lines)
        yield f"{outcome_words(step.outcome)}{f': {said}' if said else ''}"
    if step.visits > 1:
        yield f"taken {step.visits} times"
    for each in step.tries:
        why = f": {safe(brief(each.detail))}" if each.detail else ""
        yield f"try {each.number} on {safe(each.host)} {outcome_words(each.outcome)}{why}"
    if step.wait_cut:
        yield f"wait cut short: {safe(step.wait_cut)}"


def effect(fault: FaultFacts) -> tuple[str, Tone]:
    """What a fault caused."""
    if fault.has_effect is None:
        return ("not looked for", "odd")
    word = "seen" if fault.has_effect else "none"
    return (f"{word}: {safe(fault.effect)}" if fault.effect else word, "good" if fault.has_effect else "bad")


def lifted(fault: FaultFacts) -> tuple[str, Tone]:
    """Who undid it, or why it may be live."""
    if fault.reverted_by is not None:
        return (fault.reverted_by, "good")
    word = f"MAY BE LIVE, {fault.tries} tries" if fault.tries else "MAY BE LIVE"
    return (f"{word}: {safe(fault.last_word)}" if fault.last_word else word, "bad")
