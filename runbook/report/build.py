"""Making a report out of a folded run and the entries it was folded from. Every number is recomputed here.

Pure: nothing is read, and no verdict that somebody stored is believed. Whoever has verified the record passes in what
came out of it; a report without that says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runbook.core.entry import Entry
from runbook.core.event import SessionOpened
from runbook.core.host import Host, Json
from runbook.core.plan import Plan
from runbook.core.recovery import Recovery, recovery, waiting_between
from runbook.core.recovery_point import RecoveryPoint, recovery_point
from runbook.core.run import ProbeState, Run, Stretch
from runbook.core.verdict import loss_verdict, time_verdict, verdicts
from runbook.report import chronology
from runbook.report.facts import Facts, time_label
from runbook.report.model import (
    Authority,
    HostFacts,
    Identity,
    Integrity,
    MilestoneFacts,
    NoteFacts,
    Objective,
    ParameterFacts,
    Person,
    ProbeFacts,
    Report,
)
from runbook.view.reasons import brief
from runbook.view.sanitize import safe
from runbook.view.telling import spaced
from runbook.view.timeline import timeline
from runbook.view.words import duration, measured, plural

_NOT_VERIFIED = Integrity()


def report(run: Run, entries: Iterable[Entry], *, folder: str = "", integrity: Integrity = _NOT_VERIFIED) -> Report:
    """The report of a run as far as its record goes.

    Args:
        run: All entries, folded.
        entries: The same entries again, for the facts that a run does not keep.
        folder: Where the record lies, for the reader.
        integrity: What verifying it gave.
    """
    facts = Facts(entries)
    took, loss = recovery(run), recovery_point(run)
    return Report(
        identity=_identity(run, facts, folder),
        verdicts=verdicts(run),
        authority=_authority(run.plan),
        people=tuple(_people(facts)),
        hosts=tuple(_host(run, facts, host) for host in run.plan.hosts),
        parameters=tuple(_parameters(run.plan)),
        objectives=(_time(run, took), _point(run, loss)),
        milestones=tuple(_milestones(run, took)),
        waiting_for_people=waiting_between(run, 0.0, run.now),
        steps=chronology.steps(run, facts),
        gates=chronology.gates(run, facts),
        deviations=chronology.all_deviations(run, facts),
        steady_state=tuple(
            _probe(probe.name, run.probes.get(probe.name, ProbeState()), steady=probe.steady)
            for probe in run.plan.probes
        ),
        notes=tuple(_notes(run)),
        files={safe(name): safe(digest) for name, digest in (facts.opened.files if facts.opened else {}).items()},
        integrity=integrity,
        timeline=timeline(run, run.now),
    )


def _identity(run: Run, facts: Facts, folder: str) -> Identity:
    plan, opened = run.plan, facts.opened
    purpose = f" ({plan.environment.purpose})" if plan.environment.purpose else ""
    return Identity(
        run=safe(run.id),
        runbook=safe(plan.runbook),
        title=safe(plan.title),
        kind=plan.kind,
        source=safe(plan.source),
        source_sha256=safe(plan.source_sha256),
        plan_digest=safe(opened.plan_digest) if opened else "",
        environment=safe(f"{plan.environment.name}{purpose}"),
        version=safe(opened.version) if opened else "",
        record_format=opened.format if opened else 0,
        folder=safe(folder),
        started=safe(run.started),
        ended=safe(facts.last_wall),
        length=run.now,
        reason=safe(brief(run.ended)),
    )


def _authority(plan: Plan) -> Authority:
    return Authority(
        service=safe(plan.service),
        owner=safe(plan.owner),
        reviewed=safe(plan.reviewed),
        references=tuple(safe(text) for text in plan.references),
        controls=tuple(safe(text) for text in plan.controls),
        tags=tuple(safe(text) for text in plan.tags),
    )


def _people(facts: Facts) -> Iterator[Person]:
    for (name, machine), deeds in facts.deeds.items():
        yield Person(name=safe(name), machine=machine, deeds=tuple(safe(deed) for deed in deeds))


def _host(run: Run, facts: Facts, host: Host) -> HostFacts:
    seen = facts.sessions.get(host.name, SessionOpened(host=host.name))
    return HostFacts(
        host=safe(host.name),
        address="local" if host.connection == "local" else safe(seen.address or host.target),
        user=safe(seen.user),
        host_key=safe(seen.host_key),
        server=safe(seen.server),
        system=safe(seen.system),
        clock_offset=seen.clock_offset,
        clock_error=seen.clock_error,
        checks=_checks(run, host.name),
        links_lost=facts.links_lost.get(host.name, 0),
        excluded=safe(run.excluded.get(host.name, "")),
    )


def _checks(run: Run, host: str) -> str:
    """What did not hold, and how much did."""
    newest = run.checks.get(host, {})
    bad = [f"{check.check}: {brief(check.detail)}" for check in newest.values() if not check.ok]
    good = f"{plural(len(newest) - len(bad), 'check')} OK" if newest else "not checked"
    return safe("; ".join([good, *bad]))


def _parameters(plan: Plan) -> Iterator[ParameterFacts]:
    for parameter in plan.parameters:
        shown = "(secret)" if parameter.secret else safe(_plain(parameter.value))
        yield ParameterFacts(name=safe(parameter.name), value=shown, source=safe(parameter.source))


def _plain(value: Json) -> str:
    return "" if value is None else str(value)


def _time(run: Run, took: Recovery) -> Objective:
    parts = [f"counted from {run.plan.objectives.rto_starts_at}"]
    if took.from_outage is not None and took.from_declared is not None:
        parts.append(f"{measured(took.from_outage)} from outage, {measured(took.from_declared)} from declaration")
    if took.waiting_for_people:
        parts.append(f"{measured(took.waiting_for_people)} of it waiting for people, not subtracted")
    if took.at_least:
        parts.append("the service was out already when it was first looked at, so it took longer")
    if took.still_out:
        parts.append("the service did not come back for good")
    return Objective(
        name="recovery time",
        promised=run.plan.objectives.rto,
        actual=took.seconds,
        error=took.error if took.seconds is not None else 0.0,
        at_least=took.at_least,
        verdict=time_verdict(run, took) or "not_measured",
        remark="; ".join(parts),
    )


def _point(run: Run, loss: RecoveryPoint | None) -> Objective:
    remark = "no canary was written" if run.plan.canary is None else "no loss was seen to be over"
    if loss is not None:
        remark = f"{plural(loss.lost, 'acknowledged write')} lost, by a canary every {duration(_every(run))}"
    return Objective(
        name="recovery point",
        promised=run.plan.objectives.rpo,
        actual=loss.seconds if loss else None,
        error=loss.error if loss else 0.0,
        verdict=loss_verdict(run) or "not_measured",
        remark=remark,
    )


def _every(run: Run) -> float:
    return run.plan.canary.every if run.plan.canary else 0.0


def _milestones(run: Run, took: Recovery) -> Iterator[MilestoneFacts]:
    for name, bracket in took.moments.items():
        yield MilestoneFacts(
            name=spaced(name),
            at=bracket.latest,
            label=time_label(run.started, bracket.latest),
            error=bracket.width,
            source=safe(bracket.source),
        )


def _probe(name: str, state: ProbeState, *, steady: bool) -> ProbeFacts:
    stretches = state.stretches
    bad = [stretch for stretch in stretches if not stretch.ok]
    seconds = _bad_seconds(stretches)
    lost = f"not good for {duration(seconds)} in {plural(len(bad), 'stretch', 'stretches')}"
    return ProbeFacts(
        probe=safe(name),
        before=_said(stretches[0]) if stretches else "not asked",
        during=(lost if bad else "good throughout") if stretches else "not asked",
        after=_said(stretches[-1]) if stretches else "not asked",
        samples=sum(stretch.count for stretch in stretches),
        bad=seconds,
        steady=steady,
    )


def _bad_seconds(stretches: tuple[Stretch, ...]) -> float:
    """From each first bad answer to the next good one, or to the last bad one where none followed."""
    ends = [after.first_known for after in stretches[1:]]
    pairs = zip(stretches, [*ends, stretches[-1].last_known if stretches else 0.0], strict=True) if stretches else ()
    return sum(max(0.0, end - stretch.first_known) for stretch, end in pairs if not stretch.ok)


def _said(stretch: Stretch) -> str:
    return "good" if stretch.ok else safe(f"not good: {stretch.detail}" if stretch.detail else "not good")


def _notes(run: Run) -> Iterator[NoteFacts]:
    for note in run.notes:
        yield NoteFacts(
            label=time_label(run.started, note.at),
            who=safe(note.by.name) if note.by else "",
            step=safe(note.step),
            text=safe(note.text),
        )
