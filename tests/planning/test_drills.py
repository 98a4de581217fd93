"""Faults in a plan: who is hit, what is refused before anything happens, and what an author may waive with a reason."""

from __future__ import annotations

import msgspec
import pytest

from runbook.core.host import Host
from runbook.core.planned.action import PreflightAction
from runbook.core.planned.fault_action import ExpectedEffect, FaultAction, FaultAhead, RevertAction
from runbook.core.planned.plan import Plan, PlannedStep
from runbook.document.runbook_file import parse_runbook
from runbook.planning.compile import compile_plan
from runbook.problem import Exit, Problems
from runbook.view.describe import describe
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
        "door": Host(name="door", address="127.0.0.1"),
        "gate": Host(name="gate", address="203.0.113.9"),
        "lab1": Host(name="lab1", address="127.0.0.1", port=22201),
        "web1": Host(name="web1", jump="ops@bastion:22"),
        "web2": Host(name="web2", jump="ops@203.0.113.9"),
    }
    place = msgspec.structs.replace(inventory(), hosts=hosts, groups={"all": tuple(hosts)})
    steps = "\n".join(
        BREAK.replace("Gone", host).replace("web1", host) for host in ("here", "door", "bastion", "gate", "lab1")
    )
    with pytest.raises(Problems) as stopped:
        compile_plan(parse_runbook(text_of(steps, head=STEADY).encode(), "t.yaml"), place)
    assert [(each.code, each.what) for each in stopped.value.problems] == [
        ("runners-own-machine", 'step "here" would break the machine that this program runs on'),
        ("runners-own-machine", 'step "door" would break the machine that this program runs on'),
        ("jump-host", 'step "bastion" would break bastion, the way to other hosts'),
        ("jump-host", 'step "gate" would break gate, the way to other hosts'),
    ]


# --- what goes away ---------------------------------------------------------------------------------------------------

OFF = "- {name: Off, fault: {poweroff: {way_back: Ring the night desk}}, on: web1, duration: 5m}"


def test_what_takes_its_host_away_is_asked_about_with_its_way_back_also_where_nothing_else_is_asked() -> None:
    covered = f"- {{name: Sure?, confirm: Sure?, type: yes}}\n{OFF}"
    for steps in (OFF, covered):
        step = plan(steps, confirm="none").sections[1].steps[-1]
        assert (step.confirm, step.confirm_word) == ("typed", "t")
        assert "way_back=Ring the night desk" in describe(step.action)


def test_what_takes_its_host_away_without_a_way_back_is_refused_and_a_restart_may_be_waived() -> None:
    away = "- {name: Again, fault: {reboot: {}}, on: web1, duration: 5m}"
    what = 'step "Again" takes its host away, and nothing on it can bring it back'
    assert ("way-back", what) in refused(away)
    waived = compiled(away, head=f"{STEADY}safeguards: {{waived: {{way-back: it boots unattended}}}}\n")
    assert f"{what}; waived: it boots unattended" in [each.what for each in waived.warnings]
    assert ("bad-argument", 'poweroff needs "way_back"') in refused(OFF.replace("way_back: Ring the night desk", ""))


# --- peers ------------------------------------------------------------------------------------------------------------

CUT = "- {name: Cut, fault: {partition: {peers: [PEERS]}}, on: web1, duration: 5m}"


def cut_from(peers: str, **hosts: Host) -> PlannedStep:
    place = inventory()
    place = msgspec.structs.replace(place, hosts={**place.hosts, **hosts})
    steps = CUT.replace("PEERS", peers)
    head = f"{STEADY}parameters: {{standby: {{type: host, default: db2}}}}\n"
    made = compile_plan(parse_runbook(text_of(steps, head=head).encode(), "t.yaml"), place)
    return made.plan.sections[1].steps[0]


def test_peers_are_named_as_hosts_and_planned_as_addresses() -> None:
    hosts = {"db1": Host(name="db1", address="203.0.113.1"), "db2": Host(name="db2", address="fd00::2")}
    step = cut_from('db1, "{{ standby }}", 203.0.113.1', **hosts)
    assert (step.action.arguments, step.waits) == ({"peers": ["203.0.113.1", "fd00::2"]}, False)


def test_a_peer_that_is_reached_by_a_name_is_looked_up_and_shown_when_its_step_is_entered() -> None:
    step = cut_from("db1, 203.0.113.7", db1=Host(name="db1", address="db1.example"))
    assert (step.action.arguments, step.waits) == ({"peers": ["db1.example", "203.0.113.7"]}, True)


def test_a_peer_that_is_neither_an_address_nor_a_host_is_refused_with_the_likely_one() -> None:
    found = problems_of(CUT.replace("PEERS", "db11"), head=STEADY)
    assert [(each.code, each.what, each.fix) for each in found] == [
        ("unknown-peer", '"db11" is no address, and no host of the inventory', 'Did you mean "db1"?')
    ]


# --- the look ahead ---------------------------------------------------------------------------------------------------


def looks(made: Plan) -> dict[str, PreflightAction]:
    """What each host is asked before anything changes about what is to break it."""
    step = made.sections[0].steps[-1]
    return {host: step.action_on(host) for host in step.hosts}


def test_each_host_is_asked_about_what_will_break_it_before_anything_changes() -> None:
    steps = """\
- {name: Bring it, command: bring, on: web1, timeout: 5s}
- {name: Gone, fault: {process-kill: {unit: nginx.service}}, on: "web1,web2", duration: 5m, become: true}
- {name: Maybe, fault: {cpu: {}}, on: web2, duration: 5m, when: "1 == 2"}
"""
    kill = FaultAction(fault="process-kill", arguments={"unit": "nginx.service"}, duration=300.0)
    cpu = FaultAction(fault="cpu", arguments={}, duration=300.0)
    made = plan(steps)
    assert looks(made) == {
        "web1": PreflightAction(faults=(FaultAhead(step="1.2", action=kill, user="root", is_prepared=True),)),
        "web2": PreflightAction(
            faults=(
                FaultAhead(step="1.2", action=kill, user="root"),
                FaultAhead(step="1.3", action=cpu, may_not_come=True),
            )
        ),
    }
    assert made.sections[0].steps[-1].name == "Hosts can carry what breaks them"


def test_the_same_fault_in_several_waves_is_asked_about_once() -> None:
    steps = f"{BREAK}\n{BREAK}"
    assert [each.step for each in looks(plan(steps))["web1"].faults] == ["1.1"]


@pytest.mark.parametrize(
    ("kind", "step", "refuses"),
    [
        ("drill", BREAK, True),
        ("failover", BREAK, True),
        ("operation", "- {command: change, on: web1, timeout: 5s}", True),
        ("failover", "- {command: change, on: web1, timeout: 5s}", False),
        ("rollback", "- {command: change, on: web1, timeout: 5s}", False),
        ("operation", "- {command: look, on: web1, timeout: 5s, durable: false}", False),
    ],
)
def test_what_another_run_has_broken_refuses_what_would_change_or_break_it_and_not_what_repairs_it(
    kind: str, step: str, refuses: bool
) -> None:
    first = plan(step, kind=kind).sections[0].steps[0]
    assert first.action_on("web1").refuses_broken is refuses
