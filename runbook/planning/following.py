"""The plan of a run that follows an ended one: the same from a step on, or what takes back what ran.

Pure, made from plans and folded runs. The steps keep their ids, so that the two records can be laid beside each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from runbook.core.outcome import Outcome
from runbook.core.planned.action import Action, BranchAction, ChooseAction, PreflightAction
from runbook.core.planned.casting import cast
from runbook.core.planned.fault_action import FaultAction
from runbook.core.planned.plan import Objectives, Plan, PlannedSection, PlannedStep, StepId
from runbook.core.planned.undo import ran_on, undo_steps
from runbook.core.run import Run, StepState
from runbook.planning.policy import asking_once
from runbook.problem import Exit, Problems, nearest, problem

ROLLBACK = "Rollback"
"""The heading of what is taken back, and its section's id."""

Done = dict[StepId, frozenset[str]]
"""Undo to the hosts on which it is done already."""


def plan_from(plan: Plan, step: str) -> Plan:
    """The plan from a step on, by its id or its name; what goes before the run, and what ends it, stays.

    Raises:
        Problems: No step is called so, it stands inside another, or a later one leads back before it.
    """
    first, *sections = plan.sections
    place = _place(sections, step)
    if place is None:
        raise _no_place(sections, step)
    number, index = place
    begun = replace(sections[number], steps=sections[number].steps[index:])
    later = asking_once((begun, *sections[number + 1 :]))
    trimmed = replace(plan, sections=(first, *later))
    _check_ways(trimmed)
    return _looking_only_where_it_goes(trimmed)


def plan_back(run: Run, done: Done) -> Plan:
    """What is left to be undone of an ended run, in that order, and then its closing steps.

    Args:
        run: Folded.
        done: What runs before this one have undone.

    Raises:
        Problems: Nothing is left.
    """
    undo = tuple(_left(run, planned, done) for planned in undo_steps(run))
    steps = tuple(step for step in undo if step is not None)
    if not steps:
        why = "nothing that ran has an undo" if not undo else "everything that ran and has an undo is undone"
        fix = f"See what ran: runbook report {run.id}"
        raise problem(f"run {run.id} has nothing to roll back", why=why, fix=fix, code="no-undo", exit=Exit.REFUSED)
    plan = replace(
        run.plan,
        title=f"Roll back: {run.plan.title}",
        kind="rollback",
        sections=(run.plan.sections[0], PlannedSection(id=ROLLBACK, name=ROLLBACK, steps=steps)),
        objectives=Objectives(),
        canary=None,
        watermark=None,
        backup=None,
        abort_when=(),
        rollback=(),
    )
    return cast(_looking_only_where_it_goes(plan))


def undone_by(run: Run) -> Done:
    """What a run has undone of itself, or of the one that it rolled back; a person's undo stands without hosts."""
    follows = run.earlier is not None and run.earlier.does == "rolls_back"
    taken = [step for section in run.plan.sections[1:] for step in section.steps] if follows else undo_steps(run)
    states = [run.steps[each.id] for step in taken for each in step.walk()]
    return {state.id: _good(state) for state in states if _good(state) or _is_by_hand_and_done(state)}


def _good(state: StepState) -> frozenset[str]:
    return frozenset(host for host, outcome in state.settled.items() if outcome is Outcome.SUCCEEDED)


def _is_by_hand_and_done(state: StepState) -> bool:
    return not state.planned.hosts and not state.planned.steps and state.outcome is Outcome.SUCCEEDED


def _left(run: Run, planned: PlannedStep, done: Done) -> PlannedStep | None:
    """An undo on the hosts that still need it; None when none does."""
    inner = tuple(left for each in planned.steps if (left := _left(run, each, done)) is not None)
    if planned.steps:
        return replace(planned, steps=inner, section=ROLLBACK) if inner else None
    if not planned.hosts:
        return None if planned.id in done else replace(planned, section=ROLLBACK)
    ran = ran_on(run, planned.undoes)
    hosts = tuple(host for host in planned.hosts if ran.get(host, True) and host not in done.get(planned.id, ()))
    return replace(planned, hosts=hosts, waves=(), section=ROLLBACK) if hosts else None


def _place(sections: Iterable[PlannedSection], step: str) -> tuple[int, int] | None:
    places = [
        (number, index, each)
        for number, section in enumerate(sections)
        for index, each in enumerate(section.steps)
        if step in {each.id, each.name}
    ]
    return places[0][:2] if places else None


def _no_place(sections: Iterable[PlannedSection], step: str) -> Problems:
    tops = [each for section in sections for each in section.steps]
    around = next((top for top in tops for each in top.walk() if step in {each.id, each.name}), None)
    if around is not None:
        fix = f'Begin with the step around it: --at {around.id} ("{around.name}").'
        return problem(f'step "{step}" stands inside another', fix=fix, code="inner-step")
    names = [word for top in tops for word in (top.id, top.name)]
    return problem(f'there is no step "{step}"', fix=nearest(step, names), code="unknown-step")


def _check_ways(plan: Plan) -> None:
    """No step may lead to one that this run does not have."""
    there = {step.id for step in plan.walk()}
    for step in plan.walk():
        ways = (step.goto, *_ways(step.action))
        lost = next((way for way in ways if way and way not in there), "")
        if lost:
            raise problem(
                f"step {step.id} may lead back to step {lost}, which a run from here on does not have",
                fix=f"Begin earlier: --at {lost}",
                code="way-lost",
                exit=Exit.REFUSED,
            )


def _ways(action: Action) -> Iterator[StepId]:
    if isinstance(action, ChooseAction):
        yield from (option.goto for option in action.options)
    if isinstance(action, BranchAction):
        yield from (way.goto for way in action.ways)


def _looking_only_where_it_goes(plan: Plan) -> Plan:
    """The look before anything changes leaves out hosts that no step goes to, and faults that none injects.

    What the run before has left broken keeps nobody from going on where nothing more is broken: lifting it first may be
    the wrong thing to do.
    """
    looks, *rest = plan.sections
    tops = (*(top for section in rest for top in section.steps), *plan.rollback, *plan.always)
    steps = tuple(step for top in tops for step in top.walk())
    used = {host for step in steps for host in step.hosts}
    used |= {host for probe in plan.probes for host in probe.hosts}
    used |= plan.measured_on
    faults = {step.id: step.hosts for step in steps if isinstance(step.action, FaultAction)}
    narrowed = (_narrowed(look, used, faults) for look in looks.steps)
    return replace(plan, sections=(replace(looks, steps=tuple(each for each in narrowed if each is not None)), *rest))


def _narrowed(step: PlannedStep, used: set[str], faults: Mapping[StepId, tuple[str, ...]]) -> PlannedStep | None:
    """One look on the hosts that are left; None for one that has nothing to ask any more."""
    hosts = tuple(host for host in step.hosts if host in used)
    if not isinstance(step.action, PreflightAction) or not hosts:
        return step
    asked = {host: _asked(step.action_on(host), host, faults) for host in hosts}
    if step.action.faults:
        asked = {host: action for host, action in asked.items() if action.faults}
    if not asked:
        return None
    first = next(iter(asked.values()))
    others = {host: action for host, action in asked.items() if action != first}
    return replace(step, hosts=tuple(asked), action=first, by_host=others)


def _asked(action: Action, host: str, faults: Mapping[StepId, tuple[str, ...]]) -> PreflightAction:
    assert isinstance(action, PreflightAction)  # noqa: S101 - a step looks on all of its hosts
    ahead = tuple(each for each in action.faults if each.step in faults)
    breaks = any(host in hosts for hosts in faults.values())
    return replace(action, faults=ahead, refuses_broken=action.refuses_broken and breaks)
