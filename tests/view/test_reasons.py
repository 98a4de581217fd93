"""Why hosts could not be worked on: taken apart, compared without their names, and said once."""

from __future__ import annotations

from runbook.core.outcome import Outcome
from runbook.core.planned.action import PreflightAction
from runbook.problem import Problem, Where
from runbook.view.reasons import Reason, SharedReason, brief, reason, shared
from runbook.view.story.lines import narrate
from tests.builders import Story, plan, step
from tests.view.test_lines import told

CHECK = "Check that the SSH server runs and listens on this port."


def refused(host: str, address: str) -> str:
    what = f"{host} ({address}:22) refuses connections"
    return str(Problem(what=what, why="Connection refused", fix=CHECK, where=Where(f"host {host}")))


def test_a_problem_on_one_line_is_taken_apart_again() -> None:
    found = reason(refused("app1", "10.0.0.1"))
    assert found == Reason("app1 (10.0.0.1:22) refuses connections", "Connection refused", CHECK)
    assert found.lines() == ("app1 (10.0.0.1:22) refuses connections", "why: Connection refused", f"fix: {CHECK}")


def test_a_detail_of_another_shape_stays_whole() -> None:
    assert reason("exit code 3; stderr ends: no. Really: no") == Reason("exit code 3; stderr ends: no. Really: no")


def test_a_host_may_be_named_by_its_ipv6_address() -> None:
    detail = f"host 2001:db8::1: [2001:db8::1]:22 refuses connections: Connection refused. {CHECK}"
    assert reason(detail) == Reason("[2001:db8::1]:22 refuses connections", "Connection refused", CHECK)


def test_what_came_before_the_problem_is_kept() -> None:
    text = f"started, and cannot be asked about: {refused('app1', '10.0.0.1')}"
    assert reason(text).what == "started, and cannot be asked about: app1 (10.0.0.1:22) refuses connections"
    assert brief(f"step 0.1 Reach: 2 of 2 hosts; app1: {refused('app1', '10.0.0.1')}") == (
        "step 0.1 Reach: 2 of 2 hosts; app1: app1 (10.0.0.1:22) refuses connections"
    )


def test_hosts_with_the_same_reason_share_it_without_their_addresses() -> None:
    details = [(f"app{n}", refused(f"app{n}", f"10.0.0.{n}")) for n in (1, 2, 3)]
    assert shared([("db1", "exit code 3"), *details, ("app10", refused("app10", "10.0.0.10"))]) == (
        SharedReason(("db1",), Reason("exit code 3")),
        SharedReason(
            ("app1", "app2", "app3", "app10"),
            Reason("app[1-3,10] refuses connections", "Connection refused", CHECK),
        ),
    )


def test_a_host_whose_name_begins_anothers_is_not_taken_for_it() -> None:
    detail = "host app: app-1 answers for app. Look."
    assert shared([("app", detail), ("web", detail.replace("app-1", "web-1"))]) == (
        SharedReason(("app",), Reason("app-1 answers for app", "", "Look.")),
        SharedReason(("web",), reason("host web: web-1 answers for app. Look.")),
    )


def test_a_fleet_that_cannot_be_reached_is_told_in_a_few_lines() -> None:
    hosts = tuple(f"app{n}" for n in range(1, 41))
    tale = Story(plan(step("0.1", PreflightAction(), name="Reach every host", hosts=hosts))).start().enter("0.1")
    for host in hosts:
        tale.attempt("0.1", host)
    for host in hosts:
        tale.answer("0.1", host, Outcome.UNREACHABLE, detail=refused(host, f"10.0.0.{host[3:]}"))
    tale.wait(1.0).end("0.1", Outcome.UNREACHABLE, f"40 of 40 hosts; app1: {refused('app1', '10.0.0.1')}")
    assert [line.partition(" | ")[2] for line in told(tale)[-5:]] == [
        "UNRCH app1 (10.0.0.1:22) refuses connections",
        "UNRCH Reach every host in 0:01: 40 of 40 hosts",
        "      app[1-40]: app[1-40] refuses connections",
        "        why: Connection refused",
        f"        fix: {CHECK}",
    ]


def test_a_single_host_says_why_once() -> None:
    tale = Story(plan(step("1.1"))).start().enter("1.1").attempt("1.1", "db1")
    before = tale.run
    tale.answer("1.1", "db1", Outcome.UNREACHABLE, detail=refused("db1", "10.0.0.1"))
    assert narrate(before, tale.run, tale.entries[-1]) == ()
    tale.end("1.1", Outcome.UNREACHABLE, refused("db1", "10.0.0.1"))
    assert [line.partition(" ")[2] for line in told(tale)[-3:]] == [
        "db1  1.1  | UNRCH Step 1.1 in 0:00: db1 (10.0.0.1:22) refuses connections",
        "db1  1.1  |       why: Connection refused",
        f"db1  1.1  |       fix: {CHECK}",
    ]
