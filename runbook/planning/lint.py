"""Warnings worth having: what is allowed, and will be regretted at the wrong moment.

Each rule is a function from one thing to its complaints, named in the tables at the end. A rule is here when it has a
story (a password in a process list, a step without an end at three in the morning); taste is not. Rules need no
inventory except the last table's, which look at the finished plan.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from runbook.core.planned.action import (
    CommandAction,
    Expectation,
    FabricAction,
    HttpAction,
    NotifyAction,
    ScriptAction,
    UploadAction,
    kind_of,
)
from runbook.core.planned.plan import Environment, Plan, PlannedStep
from runbook.core.written.runbook import BlockStep, ParallelStep, Probe, Runbook, Step
from runbook.document import scalars
from runbook.matching.pattern import may_be_endless
from runbook.planning.actions import word_of
from runbook.planning.shells import interpreter_of, is_shell, program_of
from runbook.planning.steps import name_of
from runbook.problem import Problem, Problems, Where
from runbook.template.action_texts import FieldText, texts_of
from runbook.template.template import (
    names_in,
    raw_in,
    tokens_of,
)
from runbook.view.words import plural

How = Literal["search", "fullmatch"]
_ROW = 64
"""Characters after which an expression that tries everything twice for each has no end."""
_MOST_ROWS = 20
_KEPT = frozenset({"data", "variable_begin"})
"""Of a template's tokens, what stands for text: itself, and the value that is written there."""


def lint(runbook: Runbook, *, today: dt.date, plan: Plan | None = None) -> tuple[Problem, ...]:
    """Every warning about a runbook, in reading order; with a plan also those about where it is about to run."""
    found = [each for rule in RUNBOOK_RULES for each in rule(runbook, today)]
    steps = tuple(_all_steps(runbook))
    found += [each for step in steps for rule in STEP_RULES for each in rule(runbook, step)]
    for probe in _probes(runbook, steps):
        found += (*_unverified(probe.action, probe.where), *_endless(_patterns(probe.expect), probe.at("expect")))
    found += [each for rule in PLAN_RULES for each in rule(runbook, plan)] if plan is not None else []
    return tuple(sorted(dict.fromkeys(found), key=_reading_order))


def _review(runbook: Runbook, today: dt.date) -> Iterator[Problem]:
    if not runbook.reviewed:
        yield _warning(
            runbook.where, "never-reviewed", "nobody has reviewed it", "Add reviewed: DATE once somebody has."
        )
        return
    if runbook.review_every:
        due = scalars.date(runbook.reviewed) + dt.timedelta(seconds=runbook.review_every)
        if due < today:
            what = f"the review was due on {due.isoformat()}"
            yield _warning(runbook.at("reviewed"), "review-overdue", what, "Review it, and write the new date.")


def _owner(runbook: Runbook, _: dt.date) -> Iterator[Problem]:
    if not runbook.owner:
        yield _warning(runbook.where, "no-owner", "nobody owns it", "Add owner: who is asked when it is wrong.")


def _unused(runbook: Runbook, _: dt.date) -> Iterator[Problem]:
    texts = "\n".join(_words(runbook))
    for name, parameter in runbook.parameters.items():
        if not re.search(rf"\b{re.escape(name)}\b", texts):
            yield _warning(parameter.where, "unused-parameter", f'parameter "{name}" is not used', "Remove it.")


def _no_timeout(_: Runbook, step: Step) -> Iterator[Problem]:
    if _may_change(step) and not step.timeout:
        what = f'changing step "{name_of(step)}" has no timeout'
        yield _warning(_place(step), "no-timeout", what, "Add timeout: after it the step is stopped and you are asked.")


def _no_rollback(runbook: Runbook, step: Step) -> Iterator[Problem]:
    if not _may_change(step) or step.rollback is not None or runbook.rollback or _is_undo(runbook, step):
        return
    what = f'changing step "{name_of(step)}" has no rollback'
    fix = "Add rollback to the step or to the runbook; mark a step that changes nothing changes: false."
    yield _warning(_place(step), "no-rollback", what, fix)


def _raw(_: Runbook, step: Step) -> Iterator[Problem]:
    for field in _shell_texts(step):
        if raw_in(field.text):
            what = f'a raw template in the shell text of "{name_of(step)}"'
            why = "a value with a space or a semicolon becomes part of the command"
            yield _warning(_place(step), "raw-template", what, "Leave raw out, or say who guarantees the value.", why)


def _quoted(_: Runbook, step: Step) -> Iterator[Problem]:
    for field in _shell_texts(step):
        if _template_in_quotes(field.text):
            what = f'a template inside quotes in the shell text of "{name_of(step)}"'
            why = "its value brings quotes of its own, and the two end each other"
            yield _warning(_place(step), "template-in-quotes", what, "Take the quotes around {{ }} away.", why)


def _secret(runbook: Runbook, step: Step) -> Iterator[Problem]:
    secrets = {name for name, parameter in runbook.parameters.items() if parameter.type == "secret"}
    for field in _shell_texts(step):
        for name in sorted(secrets & names_in(field.text)):
            what = f'secret "{name}" in the command of "{name_of(step)}"'
            why = "programs that get it as an argument show it in process lists"
            yield _warning(_place(step), "secret-in-command", what, f"Put it into env, and read ${name.upper()}.", why)


def _not_sh(_: Runbook, step: Step) -> Iterator[Problem]:
    action = step.action
    if isinstance(action, ScriptAction) and names_in(action.text) and not is_shell(_runs(action)):
        what = f'templates in a script for {program_of(_runs(action))} in "{name_of(step)}"'
        why = "values are quoted for a shell, which is not how that language quotes"
        yield _warning(_place(step), "foreign-quoting", what, "Pass values by args or env.", why)


def _endless_expectation(_: Runbook, step: Step) -> Iterator[Problem]:
    yield from _endless(_patterns(step.expect), step.at("expect"))


def _endless_parameter(runbook: Runbook, _: dt.date) -> Iterator[Problem]:
    for parameter in runbook.parameters.values():
        yield from _endless((parameter.pattern,) if parameter.pattern else (), parameter.at("pattern"), "fullmatch")


def _verify(_: Runbook, step: Step) -> Iterator[Problem]:
    yield from _unverified(step.action, _place(step))


def _no_expected(runbook: Runbook, _: dt.date) -> Iterator[Problem]:
    """Said once: it is one thing that the clock of the objective lacks."""
    tops = [step for section in runbook.sections if not section.expected for step in section.steps]
    missing = [step for step in tops if not step.expected]
    if runbook.objectives.rto is None or not missing:
        return
    others = f" and {plural(len(missing) - 1, 'other step')}" if len(missing) > 1 else ""
    have = "have" if others else "has"
    what = f'step "{name_of(missing[0])}"{others} {have} no expected duration, and there is a recovery time to keep'
    yield _warning(missing[0].where, "no-expected", what, "Add expected to each, or to their sections.")


def _sends_nothing(runbook: Runbook, _: dt.date) -> Iterator[Problem]:
    """Said once, where somebody counts on it: a message without `to` is a remark on record, and no promise."""
    for step in _all_steps(runbook):
        if isinstance(step.action, NotifyAction) and step.action.to:
            what = f'"{name_of(step)}" puts its message on record and sends it to nobody'
            fix = "Tell them with a step that does, such as http or a command on controller, or take to: away."
            yield _warning(_place(step), "notify-sends-nothing", what, fix)
            return


def _unused_probe(runbook: Runbook, _: dt.date) -> Iterator[Problem]:
    """A probe that nobody asks tells nothing, and a steady state with one in it stays inconclusive."""
    asked = {rule.probe for rule in runbook.abort_when}
    asked |= {name for section in runbook.sections for name in section.success}
    for step in _all_steps(runbook):
        named = getattr(step.action, "probe", "")
        asked |= {named} if isinstance(named, str) else set()
    for probe in (*runbook.steady_state, *runbook.probes):
        if not probe.every and probe.name not in asked:
            fix = "Give it every: to have it asked all the time, ask it in a step (probe or wait_for), or remove it."
            yield _warning(probe.where, "unused-probe", f'probe "{probe.name}" is never asked', fix)


def _no_gate(runbook: Runbook, plan: Plan) -> Iterator[Problem]:
    """The environment puts gates in where it is told to; in production somebody should have told it."""
    if not _is_production(plan.environment):
        return
    for section in plan.sections:
        for step in section.steps:
            if step.changes and step.confirm == "none" and not step.agreement and not _gate_before(section.steps, step):
                what = f'step {step.id} "{step.name}" changes {plan.environment.name} and nobody is asked before'
                fix = "Add a confirm step before it, or confirm: key to environment.yaml."
                yield _warning(Where(runbook.source), "no-gate", what, fix)


STEP_RULES: tuple[Callable[[Runbook, Step], Iterator[Problem]], ...] = (
    _no_timeout,
    _no_rollback,
    _raw,
    _quoted,
    _secret,
    _not_sh,
    _verify,
    _endless_expectation,
)
RUNBOOK_RULES: tuple[Callable[[Runbook, dt.date], Iterator[Problem]], ...] = (
    _review,
    _owner,
    _unused,
    _unused_probe,
    _sends_nothing,
    _no_expected,
    _endless_parameter,
)
PLAN_RULES: tuple[Callable[[Runbook, Plan], Iterator[Problem]], ...] = (_no_gate,)


def _may_change(step: Step) -> bool:
    if isinstance(step.changes, bool):
        return step.changes
    return isinstance(step.action, CommandAction | ScriptAction | UploadAction | FabricAction) and bool(step.durable)


def _is_undo(runbook: Runbook, step: Step) -> bool:
    """Steps that undo or close have no undo of their own."""
    undoing = (each.rollback for each in _all_steps(runbook) if each.rollback is not None)
    closing = (inner for each in (*runbook.always, *undoing) for inner in _inside(each))
    return any(each is step for each in closing)


def _unverified(action: msgspec.Struct, where: Where) -> Iterator[Problem]:
    if isinstance(action, HttpAction) and not action.verify:
        what = "verify: false takes any certificate"
        yield _warning(where, "http-not-verified", what, "Trust the right authority instead.", "anybody could answer")


def _patterns(expect: Expectation | None) -> tuple[str, ...]:
    parts = [] if expect is None else [getattr(expect, name) for name in expect.__struct_fields__]
    return tuple(part.matches for part in parts if part is not None and part.matches is not None)


def _endless(patterns: tuple[str, ...], where: Where, how: How = "search") -> Iterator[Problem]:
    """Tried on the texts over which such expressions stumble: a long row of one character, and then another one."""
    for pattern in filter(may_be_endless, patterns):
        from runbook.matching.matcher import matcher  # noqa: PLC0415 - most patterns are tame

        letters = dict.fromkeys((*(char for char in pattern if char.isalnum()), *"a0 "))
        try:
            matcher().found(how, pattern, [f"{char * _ROW}\0" for char in letters][:_MOST_ROWS])
        except Problems as wrong:
            what = f'the expression "{pattern[:_ROW]}" may never end'
            fix = "Let no repetition stand inside another that can take the same text."
            yield _warning(where, "endless-pattern", what, fix, wrong.problems[0].what)


def _shell_texts(step: Step) -> Iterator[FieldText]:
    """Templates that a shell will read; those that cannot be parsed are the compiler's business."""
    return (field for field in texts_of(step.action) if field.shell and names_in(field.text))


def _template_in_quotes(text: str) -> bool:
    """Whether a `{{` stands between quotation marks of the shell."""
    kept = (token.text if token.kind == "data" else "\0" for token in tokens_of(text) if token.kind in _KEPT)
    bare = re.sub(r"\\.", "", "".join(kept))
    return any("\0" in quoted for quoted in re.findall(r"'[^']*'|\"[^\"]*\"", re.sub(r"(?m)(^|\s)#.*$", "", bare)))


def _runs(script: ScriptAction) -> tuple[str, ...]:
    """What runs a script, as far as the document says; a file's own first line is known to the plan."""
    try:
        return interpreter_of(script.text, script.interpreter, Where(""))
    except Problems:
        return script.interpreter


def _is_production(environment: Environment) -> bool:
    return environment.access == "restricted" or environment.name.lower() in {"prod", "production", "live"}


def _gate_before(steps: tuple[PlannedStep, ...], step: PlannedStep) -> bool:
    before = steps[: steps.index(step)]
    return any(kind_of(each.action) in {"confirm", "approve"} for each in before)


def _all_steps(runbook: Runbook) -> Iterator[Step]:
    tops = (step for section in runbook.sections for step in section.steps)
    for top in (*tops, *runbook.rollback, *runbook.always):
        yield from _inside(top)


def _inside(step: Step) -> Iterator[Step]:
    yield step
    inner: tuple[Step, ...] = (step.rollback,) if step.rollback is not None else ()
    if isinstance(step.action, BlockStep):
        inner += (*step.action.steps, *step.action.rescue, *step.action.always)
    if isinstance(step.action, ParallelStep):
        inner += step.action.steps
    for each in inner:
        yield from _inside(each)


def _probes(runbook: Runbook, steps: tuple[Step, ...]) -> Iterator[Probe]:
    yield from (*runbook.steady_state, *runbook.probes)
    yield from (probe for step in steps if isinstance(probe := getattr(step.action, "probe", ""), Probe))


def _words(value: object) -> Iterator[str]:
    """Every text of the runbook but the names of its parameters."""
    match value:
        case Where():
            return
        case str():
            yield value
        case msgspec.Struct():
            for name in value.__struct_fields__:
                yield from _words(getattr(value, name))
        case tuple() | list():
            for each in value:
                yield from _words(each)
        case dict():
            for each in value.values():
                yield from _words(each)
        case _:
            return


def _place(step: Step) -> Where:
    return step.at(word_of(step.action))


def _warning(where: Where, code: str, what: str, fix: str, why: str = "") -> Problem:
    return Problem(what=what, why=why, fix=fix, where=where, code=code, warning=True)


def _reading_order(problem: Problem) -> tuple[int, int]:
    where = problem.where or Where("")
    return (where.line, where.column)
