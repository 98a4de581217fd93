"""The second row: what is wanted of whoever looks, and if it is nothing, what comes next.

Yellow is for this alone. It says whose turn it is, since when, and who else may; a runner that is gone and a service
that is down without anybody having planned it come before everything.
"""

from __future__ import annotations

from typing import get_args

from runbook.core.fold.verdict import verdicts
from runbook.core.gate.gates import asked_for, may_answer, opening
from runbook.core.milestone_name import Milestone
from runbook.core.planned.action import ApproveAction, Ask
from runbook.core.planned.turns import name_of
from runbook.core.run import GateState, StepPhase
from runbook.view.asking.failure import failure_summary
from runbook.view.look.canvas import Canvas
from runbook.view.look.glyphs import Glyphs
from runbook.view.look.numbers import aged, lasting
from runbook.view.look.part import Part, Row, pill, strong
from runbook.view.sanitize import safe
from runbook.view.situation.facts import Facts
from runbook.view.situation.geometry import MIDDLE, WIDE
from runbook.view.steps import StepRow
from runbook.view.story.closing import beside_the_run
from runbook.view.story.waiting import questions
from runbook.view.words import plural

KINDS = {
    "before": "before it runs",
    "approval": "approval before it runs",
    "failure": "what now?",
    "host_key": "changed host key",
}
"""Kinds of gates that need a word of their own."""
_COUNTS = {2: "Two", 3: "Three", 4: "Four", 5: "Five"}


def wanted_row(facts: Facts, width: int, glyphs: Glyphs) -> Row:
    """It, for so many cells."""
    parts, aside = wanted(facts, is_short=width < MIDDLE)
    canvas = Canvas(width)
    begin = 0 if "pill" in parts[0].attributes else 1
    canvas.lay(begin, *parts)
    used = begin + sum(len(part.text) for part in parts)
    if not aside and width >= WIDE and facts.me is not None:
        aside = (Part(_who_looks(facts), "dim"),)
    if aside and used + sum(len(part.text) for part in aside) + 3 <= width:
        canvas.right(width - 1, *aside)
    elif used > width:
        canvas.put(width - 1, glyphs.cut, "dim")
    return canvas.row()


def _who_looks(facts: Facts) -> str:
    """Who the runner takes this person for, and the first role that they hold here."""
    name = facts.me.name if facts.me else ""
    held = next((role for role, names in facts.run.plan.environment.roles.items() if name in names), "")
    return safe(f"{name} ({held})" if held else name)


def wanted(facts: Facts, *, is_short: bool = False) -> tuple[Row, Row]:
    """What is said, and what key does something about it."""
    run = facts.run
    if facts.gone and not run.has_ended:
        return (pill("RUNNER LOST", "bad"), Part(f" {safe(facts.gone)}")), ()
    if questions(run):
        return _asked(facts)
    if run.has_ended:
        return _ended(facts), ()
    down = _unplanned(facts)
    if run.paused:
        return (*down, pill("PAUSED", "slip"), Part(" No new step is entered.")), (Part("p", "live"), Part(" goes on"))
    if run.stop is not None:
        return (*down, pill("STOPPING", "slip"), Part(f" {safe(run.stop.reason)}")), ()
    quiet = Part("NOTHING FOR YOU" if is_short else "NOTHING FOR YOU NOW", "dim")
    return (*down, quiet, *_next(facts, is_short=is_short)), ()


def _asked(facts: Facts) -> tuple[Row, Row]:
    run = facts.run
    asked = questions(run)
    mine = [gate for gate in asked if _is_mine(facts, run.gates[gate])]
    gate = run.gates[(mine or list(asked))[0]]
    more = len(asked) - 1
    behind = (Part(f", and {more} more wait" if more > 1 else ", and 1 more waits"),) if more else ()
    said = (*_question(facts, gate), *behind)
    if not mine:
        return (Part("OTHERS DECIDE", "you", ("bold",)), Part("  "), *said, *_whom(facts, gate)), ()
    word = "YOU DECIDE" if gate.opened.kind == "failure" else "YOU ANSWER"
    return (pill(word, "you"), Part(" "), *said), (Part("a", "live"), Part(" opens it"))


def _is_mine(facts: Facts, gate: GateState) -> bool:
    return facts.me is not None and not may_answer(facts.run, gate, asked_for(facts.run, gate), facts.me)


def _question(facts: Facts, gate: GateState) -> Row:
    """What it is about, and since when: a failure by its hosts, anything else by its name."""
    run = facts.run
    state = run.steps[gate.opened.step]
    ago = strong(aged(facts.now - gate.opened_at, facts.step))
    if gate.opened.kind == "failure":
        failed = failure_summary(run, state)
        return (Part(f"{failed} in step {safe(state.id)}. Asked "), ago, Part(" ago"))
    kind = KINDS.get(gate.opened.kind, "")
    name = safe(name_of(run, state.planned))
    given = f", {plural(len(gate.answers), 'answer')} given" if gate.answers else ""
    return (Part(f"gate {safe(state.id)} {name}{f', {kind}' if kind else ''}, asked "), ago, Part(f" ago{given}"))


def _whom(facts: Facts, gate: GateState) -> Row:
    action = asked_for(facts.run, gate)
    if not isinstance(action, ApproveAction) or not action.approvers:
        return ()
    return (Part(f"; {safe(' or '.join(action.approvers))} may", "dim"),)


def _ended(facts: Facts) -> Row:
    """How it ended, in the four verdicts; why, where it did not go through."""
    said = verdicts(facts.run)
    # The revert comes first: a narrow terminal cuts the end of the row.
    told = sorted(beside_the_run(said), key=lambda each: each[0] != "revert")
    others = ", ".join(f"{name} {word}" for name, word in told)
    time = f" in {lasting(facts.clock.used)}" if facts.clock.state == "stopped" else ""
    why = f"  {safe(facts.run.ended)}" if said.run != "completed" else ""
    return Part("ENDED", "dim"), Part(f"{time}  {others}"), Part(why, "dim")


def _unplanned(facts: Facts) -> Row:
    """Probes that are down although nobody has broken anything yet."""
    run = facts.run
    breaks = [state for state in run.steps.values() if state.planned.sets is Milestone.OUTAGE and state.visit]
    if breaks or run.faults or run.plan.kind in {"failover", "incident", "restore"}:
        return ()
    down = [strip for strip in facts.strips if strip.word == "DOWN"]
    if not down:
        return ()
    return (pill("DOWN", "bad"), Part(f" {down[0].name} {lasting(facts.now - down[0].since)}  "))


def _next(facts: Facts, *, is_short: bool) -> Row:
    """The next step that will ask somebody, and when; where none will, the next step."""
    ahead = [row for row in facts.leaves if row.status.value == "pending"]
    gates = [row for row in ahead if row.is_gate]
    if not gates:
        return (Part(f"  Next: {safe(ahead[0].id)} {ahead[0].name}."),) if ahead else (Part("  The last step runs."),)
    gate = gates[0]
    wait = _until(facts, gate)
    said = Part(f"  Next: gate {safe(gate.id)} {gate.name}")
    when = (
        (Part(" in about " if is_short else ", in about "), strong(lasting(_rounded(wait)))) if wait is not None else ()
    )
    return (said, *when, Part(_who(facts, gate, is_short=is_short)))


def _who(facts: Facts, gate: StepRow, *, is_short: bool) -> str:
    action = facts.run.steps[gate.id].planned.action
    if not isinstance(action, ApproveAction) or action.min_required < 2:  # noqa: PLR2004 - one is no news
        return "" if is_short else "."
    if is_short:
        return f", {action.min_required} people"
    count = _COUNTS.get(action.min_required, str(action.min_required))
    return f". {count} people must answer; {_whether(facts, gate, action)}."


def _whether(facts: Facts, gate: StepRow, action: ApproveAction) -> str:
    """Whether who looks will be among those who may."""
    opened = opening(facts.run, facts.run.steps[gate.id], action, facts.now)
    is_shut = facts.me is None or may_answer(facts.run, GateState(opened=opened, opened_at=facts.now), action, facts.me)
    return "you may not" if is_shut else "you may"


def _rounded(seconds: float) -> float:
    """A time that nobody can know to the second."""
    step = 30 if seconds > 30 else 10  # noqa: PLR2004 - half a minute
    return max(step, round(seconds / step) * step)


def _until(facts: Facts, gate: StepRow) -> float | None:
    """Planned seconds up to a step; None where one of the steps before it has no plan."""
    total = 0.0
    for planned in (step for section in facts.run.plan.sections for step in section.steps):
        if planned.id == gate.id:
            return total
        state = facts.run.steps[planned.id]
        if state.phase is StepPhase.ENDED:
            continue
        if not planned.expected or isinstance(planned.action, get_args(Ask)):
            return None
        done = facts.now - state.entered_at if state.entered_at is not None else 0.0
        total += max(0.0, planned.expected - done)
    return None
