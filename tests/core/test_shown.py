"""The text behind every digest that a gate confirms: whatever changes the effect changes the hash."""

from __future__ import annotations

import hashlib

import pytest

from runbook.core.host import Host
from runbook.core.planned.action import CommandAction
from runbook.core.planned.shown import Shown, Surroundings, as_planned, becomes, digest_of, read_back, texts_of
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
def test_another_command_environment_folder_or_user_is_another_text(other: Shown) -> None:
    assert other.text != PLAIN.text


def test_every_one_of_them_differs_from_every_other() -> None:
    around = [Surroundings(), Surroundings(env={"A": "x"}), Surroundings(cwd="x"), Surroundings(user="x")]
    assert len({Shown(action=WORK, around=each).text for each in around}) == len(around)


def test_what_is_shown_is_a_line_of_json_with_keys_in_order() -> None:
    around = Surroundings(env={"B": "2", "A": "1"}, cwd="/srv")
    assert Shown(action=WORK, around=around).text == (
        '{"action":{"kind":"command","shell":"work"},"around":{"env":{"A":"1","B":"2"},"cwd":"/srv"}}'
    )


def test_one_text_stands_for_all_hosts_that_are_sent_the_same() -> None:
    other = Shown(action=WORK, around=Surroundings(cwd="/srv"))
    assert texts_of({"db1": PLAIN, "db2": PLAIN}) == {"*": PLAIN.text}
    assert texts_of({"db1": PLAIN, "db2": other}) == {"db1": PLAIN.text, "db2": other.text}


def test_the_digest_of_a_step_is_that_of_a_list_as_sha256sum_prints_it() -> None:
    texts = texts_of({"db2": PLAIN, "db1": PLAIN})
    line = hashlib.sha256(PLAIN.text.encode()).hexdigest()
    assert digest_of(texts, ("db2", "db1")) == hashlib.sha256(f"{line}  db1\n{line}  db2\n".encode()).hexdigest()
    assert digest_of(texts, ()) == hashlib.sha256(f"{line}  *\n".encode()).hexdigest()


def test_the_hosts_belong_to_what_is_confirmed_and_their_order_does_not() -> None:
    other = Shown(action=WORK, around=Surroundings(cwd="/srv"))
    both = {"db1": PLAIN.text, "db2": other.text}
    assert digest_of(both, ("db1", "db2")) == digest_of(both, ("db2", "db1"))
    assert digest_of(both, ("db1", "db2")) not in {
        digest_of(both, ("db1",)),
        digest_of({"db1": other.text, "db2": PLAIN.text}, ("db1", "db2")),
        digest_of({"db1": PLAIN.text, "db3": other.text}, ("db1", "db3")),
    }


def test_a_text_that_only_a_newer_version_can_read_is_kept_and_not_read_back() -> None:
    newer = '{"action":{"kind":"teleport"},"around":{}}'
    assert read_back({"db1": PLAIN.text, "db2": newer}) == {"db1": PLAIN}


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
