"""Names as they are typed at night: a part is enough where it means one thing, and nobody guesses where it means more."""

from __future__ import annotations

import shutil

import pytest

from tests.cli.desk import HOSTS, Desk, Said, book

RUNS = tuple(f"20261123T04120{second}Z-orders-restart-{end}" for second, end in enumerate(("00a1", "f540", "9bc2")))


@pytest.fixture
def shelf(desk: Desk) -> Desk:
    """Three runs of one runbook, three runbooks, three inventories."""
    for run in RUNS:
        desk.record(run)
    for name in ("orders-failover", "orders-restore"):
        desk.write(f"drills/{name}.yaml", book(name=name))
    for name in ("site-a", "site-b"):
        desk.write(f"inventories/{name}/hosts.yaml", HOSTS)
    return desk


@pytest.mark.parametrize("text", ["f540", "F540", "restart-f5", "041201Z"])
def test_a_part_that_stands_in_one_id_alone_means_that_run(shelf: Desk, text: str) -> None:
    assert shelf.ask("verify", text, "--json").out == shelf.ask("verify", RUNS[1], "--json").out


def test_an_id_that_means_three_runs_names_them_and_the_next_command_in_full(shelf: Desk) -> None:
    assert shelf.ask("halt", "restart", "-m", "wrong day") == Said(
        2,
        "",
        'run restart: error: "restart" may be any of 3 runs\n'
        f"  why: it stands in their ids: {RUNS[2]}, {RUNS[1]}, {RUNS[0]}\n"
        "  fix: Write one of them, such as: runbook halt 9bc2 -m 'wrong day'\n",
    )


def test_an_end_that_two_ids_share_is_not_what_is_advised(shelf: Desk) -> None:
    shutil.copytree(shelf.root / "recordings" / RUNS[2], shelf.root / "recordings" / f"{RUNS[2]}-9bc2")
    assert f"such as: runbook verify {RUNS[2]}-9bc2\n" in shelf.ask("verify", "restart").err


@pytest.mark.parametrize(
    ("words", "same"),
    [
        (("plan", "failo"), ("plan", "orders-failover")),
        (("plan", "look", "-i", "te-a"), ("plan", "look", "-i", "site-a")),
    ],
    ids=["a runbook", "an inventory"],
)
def test_a_part_of_a_name_is_enough(shelf: Desk, words: tuple[str, ...], same: tuple[str, ...]) -> None:
    said = shelf.ask(*words)
    assert (said.status, said) == (0, shelf.ask(*same))


def test_a_part_of_two_runbooks_is_none_of_them(shelf: Desk) -> None:
    assert shelf.ask("run", "orders", "--auto") == Said(
        2,
        "",
        'orders: error: "orders" may be any of 2 runbooks\n'
        "  why: a runbook or its file is called so: drills/orders-failover.yaml, drills/orders-restore.yaml\n"
        "  fix: Write one of them, such as: runbook run drills/orders-failover.yaml --auto\n",
    )


def test_a_part_of_two_inventories_is_none_of_them(shelf: Desk) -> None:
    assert shelf.ask("plan", "look", "-i", "site") == Said(
        2,
        "",
        'site: error: "site" may be any of 2 inventories\n'
        "  why: it stands in their names: site-a, site-b\n"
        "  fix: Write one of them, such as: runbook plan look -i site-a\n",
    )


@pytest.mark.parametrize(
    ("words", "status"), [(("verify", "0"), 4), (("plan", "k"), 2), (("plan", "look", "-i", "h"), 2)]
)
def test_one_letter_alone_is_no_part_of_a_name(shelf: Desk, words: tuple[str, ...], status: int) -> None:
    said = shelf.ask(*words)
    assert (said.status, "may be any" in said.err) == (status, False)


def test_a_name_of_its_own_comes_before_a_part_of_another(desk: Desk) -> None:
    desk.write("drills/look-again.yaml", book(name="look-again"))
    assert "look-again" not in desk.ask("plan", "look", "--json").out
