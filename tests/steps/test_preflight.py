"""Preflight: every check is reported, every failed one is named, nothing is changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runbook.core.host import Host
from runbook.core.outcome import Grade, Outcome
from runbook.core.planned.action import PreflightAction
from runbook.core.planned.command import Become, Command
from runbook.faults.ground import PROBE
from runbook.steps.kind import Finding
from runbook.steps.preflight import PreflightKind
from runbook.transport.scripted import LosesLink, Reply, Says, ScriptedConnector, ScriptedSession, Vanishes, unreachable
from runbook.transport.session import HostFacts, Job, Session
from tests.steps.desk import Desk, local


def saying(*lines: str) -> Callable[[Host, Command], Reply]:
    return lambda host, command: Says("".join(f"{line}\n" for line in lines).encode())


def at_desk(*lines: str, sudo: Reply | None = None) -> Desk:
    looked = saying(*lines)
    become = sudo or Says()
    return Desk(connector=ScriptedConnector(lambda host, command: become if command.become else looked(host, command)))


OPENED = [
    ("reach", True, "db1:22"),
    ("login", True, "scripted"),
    ("clock", True, "0.000 s behind ours, give or take 0.000 s"),
]


async def test_a_host_that_has_everything_passes_with_every_check_reported():
    desk = at_desk("space 2097152 /root", "tool /usr/bin/jq")
    finding = await PreflightKind().attempt(PreflightAction(become=True, tools=("jq",)), desk.bench())
    assert finding == Finding(outcome=Outcome.SUCCEEDED)
    assert desk.checks == [
        *OPENED,
        ("space", True, "2048 MiB free at /root"),
        ("tool jq", True, "/usr/bin/jq"),
        ("sudo", True, "becomes root"),
    ]
    assert (desk.page.out, desk.page.err) == (b"", b"")  # What was answered is a check, and no output of the runbook's.


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"grade": Grade.UNIT}, "unit: systemd runs steps with a timeout of 10 minutes or more, or durable: unit"),
        ({"grade": Grade.UNIT, "ends_with_login": True}, "unit: systemd runs every step, because logind ends what a login leaves"),
        ({"grade": Grade.SESSION}, "session: a step outlives its link and its runner"),
        (
            {"grade": Grade.SESSION, "ends_with_login": True},
            "session: a step outlives its link and its runner until logind ends its login; to prevent that: loginctl enable-linger ann",
        ),
        ({"grade": Grade.ATTACHED}, "attached: there is no room for a step's files, so one whose link is lost is in doubt"),
    ],
)  # fmt: skip
async def test_the_best_grade_of_a_durable_step_is_told_with_what_would_better_it(facts, said):
    desk = at_desk("space 2097152 /root")
    bench = desk.bench()
    opening = bench.open_session

    async def open_session(look: Command | None = None) -> Session:
        session = await opening(look)
        return Known(session, HostFacts(address="db1:22", user="ann", **facts))

    object.__setattr__(bench, "open_session", open_session)
    await PreflightKind().attempt(PreflightAction(), bench)
    assert ("durable", True, said) in desk.checks


class Known:
    """A session whose host has said more of itself."""

    def __init__(self, session: Session, facts: HostFacts) -> None:
        self._session, self.facts = session, facts

    def __getattr__(self, name: str) -> object:
        return getattr(self._session, name)


async def test_what_the_host_is_asked_may_leave_with_its_opening():
    desk, looks = at_desk("space 2097152 /root", "tool /usr/bin/jq"), []
    bench = desk.bench()
    opening = bench.open_session

    async def open_session(look: Command | None = None) -> Session:
        looks.append(look)
        return await opening(look)

    object.__setattr__(bench, "open_session", open_session)
    await PreflightKind().attempt(PreflightAction(tools=("jq",)), bench)
    assert [look.shell for look in looks] == [sent.text for sent in desk.connector.sent]


async def test_every_failed_check_is_named():
    desk = at_desk("space 1024 /", "tool ", "tool /bin/sh", "tool ", sudo=Vanishes(reason="cannot become orders: no"))
    action = PreflightAction(become=True, tools=("jq", "sh", "psql"))
    finding = await PreflightKind().attempt(action, desk.bench(become=Become(user="orders")))
    assert finding == Finding(
        outcome=Outcome.FAILED,
        detail=(
            "space: 1 MiB free at /, needed are 16; "
            "tool jq: jq is not in the PATH; "
            "tool psql: psql is not in the PATH; "
            "sudo: cannot become orders: no"
        ),
    )
    assert [name for name, ok, _ in desk.checks if not ok] == ["space", "tool jq", "tool psql", "sudo"]


async def test_everybody_is_become_whom_steps_become():
    desk = at_desk("space 2097152 /root")
    await PreflightKind().attempt(PreflightAction(become=True, users=("orders", "root")), desk.bench())
    assert desk.checks[-2:] == [("sudo", True, "becomes orders"), ("sudo", True, "becomes root")]


async def test_a_check_without_an_answer_has_not_passed():
    desk = at_desk("nonsense", sudo=Says(code=7))
    finding = await PreflightKind().attempt(PreflightAction(become=True, tools=("jq",)), desk.bench())
    assert finding.detail == (
        "space: free space could not be measured; tool jq: jq is not in the PATH; "
        "sudo: a shell of root could not look: exit code 7"
    )


@pytest.mark.parametrize(
    ("code", "checks"),
    [
        ("refused", [("reach", False)]),
        ("dns", [("reach", False)]),
        ("host-key-changed", [("reach", True), ("host key", False)]),
        ("auth", [("reach", True), ("host key", True), ("login", False)]),
    ],
)
async def test_a_host_that_cannot_be_opened_is_unreachable_at_the_check_that_failed(code, checks):
    desk = Desk(connector=ScriptedConnector({}, unreachable={"db1": unreachable("db1", code)}))
    words = "host db1: db1 cannot be reached: scripted. Change the script."
    finding = await PreflightKind().attempt(PreflightAction(), desk.bench())
    assert finding == Finding(outcome=Outcome.UNREACHABLE, detail=words)
    assert [(name, ok) for name, ok, _ in desk.checks] == checks
    assert desk.checks[-1][2] == words


async def test_a_link_that_goes_while_looking_is_in_doubt():
    desk = Desk(connector=ScriptedConnector(lambda host, command: LosesLink()))
    assert (await PreflightKind().attempt(PreflightAction(), desk.bench())).outcome is Outcome.IN_DOUBT


@pytest.mark.parametrize(
    ("offset", "error", "detail"),
    [
        (0.4, 0.01, "0.400 s ahead of ours, give or take 0.010 s"),
        (-90.0, 0.01, "90.000 s behind ours, give or take 0.010 s; its logs will not line up with the others'"),
        (2.4, 0.5, "2.400 s ahead of ours, give or take 0.500 s"),
        (0.0, float("inf"), "not known: its date says no seconds"),
    ],
)
async def test_a_clock_is_remarked_on_and_fails_nothing(monkeypatch, offset, error, detail):
    facts = HostFacts(address="db1:22", clock_offset=offset, clock_error=error, host_key="SHA256:x")
    monkeypatch.setattr(ScriptedSession, "facts", property(lambda session: facts))
    desk = at_desk("space 99999999 /")
    assert (await PreflightKind().attempt(PreflightAction(), desk.bench())).outcome is Outcome.SUCCEEDED
    assert desk.checks[1] == ("host key", True, "SHA256:x")
    assert desk.checks[3] == ("clock", True, detail)


async def test_one_command_asks_everything():
    desk = at_desk("space 99999999 /")
    await PreflightKind().attempt(PreflightAction(tools=("jq", "psql")), desk.bench())
    assert len(desk.connector.sent) == 1


async def test_the_questions_are_understood_by_a_real_shell(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "not" / "there yet"))
    desk = local()
    action = PreflightAction(tools=("sh", "no such 'tool'"), free_mib=0)
    finding = await PreflightKind().attempt(action, desk.bench())
    assert finding == Finding(outcome=Outcome.FAILED, detail="tool no such 'tool': no such 'tool' is not in the PATH")
    space, tool = (check for check in desk.checks if check[0] in {"space", "tool sh"})
    # Opening a session has made the folder for jobs, so the space is asked for where they will be.
    assert space[2].endswith(f"MiB free at {tmp_path}/not/there yet")
    assert tool[1] is True
    assert tool[2].endswith("/sh")


LEASE = "lease /run/runbook/runbook-20261127T215929Z-shop-e6ca-2-1-web1-1/terms"
GROUND = "uid 0\nboot b\ndirectory /run/runbook\nssh 198.51.100.1 40000 198.51.100.2 22\nend\n"
LIVE = """\
about runbook-20261127T215929Z-shop-e6ca-2-1-web1-1 75 partition 198.51.100.2:22 20261127T215929Z-shop-e6ca
lease runbook-20261127T215929Z-shop-e6ca-2-1-web1-1 injected - 4711 lease 25 there
end
"""


def broken_host(left: str = LIVE) -> Desk:
    def answers(_host: Host, command: Command) -> Reply:
        if command.shell == PROBE:
            return Says(GROUND.encode())
        return Says(left.encode() if "rs_leases" in command.shell else f"space 2097152 /root\n{LEASE}\n".encode())

    return Desk(connector=ScriptedConnector(answers))


@pytest.mark.parametrize("refuses", [True, False])
async def test_what_another_run_has_broken_is_told_with_how_to_lift_it_and_refused_where_something_would_change(
    refuses,
):
    desk = broken_host()
    finding = await PreflightKind().attempt(PreflightAction(refuses_broken=refuses), desk.bench())
    said = (
        "partition of run 20261127T215929Z-shop-e6ca is injected there since 1:15. "
        'Lift it with "runbook tell 20261127T215929Z-shop-e6ca lift" where that run is, '
        'or with "runbook sweep db1" from anywhere.'
    )
    assert desk.checks[-1] == ("other runs", not refuses, said)
    assert finding.outcome is (Outcome.FAILED if refuses else Outcome.SUCCEEDED)


async def test_what_is_lifted_and_what_is_the_run_s_own_are_in_nobody_s_way():
    for left, job in (
        (LIVE.replace("injected - 4711 lease 25 there", "reverted runner 4711 lease 25 absent"), "run"),
        (LIVE, "20261127T215929Z-shop-e6ca"),
    ):
        desk = broken_host(left)
        bench = desk.bench(job=Job(id=f"{job}/0.1/db1/1"))
        assert await PreflightKind().attempt(PreflightAction(refuses_broken=True), bench) == Finding(
            outcome=Outcome.SUCCEEDED
        )


async def test_a_host_that_does_not_say_all_of_what_it_carries_has_not_passed():
    finding = await PreflightKind().attempt(PreflightAction(refuses_broken=True), broken_host(LIVE[:-4]).bench())
    assert finding.detail == "other runs: db1 did not say which faults it carries: its answer has no end."


async def test_what_only_root_could_see_is_not_taken_for_nothing():
    for action, told in ((PreflightAction(), True), (PreflightAction(become=True), False)):
        desk = at_desk("space 2097152 /root", "closed /run/runbook")
        assert await PreflightKind().attempt(action, desk.bench()) == Finding(outcome=Outcome.SUCCEEDED)
        said = "root has leases there, and this run becomes nobody who could look at them; runbook sweep can"
        assert (("other runs", True, said) in desk.checks) is told
