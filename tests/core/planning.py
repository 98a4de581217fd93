"""Small plans of every shape that the compiler can make, drawn by hypothesis.

What the compiler never makes is not drawn: a jump leads to a step that stands directly in a section, never out of a
parallel, an undo, the rollback or the closing steps; `propagate` stands only where a container handles it; an undo
works on its step's hosts or on hosts of its own.
"""

from __future__ import annotations

from hypothesis import strategies as st
from msgspec.structs import replace

from runbook.core.planned.action import (
    CONTROLLER,
    ApproveAction,
    AskAction,
    BlockAction,
    BranchAction,
    ChecklistAction,
    ChooseAction,
    CommandAction,
    ConfirmAction,
    EndAction,
    HttpAction,
    Item,
    LoopAction,
    ManualAction,
    NestedAction,
    NoticeAction,
    Option,
    ParallelAction,
    WaitAction,
    Way,
)
from runbook.core.planned.plan import AbortRule, Environment, Plan, PlannedProbe, PlannedSection, PlannedStep, Turn
from tests import builders

HOSTS = ("a", "b", "c")
PROBE = PlannedProbe(name="health", action=HttpAction(url="http://a/"), every=1.0)

host_sets = st.lists(st.sampled_from(HOSTS), min_size=1, max_size=3, unique=True).map(
    lambda names: tuple(sorted(names))
)
pauses = st.sampled_from([0.0, 0.0, 5.0])
asks = st.one_of(
    st.just(ConfirmAction(message="Sure?")),
    st.just(ConfirmAction(message="Sure?", type="db1")),
    st.builds(
        ApproveAction,
        message=st.just("Go?"),
        min_required=st.integers(1, 2),
        timeout=st.sampled_from([0.0, 30.0]),
        on_timeout=st.sampled_from(["fail", "proceed", "ask"]),
        allow_self=st.booleans(),
    ),
    st.just(AskAction(prompt="How many?", type="integer", default="3")),
    st.just(ManualAction(instructions="Pull the cable")),
    st.just(ChecklistAction(items=(Item(item="x"), Item(item="y")))),
)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """A whole plan: one or two sections, perhaps a rollback and closing steps."""
    shape = draw(st.lists(st.integers(1, 3), min_size=1, max_size=2))
    ids = [f"{section}.{number}" for section, size in enumerate(shape, 1) for number in range(1, size + 1)]
    sections = []
    for section, size in enumerate(shape, 1):
        steps = [draw(steps_at(f"{section}.{number}", targets=tuple(ids))) for number in range(1, size + 1)]
        sections.append(PlannedSection(id=str(section), name=f"Section {section}", steps=tuple(steps)))
    return builders.plan(
        sections=tuple(sections),
        hosts=tuple(builders.Host(name=name) for name in HOSTS),
        rollback=draw(chains("R.", most=2)),
        always=draw(chains("A.", most=2)),
        probes=(PROBE,),
        abort_when=draw(st.sampled_from([(), (AbortRule(probe="health", failed=2),)])),
        environment=Environment(name="lab", auto=draw(st.sampled_from([(), ("confirm",), ("all",)]))),
    )


@st.composite
def chains(draw: st.DrawFn, prefix: str, *, most: int, least: int = 0, **around: object) -> tuple[PlannedStep, ...]:
    """Steps one after another under one prefix."""
    size = draw(st.integers(least, most))
    return tuple(draw(steps_at(f"{prefix}{number}", **around)) for number in range(1, size + 1))


@st.composite
def steps_at(
    draw: st.DrawFn,
    step: str,
    *,
    targets: tuple[str, ...] = (),
    depth: int = 1,
    inside: bool = False,
    may_be_undone: bool = True,
) -> PlannedStep:
    """A step of any kind; `targets` are where it may jump, `inside` says that a container handles its failure."""
    kind = draw(st.sampled_from(["work", "work", "work", "ask", "choose", "branch", "end", "pause", "container"]))
    if (kind == "container" and depth == 0) or (kind == "end" and not targets):
        kind = "work"
    fields = draw(policies(targets=targets, inside=inside))
    if kind == "work":
        fields |= draw(fan_outs())
    undo_hosts = draw(st.sampled_from([fields.get("hosts", ("a",)), ("c",)]))
    if may_be_undone and not step.startswith("A.") and draw(st.booleans()):
        inner = builders.step(f"{step}.undo.1", CommandAction(shell="undo"), hosts=undo_hosts)
        fields["undo"] = (inner,)
    match kind:
        case "ask":
            return builders.step(step, draw(asks), **fields)
        case "choose":
            gotos = draw(st.lists(st.sampled_from(["", *targets]), min_size=1, max_size=2))
            options = tuple(Option(label=f"way {number}", goto=goto) for number, goto in enumerate(gotos))
            return builders.step(step, ChooseAction(prompt="Which?", options=options), **fields)
        case "branch":
            gotos = draw(st.lists(st.sampled_from(["", *targets]), min_size=1, max_size=2))
            ways = tuple(Way(when=f"x == {number}", goto=goto) for number, goto in enumerate(gotos))
            return builders.step(step, BranchAction(ways=ways), hosts=(CONTROLLER,), **fields)
        case "end":
            fields["on_failure"] = draw(st.sampled_from(["abort", "rollback"]))
            return builders.step(step, EndAction(verdict=draw(st.sampled_from(["completed", "failed"]))), **fields)
        case "pause":
            return builders.step(
                step, draw(st.sampled_from([WaitAction(seconds=9.0), NoticeAction(text="x")])), **fields
            )
        case "container":
            return builders.step(step, **fields, **draw(containers(step, targets, depth - 1)))
        case _:
            return builders.step(step, **fields)


@st.composite
def policies(draw: st.DrawFn, *, targets: tuple[str, ...], inside: bool) -> dict[str, object]:
    """What follows a failure, and what stands in front of the step."""
    words = ["default", "ask", "abort", "continue", "rollback"]
    words += ["goto"] * bool(targets) + ["propagate", "propagate"] * inside
    policy = draw(st.sampled_from(words))
    return {
        "on_failure": policy,
        "goto": draw(st.sampled_from(targets)) if policy == "goto" else "",
        "required": draw(st.booleans()),
        "idempotent": draw(st.booleans()),
    }


@st.composite
def fan_outs(draw: st.DrawFn) -> dict[str, object]:
    """How a step spreads over its hosts."""
    hosts = draw(host_sets)
    return {
        "hosts": hosts,
        "retries": draw(st.integers(0, 2)),
        "delay": draw(pauses),
        "max_errors": draw(st.integers(0, 1)),
        "concurrency": draw(st.integers(0, 2)),
        "waves": draw(st.sampled_from([(), (1,) * len(hosts)])),
        "confirm": draw(st.sampled_from(["none", "none", "key", "typed"])),
        "confirm_word": "db1",
    }


@st.composite
def containers(draw: st.DrawFn, step: str, targets: tuple[str, ...], depth: int) -> dict[str, object]:
    """A block, a nested runbook, a loop or a parallel, with what it holds."""
    action = draw(
        st.sampled_from(
            [
                BlockAction(),
                ParallelAction(),
                NestedAction(file="inner.yaml"),
                LoopAction(items=("x", "y")),
                LoopAction(source="{{ x }}", at_most=2),
            ]
        )
    )
    if isinstance(action, LoopAction):
        turns = draw(chains(f"{step}.", least=2, most=2, inside=True, targets=targets, depth=depth))
        if action.waits:
            turns = tuple(replace(turn, turns=(Turn(loop=step, number=at),)) for at, turn in enumerate(turns))
        return {"action": action, "steps": turns}
    if isinstance(action, ParallelAction):
        return {"action": action, "steps": draw(chains(f"{step}.", least=1, most=3, depth=depth, inside=True))}
    within = {"targets": targets, "depth": depth}
    return {
        "action": action,
        "steps": draw(chains(f"{step}.", least=1, most=2, inside=True, **within)),
        "rescue": draw(chains(f"{step}.rescue.", most=1, **within)),
        "always": draw(chains(f"{step}.always.", most=1, **within)),
    }
