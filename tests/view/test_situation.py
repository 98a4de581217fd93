"""What is to come, what holds, and what is shown where room is short: each from the run's facts alone."""

from __future__ import annotations

import pytest

from runbook.core.events.fault_event import FaultArming, FaultInjected, FaultPresent, FaultReverted
from runbook.core.milestone_name import Milestone
from runbook.core.planned.plan import Objectives
from runbook.view.clock import recovery_clock
from runbook.view.look.canvas import Canvas
from runbook.view.look.cells import cells, fitted
from runbook.view.look.digits import big
from runbook.view.look.glyphs import ASCII, UNICODE, choose
from runbook.view.look.numbers import Wall, lasting, left_of, signed
from runbook.view.look.part import text_of
from runbook.view.nodeset import broken_set, cut_set
from runbook.view.situation.axis import Axis, axis_for, ruler
from runbook.view.situation.facts import facts_of
from runbook.view.situation.forecast import Forecast, forecast
from runbook.view.situation.geometry import Needs, Rect, arrange, axis_room
from runbook.view.situation.leases import fault_facts, fault_line, fault_strips
from runbook.view.situation.past import PastRun, past_run, percentile
from runbook.view.situation.service import Span, strips
from runbook.view.situation.wanted import wanted
from tests.builders import ANNA, BEN, Story, plan, section, step
from tests.stories import failover, failover_plan
from tests.view.test_clock import PROBE


def told(*expected: float, rto: float | None = 60.0, **fields: object) -> Story:
    """An outage five seconds ago, and steps of so many planned seconds ahead; 0 says none."""
    steps = [step(f"1.{number}", expected=seconds) for number, seconds in enumerate(expected, 1)]
    steps.append(step("1.9", expected=1.0, sets=Milestone.SERVICE_RESTORED))
    tale = Story(plan(sections=(section("1", *steps, **fields),), probes=(PROBE,), objectives=Objectives(rto=rto)))
    return tale.start().sample("write-ok", True, False, every=1.0, took=0.0).wait(4.0)


def foreseen(tale: Story, *past: PastRun) -> Forecast:
    return forecast(tale.run, tale.now, recovery_clock(tale.run, tale.now), past)


def ran(**took: float) -> PastRun:
    return PastRun(run="r", started="", took={name.replace("_", "."): seconds for name, seconds in took.items()})


# --- the estimate -----------------------------------------------------------------------------------------------------


def test_with_a_plan_and_no_earlier_run_there_is_a_point_and_no_spread() -> None:
    assert foreseen(told(20.0)) == Forecast(word="ON COURSE", eta=26.0, source="plan only")


def test_a_plan_alone_is_called_tight_when_it_comes_within_a_fifth_of_the_limit() -> None:
    assert [foreseen(told(seconds)).word for seconds in (40.0, 50.0, 60.0)] == ["ON COURSE", "TIGHT", "LATE"]


def test_without_a_plan_for_something_ahead_and_without_history_there_is_no_number_at_all() -> None:
    assert foreseen(told(20.0, 0.0)) == Forecast(word="NO ETA")


def test_a_step_without_a_plan_takes_what_its_section_leaves_or_what_it_took_before() -> None:
    assert foreseen(told(20.0, 0.0, expected=31.0)).eta == 5.0 + 20.0 + 10.0 + 1.0
    assert foreseen(told(20.0, 0.0), ran(**{"1_2": 8.0})).eta == 5.0 + 20.0 + 8.0 + 1.0


def test_from_three_earlier_runs_on_there_is_a_spread_of_the_same_remainder() -> None:
    earlier = [ran(**{"1_1": seconds, "1_9": 1.0}) for seconds in (10.0, 20.0, 30.0)]
    found = foreseen(told(20.0), *earlier)
    assert found == Forecast(word="ON COURSE", eta=26.0, low=18.0, high=34.0, source="plan and 3 earlier runs")
    assert foreseen(told(20.0), *earlier[:2]).low is None


@pytest.mark.parametrize(("slowest", "word"), [(30.0, "ON COURSE"), (90.0, "TIGHT"), (None, "LATE")])
def test_a_spread_is_on_course_below_the_limit_tight_across_it_and_late_beyond_it(slowest, word) -> None:
    times = (10.0, 20.0, slowest) if slowest else (70.0, 80.0, 90.0)
    assert foreseen(told(20.0), *(ran(**{"1_1": seconds}) for seconds in times)).word == word


def test_while_people_are_waited_for_the_estimate_only_grows() -> None:
    assert foreseen(told(20.0).ask("1.1", "before")).waits


def test_a_limit_that_has_passed_is_over_whatever_is_foreseen() -> None:
    assert foreseen(told(20.0).wait(60.0)).word == "OVER"


def test_where_nothing_was_promised_no_word_is_said() -> None:
    assert foreseen(told(20.0, rto=None)) == Forecast(word="", eta=26.0, source="plan only")


def test_what_a_run_teaches_is_how_long_its_steps_took_and_how_it_came_out() -> None:
    taught = past_run(failover().run)
    assert (taught.verdict, taught.objective, taught.led_by, taught.took["2.2"]) == ("completed", "met", "anna", 9.0)
    assert [percentile([3.0, 1.0, 2.0], share) for share in (0.0, 0.5, 0.9, 1.0)] == [1.0, 2.0, 2.8, 3.0]
    assert percentile([], 0.5) == 0.0


# --- the service ------------------------------------------------------------------------------------------------------


def test_a_strip_is_good_bad_and_not_known_where_nobody_answered() -> None:
    tale = told(20.0)
    strip = strips(tale.run, 20.0)[0]
    assert strip.spans == (Span(1.0, 2.0, "good"), Span(2.0, 2.0, "bad"), Span(2.0, 20.0, "unknown"))
    assert strip.word == "UNK"


def test_nothing_bad_is_ever_rounded_away_and_all_bad_is_a_full_cell() -> None:
    assert [UNICODE.cell(share) for share in (0.0, 0.001, 0.4, 0.9, 1.0)] == ["▁", "▃", "▅", "▆", "▇"]


def test_a_canary_says_how_many_writes_were_lost_and_where_the_first_of_them_was() -> None:
    canary = strips(failover().run, failover().now)[-1]
    assert (canary.name, canary.remark, len(canary.lost_at)) == ("canary", "1 lost", 1)


# --- faults -----------------------------------------------------------------------------------------------------------

BROKEN = {"step": "1.1", "host": "db1", "number": 1}


def broken() -> Story:
    arming = FaultArming(**BROKEN, fault="cpu", lease_id="x", lease=30.0, limit=300.0, duration=100.0)
    return told(20.0).add(arming, FaultInjected(**BROKEN)).wait(10.0)


def facts_of_fault(tale: Story) -> str:
    return text_of(fault_facts(fault_strips(tale.run, tale.now)[0], tale.now))


def test_a_live_fault_says_when_it_heals_by_itself() -> None:
    tale = broken()
    assert facts_of_fault(tale) == "LEASE 1:30  then heals"
    assert text_of(fault_line(fault_strips(tale.run, tale.now), tale.now)) == "FAULT  Step 1.1 LEASE 1:30"


def test_a_fault_past_its_time_or_tried_in_vain_is_stuck() -> None:
    assert facts_of_fault(broken().wait(100.0)) == "STUCK  still there"
    assert facts_of_fault(broken().add(FaultPresent(**BROKEN, known=True))) == "STUCK  still there"


def test_a_lifted_fault_says_who_lifted_it_and_is_on_no_line_of_live_ones() -> None:
    tale = broken().add(FaultReverted(**BROKEN, by="lease"))
    assert facts_of_fault(tale) == " 0:10  lifted by lease"
    assert fault_line(fault_strips(tale.run, tale.now), tale.now) == ()


# --- what is wanted ---------------------------------------------------------------------------------------------------


def said(tale: Story, me=ANNA, **fields: object) -> str:
    parts, aside = wanted(facts_of(tale.run, tale.now, me=me, **fields))
    return f"{text_of(parts)} {text_of(aside)}".rstrip()


def test_a_gate_is_mine_where_i_may_answer_and_somebody_elses_where_i_may_not() -> None:
    tale = Story(failover_plan()).start().ran("0.1").ask("2.1", "approve", choices=("approve", "reject")).wait(61.0)
    assert said(tale, BEN) == " YOU ANSWER  gate 2.1 Declare, asked 1:01 ago a opens it"
    assert said(tale, ANNA) == "OTHERS DECIDE  gate 2.1 Declare, asked 1:01 ago; dba-lead may"


def test_when_nothing_is_wanted_the_next_question_is_named() -> None:
    assert said(Story(failover_plan()).start()) == "NOTHING FOR YOU NOW  Next: gate 1.2 Start the outage?."


def test_a_runner_that_is_gone_comes_before_everything() -> None:
    assert said(told(20.0).ask("1.1", "before"), gone="it went away").startswith(" RUNNER LOST  it went away")


def test_a_service_that_is_down_although_nobody_broke_it_is_said_first() -> None:
    tale = Story(failover_plan(kind="operation")).start().sample("write-ok", True, False)
    assert said(tale).startswith(" DOWN  write-ok 0:00")


# --- places -----------------------------------------------------------------------------------------------------------

NEEDS = Needs(situation=7, steps=30, hosts=6, notes=5, below=1)


@pytest.mark.parametrize("width", [60, 80, 99, 100, 120, 139, 140, 160, 200])
@pytest.mark.parametrize("height", [16, 18, 20, 24, 30, 36, 40, 48, 60])
def test_panes_fill_their_room_without_gap_or_overlap_and_the_steps_are_always_there(width, height) -> None:
    room = axis_room(width, height)
    rows = {"large": 5, "small": 2}[room.size] + room.probes
    needs = Needs(situation=rows, steps=30, hosts=6, notes=5, below=1)
    found = arrange(width, height, needs)
    taken = [
        (x, y)
        for rect in found.values()
        for x in range(rect.x, rect.x + rect.width)
        for y in range(rect.y, rect.y + rect.height)
    ]
    assert len(taken) == len(set(taken)) == width * max(0, height - 2 - rows - 2)
    assert found["steps"].height >= 3


def test_a_zoomed_pane_has_all_the_room() -> None:
    assert arrange(80, 24, NEEDS, zoomed="output") == {"output": Rect(0, 9, 80, 13)}


def test_the_axis_begins_at_a_whole_minute_and_grows_in_steps_only() -> None:
    run = told(20.0).run
    assert axis_for(run, 300.0, 900.0, 100) == Axis(begin=120.0, cell=10.0, cells=100)
    assert {axis_for(run, 300.0, until, 100).cell for until in range(900, 1060)} == {10.0}
    assert ruler(Axis(begin=0.0, cell=30.0, cells=25), run.started)[:2] == ((6, "04:15"), (16, "04:20"))


# --- numbers and shapes -----------------------------------------------------------------------------------------------


def test_lengths_never_turn_to_milliseconds_and_what_is_left_and_used_add_up() -> None:
    assert [lasting(seconds) for seconds in (0.4, 59.9, 127.0, 3723.0, 41 * 86400.0)] == [
        "0:00",
        "0:59",
        "2:07",
        "1:02:03",
        "41 d",
    ]
    assert [signed(seconds) for seconds in (34.0, -13.2)] == ["+0:34", "-0:13"]
    assert left_of(1800.0, 1039.7) + int(1039.7) == 1800


def test_wall_times_come_from_the_record_and_a_label_that_cannot_be_read_is_no_fault() -> None:
    assert Wall("2026-11-27T02:47:10.000Z").millis(1.25) == "02:47:11.250"
    assert Wall("yesterday").date(0.0) == "1970-01-01"
    assert Wall("2026-11-27T02:47:10Z").seconds(1e18) == "23:59:59"


@pytest.mark.parametrize(
    ("environment", "encodings", "glyphs"),
    [
        ({"TERM": "xterm"}, ("utf-8", "UTF-8"), UNICODE),
        ({"TERM": "xterm"}, ("utf-8", "iso-8859-1"), ASCII),
        ({"TERM": "xterm"}, ("utf-8", None), ASCII),
        ({"TERM": "xterm"}, ("no-such",), ASCII),
        ({"TERM": "linux"}, ("utf-8",), ASCII),
        ({"TERM": "vt220"}, ("utf-8",), ASCII),
        ({}, ("utf-8",), ASCII),
        ({"TERM": "xterm", "LANG": "ja_JP.UTF-8"}, ("utf-8",), ASCII),
        ({"TERM": "xterm", "LANG": "ja_JP.UTF-8", "LC_ALL": "C.UTF-8"}, ("utf-8",), UNICODE),
        ({"TERM": "linux", "RUNBOOK_GLYPHS": "unicode"}, (None,), UNICODE),
        ({"TERM": "xterm", "RUNBOOK_GLYPHS": "ascii"}, ("utf-8",), ASCII),
    ],
)
def test_shapes_follow_the_encoding_the_terminal_and_the_language(environment, encodings, glyphs) -> None:
    assert choose(environment, encodings) is glyphs


def test_both_columns_of_shapes_have_the_same_width_and_the_second_is_ascii() -> None:
    pairs = [(getattr(UNICODE, name), getattr(ASCII, name)) for name in UNICODE.__struct_fields__ if name != "digits"]
    assert {(cells(one), cells(other), other.isascii()) for one, other in pairs} == {(1, 1, True), (7, 7, True)}


def test_big_digits_are_three_rows_of_the_same_width() -> None:
    for glyphs in (UNICODE, ASCII):
        assert len({len(row) for row in big("0123456789:", glyphs)}) == 1


def test_a_canvas_lets_the_last_one_win_and_leaves_out_what_stands_outside() -> None:
    assert text_of(Canvas(6).put(0, "abcdef").put(2, "漢").put(5, "漢").put(-1, "xy").row()) == "yb漢ef"


def test_text_is_cut_at_cells_and_never_in_the_middle_of_one() -> None:
    assert [fitted("漢字ab", width) for width in (6, 5, 4, 2)] == ["漢字ab", "漢字~", "漢~ ", "~ "]


def test_a_set_of_hosts_is_broken_at_commas_or_says_how_many_it_does_not_name() -> None:
    folded = "app[01-08,10-13,15-21,23-26]"
    assert cut_set(folded, 40) == folded
    assert cut_set(folded, 20) == "app[01-08,10-13]+11"
    assert broken_set(folded, 18) == ("app[01-08,10-13,", "    15-21,23-26]")
