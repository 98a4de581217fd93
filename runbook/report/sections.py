"""The report in reading order: what came out, how it is known, who did what, and what went differently.

The order is that of an after-action report (NIST SP 800-84): result first, evidence behind it. What was not measured is
said in words; no section vanishes because it has nothing to say, since its absence could not be told from an omission.
"""

from __future__ import annotations

from collections.abc import Iterator

from runbook.report.blocks import Block, Cell, Facts, Figure, Listing, Paragraph, Section, Table, Tone, Verdict, Word
from runbook.report.facts import wall_label
from runbook.report.model import GateFacts, HostFacts, Report, StepFacts
from runbook.view.telling import spaced
from runbook.view.words import MARKS, Status, duration, measured

LIMITS = (
    "Every number here was recomputed from the record. A sound chain shows that the record was not changed since its "
    "head was written down elsewhere; it cannot show that the machine which wrote it told the truth. Wall-clock times "
    "are labels in UTC; durations come from a monotonic clock."
)
_TONES: dict[str, Tone] = {
    "completed": "good", "met": "good", "verified": "good", "sound": "good", "none": "odd",
    "failed": "bad", "deviated": "bad", "missed": "bad", "unverified": "bad", "altered": "bad", "aborted": "bad",
}  # fmt: skip


def sections(report: Report) -> tuple[Section, ...]:
    """Everything that a report says, under its title."""
    return (
        Section("Result", tuple(_result(report))),
        Section("Identity", (_identity(report),)),
        Section("People", (_people(report),)),
        Section("Scope", (_hosts(report.hosts), _parameters(report))),
        Section("Milestones", (_milestones(report),)),
        Section("Steps", (Figure("The run on its time axis", report.timeline), _steps(report))),
        Section("Gates", (_gates(report.gates),)),
        Section("Deviations", (_deviations(report),)),
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
    )


def _judged(word: str, remark: str = "") -> Word:
    return Word(f"{spaced(word)}{f' ({remark})' if remark else ''}", _TONES.get(word, "odd"))


def _result(report: Report) -> Iterator[Block]:
    yield Verdict(_verdicts(report))
    yield Table(
        ("Objective", "Promised", "Measured", "Verdict", "How"),
        tuple(
            (
                each.name,
                "-" if each.promised is None else duration(each.promised),
                "not measured" if each.actual is None else measured(each.actual, each.error, at_least=each.at_least),
                _judged(each.verdict if each.promised is not None else "none promised"),
                each.remark,
            )
            for each in report.objectives
        ),
    )
    yield Paragraph(f"Waiting for people, over the whole run: {measured(report.waiting_for_people)}.")


def _identity(report: Report) -> Block:
    who, why = report.identity, report.authority
    rows = (
        ("Run", who.run),
        ("Runbook", f"{who.runbook} ({who.kind})"),
        ("Source", who.source),
        ("Source SHA-256", who.source_sha256),
        ("Plan SHA-256", who.plan_digest),
        ("Environment", who.environment),
        ("Service", why.service),
        ("Owner", why.owner),
        ("Reviewed", why.reviewed),
        ("References", ", ".join(why.references)),
        ("Controls", ", ".join(why.controls)),
        ("Tags", ", ".join(why.tags)),
        ("Started", wall_label(who.started)),
        ("Newest entry", wall_label(who.ended)),
        ("Length", duration(who.length)),
        ("Ended because", who.reason or "it has not ended"),
        ("Record", who.folder),
        ("Written by", f"runbook {who.version}, record format {who.record_format}"),
    )
    return Facts(tuple((name, value or "-") for name, value in rows))


def _people(report: Report) -> Block:
    return Table(
        ("Who", "Did"),
        tuple(
            (Word(person.name, "odd") if person.machine else person.name, ", ".join(person.deeds))
            for person in report.people
        ),
    )


def _hosts(hosts: tuple[HostFacts, ...]) -> Block:
    return Table(
        ("Host", "Address", "Host key", "System", "Clock", "Preflight", "Remarks"),
        tuple(
            (
                each.host,
                f"{each.user}@{each.address}" if each.user else each.address or "-",
                each.host_key or ("-" if each.address == "local" else "never connected"),
                ", ".join(part for part in (each.server, each.system) if part) or "-",
                f"{each.clock_offset:+.3f} s ± {each.clock_error:.3f} s" if each.host_key else "-",
                each.checks,
                _host_remark(each),
            )
            for each in hosts
        ),
        empty="No hosts.",
    )


def _host_remark(host: HostFacts) -> Cell:
    lost = f"link lost {host.links_lost} times" if host.links_lost else ""
    excluded = f"excluded: {host.excluded}" if host.excluded else ""
    text = "; ".join(part for part in (lost, excluded) if part)
    return Word(text, "odd") if text else ""


def _parameters(report: Report) -> Block:
    return Table(
        ("Parameter", "Value", "From"),
        tuple((each.name, each.value, each.source) for each in report.parameters),
        empty="No parameters.",
    )


def _milestones(report: Report) -> Block:
    return Table(
        ("Milestone", "After", "UTC", "Uncertain by", "Told by"),
        tuple(
            (each.name, measured(each.at), each.label or "-", f"{each.error:.1f} s" if each.error else "-", each.source)
            for each in report.milestones
        ),
        empty="None was reached or marked.",
    )


def _steps(report: Report) -> Block:
    return Table(
        ("Step", "Name", "Outcome", "Planned", "Actual", "Waited", "From", "To", "Detail"),
        tuple(_step(each) for each in report.steps),
    )


def _step(step: StepFacts) -> tuple[Cell, ...]:
    return (
        step.id,
        f"{'· ' * step.depth}{step.name}",
        Word(step.outcome, _tone(step.status)),
        duration(step.planned) if step.planned else "-",
        "-" if step.actual is None else duration(step.actual),
        duration(step.waited) if step.waited else "-",
        step.started or "-",
        step.ended or "-",
        step.detail,
    )


def _tone(status: Status) -> Tone:
    if status is Status.OK:
        return "good"
    return "bad" if status in {Status.FAILED, Status.UNREACHABLE, Status.ABORTED, Status.IN_DOUBT} else "odd"


def _gates(gates: tuple[GateFacts, ...]) -> Block:
    return Table(
        ("Gate", "Kind", "Asked", "Question", "Answers", "Waited"),
        tuple(
            (each.gate, each.kind, each.opened, each.question, _answers(each), duration(each.waited)) for each in gates
        ),
        empty="Nobody was asked anything.",
    )


def _answers(gate: GateFacts) -> str:
    said = [
        f"{each.label} {each.who}: {each.answer}{f' ({each.reason})' if each.reason else ''}" for each in gate.answers
    ]
    return "; ".join([*said, *(["lapsed unanswered"] if gate.lapsed else [])]) or "never answered"


def _deviations(report: Report) -> Block:
    return Table(
        ("Step", "Name", "What", "Decided"),
        tuple((each.step or "run", each.name or "-", each.what, each.decided or "-") for each in report.deviations),
        empty="None: everything went as planned.",
    )


def _steady(report: Report) -> Block:
    return Table(
        ("Probe", "Before", "During", "After", "Samples", "Steady state"),
        tuple(
            (each.probe, each.before, each.during, each.after, f"{each.samples:,}", "yes" if each.steady else "no")
            for each in report.steady_state
        ),
        empty="No steady state is declared.",
    )


def _notes(report: Report) -> Block:
    return Table(
        ("UTC", "Who", "Step", "Note"),
        tuple((each.label or "-", each.who or "-", each.step or "-", each.text) for each in report.notes),
    )


def _commands(report: Report) -> Iterator[Block]:
    for step in report.steps:
        if step.results:
            yield from _command(step)


def _command(step: StepFacts) -> Iterator[Block]:
    for text in step.texts:
        yield Listing(f"{step.id} {step.name}{f' on {text.folded}' if text.folded else ''}", text.lines)
    if not step.texts:
        yield Paragraph(f"{step.id} {step.name}: not shown, the runbook says `no_log`.")
    yield Table(
        ("Host", "Outcome", "Exit code", "Tries", "Took", "Durability", "Output", "Detail"),
        tuple(
            (
                each.host,
                Word(MARKS[each.status].word, _tone(each.status)),
                "-" if each.rc is None else str(each.rc),
                str(each.tries),
                "-" if each.took is None else duration(each.took),
                each.grade or "-",
                each.output or "-",
                each.detail,
            )
            for each in step.results
        ),
    )


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
        yield Table(("Finding",), tuple((finding,) for finding in found.findings))
    yield Table(
        ("File", "SHA-256 when the run was opened"),
        tuple(sorted(report.files.items())),
        empty="No files were copied in.",
    )
    yield Paragraph(LIMITS)


def _sign_off() -> Block:
    blank = ("", "", "")
    return Table(
        ("Role", "Name", "Date", "Signature"), tuple((role, *blank) for role in ("Author", "Reviewer", "Approver"))
    )
