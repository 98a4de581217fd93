"""Whole runs that several rooms look at: a failover that works after a retry, and small ones that go wrong."""

from __future__ import annotations

from runbook.core.events.event import (
    AlwaysStarted,
    CanarySampled,
    Checked,
    FailureResolved,
    MilestoneMarked,
    NoteAdded,
    ProbeSampled,
    RunnerStarted,
    SessionLost,
)
from runbook.core.milestone_name import Milestone
from runbook.core.outcome import Outcome
from runbook.core.planned.action import (
    ApproveAction,
    CommandAction,
    ConfirmAction,
    HttpAction,
    PreflightAction,
    WaitForAction,
)
from runbook.core.planned.plan import Environment, Objectives, Plan, PlannedCanary, PlannedParameter, PlannedProbe
from tests.builders import ANNA, BEN, Story, plan, section, step

PLAN_DIGEST = "d" * 64
"""Stands for the plan's own, so that golden texts live longer than the plan's fields."""


def failover_plan(**fields: object) -> Plan:
    """Preflight, an outage by a plain step, an approval, a promotion with an undo, and the proof."""
    preflight = step("0.1", PreflightAction(), name="Preflight", section="Preflight", hosts=("db1", "db2", "app1"))
    prepare = (
        step("1.1", name="Replication lag is small", section="Outage", register="lag", expected=2.0),
        step(
            "1.2",
            ConfirmAction(message="Kills the primary db1.\nWriters see errors.", type="db1"),
            name="Start the outage?",
            section="Outage",
        ),
        step(
            "1.3",
            CommandAction(shell="orders kill"),
            name="Kill the primary",
            section="Outage",
            changes=True,
            sets=Milestone.OUTAGE,
        ),
    )
    undo = step(
        "2.2.undo.1", CommandAction(shell="orders demote"), name="Demote again", section="Recover", hosts=("db2",)
    )
    recover = (
        step("2.1", ApproveAction(message="Fail over?", approvers=("dba-lead",)), name="Declare", section="Recover", sets=Milestone.DECLARED),
        step("2.2", CommandAction(shell="orders promote"), name="Promote the standby", section="Recover", hosts=("db2",), retries=1, changes=True, expected=5.0, sets=Milestone.RECOVERY_STARTED, undo=(undo,)),
        step("2.3", CommandAction(shell="orders repoint db2"), name="Repoint the application", section="Recover", hosts=("app1",), changes=True, expected=1.0),
        step("2.4", WaitForAction(probe="write-ok", timeout=900.0, hold=1.0), name="Healthy again", section="Recover", hosts=("controller",), sets=Milestone.SERVICE_RESTORED),
    )  # fmt: skip
    probe = PlannedProbe(name="write-ok", action=HttpAction(url="http://app1/health"), every=0.5)
    write, read = CommandAction(shell="orders put {seq}"), CommandAction(shell="orders last")
    canary = PlannedCanary(write=write, write_on="app1", read=read, read_on="app1", every=0.5)
    given = {
        "sections": (section("0", preflight), section("1", *prepare), section("2", *recover)),
        "objectives": Objectives(rto=60.0, rpo=30.0),
        "probes": (probe,),
        "canary": canary,
        "environment": Environment(name="lab", purpose="A place to practise", roles={"dba-lead": ("ben",)}),
        "parameters": (PlannedParameter(name="primary", value="db1"), PlannedParameter(name="password", secret=True, source="env:DB_PASSWORD")),
        "owner": "dba-oncall",
        "service": "orders",
        "references": ("BIA-12",),
        "source": "drills/failover/orders-failover.yaml",
        "source_sha256": "5" * 64,
        **fields,
    }  # fmt: skip
    return plan(**given)


def failover(**fields: object) -> Story:
    """The failover, in 40 seconds: the promotion needs a second try, and the service is back within its objective."""
    tale = Story(failover_plan(**fields), plan_digest=PLAN_DIGEST, files={"runbook.yaml": "5" * 64}).start()
    tale.add(*(Checked(host=host, check="reach", ok=True) for host in ("db1", "db2", "app1")))
    tale.ran("0.1", took=0.8)
    tale.sample("write-ok", True, True, True)
    for mark in (101, 102, 103):
        tale.add(CanarySampled(kind="write", mark=mark, ok=True, took=0.01)).wait(0.1)
    tale.ran("1.1", took=0.4)
    tale.ask("1.2", word="db1", message="Kills the primary db1.\nWriters see errors.").wait(4.0)
    tale.say("proceed", reason="agreed").end("1.2")
    tale.ran("1.3", took=0.2)
    tale.sample("write-ok", False, False, False)
    tale.add(CanarySampled(kind="write", mark=104, ok=False, took=0.02, detail="refused"))
    tale.add(MilestoneMarked(milestone=Milestone.DETECTED, source="operator", by=ANNA))
    tale.ask("2.1", "approve", message="Fail over?", choices=("approve", "reject")).wait(10.0)
    tale.say("approve", by=BEN).end("2.1", detail="approved by ben")
    promote(tale)
    tale.ran("2.3", took=1.4)
    tale.enter("2.4").attempt("2.4", "controller")
    tale.sample("write-ok", False, True, True, True, True)
    tale.add(CanarySampled(kind="read", mark=102, ok=True, took=0.02))
    tale.answer("2.4", "controller", good_since=tale.now - 1.5).end("2.4")
    return tale.add(NoteAdded(text="All quiet", by=ANNA)).finish()


def promote(tale: Story) -> None:
    """A first try that fails and a second that takes longer than planned."""
    tale.enter("2.2").attempt("2.2", "db2").wait(2.0)
    tale.answer("2.2", "db2", Outcome.FAILED, detail='exit code 3: "replication slot is active"')
    tale.attempt("2.2", "db2").wait(7.0).answer("2.2", "db2").end("2.2")


def stopped() -> Story:
    """A link lost in the middle of a command, put to a person, who ends the run."""
    tale = Story(
        plan(step("1.1", name="Drain"), step("1.2", name="Restart", hosts=("web1", "web2"))), plan_digest=PLAN_DIGEST
    ).start()
    tale.ran("1.1")
    tale.enter("1.2").attempt("1.2", "web1").attempt("1.2", "web2").wait(3.0)
    tale.add(SessionLost(host="web2", reason="connection reset"))
    tale.answer("1.2", "web1").answer("1.2", "web2", Outcome.IN_DOUBT, detail="the link went away after it was sent")
    tale.end("1.2", Outcome.IN_DOUBT, "1 of 2 hosts; web2: the link went away after it was sent")
    tale.ask("1.2", "failure", message="Restart: in doubt", choices=("accept", "retry", "abort")).wait(20.0)
    resolved = FailureResolved(step="1.2", choice="abort", by=ANNA, reason="looked by hand, it is down")
    return tale.add(resolved).finish("step 1.2 Restart: in doubt")


def resumed() -> Story:
    """A runner that was killed between two steps, and its successor."""
    tale = Story(plan(step("1.1"), step("1.2")), plan_digest=PLAN_DIGEST).start()
    tale.ran("1.1").wait(30.0)
    tale.add(RunnerStarted(pid=4712, resumed=True, by=BEN, torn_bytes=17))
    tale.add(ProbeSampled(probe="unknown", ok=True, took=0.1))
    return tale.ran("1.2").add(AlwaysStarted())
