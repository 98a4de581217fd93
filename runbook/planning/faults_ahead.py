"""The look ahead: whether every host can carry what steps are to break there, asked before anything changes.

A missing tool, module or right that shows only when the fault is armed shows in the middle of an outage. So the plan
asks each host for all of its faults in front, and refuses there. What an earlier step may still bring, or what may
never come, is said and refuses nothing: the same questions are asked again right before the fault is armed.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from runbook.core.planned.action import PreflightAction
from runbook.core.planned.fault_action import FaultAction, FaultAhead
from runbook.core.planned.plan import PlannedStep
from runbook.core.planned.shown import becomes
from runbook.planning.draft import Draft
from runbook.template.template import is_template

Steps = tuple[PlannedStep, ...]


def faults_are_carried(draft: Draft, steps: Steps, step_id: str, *, section: str) -> Steps:
    """The step that asks; none where nothing is broken. `steps` are all of the plan, in reading order."""
    each: dict[str, tuple[FaultAhead, ...]] = {}
    for host in draft.inventory.hosts:
        if found := tuple(_on(draft, steps, host)):
            each[host] = found
    if not each:
        return ()
    actions = {host: PreflightAction(faults=found) for host, found in each.items()}
    first = next(iter(actions.values()))
    look = PlannedStep(
        id=step_id,
        name="Hosts can carry what breaks them",
        section=section,
        action=first,
        hosts=tuple(actions),
        by_host={host: action for host, action in actions.items() if action != first},
        idempotent=True,
        durable=False,
        required=True,
    )
    return (look,)


def _on(draft: Draft, steps: Steps, host: str) -> Iterator[FaultAhead]:
    """What is to be broken on one host; the same in several waves is asked once."""
    uncertain = _uncertain(steps)
    asked: list[FaultAhead] = []
    is_prepared = False
    for step in steps:
        if host not in step.hosts:
            continue
        if isinstance(step.action, FaultAction):
            ahead = _ahead(draft, step, host)
            if ahead not in asked:
                yield msgspec.structs.replace(
                    ahead, step=step.id, may_not_come=step.id in uncertain, is_prepared=is_prepared
                )
            asked.append(ahead)
        else:
            is_prepared = is_prepared or step.changes


def _ahead(draft: Draft, step: PlannedStep, host: str) -> FaultAhead:
    action = step.action_on(host)
    assert isinstance(action, FaultAction)  # noqa: S101 - its only caller has looked
    arguments = {} if step.waits else action.arguments
    asked = msgspec.structs.replace(action, arguments=arguments, expect_effect=None)
    user = becomes(step, draft.inventory.hosts.get(host))
    return FaultAhead(step="", action=asked, user="" if is_template(user) else user, is_known=not step.waits)


def _uncertain(steps: Steps) -> frozenset[str]:
    """Steps under a condition, and those that only a failure or a rollback leads to."""
    conditional = (inner.id for step in steps if step.when for inner in step.walk())
    after = (inner.id for step in steps for part in (*step.rescue, *step.undo) for inner in part.walk())
    return frozenset((*conditional, *after))
