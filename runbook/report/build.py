"""Making a report out of a folded run and the entries it was folded from. Every number is recomputed here.

Pure: nothing is read, and no verdict that somebody stored is believed. Whoever has verified the record passes in what
came out of it; a report without that says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from runbook.core.events.entry import Entry
from runbook.core.events.event import SessionOpened
from runbook.core.fold.parts import parts
from runbook.core.fold.recovery import Recovery, recovery, waiting_between
from runbook.core.fold.recovery_point import Method, RecoveryPoint, recovery_point
from runbook.core.fold.rollback import rollback
from runbook.core.fold.twins import same_machine
from runbook.core.fold.verdict import Verdicts, loss_verdict, time_verdict, verdicts
from runbook.core.host import Host
from runbook.core.milestone_name import Milestone
from runbook.core.planned.plan import Plan, PlannedProbe
from runbook.core.run import ProbeState, Run, Stretch
from runbook.report import chronology
from runbook.report.facts import Facts
from runbook.report.model import (
    Authority,
    CheckFacts,
    DataLoss,
    FaultFacts,
    HostFacts,
    Identity,
    Integrity,
    Later,
    MilestoneFacts,
    NoteFacts,
    ParameterFacts,
    ProbeFacts,
    RecoveryTime,
    Report,
    Seen,
)
from runbook.view.sanitize import safe
from runbook.view.timeline import timeline

_NOT_VERIFIED = Integrity()


def report(
    run: Run,
    entries: Iterable[Entry],
    *,
    folder: str = "",
    integrity: Integrity = _NOT_VERIFIED,
    live: bool = False,
    later: tuple[Later, ...] = (),
) -> Report:
    """The report of a run as far as its record goes.

    Args:
        run: All entries, folded.
        entries: The same entries again, for the facts that a run does not keep.
        folder: Where the record lies, for the reader.
        integrity: What verifying it gave.
        live: A runner has it now, so that what has no end yet is no interruption.
        later: Runs that follow it; its own record cannot know them.
    """
    facts = Facts(entries)
    took, loss = recovery(run), recovery_point(run)
    return Report(
        identity=replace(_identity(run, facts, folder), later=later),
        verdicts=_verdicts(run, live=live),
        authority=_authority(run.plan),
        people=tuple(facts.people),
        hosts=tuple(_host(run, facts, host) for host in run.plan.hosts),
        parameters=tuple(_parameters(run.plan)),
        recovery_time=_time(run, took),
        data_loss=_loss(run, loss),
        milestones=tuple(_milestones(took)),
        waiting_for_people=waiting_between(run, 0.0, run.now),
        steps=chronology.steps(run, facts),
        gates=chronology.gates(run, facts),
        rollback=rollback(run),
        deviations=chronology.all_deviations(run, facts),
        steady_state=tuple(_probe(probe, run.probes.get(probe.name, ProbeState())) for probe in run.plan.probes),
        notes=tuple(_notes(run)),
        faults=tuple(_faults(run)),
        exercise=run.plan.exercise,
        files=facts.opened.files if facts.opened else {},
        integrity=integrity,
        timeline=timeline(run, run.now),
    )


def _verdicts(run: Run, *, live: bool) -> Verdicts:
    said = verdicts(run)
    return replace(said, run="live") if live and not run.has_ended else said


def _identity(run: Run, facts: Facts, folder: str) -> Identity:
    plan, opened = run.plan, facts.opened
    return Identity(
        run=run.id,
        runbook=plan.runbook,
        title=plan.title,
        kind=plan.kind,
        source=plan.source,
        source_sha256=plan.source_sha256,
        plan_digest=opened.plan_digest if opened else "",
        environment=plan.environment.name,
        purpose=plan.environment.purpose,
        version=opened.version if opened else "",
        record_format=opened.format if opened else 0,
        folder=safe(folder),  # of no record, and a path need not be text at all
        started=run.started,
        ended=facts.last_wall,
        length=run.now,
        reason=run.ended,
        earlier=replace(run.earlier, values={}) if run.earlier else None,
    )


def _authority(plan: Plan) -> Authority:
    return Authority(
        service=plan.service,
        owner=plan.owner,
        reviewed=plan.reviewed,
        references=plan.references,
        controls=plan.controls,
        tags=plan.tags,
    )


def _host(run: Run, facts: Facts, host: Host) -> HostFacts:
    seen = facts.sessions.get(host.name, SessionOpened(host=host.name))
    newest = run.checks.get(host.name, {})
    return HostFacts(
        host=host.name,
        connection=host.connection,
        address=seen.address or host.target,
        user=seen.user,
        host_key=seen.host_key,
        server=seen.server,
        system=seen.system,
        clock_offset=seen.clock_offset,
        clock_error=seen.clock_error,
        checks=tuple(CheckFacts(check=one.check, ok=one.ok, detail=one.detail) for one in newest.values()),
        links_lost=facts.links_lost.get(host.name, 0),
        excluded=run.excluded.get(host.name),
        same_as=same_machine(run, host.name),
    )


def _parameters(plan: Plan) -> Iterator[ParameterFacts]:
    for each in plan.parameters:
        value = None if each.secret else each.value
        yield ParameterFacts(name=each.name, value=value, secret=each.secret, source=each.source)


def _time(run: Run, took: Recovery) -> RecoveryTime:
    return RecoveryTime(
        promised=run.plan.objectives.rto,
        counted_from=Milestone(run.plan.objectives.rto_starts_at),
        actual=took.seconds,
        error=took.error if took.seconds is not None else 0.0,
        at_least=took.at_least,
        still_out=took.still_out,
        from_outage=took.from_outage,
        from_declared=took.from_declared,
        waiting_for_people=took.waiting_for_people,
        verdict=time_verdict(run, took) or "not_measured",
        parts=parts(run, took),
    )


def _loss(run: Run, loss: RecoveryPoint | None) -> DataLoss:
    return DataLoss(
        promised=run.plan.objectives.rpo,
        actual=loss.seconds if loss else None,
        error=loss.error if loss else 0.0,
        lost=loss.lost if loss else None,
        canary_every=run.plan.canary.every if run.plan.canary else None,
        verdict=loss_verdict(run) or "not_measured",
        method=_method(run.plan),
        unit=run.plan.watermark.unit if run.plan.watermark else "",
        in_flight=loss.in_flight if loss else 0,
        in_flight_kept=loss.kept if loss else 0,
    )


def _method(plan: Plan) -> Method | None:
    if plan.watermark is not None:
        return "watermark"
    return "backup" if plan.backup is not None else "canary" if plan.canary is not None else None


def _milestones(took: Recovery) -> Iterator[MilestoneFacts]:
    for name, bracket in took.moments.items():
        yield MilestoneFacts(milestone=name, at=bracket.latest, error=bracket.width, source=bracket.source)


def _probe(probe: PlannedProbe, state: ProbeState) -> ProbeFacts:
    stretches = state.stretches
    return ProbeFacts(
        probe=probe.name,
        before=_seen(stretches[0]) if stretches else None,
        after=_seen(stretches[-1]) if stretches else None,
        samples=sum(stretch.count for stretch in stretches),
        bad=_bad_seconds(stretches),
        bad_stretches=sum(not stretch.ok for stretch in stretches),
        steady=probe.steady,
    )


def _seen(stretch: Stretch) -> Seen:
    return Seen(ok=stretch.ok, detail=stretch.detail)


def _bad_seconds(stretches: tuple[Stretch, ...]) -> float:
    """From each first bad answer to the next good one, or to the last bad one where none followed."""
    ends = [after.first_known for after in stretches[1:]]
    pairs = zip(stretches, [*ends, stretches[-1].last_known if stretches else 0.0], strict=True) if stretches else ()
    return sum(max(0.0, end - stretch.first_known) for stretch, end in pairs if not stretch.ok)


def _faults(run: Run) -> Iterator[FaultFacts]:
    for fault in sorted(run.faults.values(), key=lambda fault: (fault.arming_at, fault.key)):
        yield FaultFacts(
            fault=fault.fault,
            host=fault.host,
            step=fault.step,
            guarantees=fault.guarantees,
            armed_at=fault.arming_at,
            injected_at=fault.injected_at,
            reverted_at=fault.reverted_at,
            reverted_by=fault.reverted_by,
            has_effect=fault.has_effect,
            effect=fault.effect_detail,
            renewals=fault.renewals,
            tries=fault.tries,
            last_word=fault.last_word,
        )


def _notes(run: Run) -> Iterator[NoteFacts]:
    for note in run.notes:
        yield NoteFacts(at=note.at, by=note.by, step=note.step, text=note.text)
