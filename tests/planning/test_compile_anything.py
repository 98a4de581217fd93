"""Whatever the reader lets through, the compiler makes a plan of it or says what is wrong."""

from __future__ import annotations

import msgspec
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runbook.core.planned.plan import Plan
from runbook.document.runbook_file import parse_runbook
from runbook.planning.compile import compile_plan
from runbook.planning.draft import CompileOptions, Given
from runbook.planning.lint import lint
from runbook.planning.policy import gates_a_machine_may_not_answer
from runbook.problem import Problems
from tests.planning.compiling import HEAD, inventory
from tests.planning.test_lint import TODAY

TEXT = st.sampled_from(
    [
        "x",
        "{{ p }}",
        "{{ host.rack }}",
        "{{ r.stdout }}",
        "{{ pw }}",
        "{{ nope }}",
        "{{",
        "{{ p | raw }} '{{ p }}'",
        "{{ 1 / 0 }}",
    ]
)
TARGET = st.sampled_from(
    ["web", "db1", "all:!web", "controller", "{{ p }}", "nobody", "nodes:web[1-9]", "{{ r }}", "web[", "!"]
)
EXPRESSION = st.sampled_from(["p == 'db1'", "r.rc == 0", "host.rack", "nope", "a b", "pw", "result.rc"])
KEYS = st.fixed_dictionaries(
    {},
    optional={
        "name": TEXT,
        "on": TARGET,
        "when": EXPRESSION,
        "register": st.sampled_from(["r", "s", "p"]),
        "env": st.dictionaries(st.just("A"), TEXT),
        "on_failure": st.sampled_from(["ask", "goto: 1.1", "goto: x", "continue"]),
        "batch": st.sampled_from(["1", "25%", ["1", "100%"]]),
        "max_errors": st.sampled_from(["0", "50%"]),
        "run_once": st.booleans(),
        "become": st.booleans(),
        "changes": st.booleans(),
        "durable": st.booleans(),
    },
)
WORK = st.one_of(
    st.builds(lambda text: {"command": text}, TEXT),
    st.builds(lambda text: {"command": [text, text]}, TEXT),
    st.builds(lambda text: {"script": text}, TEXT),
    st.builds(lambda text: {"http": text}, TEXT),
    st.builds(lambda text: {"upload": {"src": text, "dest": text}}, TEXT),
    st.builds(lambda text: {"confirm": text}, TEXT),
    st.builds(lambda text: {"choose": {"prompt": text, "options": [{"label": "a", "goto": "x"}]}}, TEXT),
    st.builds(lambda text: {"assert": text}, EXPRESSION),
    st.builds(lambda text: {"wait_for": {"command": text}}, TEXT),
    st.builds(lambda text: {"probe": {"command": text}}, TEXT),
    st.sampled_from([{"probe": "ok"}, {"probe": "gone"}, {"notice": "n"}, {"wait": "3s"}, {"runbook": "none.yaml"}]),
)
SIMPLE = st.builds(lambda work, keys: {**keys, **work}, WORK, KEYS)
STEP = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        st.builds(lambda steps, keys: {**keys, "parallel": steps}, st.lists(inner, max_size=2), KEYS),
        st.builds(
            lambda a, b: {"block": {"steps": a, "rescue": b}}, st.lists(inner, max_size=2), st.lists(inner, max_size=1)
        ),
        st.builds(lambda step, undo: {**step, "rollback": undo}, inner, inner),
    ),
    max_leaves=4,
)
SECTION = st.builds(
    lambda steps, keys: {"name": "A", "steps": steps, **keys},
    st.lists(STEP, max_size=4),
    st.fixed_dictionaries(
        {}, optional={"on": TARGET, "batch": st.sampled_from(["1", "50%"]), "success": st.just(["ok"])}
    ),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(SECTION, min_size=1, max_size=2),
    st.sampled_from(["", "web", "db1", "nobody"]),
    st.booleans(),
    st.sampled_from(["none", "key", "typed"]),
)
def test_any_runbook_has_a_plan_or_problems(sections: list[object], limit: str, step_mode: bool, confirm: str) -> None:
    head = yaml.safe_load(HEAD) | {
        "reviewed": "2026-11-01",
        "parameters": {"p": {"default": "db1"}, "pw": {"type": "secret"}},
        "steady_state": [{"name": "ok", "http": "http://x"}],
        "sections": sections,
    }
    options = CompileOptions(limit=limit, step_mode=step_mode)
    try:
        runbook = parse_runbook(yaml.safe_dump(head).encode(), "t.yaml")
        lint(runbook, today=TODAY)
        plan = compile_plan(
            runbook, inventory(confirm=confirm), given={"p": Given("web1", "form")}, options=options
        ).plan
    except Problems as caught:
        assert all(each.code and each.what for each in caught.problems)  # noqa: PT017 - either end is right
        return
    ids = [step.id for step in plan.walk()]
    assert len(ids) == len(set(ids))
    assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan
    gates_a_machine_may_not_answer(plan)
