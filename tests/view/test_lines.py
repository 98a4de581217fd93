"""A run told in lines."""

from __future__ import annotations

from runbook.core.events.event import HostExcluded, NoteAdded, SessionOpened, StepSkipped
from runbook.core.host import Host
from runbook.core.planned.action import CONTROLLER
from runbook.view.story import telling
from runbook.view.story.lines import clock_label, columns, narrate, output_line
from tests.builders import ANNA, RUN_ID, Story, plan, step
from tests.stories import failover, resumed, stopped


def told(tale: Story) -> list[str]:
    runs = [None, *tale.before, tale.run]
    return [
        text
        for before, after, entry in zip(runs, runs[1:], tale.entries, strict=False)
        for text in narrate(before, after, entry)
    ]


def test_a_failover_told_in_lines(snapshot: object) -> None:
    assert "\n".join(told(failover())) == snapshot


def test_a_doubt_is_told_as_a_doubt_and_so_is_the_decision_about_it(snapshot: object) -> None:
    assert "\n".join(told(stopped())) == snapshot


def test_a_resumed_run_says_who_took_it_on(snapshot: object) -> None:
    assert "\n".join(told(resumed())) == snapshot


def test_the_machine_that_runs_the_runbook_is_not_counted_as_a_host() -> None:
    hosts = tuple(Host(name=name) for name in ("db1", "db2", "app1", CONTROLLER))
    tale = Story(plan(step("1.1"), hosts=hosts))
    assert told(tale)[1] == f"04:12:00 -          -    | run {RUN_ID} in lab on 3 hosts by anna"


def test_every_line_has_its_time_host_and_step_in_columns() -> None:
    tale = Story(plan(step("1.1", hosts=("db1",)))).wait(75.0)
    tale.add(HostExcluded(host="db1", reason="two\nlines", by=ANNA))
    assert told(tale)[-2:] == [
        "04:13:15 db1  -    | takes no further part by anna: two",
        "04:13:15 db1  -    |       lines",
    ]


def test_a_skip_tells_the_expression_and_its_values() -> None:
    tale = Story(plan(step("1.1")))
    tale.add(StepSkipped(step="1.1", reason="condition is false", expression="lag.rc == 0", values={"lag.rc": 1}))
    assert told(tale)[-1] == "04:12:00 -    1.1  | SKIP  Step 1.1: condition is false (lag.rc == 0 with lag.rc=1)"


def test_nothing_in_a_line_drives_the_terminal() -> None:
    tale = Story(plan(step("1.1"))).add(NoteAdded(text="a\x1b]0;x\x07b\rc\u202e", by=ANNA))
    assert told(tale)[-2:] == ["04:12:00 -    -    | note by anna: ab", "04:12:00 -    -    |       c<U+202E>"]


def test_output_is_set_in_so_that_it_never_passes_for_our_own_words() -> None:
    tale = Story(plan(step("1.1")))
    line = output_line(
        "2026-11-23T04:12:01.500Z",
        host="db1",
        step="1.1",
        data=b"04:12:01 -  - | ended\x1b[1m",
        width=columns(tale.run),
    )
    assert line == "04:12:01 db1  1.1  |   04:12:01 -  - | ended"


def test_a_time_that_is_none_leaves_dashes() -> None:
    assert [clock_label(""), clock_label("\x1b[1m"), clock_label("2026-11-23T04:12:01Z")] == [
        "--:--:--",
        "--:--:--",
        "04:12:01",
    ]


def test_that_the_controller_is_there_is_no_news() -> None:
    assert telling.session_opened(SessionOpened(host="controller", user="ops")) == ()
    assert [said.text for said in telling.session_opened(SessionOpened(host="db1", user="ops"))] == ["connected as ops"]
