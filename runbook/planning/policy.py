"""What the environment and the author's safeguards make of a plan: gates put in, and plans refused.

Policy is applied to the finished plan and never earlier, so that nothing that writes a step can forget it. A gate that
the author wrote covers the changing steps behind it in its section when it is at least as strict as the environment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from runbook.core.gate.gates import section_of
from runbook.core.planned.action import ApproveAction, Ask, ConfirmAction, LoopAction, ParallelAction, Work, kind_of
from runbook.core.planned.fault_action import FaultAction
from runbook.core.planned.plan import Confirm, Environment, Plan, PlannedSection, PlannedStep
from runbook.inventory.pattern import protected_hosts, select
from runbook.planning.draft import Draft
from runbook.planning.faults import goes_away
from runbook.problem import Exit, Problem, Problems, Where, nearest
from runbook.template.template import render

_STRICTNESS: tuple[Confirm, ...] = ("none", "key", "typed")


def with_gates(draft: Draft, section: PlannedSection, word: str) -> PlannedSection:
    """The section with the environment's gate before every changing step that none of its own covers."""
    least = draft.inventory.environment.confirm
    covered = False
    steps = []
    for step in section.steps:
        covered = covered or _covers(step, least)
        steps.append(_gated(draft, step, least="none" if covered else least, word=word))
    return msgspec.structs.replace(section, steps=tuple(steps))


def with_approvals(draft: Draft, sections: tuple[PlannedSection, ...]) -> tuple[PlannedSection, ...]:
    """The sections, with the people whom the environment wants to agree before a step that changes or breaks something.

    Every such step says how many must have agreed (`agreement`), which is what a run goes by.
    """
    wanted = draft.inventory.environment.approvals
    if not any(wanted.values()):
        return sections
    return asking_once(
        msgspec.structs.replace(section, steps=tuple(_needing(step, wanted) for step in section.steps))
        for section in sections
    )


def _needing(step: PlannedStep, wanted: Mapping[str, int]) -> PlannedStep:
    if step.children and not _is_one(step):
        return _inside(step, lambda each: _needing(each, wanted))
    return msgspec.structs.replace(step, agreement=max(_needed(each, wanted) for each in step.walk()))


def _needed(step: PlannedStep, wanted: Mapping[str, int]) -> int:
    if step.undoes:
        return 0
    breaks = wanted.get("fault", 0) if isinstance(step.action, FaultAction) else 0
    return max(breaks, wanted.get("changing", 0) if step.changes else 0)


def asking_once(sections: Iterable[PlannedSection]) -> tuple[PlannedSection, ...]:
    """The sections, with the steps at which people are asked when every step before them is done.

    They are asked once in a section, waves included, and again where a step needs more of them; an `approve` of the
    author's own counts, when nobody may give it to themselves.
    """
    done: list[PlannedSection] = []
    agreed = _Agreed()
    for section in sections:
        if done and section_of(done[-1].id) != section_of(section.id):
            agreed.people = 0
        done.append(msgspec.structs.replace(section, steps=tuple(map(agreed.asked, section.steps))))
    return tuple(done)


class _Agreed:
    """How many people have agreed by now, on the way through a plan."""

    def __init__(self) -> None:
        self.people = 0

    def asked(self, step: PlannedStep) -> PlannedStep:
        """The step, or those inside it, with the people whom it still needs."""
        if isinstance(step.action, ApproveAction) and not step.action.allow_self:
            self.people = max(self.people, step.action.min_required)
        if step.children and not _is_one(step):
            return _inside(step, self.asked)
        asks = step.agreement if step.agreement > self.people else 0
        self.people = max(self.people, asks)
        return msgspec.structs.replace(step, approvals=asks)


def _inside(step: PlannedStep, change: Callable[[PlannedStep], PlannedStep]) -> PlannedStep:
    """The step with those that it contains changed, in the order in which they are read."""
    inner = {name: tuple(map(change, getattr(step, name))) for name in ("steps", "rescue", "always")}
    return msgspec.structs.replace(step, **inner)


def check_protected(draft: Draft, steps: Iterable[PlannedStep]) -> None:
    """Refuse changing steps on protected hosts."""
    protected = set(protected_hosts(draft.inventory)) | _protected_by_author(draft)
    for step in steps:
        hit = sorted(protected & set(step.hosts)) if step.changes else []
        if hit:
            what = f'step "{step.name}" would change protected host {hit[0]}'
            fix = "Take the host out of its targets, or mark the step changes: false."
            draft.refuse(draft.written[step.id].at("on"), "protected-host", what, fix)


def check_safeguards(draft: Draft) -> None:
    """Refuse an environment that the author did not allow, or one that asks for a change record that is missing."""
    runbook, environment = draft.runbook, draft.inventory.environment
    allowed = runbook.safeguards.environments
    if allowed and environment.name not in allowed:
        what = f"{runbook.name} may run in {', '.join(allowed)}, and this is {environment.name}"
        fix = "Choose an inventory that is such a place: -i NAME. What it is, its environment.yaml says (name: ...)."
        draft.refuse(runbook.at("safeguards"), "wrong-environment", what, fix)
    if environment.name in runbook.change.required:
        with draft.collecting(runbook.at("change")):
            if not render(runbook.change.reference, draft.scope(), where=runbook.at("change")).strip():
                what = f"{environment.name} needs a change record"
                draft.refuse(runbook.at("change"), "no-change", what, "Give the parameter that change.reference names.")


def gates_a_machine_may_not_answer(plan: Plan) -> list[Problem]:
    """Why `--auto` cannot take this plan to its end: every gate that the environment keeps for people.

    Notices are no gates. A gate that the environment itself puts before a step counts as `confirm`.
    """
    allowed = plan.environment.auto
    if "all" in allowed:
        return []
    gates = ((step, kind) for step in plan.walk() for kind in _gate_kinds(step))
    return [_kept(plan.environment, step, kind) for step, kind in gates if kind not in allowed]


def _gate_kinds(step: PlannedStep) -> tuple[str, ...]:
    own = (kind_of(step.action),) if isinstance(step.action, Ask) else ()
    if step.approvals:
        return (*own, "approve")
    return (*own, *(("confirm",) if step.confirm != "none" else ()))


def _kept(environment: Environment, step: PlannedStep, kind: str) -> Problem:
    return Problem(
        what=f'a person must answer the {kind} of step {step.id} "{step.name}"',
        why=f"environment {environment.name} does not let --auto answer it",
        fix=f"Run without --auto, or add {kind} to auto in its environment.yaml.",
        where=Where(f"step {step.id}"),
        code="gate-needs-a-person",
        exit=Exit.REFUSED,
    )


def _covers(step: PlannedStep, least: Confirm) -> bool:
    match step.action:
        case ApproveAction():
            return True
        case ConfirmAction():
            return least != "typed" or bool(step.action.type)
        case _:
            return False


def _gated(draft: Draft, step: PlannedStep, *, least: Confirm, word: str) -> PlannedStep:
    """The step, or the right ones of its children, with the gate.

    A parallel gets one for all that it starts, and so does a loop of which everything is known by then.
    """
    together = _is_one(step)
    works = isinstance(step.action, Work) or together
    changing = any(each.changes for each in step.walk()) if together else step.changes
    asked: Confirm = "key" if draft.options.step_mode and works else "none"
    if goes_away(step.action):
        asked = "typed"  # whatever covers it: what is agreed to is its way back
    wanted = max(least if changing else "none", asked, key=_STRICTNESS.index)
    gate = {"confirm": wanted, "confirm_word": word if wanted == "typed" else ""} if works and wanted != "none" else {}
    if together:
        return msgspec.structs.replace(step, **gate)
    covered = False
    inner = []
    for child in step.steps:
        covered = covered or _covers(child, least)
        inner.append(_gated(draft, child, least="none" if covered else least, word=word))
    return msgspec.structs.replace(
        step,
        steps=tuple(inner),
        rescue=tuple(_gated(draft, child, least=least, word=word) for child in step.rescue),
        always=tuple(_gated(draft, child, least=least, word=word) for child in step.always),
        **gate,
    )


def _is_one(step: PlannedStep) -> bool:
    """Whether one gate stands for all that is inside."""
    return isinstance(step.action, ParallelAction) or _is_known(step)


def _is_known(step: PlannedStep) -> bool:
    return isinstance(step.action, LoopAction) and not any(inner.waits for inner in step.walk())


def _protected_by_author(draft: Draft) -> set[str]:
    found: set[str] = set()
    for pattern in draft.runbook.safeguards.protected:
        try:
            found |= set(select(draft.inventory, pattern))
        except Problems:
            # A host that this inventory does not have needs no protection, but a slip of the pen does.
            fix = nearest(pattern, (*draft.inventory.hosts, *draft.inventory.groups))
            where = draft.runbook.at("safeguards")
            draft.warn(where, "unknown-group", f'protected "{pattern}" names no host here', fix)
    return found
