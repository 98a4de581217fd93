"""What holds around a command stands below it wherever somebody is asked about it."""

from __future__ import annotations

import pytest

from runbook.core.events.event import StepEntered
from runbook.core.host import Host
from runbook.core.planned.action import CommandAction
from runbook.core.planned.shown import Surroundings
from runbook.view.surroundings import around_line, shown_texts
from tests.builders import Story, plan, step


@pytest.mark.parametrize(
    ("around", "line"),
    [
        (Surroundings(), ""),
        (Surroundings(user="postgres"), "as postgres"),
        (Surroundings(cwd="/srv", env={"B": "2", "A": "********"}), "in /srv, with A=********, B=2"),
        (Surroundings(cwd="/srv\x1b[2J"), "in /srv"),
    ],
)
def test_surroundings_read_as_a_line_without_anything_that_drives_a_terminal(around: Surroundings, line: str) -> None:
    assert around_line(around) == line


def test_hosts_with_other_surroundings_stand_apart() -> None:
    hosts = (Host(name="db1", become_user="postgres"), Host(name="db2", become_user="postgres"), Host(name="db3"))
    names = ("db1", "db2", "db3")
    work = step("1.1", CommandAction(shell="reload"), hosts=names, become=True)
    story = Story(plan(work, hosts=hosts)).start(*names).add(StepEntered(step="1.1", hosts=names))
    shown = [(text.folded, text.lines) for text in shown_texts(story.run, story.run.steps["1.1"])]
    assert shown == [("db[1-2]", ("reload", "as postgres")), ("db3", ("reload", "as root"))]


def test_what_was_rendered_for_this_visit_is_what_is_shown() -> None:
    work = step(
        "1.1", CommandAction(shell="echo {{ one.stdout }}"), awaits=("one",), env={"REGION": "{{ one.stdout }}"}
    )
    entered = StepEntered(
        step="1.1",
        hosts=("db1",),
        rendered={"*": CommandAction(shell="echo eu")},
        around={"*": Surroundings(env={"REGION": "eu"})},
    )
    story = Story(plan(work)).start("db1").add(entered)
    (text,) = shown_texts(story.run, story.run.steps["1.1"])
    assert text.lines == ("echo eu", "with REGION=eu")
