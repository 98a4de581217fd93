"""From one written step to one planned step, with everything inside it.

A step is planned in its surroundings: the id it has, the hosts it takes when it names none, the wave it belongs to and
whether its failure is somebody else's to handle. Ids are positions and are given here, on the way down.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from runbook.core.planned.action import (
    CONTROLLER,
    Action,
    BlockAction,
    CommandAction,
    EndAction,
    FabricAction,
    NestedAction,
    ScriptAction,
    UploadAction,
    Work,
)
from runbook.core.planned.fault_action import FaultAction, RebootAction
from runbook.core.planned.plan import OnFailure, PlannedStep, StepId
from runbook.core.planned.turns import turn_id
from runbook.core.written.runbook import BlockStep, Loop, ParallelStep, Probe, ProbeStep, Step, WaitForStep
from runbook.document import scalars
from runbook.planning.actions import check_expressions, fill_in, runs_on_hosts, to_action, word_of
from runbook.planning.draft import Draft
from runbook.planning.faults import victims
from runbook.planning.loops import looped, named_turn, whole_loop
from runbook.planning.nested import nested_draft
from runbook.planning.targets import EVERYTHING, Wave, limited, resolve, waves_of
from runbook.problem import Where
from runbook.template.action_texts import FieldText
from runbook.template.settled_text import settle_expression, settle_text
from runbook.template.template import (
    faults_in,
    names_in,
    render,
)

_CHANGES = (CommandAction, ScriptAction, UploadAction, FabricAction, FaultAction, RebootAction)
_PASS_ON = (BlockStep, ParallelStep, NestedAction)
"""Kinds whose `on` is for the steps inside."""
_COPIED = (
    "expect", "timeout", "expected", "slow_after", "retries", "delay", "backoff", "idempotent", "durable",
    "become_user", "env", "cwd", "no_log", "concurrency", "sets", "then_lease", "owner", "tags", "required",
)  # fmt: skip
"""Keys that mean in the plan what they mean in the file."""


class Around(NamedTuple):
    """What surrounds a step."""

    section: str = ""
    hosts: tuple[str, ...] = ()
    """Targets of steps that name none; before limit and wave."""
    shell: str = ""
    """What reads the text of commands in it, where something around them says so."""
    said: bool = False
    """Targets were written, if only ones that are wrong: the pattern has a problem of its own then."""
    wave: Wave = EVERYTHING
    propagates: bool = False
    """A failure belongs to an enclosing block or parallel."""


def plan_steps(
    draft: Draft, steps: tuple[Step, ...], prefix: str, around: Around, *, first: int = 1
) -> tuple[PlannedStep, ...]:
    """The steps under one prefix, numbered as written; steps without a host in this wave are left out."""
    planned = (plan_step(draft, step, f"{prefix}.{number}", around) for number, step in enumerate(steps, start=first))
    return tuple(step for kept in planned for step in kept)


def plan_step(draft: Draft, step: Step, step_id: StepId, around: Around) -> tuple[PlannedStep, ...]:
    """The planned step; none when limit, wave or run_once leave it without a host."""
    if step.loop is not None:
        return _looped(draft, step, step.loop, step_id, around)
    if step.on:
        around = around._replace(hosts=section_hosts(draft, step.on, step.at("on")), said=True)
    if step.shell:
        around = around._replace(shell=step.shell)
    action = to_action(draft, step, label=f"probe of step {step_id}", hosts=around.hosts, shell=around.shell)
    targets = _targets(draft, step, action, around)
    hosts = limited(draft, targets, around.wave)
    hosts = victims(draft, step, hosts)
    if step.run_once:
        hosts = hosts[:1] if around.wave.first else ()
    if targets and not hosts:
        _say_left_out(draft, step, around)
        return ()
    _check_logins(draft, step, hosts)
    _check_become(draft, step, hosts)
    draft.written[step_id] = step
    planned = _planned(draft, step, step_id, around, hosts)
    done = fill_in(
        draft,
        action,
        hosts,
        beside=_names_beside(draft, step),
        where=step.at(word_of(step.action)),
        keeps_mode=not planned.become,
    )
    keys = _keys_beside(draft, step, waits=bool(done.awaits))
    planned = msgspec.structs.replace(
        planned, action=done.action, by_host=done.by_host, awaits=done.awaits, changes=_changes(step, action), **keys
    )
    return (_with_undo(draft, step, _with_children(draft, step, planned, around), around),)


def _looped(draft: Draft, step: Step, loop: Loop, step_id: StepId, around: Around) -> tuple[PlannedStep, ...]:
    """A container of turns; what is said of the step as a whole is said of it, all else of each turn."""
    draft.written[step_id] = step
    found = looped(draft, step, loop, step_id)
    once = msgspec.structs.replace(step, loop=None, sets=None, expected=0.0)
    turns: tuple[PlannedStep, ...] = ()
    for number, (label, inner) in enumerate(found.turns):
        for turn in plan_step(inner, once, turn_id(step_id, number), around):
            turns += (turn if loop.name in names_in(step.name) else named_turn(turn, label),)
    if found.turns and not turns:
        return ()
    planned = _planned(draft, whole_loop(step, loop), step_id, around, ())
    return (msgspec.structs.replace(planned, action=found.action, awaits=found.awaits, steps=turns),)


def name_of(step: Step) -> str:
    """What it is called: its name, else its kind."""
    return step.name or word_of(step.action)


def section_hosts(draft: Draft, pattern: str, where: Where) -> tuple[str, ...]:
    """The default targets of a section's steps; empty when it names none."""
    return resolve(draft, pattern, where) if pattern else ()


def _targets(draft: Draft, step: Step, action: Action, around: Around) -> tuple[str, ...]:
    """The hosts before limit and wave; empty for kinds without any."""
    if runs_on_hosts(action):
        if not around.hosts and not around.said:
            fix = "Add on: HOSTS to the step or its section, or on: controller."
            draft.note(step.where, "no-target", f'step "{name_of(step)}" does not say where', fix)
        return around.hosts
    if step.on not in {"", CONTROLLER} and not isinstance(step.action, _PASS_ON) and not _asks_in_place(step):
        what = f"{word_of(step.action)} does not run on hosts, so on has no effect"
        draft.note(step.at("on"), "pointless-target", what, "Remove on.")
    return (CONTROLLER,) if isinstance(action, Work) else ()


def _check_logins(draft: Draft, step: Step, hosts: tuple[str, ...]) -> None:
    """A Fabric task logs in by itself, so that a place without a login is none for it."""
    if not isinstance(step.action, FabricAction):
        return
    known = draft.inventory.hosts
    without = [host for host in hosts if host not in known or known[host].connection != "ssh"]
    if without:
        what = f"a Fabric task needs a host to log in to, and {', '.join(without[:6])} is none"
        draft.note(step.at("on"), "no-login", what, "Name hosts that are reached over SSH, or use a command.")


def _check_become(draft: Draft, step: Step, hosts: tuple[str, ...]) -> None:
    """By su or doas a step would become nobody; that is said before anything runs, and not by its first failure."""
    methods = {host: draft.inventory.become_methods[host] for host in hosts if host in draft.inventory.become_methods}
    if methods and (step.become or step.become_user):
        said = ", ".join(f"{host} ({method})" for host, method in list(methods.items())[:6])
        what = f"a step becomes somebody else by sudo alone, and not as the inventory says of {said}"
        draft.note(step.at("become"), "become-method", what, "Allow sudo there and set ansible_become_method: sudo.")


def _asks_in_place(step: Step) -> bool:
    """A probe written inside a step asks on the step's hosts."""
    return isinstance(step.action, ProbeStep | WaitForStep) and isinstance(step.action.probe, Probe)


def _planned(draft: Draft, step: Step, step_id: StepId, around: Around, hosts: tuple[str, ...]) -> PlannedStep:
    """Everything but what the action decides."""
    for key, expressions in (("when", step.when), ("failed_when", step.failed_when), ("until", step.until)):
        check_expressions(draft, expressions, step.at(key), hosts=hosts)
    on_failure, goto = _on_failure(step, around)
    planned = PlannedStep(
        id=step_id,
        name=_shown(draft, name_of(step), step.at("name")),
        action=BlockAction(),
        turns=draft.turns,
        section=around.section,
        hosts=hosts,
        waves=scalars.wave_sizes(step.batch, len(hosts)) if step.batch else (),
        when=_joined(draft, step.when, " and ", step.at("when")),
        failed_when=_joined(draft, step.failed_when, " or ", step.at("failed_when")),
        until=_joined(draft, step.until, " and ", step.at("until")),
        register=step.register or "",
        on_failure=on_failure,
        goto=goto,
        become=step.become or bool(step.become_user),
        max_errors=scalars.share_of(step.max_errors, len(hosts)),
        description=_shown(draft, step.description, step.at("description")),
    )
    return msgspec.structs.replace(planned, **{key: getattr(step, key) for key in _COPIED})


def _with_children(draft: Draft, step: Step, planned: PlannedStep, around: Around) -> PlannedStep:
    action = step.action
    handled = around._replace(propagates=True)
    match action:
        case BlockStep():
            inner = handled if action.rescue else around
            return msgspec.structs.replace(
                planned,
                hosts=(),
                steps=plan_steps(draft, action.steps, planned.id, inner),
                rescue=plan_steps(draft, action.rescue, f"{planned.id}.rescue", around),
                always=plan_steps(draft, action.always, f"{planned.id}.always", around),
            )
        case ParallelStep():
            return msgspec.structs.replace(
                planned, hosts=(), steps=plan_steps(draft, action.steps, planned.id, handled)
            )
        case NestedAction():
            with draft.collecting(step.at("runbook")):
                return _nested(nested_draft(draft, step, action), planned, action, around)
            return planned
        case _:
            return planned


def _nested(inner: Draft, planned: PlannedStep, action: NestedAction, around: Around) -> PlannedStep:
    """The step with another runbook's sections as its children, waves unrolled, numbered through."""
    steps: tuple[PlannedStep, ...] = ()
    for section in inner.runbook.sections:
        hosts = section_hosts(inner, section.on, section.at("on")) if section.on else around.hosts
        for wave in waves_of(inner, section):
            said = around.said or bool(section.on)
            within = around._replace(section=f"{planned.name}: {section.name}", hosts=hosts, said=said, wave=wave)
            within = within._replace(shell=section.shell)
            steps += plan_steps(inner, section.steps, planned.id, within, first=len(steps) + 1)
    around = around._replace(shell="")
    always = plan_steps(inner, inner.runbook.always, f"{planned.id}.always", around)
    undo = plan_steps(inner, inner.runbook.rollback, f"{planned.id}.undo.1", around)
    undoing = PlannedStep(id=f"{planned.id}.undo.1", name=f"Roll back {planned.name}", action=BlockAction(), steps=undo)
    nested = NestedAction(file=action.file, name=inner.runbook.name, parameters=dict(inner.values))
    return msgspec.structs.replace(
        planned, action=nested, awaits=(), hosts=(), steps=steps, always=always, undo=(undoing,) if undo else ()
    )


def _with_undo(draft: Draft, step: Step, planned: PlannedStep, around: Around) -> PlannedStep:
    """Its `rollback` works on the step's own hosts unless it names others."""
    if step.rollback is None:
        return planned
    undo = plan_step(draft, step.rollback, f"{planned.id}.undo.1", around._replace(propagates=False))
    return msgspec.structs.replace(planned, undo=undo)


def _changes(step: Step, action: Action) -> bool:
    if isinstance(step.changes, bool):
        return step.changes
    return isinstance(action, _CHANGES) and bool(step.durable)


def _on_failure(step: Step, around: Around) -> tuple[OnFailure, str]:
    """The policy, and the label that a goto names."""
    written = step.on_failure
    if isinstance(written, dict):
        return "goto", written["goto"]
    if written.startswith("goto"):
        return "goto", written.partition(":")[2].strip()
    if written == "default" and isinstance(step.action, EndAction) and step.action.verdict == "failed":
        return "abort", ""  # said by its author, so that nobody is asked
    if written == "default":
        return ("propagate" if around.propagates else "default"), ""
    return msgspec.convert(written, OnFailure), ""


def _joined(draft: Draft, expressions: tuple[str, ...], word: str, where: Where) -> str:
    fixed = list(expressions)
    with draft.collecting(where):
        fixed = [settle_expression(each, draft.fixed) for each in expressions]
    return word.join(f"({each})" for each in fixed) if len(fixed) > 1 else "".join(fixed)


def _names_beside(draft: Draft, step: Step) -> frozenset[str]:
    """Names in the texts that stand beside the action."""
    return draft.names(step.at("env"), *step.env.values(), step.cwd, step.become_user)


def _keys_beside(draft: Draft, step: Step, *, waits: bool) -> dict[str, object]:
    """`env`, `cwd` and `become_user` as far as they are known; they are final when the step waits for nothing."""

    def known(text: str) -> str:
        if faults_in(text):  # noted with its names
            return text
        return settle_text(FieldText(text, shell=False), scope, draft.fixed) if waits else render(text, scope)

    scope = draft.scope()
    with draft.collecting(step.at("env")):
        env = {key: known(text) for key, text in step.env.items()}
        return {"env": env, "cwd": known(step.cwd), "become_user": known(step.become_user)}
    return {}


def _shown(draft: Draft, text: str, where: Where) -> str:
    """A name or a description with parameters filled in; it is shown before the run, so nothing else can be."""
    names = draft.names(where, text)
    late = sorted(draft.awaited(names) | (names & {"host"}))
    if late:
        draft.note(where, "late-name", f'a name waits for "{late[0]}"', "It is shown before the run: use parameters.")
    elif draft.check_names(names, where) and not faults_in(text):
        with draft.collecting(where):
            return render(text, draft.scope())
    return text


def _say_left_out(draft: Draft, step: Step, around: Around) -> None:
    if around.wave is EVERYTHING and draft.options.limit:
        draft.warn(step.where, "left-out", f'the limit leaves no host to step "{name_of(step)}"')
