"""The value behind every digest that a gate confirms: whatever changes the effect changes the hash."""

from __future__ import annotations

import pytest

from runbook.core.action import CommandAction
from runbook.core.host import Host
from runbook.core.shown import Shown, Surroundings, as_planned, becomes, digest_of
from tests.builders import Story, plan, step

WORK = CommandAction(shell="work")
PLAIN = Shown(action=WORK, around=Surroundings())


@pytest.mark.parametrize(
    "other",
    [
        Shown(action=CommandAction(shell="work "), around=Surroundings()),
        Shown(action=CommandAction(argv=("work",)), around=Surroundings()),
        Shown(action=WORK, around=Surroundings(env={"REGION": "eu"})),
        Shown(action=WORK, around=Surroundings(env={"REGION": "us"})),
        Shown(action=WORK, around=Surroundings(cwd="/srv")),
        Shown(action=WORK, around=Surroundings(user="/srv")),
    ],
)
def test_another_command_environment_folder_or_user_is_another_digest(other: Shown) -> None:
    assert other.digest != PLAIN.digest


def test_every_one_of_them_differs_from_every_other() -> None:
    around = [Surroundings(), Surroundings(env={"A": "x"}), Surroundings(cwd="x"), Surroundings(user="x")]
    assert len({Shown(action=WORK, around=each).digest for each in around}) == len(around)


def test_the_hosts_belong_to_what_is_confirmed_and_their_order_does_not() -> None:
    other = Shown(action=WORK, around=Surroundings(cwd="/srv"))
    both = digest_of({"db1": PLAIN, "db2": other})
    assert both == digest_of({"db2": other, "db1": PLAIN})
    assert both not in {
        digest_of({"db1": PLAIN}),
        digest_of({"db1": other, "db2": PLAIN}),
        digest_of({"db1": PLAIN, "db3": other}),
    }


def test_the_order_in_which_variables_are_written_changes_nothing() -> None:
    one, other = Surroundings(env={"A": "1", "B": "2"}), Surroundings(env={"B": "2", "A": "1"})
    assert Shown(action=WORK, around=one).digest == Shown(action=WORK, around=other).digest


@pytest.mark.parametrize(
    ("fields", "inventory", "user"),
    [
        ({}, "", ""),
        ({}, "postgres", ""),
        ({"become": True}, "", "root"),
        ({"become": True}, "postgres", "postgres"),
        ({"become": True, "become_user": "deploy"}, "postgres", "deploy"),
        ({"become_user": "deploy"}, "", ""),
    ],
)
def test_a_step_becomes_who_it_says_else_who_the_inventory_says_else_root(
    fields: dict[str, object], inventory: str, user: str
) -> None:
    assert becomes(step("1.1", **fields), Host(name="db1", become_user=inventory)) == user


def test_a_step_that_waits_for_nothing_is_shown_as_planned() -> None:
    planned = step("1.1", WORK, env={"REGION": "eu"}, cwd="/srv", become=True)
    run = Story(plan(planned, hosts=(Host(name="db1", become_user="postgres"),))).run
    around = Surroundings(env={"REGION": "eu"}, cwd="/srv", user="postgres")
    assert run.shown_on(run.steps["1.1"], "db1") == Shown(action=WORK, around=around)
    assert as_planned(planned, None).user == "root"
