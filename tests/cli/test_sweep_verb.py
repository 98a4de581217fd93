"""What `runbook sweep` says and how it ends, of whatever hosts have answered (`real/faults/test_sweep_verb.py` asks real ones)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runbook.cli.verbs import sweep_verb
from runbook.core.host import Host
from runbook.workspace.sweeping import Left, Swept
from tests.cli.desk import Desk

STRAY = Left(host="localhost", user="", own="runbook-old-1", state="stray", present="table runbook-old-1")
LEASE = Left(host="localhost", user="root", own="runbook-old-2", state="injected", present="there", left=40)
HELD = Left(host="localhost", user="root", own="runbook-old-3", state="injected", present="there", is_held=True)
LIFTED = Left(host="localhost", user="root", own="runbook-old-4", state="reverted", present="absent")
UNKNOWN = Left(host="localhost", user="root", own="runbook-old-5", state="reverted", present="unknown")
TORN = Left(host="localhost", user="", own=".runbook-old-6.77", state="torn")


@pytest.fixture
def there(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Callable[..., set[tuple[str, str]]]:
    """Says what is on the host, and why not all of it was seen; gives what was then lifted."""
    lifted: set[tuple[str, str]] = set()

    def says(*left: Left, unseen: tuple[str, ...] = ()) -> set[tuple[str, str]]:
        async def sweep(hosts: list[Host], lift: frozenset[tuple[str, str]] = frozenset()) -> tuple[Swept, ...]:
            lifted.update(lift)
            stays = tuple(each for each in left if (each.host, each.own) not in lifted)
            return tuple(Swept(host=host.name, left=stays, unseen=unseen) for host in hosts)

        monkeypatch.setattr(sweep_verb, "sweep", sweep)
        return lifted

    return says


@pytest.mark.parametrize(
    ("left", "unseen", "status"),
    [
        ((), (), 0),
        ((LIFTED, TORN), (), 0),
        ((), ("no route",), 3),
        ((STRAY,), (), 4),
        ((LEASE,), (), 4),
        ((HELD,), (), 4),
        ((UNKNOWN,), (), 4),
        ((LEASE,), ("no route",), 4),
    ],
    ids=["nothing", "lifted and torn", "unseen", "stray", "live", "held", "unknown", "live and unseen"],
)
def test_the_status_says_whether_anything_may_be_live(
    desk: Desk,
    there: Callable[..., object],
    left: tuple[Left, ...],
    unseen: tuple[str, ...],
    status: int,
) -> None:
    there(*left, unseen=unseen)
    assert desk.ask("sweep", "-i", "here").status == status


def test_each_thing_is_a_row_that_says_when_it_lifts_itself(desk: Desk, there: Callable[..., object]) -> None:
    there(STRAY, LEASE, HELD)
    rows = [" ".join(line.split()) for line in desk.ask("sweep", "-i", "here").out.splitlines()]
    assert rows[-3:] == [
        "localhost login runbook-old-1 stray table runbook-old-1 -",
        "localhost root runbook-old-2 injected there in 40 s",
        "localhost root runbook-old-3 injected there held",
    ]


def test_what_may_be_live_stands_above_the_traces_of_what_was_lifted_and_is_counted(
    desk: Desk, there: Callable[..., object]
) -> None:
    there(LIFTED, TORN, LEASE)
    said = desk.ask("sweep", "-i", "here")
    assert [line.split()[2] for line in said.out.splitlines()[-3:]] == [LEASE.own, LIFTED.own, TORN.own]
    assert "1 of these may be live, and stands above.\n" in said.err


def test_traces_alone_are_called_no_danger(desk: Desk, there: Callable[..., object]) -> None:
    there(LIFTED, TORN)
    said = desk.ask("sweep", "-i", "here").err
    assert "None of these may be live.\n" in said
    assert "Nothing was lifted" not in said


def test_what_is_held_is_not_lifted_with_the_rest(desk: Desk, there: Callable[..., set[tuple[str, str]]]) -> None:
    lifted = there(LEASE, HELD)
    assert desk.ask("sweep", "-i", "here", "--yes").status == 4
    assert lifted == {("localhost", "runbook-old-2")}
    assert desk.ask("sweep", "-i", "here", "--yes", "--held").status == 0
    assert lifted == {("localhost", "runbook-old-2"), ("localhost", "runbook-old-3")}


def test_what_a_host_says_cannot_drive_the_terminal(desk: Desk, there: Callable[..., object]) -> None:
    there(
        Left(host="localhost", user="", own="runbook-\x1b[2J-1", state="stray", present="x"), unseen=("\x1b]0;x\x07",)
    )
    said = desk.ask("sweep", "-i", "here")
    assert "\x1b" not in said.out + said.err
