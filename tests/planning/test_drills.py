"""Faults in a plan: who is hit, what is refused before anything happens, and what an author may waive with a reason."""

from __future__ import annotations

import msgspec
import pytest

from runbook.core.fault_action import ExpectedEffect, FaultAction, RevertAction
from runbook.core.host import Host
from runbook.document.runbook_file import parse_runbook
from runbook.planning.compile import compile_plan
from runbook.problem import Exit, Problems
from tests.planning.compiling import compiled, inventory, text_of
from tests.planning.compiling import refused as problems_of

STEADY = """\
steady_state:
  - {name: up, http: "http://web1/", every: 1s}
"""
BREAK = "- {name: Gone, fault: {process-kill: {unit: nginx.service}}, on: web1, duration: 5m}"


def plan(steps: str, *, head: str = STEADY, **more: object):
    return compiled(steps, head=head, **more).plan


def refused(steps: str, *, head: str = STEADY, **more: object) -> list[tuple[str, str]]:
    return [(each.code, each.what) for each in problems_of(steps, head=head, **more)]


def test_a_fault_is_planned_with_its_times_its_effect_and_what_the_host_does_alone() -> None:
    step = (
        plan(
            """
        - name: Gone
          fault: {process-kill: {unit: nginx.service, held_down: true}}
          on: web1
          duration: 5m
          lease: 30s
          on_link_loss: hold
          expect_effect: {probe: up, fails_within: 10s}
          sets: outage
        """
        )
        .sections[1]
        .steps[0]
    )
    assert step.action == FaultAction(
        fault="process-kill",
        arguments={"unit": "nginx.service", "held_down": True},
        duration=300.0,
        lease=30.0,
        on_link_loss="hold",
        expect_effect=ExpectedEffect(probe="up", fails_within=10.0),
    )
    assert (step.hosts, step.changes, step.sets) == (("web1",), True, "outage")


def test_victims_are_drawn_by_the_seed_and_by_nothing_else() -> None:
    def drawn(seed: int) -> tuple[str, ...]:
        select = f"{{count: 2, seed: {seed}}}"
        steps = f"- {{name: Gone, fault: {{process-kill: {{unit: a}}}}, on: web, duration: 5m, select: {select}}}"
        return plan(steps).sections[1].steps[0].hosts

    assert drawn(7) == drawn(7) == ("web2", "web3")
    assert len({drawn(seed) for seed in range(20)}) > 3


def test_a_step_reverts_by_name_or_everything_and_holds_what_it_names() -> None:
    found = (
        plan(
            f"""
        {BREAK}
        - {{name: Promote, command: promote, on: db1, then_lease: {{Gone: hold}}}}
        - revert: Gone
        - revert: all
        """
        )
        .sections[1]
        .steps
    )
    assert [step.action for step in found[2:]] == [RevertAction(faults=("1.1",)), RevertAction()]
    assert found[1].then_lease == {"1.1": "hold"}


@pytest.mark.parametrize(
    ("steps", "head", "code", "what"),
    [
        (BREAK, "", "no-steady-state", "a fault without a steady state proves nothing"),
        (BREAK.replace(", duration: 5m", ""), STEADY, "missing-key", 'key "duration" is missing'),
        (
            BREAK.replace("5m", "20s"),
            STEADY,
            "bad-lease",
            "a lease of 60 s is longer than the fault's 20 s",
        ),
        (
            BREAK.replace("5m", "5m, lease: 1s"),
            STEADY,
            "bad-lease",
            "a lease of 1 s ends before a host can be reached",
        ),
        (BREAK.replace("process-kill", "proces-kill"), STEADY, "unknown-fault", 'there is no fault "proces-kill"'),
        (BREAK.replace("unit:", "unitt:"), STEADY, "unknown-key", 'process-kill knows no "unitt"'),
        (
            BREAK.replace("5m", "5m, expect_effect: {probe: nothing}"),
            STEADY,
            "unknown-probe",
            'no probe "nothing" is asked all the time',
        ),
        (
            BREAK.replace("on: web1", "on: web").replace("5m", "5m, select: {percent: 20}"),
            STEADY,
            "no-victim",
            "20% of 4 hosts is no host",
        ),
        ("- revert: Gone", STEADY, "unknown-fault", 'no step "Gone" breaks anything'),
        (
            BREAK,
            STEADY + "safeguards: {max_percent: 10}\n",
            "max-percent",
            "max_percent 10 of 7 hosts is no host",
        ),
    ],
)
def test_what_cannot_be_a_drill_is_refused_with_the_reason(steps: str, head: str, code: str, what: str) -> None:
    assert (code, what) in refused(steps, head=head)


@pytest.mark.parametrize(
    ("guards", "code", "what"),
    [
        ("{max_hosts: 1}", "max-hosts", "2 hosts would be broken, and max_hosts is 1"),
        (
            "{max_percent: 20}",
            "max-percent",
            "2 of the inventory's 7 hosts would be broken, and max_percent 20 is 1",
        ),
        ("{protected: [web2]}", "protected-host", 'step "Gone" would change protected host web2'),
        ("{environments: [lab]}", "wrong-environment", "t may run in lab, and this is test"),
    ],
)
def test_a_safeguard_counts_all_faults_of_the_run_together_and_refuses_as_policy(guards, code, what) -> None:
    steps = f"{BREAK}\n- {{name: Gone, fault: {{process-kill: {{unit: a}}}}, on: web2, duration: 5m}}"
    with pytest.raises(Problems) as stopped:
        compiled(steps, head=f"{STEADY}safeguards: {guards}\n")
    assert (code, what) in [(each.code, each.what) for each in stopped.value.problems]
    assert stopped.value.exit is Exit.REFUSED


def test_a_safeguard_is_waived_by_its_name_and_with_a_reason_that_is_shown() -> None:
    made = compiled(BREAK, head=f"{STEADY}safeguards: {{max_hosts: 0, waived: {{max-hosts: agreed in CHG-7}}}}\n")
    assert "1 host would be broken, and max_hosts is 0; waived: agreed in CHG-7" in [w.what for w in made.warnings]


def test_nothing_is_broken_where_this_program_runs_nor_on_the_way_to_other_hosts() -> None:
    hosts = {
        "here": Host(name="here", connection="local"),
        "bastion": Host(name="bastion"),
        "web1": Host(name="web1", jump="ops@bastion:22"),
    }
    place = msgspec.structs.replace(inventory(), hosts=hosts, groups={"all": tuple(hosts)})
    steps = "\n".join(BREAK.replace("Gone", host).replace("web1", host) for host in ("here", "bastion"))
    with pytest.raises(Problems) as stopped:
        compile_plan(parse_runbook(text_of(steps, head=STEADY).encode(), "t.yaml"), place)
    assert [(each.code, each.what) for each in stopped.value.problems] == [
        ("runners-own-machine", 'step "here" would break the machine that this program runs on'),
        ("jump-host", 'step "bastion" would break bastion, the way to other hosts'),
    ]
