"""The report in reading order: what came out, how it is known, who did what, and what went differently.

The order is that of an after-action report (NIST SP 800-84): result first, evidence behind it. What was not measured is
said in words; no section vanishes because it has nothing to say, since its absence could not be told from an omission.
"""

from __future__ import annotations

from collections.abc import Iterator

from runbook.core.actor import Actor
from runbook.core.fold.rollback import RollbackVerdict
from runbook.core.planned.plan import Exercise
from runbook.report import saying, scope
from runbook.report.blocks import Block, Cell, Facts, Figure, Listing, Paragraph, Section, Table, Tone, Verdict, Word
from runbook.report.facts import time_label, wall_label
from runbook.report.model import (
    AnswerFacts,
    DataLoss,
    GateFacts,
    NoteFacts,
    RecoveryTime,
    Report,
    StepFacts,
)
from runbook.view.asking.undoing import short_words
from runbook.view.faults import guarantee_words
from runbook.view.plan import PlanText, texts
from runbook.view.reasons import brief
from runbook.view.sanitize import safe
from runbook.view.story.telling import follows, spaced
from runbook.view.words import MARKS, Status, duration, fold_hosts, measured, outcome_words

LIMITS = (
    "Every number here was recomputed from the record. A sound chain shows that the record was not changed since its "
    "head was written down elsewhere; it cannot show that the machine which wrote it told the truth. Wall-clock times "
    "are labels in UTC; durations come from a monotonic clock."
)
_TONES: dict[str, Tone] = {
    "completed": "good", "completed with deviations": "odd", "met": "good", "verified": "good", "sound": "good",
    "none": "odd",
    "failed": "bad", "deviated": "bad", "missed": "bad", "unverified": "bad", "altered": "bad", "aborted": "bad",
}  # fmt: skip

_UNDONE_TONES: dict[RollbackVerdict, Tone] = {"held": "good", "failed": "bad", "stopped": "bad"}


def sections(report: Report) -> tuple[Section, ...]:
    """Everything that a report says, under its title."""
    return (
        Section("Result", tuple(_result(report))),
        Section("Identity", (_identity(report),)),
        Section("People", (_people(report),)),
        *((Section("Exercise", (_exercise(report.exercise),)),) if report.exercise else ()),
        Section("Scope", (scope.hosts(report.hosts), scope.parameters(report))),
        Section("Milestones", (_milestones(report),)),
        Section("Steps", (Figure("The run on its time axis", report.timeline), _steps(report))),
        Section("Gates", (_gates(report),)),
        Section("Rollback", (_rollback(report),)),
        Section("Not as planned", (_deviations(report),)),
        Section("Faults", (_faults(report),)),
        Section("Steady state", (_steady(report),)),
        Section("Notes", (_notes(report),)),
        Section("What was run", tuple(_commands(report))),
        Section("Integrity", tuple(_integrity(report))),
        Section("Sign-off", (_sign_off(),)),
    )


def _verdicts(report: Report) -> tuple[tuple[str, Word], ...]:
    said = report.verdicts
    return (
        ("Run", _judged(said.run)),
        ("Steady state", _judged(said.steady_state, "" if said.steady_declared else "none declared")),
        ("Objectives", _judged(said.objectives, "" if said.objectives_declared else "none declared")),
        ("Revert", _judged(said.revert)),
        ("Rollback", _undone_or_not(said.rollback)),
    )


def _judged(word: str, remark: str = "") -> Word:
    return Word(f"{spaced(word)}{f' ({remark})' if remark else ''}", _TONES.get(word, "odd"))


def _result(report: Report) -> Iterator[Block]:
    took, loss = report.recovery_time, report.data_loss
    yield Verdict(_verdicts(report))
    if report.verdicts.run == "live":
        yield Paragraph(f"The run goes on. All that stands here is as of {duration(report.identity.length)} into it.")
    yield Table(
        ("Objective", "Promised", "Measured", "Verdict", "How"),
        (
            ("recovery time", *_objective(took, at_least=took.at_least), saying.time_remark(took)),
            ("recovery point", *_objective(loss, at_least=False), saying.loss_remark(loss)),
        ),
    )
    yield from _parts(report)
    yield Paragraph(f"Waiting for people, over the whole run: {measured(report.waiting_for_people)}.")


def _parts(report: Report) -> Iterator[Block]:
    """What the recovery consisted of; nothing where no two milestones were seen."""
    found = report.recovery_time.parts
    if not found:
        return
    yield Table(("Part", "Took", "Of it for people", "Out again"), tuple(map(saying.part, found)))
    is_told = report.exercise is not None and report.exercise.announced
    if is_told and any(part.name in {"detect", "decide"} for part in found):
        yield Paragraph("The exercise was announced: how long it took to notice and to decide says little.")


def _objective(each: RecoveryTime | DataLoss, *, at_least: bool) -> tuple[Cell, ...]:
    return (
        "-" if each.promised is None else duration(each.promised),
        "not measured" if each.actual is None else measured(each.actual, each.error, at_least=at_least),
        _judged(each.verdict if each.promised is not None else "none promised"),
    )


def _identity(report: Report) -> Block:
    who, why = report.identity, report.authority
    environment = f"{safe(who.environment)}{f' ({safe(who.purpose)})' if who.purpose else ''}"
    rows = (
        ("Run", safe(who.run)),
        ("Runbook", f"{safe(who.runbook)} ({safe(who.kind)})"),
        ("Source", safe(who.source)),
        ("Source SHA-256", safe(who.source_sha256)),
        ("Plan SHA-256", safe(who.plan_digest)),
        ("Environment", environment),
        ("Service", safe(why.service)),
        ("Owner", safe(why.owner)),
        ("Reviewed", safe(why.reviewed)),
        ("References", ", ".join(map(safe, why.references))),
        ("Controls", ", ".join(map(safe, why.controls))),
        ("Tags", ", ".join(map(safe, why.tags))),
        ("Started", wall_label(who.started)),
        ("Newest entry", wall_label(who.ended)),
        ("Length", duration(who.length)),
        ("Ended because", safe(brief(who.reason)) or "it has not ended"),
        ("Follows", safe(follows(who.earlier)) if who.earlier else ""),
        ("Followed by", "; ".join(saying.later(one) for one in who.later)),
        ("Record", safe(who.folder)),
        ("Written by", f"runbook {safe(who.version)}, record format {who.record_format}"),
    )
    return Facts(tuple((name, value or "-") for name, value in rows))


def _people(report: Report) -> Block:
    return Table(
        ("Who", "Did"),
        tuple((_person(person.actor), ", ".join(map(saying.deed, person.deeds))) for person in report.people),
    )


def _person(actor: Actor) -> Cell:
    return Word(safe(actor.name), "odd") if actor.machine else safe(actor.name)


def _milestones(report: Report) -> Block:
    return Table(
        ("Milestone", "After", "UTC", "Uncertain by", "Told by"),
        tuple(
            (
                spaced(each.milestone),
                measured(each.at),
                _label(report, each.at) or "-",
                f"{each.error:.1f} s" if each.error else "-",
                safe(each.source),
            )
            for each in report.milestones
        ),
        empty="None was reached or marked.",
    )


def _steps(report: Report) -> Block:
    return Table(
        ("Step", "Name", "Outcome", "Planned", "Actual", "Waited", "From", "To", "Detail"),
        tuple(_step(report, each) for each in report.steps),
    )


def _label(report: Report, at: float | None) -> str:
    return "" if at is None else time_label(report.identity.started, at)


def _step(report: Report, step: StepFacts) -> tuple[Cell, ...]:
    return (
        safe(step.id),
        f"{'· ' * step.depth}{safe(step.name)}",
        Word(saying.outcome(step), _tone(step.status)),
        duration(step.planned) if step.planned else "-",
        "-" if step.actual is None else duration(step.actual),
        duration(step.waited) if step.waited else "-",
        _label(report, step.entered_at) or "-",
        _label(report, step.ended_at) or "-",
        saying.detail(step),
    )


def _tone(status: Status) -> Tone:
    if status is Status.OK:
        return "good"
    return "bad" if status in {Status.FAILED, Status.UNREACHABLE, Status.ABORTED, Status.IN_DOUBT} else "odd"


def _gates(report: Report) -> Block:
    return Table(
        ("Gate", "Kind", "Asked", "Question", "Answers", "Waited"),
        tuple(
            (
                safe(each.gate),
                each.kind,
                _label(report, each.opened_at),
                safe(brief(each.question)),
                _answers(report, each),
                duration(each.waited),
            )
            for each in report.gates
        ),
        empty="Nobody was asked anything.",
    )


def _answers(report: Report, gate: GateFacts) -> str:
    said = [f"{_label(report, each.at)} {_answer(gate, each)}" for each in gate.answers]
    return "; ".join([*said, *(["lapsed unanswered"] if gate.lapsed else [])]) or "never answered"


def _answer(gate: GateFacts, given: AnswerFacts) -> str:
    answer = spaced(given.answer) if gate.kind == "failure" else safe(given.answer)
    value = f" {saying.plain(given.value)}" if given.value is not None else ""
    reason = f" ({safe(given.reason)})" if given.reason else ""
    return f"{saying.who(given.by)}: {answer}{value}{reason}"


def _deviations(report: Report) -> Block:
    rows = map(saying.deviation, report.deviations)
    return Table(
        ("Step", "Name", "What", "Decided"),
        tuple((step or "run", name or "-", what, decided or "-") for step, name, what, decided in rows),
        empty="None: everything went as planned.",
    )


def _undone_or_not(word: RollbackVerdict) -> Word:
    return Word(short_words(word), _UNDONE_TONES.get(word, "odd"))


def _rollback(report: Report) -> Block:
    return Table(
        ("Undo", "Of step", "Outcome", "Held on", "Failed on"),
        tuple(
            (
                safe(each.step),
                safe(each.undoes) or "the run",
                outcome_words(each.outcome) if each.outcome else "not reached",
                safe(fold_hosts(each.held)) or "-",
                safe(fold_hosts(each.failed)) or "-",
            )
            for each in report.rollback.steps
        ),
        empty="Nothing was undone.",
    )


def _steady(report: Report) -> Block:
    return Table(
        ("Probe", "Before", "During", "After", "Samples", "Steady state"),
        tuple(
            (
                safe(each.probe),
                saying.seen(each.before),
                saying.throughout(each),
                saying.seen(each.after),
                f"{each.samples:,}",
                "yes" if each.steady else "no",
            )
            for each in report.steady_state
        ),
        empty="No steady state is declared.",
    )


def _exercise(exercise: Exercise) -> Block:
    rows = (
        ("Type", exercise.type),
        ("Scenario", safe(exercise.scenario)),
        ("Scope", safe(exercise.scope)),
        ("Not tested", "; ".join(map(safe, exercise.exclusions))),
        ("Participants", ", ".join(f"{safe(role)}: {safe(who)}" for role, who in exercise.participants.items())),
        ("Announced", "yes, so the time to notice says little" if exercise.announced else "no"),
    )
    return Facts(tuple((name, value or "-") for name, value in rows))


def _faults(report: Report) -> Block:
    return Table(
        ("Fault", "Host", "Step", "Injected (UTC)", "Effect", "Gone (UTC)", "Lifted by", "Without us lifted by"),
        tuple(
            (
                safe(each.fault),
                safe(each.host),
                safe(each.step),
                _label(report, each.injected_at) or "never",
                Word(*saying.effect(each)),
                _label(report, each.reverted_at) or "-",
                Word(*saying.lifted(each)),
                guarantee_words(each.guarantees) or "-",
            )
            for each in report.faults
        ),
        empty="Nothing was broken on purpose.",
    )


def _notes(report: Report) -> Block:
    return Table(
        ("UTC", "Who", "Step", "Note"),
        tuple(
            (_label(report, each.at) or "-", _author(each), safe(each.step) or "-", safe(each.text))
            for each in report.notes
        ),
    )


def _author(note: NoteFacts) -> str:
    return safe(note.by.name) if note.by else "-"


def _commands(report: Report) -> Iterator[Block]:
    for step in report.steps:
        if step.results:
            yield from _command(step)


def _command(step: StepFacts) -> Iterator[Block]:
    called = f"{safe(step.id)} {safe(step.name)}"
    for text in _texts(step):
        yield Listing(f"{called}{f' on {text.folded}' if text.folded else ''}", text.lines)
    if not step.sent:
        yield Paragraph(f"{called}: not shown, the runbook says `no_log`.")
    yield Table(
        ("Host", "Outcome", "Exit code", "Tries", "Took", "Durability", "Output", "Detail"),
        tuple(
            (
                safe(each.host),
                Word(MARKS[each.status].word, _tone(each.status)),
                "-" if each.rc is None else str(each.rc),
                str(each.tries),
                "-" if each.took is None else duration(each.took),
                each.grade.value if each.grade else "-",
                saying.output(each.output) or "-",
                safe(brief(each.detail)),
            )
            for each in step.results
        ),
    )


def _texts(step: StepFacts) -> tuple[PlanText, ...]:
    """What was sent, hosts with the same text together, and each in the order of the step's hosts."""
    actions = {host: sent.action for sent in step.sent for host in sent.hosts or ("",)}
    return texts(step.awaits, step.hosts, actions.__getitem__) if actions else ()


def _integrity(report: Report) -> Iterator[Block]:
    found = report.integrity
    yield Facts(
        (
            ("Verified", _judged(found.grade) if found.grade else Word("not verified for this report", "odd")),
            ("Chain head", found.head or "-"),
            ("Good lines", f"{found.lines:,}" if found.lines else "-"),
        )
    )
    if found.findings:
        yield Table(("Finding",), tuple((f"{safe(each.check)}: {safe(each.detail)}",) for each in found.findings))
    yield Table(
        ("File", "SHA-256 when the run was opened"),
        tuple((safe(name), safe(digest)) for name, digest in sorted(report.files.items())),
        empty="No files were copied in.",
    )
    yield Paragraph(LIMITS)


def _sign_off() -> Block:
    blank = ("", "", "")
    return Table(
        ("Role", "Name", "Date", "Signature"), tuple((role, *blank) for role in ("Author", "Reviewer", "Approver"))
    )
